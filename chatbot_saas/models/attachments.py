from uuid import UUID

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from chatbot_saas.models.base import Row, reference
from chatbot_saas.models.passages import PassageRow


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


class AttachmentChunk(PassageRow, table=True):
    """A passage of an attachment: as a chunk is one of a document, but in no vector index."""

    __tablename__ = "attachment_chunks"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (UniqueConstraint("attachment_id", "ordinal"),)

    tenant_id: UUID = reference("tenants")
    bot_id: UUID = reference("bots")
    conversation_id: UUID = reference("conversations")
    attachment_id: UUID = reference("attachments", index=False)
