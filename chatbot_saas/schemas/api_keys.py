from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from chatbot_saas.core.addresses import network
from chatbot_saas.core.tenancy import Scope
from chatbot_saas.schemas.base import Name, Read, Request


def _network(value: str) -> str:
    try:
        return network(value)
    except ValueError as error:
        raise ValueError("Write an address or a network, such as 203.0.113.7 or 2001:db8::/32.") from error


AllowedAddress = Annotated[str, Field(max_length=50), AfterValidator(_network)]


class ApiKeyCreate(Request):
    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=20)]
    bot_ids: Annotated[list[UUID], Field(max_length=100)] | None = None
    """The only bots that the key reaches; left out: all."""
    expires_at: datetime | None = None
    allowed_addresses: Annotated[list[AllowedAddress], Field(max_length=50)] = []
    """The only addresses or networks (IPv4 or IPv6, as 203.0.113.0/24) that it works from; left out: everywhere."""
    requests_per_minute: Annotated[int, Field(ge=1, le=100_000)] | None = None


class ApiKeyRead(Read):
    id: UUID
    name: str
    prefix: str
    scopes: list[Scope]
    bot_ids: list[UUID] | None
    allowed_addresses: list[str]
    requests_per_minute: int | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class ApiKeyCreated(ApiKeyRead):
    key: str
    """Shown only here."""
