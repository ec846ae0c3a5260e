"""What is read of passages for a proof. The same passages are found again and again, so it is kept: that is most of a
proof's time.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from chatbot_saas.adapters.llm.units import introduces
from chatbot_saas.core.text import split_sentences
from chatbot_saas.services.denials import denial, is_about
from chatbot_saas.services.figures import Figure, Figures, figures, values
from chatbot_saas.services.overlap import Vocabulary, light_words, words_of
from chatbot_saas.services.roles import Item, items_of

_CLAUSE = re.compile(
    r"[,;:](?=\s)|[.!?](?=\s)|[，；：。！？]|\s[–—|]\s|——|\n|\b(?:and|but|while|whereas|because|und|aber|während|sondern|weil)\b|而|但"
)
_ITEM = re.compile(r"[-*+•‣◦▪–]\s|\d{1,2}[.)、]")
_FIRST = re.compile(r"[\d.,:]+|[^\W\d_\u3040-\uffff]+|[零〇一二两兩三四五六七八九十百千万半]+")
COUNTED = 3


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence between commas and the like."""

    words: frozenset[str]
    """Those that say something."""
    items: tuple[Item, ...]
    """The same in order, with what tells their roles."""
    denied: frozenset[str]
    """Those that are denied; see services.denials."""
    hinted: bool
    """Whether anything denies, or may."""
    figures: Figures
    values: frozenset[str]
    counts: tuple[tuple[Figure, tuple[str, ...]], ...]
    """Each number with the words behind it that say something, the nearest first."""


class Line(NamedTuple):
    """A sentence of a passage."""

    begin: int
    end: int
    words: frozenset[str]
    length: int
    """Of all its words."""
    led_by: tuple[int, ...]
    """The places of the lines whose words it holds, too: what introduces it, and the head of its table."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A passage's text, read."""

    lines: tuple[Line, ...]
    vocabulary: Vocabulary

    def holders(self, word: str) -> list[int]:
        """The places of the lines that hold it."""
        if word not in self.vocabulary.words:
            return []
        return [place for place, line in enumerate(self.lines) if word in line.words]


@lru_cache(500)
def reading_of(text: str, first: int, language: str) -> Reading:
    """Of the sentences that begin at `first` or later."""
    spans = [(begin, end) for begin, end in split_sentences(text) if begin >= first]
    sentences = [text[begin:end] for begin, end in spans]
    lines = tuple(
        Line(*span, *words_said(sentence, language), leaders)
        for span, sentence, leaders in zip(spans, sentences, _led_by(sentences), strict=True)
    )
    return Reading(lines, Vocabulary(frozenset[str]().union(*[line.words for line in lines])))


def _led_by(sentences: Sequence[str]) -> Iterator[tuple[int, ...]]:
    """The heading above each sentence, or the line that introduces it, and the head of its table."""
    leading = head = None
    for place, sentence in enumerate(sentences):
        is_row = sentence.startswith("|")
        yield tuple(leader for leader in (head if is_row else None, leading) if leader is not None)
        head = (place if head is None else head) if is_row else None
        if not is_row and not _ITEM.match(sentence) and (introduces(sentence) or sentence.endswith((":", "："))):
            leading = place


@lru_cache(10_000)
def words_said(sentence: str, language: str) -> tuple[frozenset[str], int]:
    """The words that say something, and how many words there are."""
    words = words_of(sentence, language)
    return frozenset(words) - light_words(language), len(words)


@lru_cache(5_000)
def clauses_of(text: str, language: str) -> tuple[Clause, ...]:
    clauses: list[Clause] = []
    light = light_words(language)
    for part in _CLAUSE.split(text):
        words = words_of(part, language)
        content = [place for place, word in enumerate(words) if word not in light]
        said = denial(words, content, language)
        if said.hinted and clauses and words[0] in light:
            _reach_back(clauses, words, language)
        if content:
            found = figures(part)
            clauses.append(
                Clause(
                    frozenset([words[place] for place in content]),
                    items_of(words, content, part, language),
                    frozenset([words[place] for place in said.scope]),
                    said.hinted,
                    found,
                    values(found.numbers),
                    _counts(part, found.numbers, light, language) if found.numbers else (),
                )
            )
    return tuple(clauses)


def _counts(
    text: str, numbers: tuple[Figure, ...], light: frozenset[str], language: str
) -> tuple[tuple[Figure, tuple[str, ...]], ...]:
    ends = [*[figure.start for figure in numbers[1:]], len(text)]
    found: list[tuple[Figure, tuple[str, ...]]] = []
    for figure, end in zip(numbers, ends, strict=True):
        behind = _FIRST.sub("", text[figure.start : end], count=1)
        words = [word for word in words_of(behind, language) if word not in light and not word.isdigit()]
        found.append((figure, tuple(words[:COUNTED])))
    return tuple(found)


def _reach_back(clauses: list[Clause], words: list[str], language: str) -> None:
    """`A, also B, is forbidden` denies A and B; `A, which does not fit` hints at it."""
    if is_about(words, language):
        clauses[0] = replace(clauses[0], denied=clauses[0].words, hinted=True)
    clauses[-1] = replace(clauses[-1], hinted=True)
