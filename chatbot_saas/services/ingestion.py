"""How a source becomes searchable: its texts are read, cut into passages, embedded, indexed.

A job may run twice, be killed at any point, or find its source cancelled or deleted. So each step asks services.runs
whether the run is still its own; and a passage that was embedded keeps its vectors, so that nothing is paid for twice.
"""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from chatbot_saas.adapters.processes import work_for
from chatbot_saas.core.errors import DomainError, InvalidError
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import System, Tenant, tenant_for_job
from chatbot_saas.models import Bot, Source
from chatbot_saas.services import crawling, deletion, passages, questions, refreshing, runs, sources
from chatbot_saas.services.runs import StoppedError
from chatbot_saas.services.runtime import Runtime

log = get_logger(__name__)


class NoTextError(InvalidError):
    """There is no text in this file. If it is a scan, run text recognition (OCR) on it first, then upload it again."""

    code = "file_no_text"


async def ingest(rt: Runtime, tenant_id: UUID, source_id: UUID, run: int) -> None:
    """The job. Domain errors end the source as failed with their message; anything else is tried again by the queue."""
    principal = tenant_for_job(tenant_id)
    work_for(tenant_id)
    try:
        await runs.while_own(rt, principal, source_id, run, _ingest(rt, principal, source_id, run))
    except StoppedError:
        log.info("ingestion_stopped", source_id=str(source_id), run=run)
    except DomainError as error:
        if getattr(error, "retryable", False):
            raise
        await fail(rt, principal, source_id, run, error.code, error.message)


async def _ingest(rt: Runtime, principal: Tenant, source_id: UUID, run: int) -> None:
    async with rt.db.tenant(principal) as session:
        source, bot = await runs.own(session, source_id, run, "extracting", 0.02)
        await runs.count_attempt(session, source)
    if source.url:
        if not await crawling.take_pages(rt, principal, source, passages.cut_of(bot)):
            return
    else:
        await _take_blob(rt, principal, source, bot)
    await passages.embed(rt, principal, source_id, run)
    async with rt.db.tenant(principal) as session:
        source, _ = await runs.own(session, source_id, run, "embedding", passages.EMBEDDED)
        await runs.wait_for_index(session, rt, source)
        await deletion.enqueue_indexing(session, rt, principal.tenant_id, source.bot_id)


async def _take_blob(rt: Runtime, principal: Tenant, source: Source, bot: Bot) -> None:
    """A file, a pasted text, or questions with their answers: one document, from what was stored."""
    if source.type == "qa":
        prepared = await questions.prepare(rt, source.blob_key, bot.language)
    else:
        async with rt.blobs.local_copy(source.blob_key) as path:
            extracted = await rt.extractor.extract(path, source.filename)
        async with rt.db.tenant(principal) as session:
            await runs.own(session, source.id, source.run, "chunking", 0.2)
        title = source.title if source.type == "text" else extracted.title or source.title
        prepared = await passages.prepare(rt, replace(extracted, title=title), passages.cut_of(bot))  # found by it, too
    if not prepared.chunks and source.type != "qa":  # a list of questions may be emptied
        raise NoTextError
    async with rt.db.tenant(principal) as session:
        source, bot = await runs.own(session, source.id, source.run, "embedding", 0.3)
        given = source.title if source.type in ("text", "qa") else ""
        await passages.store_document(session, rt, source, bot, prepared, title=given)
        await passages.count_chunks(session, source)
        source.media_type = prepared.media_type
        source.title = given or prepared.title or source.filename


async def follow_embedder(rt: Runtime) -> int:
    """After a change of the embedder (a key was added, say): embed every bot's chunks anew, beside the old index.

    Until a bot is through, words alone find its passages. Returns the number of sources that were queued.
    """
    system = System("change of embedder")
    async with rt.db.platform(system) as session:
        stale = select(col(Bot.id)).where(col(Bot.embedder) != "", col(Bot.embedder) != rt.embedder.name)
        query = select(Source).where(col(Source.bot_id).in_(stale), col(Source.status) == "ready")
        query = query.order_by(col(Source.tenant_id), col(Source.id)).with_for_update()
        found = (await session.scalars(query)).all()
        for source in found:
            await runs.begin_again(session, rt, source, "reindex")
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
        if not sources.keeps_knowledge(source) and not await passages.whole(session, source_id):
            await deletion.enqueue_chunks(session, rt, source)
            await deletion.drop_rows(session, source)
            source.chunks, source.tokens = 0, 0
        message = refreshing.after_failure(source, message)
        await runs.end(session, rt, source, "failed", code=code, message=message)
