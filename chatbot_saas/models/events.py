from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from chatbot_saas.models.base import Row, reference


class EventRow(Row, table=True):
    """What happened in a tenant, for those who follow it: kept for a short while, written by the database's triggers
    in the transaction of the change itself."""

    __tablename__ = "events"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_events_tenant_id_transaction_id_number", "tenant_id", "transaction_id", "number"),
        Index("ix_events_created_at", "created_at"),
    )

    tenant_id: UUID = reference("tenants", index=False)
    bot_id: UUID = Field(sa_type=Uuid)
    """No reference: that a bot was deleted is told, too."""
    transaction_id: int = Field(sa_type=BigInteger)
    """In whose order events are told: see services.events."""
    number: int = Field(
        sa_type=BigInteger,
        sa_column_args=[Identity(always=True)],  # pyright: ignore[reportArgumentType]
        sa_column_kwargs={"nullable": False},
    )
    type: str = Field(max_length=40)
    data: dict[str, Any] = Field(sa_type=JSONB)
    """Ids and small facts, and no text that anybody wrote."""
