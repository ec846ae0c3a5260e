"""Sign-up, sign-in, sessions and tokens: how a credential becomes a principal."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.rate_limits import DEFAULT
from chatbot_saas.core import addresses, security
from chatbot_saas.core.errors import ConflictError, ForbiddenError, TooManyRequestsError, UnauthenticatedError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import PlatformAdmin, Role, Scope, Tenant, tenant_for_role
from chatbot_saas.models import ApiKey, LoginSession, Membership, RefreshToken, TenantRow, User
from chatbot_saas.schemas.auth import MeRead, TenantMembershipRead, TokenPair
from chatbot_saas.services import audit
from chatbot_saas.services.runtime import Runtime

MAX_FAILED_LOGINS = 10
LOCKOUT = timedelta(minutes=15)
API_KEY_PREFIX = "cb_"
SIGN_UPS_PER_HOUR = 20
LOGINS_PER_MINUTE = 20
REQUESTS_PER_MINUTE = 1000
"""Of a tenant for which no other number is set."""
FAILURES_PER_MINUTE = 60
"""Of an address, with credentials that are not valid."""


class WrongLoginError(UnauthenticatedError):
    """The e-mail address or the password is wrong."""

    code = "wrong_login"


class EmailTakenError(ConflictError):
    """There is an account with this e-mail address already. Sign in instead."""

    code = "email_taken"


class LockedError(TooManyRequestsError):
    """Too many wrong passwords. Try again in a quarter of an hour."""

    def __init__(self) -> None:
        super().__init__(retry_after=int(LOCKOUT.total_seconds()), reason="locked")


class AddressNotAllowedError(ForbiddenError):
    """This API key does not work from the address that the request comes from."""

    code = "address_not_allowed"


class TenantSuspendedError(ForbiddenError):
    """This account is suspended. Ask the operator of the platform."""

    code = "tenant_suspended"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is signed in to the dashboard."""

    user_id: UUID
    tenant: Tenant | None
    admin: PlatformAdmin | None

    @property
    def acting_tenant(self) -> Tenant:
        if self.tenant is None:
            raise ForbiddenError("This belongs to a tenant, and you are in none.")
        return self.tenant

    @property
    def acting_admin(self) -> PlatformAdmin:
        if self.admin is None:
            raise ForbiddenError("Only platform administrators may do this.")
        return self.admin


async def sign_up(rt: Runtime, email: str, password: str, tenant_name: str, address: str) -> tuple[UUID, UUID]:
    """Make a tenant and its owner. Returns their ids: (user, tenant)."""
    await rt.limiter.hit("signup", address, SIGN_UPS_PER_HOUR, minutes=60)
    password_hash = await asyncio.to_thread(security.hash_password, password)
    user_id, tenant_id = new_id(), new_id()
    try:
        async with rt.db.user(user_id, tenant_id) as session:
            session.add(User(id=user_id, email=email, password_hash=password_hash))
            session.add(TenantRow(id=tenant_id, name=tenant_name))
            await session.flush()
            session.add(Membership(tenant_id=tenant_id, user_id=user_id, role=Role.OWNER))
            audit.record(session, tenant_for_role(tenant_id, user_id, Role.OWNER), "tenant.create", tenant_id)
    except IntegrityError as error:
        raise EmailTakenError from error
    return user_id, tenant_id


async def log_in(rt: Runtime, email: str, password: str, address: str) -> tuple[UUID, UUID | None]:
    """Check a password. Returns (user, the tenant they enter first). Takes the same time for unknown addresses."""
    await rt.limiter.hit("login-address", address, LOGINS_PER_MINUTE)
    await rt.limiter.hit("login-account", email, LOGINS_PER_MINUTE)
    async with rt.db.nobody() as session:
        found = (
            await session.execute(text("SELECT * FROM auth_user_by_email(:email)"), {"email": email})
        ).one_or_none()
    correct = await asyncio.to_thread(security.verify_password, password, found.password_hash if found else None)
    if found is None:
        await _count_unknown(rt, email)
        raise WrongLoginError
    if rt.settings.rate_limit_enabled and found.locked_until and found.locked_until > datetime.now(UTC):
        raise LockedError
    async with rt.db.user(found.user_id) as session:
        user = await session.get_one(User, found.user_id, with_for_update=True)
        if correct:
            user.failed_logins, user.locked_until = 0, None
            tenant_id = await session.scalar(
                select(col(Membership.tenant_id))
                .where(col(Membership.user_id) == user.id)
                .order_by(col(Membership.created_at))
                .limit(1)
            )
        else:
            tenant_id = None
            user.failed_logins += 1
            if user.failed_logins >= MAX_FAILED_LOGINS:
                user.failed_logins, user.locked_until = 0, datetime.now(UTC) + LOCKOUT
    if not correct:
        raise WrongLoginError
    return found.user_id, tenant_id


async def _count_unknown(rt: Runtime, email: str) -> None:
    """An address without an account locks like one with an account, or the lock would tell them apart."""
    try:
        await rt.limiter.hit("login-unknown", email, MAX_FAILED_LOGINS, minutes=int(LOCKOUT.total_seconds()) // 60)
    except TooManyRequestsError as error:
        raise LockedError from error


async def open_session(rt: Runtime, user_id: UUID, tenant_id: UUID | None) -> str:
    """A dashboard session; returns the cookie's value."""
    token = security.new_token()
    async with rt.db.user(user_id) as session:
        session.add(
            LoginSession(
                user_id=user_id,
                tenant_id=tenant_id,
                token_hash=security.token_hash(token),
                expires_at=datetime.now(UTC) + security.SESSION_LIFE,
            )
        )
    return token


async def session_identity(rt: Runtime, token: str) -> Identity:
    """Who holds this cookie now. Looked up at every event, so that a revoked session stops at once."""
    async with rt.db.nobody() as session:
        found = (
            await session.execute(text("SELECT * FROM auth_session(:hash)"), {"hash": security.token_hash(token)})
        ).one_or_none()
    if found is None or found.expires_at <= datetime.now(UTC):
        raise UnauthenticatedError
    if found.tenant_status == "suspended" and not found.is_platform_admin:
        raise TenantSuspendedError
    active = found.role and found.tenant_status == "active"
    return Identity(
        user_id=found.user_id,
        tenant=tenant_for_role(found.tenant_id, found.user_id, Role(found.role)) if active else None,
        admin=PlatformAdmin(found.user_id) if found.is_platform_admin else None,
    )


async def close_session(rt: Runtime, token: str) -> None:
    async with rt.db.nobody() as session:
        found = (
            await session.execute(text("SELECT * FROM auth_session(:hash)"), {"hash": security.token_hash(token)})
        ).one_or_none()
    if found is None:
        return
    async with rt.db.user(found.user_id) as session:
        row = await session.get(LoginSession, found.session_id)
        if row:
            await session.delete(row)


async def issue_tokens(rt: Runtime, user_id: UUID, tenant_id: UUID | None) -> TokenPair:
    async with rt.db.user(user_id) as session:
        return _issue(rt, session, user_id, tenant_id, family_id=new_id())


def _issue(rt: Runtime, session: AsyncSession, user_id: UUID, tenant_id: UUID | None, family_id: UUID) -> TokenPair:
    refresh = security.new_token("rt_")
    session.add(
        RefreshToken(
            user_id=user_id,
            tenant_id=tenant_id,
            family_id=family_id,
            token_hash=security.token_hash(refresh),
            expires_at=datetime.now(UTC) + security.REFRESH_TOKEN_LIFE,
        )
    )
    access, _ = security.issue_jwt(
        rt.secret_key,
        "access",
        security.ACCESS_TOKEN_LIFE,
        {"sub": str(user_id), "tid": str(tenant_id or ""), "fam": str(family_id)},
    )
    return TokenPair(
        access_token=access, refresh_token=refresh, expires_in=int(security.ACCESS_TOKEN_LIFE.total_seconds())
    )


async def refresh_tokens(rt: Runtime, token: str) -> TokenPair:
    """Trade a refresh token for the next pair. A token used twice was stolen: the whole family ends."""
    found = await _find_refresh_token(rt, token)
    if found is None or found.expires_at <= datetime.now(UTC) or found.revoked_at:
        raise UnauthenticatedError("The refresh token is not valid. Sign in again.")
    async with rt.db.user(found.user_id) as session:
        # one statement decides who was first, whatever runs at the same time
        first = await session.execute(
            update(RefreshToken)
            .where(col(RefreshToken.id) == found.token_id, col(RefreshToken.used_at).is_(None))
            .values(used_at=func.now())
            .returning(col(RefreshToken.id))
        )
        if first.one_or_none():
            await _require_active(session, found.user_id, found.tenant_id)  # else it was not used after all
            return _issue(rt, session, found.user_id, found.tenant_id, found.family_id)
        await _revoke_family(session, found.family_id)
    raise UnauthenticatedError("The refresh token was used before. Sign in again.")


async def _require_active(session: AsyncSession, user_id: UUID, tenant_id: UUID | None) -> None:
    """Platform administrators go on where their tenant stands still."""
    user = await session.get_one(User, user_id)
    tenant = await session.get(TenantRow, tenant_id) if tenant_id else None
    if tenant is not None and tenant.status == "suspended" and not user.is_platform_admin:
        raise TenantSuspendedError


async def log_out(rt: Runtime, refresh_token: str) -> None:
    found = await _find_refresh_token(rt, refresh_token)
    if found is not None:
        async with rt.db.user(found.user_id) as session:
            await _revoke_family(session, found.family_id)


async def access_identity(rt: Runtime, access_token: str) -> Identity:
    """Who holds this access token. Role, suspension and revocation are read now, not from the token."""
    claims = security.read_jwt(rt.secret_key, "access", access_token)
    user_id, family_id = UUID(claims["sub"]), UUID(claims["fam"])
    tenant_id = UUID(claims["tid"]) if claims["tid"] else None
    async with rt.db.user(user_id, tenant_id) as session:
        live = (
            select(col(RefreshToken.id))
            .where(col(RefreshToken.family_id) == family_id, col(RefreshToken.revoked_at).is_(None))
            .exists()
        )
        found = (
            await session.execute(
                select(
                    col(User.is_platform_admin),
                    col(Membership.role),
                    col(TenantRow.status),
                    col(TenantRow.requests_per_minute),
                )
                .select_from(User)
                .outerjoin(
                    Membership,
                    (col(Membership.user_id) == col(User.id)) & (col(Membership.tenant_id) == tenant_id),
                )
                .outerjoin(TenantRow, col(TenantRow.id) == col(Membership.tenant_id))
                .where(col(User.id) == user_id, live)
            )
        ).one_or_none()
    if found is None:
        raise UnauthenticatedError("The token was revoked. Sign in again.", reason="token_revoked")
    is_admin, role, status, per_minute = found
    if status == "suspended" and not is_admin:
        raise TenantSuspendedError
    tenant = None
    if tenant_id and role and status == "active":
        tenant = tenant_for_role(tenant_id, user_id, Role(role), tenant_requests_per_minute=per_minute)
    return Identity(user_id=user_id, tenant=tenant, admin=PlatformAdmin(user_id) if is_admin else None)


async def api_key_principal(rt: Runtime, key: str, address: str) -> Tenant:
    """The tenant that an API key acts in. Keys are found by hash, so that no text of the caller is compared.

    `address`: where the request comes from.
    """
    async with rt.db.nobody_plain() as sql:
        looked_up = await sql.run("SELECT * FROM auth_api_key(%(hash)s)", hash=security.token_hash(key))
        await sql.commit()
        found = await looked_up.fetchone()
    now = datetime.now(UTC)
    if found is None or found.revoked_at or (found.expires_at and found.expires_at <= now):
        raise UnauthenticatedError("The API key is not valid. Make a new one in the dashboard.", reason="key_invalid")
    if found.tenant_status != "active":
        raise TenantSuspendedError
    if found.allowed_addresses and not addresses.lies_in(address, found.allowed_addresses):
        raise AddressNotAllowedError(address=address)
    principal = Tenant(
        tenant_id=found.tenant_id,
        scopes=frozenset(Scope(scope) for scope in found.scopes),
        api_key_id=found.api_key_id,
        bot_ids=frozenset(found.bot_ids) if found.bot_ids is not None else None,
        allowed_addresses=tuple(found.allowed_addresses),
        requests_per_minute=found.requests_per_minute,
        tenant_requests_per_minute=found.tenant_requests_per_minute,
    )
    await _touch_key(rt, principal, now)
    return principal


_touched: dict[UUID, datetime] = {}


async def _touch_key(rt: Runtime, principal: Tenant, now: datetime) -> None:
    """`last used`, to the minute: a write a request would cost more than it tells."""
    key_id = principal.api_key_id
    if key_id is None or now - _touched.get(key_id, datetime.min.replace(tzinfo=UTC)) < timedelta(minutes=1):
        return
    _touched[key_id] = now
    async with rt.db.tenant(principal) as session:
        await session.execute(update(ApiKey).where(col(ApiKey.id) == key_id).values(last_used_at=now))


async def count(rt: Runtime, principal: Tenant) -> None:
    """A request of a key or a user, against the key's own limit and its tenant's."""
    if principal.api_key_id and principal.requests_per_minute:
        await rt.limiter.hit("key", str(principal.api_key_id), principal.requests_per_minute)
    per_minute = principal.tenant_requests_per_minute or REQUESTS_PER_MINUTE
    await rt.limiter.hit(
        "tenant", str(principal.tenant_id), per_minute, policy="tenant" if principal.requests_per_minute else DEFAULT
    )


async def me(rt: Runtime, identity: Identity) -> MeRead:
    tenant_id = identity.tenant.tenant_id if identity.tenant else None
    async with rt.db.user(identity.user_id, tenant_id) as session:
        user = await session.get_one(User, identity.user_id)
        tenant = await session.get(TenantRow, tenant_id) if tenant_id else None
    return MeRead(
        id=user.id,
        email=user.email,
        is_platform_admin=user.is_platform_admin,
        tenant=TenantMembershipRead(id=tenant.id, name=tenant.name, role=identity.tenant.role or "")
        if tenant and identity.tenant
        else None,
    )


async def _find_refresh_token(rt: Runtime, token: str):
    async with rt.db.nobody() as session:
        return (
            await session.execute(text("SELECT * FROM auth_refresh_token(:hash)"), {"hash": security.token_hash(token)})
        ).one_or_none()


async def _revoke_family(session: AsyncSession, family_id: UUID) -> None:
    await session.execute(
        update(RefreshToken)
        .where(col(RefreshToken.family_id) == family_id, col(RefreshToken.revoked_at).is_(None))
        .values(revoked_at=func.now())
    )
