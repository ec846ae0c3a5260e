"""How a source becomes searchable: extract, chunk, embed, index.

A job may run twice, be killed at any point, or find its source cancelled or deleted. So each step reads the row's `run`
first and stops when it is no longer its own; chunk ids follow from what they hold, so that nothing doubles; and a chunk
that was embedded keeps its vectors, so that nothing is paid for twice.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.embeddings import Embedded
from chatbot_saas.adapters.llm import ModelError
from chatbot_saas.adapters.vectors import IndexBehindError, IndexName, VectorItem
from chatbot_saas.adapters.vectors.exact import pack, unpack
from chatbot_saas.core.errors import DomainError, InvalidError
from chatbot_saas.core.ids import derived_id
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import System, Tenant, tenant_for_job
from chatbot_saas.models import Bot, Chunk, Document, Source, TenantRow
from chatbot_saas.services import deletion, sources, usage
from chatbot_saas.services.preparing import Prepared
from chatbot_saas.services.runtime import Runtime

log = get_logger(__name__)
PARALLEL_BATCHES = 3
INDEX_BATCH = 500
CHUNK_TIMEOUT_SECONDS = 120.0
EMBEDDED = 0.98
"""Progress of a source that only waits for the index."""
INDEX_FAILED = "index_unavailable"


class StoppedError(Exception):
    """The source was cancelled, deleted or started anew: this run has nothing more to do."""


class NoTextError(InvalidError):
    """There is no text in this file. If it is a scan, run text recognition (OCR) on it first, then upload it again."""

    code = "file_no_text"


async def ingest(rt: Runtime, tenant_id: UUID, source_id: UUID, run: int) -> None:
    """The job. Domain errors end the source as failed with their message; anything else is tried again by the queue."""
    principal = tenant_for_job(tenant_id)
    try:
        await _ingest(rt, principal, source_id, run)
    except StoppedError:
        log.info("ingestion_stopped", source_id=str(source_id), run=run)
    except DomainError as error:
        if getattr(error, "retryable", False):
            raise
        await fail(rt, principal, source_id, run, error.code, error.message)


async def _ingest(rt: Runtime, principal: Tenant, source_id: UUID, run: int) -> None:
    async with rt.db.tenant(principal) as session:
        source, bot = await _own(session, source_id, run, "extracting", 0.02)
        source.attempts += 1
        blob_key, filename, language = source.blob_key, source.filename, bot.language
    async with rt.blobs.local_copy(blob_key) as path:
        extracted = await rt.extractor.extract(path, filename)
    async with rt.db.tenant(principal) as session:
        await _own(session, source_id, run, "chunking", 0.2)
    prepared: Prepared = await rt.processes.run(
        "chatbot_saas.services.preparing:chunk",
        extracted,
        str(rt.settings.models_dir),
        language,
        timeout=CHUNK_TIMEOUT_SECONDS,
    )
    if not prepared.chunks:
        raise NoTextError
    async with rt.db.tenant(principal) as session:
        source, bot = await _own(session, source_id, run, "embedding", 0.3)
        await _store_chunks(session, rt, source, bot, prepared)
    await _embed(rt, principal, source_id, run)
    async with rt.db.tenant(principal) as session:
        source, _ = await _own(session, source_id, run, "embedding", EMBEDDED)
        await deletion.enqueue_indexing(session, rt, principal.tenant_id, source.bot_id)


async def _own(session: AsyncSession, source_id: UUID, run: int, status: str, progress: float) -> tuple[Source, Bot]:
    """The locked source, moved on to `status`; StoppedError if it is no longer this run's."""
    source = await session.get(Source, source_id, with_for_update=True)
    if source is None or source.run != run or source.status in ("cancelled", "failed", "ready"):
        raise StoppedError
    if not await _active(session, source.tenant_id):
        raise StoppedError  # resuming the tenant enqueues it again
    source.status, source.progress = status, progress
    return source, await session.get_one(Bot, source.bot_id)


async def _active(session: AsyncSession, tenant_id: UUID) -> bool:
    status = await session.scalar(select(col(TenantRow.status)).where(col(TenantRow.id) == tenant_id))
    return status == "active"


async def _store_chunks(session: AsyncSession, rt: Runtime, source: Source, bot: Bot, prepared: Prepared) -> None:
    """Bring the chunk rows to what the file holds now. Chunks that are there already keep their vectors."""
    document_id = derived_id(source.id, "document")
    document = await session.get(Document, document_id)
    if document is None:
        document = Document(
            id=document_id, tenant_id=source.tenant_id, bot_id=bot.id, source_id=source.id, title="", text=""
        )
        session.add(document)
    document.title = (prepared.title or source.filename)[:300]
    document.text, document.pages = prepared.text, prepared.pages
    source.title, source.media_type = document.title, prepared.media_type
    source.chunks, source.tokens = len(prepared.chunks), sum(draft.tokens for draft in prepared.chunks)
    await session.flush()
    fresh = {
        derived_id(document_id, f"{draft.ordinal}:{draft.start}:{_content_hash(draft.text, search)}"): (draft, search)
        for draft, search in zip(prepared.chunks, prepared.search, strict=True)
    }
    stored = set((await session.scalars(select(col(Chunk.id)).where(col(Chunk.document_id) == document_id))).all())
    if stale := stored - fresh.keys():
        await session.execute(delete(Chunk).where(col(Chunk.id).in_(stale)))
        await deletion.enqueue_vectors(session, rt, bot, list(stale))
    rows = [
        {
            "id": chunk_id,
            "tenant_id": source.tenant_id,
            "bot_id": bot.id,
            "source_id": source.id,
            "document_id": document_id,
            "ordinal": draft.ordinal,
            "start": draft.start,
            "end": draft.end,
            "text": draft.text,
            "tokens": draft.tokens,
            "page": draft.page,
            "pages": [[n, start - draft.start] for n, start in prepared.pages if draft.start < start < draft.end],
            "headings": list(draft.headings),
            "search": search,
            "embedder": "",
            "indexed": False,
        }
        for chunk_id, (draft, search) in fresh.items()
        if chunk_id not in stored
    ]
    if rows:
        await session.execute(insert(Chunk), rows)


def _content_hash(text: str, search: str) -> str:
    return hashlib.sha256(f"{text}\x00{search}".encode()).hexdigest()


async def _embed(rt: Runtime, principal: Tenant, source_id: UUID, run: int) -> None:
    """Embed what is not embedded yet, a few batches at a time; each is stored with its usage in one transaction."""
    async with rt.db.tenant(principal) as session:
        pending = (
            await session.execute(
                select(col(Chunk.id), col(Chunk.text))
                .where(col(Chunk.source_id) == source_id, _not_embedded(rt))
                .order_by(col(Chunk.ordinal))
            )
        ).all()
        total = await session.scalar(select(func.count()).where(col(Chunk.source_id) == source_id)) or 1
        bot_id = (await session.get_one(Source, source_id)).bot_id
    size = rt.embedder.batch_size
    batches = [pending[i : i + size] for i in range(0, len(pending), size)]
    done = total - len(pending)
    gate = asyncio.Semaphore(PARALLEL_BATCHES)

    def progress() -> float:
        return 0.3 + 0.65 * done / total

    async def one(batch: Sequence[tuple[UUID, str]]) -> None:
        async with gate:
            async with rt.db.tenant(principal) as session:
                await _own(session, source_id, run, "embedding", progress())
            try:
                embedded = await rt.embedder.embed_documents([text for _, text in batch])
            except ModelError as error:
                async with rt.db.tenant(principal) as session:
                    usage.record_failed_embedding(session, principal.tenant_id, bot_id, error, rt.embedder.name)
                raise
            async with rt.db.tenant(principal) as session:
                nonlocal done
                done += len(batch)
                _, bot = await _own(session, source_id, run, "embedding", progress())
                await _store_vectors(session, rt, [chunk_id for chunk_id, _ in batch], embedded)
                usage.record_embedding(session, principal.tenant_id, bot.id, embedded)

    try:
        async with asyncio.TaskGroup() as group:
            for batch in batches:
                group.create_task(one(batch))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures


def _not_embedded(rt: Runtime):
    return col(Chunk.embedding).is_(None) | (col(Chunk.embedder) != rt.embedder.name)


async def _store_vectors(session: AsyncSession, rt: Runtime, chunk_ids: list[UUID], embedded: Embedded) -> None:
    await session.execute(
        update(Chunk),
        [
            {"id": chunk_id, "embedding": pack(vectors), "embedder": rt.embedder.name, "indexed": False}
            for chunk_id, vectors in zip(chunk_ids, embedded.vectors, strict=True)
        ],
    )


async def index(rt: Runtime, tenant_id: UUID, bot_id: UUID) -> None:
    """The job that brings a bot's index to what its rows hold. Runs where the index is owned, one at a time a bot."""
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
        .limit(INDEX_BATCH)
    )
    while True:
        async with rt.db.tenant(principal) as session:
            if not await _active(session, tenant_id):
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
    bot = await session.get(Bot, bot_id, with_for_update=True)
    if bot is None:
        return
    behind = select(col(Chunk.id)).where(col(Chunk.source_id) == col(Source.id), ~col(Chunk.indexed)).exists()
    await session.execute(
        update(Source)
        .where(
            col(Source.bot_id) == bot_id,
            (col(Source.status) == "embedding") | (col(Source.error_code) == INDEX_FAILED),
            col(Source.chunks) > 0,
            ~behind,
        )
        .values(status="ready", progress=1.0, error_code="", error="")
        .execution_options(synchronize_session=False)
    )
    bot.knowledge_version += 1
    if (bot.embedder, bot.dimension) == (rt.embedder.name, rt.embedder.dimension):
        return
    other = select(col(Chunk.id)).where(col(Chunk.bot_id) == bot_id, col(Chunk.embedder) != rt.embedder.name).limit(1)
    if await session.scalar(other) is None:
        if bot.embedder:
            await deletion.enqueue_index_purge(session, rt, bot)
        bot.embedder, bot.dimension = rt.embedder.name, rt.embedder.dimension


async def follow_embedder(rt: Runtime) -> int:
    """After a change of the embedder (a key was added, say): embed every bot's chunks anew, beside the old index.

    Until a bot is through, words alone find its passages. Returns the number of sources that were queued.
    """
    system = System("change of embedder")
    async with rt.db.platform(system) as session:
        stale = select(col(Bot.id)).where(col(Bot.embedder) != "", col(Bot.embedder) != rt.embedder.name)
        query = select(Source).where(col(Source.bot_id).in_(stale), col(Source.status) == "ready").with_for_update()
        found = (await session.scalars(query)).all()
        for source in found:
            source.status, source.progress, source.attempts = "queued", 0.0, 0
            source.run += 1
            await sources.enqueue(session, rt, source)
    return len(found)


async def fail(rt: Runtime, principal: Tenant, source_id: UUID, run: int, code: str, message: str) -> None:
    """End this run as failed with a reason.

    What it had stored goes, so that nothing is half-indexed; but knowledge that is whole stays, as after a re-index
    that failed because the model provider was down.
    """
    async with rt.db.tenant(principal) as session:
        source = await session.get(Source, source_id, with_for_update=True)
        if source is None or source.run != run or source.status in ("cancelled", "ready"):
            return
        if not await _whole(session, source_id):
            await deletion.enqueue_chunks(session, rt, source)
            await deletion.drop_rows(session, source_id)
            source.chunks, source.tokens = 0, 0
        source.status, source.progress = "failed", 0.0
        source.error_code, source.error = code, message


async def fail_index(rt: Runtime, tenant_id: UUID, bot_id: UUID) -> None:
    """The index could not be brought up to date: say so at what waits for it. Passages are found all the same."""
    async with rt.db.tenant(tenant_for_job(tenant_id)) as session:
        mine = col(Source.bot_id) == bot_id, col(Source.status) == "embedding"
        for source in (await session.scalars(select(Source).where(*mine).with_for_update())).all():
            if source.progress >= EMBEDDED and await _whole(session, source.id):
                source.status, source.error_code = "failed", INDEX_FAILED
                source.error = (
                    "The search index could not be reached. Answers use this document already, but more slowly. "
                    "It is tried again every night; re-index to try now."
                )


async def _whole(session: AsyncSession, source_id: UUID) -> bool:
    """Whether the source has chunks, and a vector for each, by whichever embedder."""
    query = select(func.count(), func.count(col(Chunk.embedding))).where(col(Chunk.source_id) == source_id)
    chunks, embedded = (await session.execute(query)).one()
    return chunks > 0 and chunks == embedded
