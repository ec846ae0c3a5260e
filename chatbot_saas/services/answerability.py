"""How likely the passages hold the answer, and what a bot does about it.

A logistic regression over what retrieval found: how much of the question the best text holds (rare words weigh more),
what no passage holds, codes that are nowhere, how far the best passage is ahead, whether a sentence tells what is asked
(services.telling); and, of an embedder that knows the question's language, how near the passages are. Fitted by
benchmarks/answerability.py on the corpora in benchmarks/quality and on the same questions with the document that
answers them taken away; docs/quality.md shows the calibration.
No model is asked.
"""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Literal

from chatbot_saas.adapters import languages
from chatbot_saas.services import telling
from chatbot_saas.services.candidates import BotIndex, Candidates, Found
from chatbot_saas.services.fusion import is_english_only, knows, term_weights

Decision = Literal["answer", "clarify", "refuse"]

SMOOTHING = 15
"""Chunks that a bot is taken to have in addition: of few chunks, nothing can be said of how rare a word is."""
BY_WORDS = (2.438, -1.052, -3.089, 0.286, 2.668, -5.99, -1.449)
BY_WORDS_BIAS = -1.549
BY_MEANING = (1.133, 0.206, -2.417, -0.127, 2.758, -10.025, -3.229, 5.965, 1.7, 0.545)
BY_MEANING_BIAS = -2.828
MEANING_SHARE = 0.4
"""Of both log-odds, where meaning counts at all. By meaning alone, near misses of the very topic look answerable."""
LEAST = {
    # mode: (answer from, ask back from)
    False: {"strict": (0.2, 0.14), "balanced": (0.1, 0.07), "helpful": (0.06, 0.05)},
    True: {"strict": (0.45, 0.35), "balanced": (0.25, 0.17), "helpful": (0.16, 0.11)},
}
"""By whether the answer is only quoted. A model says itself when the passages do not hold it, so it is asked sooner."""
LITTLE = 0.3
"""Of a question's words: names and numbers are the same in other languages."""
AMBIGUOUS_TERMS = 2
AMBIGUOUS_TOPICS = 3
AMBIGUOUS_BELOW = 0.6
CHOICES = 4
LONGEST_CHOICE = 80


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for an answer, in the order of the coefficients."""

    covered: float
    """Share of the question that the best text holds, 0 to 1, rare words weighing more; its title does not count."""
    unknown: float
    """Share that no passage holds."""
    codes_missing: float
    """1 where a code or number of the question is in no passage."""
    length: float
    """log(1 + terms)"""
    ahead: float
    """By how much the best passage covers more than the next, titles included."""
    apart: float
    """By how much what is most about the question exceeds what could answer it."""
    missing: float
    """The heaviest word that no text holds."""
    similarity: float
    """The best cosine."""
    margin: float
    """By how much it is above those of the other passages."""
    agreement: float
    """1 where words and meaning put the same passage first."""


def evidence(question: str, asked: Candidates, found: Sequence[Found], language: str) -> Evidence:
    """`language`: that passages were read in, or `auto`."""
    weights = term_weights(asked, smoothing=SMOOTHING)
    told = telling.told(question, asked.terms, weights, found, language)
    total = sum(weights) or 1.0
    covered = sorted((_covered(passage, weights) / total for passage in found), reverse=True)
    held = [max(strengths) for strengths in zip(*(passage.matched for passage in found), strict=True)]
    held = held or [0.0] * len(weights)
    similarities = sorted((f.vector_score for f in found if f.vector_score is not None), reverse=True) or [0.0]
    others = similarities[1:] or [0.0]
    return Evidence(
        covered=told.held,
        unknown=sum(weight for weight, strength in zip(weights, held, strict=True) if not strength) / total,
        codes_missing=float(
            any(
                term.code and not term.optional and not strength
                for term, strength in zip(asked.terms, held, strict=True)
            )
        ),
        length=math.log(1 + len(asked.terms)),
        ahead=(covered[0] - (covered[1] if len(covered) > 1 else 0.0)) if covered else 0.0,
        apart=told.apart,
        missing=told.missing,
        similarity=similarities[0],
        margin=similarities[0] - sum(others) / len(others),
        agreement=float(bool(found) and (found[0].vector_rank, found[0].lexical_rank) == (1, 1)),
    )


def _covered(passage: Found, weights: Sequence[float]) -> float:
    return sum(weight * strength for weight, strength in zip(weights, passage.matched, strict=True))


def probability(question: str, asked: Candidates, found: Sequence[Found], index: BotIndex, language: str) -> float:
    """That the passages hold the answer to a question in `language`, 0 to 1."""
    if not found:
        return 0.0
    values = astuple(evidence(question, asked, found, index.language))
    odds = _log_odds(values, BY_WORDS, BY_WORDS_BIAS)
    if knows(index.embedder, language) and any(passage.vector_score is not None for passage in found):
        share = 1.0 if _in_another_language(found[0], index, language) else MEANING_SHARE
        odds += share * (_log_odds(values, BY_MEANING, BY_MEANING_BIAS) - odds)
    return 1 / (1 + math.exp(-odds))


def _in_another_language(passage: Found, index: BotIndex, language: str) -> bool:
    """Whether words cannot tell: the passage is in another language, and the embedder knows both."""
    if is_english_only(index.embedder) or passage.coverage >= LITTLE or not languages.ready():
        return False
    return languages.detect(passage.text, language) != language


def _log_odds(values: Sequence[float], coefficients: Sequence[float], bias: float) -> float:
    return bias + sum(value * coefficient for value, coefficient in zip(values, coefficients, strict=False))


def thresholds(mode: str, *, quotes: bool) -> tuple[float, float]:
    """The probabilities from which a bot answers, and from which it asks back instead of declining."""
    return LEAST[quotes][mode]


def decide(likely: float, mode: str, found: Sequence[Found], *, quotes: bool) -> Decision:
    """`mode`: bots.answer_mode. `quotes`: the model writes nothing of its own.

    A bot asks back where there is something to choose from: when it is not sure enough to answer, or when a question of
    one or two words fits several topics alike.
    """
    answer_from, clarify_from = thresholds(mode, quotes=quotes)
    if likely < clarify_from:
        return "refuse"
    if likely >= answer_from:
        return "clarify" if likely < AMBIGUOUS_BELOW and mode != "helpful" and is_ambiguous(found) else "answer"
    return "clarify" if len(clarifications(found)) > 1 else "refuse"


def is_ambiguous(found: Sequence[Found]) -> bool:
    """Whether a very short question is held alike by passages about several things."""
    if not found or not 0 < len(found[0].matched) <= AMBIGUOUS_TERMS:
        return False
    best = max(passage.coverage for passage in found)
    alike = [passage for passage in found if passage.coverage >= 0.95 * best]
    return len(clarifications(alike)) >= AMBIGUOUS_TOPICS


def clarifications(found: Sequence[Found]) -> list[str]:
    """What the passages are about, to choose from: at most four short texts, the best passage's first."""
    choices = dict.fromkeys(" ".join(topic.split())[:LONGEST_CHOICE] for passage in found if (topic := _topic(passage)))
    return list(choices)[:CHOICES]


def _topic(passage: Found) -> str:
    if passage.question:
        return passage.question
    return passage.headings[-1] if passage.headings else passage.title
