"""Who a visitor is, as the customer's own website has signed it: docs/identity.md.

A tenant has one secret. Its servers sign a JSON web token for each visitor who is signed in there; the widget hands
it in when a conversation begins, and the visitor's token then names them. It is never believed for longer than a day.
"""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import jwt
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.core.errors import ForbiddenError, UnauthenticatedError
from chatbot_saas.core.security import new_token
from chatbot_saas.core.tenancy import Scope, Tenant, Visitor, tenant_for_job
from chatbot_saas.models import Bot, IdentitySecret
from chatbot_saas.schemas.identity import Email, IdentitySecretMade, IdentitySecretRead, PersonName, Subject
from chatbot_saas.services import audit
from chatbot_saas.services.runtime import Runtime

PREFIX = "ids_"
LONGEST = timedelta(hours=24)
OLD_SECRET_LIFE = timedelta(hours=24)
SKEW = timedelta(seconds=60)
"""How far the clocks of two servers may differ."""


class IdentityInvalidError(UnauthenticatedError):
    """The signed identity is not good. Sign a new one on your server."""

    code = "identity_invalid"


class OtherSecretError(IdentityInvalidError):
    """The identity is not signed with this tenant's identity secret."""


class IdentityRequiredError(UnauthenticatedError):
    """Sign in on this website to use its chat."""

    code = "identity_required"


@dataclass(frozen=True, slots=True)
class Person:
    sub: str
    name: str = ""
    email: str = ""
    until: datetime | None = None
    """When the signature ends."""
    secret_id: UUID | None = None
    """By which it was made."""

    def visitor_id(self, bot_id: UUID, origin: str) -> UUID | None:
        """The same on each of their devices; None for nobody."""
        return uuid5(bot_id, f"{origin}\n{self.sub}") if self.sub else None


NOBODY = Person("")


async def get(session: AsyncSession, principal: Tenant) -> IdentitySecretRead:
    """What there is, never the secret itself."""
    _require(principal)
    rows = (await session.scalars(select(IdentitySecret).where(_usable()))).all()
    present = next((row for row in rows if row.expires_at is None), None)
    return IdentitySecretRead(
        created_at=present.created_at if present else None,
        previous_until=max((row.expires_at for row in rows if row.expires_at), default=None),
    )


async def make(session: AsyncSession, principal: Tenant, rt: Runtime, *, keep_previous: bool) -> IdentitySecretMade:
    """A new secret, shown here and nowhere again. The one before stays good for a day, if it is kept."""
    _require(principal)
    now = datetime.now(UTC)
    gone = col(IdentitySecret.expires_at) <= now if keep_previous else col(IdentitySecret.id).is_not(None)
    await session.execute(delete(IdentitySecret).where(gone))
    until = now + OLD_SECRET_LIFE
    await session.execute(
        update(IdentitySecret).where(col(IdentitySecret.expires_at).is_(None)).values(expires_at=until)
    )
    secret = new_token(PREFIX)
    session.add(IdentitySecret(tenant_id=principal.tenant_id, secret=rt.secrets.seal(principal.tenant_id, secret)))
    await session.flush()
    audit.record(session, principal, "identity_secret.create", keep_previous=keep_previous)
    return IdentitySecretMade(secret=secret, **(await get(session, principal)).model_dump())


async def person_of(rt: Runtime, bot: Bot, token: str) -> Person:
    """Whom the token names. Raises IdentityInvalidError, which says what is wrong with it."""
    async with rt.db.tenant(tenant_for_job(bot.tenant_id)) as session:
        known = select(col(IdentitySecret.id), col(IdentitySecret.secret)).where(_usable())
        rows = (await session.execute(known)).all()
    problem = IdentityInvalidError("There is no identity secret yet. Make one in the dashboard, under API keys.")
    for secret_id, sealed in rows:
        try:
            secret = rt.secrets.open(bot.tenant_id, sealed)
        except ValueError:
            problem = IdentityInvalidError("The identity secret can no longer be read. Make a new one.")
            continue
        try:
            return replace(person_named(secret, str(bot.id), token), secret_id=secret_id)
        except OtherSecretError as error:
            problem = error
    raise problem


def require(bot: Any, person: str) -> None:
    """`person`: the `sub` that the visitor's token names. Whoever is nobody is sent away where the bot asks for one."""
    if bot.identity_required and not person:
        raise IdentityRequiredError


def require_of(bot: Any, visitor: Visitor, *, secret_good: bool) -> None:
    """`secret_good`: whether that by which the person was signed still is."""
    if visitor.person and not secret_good:
        raise IdentityInvalidError("The secret by which you were signed in was replaced. Sign in anew.")
    require(bot, visitor.person)


def secret_good(visitor: Visitor) -> ColumnElement[bool]:
    """Whether the secret of the visitor's token is still good, for a statement that reads something else anyway."""
    return select(col(IdentitySecret.id)).where(col(IdentitySecret.id) == visitor.secret_id, _usable()).exists()


def person_named(secret: str, bot_id: str, token: str) -> Person:
    """Whom the token names. Raises IdentityInvalidError, and OtherSecretError for another one's signature."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],  # whatever the token's own header says
            audience=bot_id,
            # times are looked at below: here some that are no numbers pass, and others are errors of Python's
            options={
                "require": ["exp", "sub", "aud"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidSignatureError as error:
        raise OtherSecretError from error
    except jwt.InvalidAudienceError as error:
        raise IdentityInvalidError("The identity is for another bot: `aud` must be this bot's id.") from error
    except (jwt.PyJWTError, RecursionError, ValueError) as error:
        raise IdentityInvalidError(f"The identity is not good: {_printable(str(error))}.") from error
    _require_present(claims)
    return _person(claims)


def _printable(words: str) -> str:
    return words.encode(errors="backslashreplace").decode()


def _require_present(claims: dict[str, Any]) -> None:
    now, skew = datetime.now(UTC).timestamp(), SKEW.total_seconds()
    for name in ("exp", "nbf", "iat"):
        if name in claims and not _is_time(claims[name]):
            raise IdentityInvalidError(f"The identity is not good: `{name}` must be a number, of seconds since 1970.")
    if claims["exp"] <= now - skew:
        raise IdentityInvalidError("The identity has expired. Sign a new one on your server.")
    if claims["exp"] > now + LONGEST.total_seconds() + skew:
        raise IdentityInvalidError("The identity is good for too long: `exp` may be 24 hours away at most.")
    if claims.get("nbf", now) > now + skew:
        raise IdentityInvalidError("The identity is not good yet: `nbf` lies in the future.")


def _is_time(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _person(claims: dict[str, Any]) -> Person:
    try:
        return Person(
            sub=TypeAdapter(Subject).validate_python(claims["sub"]),
            name=TypeAdapter(PersonName).validate_python(claims.get("name") or ""),
            email=TypeAdapter(Email).validate_python(claims["email"]) if claims.get("email") else "",
            until=datetime.fromtimestamp(int(claims["exp"]), UTC) + SKEW,
        )
    except ValidationError as error:
        raise IdentityInvalidError(
            "The identity is not good: `sub`, `name` and `email` are texts of at most 200, 120 and 254 characters."
        ) from error


def _require(principal: Tenant) -> None:
    principal.require(Scope.KEYS_WRITE)
    if principal.bot_ids is not None:
        raise ForbiddenError("A key that is bound to bots cannot govern the secret of all of them.")


def _usable() -> Any:
    expires = col(IdentitySecret.expires_at)
    return or_(expires.is_(None), expires > datetime.now(UTC))
