from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, TypeAdapter

from chatbot_saas.schemas.base import Read, Request, Storable

SourceType = Literal["file", "url", "site", "text", "qa"]
SourceStatus = Literal["queued", "extracting", "chunking", "embedding", "ready", "failed", "cancelled"]
Refresh = Literal["", "hourly", "daily", "weekly"]
WebPageStatus = Literal["waiting", "ready", "skipped", "failed", "gone"]
ACTIVE = ("queued", "extracting", "chunking", "embedding")
MAX_PAGES = 1000
MAX_PAIRS = 2000
MAX_TEXT = 500_000

WebAddress = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), Storable]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), Storable]
Pattern = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), Storable]
Question = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), Storable]
Answer = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000), Storable]


class QuestionPair(Request):
    question: Question
    answer: Answer


class UrlSource(Request):
    """One page, or a file at an address."""

    type: Literal["url"]
    url: WebAddress
    refresh: Refresh = ""


class SiteOptions(Request):
    """How a website is walked. Patterns are like `/blog/*` and are compared with an address's path."""

    depth: Annotated[int, Field(ge=1, le=5)] = 2
    include: Annotated[list[Pattern], Field(max_length=50)] = []
    exclude: Annotated[list[Pattern], Field(max_length=50)] = []
    max_pages: Annotated[int, Field(ge=1, le=MAX_PAGES)] = 100
    urls: Annotated[list[WebAddress], Field(max_length=MAX_PAGES)] = []
    """Exactly these pages, as chosen from a preview; no others are looked for."""


class SiteSource(SiteOptions):
    """A website, by its links and its sitemap; or the pages that `urls` lists."""

    type: Literal["site"]
    url: WebAddress
    refresh: Refresh = ""


class TextSource(Request):
    type: Literal["text"]
    title: Title
    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT), Storable]


class QaSource(Request):
    """Questions whose answers take the model's place."""

    type: Literal["qa"]
    title: Title = "Questions and answers"
    pairs: Annotated[list[QuestionPair], Field(min_length=1, max_length=MAX_PAIRS)]


SourceCreate = UrlSource | SiteSource | TextSource | QaSource
KINDS = (UrlSource, SiteSource, TextSource, QaSource)
SOURCE_CREATE: TypeAdapter[SourceCreate] = TypeAdapter(Annotated[SourceCreate, Field(discriminator="type")])


class SourcePatch(Request):
    """Only the fields that are sent change."""

    title: Title = ""
    refresh: Refresh = ""
    pairs: Annotated[list[QuestionPair], Field(max_length=MAX_PAIRS)] = []
    """Of type qa: all pairs, anew."""
    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT), Storable] = ""
    """Of type text."""


class SourceError(Read):
    code: str
    message: str
    """What went wrong and what to do, for the customer."""


class SourceRead(Read):
    id: UUID
    bot_id: UUID
    type: SourceType
    title: str
    filename: str
    url: str
    media_type: str
    size: int
    status: SourceStatus
    progress: float
    """0 to 1."""
    chunks: int
    tokens: int
    attempts: int
    refresh: Refresh
    refreshed_at: datetime | None
    next_refresh_at: datetime | None
    error: SourceError | None
    version: str
    """Another one when its title, schedule or content is changed; the ETag."""
    retryable: bool
    """It was cancelled, or failed for a reason that may pass: reading it again can help."""
    copy_of: UUID | None = None
    """In the answer to an upload: the bot has this content already, in the source that is told here."""
    created_at: datetime
    updated_at: datetime

    @property
    def active(self) -> bool:
        return self.status in ACTIVE


class FoundPage(Read):
    """A page of a website that may be taken."""

    url: str
    title: str
    """Empty for a page that only the sitemap names."""
    depth: int
    via: Literal["sitemap", "link"]


class PreviewRequest(SiteOptions):
    url: WebAddress


class WebPageRead(Read):
    """An address of a web source."""

    id: UUID
    url: str
    title: str
    status: WebPageStatus
    error: SourceError | None
    failures: int
    fetched_at: datetime | None
    document_id: UUID | None
