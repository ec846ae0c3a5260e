"""Takes jobs until it is cancelled, and takes up the jobs of workers that died."""

import asyncio
from collections.abc import Sequence
from functools import partial

from chatbot_saas.adapters.jobs import INGEST, MAIL, TESTS, VECTORS
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.settings import Settings
from chatbot_saas.services import bot_test_runs, events, ingestion, refreshing, runs
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.worker import tasks

log = get_logger(__name__)
RESCUE_SECONDS = 5.0
AGAIN_SECONDS = 1.0
STOP_SECONDS = 5.0
"""What a loop may take to end once it is cancelled: more than the jobs under way get."""
MAILS = 2
TEST_RUNS = 2
"""Runs of bots' tests at a time, where the index is: their questions are answered from it."""


def queues_of_web(settings: Settings) -> list[str]:
    """The web process owns an embedded index, so its vector jobs are taken there, whoever takes the others."""
    queues = [INGEST] if settings.worker_in_process else []
    return [*queues, VECTORS] if settings.worker_in_process or not settings.chroma_url else queues


def queues_of_worker(settings: Settings) -> list[str]:
    return [INGEST, VECTORS] if settings.chroma_url else [INGEST]


async def work(rt: Runtime, queues: Sequence[str]) -> None:
    """Run until cancelled. Jobs under way get a moment to end; what does not is taken up again by another worker."""
    if not queues:
        return
    tasks.register(rt.jobs, rt)
    if INGEST in queues and (count := await ingestion.follow_embedder(rt)):
        log.info("embedder_changed", sources=count, embedder=rt.embedder.name)
    loops = [_take(rt, queues, rt.settings.worker_concurrency), _rescue(rt)]
    if INGEST in queues:
        loops.append(_take(rt, [MAIL], MAILS))
    if VECTORS in queues:
        loops.append(_take(rt, [TESTS], TEST_RUNS))
    under_way = {asyncio.create_task(loop) for loop in loops}
    try:
        ended, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_EXCEPTION)
        for loop in ended:
            loop.result()
    finally:
        await _end(under_way)


async def _end(loops: set[asyncio.Task[None]]) -> None:
    """Cancel them until they have ended.

    Once is not enough: before Python 3.12 `asyncio.wait_for`, by which the pool gives out connections, loses a
    cancellation that comes as it ends. A loop that goes on then would be waited for forever.
    """
    while loops:
        for loop in loops:
            loop.cancel()
        _, loops = await asyncio.wait(loops, timeout=STOP_SECONDS)


async def _take(rt: Runtime, queues: Sequence[str], concurrency: int) -> None:
    """The queue's worker ends at the first error of the database, with or without saying so: begin again."""
    while True:
        try:
            await rt.jobs.work(queues, concurrency)
            log.warning("worker_ended")
        except Exception as error:
            log.warning("worker_ended", error=repr(error))
        await asyncio.sleep(AGAIN_SECONDS)


async def _rescue(rt: Runtime) -> None:
    while True:
        try:
            async with runs.alone(rt, "rescue") as is_alone:
                if is_alone:
                    await rt.jobs.rescue(partial(tasks.stalled, rt))
                    await runs.mend(rt)
                    await bot_test_runs.mend(rt)
                    await refreshing.start_due(rt)
                    await runs.admit_everywhere(rt)
                    await events.forget_old(rt)
        except Exception as error:  # the database may be away for a while; the next round tries again
            log.warning("rescue_failed", error=repr(error))
        await asyncio.sleep(RESCUE_SECONDS)
