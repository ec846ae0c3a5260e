"""What there is of a source or a bot, in every store."""

from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import SQLModel, col

from chatbot_saas.adapters.vectors import IndexName
from chatbot_saas.core.tenancy import System
from chatbot_saas.models import Chunk, Document
from chatbot_saas.schemas.sources import SourceRead
from chatbot_saas.services.runtime import Runtime
from tests.factories.jobs import drained


async def rows_of(rt: Runtime, *, bot_id: UUID) -> dict[str, int]:
    """How many rows of each table name the bot."""
    found: dict[str, int] = {}
    async with rt.db.platform(System("tests")) as session:
        for name, table in SQLModel.metadata.tables.items():
            if "bot_id" in table.c:
                found[name] = await session.scalar(select(func.count()).where(table.c.bot_id == bot_id)) or 0
    return found


async def chunks_of(rt: Runtime, source_id: UUID) -> list[Chunk]:
    async with rt.db.platform(System("tests")) as session:
        query = select(Chunk).where(col(Chunk.source_id) == source_id).order_by(col(Chunk.ordinal))
        return list((await session.scalars(query)).all())


async def vectors_of(rt: Runtime, bot_id: UUID) -> set[UUID]:
    found: set[UUID] = set()
    for index in await rt.vectors.indexes():
        if index.bot_id == bot_id:
            found |= await rt.vectors.chunk_ids(index)
    return found


async def is_whole(rt: Runtime, source: SourceRead) -> None:
    """Ready, each chunk once in the rows and once in the index, and the chunks cover the document."""
    assert source.status == "ready", source
    chunks = await chunks_of(rt, source.id)
    assert len(chunks) == source.chunks > 0
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert all(chunk.indexed and chunk.embedding for chunk in chunks)
    index = IndexName(source.bot_id, rt.embedder.name, rt.embedder.dimension)
    assert {chunk.id for chunk in chunks} <= await rt.vectors.chunk_ids(index)
    async with rt.db.platform(System("tests")) as session:
        [document] = (await session.scalars(select(Document).where(col(Document.source_id) == source.id))).all()
    assert all(document.text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert sum(len(part) for part in document.text.split()) <= sum(len("".join(c.text.split())) for c in chunks)


async def is_gone(rt: Runtime, source_id: UUID, bot_id: UUID) -> None:
    """Nothing of the source is found anywhere, whatever else the bot has."""
    await drained(rt)
    assert await chunks_of(rt, source_id) == []
    async with rt.db.platform(System("tests")) as session:
        known = set((await session.scalars(select(col(Chunk.id)).where(col(Chunk.bot_id) == bot_id))).all())
        assert not await session.scalar(select(func.count()).where(col(Document.source_id) == source_id))
    assert await vectors_of(rt, bot_id) <= known
