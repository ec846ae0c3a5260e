"""The jobs about a bot's vectors: passages that a source no longer has, indexes of an embedder that is no longer used.

Rows go in the caller's transaction, so nothing of them is found from then on: passages are read from rows only.
Vectors follow by a job of the same transaction, which runs again until it succeeds. Jobs about one bot share a lock, so
that a deletion never overtakes the indexing of what it deletes. What a person deletes goes by services.erasure, which
answers with a receipt.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.jobs import VECTORS
from chatbot_saas.adapters.vectors import IndexName
from chatbot_saas.models import Bot, Chunk, Document, Source
from chatbot_saas.services import answer_cache, knowledge
from chatbot_saas.services.runtime import Runtime

PURGE_VECTORS = "purge_vectors"
PURGE_INDEX = "purge_index"
INDEX_BOT = "index_bot"


def bot_lock(bot_id: UUID) -> str:
    return f"bot:{bot_id}"


def blob_prefix(tenant_id: UUID, bot_id: UUID) -> str:
    return f"{tenant_id}/{bot_id}/"


def config_key(bot_id: UUID) -> str:
    """Under which the bot's public configuration is kept in the cache: see services.bot_config."""
    return f"config:{bot_id}"


async def enqueue_chunks(session: AsyncSession, rt: Runtime, source: Source) -> None:
    """Clear the source's vectors, and keep its blob for another try."""
    bot = await session.get_one(Bot, source.bot_id)
    chunk_ids = await chunk_ids_of(session, col(Chunk.source_id) == source.id)
    if chunk_ids:
        await enqueue_vectors(session, rt, bot, chunk_ids)


async def enqueue_vectors(session: AsyncSession, rt: Runtime, bot: Bot, chunk_ids: list[UUID]) -> None:
    await rt.jobs.defer(
        session,
        PURGE_VECTORS,
        VECTORS,
        lock=bot_lock(bot.id),
        bot_id=bot.id,
        embedder=bot.embedder,
        dimension=bot.dimension,
        chunk_ids=[str(chunk_id) for chunk_id in chunk_ids],
    )


async def drop_rows(session: AsyncSession, source: Source) -> None:
    """The source's documents, and with them their chunks."""
    await session.execute(delete(Document).where(col(Document.source_id) == source.id))
    knowledge.changed(session, source.bot_id)


async def chunk_ids_of(session: AsyncSession, which: Any) -> list[UUID]:
    """`which`: a condition on Chunk."""
    return list((await session.scalars(select(col(Chunk.id)).where(which))).all())


async def purge_vectors(rt: Runtime, bot_id: UUID, embedder: str, dimension: int, chunk_ids: list[UUID]) -> None:
    """The job."""
    # the bot's index when it was deleted, and the one that was being built then, which the bot did not name yet
    named = {IndexName(bot_id, rt.embedder.name, rt.embedder.dimension)}
    if embedder:
        named.add(IndexName(bot_id, embedder, dimension))
    for index in named if chunk_ids else ():
        await rt.vectors.delete(index, chunk_ids)
    await answer_cache.drop(rt, [bot_id])  # they are asked for under another key already; now their words go


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


async def enqueue_indexing(session: AsyncSession, rt: Runtime, tenant_id: UUID, bot_id: UUID) -> None:
    """Bring the bot's index to what its rows hold: see services.indexing."""
    await rt.jobs.defer(session, INDEX_BOT, VECTORS, lock=bot_lock(bot_id), tenant_id=tenant_id, bot_id=bot_id)
