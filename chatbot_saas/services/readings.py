"""What is read of passages for a proof. The same passages are found again and again, so it is kept: that is most of a
proof's time.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from chatbot_saas.core.text import split_sentences
from chatbot_saas.services.figures import Figures, figures, values
from chatbot_saas.services.overlap import Vocabulary, denied_at, light_words, words_of

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


class Line(NamedTuple):
    """A sentence of a passage."""

    begin: int
    end: int
    words: frozenset[str]
    length: int
    """Of all its words."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A passage's text, read."""

    lines: tuple[Line, ...]
    holders: dict[str, tuple[int, ...]]
    """By word: the places of the lines that hold it."""
    vocabulary: Vocabulary


@lru_cache(200)
def reading_of(text: str, first: int, language: str) -> Reading:
    """Of the sentences that begin at `first` or later."""
    spans = [(begin, end) for begin, end in split_sentences(text) if begin >= first]
    lines = tuple(Line(begin, end, *words_said(text[begin:end], language)) for begin, end in spans)
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for place, line in enumerate(lines):
        for word in line.words:
            holders[word].append(place)
    return Reading(lines, {word: tuple(places) for word, places in holders.items()}, Vocabulary(holders))


@lru_cache(2_000)
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
