"""How likely the passages hold the answer. A stand-in until the calibrated one is merged."""

from collections.abc import Sequence
from typing import Literal

from chatbot_saas.services.candidates import BotIndex, Found

Decision = Literal["answer", "clarify", "refuse"]


def probability(question: str, index: BotIndex, found: Sequence[Found], language: str = "en") -> float:
    similarity = max((passage.vector_score or 0.0 for passage in found), default=0.0)
    coverage = max((passage.coverage for passage in found), default=0.0)
    return min(1.0, 0.6 * similarity + 0.6 * coverage)


def decide(probability: float, mode: str, *, quotes: bool) -> Decision:
    least = {"strict": 0.5, "balanced": 0.4, "helpful": 0.3}[mode] - (0.0 if quotes else 0.2)
    return "answer" if probability >= least else "refuse"


def clarifications(found: Sequence[Found]) -> list[str]:
    return list(dict.fromkeys(passage.headings[-1] if passage.headings else passage.title for passage in found))[:4]
