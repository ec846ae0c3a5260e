"""Who acts: principals, roles and scopes. Services take a principal first and ask it; nothing else decides."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chatbot_saas.core.errors import ForbiddenError, NotFoundError


class Role(StrEnum):
    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"


class Scope(StrEnum):
    """What an API key may do; a role stands for a set of them."""

    BOTS_READ = "bots:read"
    BOTS_WRITE = "bots:write"
    SOURCES_READ = "sources:read"
    SOURCES_WRITE = "sources:write"
    CHAT = "chat"
    CONVERSATIONS_READ = "conversations:read"
    CONVERSATIONS_WRITE = "conversations:write"
    LEADS_READ = "leads:read"
    LEADS_WRITE = "leads:write"
    USAGE_READ = "usage:read"
    KEYS_WRITE = "keys:write"


_READ = frozenset(s for s in Scope if s.value.endswith(":read"))
ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.VIEWER: _READ,
    Role.MEMBER: _READ
    | {Scope.BOTS_WRITE, Scope.SOURCES_WRITE, Scope.CHAT, Scope.CONVERSATIONS_WRITE, Scope.LEADS_WRITE},
    Role.ADMIN: frozenset(Scope),
    Role.OWNER: frozenset(Scope),
}


@dataclass(frozen=True, slots=True)
class Tenant:
    """A person or an API key acting inside one tenant. Only credentials that were checked make one."""

    tenant_id: UUID
    scopes: frozenset[Scope]
    user_id: UUID | None = None
    role: Role | None = None
    api_key_id: UUID | None = None
    bot_ids: frozenset[UUID] | None = None
    """The only bots that a key reaches; None is all of the tenant's."""
    allowed_addresses: tuple[str, ...] = ()
    """The only networks that a key works from; none is anywhere."""
    requests_per_minute: int | None = None
    """Of a key; None is as many as its tenant."""
    tenant_requests_per_minute: int | None = None
    """None is as many as every tenant."""

    @property
    def id(self) -> UUID:
        """Of who acts: the key, the person, or the tenant itself."""
        return self.api_key_id or self.user_id or self.tenant_id

    def require(self, scope: Scope) -> None:
        if scope not in self.scopes:
            raise ForbiddenError(
                f"This needs the right {scope.value}, which your {'key' if self.api_key_id else 'role'} does not have.",
                required_scope=scope.value,
            )

    def require_role(self, *roles: Role) -> None:
        if self.role not in roles:
            raise ForbiddenError(f"Only {' or '.join(role.value for role in roles)} may do this.")

    def require_bot(self, bot_id: UUID) -> None:
        """A key that is bound to some bots does not learn that others exist."""
        if self.bot_ids is not None and bot_id not in self.bot_ids:
            raise NotFoundError


@dataclass(frozen=True, slots=True)
class Visitor:
    """A visitor of a customer's website, bound by a token to one bot, one conversation and the website's origin."""

    tenant_id: UUID
    bot_id: UUID
    conversation_id: UUID
    origin: str
    visitor_id: UUID | None = None
    """Whose other conversations are reached as well; None for a token of before there was one."""
    person: str = ""
    """Who the visitor is, as the website has signed it; empty for anybody."""
    until: datetime | None = None
    """When the token ends; that of a signed visitor is never made longer."""
    secret_id: UUID | None = None
    """Of the secret by which the person was signed: once it is no longer good, neither is the token."""


@dataclass(frozen=True, slots=True)
class PlatformAdmin:
    """An administrator of the whole platform."""

    user_id: UUID


@dataclass(frozen=True, slots=True)
class System:
    """The platform itself: jobs, sweeps and migrations of data. Named for the log."""

    purpose: str


def tenant_for_role(
    tenant_id: UUID, user_id: UUID, role: Role, *, tenant_requests_per_minute: int | None = None
) -> Tenant:
    return Tenant(
        tenant_id=tenant_id,
        user_id=user_id,
        role=role,
        scopes=ROLE_SCOPES[role],
        tenant_requests_per_minute=tenant_requests_per_minute,
    )


def tenant_for_job(tenant_id: UUID) -> Tenant:
    """A background job acts with every right, but only inside the tenant that it was enqueued for."""
    return Tenant(tenant_id=tenant_id, scopes=frozenset(Scope))
