from decimal import Decimal
from uuid import UUID

from sqlalchemy import Index, Numeric
from sqlmodel import Field

from chatbot_saas.models.base import Row, reference


class UsageEvent(Row, table=True):
    """One call to a model: also a streamed, cancelled or failed one."""

    __tablename__ = "usage_events"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_usage_events_tenant_id_created_at", "tenant_id", "created_at"),)

    tenant_id: UUID = reference("tenants", index=False)
    bot_id: UUID | None = reference("bots", ondelete="SET NULL", nullable=True)
    message_id: UUID | None = Field(default=None, index=True)
    kind: str = Field(max_length=20)
    """chat, embedding or rerank; cache for an answer that was there already."""
    provider: str = Field(max_length=40)
    model: str = Field(max_length=100)
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    saved_tokens: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """What the answer cost when it was made; of the kind `cache` only."""
    estimated: bool = False
    """True when the provider told no figures and the tokens are our own count."""
    cost_usd: Decimal | None = Field(default=None, sa_type=Numeric(14, 8))  # pyright: ignore[reportArgumentType]
    """Null when the price of the model is not known."""
    outcome: str = Field(default="ok", max_length=20)
    """ok, cancelled or failed."""
