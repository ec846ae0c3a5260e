from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from chatbot_saas.models.base import Row, moment, reference


class Conversation(Row, table=True):
    __tablename__ = "conversations"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_conversations_visitor_id_bot_id", "visitor_id", "bot_id"),
        Index("ix_conversations_tenant_id_last_message_at", "tenant_id", "last_message_at"),
        Index(
            "uq_conversations_bot_id_session_id",
            "bot_id",
            "session_id",
            unique=True,
            postgresql_where=text("session_id <> ''"),
        ),
    )

    tenant_id: UUID = reference("tenants", index=False)
    bot_id: UUID = reference("bots")
    channel: str = Field(max_length=20)
    """widget, api, openai or playground."""
    session_id: str = Field(default="", max_length=200)
    """The integrator's own name for the conversation (channels api and openai)."""
    origin: str = Field(default="", max_length=300)
    """The website on which the visitor was."""
    visitor_sub: str = Field(default="", max_length=200, sa_column_kwargs={"server_default": ""})
    """Who the visitor is, as the website has signed it; empty for anybody."""
    visitor_name: str = Field(default="", max_length=120, sa_column_kwargs={"server_default": ""})
    visitor_email: str = Field(default="", max_length=254, sa_column_kwargs={"server_default": ""})
    visitor_id: UUID | None = None
    """Of whom it is, as far as one browser and one website tell, or the website's signature."""
    consent: str = Field(default="", max_length=12, sa_column_kwargs={"server_default": ""})
    """The version of the text that the visitor accepted."""
    consented_at: datetime | None = moment()
    handoff_requested_at: datetime | None = moment()
    """When the visitor asked for a person."""
    status: str = Field(default="open", max_length=20)
    message_count: int = 0
    first_question: str = Field(default="", max_length=200)
    last_message_at: datetime | None = moment()


class Message(Row, table=True):
    __tablename__ = "messages"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        UniqueConstraint("conversation_id", "client_message_id"),
        Index("ix_messages_conversation_id_id", "conversation_id", "id"),
    )

    tenant_id: UUID = reference("tenants")
    bot_id: UUID = reference("bots")
    conversation_id: UUID = reference("conversations", index=False)
    role: str = Field(max_length=10)
    text: str = Field(default="", sa_type=Text)
    status: str = Field(default="complete", max_length=20)
    """pending while an answer is being made, then complete, failed, or stopped before its first word."""
    client_message_id: str | None = Field(default=None, max_length=100)
    reply_to_id: UUID | None = Field(default=None, unique=True)
    """The question that this answers; one answer each."""
    answered: bool | None = None
    """Answers only: whether the sources held it."""
    sources: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    trace: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    """For the owner: what was retrieved with which score, the model, times in ms. Never sent to a visitor."""
    proof: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB, sa_column_kwargs={"server_default": "[]"})
    """Answers only: each sentence with the span that supports it; see schemas.chat.SentenceProof."""
    bot_version: int = 0
    rating: int | None = None
    rating_reason: str = Field(default="", max_length=500, sa_column_kwargs={"server_default": ""})
    """What the visitor found wrong with the answer."""
