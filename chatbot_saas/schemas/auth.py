import re
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from chatbot_saas.schemas.base import Read, Request, Storable

_EMAIL = re.compile(r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$")


def _email(value: str) -> str:
    value = value.strip().lower()
    if not _EMAIL.match(value) or len(value) > 254:
        raise ValueError("This does not look like an e-mail address.")
    return value


Email = Annotated[str, AfterValidator(_email), Storable]
NewPassword = Annotated[str, Field(min_length=10, max_length=200)]
TenantName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), Storable]


class SignUpRequest(Request):
    email: Email
    password: NewPassword
    tenant_name: TenantName


class LoginRequest(Request):
    email: Email
    password: Annotated[str, Field(max_length=1000)]


class RefreshRequest(Request):
    refresh_token: Annotated[str, Field(max_length=200)]


class TokenPair(Read):
    access_token: str
    refresh_token: str
    token_type: str = "bearer"  # noqa: S105 - a word of OAuth, no secret
    expires_in: int
    """Seconds until the access token ends."""


class TenantMembershipRead(Read):
    id: UUID
    name: str
    role: str


class MeRead(Read):
    id: UUID
    email: str
    is_platform_admin: bool
    tenant: TenantMembershipRead | None
