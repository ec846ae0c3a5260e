"""How much of a sentence of an answer the sentences of passages hold, by words and their weights."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from chatbot_saas.services.figures import Figures
from chatbot_saas.services.readings import Clause

MOST_SENTENCES = 3
"""Of a span."""
FRAMED = 0.5


class Unit(NamedTuple):
    """A sentence of a passage."""

    passage: int
    begin: int
    end: int
    words: frozenset[str]
    length: int
    """Of all its words."""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of an answer, prepared."""

    text: str
    weights: dict[str, float]
    """Of its words that say something; `#` and a place for each figure."""
    like: dict[str, dict[str, float]]
    """By word of the passages: how much it says of which words of the sentence."""
    clauses: tuple[Clause, ...]
    figures: Figures
    marks: list[int]
    names: list[str]
    held: dict[frozenset[str], dict[str, float]] = field(default_factory=dict[frozenset[str], dict[str, float]])
    """What `holds` found; it is asked of the same words again and again."""

    def holds(self, words: frozenset[str]) -> dict[str, float]:
        """By word of the sentence: how much of it is among the words of a passage."""
        if words in self.held:
            return self.held[words]
        held = self.held[words] = {}
        for other in words & self.like.keys():
            for word, share in self.like[other].items():
                held[word] = max(held.get(word, 0.0), share)
        return held


def shares(said: Said, spans: Sequence[list[Unit]], frames: Sequence[frozenset[str]]) -> list[float]:
    """How much of the sentence's words each span holds, taken that it holds its figures.

    `frames`: by passage, the words of its title and headings.
    """
    total = sum(said.weights.values())
    if not total or not spans:
        return [0.0] * len(spans)
    columns = {word: column for column, word in enumerate(said.weights)}

    def worth(words: frozenset[str]) -> np.ndarray:
        row = np.zeros(len(columns))
        for word, share in said.holds(words).items():
            row[columns[word]] = said.weights[word] * share
        return row

    around = {number: FRAMED * worth(frames[number]) for number in {units[0].passage for units in spans}}
    places: dict[tuple[int, int], int] = {}
    rows: list[np.ndarray] = []
    chosen: list[list[int]] = []
    for units in spans:
        chosen.append([])
        for unit in units:
            place = places.setdefault((unit.passage, unit.begin), len(rows))
            if place == len(rows):
                rows.append(np.maximum(worth(unit.words), around[unit.passage]))
            chosen[-1].append(place)
        chosen[-1] += chosen[-1][-1:] * (MOST_SENTENCES - len(units))
    best = np.stack(rows)[np.array(chosen)].max(axis=1).sum(axis=1)
    numbers = sum(said.weights[f"#{figure.start}"] for figure in said.figures.numbers)
    return ((numbers + best) / total).tolist()
