from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from chatbot_saas.core.tenancy import Scope
from chatbot_saas.schemas.base import Name, Read, Request


class ApiKeyCreate(Request):
    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=20)]
    bot_ids: Annotated[list[UUID], Field(max_length=100)] | None = None
    """The only bots that the key reaches; left out: all."""
    expires_at: datetime | None = None


class ApiKeyRead(Read):
    id: UUID
    name: str
    prefix: str
    scopes: list[Scope]
    bot_ids: list[UUID] | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class ApiKeyCreated(ApiKeyRead):
    key: str
    """Shown only here."""
