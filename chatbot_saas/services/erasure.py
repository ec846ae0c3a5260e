"""Gone means gone: one deletion, from every store, and the search afterwards that shows it.

Rows go in one transaction, together with a job (`finish`) that clears what is not in the database and runs again until
it succeeds. The same is done at once after the commit, so that the answer can be a receipt of what was there and of
what is no longer found. The receipt says `verified` only where every store was searched, and where no indexing job is
under way that read the rows before they went and may still write their vectors. Otherwise the job completes the
deletion, since it shares the bot's lock with such jobs, and keeps the verified receipt.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.jobs import VECTORS
from chatbot_saas.core.errors import DomainError, UnavailableError
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import PlatformAdmin, System, Tenant, tenant_for_job
from chatbot_saas.models import Message
from chatbot_saas.schemas.receipts import Receipt, Removed
from chatbot_saas.services import deletion, idempotency, proof, receipts
from chatbot_saas.services.proof import Finding, Target
from chatbot_saas.services.runtime import Runtime

log = get_logger(__name__)
ERASE = "erase"
AT_ONCE_SECONDS = 10.0
"""How long the caller waits for vectors and files to be cleared and searched; then the job does it."""
POLL_SECONDS = 0.1
WAITING = "Vectors, files and the search index: not searched yet. A job clears them and completes this receipt."

Read = Callable[[AsyncSession, bool], Awaitable[Target]]
"""Loads what is to go, checks that it may, and describes it. The flag: lock it, since it goes now."""
Drop = Callable[[AsyncSession, Target], Awaitable[int]]
"""Removes the rows. Returns how many went beside those that hang on the thing itself."""


class StillThereError(UnavailableError):
    """Something of what was deleted is still there. It is removed by the next try."""


async def erase(rt: Runtime, principal: Tenant | PlatformAdmin, read: Read, drop: Drop) -> Receipt:
    """Delete what `read` describes. Takes the runtime: other stores are asked between the transactions."""
    async with _session(rt, principal) as session:
        target = await read(session, False)
        samples = await proof.samples_of(session, target)
    vectors, blobs = await proof.survey(rt, target)
    async with _session(rt, principal) as session:
        target = await read(session, True)
        counts = await proof.rows_of(session, target)
        live = await _live_answers(session, rt, target)
        rows = 1 + sum(counts.values()) + await drop(session, target)
        removed = Removed(rows=rows, chunks=proof.chunks_among(counts), vectors=vectors, blobs=blobs, cache=len(live))
        receipt = receipts.sign(
            rt,
            target.receipt(removed, [Finding("Rows: removed."), Finding(WAITING, ok=False)], await _now(session)),
        )
        entry_id = await receipts.open_entry(session, principal, target, receipt)
        await _enqueue(session, rt, target, entry_id)
        await idempotency.forget_answers(session, target.tenant_id)
    rt.answers.drop(live)
    return await _at_once(rt, target, entry_id, receipt, samples)


async def finish(rt: Runtime, entry_id: UUID, target: Target) -> None:
    """The job: clear what is left, search again, and keep the verified receipt unless there is one."""
    if await rt.jobs.running(deletion.INDEX_BOT, target.locks):
        raise StillThereError  # of a bot this job holds the lock; of a tenant's bots it holds none
    async with _keeper(rt, target) as session:
        latest = await receipts.latest(session, entry_id)
        again = await proof.rows_again(session, target)
    cleared = await proof.clear(rt, target, kept=again)
    if latest is not None and latest.checked[-1] == WAITING:
        latest = await _caller_done(rt, target, entry_id)
    if latest is None or latest.verified:
        return
    target = replace(target, title=latest.title)
    async with _keeper(rt, target) as session:
        findings = [await proof.look_for_rows(session, target, but=again)]
    findings += await proof.look_elsewhere(rt, target, kept=again)
    if not again:
        findings += await proof.search_by_title(rt, target)
    if not all(finding.ok for finding in findings):
        raise StillThereError
    await _keep(rt, target, entry_id, _merged(latest, cleared), findings)


async def _caller_done(rt: Runtime, target: Target, entry_id: UUID) -> Receipt | None:
    """What the deletion's caller made of it, who can search better: only there is the deleted text known. It has begun
    before this job; if nothing comes of it in time, its process has died."""
    latest = None
    for _ in range(int(AT_ONCE_SECONDS / POLL_SECONDS) + 1):
        async with _keeper(rt, target) as session:
            latest = await receipts.latest(session, entry_id)
        if latest is None or latest.checked[-1] != WAITING:
            return latest
        await asyncio.sleep(POLL_SECONDS)
    return latest


async def _at_once(rt: Runtime, target: Target, entry_id: UUID, draft: Receipt, samples: list[proof.Sample]) -> Receipt:
    """Clear and search now, as far as time allows. The rows are gone: nothing that fails here undoes that."""
    cleared = proof.Cleared()
    findings: list[Finding] = []
    try:
        async with asyncio.timeout(AT_ONCE_SECONDS):
            # before anything is cleared: an indexing job that begins later no longer sees the rows
            indexing = await rt.jobs.running(deletion.INDEX_BOT, target.locks)
            cleared = await proof.clear(rt, target)
            async with _keeper(rt, target) as session:
                findings.append(await proof.look_for_rows(session, target))
            findings += await proof.look_elsewhere(rt, target)
            findings += await proof.search_by_samples(rt, target, samples)
            if indexing:
                findings.append(Finding(proof.INDEXING, ok=False))
        return await _keep(rt, target, entry_id, _merged(draft, cleared), findings)
    except Exception as error:
        log.warning("deletion_not_verified", kind=target.kind, id=str(target.id), error=repr(error))
        reason = error.message if isinstance(error, DomainError) else "It took too long, or a part of ours failed."
        findings.append(Finding(f"Not searched to the end: {reason} A job completes this deletion.", ok=False))
    try:
        return await _keep(rt, target, entry_id, _merged(draft, cleared), findings)
    except Exception as error:  # the database went away: the draft is in the audit, and the job goes on from it
        log.warning("receipt_not_kept", kind=target.kind, id=str(target.id), error=repr(error))
        return draft


def _merged(receipt: Receipt, cleared: proof.Cleared) -> Receipt:
    """What was there: as counted before, or more where more was found to be cleared. Answers are not counted before."""
    removed = receipt.removed
    update = {
        "vectors": max(removed.vectors, cleared.vectors),
        "blobs": max(removed.blobs, cleared.blobs),
        "cache": removed.cache + cleared.answers,
    }
    return receipt.model_copy(update={"removed": removed.model_copy(update=update)})


async def _keep(rt: Runtime, target: Target, entry_id: UUID, so_far: Receipt, findings: list[Finding]) -> Receipt:
    receipt = receipts.sign(rt, target.receipt(so_far.removed, findings, so_far.deleted_at))
    async with _keeper(rt, target) as session:
        return await receipts.add(session, target, entry_id, receipt)


async def _live_answers(session: AsyncSession, rt: Runtime, target: Target) -> list[UUID]:
    """Questions whose answers are in this process's memory; those that are kept for others are in the cache."""
    owner = {"conversation": Message.conversation_id, "bot": Message.bot_id, "tenant": Message.tenant_id}
    live = rt.answers.question_ids()
    if not live or target.kind not in owner:
        return []
    query = select(col(Message.id)).where(col(Message.id).in_(live), col(owner[target.kind]) == target.id)
    return list((await session.scalars(query)).all())


async def _enqueue(session: AsyncSession, rt: Runtime, target: Target, entry_id: UUID) -> None:
    lock = target.locks[0] if target.kind in ("document", "source", "bot") else ""
    await rt.jobs.defer(session, ERASE, VECTORS, lock=lock, entry_id=entry_id, target=target.as_job())


async def _now(session: AsyncSession) -> Any:
    """The transaction's own time, as `created_at` of its rows has it."""
    return await session.scalar(select(func.now()))


def _session(rt: Runtime, principal: Tenant | PlatformAdmin | System) -> AbstractAsyncContextManager[AsyncSession]:
    return rt.db.tenant(principal) if isinstance(principal, Tenant) else rt.db.platform(principal)


def _keeper(rt: Runtime, target: Target) -> AbstractAsyncContextManager[AsyncSession]:
    """Where the receipt is kept: with the tenant, or with the platform for a tenant that is no more."""
    if target.kind == "tenant":
        return _session(rt, System("deletion of a tenant"))
    return _session(rt, tenant_for_job(target.tenant_id))
