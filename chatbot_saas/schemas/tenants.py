from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from chatbot_saas.schemas.auth import Email, NewPassword, TenantName
from chatbot_saas.schemas.base import Read, Request


class TenantCreate(Request):
    name: TenantName
    owner_email: Email
    owner_password: NewPassword


class TenantPatch(Request):
    name: TenantName = ""
    status: Literal["active", "suspended"] = "active"
    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Over the HTTP API, users and keys together; null: as for every tenant."""


class TenantRead(Read):
    id: UUID
    name: str
    status: str
    requests_per_minute: int | None
    created_at: datetime
    updated_at: datetime
    users: int
    bots: int
    documents: int
    conversations: int
    owner_email: str
