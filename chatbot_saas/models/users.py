from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from chatbot_saas.models.base import Row, moment, reference


class User(Row, table=True):
    """A person who signs in; joined to tenants by memberships."""

    __tablename__ = "users"  # pyright: ignore[reportAssignmentType]

    email: str = Field(max_length=254, unique=True)
    """Lower case."""
    password_hash: str = Field(max_length=100)
    is_platform_admin: bool = False
    failed_logins: int = 0
    locked_until: datetime | None = moment()


class Membership(Row, table=True):
    __tablename__ = "memberships"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (UniqueConstraint("tenant_id", "user_id"),)

    tenant_id: UUID = reference("tenants", index=False)
    user_id: UUID = reference("users")
    role: str = Field(max_length=20)


class LoginSession(Row, table=True):
    """A browser that is signed in to the dashboard. The cookie holds the token; only its hash is here."""

    __tablename__ = "sessions"  # pyright: ignore[reportAssignmentType]

    user_id: UUID = reference("users")
    tenant_id: UUID | None = reference("tenants", nullable=True)
    token_hash: bytes = Field(unique=True)
    expires_at: datetime = moment(nullable=False)


class RefreshToken(Row, table=True):
    """One link of a chain of rotating tokens. Using a link twice revokes the family."""

    __tablename__ = "refresh_tokens"  # pyright: ignore[reportAssignmentType]

    user_id: UUID = reference("users")
    tenant_id: UUID | None = reference("tenants", nullable=True)
    family_id: UUID = Field(index=True)
    token_hash: bytes = Field(unique=True)
    expires_at: datetime = moment(nullable=False)
    used_at: datetime | None = moment()
    revoked_at: datetime | None = moment()
