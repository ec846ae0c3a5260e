from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Text, UniqueConstraint, Uuid
from sqlmodel import Field

from chatbot_saas.models.base import Row, moment, reference


class IdempotencyKey(Row, table=True):
    """What became of a request that its caller may repeat."""

    __tablename__ = "idempotency_keys"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        UniqueConstraint("tenant_id", "principal_id", "key"),
        Index("ix_idempotency_keys_expires_at", "expires_at"),
    )

    tenant_id: UUID = reference("tenants", index=False)
    principal_id: UUID = Field(sa_type=Uuid)
    """The API key, or the user: one caller's keys are not another's."""
    key: str = Field(max_length=255)
    fingerprint: bytes
    """Of method, address and body."""
    claim: UUID = Field(sa_type=Uuid)
    """Another one for each try: whoever was away for longer than the lease no longer writes."""
    leased_until: datetime = moment(nullable=False)
    """While it is under way. A process that died leaves it to the next try after this."""
    status: int = 0
    """Of the answer; 0 while it is under way."""
    answer: str = Field(default="", sa_type=Text)
    """Sealed. Empty for a stream, which repeats itself, and once something of the tenant was deleted."""
    expires_at: datetime = moment(nullable=False)
    """The nightly sweep takes it."""
