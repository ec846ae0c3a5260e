"""Read models of the pages on which an owner looks into answers: in words and shares, ready to be shown."""

from datetime import datetime

from chatbot_saas.schemas.base import Read
from chatbot_saas.schemas.chat import Citation
from chatbot_saas.schemas.dashboard import PlaygroundTurn
from chatbot_saas.schemas.recordings import PromptMessage


class Fact(Read):
    label: str
    value: str
    note: str = ""


class Bar(Read):
    label: str
    time: str
    share: int
    """Of 100."""


class RankedPassage(Read):
    """A passage with its scores as shares of 100; None was not measured."""

    id: str
    number: int
    title: str
    page: int | None
    headings: str
    text: str
    href: str
    """Of its source; empty where that is gone."""
    mark: str
    """prompt, out or gone."""
    note: str
    """What became of it, in words."""
    cited: bool
    meaning: int | None
    meaning_rank: str
    words: int | None
    words_rank: str
    covered: int
    fused: str


class CallView(Read):
    kind: str
    model: str
    outcome: str
    figures: str


class FlightView(Read):
    """How an answer was made."""

    answer_id: str
    conversation_id: str
    bot_id: str
    bot_name: str
    created_at: datetime
    question: str
    answer: str
    answered: bool
    outcome: str
    notes: list[str]
    withheld: list[str]
    unsupported: list[str]
    bars: list[Bar]
    facts: list[Fact]
    passages: list[RankedPassage]
    prompt: list[PromptMessage]
    prompt_text: str
    exact: bool
    calls: list[CallView]
    version: str
    settings: list[Fact]
    sources: list[Citation]


class VersionChoice(Read):
    """A version of a bot that can be tried. `value` is its number."""

    value: str
    label: str


class ComparedTurn(Read):
    """One question, as two versions answered it."""

    question: str
    left: PlaygroundTurn
    right: PlaygroundTurn


class OutsidePassage(Read):
    """A passage of a document that was asked about."""

    id: str
    page: int | None
    headings: str
    text: str
    meaning: int | None
    meaning_rank: str
    words_rank: str
    shared: str
    used: bool
    reasons: list[str]


class WhyNotView(Read):
    title: str
    href: str
    verdict: str
    found: bool
    passages: list[OutsidePassage]


class InspectionView(Read):
    question: str
    words: str
    decision: str
    """answer, pair or fallback."""
    title: str
    reason: str
    conditions: list[Fact]
    """What was measured, with what is needed as the note."""
    passages: list[RankedPassage]
    in_prompt: int
    budget: str
    problem: str
