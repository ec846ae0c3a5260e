"""The jobs. Arguments are ids as texts; each may run twice without harm."""

from typing import Any
from uuid import UUID

from chatbot_saas.adapters.jobs import INGEST, MAIL, MAX_ATTEMPTS, TESTS, VECTORS, JobContext, JobQueue
from chatbot_saas.adapters.vectors import IndexName
from chatbot_saas.core.errors import DomainError
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.settings import NEVER
from chatbot_saas.core.tenancy import tenant_for_job
from chatbot_saas.services import (
    attachment_passages,
    bot_test_runs,
    deletion,
    erasure,
    idempotency,
    indexing,
    ingestion,
    lead_mails,
    runs,
    sweep,
)
from chatbot_saas.services.proof import Target
from chatbot_saas.services.runtime import Runtime

log = get_logger(__name__)
GIVEN_UP = "Something went wrong on our side while this was processed. Try again; if it stays, tell the operator."


def register(queue: JobQueue, rt: Runtime) -> None:
    async def ingest_source(context: JobContext, tenant_id: str, source_id: str, run: int) -> None:
        try:
            await ingestion.ingest(rt, UUID(tenant_id), UUID(source_id), run)
        except Exception as error:
            if _last_try(context):
                await _give_up(rt, tenant_id, source_id, run, error)
            raise

    async def index_bot(context: JobContext, tenant_id: str, bot_id: str) -> None:
        try:
            await indexing.index(rt, UUID(tenant_id), UUID(bot_id))
        except Exception:
            if _last_try(context):
                await indexing.fail(rt, UUID(tenant_id), UUID(bot_id))
            raise

    async def run_tests(context: JobContext, tenant_id: str, run_id: str) -> None:
        try:
            await bot_test_runs.run(rt, UUID(tenant_id), UUID(run_id))
        except Exception:
            if _last_try(context):
                await bot_test_runs.fail(rt, UUID(tenant_id), UUID(run_id), GIVEN_UP)
            raise

    async def read_again(context: JobContext, tenant_id: str, bot_id: str) -> None:
        await runs.begin_all_again(rt, UUID(tenant_id), UUID(bot_id))

    async def embed_attachment(context: JobContext, tenant_id: str, attachment_id: str) -> None:
        await attachment_passages.embed(rt, UUID(tenant_id), UUID(attachment_id))

    queue.task(attachment_passages.EMBED_ATTACHMENT, INGEST, embed_attachment)
    queue.task(runs.INGEST_SOURCE, INGEST, ingest_source)
    queue.task(runs.READ_AGAIN, INGEST, read_again, untiring=True)
    queue.task(deletion.INDEX_BOT, VECTORS, index_bot)
    queue.task(bot_test_runs.RUN_TESTS, TESTS, run_tests)
    _register_upkeep(queue, rt)


def _register_upkeep(queue: JobQueue, rt: Runtime) -> None:
    async def purge_index(context: JobContext, bot_id: str, embedder: str, dimension: int) -> None:
        await rt.vectors.drop(IndexName(UUID(bot_id), embedder, dimension))

    async def purge_vectors(
        context: JobContext, bot_id: str, embedder: str, dimension: int, chunk_ids: list[str]
    ) -> None:
        await deletion.purge_vectors(rt, UUID(bot_id), embedder, dimension, [UUID(i) for i in chunk_ids])

    async def erase(context: JobContext, entry_id: str, target: dict[str, Any]) -> None:
        await erasure.finish(rt, UUID(entry_id), Target.from_job(target))

    async def sweep_nightly(context: JobContext, timestamp: int) -> None:
        await sweep.sweep(rt)
        await idempotency.forget_expired(rt)
        await rt.vectors.compact()

    async def sweep_now(context: JobContext, entry_id: str) -> None:
        await sweep.sweep(rt, UUID(entry_id))

    async def notify_owner(context: JobContext, tenant_id: str, lead_id: str) -> None:
        await lead_mails.send(rt, UUID(tenant_id), UUID(lead_id))

    queue.task(deletion.PURGE_INDEX, VECTORS, purge_index, untiring=True)
    queue.task(deletion.PURGE_VECTORS, VECTORS, purge_vectors, untiring=True)
    queue.task(erasure.ERASE, VECTORS, erase, untiring=True)
    queue.task(sweep.SWEEP_NOW, VECTORS, sweep_now)
    queue.task(lead_mails.NOTIFY, MAIL, notify_owner, untiring=True)
    if rt.settings.nightly_at != NEVER:
        queue.daily("sweep", VECTORS, sweep_nightly, rt.settings.nightly_at)


def _last_try(context: JobContext) -> bool:
    return (context.job.attempts if context.job else 0) + 1 >= MAX_ATTEMPTS


async def stalled(rt: Runtime, task: str, args: dict[str, Any]) -> None:
    """A job that killed its worker at every attempt: say so where the customer looks."""
    log.error("job_given_up", task=task, args=args)
    if task == runs.INGEST_SOURCE:
        await _give_up(rt, args["tenant_id"], args["source_id"], args["run"], None)
    elif task == deletion.INDEX_BOT:
        await indexing.fail(rt, UUID(args["tenant_id"]), UUID(args["bot_id"]))
    elif task == bot_test_runs.RUN_TESTS:
        await bot_test_runs.fail(rt, UUID(args["tenant_id"]), UUID(args["run_id"]), GIVEN_UP)


async def _give_up(rt: Runtime, tenant_id: str, source_id: str, run: int, error: Exception | None) -> None:
    code, message = (error.code, error.message) if isinstance(error, DomainError) else ("internal", GIVEN_UP)
    await ingestion.fail(rt, tenant_for_job(UUID(tenant_id)), UUID(source_id), run, code, message)
