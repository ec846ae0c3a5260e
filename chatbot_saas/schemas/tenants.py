from datetime import datetime
from typing import Literal
from uuid import UUID

from chatbot_saas.schemas.auth import Email, NewPassword, TenantName
from chatbot_saas.schemas.base import Read, Request


class TenantCreate(Request):
    name: TenantName
    owner_email: Email
    owner_password: NewPassword


class TenantPatch(Request):
    name: TenantName = ""
    status: Literal["active", "suspended"] = "active"


class TenantRead(Read):
    id: UUID
    name: str
    status: str
    created_at: datetime
    users: int
    bots: int
    documents: int
    conversations: int
    owner_email: str
