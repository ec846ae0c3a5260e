"""How likely the retrieved passages hold the answer, and what follows from it. Pure, and no model is asked.

A logistic regression over what retrieval knows anyway. Its features are shares and not raw scores, so that embedders
of other scales fit: a cosine counts from where unrelated texts lie, and only as far as the embedder knows the language.
"""

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from chatbot_saas.core.text import split_sentences
from chatbot_saas.schemas.bots import AnswerMode
from chatbot_saas.services.candidates import BotIndex, Found
from chatbot_saas.services.fusion import TRUSTED, vector_weight
from chatbot_saas.services.lexical import query_terms, tokens

Decision = Literal["answer", "clarify", "refuse"]

FEATURES = ("similarity", "coverage", "window", "missing number", "spread")
BIAS = -1.755
COEFFICIENTS = (1.1, 2.5, 0.38, -1.0, 0.6)
"""Fitted by `python -m benchmarks.retrieval`: ridge logistic regression over the questions of benchmarks/quality,
where questions with an answer, far from the subject, and near it weigh 2 : 1 : 1. docs/quality.md has what came out
when each language, and each fifth of the documents, was left out."""
_UNRELATED = 0.12
"""Cosine at which texts have nothing in common: for MiniLM and text-embedding-3-small alike."""
_RELATED = 0.45
"""How much more it is for a passage that answers."""
_THRESHOLDS: dict[AnswerMode, tuple[float, float]] = {
    "strict": (0.3, 0.5),
    "balanced": (0.2, 0.37),
    "helpful": (0.1, 0.33),
}
"""Least probability for an answer: of a model that can say itself that it is not there, and of one that only quotes."""
_CLARIFY = 0.8
"""From this share of the threshold on, a bot asks back."""
_NUMBER = re.compile(r"\d+")
_SENTENCES = 40
_MOST_CHOICES, _LONGEST_CHOICE = 4, 80


def probability(question: str, index: BotIndex, found: Sequence[Found], language: str = "") -> float:
    """From 0 to 1. `found`: passages, best first; `language`: the question's, two letters."""
    if not found:
        return 0.0
    values = features(question, index, found, language or index.language)
    return 1 / (1 + math.exp(-BIAS - sum(c * v for c, v in zip(COEFFICIENTS, values, strict=True))))


def decide(likely: float, mode: AnswerMode, *, quotes: bool) -> Decision:
    """What a bot does. `quotes`: its answerer only quotes, and cannot tell that the passages do not hold the answer."""
    least = _THRESHOLDS[mode][quotes]
    if likely >= least:
        return "answer"
    return "clarify" if likely >= _CLARIFY * least else "refuse"


def clarifications(found: Sequence[Found]) -> list[str]:
    """Two to four different subjects of the best passages, to choose from; [] where there are not two."""
    choices: dict[str, str] = {}
    for passage in found:
        words = passage.question or (passage.headings[-1] if passage.headings else passage.title)
        words = " ".join(words.split()).strip("#* ")
        if words and len(words) <= _LONGEST_CHOICE:
            choices.setdefault(words.casefold(), words)
    return list(choices.values())[:_MOST_CHOICES] if len(choices) > 1 else []


def features(question: str, index: BotIndex, found: Sequence[Found], language: str) -> tuple[float, ...]:
    """The values of `FEATURES`, each about 0 to 1."""
    trust = _trust(index, language)
    similar = sorted((passage.vector_score for passage in found if passage.vector_score is not None), reverse=True)
    best = similar[0] if similar else 0.0
    covered = sorted((passage.coverage for passage in found), reverse=True)
    return (
        trust * _clipped((best - _UNRELATED) / _RELATED),
        covered[0],
        _window(found[0], set(query_terms(question, index.language)), index.language),
        _missing_numbers(question, found),
        covered[0] - (covered[1] if len(covered) > 1 else 0.0),
    )


def _trust(index: BotIndex, language: str) -> float:
    """In the embedder, for this language, whatever weight the owner gave it."""
    neutral = BotIndex(index.bot_id, index.embedder, index.dimension, index.language)
    return vector_weight(neutral, language) / TRUSTED


def _clipped(value: float) -> float:
    return min(1.5, max(0.0, value))


def _window(passage: Found, asked: set[str], language: str) -> float:
    """The largest share of the question's words that two sentences in a row hold."""
    if not asked:
        return 0.0
    sentences = [
        asked.intersection(tokens(passage.text[begin:end], language))
        for begin, end in split_sentences(passage.text)[:_SENTENCES]
    ]
    pairs = [one | two for one, two in pairwise(sentences)] or sentences
    return max((len(pair) for pair in pairs), default=0) / len(asked)


def _missing_numbers(question: str, found: Sequence[Found]) -> float:
    """The share of the question's numbers that no passage holds."""
    asked = set(_NUMBER.findall(question))
    if not asked:
        return 0.0
    held = {number for passage in found for number in _NUMBER.findall(f"{passage.title} {passage.text}")}
    return len(asked - held) / len(asked)
