"""One run of a source: who may go on with it, how far it is, and how it ends.

A source counts its runs. Whoever works on one asks `own` first and stops when it is no longer the source's, so a
cancel, a deletion or a new run ends an old one at its next step. The tenant sees each run as a row of `jobs`. Few of a
tenant's are handed to the queue at a time, because the queue takes what came first: a thousand files of one would
otherwise stand before another's single one.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.jobs import INGEST
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import System, Tenant, tenant_for_job
from chatbot_saas.models import Bot, Job, Source, TenantRow, WebPage
from chatbot_saas.services import deletion
from chatbot_saas.services.runtime import Runtime

log = get_logger(__name__)

INGEST_SOURCE = "ingest_source"
READ_AGAIN = "read_again"
ADMITTED_PER_TENANT = 4
INDEXING = "indexing"
"""The stage of a run that only waits for the index; it takes no tenant's place any more."""
WATCH_SECONDS = 1.0
"""How often work under way asks whether it is still wanted; most files are read before the first time."""
_ENDINGS = {"ready": "succeeded", "failed": "failed", "cancelled": "cancelled"}
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")


class StoppedError(Exception):
    """The source was cancelled, deleted or started anew: this run has nothing more to do."""


async def begin(session: AsyncSession, rt: Runtime, source: Source, kind: str) -> None:
    """Start the source's present run. `kind`: add, reindex or refresh."""
    session.add(Job(tenant_id=source.tenant_id, bot_id=source.bot_id, source_id=source.id, kind=kind, run=source.run))
    await session.flush()
    await admit(session, rt, source.tenant_id)


async def begin_again(session: AsyncSession, rt: Runtime, source: Source, kind: str) -> None:
    """A new run of the source. One that has not ended yet ends here."""
    await _follow(session, source.id, source.run, status="cancelled", stage="done", finished_at=func.now())
    source.status, source.progress, source.attempts = "queued", 0.0, 0
    source.error_code, source.error = "", ""
    source.run += 1
    await begin(session, rt, source, kind)


async def enqueue_all_again(session: AsyncSession, rt: Runtime, bot: Bot) -> None:
    """Read every source of the bot from its beginning, since its texts are cut or searched otherwise now."""
    await rt.jobs.defer(session, READ_AGAIN, INGEST, lock=f"again {bot.id}", tenant_id=bot.tenant_id, bot_id=bot.id)


async def begin_all_again(rt: Runtime, tenant_id: UUID, bot_id: UUID) -> int:
    """The job. Pages are fetched whole, modified or not; cancelled sources stay as they are. Returns how many begin."""
    async with rt.db.tenant(tenant_for_job(tenant_id)) as session:
        return await _begin_all_again(session, rt, bot_id)


async def _begin_all_again(session: AsyncSession, rt: Runtime, bot_id: UUID) -> int:
    known = (col(WebPage.bot_id) == bot_id, col(WebPage.sha256).is_not(None))
    await session.execute(update(WebPage).where(*known).values(sha256=b""))
    readable = (col(Source.blob_key) != "") | (col(Source.url) != "")
    query = select(Source).where(col(Source.bot_id) == bot_id, col(Source.status) != "cancelled", readable)
    found = (await session.scalars(query.order_by(col(Source.id)).with_for_update())).all()
    for source in found:
        await begin_again(session, rt, source, "refresh" if source.url else "reindex")
    return len(found)


async def admit(session: AsyncSession, rt: Runtime, tenant_id: UUID) -> None:
    """Hand the tenant's oldest waiting runs to the queue, as many as it has places for.

    None while the tenant is suspended: `resume` comes back to them.
    """
    await lock(session, f"admission:{tenant_id}")
    mine = col(Job.tenant_id) == tenant_id, col(Job.finished_at).is_(None)
    taken = await session.scalar(select(func.count()).where(*mine, col(Job.admitted), col(Job.stage) != INDEXING)) or 0
    if taken >= ADMITTED_PER_TENANT or not await is_active(session, tenant_id):
        return
    waiting = select(Job).where(*mine, ~col(Job.admitted)).order_by(col(Job.id)).limit(ADMITTED_PER_TENANT - taken)
    # whoever cancels one of them has its row, and waits for our lock: skipped, or each would wait for the other
    for job in (await session.scalars(waiting.with_for_update(skip_locked=True))).all():
        job.admitted = True
        await enqueue(session, rt, job)


async def resume(session: AsyncSession, rt: Runtime, tenant_id: UUID) -> None:
    """Runs that a suspension of their tenant stopped go on where they were."""
    active = select(Source).where(col(Source.tenant_id) == tenant_id, col(Source.status).not_in(_ENDINGS))
    for source in (await session.scalars(active.with_for_update())).all():
        source.run += 1  # a job that has not noticed the suspension yet must not go on beside the new one
        mine = col(Job.source_id) == source.id, col(Job.finished_at).is_(None)
        await session.execute(
            update(Job)
            .where(*mine)
            .values(run=source.run, admitted=False, stage="queued")
            .execution_options(synchronize_session=False)
        )
    await session.flush()
    await admit(session, rt, tenant_id)


async def lock(session: AsyncSession, name: str) -> None:
    """Until the transaction ends, nobody else gets past this line with the same name."""
    await session.execute(_LOCK, {"name": name})


async def admit_everywhere(rt: Runtime) -> None:
    """Fill the places of every tenant with waiting runs: a deleted source leaves its place without a word."""
    async with rt.db.platform(System("admission of jobs")) as session:
        waiting = select(col(Job.tenant_id)).where(col(Job.finished_at).is_(None), ~col(Job.admitted)).distinct()
        tenant_ids = (await session.scalars(waiting)).all()
    for tenant_id in tenant_ids:
        async with rt.db.tenant(tenant_for_job(tenant_id)) as session:
            await admit(session, rt, tenant_id)


@asynccontextmanager
async def alone(rt: Runtime, purpose: str) -> AsyncGenerator[bool]:
    """Whether no other process does this now; if so, none begins until the block ends."""
    async with rt.db.platform(System(purpose)) as session:
        yield bool(await session.scalar(_TRY_LOCK, {"name": purpose}))


async def enqueue(session: AsyncSession, rt: Runtime, job: Job) -> None:
    await rt.jobs.defer(session, INGEST_SOURCE, INGEST, tenant_id=job.tenant_id, source_id=job.source_id, run=job.run)


async def mend(rt: Runtime) -> int:
    """Every run that has begun must end, whatever became of its entry in the queue. Returns how many were mended.

    One that the queue no longer knows (giving it up failed too, or somebody emptied the queue) is enqueued again; one
    whose source went on without it ends.
    """
    running = col(Job.finished_at).is_(None), col(Job.admitted), col(TenantRow.status) == "active"
    columns = (col(Job.id), col(Job.source_id), col(Job.bot_id), col(Job.run), col(Job.stage))
    async with rt.db.platform(System("lost jobs")) as session:
        begun = select(*columns).join(TenantRow, col(TenantRow.id) == col(Job.tenant_id)).where(*running)
        lost = await _lost(session, rt, (await session.execute(begun)).all())
        if not lost:
            return 0
        again = (
            select(Job, Source)
            .join(Source, col(Source.id) == col(Job.source_id))
            .join(TenantRow, col(TenantRow.id) == col(Job.tenant_id))
            .where(*running, col(Job.id).in_(lost))
            .with_for_update(of=Job, skip_locked=True)
        )
        held = (await session.execute(again)).all()
        # again, now that they cannot move: another process may have mended them, or their step may have ended
        lost = await _lost(session, rt, [job for job, _ in held])
        for job, source in held:
            if job.id in lost:
                await _mend_one(session, rt, job, source)
    if lost:
        log.warning("jobs_mended", count=len(lost))
    return len(lost)


async def _lost(session: AsyncSession, rt: Runtime, found: Sequence[Any]) -> set[UUID]:
    """Which of these runs the queue does not know. It is read after them, so what was enqueued meanwhile is none."""
    if not found:
        return set()
    reading = {(args["source_id"], args["run"]) for args in await rt.jobs.waiting(session, INGEST_SOURCE)}
    indexing = {args["bot_id"] for args in await rt.jobs.waiting(session, deletion.INDEX_BOT)}

    def is_known(job: Any) -> bool:
        return str(job.bot_id) in indexing if job.stage == INDEXING else (str(job.source_id), job.run) in reading

    return {job.id for job in found if not is_known(job)}


async def _mend_one(session: AsyncSession, rt: Runtime, job: Job, source: Source) -> None:
    if source.run != job.run or source.status in _ENDINGS:
        await _follow(session, job.source_id, job.run, status="cancelled", stage="done", finished_at=func.now())
    elif job.stage == INDEXING:
        await deletion.enqueue_indexing(session, rt, job.tenant_id, job.bot_id)
    else:
        await enqueue(session, rt, job)


async def while_own(rt: Runtime, principal: Tenant, source_id: UUID, run: int, work: Coroutine[Any, Any, None]) -> None:
    """Do `work`, and stop it within seconds once the run is not the source's any more: StoppedError.

    A step that takes minutes (a large file in its process, a slow provider) would otherwise hold a worker's place for
    what nobody waits for.
    """
    task = asyncio.create_task(work)
    try:
        while not (await asyncio.wait({task}, timeout=WATCH_SECONDS))[0]:
            async with rt.db.tenant(principal) as session:
                query = select(col(Source.run), col(Source.status)).where(col(Source.id) == source_id)
                source = (await session.execute(query)).first()
                await _require_own(session, source, run, principal.tenant_id)
        task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def own(session: AsyncSession, source_id: UUID, run: int, status: str, progress: float) -> tuple[Source, Bot]:
    """The locked source, moved on to `status`; StoppedError if it is no longer this run's."""
    source = await session.get(Source, source_id, with_for_update=True)
    if source is None:
        raise StoppedError
    await _require_own(session, source, run, source.tenant_id)
    source.status, source.progress = status, progress
    await _follow(session, source.id, run, status="running", stage=status, progress=progress)
    return source, await session.get_one(Bot, source.bot_id)


async def _require_own(session: AsyncSession, source: Any, run: int, tenant_id: UUID) -> None:
    """`source`: a source, or its columns `run` and `status`; None for one that was deleted."""
    if source is None or source.run != run or source.status in _ENDINGS:
        raise StoppedError
    if not await is_active(session, tenant_id):
        raise StoppedError  # resuming the tenant enqueues it again


async def count_attempt(session: AsyncSession, source: Source) -> None:
    source.attempts += 1
    started = func.coalesce(col(Job.started_at), func.now())
    await _follow(session, source.id, source.run, attempts=source.attempts, started_at=started)


async def wait_for_index(session: AsyncSession, rt: Runtime, source: Source) -> None:
    """All is embedded: the tenant's next run may begin."""
    await _follow(session, source.id, source.run, stage=INDEXING)
    await admit(session, rt, source.tenant_id)


async def end(
    session: AsyncSession, rt: Runtime, source: Source, status: str, *, code: str = "", message: str = ""
) -> None:
    """End the source's run as ready, failed or cancelled, and let the tenant's next one begin."""
    source.status, source.progress = status, 1.0 if status == "ready" else 0.0
    source.error_code, source.error = code, message
    if status == "ready":
        source.refreshed_at, source.failures = datetime.now(UTC), 0
    await _follow(
        session,
        source.id,
        source.run,
        status=_ENDINGS[status],
        stage="done",
        progress=source.progress,
        error_code=code,
        error=message,
        finished_at=func.now(),
    )
    await session.flush()
    await admit(session, rt, source.tenant_id)


async def _follow(session: AsyncSession, source_id: UUID, run: int, **values: object) -> None:
    mine = col(Job.source_id) == source_id, col(Job.run) == run, col(Job.finished_at).is_(None)
    await session.execute(update(Job).where(*mine).values(**values).execution_options(synchronize_session=False))


async def is_active(session: AsyncSession, tenant_id: UUID) -> bool:
    status = await session.scalar(select(col(TenantRow.status)).where(col(TenantRow.id) == tenant_id))
    return status == "active"
