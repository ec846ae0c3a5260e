from uuid import UUID

from sqlalchemy import Index, Text
from sqlmodel import Field

from chatbot_saas.models.base import Row, reference


class Lead(Row, table=True):
    """What a visitor left to be answered by a person."""

    __tablename__ = "leads"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_leads_tenant_id_id", "tenant_id", "id"),)

    tenant_id: UUID = reference("tenants", index=False)
    bot_id: UUID = reference("bots")
    conversation_id: UUID = reference("conversations")
    name: str = Field(default="", max_length=120)
    email: str = Field(default="", max_length=254)
    phone: str = Field(default="", max_length=40)
    message: str = Field(default="", sa_type=Text)
