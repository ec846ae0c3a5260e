from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Text
from sqlmodel import Field

from chatbot_saas.models.base import Row, moment, reference


class Lead(Row, table=True):
    """What a visitor left for the owner: a message, the wish to talk to a person, or a rating."""

    __tablename__ = "leads"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_leads_tenant_id_id", "tenant_id", "id"),)

    tenant_id: UUID = reference("tenants", index=False)
    bot_id: UUID = reference("bots")
    conversation_id: UUID = reference("conversations")
    name: str = Field(default="", max_length=120)
    email: str = Field(default="", max_length=254)
    phone: str = Field(default="", max_length=40)
    message: str = Field(default="", sa_type=Text)
    kind: str = Field(default="message", max_length=10, sa_column_kwargs={"server_default": "message"})
    """message, person or rating."""
    company: str = Field(default="", max_length=120, sa_column_kwargs={"server_default": ""})
    rating: int | None = None
    """1 to 5, of a whole conversation."""
    notified_at: datetime | None = moment()
    """When the owner got a mail of it."""
