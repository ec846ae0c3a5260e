"""Tests of a bot, their runs, and what of a bot is published."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from chatbot_saas.schemas.base import Read, Request, Storable
from chatbot_saas.schemas.chat import Citation, Question

Expectation = Literal["facts", "refusal"]
Origin = Literal["hand", "source", "answer", "playground"]
Outcome = Literal["not_run", "passed", "failed", "regressed", "unasked"]
RunStatus = Literal["queued", "running", "done", "failed", "cancelled"]
OPEN_RUNS = ("queued", "running")
MAX_FACTS = 10
MAX_FACT = 200
MAX_SUGGESTED = 20


def _tells(value: str) -> str:
    if not all(any(sign.isalnum() for sign in way) for way in value.split("|")):
        raise ValueError("A fact holds a word or a number, and so does each alternative between the bars.")
    return value


Fact = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_FACT), Storable, AfterValidator(_tells)
]
"""What an answer must hold, like `30 days`; alternatives are written `30 days | a month`."""
Facts = Annotated[list[Fact], Field(max_length=MAX_FACTS)]
TestQuestion = Annotated[Question, Field(max_length=1000)]


class BotTestCreate(Request):
    question: TestQuestion
    expectation: Expectation = "facts"
    """facts: the answer holds all of them; refusal: the bot must say that its sources do not hold it."""
    facts: Facts = []
    enabled: bool = True

    @model_validator(mode="after")
    def _expects_something(self) -> Self:
        if self.expectation == "facts" and not self.facts:
            raise ValueError("Write at least one fact that the answer must hold.")
        return self


class BotTestPatch(Request):
    """Only the fields that are sent change."""

    question: TestQuestion = ""
    expectation: Expectation = "facts"
    facts: Facts = []
    enabled: bool = True


class BotTestRead(Read):
    id: UUID
    bot_id: UUID
    question: str
    expectation: Expectation
    facts: list[str]
    origin: Origin
    source_id: UUID | None
    enabled: bool
    outcome: Outcome
    """Of its latest answer; not_run also when it was changed since. regressed: the published version passed.

    unasked: a model did not answer, so that nobody knows.
    """
    created_at: datetime
    updated_at: datetime


class SuggestRequest(Request):
    count: Annotated[int, Field(ge=1, le=MAX_SUGGESTED)] = 8


class TestRunRequest(Request):
    publish: bool = False
    """Publish at the end, if the tests let it."""


class BotTestRunRead(Read):
    id: UUID
    bot_id: UUID
    version: int
    baseline_version: int
    """The published version that the answers are compared with; 0 when there was none."""
    knowledge_version: int
    status: RunStatus
    total: int
    done: int
    passed: int
    regressions: int
    """Tests that the published version passes and this one fails."""
    unasked: int
    """Tests that tell nothing, since a model did not answer."""
    error: str
    publish: bool
    """Whether it publishes at its end, if the tests let it."""
    published: bool
    publish_problem: str
    """Why it did not publish at its end."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def active(self) -> bool:
        return self.status in OPEN_RUNS


class SideAnswer(Read):
    """The answer of the candidate, or of what is published."""

    answer: str
    answered: bool
    passed: bool
    unasked: bool
    """A model did not answer, so that this tells nothing about the settings."""
    missing: list[str]
    """Expected facts that the answer does not hold."""
    sources: list[Citation]
    trace: dict[str, Any]


class BotTestResultRead(Read):
    test_id: UUID
    question: str
    expectation: Expectation
    facts: list[str]
    outcome: Outcome
    candidate: SideAnswer | None
    baseline: SideAnswer | None
    """The published version's answer; none where that has the same settings."""


class BotTestRunDetail(BotTestRunRead):
    results: list[BotTestResultRead]


class PublishRequest(Request):
    override: bool = False
    """Publish although tests were not run, or got worse. It is recorded which."""


Verdict = Literal["no_tests", "not_run", "running", "unasked", "clear", "regressed"]


class FailedTest(Read):
    id: UUID
    question: str


class PublicationRead(Read):
    """What visitors get, what waits, and whether the tests let it go out."""

    bot_id: UUID
    status: str
    version: int
    published_version: int
    """0 when none was published."""
    hold_changes: bool
    pending: list[str]
    """Settings in which the bot differs from what visitors get."""
    previous_version: int | None
    """What was published before, for a roll back."""
    tests: int
    """That are enabled."""
    verdict: Verdict
    regressed: list[FailedTest]
    unasked: list[FailedTest]
    """Tests that tell nothing, since a model did not answer."""
    failed: list[FailedTest]
    """Failing tests that do not stop a publication, since what is published fails them too, or nothing is published."""
    run_id: UUID | None
    """The run that the verdict rests on."""


class RolledBack(Read):
    """What a roll back did, which its undoing needs."""

    back_to: int
    """The version whose settings came back."""
    version: int
    """That it made."""
    live: bool
    """Whether visitors got it."""
    version_before: int
    published_before: int


# --- what the dashboard shows


class AnswerPart(Read):
    """A piece of an answer. `differs`: the other side's answer does not say it."""

    text: str
    differs: bool


class FactView(Read):
    text: str
    held: bool
    held_before: bool
    """By the published version's answer."""


class SideView(Read):
    parts: list[AnswerPart]
    answered: bool
    outcome: Outcome
    note: str
    """What was unusual about the answer; empty for nothing."""
    sources: list[str]


class ResultView(Read):
    test_id: UUID
    question: str
    outcome: Outcome
    refusal: bool
    facts: list[FactView]
    candidate: SideView
    baseline: SideView
    compared: bool
    """Whether the published version was asked too."""
