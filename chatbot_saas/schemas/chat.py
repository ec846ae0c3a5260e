import json
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from chatbot_saas.schemas.attachments import SentFile
from chatbot_saas.schemas.base import Read, Request, Storable, storable

MAX_MESSAGE = 4000
MAX_CONTEXT = 2048
"""Bytes of JSON."""
MAX_FILES = 5
"""That are sent with one message."""


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("Write a question.")
    return value.strip()


def printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("This holds a character that cannot be used.")
    return value


def _small(value: dict[str, Any]) -> dict[str, Any]:
    try:
        text = json.dumps(value, ensure_ascii=False)
        size = len(text.encode())
    except (RecursionError, UnicodeEncodeError) as error:
        raise ValueError("This holds what cannot be used.") from error
    if size > MAX_CONTEXT:
        raise ValueError("The context has 2 KB of JSON at most.")
    storable(text.replace("\\u0000", "\x00"))
    return value


Question = Annotated[str, Field(max_length=MAX_MESSAGE), Storable, AfterValidator(_not_blank)]
SessionId = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(printable)]
ClientMessageId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\w.:-]+$")]


class ChatRequestBody(Request):
    """`POST /api/v1/chat`"""

    bot_id: UUID | None = None
    """May be left out where the key reaches one bot only."""
    session_id: SessionId
    message: Question
    stream: bool = False
    client_message_id: ClientMessageId | None = None


class StartRequest(Request):
    parent_origin: Annotated[str, Field(max_length=300)] | None = None
    identity: Annotated[str, Field(max_length=4096, pattern=r"^[\w.=-]*$")] | None = None
    """A JSON web token by which the website says who the visitor is."""
    fresh: bool = False
    """Not what this person left open, but a new conversation."""
    visitor_key: Annotated[str, Field(max_length=1000)] = ""
    """Of an earlier start: the conversation then belongs to the same visitor. One that is not good counts as none."""
    consent: Annotated[str, Field(max_length=12)] = ""
    """The version of the consent that the visitor accepted."""


class StartRead(Read):
    conversation_id: UUID
    visitor_token: str
    expires_in: int
    """Seconds until the token ends."""
    person: str = ""
    """Who the visitor is, as the website has signed it; empty for anybody."""
    visitor_key: str = ""
    """Sent with the next start, it keeps a visitor's conversations together; whoever has it reads them."""


class StopRequest(Request):
    conversation_id: UUID
    client_message_id: ClientMessageId


class EarlierConversation(Read):
    """A conversation of the same visitor."""

    id: UUID
    first_question: str
    created_at: datetime
    last_message_at: datetime | None


class PageSeen(Request):
    url: Annotated[str, Field(max_length=500), Storable]
    title: Annotated[str, Field(max_length=200), Storable] = ""


class PublicChatRequest(Request):
    conversation_id: UUID
    message: Question
    client_message_id: ClientMessageId | None = None
    context: Annotated[dict[str, Any], AfterValidator(_small)] | None = None
    """What the website's code says of where the visitor is. Data for the model, believed by nobody."""
    page: PageSeen | None = None
    """Left aside unless the bot's owner wants it."""
    attachments: Annotated[list[UUID], Field(max_length=MAX_FILES)] = []
    """Files that were given in this conversation, and are sent with this message."""


class FeedbackRequest(Request):
    message_id: UUID
    rating: Literal[-1, 1]
    reason: Annotated[str, Field(max_length=500), Storable] = ""
    """What was wrong with the answer, in the visitor's words."""


class EndRequest(Request):
    """How the visitor found the conversation."""

    rating: Annotated[int, Field(ge=1, le=5)] | None = None
    comment: Annotated[str, Field(max_length=1000), Storable] = ""


class Citation(Read):
    """Where a part of an answer comes from; `quote` is a verbatim span of the document."""

    number: int
    title: str
    page: int | None
    url: str | None
    quote: str
    start: int | None = None
    """Where the quote begins in the document's text, in characters."""
    link: str | None = None
    """Of a web page: the address with a text fragment that opens it at the quote."""
    attachment: bool = False
    """Whether it is a file that the visitor gave in this conversation."""


class SentenceProof(Read):
    """A sentence of an answer, and the verbatim span of a document that supports it."""

    start: int
    """Offsets in the answer, in characters."""
    end: int
    supported: bool
    source: int | None = None
    """The number of the citation whose document holds the span; None where nothing supports the sentence."""
    quote: str = ""
    quote_start: int | None = None
    """Where the span begins in the document's text, in characters."""
    page: int | None = None


class CitedPassage(Read):
    """A cited source opened at its quote: `before`, `quote` and `after` follow each other in the document."""

    number: int
    title: str
    page: int | None
    url: str | None
    link: str | None
    attachment: bool = False
    before: str = ""
    """Empty, like `after`, where the document does not hold the quote any more."""
    quote: str
    after: str = ""


class PublicAnswer(Read):
    message_id: UUID
    answer: str
    answered: bool
    sources: list[Citation]
    proof: list[SentenceProof] = []
    """Sentences that state something, in order."""
    choices: list[str] = []
    """What the visitor can ask next: topics where the bot asks back, questions that it knows after an answer."""
    leave_message: bool = False
    """Whether to offer that a person answers."""
    handoff: bool = False
    """Whether the visitor asked for a person."""
    stopped: bool = False
    """Whether the visitor stopped it: the text is what was written until then."""


class UsageRead(Read):
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    model: str
    cost_usd: float | None
    saved_tokens: int = 0
    """Of an answer that was there already: what it cost when it was made."""


class ChatAnswer(PublicAnswer):
    conversation_id: UUID
    usage: UsageRead | None = None


class TranscriptMessage(Read):
    id: UUID
    role: str
    text: str
    status: str
    answered: bool | None
    sources: list[Citation]
    proof: list[SentenceProof] = []
    rating: int | None
    created_at: datetime
    attachments: list[SentFile] = []
    """Of a visitor's message."""


class PublicTranscript(Read):
    conversation_id: UUID
    messages: list[TranscriptMessage]


class ConversationListItem(Read):
    id: UUID
    bot_id: UUID
    bot_name: str
    channel: str
    origin: str
    visitor_sub: str
    """Who the visitor is, as the website has signed it; empty for anybody."""
    visitor_name: str
    visitor_email: str
    status: str
    consent: str
    """The version of the text that the visitor accepted; empty where nobody was asked."""
    consented_at: datetime | None
    handoff_requested_at: datetime | None
    """When the visitor asked for a person."""
    message_count: int
    first_question: str
    created_at: datetime
    last_message_at: datetime | None


class OwnerMessage(TranscriptMessage):
    rating_reason: str = ""
    """What the visitor found wrong with it."""
    trace: dict[str, Any]


class ConversationRead(ConversationListItem):
    messages: list[OwnerMessage]


class SearchRequest(Request):
    query: Question
    limit: Annotated[int, Field(ge=1, le=20)] = 5


class SearchHit(Read):
    document_id: UUID
    source_id: UUID
    chunk_id: UUID
    title: str
    page: int | None
    text: str
    headings: list[str]
    score: float
    """Fused; higher is better, comparable within one answer only."""
    vector_score: float | None
    """Cosine similarity."""
    lexical_score: float | None
    coverage: float
    """Share of the question's words that the passage holds, rare words weighing more."""
    vector_rank: int | None = None
    """Its place among the candidates by meaning alone, 1 the best."""
    lexical_rank: int | None = None
    """The same by words alone."""
    rerank_score: float | None = None
    """What the operator's reranker said, if it was asked."""


class SearchRead(Read):
    items: list[SearchHit]


class PairTrace(Read):
    """That an answer is one of the bot's pairs."""

    by: Literal["exact", "meaning"]
    score: float
    question: str
    """The pair's; empty if it was changed or deleted since."""
