"""Questions with answers of their own: trying which one a question gets, and lists of them from a file."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from chatbot_saas.schemas.base import Read, Request
from chatbot_saas.schemas.bots import Threshold
from chatbot_saas.schemas.chat import MAX_MESSAGE, Question
from chatbot_saas.schemas.sources import QuestionPair, SourceRead

MatchedBy = Literal["exact", "meaning"]
Held = Literal["", "language", "numbers"]
ImportMode = Literal["replace", "merge"]


class PairMatchRequest(Request):
    query: Annotated[Question, Field(max_length=MAX_MESSAGE)]
    threshold: Threshold | None = None
    """To try another one than the bot's."""


class PairCandidate(Read):
    source_id: UUID
    question: str
    answer: str
    score: float
    """Cosine similarity to the question that was asked; 1 for the same words."""
    held: Held
    """Why it does not match by meaning however close it is: the embeddings are not made for this language, or the
    numbers in the two questions differ."""


class PairMatchRead(Read):
    matched: bool
    by: MatchedBy | None
    score: float | None
    """Of the one that matched, else of the closest one."""
    threshold: float
    candidates: list[PairCandidate]
    """The closest ones, closest first; when one matched, that one comes first."""


class PairList(Read):
    """A source of type qa with what it holds."""

    source: SourceRead
    version: str
    pairs: list[QuestionPair]


class PairChange(Read):
    line: int
    question: str
    answer: str
    before: str
    """The answer so far; empty for a question that is new."""


class PairImport(Read):
    """What a file changes in a list, or would change."""

    preview: bool
    added: int
    replaced: int
    removed: int
    unchanged: int
    total: int
    """Questions in the list afterwards."""
    changes: list[PairChange]
    """The first 100 of those that are added or replaced."""
    version: str
    """Of the list before the change; empty where there was none. For `If-Match`."""
    source: SourceRead | None
    """As it is afterwards; none in the preview of a new list."""


class PairView(Read):
    """A row of the page of questions."""

    number: int
    """Its place in the list, from 0."""
    question: str
    answer: str


class CandidateView(Read):
    question: str
    answer: str
    share: int
    """How alike, of 100."""
    note: str
    """Why it does not match, however alike it is."""
    wins: bool
