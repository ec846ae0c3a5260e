"""Every rule and query about sources; how one is read and indexed is in services.ingestion."""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.jobs import INGEST
from chatbot_saas.core.errors import ConflictError, NotFoundError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.paging import Page, PageRequest, page_of
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.models import Chunk, Document, Source
from chatbot_saas.schemas.sources import ACTIVE, DeletedRead, SourceError, SourceRead
from chatbot_saas.services import audit, bots, deletion
from chatbot_saas.services.bots import escape_like
from chatbot_saas.services.runtime import Runtime

INGEST_SOURCE = "ingest_source"


@dataclass(frozen=True, slots=True)
class Upload:
    """A received file, on local disk until it is stored."""

    filename: str
    path: Path
    size: int


def clean_filename(name: str) -> str:
    """The last part of a path in any system's notation, without control characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable()).strip()[:300] or "file"


async def add_files(rt: Runtime, principal: Tenant, bot_id: UUID, uploads: list[Upload]) -> list[SourceRead]:
    """Store files and enqueue their ingestion. Takes the runtime: blobs are written between two transactions.

    A file over the limit gets a row that says so, like every other file that cannot be used.
    """
    principal.require(Scope.SOURCES_WRITE)
    async with rt.db.tenant(principal) as session:
        await bots.load(session, principal, bot_id)
    rows: list[Source] = []
    for upload in uploads:
        source = Source(
            id=new_id(),
            tenant_id=principal.tenant_id,
            bot_id=bot_id,
            title=clean_filename(upload.filename),
            filename=clean_filename(upload.filename),
            size=upload.size,
        )
        if upload.size > rt.settings.upload_max_bytes:
            limit = rt.settings.upload_max_bytes // (1024 * 1024)
            source.status, source.error_code = "failed", "file_too_large"
            source.error = f"The file is larger than {limit} MB. Split it, or save it without pictures."
        else:
            source.blob_key = f"{deletion.blob_prefix(principal.tenant_id, bot_id)}{source.id}"
            source.sha256 = await asyncio.to_thread(_digest, upload.path)
            await rt.blobs.put(source.blob_key, upload.path)
        rows.append(source)
    async with rt.db.tenant(principal) as session:
        await bots.load(session, principal, bot_id)  # it may have been deleted while the files were stored
        session.add_all(rows)
        await session.flush()
        for source in rows:
            audit.record(session, principal, "source.create", source.id, bot_id=str(bot_id), filename=source.filename)
            if source.status == "queued":
                await enqueue(session, rt, source)
        for source in rows:
            await session.refresh(source, ["created_at", "updated_at"])
        return [read(source) for source in rows]


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


async def enqueue(session: AsyncSession, rt: Runtime, source: Source) -> None:
    await rt.jobs.defer(session, INGEST_SOURCE, INGEST, tenant_id=source.tenant_id, source_id=source.id, run=source.run)


def read(source: Source) -> SourceRead:
    error = SourceError(code=source.error_code, message=source.error) if source.error_code else None
    names = set(SourceRead.model_fields) - {"error"}
    return SourceRead(error=error, **{name: getattr(source, name) for name in names})


async def load(session: AsyncSession, principal: Tenant, source_id: UUID, *, lock: bool = False) -> Source:
    source = await session.get(Source, source_id, with_for_update=lock or None)
    if source is None:
        raise NotFoundError("There is no such source.")
    principal.require_bot(source.bot_id)
    return source


async def get(session: AsyncSession, principal: Tenant, source_id: UUID) -> SourceRead:
    principal.require(Scope.SOURCES_READ)
    return read(await load(session, principal, source_id))


async def list_page(
    session: AsyncSession, principal: Tenant, bot_id: UUID, page: PageRequest, *, search: str = "", status: str = ""
) -> Page[SourceRead]:
    """The bot's sources, newest first. `status` is one of a source, or "active" for all that are being processed."""
    principal.require(Scope.SOURCES_READ)
    await bots.load(session, principal, bot_id)
    query = select(Source).where(col(Source.bot_id) == bot_id).order_by(col(Source.id).desc()).limit(page.limit + 1)
    if page.after:
        query = query.where(col(Source.id) < page.after)
    if search:
        query = query.where(col(Source.title).ilike(f"%{escape_like(search)}%"))
    if status == "active":
        query = query.where(col(Source.status).in_(ACTIVE))
    elif status:
        query = query.where(col(Source.status) == status)
    rows = (await session.scalars(query)).all()
    return page_of([read(row) for row in rows], [row.id for row in rows], page.limit)


async def reindex(session: AsyncSession, principal: Tenant, source_id: UUID, rt: Runtime) -> SourceRead:
    """Read the stored file again: after a failure, a cancel, or when the owner asks for it."""
    principal.require(Scope.SOURCES_WRITE)
    source = await load(session, principal, source_id, lock=True)
    if source.status in ACTIVE:
        raise ConflictError("This source is being processed already. Wait, or cancel it first.")
    if not source.blob_key:
        raise ConflictError("The file was not stored. Upload it again.")
    source.status, source.progress, source.attempts = "queued", 0.0, 0
    source.error_code, source.error = "", ""
    source.run += 1
    audit.record(session, principal, "source.reindex", source.id)
    await enqueue(session, rt, source)
    await session.refresh(source, ["updated_at"])
    return read(source)


async def cancel(session: AsyncSession, principal: Tenant, source_id: UUID, rt: Runtime) -> SourceRead:
    """Stop processing. The job notices at its next step; nothing half-indexed stays."""
    principal.require(Scope.SOURCES_WRITE)
    source = await load(session, principal, source_id, lock=True)
    if source.status not in ACTIVE:
        raise ConflictError("This source is not being processed.")
    await deletion.enqueue_chunks(session, rt, source)
    await deletion.drop_rows(session, source.id)
    source.status, source.progress, source.chunks, source.tokens = "cancelled", 0.0, 0, 0
    source.run += 1
    audit.record(session, principal, "source.cancel", source.id)
    await session.flush()
    await session.refresh(source, ["updated_at"])
    return read(source)


async def delete(session: AsyncSession, principal: Tenant, source_id: UUID, rt: Runtime) -> DeletedRead:
    principal.require(Scope.SOURCES_WRITE)
    source = await load(session, principal, source_id, lock=True)
    chunks = await session.scalar(select(func.count()).where(col(Chunk.source_id) == source_id)) or 0
    documents = await session.scalar(select(func.count()).where(col(Document.source_id) == source_id)) or 0
    audit.record(session, principal, "source.delete", source.id, title=source.title, chunks=chunks)
    await deletion.enqueue_source(session, rt, source)
    bot = await bots.load(session, principal, source.bot_id, lock=True)
    bot.knowledge_version += 1
    await session.delete(source)
    await session.flush()
    return DeletedRead(
        id=source_id,
        removed={
            "rows": 1 + documents + chunks,
            "chunks": chunks,
            "vectors": chunks,
            "blobs": int(bool(source.blob_key)),
        },
    )
