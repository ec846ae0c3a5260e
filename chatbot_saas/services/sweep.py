"""The nightly comparison of rows, vector indexes and stored files over all tenants; `make doctor` asks for it by day.

Rows are the truth. What no row names is removed; what the index lost is indexed again from the rows; a stored file that
is missing cannot be made again, and is told. What changes while it runs is looked at twice before it counts.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from chatbot_saas.adapters.jobs import VECTORS
from chatbot_saas.adapters.vectors import IndexName
from chatbot_saas.core.tenancy import System
from chatbot_saas.models import Attachment, AuditEntry, Bot, Chunk, Source
from chatbot_saas.schemas.sweep import MissingFile, SweepReport
from chatbot_saas.services import attachments, audit, deletion
from chatbot_saas.services.runtime import Runtime

SWEEP_NOW = "sweep_now"
ACTION = "platform.sweep"
UPLOAD_SECONDS = 3600.0
MOST_TOLD = 100
_SYSTEM = System("sweep")


async def sweep(rt: Runtime, entry_id: UUID | None = None) -> SweepReport:
    """Compare, mend, and write the report into the audit, as the entry `entry_id` if that is given."""
    report = SweepReport()
    await _index_waiting(rt, report)
    await _compare_indexes(rt, report)
    report.unsent_files = await attachments.forget_unsent(rt)
    await _compare_files(rt, report)
    async with rt.db.platform(_SYSTEM) as session:
        entry = audit.record(session, _SYSTEM, ACTION, **report.model_dump(mode="json"))
        if entry_id:
            entry.id = entry_id
    return report


async def ask(rt: Runtime, entry_id: UUID) -> int:
    """Let the process that owns the index sweep now; its report becomes the audit's entry `entry_id`.

    Returns the job's id.
    """
    async with rt.db.platform(_SYSTEM) as session:
        job_id = await rt.jobs.defer(session, SWEEP_NOW, VECTORS, lock=SWEEP_NOW, entry_id=entry_id)
    return job_id or 0


async def report_of(rt: Runtime, entry_id: UUID) -> SweepReport | None:
    """The report, once it is there."""
    async with rt.db.platform(_SYSTEM) as session:
        entry = await session.get(AuditEntry, entry_id)
    return SweepReport.model_validate(entry.details, extra="ignore") if entry else None


async def _index_waiting(rt: Runtime, report: SweepReport) -> None:
    """Chunks that are embedded and in no index may have lost their job; another one does no harm."""
    waiting = select(col(Chunk.tenant_id), col(Chunk.bot_id)).where(
        ~col(Chunk.indexed), col(Chunk.embedder) == rt.embedder.name
    )
    async with rt.db.platform(_SYSTEM) as session:
        for row in (await session.execute(waiting.distinct())).all():
            await deletion.enqueue_indexing(session, rt, row.tenant_id, row.bot_id)
            report.waiting += 1


async def _compare_indexes(rt: Runtime, report: SweepReport) -> None:
    """Those that there are, and those that there should be."""
    there = await rt.vectors.indexes()
    async with rt.db.platform(_SYSTEM) as session:
        claimed = select(col(Chunk.bot_id), col(Chunk.embedder)).where(col(Chunk.indexed)).distinct()
        wanted = {(row.bot_id, row.embedder) for row in (await session.execute(claimed)).all()}
        bots = {row.id: (row.embedder, row.dimension) for row in (await session.execute(_BOTS)).all()}
    mine = (rt.embedder.name, rt.embedder.dimension)
    for index in there:
        if (index.embedder, index.dimension) in (bots.get(index.bot_id), mine) and index.bot_id in bots:
            await _compare(rt, index, report)
        elif await _has_no_use(rt, index):
            await rt.vectors.drop(index)
            report.orphan_indexes += 1
    for bot_id, embedder in wanted - {(index.bot_id, index.embedder) for index in there}:
        named = bots.get(bot_id)
        dimension = named[1] if named and named[0] == embedder else rt.embedder.dimension
        await _compare(rt, IndexName(bot_id, embedder, dimension), report)


_BOTS = select(col(Bot.id), col(Bot.embedder), col(Bot.dimension))


async def _has_no_use(rt: Runtime, index: IndexName) -> bool:
    """Looked at again: the bot may have been made, or changed its embedder, since the bots were read."""
    async with rt.db.platform(_SYSTEM) as session:
        bot = await session.get(Bot, index.bot_id)
    used = [(rt.embedder.name, rt.embedder.dimension), (bot.embedder, bot.dimension)] if bot else []
    return (index.embedder, index.dimension) not in used


async def _compare(rt: Runtime, index: IndexName, report: SweepReport) -> None:
    stored = await rt.vectors.chunk_ids(index)
    mine = col(Chunk.bot_id) == index.bot_id
    rows = select(col(Chunk.id), col(Chunk.indexed), col(Chunk.embedder)).where(mine)
    async with rt.db.platform(_SYSTEM) as session:
        found = (await session.execute(rows)).all()
    claimed = {row.id for row in found if row.indexed and row.embedder == index.embedder}
    report.indexes += 1
    report.passages += len(claimed)
    orphans = stored - claimed - {row.id for row in found if not row.indexed}
    if orphans:
        await rt.vectors.delete(index, orphans)
        report.orphan_vectors += len(orphans)
    missing = claimed - stored
    if missing:
        missing -= await rt.vectors.chunk_ids(index)  # what was indexed since
    if missing:
        report.missing_vectors += await _index_again(rt, index.bot_id, missing)


async def _index_again(rt: Runtime, bot_id: UUID, missing: Iterable[UUID]) -> int:
    """How many of the chunks are still there, and are indexed again."""
    again = update(Chunk).where(col(Chunk.id).in_(missing)).values(indexed=False).returning(col(Chunk.tenant_id))
    async with rt.db.platform(_SYSTEM) as session:
        tenants = (await session.scalars(again.execution_options(synchronize_session=False))).all()
        if tenants:
            await deletion.enqueue_indexing(session, rt, tenants[0], bot_id)
    return len(tenants)


_NAMING = select(Source).where(col(Source.blob_key) != "")
_OF_SOURCES = select(col(Source.blob_key)).where(col(Source.blob_key) != "")
_OF_ATTACHMENTS = select(col(Attachment.blob_key)).where(col(Attachment.blob_key) != "")


async def _compare_files(rt: Runtime, report: SweepReport) -> None:
    """A young file may belong to an upload whose row is not there yet: it is left for the next sweep."""
    async with rt.db.platform(_SYSTEM) as session:
        sources = {source.blob_key: source for source in (await session.scalars(_NAMING)).all()}
        before = sources.keys() | set((await session.scalars(_OF_ATTACHMENTS)).all())
    keys = set(await rt.blobs.keys())
    async with rt.db.platform(_SYSTEM) as session:
        after = set((await session.scalars(_OF_SOURCES.union_all(_OF_ATTACHMENTS))).all())
    report.files += len(keys)
    report.sources += len(sources)
    report.attachments += len(before) - len(sources)
    for key in sorted(keys - after):
        if await rt.blobs.age_seconds(key) >= UPLOAD_SECONDS:
            await rt.blobs.delete(key)
            report.orphan_files += 1
    for key in sorted((before & after) - keys):
        if await rt.blobs.exists(key):
            continue
        source = sources.get(key)
        if source is None:
            report.missing_attachments += 1
            continue
        report.missing_files += 1
        if len(report.told) < MOST_TOLD:
            report.told.append(MissingFile(source_id=source.id, tenant_id=source.tenant_id, title=source.title))
