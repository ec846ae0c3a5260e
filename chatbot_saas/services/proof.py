"""What one deletion takes away, in which stores it lies, and the searches that show that nothing of it is left."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self, cast
from uuid import UUID

import numpy as np
from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from chatbot_saas.adapters.vectors import IndexName
from chatbot_saas.adapters.vectors.exact import unpack
from chatbot_saas.core.errors import UnavailableError
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import tenant_for_job
from chatbot_saas.models import Bot, Chunk
from chatbot_saas.schemas.receipts import Kind, Receipt, Removed
from chatbot_saas.services import answer_cache, deletion, retrieval
from chatbot_saas.services.retrieval import BotIndex
from chatbot_saas.services.runtime import Runtime

log = get_logger(__name__)
SURVEY_SECONDS = 5.0
SAMPLES = 3
SAMPLE_WORDS = 40
INDEXING = (
    "Vector index: an indexing job of the bot is under way and may still write to it. A job searches again after it."
)
TABLES: dict[str, str] = {
    "document": "documents",
    "source": "sources",
    "bot": "bots",
    "conversation": "conversations",
    "tenant": "tenants",
}
"""Where a thing of each kind has its row."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One search, in words. `ok`: nothing was found."""

    words: str
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Sample:
    """A passage of what is to go, to be searched for afterwards. It is never stored."""

    index: BotIndex
    words: str
    vector: np.ndarray | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    kind: Kind
    id: UUID
    title: str
    tenant_id: UUID
    bot_ids: tuple[UUID, ...] = ()
    """Whose indexes hold vectors of it, and whose kept answers may say something of it."""
    chunk_ids: tuple[UUID, ...] | None = ()
    """Its passages; None: all of the bots'."""
    blob_keys: tuple[str, ...] = ()
    blob_prefix: str = ""
    told_by: tuple[UUID, ...] = ()
    """Further bots whose kept answers may say something of it: of a conversation, its bot."""

    @property
    def locks(self) -> list[str]:
        return [deletion.bot_lock(bot_id) for bot_id in self.bot_ids]

    def receipt(self, removed: Removed, findings: Sequence[Finding], deleted_at: datetime) -> Receipt:
        """Not signed yet."""
        return Receipt(
            id=self.id,
            kind=self.kind,
            title=self.title,
            removed=removed,
            verified=all(finding.ok for finding in findings),
            checked=[finding.words for finding in findings],
            deleted_at=deleted_at,
            signature="",
        )

    def as_job(self) -> dict[str, Any]:
        """For a job's arguments: ids only, as strings, since the queue's tables have no policies."""
        plain = asdict(self)
        del plain["title"]
        for name, value in plain.items():
            if isinstance(value, UUID):
                plain[name] = str(value)
            elif isinstance(value, tuple):
                plain[name] = [str(item) for item in cast(tuple[object, ...], value)]
        return plain

    @classmethod
    def from_job(cls, plain: dict[str, Any]) -> Self:
        def ids(name: str) -> tuple[UUID, ...]:
            return tuple(UUID(item) for item in plain.get(name, ()))

        return cls(
            kind=plain["kind"],
            id=UUID(plain["id"]),
            title="",
            tenant_id=UUID(plain["tenant_id"]),
            bot_ids=ids("bot_ids"),
            chunk_ids=None if plain["chunk_ids"] is None else ids("chunk_ids"),
            blob_keys=tuple(plain["blob_keys"]),
            blob_prefix=plain["blob_prefix"],
            told_by=ids("told_by"),
        )


# --- before


async def samples_of(session: AsyncSession, target: Target) -> list[Sample]:
    """Some of the longest passages, with the vectors that they have."""
    if not target.bot_ids:
        return []
    query = (
        select(Chunk, Bot)
        .join(Bot, col(Bot.id) == col(Chunk.bot_id))
        .where(_chunks_of(target))
        .order_by(col(Chunk.tokens).desc())
        .limit(SAMPLES)
    )
    samples: list[Sample] = []
    for chunk, bot in (await session.execute(query)).all():
        index = BotIndex.of(bot)
        vector = None
        if chunk.embedding and bot.embedder and chunk.embedder == bot.embedder:
            vector = unpack(chunk.embedding, bot.dimension)[0]
        samples.append(Sample(index, " ".join(chunk.text.split()[:SAMPLE_WORDS]), vector))
    return samples


def _chunks_of(target: Target) -> Any:
    columns = {"document": Chunk.document_id, "source": Chunk.source_id, "bot": Chunk.bot_id, "tenant": Chunk.tenant_id}
    return col(columns[target.kind]) == target.id


async def rows_of(session: AsyncSession, target: Target) -> dict[str, int]:
    """How many rows hang on the thing, by table: those that the database deletes with it."""
    parts = _dependants(TABLES[target.kind])
    if not parts:
        return {}
    counts = [
        select(func.count()).select_from(table).where(table.c[column] == target.id).scalar_subquery().label(table.name)
        for table, column in parts
    ]
    return dict((await session.execute(select(*counts))).mappings().one())


def chunks_among(rows: Mapping[str, int]) -> int:
    """Passages among the rows, by table: of documents, and of visitors' files."""
    return rows.get("chunks", 0) + rows.get("attachment_chunks", 0)


def _dependants(name: str) -> list[tuple[Table, str]]:
    return [
        (table, key.parent.name)
        for table in SQLModel.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == name and key.ondelete == "CASCADE"
    ]


async def survey(rt: Runtime, target: Target) -> tuple[int, int]:
    """How many vectors and stored files there are; what cannot be asked now is counted when it is cleared."""
    vectors = blobs = 0
    try:
        async with asyncio.timeout(SURVEY_SECONDS):
            vectors = sum([await _held(rt, target, index) for index in await _indexes(rt, target)])
            blobs = len(await _stored(rt, target))
    except (UnavailableError, TimeoutError) as error:
        log.warning("deletion_not_surveyed", kind=target.kind, id=str(target.id), error=repr(error))
    return vectors, blobs


# --- clearing


@dataclass(frozen=True, slots=True)
class Cleared:
    """How many were there."""

    vectors: int = 0
    blobs: int = 0
    answers: int = 0


async def clear(rt: Runtime, target: Target, *, kept: Collection[UUID] = ()) -> Cleared:
    """Remove its vectors (but those of the chunks in `kept`) and stored files, and all kept answers of its bots."""
    answers = await answer_cache.drop(rt, (*target.bot_ids, *target.told_by))
    if target.chunk_ids is None:
        for bot_id in target.bot_ids:
            await rt.cache.drop(deletion.config_key(bot_id))
    vectors = 0
    for index in await _indexes(rt, target):
        there = await _held(rt, target, index, kept)
        vectors += there
        if target.chunk_ids is None:
            await rt.vectors.drop(index)
        elif there:  # a write that changes nothing costs as much as another
            await rt.vectors.delete(index, [chunk_id for chunk_id in target.chunk_ids if chunk_id not in kept])
    stored = await _stored(rt, target)
    for key in target.blob_keys:
        if key in stored:
            await rt.blobs.delete(key)
    if target.blob_prefix:
        await rt.blobs.delete_prefix(target.blob_prefix)
    return Cleared(vectors, len(stored), answers)


async def _indexes(rt: Runtime, target: Target) -> list[IndexName]:
    """Every index of its bots: also one that is being built for another embedder, which the bot does not name yet."""
    if not target.bot_ids:
        return []
    return [index for index in await rt.vectors.indexes() if index.bot_id in target.bot_ids]


async def _held(rt: Runtime, target: Target, index: IndexName, kept: Collection[UUID] = ()) -> int:
    if target.chunk_ids is None:
        return await rt.vectors.count(index)
    return await rt.vectors.held(index, [chunk_id for chunk_id in target.chunk_ids if chunk_id not in kept])


async def _stored(rt: Runtime, target: Target) -> list[str]:
    found = [key for key in target.blob_keys if await rt.blobs.exists(key)]
    return [*found, *(await rt.blobs.keys(target.blob_prefix) if target.blob_prefix else [])]


# --- afterwards


async def rows_again(session: AsyncSession, target: Target) -> set[UUID]:
    """Passages with the same ids that came since: a page that is read again holds the same words in the same place."""
    if target.kind != "document" or not target.chunk_ids:
        return set()
    query = select(col(Chunk.id)).where(col(Chunk.id).in_(target.chunk_ids))
    return set((await session.scalars(query)).all())


async def look_for_rows(session: AsyncSession, target: Target, *, but: Collection[UUID] = ()) -> Finding:
    if but:
        return Finding(f"Database: its rows went; the page was read again since, with {len(but)} passages.")
    own = SQLModel.metadata.tables[TABLES[target.kind]]
    left = await rows_of(session, target)
    left[own.name] = await session.scalar(select(func.count()).where(own.c.id == target.id)) or 0
    found = {name: count for name, count in left.items() if count}
    if found:
        return Finding(f"Database: {_listed([f'{count} in {name}' for name, count in found.items()])} left.", ok=False)
    return Finding(f"Database: no row of it is left in {_listed(sorted(name.replace('_', ' ') for name in left))}.")


async def look_elsewhere(rt: Runtime, target: Target, *, kept: Collection[UUID] = ()) -> list[Finding]:
    """Kept answers, vectors and stored files."""
    stored = await _stored(rt, target)
    files = "none in its folder" if target.blob_prefix else "none under its name" if target.blob_keys else "it had none"
    on_disk = (
        Finding(f"Stored files: {files}.")
        if not stored
        else Finding(f"Stored files: {len(stored)} are still there.", ok=False)
    )
    if not target.bot_ids:
        return [
            Finding("Kept answers: all of its bot were dropped." if target.told_by else "Kept answers: it had none."),
            Finding("Vectors: it had none."),
            on_disk,
        ]
    outdated = await answer_cache.outdated(rt, target.tenant_id, target.bot_ids)
    indexes = await _indexes(rt, target)
    vectors = sum([await _held(rt, target, index, kept) for index in indexes])
    if target.chunk_ids is not None:
        where = f"the bot's {_count(len(indexes), 'index', 'indexes')}" if indexes else "the bot, which has no index"
        clean = f"Vectors: none of its {_count(len(target.chunk_ids), 'passage')} in {where}."
    else:
        owners = "the bot" if target.kind == "bot" else f"its {_count(len(target.bot_ids), 'bot')}"
        clean = f"Vectors: no index of {owners} is left."
    gone = not (vectors or (indexes and target.chunk_ids is None))
    return [
        Finding("Kept answers: none from before is left.")
        if not outdated
        else Finding(f"Kept answers: {outdated} from before are still there.", ok=False),
        Finding(clean) if gone else Finding(f"Vectors: {vectors} are still there.", ok=False),
        on_disk,
    ]


async def search_by_samples(rt: Runtime, target: Target, samples: Sequence[Sample]) -> list[Finding]:
    """Ask as a visitor would, with its own words and its own vectors."""
    if not target.bot_ids:
        return []
    if not samples:
        return [Finding("Search: it had no passages to be found.")]
    for sample in samples:
        if await _finds(rt, target, sample.index, sample.words, sample.vector):
            return [Finding("Search: its own words or vectors still find a passage of it.", ok=False)]
    return [Finding(f"Search: the words and vectors of {_count(len(samples), 'passage')} of it find nothing of it.")]


async def search_by_title(rt: Runtime, target: Target) -> list[Finding]:
    """What is left for a job to search with, since it is not told the deleted text."""
    for bot_id in target.bot_ids[:SAMPLES]:
        if await _finds(rt, target, BotIndex(bot_id, "", 0, "auto"), target.title, None):
            return [Finding("Search: its title still finds a passage of it.", ok=False)]
    return [Finding("Search: its title finds nothing of it.")] if target.bot_ids else []


async def _finds(rt: Runtime, target: Target, index: BotIndex, words: str, vector: np.ndarray | None) -> bool:
    found = await retrieval.find(rt, tenant_for_job(target.tenant_id), index, words, vector)
    return any(target.chunk_ids is None or target.id in (passage.source_id, passage.document_id) for passage in found)


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _listed(parts: Sequence[str]) -> str:
    parts = [part for part in parts if part]
    return " and ".join(parts) if len(parts) < 3 else f"{', '.join(parts[:-1])} and {parts[-1]}"
