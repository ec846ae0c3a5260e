"""Requests that are carried out once, however often they are sent: a record of each key, and of what was answered.

A record is first a claim with a lease, renewed while the request is under way; whoever comes meanwhile is told to wait.
A process that dies leaves a lease that runs out, and the next try takes over. Then it is the answer, sealed, for a day.
Only what was done is kept: a refusal changed nothing, and an error of ours may be gone at the next try.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.core.errors import ConflictError, InvalidError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import System, Tenant
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


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry a request out, and to write down how it ended."""

    tenant_id: UUID
    record_id: UUID
    token: UUID


@dataclass(frozen=True, slots=True)
class Done:
    """What was answered. `answer`: empty for a stream, which is asked for again and repeats itself."""

    status: int
    answer: str


STREAMED = 299
"""In place of a status: the answer was a stream."""


async def claim(rt: Runtime, principal: Tenant, key: str, fingerprint: bytes) -> Claim | Done:
    """The right to go on, or what came of it before. Raises the errors above."""
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise KeyNotUsableError
    mine = (
        col(IdempotencyKey.tenant_id) == principal.tenant_id,
        col(IdempotencyKey.principal_id) == principal.id,
        col(IdempotencyKey.key) == key,
    )
    async with rt.db.tenant(principal) as session:
        if taken := await _take(session, principal, key, fingerprint):
            return taken
        found = (await session.scalars(select(IdempotencyKey).where(*mine))).one_or_none()
    if found is None or (found.status == 0 and found.fingerprint == fingerprint):
        raise InProgressError
    if found.fingerprint != fingerprint:
        raise MismatchError
    if found.status == STREAMED:
        return Done(found.status, "")
    try:
        return Done(found.status, rt.secrets.open(principal.tenant_id, found.answer))
    except ValueError as error:  # cleared, or ENCRYPTION_KEY is another one now
        raise ForgottenError from error


async def _take(session: AsyncSession, principal: Tenant, key: str, fingerprint: bytes) -> Claim | None:
    """One statement decides, whoever else asks at the same time."""
    now, token = datetime.now(UTC), new_id()
    row = {
        "fingerprint": fingerprint,
        "claim": token,
        "leased_until": now + LEASE,
        "status": 0,
        "answer": "",
        "expires_at": now + KEPT,
    }
    outdated = or_(
        col(IdempotencyKey.expires_at) <= now,
        (col(IdempotencyKey.status) == 0)
        & (col(IdempotencyKey.leased_until) <= now)
        & (col(IdempotencyKey.fingerprint) == fingerprint),
    )
    record_id = await session.scalar(
        insert(IdempotencyKey)
        .values(id=new_id(), tenant_id=principal.tenant_id, principal_id=principal.id, key=key, **row)
        .on_conflict_do_update(index_elements=["tenant_id", "principal_id", "key"], set_=row, where=outdated)
        .returning(col(IdempotencyKey.id))
    )
    return Claim(principal.tenant_id, record_id, token) if record_id else None


async def renew(rt: Runtime, principal: Tenant, claim: Claim) -> None:
    async with rt.db.tenant(principal) as session:
        await session.execute(_held(claim).values(leased_until=datetime.now(UTC) + LEASE))


async def finish(rt: Runtime, session: AsyncSession, claim: Claim, status: int, answer: str) -> None:
    """Keep the answer. Raises InProgressError where another try took over: then nothing here may be committed."""
    sealed = "" if status == STREAMED else rt.secrets.seal(claim.tenant_id, answer)
    done = await session.scalar(_held(claim).values(status=status, answer=sealed).returning(col(IdempotencyKey.id)))
    if done is None:
        raise InProgressError


async def release(rt: Runtime, principal: Tenant, claim: Claim) -> None:
    """Nothing was done: let the next try begin at once."""
    async with rt.db.tenant(principal) as session:
        await session.execute(
            delete(IdempotencyKey).where(
                col(IdempotencyKey.id) == claim.record_id, col(IdempotencyKey.claim) == claim.token
            )
        )


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
