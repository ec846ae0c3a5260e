"""Brings a bot's vector index to what its rows hold. Runs where the index is owned, one at a time a bot."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.vectors import IndexBehindError, IndexName, VectorItem
from chatbot_saas.adapters.vectors.exact import unpack
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import tenant_for_job
from chatbot_saas.models import Bot, Chunk, Source
from chatbot_saas.services import deletion, knowledge, passages, runs
from chatbot_saas.services.runtime import Runtime

log = get_logger(__name__)
BATCH = 500
FAILED = "index_unavailable"


async def index(rt: Runtime, tenant_id: UUID, bot_id: UUID) -> None:
    """The job."""
    principal = tenant_for_job(tenant_id)
    name = IndexName(bot_id, rt.embedder.name, rt.embedder.dimension)
    waiting = (
        select(col(Chunk.id), col(Chunk.embedding))
        .where(
            col(Chunk.bot_id) == bot_id,
            ~col(Chunk.indexed),
            col(Chunk.embedding).is_not(None),
            col(Chunk.embedder) == name.embedder,
        )
        .limit(BATCH)
    )
    while True:
        async with rt.db.tenant(principal) as session:
            if not await runs.is_active(session, tenant_id):
                return  # as for ingestion
            rows = (await session.execute(waiting)).all()
        if not rows:
            break
        vectors = [VectorItem(row.id, unpack(row.embedding, name.dimension)) for row in rows]
        try:
            await rt.vectors.upsert(name, vectors)
            indexed = col(Chunk.id).in_([row.id for row in rows])
        except IndexBehindError:  # damaged: made anew from the rows, which needs no model call
            log.warning("index_rebuilt", bot_id=str(bot_id))
            await rt.vectors.drop(name)
            indexed = None
        async with rt.db.tenant(principal) as session:
            which = indexed if indexed is not None else col(Chunk.bot_id) == bot_id
            await session.execute(update(Chunk).where(which).values(indexed=indexed is not None))
    async with rt.db.tenant(principal) as session:
        await _finish(session, rt, bot_id)


async def _finish(session: AsyncSession, rt: Runtime, bot_id: UUID) -> None:
    """Mark what is wholly indexed as ready; questions use this embedder once all of the bot's chunks have it."""
    behind = select(col(Chunk.id)).where(col(Chunk.source_id) == col(Source.id), ~col(Chunk.indexed)).exists()
    done = select(Source).where(
        col(Source.bot_id) == bot_id,
        ((col(Source.status) == "embedding") & (col(Source.progress) >= passages.EMBEDDED))
        | (col(Source.error_code) == FAILED),
        ~behind,
    )
    for source in (await session.scalars(done.with_for_update())).all():
        await runs.end(session, rt, source, "ready")
    # last, as everywhere: see services.knowledge
    bot = await session.get(Bot, bot_id, with_for_update={"key_share": True})
    if bot is None:
        return
    knowledge.changed(session, bot_id)
    if (bot.embedder, bot.dimension) == (rt.embedder.name, rt.embedder.dimension):
        return
    other = select(col(Chunk.id)).where(col(Chunk.bot_id) == bot_id, col(Chunk.embedder) != rt.embedder.name).limit(1)
    if await session.scalar(other) is None:
        if bot.embedder:
            await deletion.enqueue_index_purge(session, rt, bot)
        bot.embedder, bot.dimension = rt.embedder.name, rt.embedder.dimension


async def fail(rt: Runtime, tenant_id: UUID, bot_id: UUID) -> None:
    """The index could not be brought up to date: say so at what waits for it. Passages are found all the same."""
    async with rt.db.tenant(tenant_for_job(tenant_id)) as session:
        mine = col(Source.bot_id) == bot_id, col(Source.status) == "embedding"
        for source in (await session.scalars(select(Source).where(*mine).with_for_update())).all():
            if source.progress >= passages.EMBEDDED and await passages.whole(session, source.id):
                message = (
                    "The search index could not be reached. Answers use this document already, but more slowly. "
                    "It is tried again every night; re-index to try now."
                )
                await runs.end(session, rt, source, "failed", code=FAILED, message=message)
