"""Why a question finds what it finds, and why it does not find the rest."""

from typing import Literal
from uuid import UUID

from chatbot_saas.schemas.base import Read, Request
from chatbot_saas.schemas.chat import Question, SearchHit

PassageUse = Literal["prompt", "budget", "limit"]
"""In the prompt; cut by the budget of tokens; or below the number of passages that an answer is made from."""


class ExplainRequest(Request):
    """`POST /api/v1/bots/{bot_id}/search/explain`"""

    query: Question
    document_id: UUID | None = None
    """Why is this document not found?"""
    source_id: UUID | None = None
    """The same for a source that has no document yet."""


class InspectedPassage(SearchHit):
    rank: int
    vector_rank: int | None = None
    lexical_rank: int | None = None
    tokens: int
    use: PassageUse


class Condition(Read):
    """Something that was measured, and from where on it counts."""

    name: str
    value: float
    needed: float


class Verdict(Read):
    """What would be done with the question."""

    decision: Literal["answer", "pair", "courtesy", "clarify", "refuse"]
    """Answer from the passages; give the owner's own answer; return a greeting; ask back; or say that the sources do
    not hold it."""
    reason: str
    mode: str
    probability: float | None = None
    conditions: list[Condition] = []


class WhyNotPassage(Read):
    """One of a document's best passages for the question, and what keeps it out, in words."""

    chunk_id: UUID
    page: int | None
    headings: list[str]
    text: str
    similarity: float | None
    vector_rank: int | None
    """Among all passages of the bot; None where that was not counted."""
    lexical_rank: int | None
    shared: list[str]
    """Words of the question that it holds."""
    rank: int | None
    """Among the candidates; None when it was none."""
    used: bool
    reasons: list[str]


class WhyNot(Read):
    title: str
    source_id: UUID
    status: str
    """Of its source."""
    chunks: int
    verdict: str
    passages: list[WhyNotPassage]


class Inspection(Read):
    question: str
    words: list[str]
    """Those that the question is about."""
    passages: list[InspectedPassage]
    candidates: int
    """How many are looked at by meaning and by words, each."""
    limit: int
    budget: int
    """Passages of a prompt, and their tokens."""
    budget_used: int
    verdict: Verdict
    embedding_problem: str
    """Why the question could not be compared by meaning; empty when it was."""
    why_not: WhyNot | None = None


class KnowledgeChoice(Read):
    """A document, or a source that has none."""

    document_id: UUID | None
    source_id: UUID
    title: str
    status: str


class Surroundings(Read):
    """A passage in its document."""

    title: str
    source_id: UUID
    page: int | None
    before: str
    text: str
    after: str
