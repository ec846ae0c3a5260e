from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid
from sqlmodel import Field

from chatbot_saas.models.base import Row, moment, reference


class ApiKey(Row, table=True):
    __tablename__ = "api_keys"  # pyright: ignore[reportAssignmentType]

    tenant_id: UUID = reference("tenants")
    name: str = Field(max_length=80)
    prefix: str = Field(max_length=16)
    key_hash: bytes = Field(unique=True)
    scopes: list[str] = Field(sa_type=ARRAY(Text))  # pyright: ignore[reportArgumentType]
    bot_ids: list[UUID] | None = Field(default=None, sa_type=ARRAY(Uuid))  # pyright: ignore[reportArgumentType]
    """The only bots that the key reaches; null is all."""
    allowed_addresses: list[str] = Field(
        default_factory=list,
        sa_type=ARRAY(Text),  # pyright: ignore[reportArgumentType]
        sa_column_kwargs={"server_default": "{}"},
    )
    """Networks from which it works; none named is anywhere."""
    requests_per_minute: int | None = None
    last_used_at: datetime | None = moment()
    expires_at: datetime | None = moment()
    revoked_at: datetime | None = moment()
