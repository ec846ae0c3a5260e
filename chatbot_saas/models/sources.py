from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from chatbot_saas.models.base import Row, moment, reference
from chatbot_saas.models.passages import PassageRow


class Source(Row, table=True):
    """What feeds a bot: a file, a web page, a site, a text, or questions with their answers."""

    __tablename__ = "sources"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_sources_bot_id_sha256", "bot_id", "sha256"),
        Index("ix_sources_next_refresh_at", "next_refresh_at"),
    )

    tenant_id: UUID = reference("tenants")
    bot_id: UUID = reference("bots")
    type: str = Field(default="file", max_length=10)
    """file, url, site, text or qa."""
    title: str = Field(max_length=300)
    filename: str = Field(default="", max_length=300)
    media_type: str = Field(default="", max_length=100)
    size: int = Field(default=0, sa_type=BigInteger)
    sha256: bytes | None = None
    """Of what was uploaded: the same in one bot twice is one source."""
    url: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    options: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs={"server_default": "{}"})
    """Of a site: see schemas.sources.SiteOptions."""
    refresh: str = Field(default="", max_length=10, sa_column_kwargs={"server_default": ""})
    """hourly, daily or weekly; empty for by hand."""
    next_refresh_at: datetime | None = moment()
    refreshed_at: datetime | None = moment()
    failures: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Refreshes in a row that brought nothing."""
    blob_key: str = Field(default="", max_length=200)
    status: str = Field(default="queued", max_length=20)
    """queued, extracting, chunking, embedding, ready, failed or cancelled."""
    progress: float = 0.0
    attempts: int = 0
    run: int = 1
    """Counts re-indexes, retries and cancels: a job that was enqueued for an earlier run stops."""
    chunks: int = 0
    tokens: int = 0
    error_code: str = Field(default="", max_length=60)
    error: str = Field(default="", sa_type=Text)


class Document(Row, table=True):
    """A text of a source (a site has one for each page), to which citations' offsets refer."""

    __tablename__ = "documents"  # pyright: ignore[reportAssignmentType]

    tenant_id: UUID = reference("tenants")
    bot_id: UUID = reference("bots")
    source_id: UUID = reference("sources")
    title: str = Field(max_length=300)
    url: str = Field(default="", sa_type=Text)
    text: str = Field(sa_type=Text)
    pages: list[list[int]] = Field(default_factory=list, sa_type=JSONB)
    """[page number, character at which it begins], ascending."""


class Chunk(PassageRow, table=True):
    """A passage of a document. This row is the truth; the vector index is rebuilt from it without a model call."""

    __tablename__ = "chunks"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        UniqueConstraint("document_id", "ordinal", deferrable=True, initially="DEFERRED"),
        Index("ix_chunks_search", "search", postgresql_using="gin"),
        Index("ix_chunks_question", "bot_id", "question_key", postgresql_where=text("question_key <> ''")),
        Index("ix_chunks_bot_id_unindexed", "bot_id", postgresql_where=text("NOT indexed")),
    )

    tenant_id: UUID = reference("tenants")
    bot_id: UUID = reference("bots")
    source_id: UUID = reference("sources")
    document_id: UUID = reference("documents", index=False)
    question: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    """Of a question with its answer: what is embedded, instead of the text."""
    question_key: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    """The question as services.questions.key compares it."""
    indexed: bool = False
    """Whether the vector index has it. Until then an exact search over the rows finds it."""
