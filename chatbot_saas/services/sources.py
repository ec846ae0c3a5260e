"""Every rule and query about sources. services.intake adds them, services.ingestion reads and indexes them."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.extraction import ExtractionError
from chatbot_saas.adapters.extraction.failures import FileTooSlowError
from chatbot_saas.adapters.web.failures import AddressForbiddenError, AddressInvalidError, PortForbiddenError
from chatbot_saas.core.errors import ConflictError, NotFoundError, PreconditionFailedError
from chatbot_saas.core.paging import Page, PageRequest, page_of
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.models import Chunk, Job, Source, WebPage
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.schemas.sources import ACTIVE, SourceError, SourceRead, WebPageRead
from chatbot_saas.services import audit, bots, deletion, erasure, knowledge, passages, runs
from chatbot_saas.services.bots import escape_like
from chatbot_saas.services.proof import Target
from chatbot_saas.services.runtime import Runtime

_STAYS = {error.code for error in ExtractionError.__subclasses__()} - {FileTooSlowError.code}
"""Reasons that lie in what was uploaded: the same file is refused each time. A busy machine is slow only now."""
_NOT_AN_ADDRESS = {error.code for error in (AddressInvalidError, AddressForbiddenError, PortForbiddenError)}


def read(source: Source) -> SourceRead:
    names = set(SourceRead.model_fields) - {"error", "copy_of", "retryable", "version"}
    values = {name: getattr(source, name) for name in names}
    return SourceRead(error=error_of(source), retryable=_retryable(source), version=version(source), **values)


def version(source: Source) -> str:
    """Of what a person can change. That it is read, again and again, makes no other one."""
    changeable = "\x00".join((source.title, source.refresh, source.blob_key))
    return hashlib.sha256(changeable.encode()).hexdigest()[:16]


def content_version(source: Source) -> str:
    """Another one each time that a text or a list of questions is written anew."""
    return source.blob_key.rpartition("/")[2]


def require_content(source: Source, expected: str | None) -> None:
    """Raises PreconditionFailedError if this is not what a change is based on.

    `expected`: the version of the content, or that of the source, which its title and schedule make another one, too.
    """
    if expected is not None and expected not in (content_version(source), version(source)):
        raise PreconditionFailedError


def _retryable(source: Source) -> bool:
    """A website changes, a file that was uploaded does not."""
    if source.status == "failed":
        return source.error_code not in (_NOT_AN_ADDRESS if source.url else _STAYS) and _readable(source)
    return source.status == "cancelled" and _readable(source)


def _readable(source: Source) -> bool:
    return bool(source.blob_key or source.url)


def error_of(row: Source | WebPage | Job) -> SourceError | None:
    return SourceError(code=row.error_code, message=row.error) if row.error_code else None


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
    session: AsyncSession,
    principal: Tenant,
    bot_id: UUID,
    page: PageRequest,
    *,
    search: str = "",
    status: str = "",
    kind: str = "",
) -> Page[SourceRead]:
    """The bot's sources, newest first, by words of their title or address.

    `status` is one of a source, or "active" for all that are being processed; `kind` a source's type.
    """
    principal.require(Scope.SOURCES_READ)
    await bots.load(session, principal, bot_id)
    query = select(Source).where(col(Source.bot_id) == bot_id).order_by(col(Source.id).desc()).limit(page.limit + 1)
    if page.after:
        query = query.where(col(Source.id) < page.after)
    if search:
        words = f"%{escape_like(search)}%"
        query = query.where(col(Source.title).ilike(words) | col(Source.url).ilike(words))
    if kind:
        query = query.where(col(Source.type) == kind)
    if status == "active":
        query = query.where(col(Source.status).in_(ACTIVE))
    elif status:
        query = query.where(col(Source.status) == status)
    rows = (await session.scalars(query)).all()
    return page_of([read(row) for row in rows], [row.id for row in rows], page.limit)


async def reindex(session: AsyncSession, principal: Tenant, source_id: UUID, rt: Runtime) -> SourceRead:
    """Read it again: after a failure, a cancel, or when the owner asks for it."""
    principal.require(Scope.SOURCES_WRITE)
    source = await load(session, principal, source_id, lock=True)
    if source.status in ACTIVE:
        raise ConflictError("This source is being processed already. Wait, or cancel it first.")
    if not _readable(source):
        raise ConflictError("The file was not stored. Upload it again.")
    source.failures = 0
    await session.execute(update(WebPage).where(col(WebPage.source_id) == source.id).values(failures=0))
    await runs.begin_again(session, rt, source, "refresh" if source.url else "reindex")
    audit.record(session, principal, "source.reindex", source.id)
    await session.refresh(source, ["updated_at"])
    return read(source)


def keeps_knowledge(source: Source) -> bool:
    """Whether a run that does not come to its end leaves what was known: a page that could not be refreshed does."""
    return bool(source.url) and source.refreshed_at is not None


async def cancel(session: AsyncSession, principal: Tenant, source_id: UUID, rt: Runtime) -> SourceRead:
    """Stop processing. The job notices at its next step; nothing half-indexed stays.

    A refresh that is stopped leaves what was known before.
    """
    principal.require(Scope.SOURCES_WRITE)
    source = await load(session, principal, source_id, lock=True)
    if source.status not in ACTIVE:
        raise ConflictError("This source is not being processed.")
    if not keeps_knowledge(source):
        await deletion.enqueue_chunks(session, rt, source)
        await deletion.drop_rows(session, source)
        source.chunks, source.tokens = 0, 0
        await runs.end(session, rt, source, "cancelled")
    else:
        await runs.end(session, rt, source, "cancelled")
        source.status = "ready"  # what it knew before this refresh stays
    source.run += 1
    audit.record(session, principal, "source.cancel", source.id)
    await session.flush()
    await session.refresh(source, ["updated_at"])
    return read(source)


async def delete(rt: Runtime, principal: Tenant, source_id: UUID, *, expected: str | None = None) -> Receipt:
    """Delete the source with all that was read from it. Takes the runtime: see services.erasure.

    `expected`: as of `require_content`.
    """
    principal.require(Scope.SOURCES_WRITE)

    async def read(session: AsyncSession, lock: bool) -> Target:
        source = await load(session, principal, source_id, lock=lock)
        require_content(source, expected)
        return Target(
            kind="source",
            id=source.id,
            title=source.title,
            tenant_id=source.tenant_id,
            bot_ids=(source.bot_id,),
            chunk_ids=tuple(await deletion.chunk_ids_of(session, col(Chunk.source_id) == source.id)),
            blob_keys=(source.blob_key,) if source.blob_key else (),
        )

    async def drop(session: AsyncSession, target: Target) -> int:
        knowledge.changed(session, target.bot_ids[0])
        await session.delete(await session.get_one(Source, target.id))
        await session.flush()
        await runs.admit(session, rt, target.tenant_id)  # it may have left a place
        return 0

    return await erasure.erase(rt, principal, read, drop)


async def count_pages(
    session: AsyncSession, principal: Tenant, source_ids: Sequence[UUID]
) -> dict[UUID, dict[str, int]]:
    """How many pages of each web source have which status."""
    principal.require(Scope.SOURCES_READ)
    if not source_ids:
        return {}
    query = (
        select(col(WebPage.source_id), col(WebPage.status), func.count().label("count"))
        .where(col(WebPage.source_id).in_(source_ids))
        .group_by(col(WebPage.source_id), col(WebPage.status))
    )
    if principal.bot_ids is not None:
        query = query.where(col(WebPage.bot_id).in_(principal.bot_ids))
    found: dict[UUID, dict[str, int]] = {}
    for source_id, status, count in (await session.execute(query)).all():
        found.setdefault(source_id, {})[status] = count
    return found


async def list_pages(
    session: AsyncSession, principal: Tenant, source_id: UUID, page: PageRequest, *, search: str = "", status: str = ""
) -> Page[WebPageRead]:
    """The addresses of a web source, in the order in which they were found."""
    principal.require(Scope.SOURCES_READ)
    await load(session, principal, source_id)
    query = select(WebPage).where(col(WebPage.source_id) == source_id).order_by(col(WebPage.id)).limit(page.limit + 1)
    if page.after:
        query = query.where(col(WebPage.id) > page.after)
    if search:
        words = f"%{escape_like(search)}%"
        query = query.where(col(WebPage.url).ilike(words) | col(WebPage.title).ilike(words))
    if status:
        query = query.where(col(WebPage.status) == status)
    rows = (await session.scalars(query)).all()
    names = set(WebPageRead.model_fields) - {"error", "document_id"}
    items = [
        WebPageRead(
            error=error_of(row),
            document_id=passages.document_id(source_id, row.url) if row.status == "ready" else None,
            **{name: getattr(row, name) for name in names},
        )
        for row in rows
    ]
    return page_of(items, [row.id for row in rows], page.limit)
