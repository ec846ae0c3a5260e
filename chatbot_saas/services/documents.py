"""Documents: the texts of a source. A file has one, a website one for each page."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.core.errors import ConflictError, NotFoundError
from chatbot_saas.core.paging import Page, PageRequest, page_of
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.models import Chunk, Document, Source, WebPage
from chatbot_saas.schemas.documents import DocumentRead, PassageRead
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.schemas.sources import ACTIVE
from chatbot_saas.services import deletion, erasure, knowledge, passages, sources
from chatbot_saas.services.crawling import DELETED
from chatbot_saas.services.proof import Target
from chatbot_saas.services.runtime import Runtime

_LAST = 2**31 - 1
"""The highest place that a column holds."""


async def load(session: AsyncSession, principal: Tenant, document_id: UUID) -> Document:
    document = await session.get(Document, document_id)
    if document is None:
        raise NotFoundError("There is no such document.")
    principal.require_bot(document.bot_id)
    return document


async def get(session: AsyncSession, principal: Tenant, document_id: UUID) -> DocumentRead:
    principal.require(Scope.SOURCES_READ)
    await load(session, principal, document_id)
    return (await _read(session, _rows().where(col(Document.id) == document_id)))[0]


async def list_page(session: AsyncSession, principal: Tenant, source_id: UUID, page: PageRequest) -> Page[DocumentRead]:
    """The texts of a source."""
    principal.require(Scope.SOURCES_READ)
    await sources.load(session, principal, source_id)
    query = _rows().where(col(Document.source_id) == source_id).order_by(col(Document.id)).limit(page.limit + 1)
    if page.after:
        query = query.where(col(Document.id) > page.after)
    items = await _read(session, query)
    return page_of(items, [item.id for item in items], page.limit)


def _rows() -> Any:
    """Everything but the text itself, which is only counted."""
    count = select(func.count()).where(col(Chunk.document_id) == col(Document.id)).scalar_subquery()
    names = set(DocumentRead.model_fields) - {"characters", "chunks"}
    columns = [getattr(Document, name) for name in names]
    return select(*columns, func.char_length(col(Document.text)).label("characters"), count.label("chunks"))


async def _read(session: AsyncSession, query: Any) -> list[DocumentRead]:
    return [DocumentRead.model_validate(row) for row in (await session.execute(query)).all()]


async def list_passages(
    session: AsyncSession, principal: Tenant, document_id: UUID, page: PageRequest
) -> Page[PassageRead]:
    """The document as it was cut, from its beginning. Cursors hold a passage's place instead of an id."""
    principal.require(Scope.SOURCES_READ)
    await load(session, principal, document_id)
    after = min(page.after.int, _LAST) if page.after else -1
    columns = [getattr(Chunk, name) for name in set(PassageRead.model_fields) - {"repeated", "embedded"}]
    query = (
        select(*columns, col(Chunk.embedding).is_not(None).label("embedded"))
        .where(col(Chunk.document_id) == document_id, col(Chunk.ordinal) >= after)  # the last of before, for its end
        .order_by(col(Chunk.ordinal))
        .limit(page.limit + 2)
    )
    rows: Any = (await session.execute(query)).all()
    ends = {row.ordinal: row.end for row in rows}
    wanted = [row for row in rows if row.ordinal > after][: page.limit + 1]
    items = [
        PassageRead(repeated=max(0, min(row.end, ends.get(row.ordinal - 1, 0)) - row.start), **row._mapping)
        for row in wanted
    ]
    return page_of(items, [UUID(int=row.ordinal) for row in wanted], page.limit)


async def delete(rt: Runtime, principal: Tenant, document_id: UUID) -> Receipt:
    """Delete one document of a source that has others. Takes the runtime: see services.erasure."""
    principal.require(Scope.SOURCES_WRITE)

    async def read(session: AsyncSession, lock: bool) -> Target:
        document = await load(session, principal, document_id)
        source = await session.get_one(Source, document.source_id, with_for_update=lock or None)
        if source.status in ACTIVE:
            raise ConflictError("Its source is being processed. Wait, or cancel that first.")
        count = select(func.count()).where(col(Document.source_id) == source.id)
        if await session.scalar(count) == 1:
            raise ConflictError("This is the only document of its source. Delete the source instead.")
        return Target(
            kind="document",
            id=document.id,
            title=document.title or document.url,
            tenant_id=document.tenant_id,
            bot_ids=(document.bot_id,),
            chunk_ids=tuple(await deletion.chunk_ids_of(session, col(Chunk.document_id) == document.id)),
        )

    async def drop(session: AsyncSession, target: Target) -> int:
        document = await session.get_one(Document, target.id)
        source = await session.get_one(Source, document.source_id)
        page = update(WebPage).where(col(WebPage.source_id) == source.id, col(WebPage.url) == document.url)
        await session.execute(
            page.values(status="skipped", sha256=None, error_code=DELETED, error="You deleted this page.")
        )
        await session.delete(document)
        await session.flush()
        await passages.count_chunks(session, source)
        knowledge.changed(session, source.bot_id)
        await session.flush()
        return 0

    return await erasure.erase(rt, principal, read, drop)
