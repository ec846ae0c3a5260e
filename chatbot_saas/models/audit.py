from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from chatbot_saas.models.base import Row, reference


class AuditEntry(Row, table=True):
    """Who changed what. Rows are only ever added."""

    __tablename__ = "audit_entries"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_audit_entries_tenant_id_created_at", "tenant_id", "created_at"),)

    tenant_id: UUID | None = reference("tenants", ondelete="SET NULL", index=False, nullable=True)
    user_id: UUID | None = Field(default=None)
    api_key_id: UUID | None = Field(default=None)
    action: str = Field(max_length=60)
    """noun.verb, for example bot.publish"""
    target_id: UUID | None = Field(default=None)
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
