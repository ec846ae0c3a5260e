"""Gone means gone: what leaves with a bot or a source, and the jobs that clear what is not in Postgres.

Rows go in the caller's transaction, so nothing of them is found from then on: passages are read from rows only.
Vectors and blobs follow by a job of the same transaction, which runs again until it succeeds. Jobs about one bot share
a lock, so that a deletion never overtakes the indexing of what it deletes.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.jobs import VECTORS
from chatbot_saas.adapters.vectors import IndexName
from chatbot_saas.core.tenancy import System
from chatbot_saas.models import Bot, Chunk, Document, Source
from chatbot_saas.services import audit
from chatbot_saas.services.runtime import Runtime

PURGE_SOURCE = "purge_source"
PURGE_INDEX = "purge_index"
PURGE_BOT = "purge_bot"
PURGE_TENANT = "purge_tenant"
INDEX_BOT = "index_bot"
UPLOAD_SECONDS = 3600.0


def bot_lock(bot_id: UUID) -> str:
    return f"bot:{bot_id}"


def blob_prefix(tenant_id: UUID, bot_id: UUID) -> str:
    return f"{tenant_id}/{bot_id}/"


async def enqueue_source(session: AsyncSession, rt: Runtime, source: Source) -> None:
    """Clear the source's vectors and its blob, once this transaction has committed."""
    bot = await session.get_one(Bot, source.bot_id)
    await enqueue_vectors(session, rt, bot, await _chunk_ids(session, source.id), blob_key=source.blob_key)


async def enqueue_chunks(session: AsyncSession, rt: Runtime, source: Source) -> None:
    """Clear the source's vectors, and keep its blob for another try."""
    bot = await session.get_one(Bot, source.bot_id)
    chunk_ids = await _chunk_ids(session, source.id)
    if chunk_ids:
        await enqueue_vectors(session, rt, bot, chunk_ids)


async def enqueue_vectors(
    session: AsyncSession, rt: Runtime, bot: Bot, chunk_ids: list[UUID], *, blob_key: str = ""
) -> None:
    await rt.jobs.defer(
        session,
        PURGE_SOURCE,
        VECTORS,
        lock=bot_lock(bot.id),
        bot_id=bot.id,
        embedder=bot.embedder,
        dimension=bot.dimension,
        chunk_ids=[str(chunk_id) for chunk_id in chunk_ids],
        blob_key=blob_key,
    )


async def drop_rows(session: AsyncSession, source_id: UUID) -> None:
    """The source's documents, and with them their chunks."""
    await session.execute(delete(Document).where(col(Document.source_id) == source_id))


async def _chunk_ids(session: AsyncSession, source_id: UUID) -> list[UUID]:
    return list((await session.scalars(select(col(Chunk.id)).where(col(Chunk.source_id) == source_id))).all())


async def purge_source(
    rt: Runtime, bot_id: UUID, embedder: str, dimension: int, chunk_ids: list[UUID], blob_key: str
) -> None:
    # the bot's index when it was deleted, and the one that was being built then, which the bot did not name yet
    named = {IndexName(bot_id, rt.embedder.name, rt.embedder.dimension)}
    if embedder:
        named.add(IndexName(bot_id, embedder, dimension))
    for index in named if chunk_ids else ():
        await rt.vectors.delete(index, chunk_ids)
    if blob_key:
        await rt.blobs.delete(blob_key)


async def enqueue_index_purge(session: AsyncSession, rt: Runtime, bot: Bot) -> None:
    """Clear the bot's index of the embedder that it had so far."""
    await rt.jobs.defer(
        session,
        PURGE_INDEX,
        VECTORS,
        lock=bot_lock(bot.id),
        bot_id=bot.id,
        embedder=bot.embedder,
        dimension=bot.dimension,
    )


async def enqueue_bot(session: AsyncSession, rt: Runtime, tenant_id: UUID, bot_id: UUID) -> None:
    await rt.jobs.defer(session, PURGE_BOT, VECTORS, lock=bot_lock(bot_id), tenant_id=tenant_id, bot_id=bot_id)


async def enqueue_indexing(session: AsyncSession, rt: Runtime, tenant_id: UUID, bot_id: UUID) -> None:
    """Bring the bot's index to what its rows hold: see services.ingestion.index."""
    await rt.jobs.defer(session, INDEX_BOT, VECTORS, lock=bot_lock(bot_id), tenant_id=tenant_id, bot_id=bot_id)


async def purge_bot(rt: Runtime, tenant_id: UUID, bot_id: UUID) -> None:
    await rt.vectors.drop_bot(bot_id)
    await rt.blobs.delete_prefix(blob_prefix(tenant_id, bot_id))


async def enqueue_tenant(session: AsyncSession, rt: Runtime, tenant_id: UUID) -> None:
    bot_ids = (await session.scalars(select(col(Bot.id)).where(col(Bot.tenant_id) == tenant_id))).all()
    for bot_id in bot_ids:
        await enqueue_bot(session, rt, tenant_id, bot_id)
    await rt.jobs.defer(session, PURGE_TENANT, VECTORS, tenant_id=tenant_id)


async def purge_tenant(rt: Runtime, tenant_id: UUID) -> None:
    await rt.blobs.delete_prefix(f"{tenant_id}/")


async def sweep(rt: Runtime) -> dict[str, int]:
    """Compare rows, vectors and blobs over all tenants; remove what no row names and index what the index lost.

    Returns how many were found of each kind. A young blob may belong to an upload whose row is not there yet: it
    is left for the next sweep.
    """
    found = {"orphan_indexes": 0, "orphan_vectors": 0, "missing_vectors": 0, "orphan_blobs": 0}
    principal = System("sweep")
    await _index_waiting(rt, principal)
    for index in await rt.vectors.indexes():
        async with rt.db.platform(principal) as session:
            bot = await session.get(Bot, index.bot_id)
        wanted = (rt.embedder.name, rt.embedder.dimension)
        if bot is None or (index.embedder, index.dimension) not in ((bot.embedder, bot.dimension), wanted):
            await rt.vectors.drop(index)
            found["orphan_indexes"] += 1
            continue
        await _compare_index(rt, principal, index, found)
    keys = await rt.blobs.keys()
    async with rt.db.platform(principal) as session:
        known = set((await session.scalars(select(col(Source.blob_key)).where(col(Source.blob_key) != ""))).all())
    for key in set(keys) - known:
        if await rt.blobs.age_seconds(key) < UPLOAD_SECONDS:
            continue
        await rt.blobs.delete(key)
        found["orphan_blobs"] += 1
    async with rt.db.platform(principal) as session:
        audit.record(session, principal, "platform.sweep", found=found)
    return found


async def _index_waiting(rt: Runtime, principal: System) -> None:
    """Chunks that are embedded and in no index have lost their job."""
    waiting = select(col(Chunk.tenant_id), col(Chunk.bot_id)).where(
        ~col(Chunk.indexed), col(Chunk.embedder) == rt.embedder.name
    )
    async with rt.db.platform(principal) as session:
        for row in (await session.execute(waiting.distinct())).all():
            await enqueue_indexing(session, rt, row.tenant_id, row.bot_id)


async def _compare_index(rt: Runtime, principal: System, index: IndexName, found: dict[str, int]) -> None:
    stored = await rt.vectors.chunk_ids(index)
    async with rt.db.platform(principal) as session:
        rows = (
            await session.execute(
                select(col(Chunk.id), col(Chunk.tenant_id)).where(
                    col(Chunk.bot_id) == index.bot_id, col(Chunk.indexed), col(Chunk.embedder) == index.embedder
                )
            )
        ).all()
    known = {row.id for row in rows}
    async with rt.db.platform(principal) as session:
        pending = set(
            (
                await session.scalars(
                    select(col(Chunk.id)).where(col(Chunk.bot_id) == index.bot_id, ~col(Chunk.indexed))
                )
            ).all()
        )
    orphans = stored - known - pending
    if orphans:
        await rt.vectors.delete(index, orphans)
        found["orphan_vectors"] += len(orphans)
    missing = [row for row in rows if row.id not in stored]
    if missing:
        found["missing_vectors"] += len(missing)
        await _index_again(rt, principal, index.bot_id, missing)


async def _index_again(rt: Runtime, principal: System, bot_id: UUID, missing: list[Any]) -> None:
    async with rt.db.platform(principal) as session:
        for chunk in (await session.scalars(select(Chunk).where(col(Chunk.id).in_([row.id for row in missing])))).all():
            chunk.indexed = False
        await enqueue_indexing(session, rt, missing[0].tenant_id, bot_id)
