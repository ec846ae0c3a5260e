"""The passages of a conversation's files: embedded once, and found beside the bot's own for every question in it."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.jobs import INGEST
from chatbot_saas.adapters.llm import ModelError
from chatbot_saas.adapters.vectors.exact import pack
from chatbot_saas.core.tenancy import tenant_for_job
from chatbot_saas.models import Attachment, AttachmentChunk
from chatbot_saas.services import runs, usage
from chatbot_saas.services.runtime import Runtime

EMBED_ATTACHMENT = "embed_attachment"


async def enqueue_embedding(session: AsyncSession, rt: Runtime, file: Attachment) -> None:
    await rt.jobs.defer(
        session,
        EMBED_ATTACHMENT,
        INGEST,
        lock=f"attachment:{file.id}",
        tenant_id=file.tenant_id,
        attachment_id=file.id,
    )


async def embed(rt: Runtime, tenant_id: UUID, attachment_id: UUID) -> None:
    """The job: embed what has no vector yet, a batch at a time, each stored with its usage in one transaction.

    Until it is through, words find the rest.
    """
    principal = tenant_for_job(tenant_id)
    waiting = (
        select(col(AttachmentChunk.id), col(AttachmentChunk.bot_id), col(AttachmentChunk.text))
        .where(col(AttachmentChunk.attachment_id) == attachment_id, col(AttachmentChunk.embedding).is_(None))
        .order_by(col(AttachmentChunk.ordinal))
        .limit(rt.embedder.batch_size)
    )
    while True:
        async with rt.db.tenant(principal) as session:
            if not await runs.is_active(session, tenant_id):
                return
            rows = (await session.execute(waiting)).all()
        if not rows:
            return
        bot_id = rows[0].bot_id
        try:
            embedded = await rt.embedder.embed_documents([row.text for row in rows])
        except ModelError as error:
            async with rt.db.tenant(principal) as session:
                usage.record_failed_embedding(session, tenant_id, bot_id, error, rt.embedder.name)
            raise
        async with rt.db.tenant(principal) as session:
            usage.record_embedding(session, tenant_id, bot_id, embedded)
            for row, vectors in zip(rows, embedded.vectors, strict=True):
                stored = {"embedding": pack(vectors), "embedder": rt.embedder.name}
                await session.execute(update(AttachmentChunk).where(col(AttachmentChunk.id) == row.id).values(stored))
