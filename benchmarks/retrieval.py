"""How well passages are found, beside BM25 and plain vectors: `python -m benchmarks.retrieval`. Two minutes of
processor time.

docs/quality.md says what it found and how to read it. The exit code is 1 where ours is below one of the others.
"""

import asyncio
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import bm25s  # pyright: ignore[reportMissingTypeStubs]
import numpy as np
import snowballstemmer  # pyright: ignore[reportMissingTypeStubs]

from benchmarks.asking import BOTS, LANGUAGES, PASSAGES, Answers, Asked, Rows, ask_everything, rows
from benchmarks.quoting import ask, bare
from chatbot_saas.adapters.llm.extractive import ExtractiveChatModel
from chatbot_saas.adapters.tokens import EstimatingCounter

RESAMPLES = 2000
WAYS = ("BM25", "vectors", "ours")
MEASURES = ("hit@1", "hit@5", "MRR@10", "AUC", "fact quoted")
_WORDS = re.compile(r"[a-z0-9äöüß]+|[\u4e00-\u9fff]+")
_STEMMERS = {
    language: snowballstemmer.stemmer({"de": "german"}.get(language, "english")).stemWord for language in LANGUAGES
}


@dataclass
class Figures:
    """Of a row and a way of searching, one for each question."""

    ranks: list[int] = field(default_factory=list[int])
    """Of the right passage, of answerable questions; 0: not found."""
    scores: list[float] = field(default_factory=list[float])
    answerable: list[bool] = field(default_factory=list[bool])
    quoted: list[bool] = field(default_factory=list[bool])

    def of(self, measure: str, resample: np.random.Generator | None = None) -> float:
        if measure == "AUC":
            places = _resampled(len(self.scores), resample)
            return auc(np.array(self.answerable)[places], np.array(self.scores)[places])
        values = np.array(self.quoted if measure == "fact quoted" else self.ranks)
        values = values[_resampled(len(values), resample)]
        return float(MEASURE[measure](values).mean())


MEASURE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "hit@1": lambda ranks: ranks == 1,
    "hit@5": lambda ranks: (ranks >= 1) & (ranks <= 5),
    "MRR@10": lambda ranks: np.where((ranks >= 1) & (ranks <= 10), 1 / np.maximum(ranks, 1), 0),
    "fact quoted": lambda quoted: quoted,
}


def _resampled(count: int, resample: np.random.Generator | None) -> np.ndarray:
    return np.arange(count) if resample is None else resample.integers(0, count, count)


def auc(answerable: np.ndarray, scores: np.ndarray) -> float:
    """The chance that an answerable question scores above an unanswerable one (Mann and Whitney 1947)."""
    yes, no = scores[answerable.astype(bool)], np.sort(scores[~answerable.astype(bool)])
    below, upto = np.searchsorted(no, yes, "left"), np.searchsorted(no, yes, "right")
    return float((below + upto).sum() / 2 / max(1, len(yes) * len(no)))


def interval(figures: Figures, measure: str) -> tuple[float, float]:
    """95 %, by the bootstrap, which draws the same questions for every way of searching."""
    chance = np.random.default_rng(7)
    low, high = np.percentile([figures.of(measure, chance) for _ in range(RESAMPLES)], [2.5, 97.5])
    return float(low), float(high)


class Bm25:
    """The library's, over what our own search reads: document, heading, text; stems, and pairs of Chinese signs."""

    def __init__(self, languages: Sequence[str]) -> None:
        texts = [(row, language) for language in languages for row in rows(language, "passages")]
        self._ids = [row["id"] for row, _ in texts]
        self._search = bm25s.BM25()
        read = [_tokens(f"{row['document']} {row['heading']} {row['text']}", language) for row, language in texts]
        self._search.index(read, show_progress=False)

    def find(self, asked: Asked) -> tuple[list[str], float]:
        scores = self._search.get_scores(_tokens(asked.question["question"], asked.language))
        order = [place for place in np.argsort(-scores, kind="stable")[:30] if scores[place] > 0]
        return [self._ids[place] for place in order], float(scores.max())


def _tokens(text: str, language: str) -> list[str]:
    found: list[str] = []
    for word in _WORDS.findall(text.lower()):
        if word[0] < "\u4e00":
            found.append(_STEMMERS[language](word))
        else:
            found.extend(word[place : place + 2] for place in range(max(1, len(word) - 1)))
    return found


def by_vectors(answers: Answers, asked: Asked) -> tuple[list[str], float]:
    near = [passage for passage in asked.ranked if passage.vector_score is not None]
    near.sort(key=lambda passage: -(passage.vector_score or 0.0))
    return answers.ids(near), (near[0].vector_score or 0.0) if near else 0.0


async def measure(name: str, answers: Answers) -> dict[str, Figures]:
    texts: dict[str, Rows] = {language: rows(language, "passages") for language in BOTS[name]}
    known = {row["id"]: row for language in texts for row in texts[language]}
    words, model = Bm25(BOTS[name]), ExtractiveChatModel(EstimatingCounter())
    figures = {way: Figures() for way in WAYS}
    for asked in answers.asked:
        found = {
            "BM25": words.find(asked),
            "vectors": by_vectors(answers, asked),
            "ours": (answers.ids(asked.ranked), asked.got.answerability),
        }
        for way, (ids, score) in found.items():
            kept = figures[way]
            kept.scores.append(score)
            kept.answerable.append(asked.answerable)
            if not asked.answerable:
                continue
            right = asked.question["passage"]
            kept.ranks.append(ids.index(right) + 1 if right in ids else 0)
            given = [known[found_id] for found_id in ids[:PASSAGES]]
            answer = bare(await ask(model, asked.question["question"], given)) if given else ""
            kept.quoted.append(any(bare(fact) in answer for fact in asked.question["fact"]))
    return figures


def table(results: dict[str, dict[str, Figures]]) -> list[str]:
    lines = [f"| bot | way | {' | '.join(MEASURES)} |", f"|---|---|{'---|' * len(MEASURES)}"]
    for name, figures in results.items():
        for way in WAYS:
            cells: list[str] = []
            for each in MEASURES:
                low, high = interval(figures[way], each)
                cells.append(f"{figures[way].of(each):.3f} ({low:.2f}–{high:.2f})")
            lines.append(f"| {name} | {way} | {' | '.join(cells)} |")
    return lines


def shortfalls(results: dict[str, dict[str, Figures]]) -> list[str]:
    """Where ours is below another way, and the averages of both where it is not above on average."""
    below = [
        f"{name}: {each} is {figures['ours'].of(each):.3f}, {way} has {figures[way].of(each):.3f}"
        for name, figures in results.items()
        for each in MEASURES
        for way in WAYS[:2]
        if figures["ours"].of(each) < figures[way].of(each) - 1e-9
    ]
    for each in MEASURES:
        average = {way: np.mean([figures[way].of(each) for figures in results.values()]) for way in WAYS}
        if average["ours"] <= max(average["BM25"], average["vectors"]):
            below.append(f"on average: {each} is {average['ours']:.3f}")
    return below


async def main() -> int:
    answers = await ask_everything()
    results = {name: await measure(name, answers[name]) for name in BOTS}
    print("\n".join(table(results)))
    below = shortfalls(results)
    print("\n".join(below) or "ours is below neither in any row, and ahead on average")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
