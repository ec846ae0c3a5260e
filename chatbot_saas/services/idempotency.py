"""Requests that are carried out once, however often they are sent: a record of each key, and of what was answered.

A record is first a claim with a lease, renewed while the request is under way; whoever comes meanwhile is told to wait.
A process that dies leaves a lease that runs out, and the next try takes over. Then it is the answer, sealed, for a day.
Only what was done is kept: a refusal changed nothing, and an error of ours may be gone at the next try.

It is kept with the rights of whoever got it, and given to nobody who has fewer.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.core.errors import ConflictError, InvalidError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Scope, System, Tenant
from chatbot_saas.models import IdempotencyKey
from chatbot_saas.services.runtime import Runtime

KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=30)
LONGEST_KEY = 255
WAIT_SECONDS = 2


class KeyNotUsableError(InvalidError):
    """An Idempotency-Key is 1 to 255 printable ASCII characters."""

    status = 400
    code = "idempotency_key_invalid"


class MismatchError(InvalidError):
    """This Idempotency-Key came with another request before. Use a new key for each request."""

    code = "idempotency_mismatch"


class InProgressError(ConflictError):
    """The first request with this Idempotency-Key is still under way. Try again in a moment."""

    code = "idempotency_in_progress"

    def __init__(self) -> None:
        super().__init__()
        self.retry_after = WAIT_SECONDS


class ForgottenError(ConflictError):
    """This was done before. Its answer is no longer kept, because something was deleted since."""

    code = "idempotency_forgotten"


class FewerRightsError(ForgottenError):
    """This was done before. Its answer is not shown again, because you have fewer rights now than when it was done."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry a request out, and to write down how it ended."""

    tenant_id: UUID
    record_id: UUID
    """The same for each try at a request, and another one for any other request."""
    token: UUID
    scopes: frozenset[Scope]
    bot_ids: frozenset[UUID] | None
    """The bots that the answer may be about; None is all."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was answered. `answer`: empty for a stream, which is asked for again and repeats itself."""

    record_id: UUID
    status: int
    answer: str


STREAMED = 299
"""In place of a status: the answer was a stream."""


async def claim(
    rt: Runtime, principal: Tenant, key: str, fingerprint: bytes, bot_id: UUID | None = None
) -> Claim | Done:
    """The right to go on, or what came of it before. Raises the errors above.

    `bot_id`: the bot that the request's address names, and that the caller reaches.
    """
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise KeyNotUsableError
    mine = (
        col(IdempotencyKey.tenant_id) == principal.tenant_id,
        col(IdempotencyKey.principal_id) == principal.id,
        col(IdempotencyKey.key) == key,
    )
    async with rt.db.tenant(principal) as session:
        about = principal.bot_ids if bot_id is None else frozenset({bot_id})
        if taken := await _take(session, principal, key, fingerprint, about):
            return taken
        found = (await session.scalars(select(IdempotencyKey).where(*mine))).one_or_none()
    if found is None or (found.status == 0 and found.fingerprint == fingerprint):
        raise InProgressError
    if found.fingerprint != fingerprint:
        raise MismatchError
    if found.status == STREAMED:
        return Done(found.id, found.status, "")
    try:
        kept: dict[str, Any] = json.loads(rt.secrets.open(principal.tenant_id, found.answer))
        scopes, bot_ids, answer = kept["scopes"], kept["bot_ids"], kept["answer"]
    except (ValueError, KeyError) as error:  # cleared, or ENCRYPTION_KEY is another one now, or of a version before
        raise ForgottenError from error
    reached = None if bot_ids is None else {UUID(one) for one in bot_ids}
    if not principal.scopes.issuperset(scopes) or not _reaches(principal, bot_id, reached):
        raise FewerRightsError
    return Done(found.id, found.status, answer)


def _reaches(principal: Tenant, bot_id: UUID | None, bot_ids: set[UUID] | None) -> bool:
    """`bot_ids`: what an answer may be about. One about the bot of the request's address was asked for already."""
    if bot_id is not None or principal.bot_ids is None:
        return True
    return bot_ids is not None and principal.bot_ids >= bot_ids


async def _take(
    session: AsyncSession, principal: Tenant, key: str, fingerprint: bytes, bot_ids: frozenset[UUID] | None
) -> Claim | None:
    """One statement decides, whoever else asks at the same time."""
    now, token = datetime.now(UTC), new_id()
    record = col(IdempotencyKey.id)
    row: dict[str, Any] = {
        "fingerprint": fingerprint,
        "claim": token,
        "leased_until": now + LEASE,
        "status": 0,
        "answer": "",
        "expires_at": now + KEPT,
    }
    again = (col(IdempotencyKey.status) == 0) & (col(IdempotencyKey.fingerprint) == fingerprint)
    outdated = or_(col(IdempotencyKey.expires_at) <= now, again & (col(IdempotencyKey.leased_until) <= now))
    new = insert(IdempotencyKey).values(
        id=new_id(), tenant_id=principal.tenant_id, principal_id=principal.id, key=key, **row
    )
    row["id"] = case((again, record), else_=new.excluded.id)
    taken = new.on_conflict_do_update(index_elements=["tenant_id", "principal_id", "key"], set_=row, where=outdated)
    record_id = await session.scalar(taken.returning(record))
    return Claim(principal.tenant_id, record_id, token, principal.scopes, bot_ids) if record_id else None


async def renew(rt: Runtime, principal: Tenant, claim: Claim) -> None:
    async with rt.db.tenant(principal) as session:
        await session.execute(_held(claim).values(leased_until=datetime.now(UTC) + LEASE))


async def finish(rt: Runtime, session: AsyncSession, claim: Claim, status: int, answer: str) -> None:
    """Keep the answer. Raises InProgressError where another try took over: then nothing here may be committed."""
    bot_ids = None if claim.bot_ids is None else sorted(map(str, claim.bot_ids))
    kept = {"scopes": sorted(claim.scopes), "bot_ids": bot_ids, "answer": answer}
    sealed = "" if status == STREAMED else rt.secrets.seal(claim.tenant_id, json.dumps(kept))
    done = await session.scalar(_held(claim).values(status=status, answer=sealed).returning(col(IdempotencyKey.id)))
    if done is None:
        raise InProgressError


async def release(rt: Runtime, principal: Tenant, claim: Claim, *, undone: bool) -> None:
    """Let the next try begin at once, with any request. `undone`: nothing of this one is left.

    Else its record stays until the night: if the same request comes again, it goes on with what it made.
    """
    async with rt.db.tenant(principal) as session:
        if undone:
            mine = col(IdempotencyKey.id) == claim.record_id, col(IdempotencyKey.claim) == claim.token
            await session.execute(delete(IdempotencyKey).where(*mine))
        else:
            await session.execute(_held(claim).values(expires_at=datetime.now(UTC)))


def _held(claim: Claim):
    return update(IdempotencyKey).where(
        col(IdempotencyKey.id) == claim.record_id,
        col(IdempotencyKey.claim) == claim.token,
        col(IdempotencyKey.status) == 0,
    )


async def forget_answers(session: AsyncSession, tenant_id: UUID) -> None:
    """Something of the tenant is deleted: what was answered about it must not stay. That it was done is still known."""
    await session.execute(
        update(IdempotencyKey)
        .where(col(IdempotencyKey.tenant_id) == tenant_id, col(IdempotencyKey.answer) != "")
        .values(answer="")
    )


async def forget_expired(rt: Runtime) -> None:
    async with rt.db.platform(System("expired idempotency keys")) as session:
        await session.execute(delete(IdempotencyKey).where(col(IdempotencyKey.expires_at) <= func.now()))
