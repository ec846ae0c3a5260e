"""Brings a document's rows to what it holds now, and embeds what is new.

A chunk's id follows from its document and its words, so a text that only moved keeps its row and its vectors, and a
job that runs twice writes nothing twice.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.embeddings import Embedded
from chatbot_saas.adapters.extraction import Extracted
from chatbot_saas.adapters.llm import ModelError
from chatbot_saas.adapters.vectors.exact import pack
from chatbot_saas.core.ids import derived_id
from chatbot_saas.core.tenancy import Tenant
from chatbot_saas.models import Bot, Chunk, Document, Source
from chatbot_saas.services import deletion, knowledge, runs, usage
from chatbot_saas.services.chunking import ChunkDraft
from chatbot_saas.services.preparing import Cut, Prepared
from chatbot_saas.services.runtime import Runtime

PARALLEL_BATCHES = 3
CHUNK_TIMEOUT_SECONDS = 120.0
EMBEDDED = 0.98
"""Progress of a source that only waits for the index."""
_EMBEDDING = (0.3, 0.97)


def document_id(source_id: UUID, url: str = "") -> UUID:
    """A source has one document, or one for each address."""
    return derived_id(source_id, f"document {url}" if url else "document")


def cut_of(bot: Bot) -> Cut:
    return Cut(bot.language, bot.chunk_tokens)


async def prepare(rt: Runtime, extracted: Extracted, cut: Cut) -> Prepared:
    """Cut into passages, in a worker process."""
    prepared: Prepared = await rt.processes.run(
        "chatbot_saas.services.preparing:chunk",
        extracted,
        str(rt.settings.models_dir),
        cut,
        timeout=CHUNK_TIMEOUT_SECONDS,
    )
    return prepared


async def store_document(
    session: AsyncSession, rt: Runtime, source: Source, bot: Bot, prepared: Prepared, *, url: str = "", title: str = ""
) -> None:
    """Write the document and its chunks. `url` where the source has many; `title` where its owner gave one."""
    wanted = document_id(source.id, url)
    document = await session.get(Document, wanted)
    if document is None:
        document = Document(
            id=wanted, tenant_id=source.tenant_id, bot_id=bot.id, source_id=source.id, title="", text=""
        )
        session.add(document)
    document.title = (title or prepared.title or source.title)[:300]
    document.url, document.text, document.pages = url or source.url, prepared.text, prepared.pages
    await session.flush()
    knowledge.changed(session, bot.id)
    await _store_chunks(session, rt, source, bot, document, prepared)


def columns_of(draft: ChunkDraft, search: str, pages: Sequence[Sequence[int]]) -> dict[str, object]:
    """What a row holds of a passage. `pages`: of the whole text."""
    return {
        "ordinal": draft.ordinal,
        "start": draft.start,
        "end": draft.end,
        "page": draft.page,
        "pages": [[n, start - draft.start] for n, start in pages if draft.start < start < draft.end],
        "headings": list(draft.headings),
        "text": draft.text,
        "tokens": draft.tokens,
        "search": search,
    }


async def _store_chunks(
    session: AsyncSession, rt: Runtime, source: Source, bot: Bot, document: Document, prepared: Prepared
) -> None:
    seen: Counter[str] = Counter()
    fresh: dict[UUID, dict[str, object]] = {}
    for draft, search in zip(prepared.chunks, prepared.search, strict=True):
        words = hashlib.sha256(f"{draft.text}\x00{search}".encode()).hexdigest()
        fresh[derived_id(document.id, f"{words}:{seen[words]}")] = {
            **columns_of(draft, search, prepared.pages),
            **(prepared.questions[draft.ordinal] if prepared.questions else {}),
        }
        seen[words] += 1
    known = select(col(Chunk.id), col(Chunk.ordinal), col(Chunk.start), col(Chunk.page)).where(
        col(Chunk.document_id) == document.id
    )
    stored = {row.id: (row.ordinal, row.start, row.page) for row in (await session.execute(known)).all()}
    vectors: dict[tuple[str, str], tuple[bytes, str]] = {}
    if stale := stored.keys() - fresh.keys():
        vectors = await _vectors_of(session, stale)
        await session.execute(delete(Chunk).where(col(Chunk.id).in_(stale)))
        await deletion.enqueue_vectors(session, rt, bot, list(stale))
    moved = [
        {"id": chunk_id, **{name: row[name] for name in ("ordinal", "start", "end", "page", "pages", "headings")}}
        for chunk_id, row in fresh.items()
        if chunk_id in stored and stored[chunk_id] != (row["ordinal"], row["start"], row["page"])
    ]
    if moved:
        await session.execute(update(Chunk), moved)
    owned = {
        "tenant_id": source.tenant_id,
        "bot_id": bot.id,
        "source_id": source.id,
        "document_id": document.id,
        "indexed": False,
    }
    rows = [
        {"id": chunk_id, **owned, **row, **_known_vector(vectors, row)}
        for chunk_id, row in fresh.items()
        if chunk_id not in stored
    ]
    if rows:
        await session.execute(insert(Chunk), rows)


async def _vectors_of(session: AsyncSession, chunk_ids: Collection[UUID]) -> dict[tuple[str, str], tuple[bytes, str]]:
    """Vectors by what was embedded: a text that is only searched by other words (another language) keeps its own."""
    query = select(col(Chunk.text), col(Chunk.question), col(Chunk.embedding), col(Chunk.embedder)).where(
        col(Chunk.id).in_(chunk_ids), col(Chunk.embedding).is_not(None)
    )
    return {(row.text, row.question): (row.embedding, row.embedder) for row in (await session.execute(query)).all()}


def _known_vector(
    vectors: Mapping[tuple[str, str], tuple[bytes, str]], row: Mapping[str, object]
) -> dict[str, bytes | str | None]:
    embedding, embedder = vectors.get((str(row["text"]), str(row.get("question", ""))), (None, ""))
    return {"embedding": embedding, "embedder": embedder}


async def count_chunks(session: AsyncSession, source: Source) -> None:
    """Bring the source's figures to its rows."""
    query = select(func.count(), func.coalesce(func.sum(col(Chunk.tokens)), 0))
    source.chunks, source.tokens = (await session.execute(query.where(col(Chunk.source_id) == source.id))).one()


async def embed(rt: Runtime, principal: Tenant, source_id: UUID, run: int) -> None:
    """Embed what is not embedded yet, a few batches at a time; each is stored with its usage in one transaction."""
    words = func.coalesce(func.nullif(col(Chunk.question), ""), col(Chunk.text))
    async with rt.db.tenant(principal) as session:
        pending = (
            await session.execute(
                select(col(Chunk.id), words)
                .where(col(Chunk.source_id) == source_id, _not_embedded(rt))
                .order_by(col(Chunk.document_id), col(Chunk.ordinal))
            )
        ).all()
        total = await session.scalar(select(func.count()).where(col(Chunk.source_id) == source_id)) or 1
        bot_id = (await session.get_one(Source, source_id)).bot_id
    size = rt.embedder.batch_size
    batches = [pending[i : i + size] for i in range(0, len(pending), size)]
    done = total - len(pending)
    gate = asyncio.Semaphore(PARALLEL_BATCHES)

    def progress() -> float:
        return _EMBEDDING[0] + (_EMBEDDING[1] - _EMBEDDING[0]) * done / total

    async def one(batch: Sequence[tuple[UUID, str]]) -> None:
        async with gate:
            async with rt.db.tenant(principal) as session:
                await runs.own(session, source_id, run, "embedding", progress())
            try:
                embedded = await rt.embedder.embed_documents([text for _, text in batch])
            except ModelError as error:
                async with rt.db.tenant(principal) as session:
                    usage.record_failed_embedding(session, principal.tenant_id, bot_id, error, rt.embedder.name)
                raise
            async with rt.db.tenant(principal) as session:
                nonlocal done
                done += len(batch)
                _, bot = await runs.own(session, source_id, run, "embedding", progress())
                await _store_vectors(session, rt, [chunk_id for chunk_id, _ in batch], embedded)
                knowledge.changed(session, bot.id)  # vectors count from now on, even before the index has them
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


async def whole(session: AsyncSession, source_id: UUID) -> bool:
    """Whether the source has chunks, and a vector for each, by whichever embedder."""
    query = select(func.count(), func.count(col(Chunk.embedding))).where(col(Chunk.source_id) == source_id)
    chunks, embedded = (await session.execute(query)).one()
    return chunks > 0 and chunks == embedded


async def indexed(session: AsyncSession, rt: Runtime, source_id: UUID) -> bool:
    """Whether the index has all of the source's chunks, by the present embedder."""
    behind = select(col(Chunk.id)).where(col(Chunk.source_id) == source_id, ~col(Chunk.indexed) | _not_embedded(rt))
    return await session.scalar(behind.limit(1)) is None
