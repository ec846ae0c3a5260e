from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Column, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field

from chatbot_saas.models.base import Row, reference


class Attachment(Row, table=True):
    """A file that a visitor gave in a conversation, with the text that was read from it."""

    __tablename__ = "attachments"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index(
            "uq_attachments_conversation_id_sha256_unsent",
            "conversation_id",
            "sha256",
            unique=True,
            postgresql_where=text("message_id IS NULL"),
        ),
        Index("ix_attachments_created_at_unsent", "created_at", postgresql_where=text("message_id IS NULL")),
    )

    tenant_id: UUID = reference("tenants")
    bot_id: UUID = reference("bots")
    conversation_id: UUID = reference("conversations")
    message_id: UUID | None = reference("messages", nullable=True)
    """The question that it was sent with; null until then."""
    name: str = Field(max_length=300)
    media_type: str = Field(max_length=100)
    size: int = Field(sa_type=BigInteger)
    sha256: bytes
    blob_key: str = Field(max_length=200)
    characters: int
    tokens: int
    """Of its passages together."""
    text: str = Field(sa_type=Text)
    pages: list[list[int]] = Field(default_factory=list, sa_type=JSONB)
    """[page number, character at which it begins], ascending."""


class AttachmentChunk(Row, table=True):
    """A passage of an attachment: what `chunks` holds of a document, and in no vector index."""

    __tablename__ = "attachment_chunks"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (UniqueConstraint("attachment_id", "ordinal"),)

    tenant_id: UUID = reference("tenants")
    bot_id: UUID = reference("bots")
    conversation_id: UUID = reference("conversations")
    attachment_id: UUID = reference("attachments", index=False)
    ordinal: int
    start: int
    """Offsets in the attachment's text, in characters; `text` is exactly that span."""
    end: int
    text: str = Field(sa_type=Text)
    tokens: int
    page: int | None = None
    pages: list[list[int]] = Field(default_factory=list, sa_type=JSONB)
    headings: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))  # pyright: ignore[reportArgumentType]
    search: str = Field(sa_column=Column(TSVECTOR, nullable=False))
    embedding: bytes | None = None
    """As of a chunk; null until it is embedded."""
    embedder: str = Field(default="", max_length=100)
