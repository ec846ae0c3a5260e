"""What is read of passages for a proof. The same passages are found again and again, so it is kept: that is most of a
proof's time.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from chatbot_saas.core.text import split_sentences
from chatbot_saas.services.figures import Figures, figures, values
from chatbot_saas.services.overlap import denied_at, light_words, words_of

_CLAUSE = re.compile(
    r"[,;:](?=\s)|[.!?](?=\s)|[，；：。！？]|\s[–—|]\s|——|\n|\b(?:and|but|while|whereas|because|und|aber|während|sondern|weil)\b|而|但"
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence between commas and the like."""

    words: frozenset[str]
    """Those that say something."""
    denies: bool
    figures: Figures
    values: frozenset[str]


@lru_cache(500)
def spans_of(text: str) -> list[tuple[int, int]]:
    return split_sentences(text)


@lru_cache(5_000)
def words_said(sentence: str, language: str) -> tuple[frozenset[str], int]:
    """The words that say something, and how many words there are."""
    words = words_of(sentence, language)
    return frozenset(words) - light_words(language), len(words)


@lru_cache(5_000)
def clauses_of(text: str, language: str) -> tuple[Clause, ...]:
    clauses: list[Clause] = []
    for part in _CLAUSE.split(text):
        words = words_of(part, language)
        content = frozenset(words) - light_words(language)
        if content:
            found = figures(part)
            denies = bool(denied_at(words, language))
            clauses.append(Clause(content, denies, found, values(found.numbers)))
    return tuple(clauses)
