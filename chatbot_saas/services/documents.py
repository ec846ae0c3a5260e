"""Documents: the texts of a source. A file has one, a website one for each page."""

from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.core.errors import ConflictError, NotFoundError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.models import Chunk, Document, Source, WebPage
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.schemas.sources import ACTIVE
from chatbot_saas.services import bots, deletion, erasure, passages
from chatbot_saas.services.crawling import DELETED
from chatbot_saas.services.proof import Target
from chatbot_saas.services.runtime import Runtime


async def load(session: AsyncSession, principal: Tenant, document_id: UUID) -> Document:
    document = await session.get(Document, document_id)
    if document is None:
        raise NotFoundError("There is no such document.")
    principal.require_bot(document.bot_id)
    return document


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
        bot = await bots.load(session, principal, source.bot_id, lock=True)
        bot.knowledge_version += 1
        await session.flush()
        return 0

    return await erasure.erase(rt, principal, read, drop)
