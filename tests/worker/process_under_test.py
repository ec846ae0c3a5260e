"""A process of ours for tests to kill: `run(["work"])`, or `serve PORT`, or `assist`, in a process of its own.

`work` takes all jobs, `serve` answers HTTP as well; `assist` takes those that do not touch the vector index, beside a
`serve`. It is set up by the environment, like every other. TEST_UP names a file that says that it takes jobs. TEST_HOLD
names a stage before which it waits for ever (and makes the file of TEST_REACHED), TEST_DIE one before which it kills
itself. It takes a worker for dead after TEST_QUICK seconds, and gives a job up after TEST_DEATHS of its workers'.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn

from chatbot_saas.adapters import jobs
from chatbot_saas.api.middleware import Edge
from chatbot_saas.app import make_api
from chatbot_saas.core.settings import get_settings
from chatbot_saas.error_mapping import problem
from chatbot_saas.parts import open_runtime
from chatbot_saas.services.runtime import Runtime, set_runtime
from chatbot_saas.worker import process as worker_process
from chatbot_saas.worker.process import queues_of_web, queues_of_worker, work

STAGES = {
    "extracting": ("extractor", "extract", 1),
    "chunking": ("processes", "run", 1),
    "embedding": ("embedder", "embed_documents", 2),
    "before the index": ("vectors", "upsert", 1),
    "after the index": ("vectors", "upsert", 1),
}

ANSWERING = {"answering tests": ("vectors", "query", 3)}
"""Of a run of a bot's tests, not of an ingestion."""


class Trap:
    """A part of the runtime, the real one, whose method ends at a certain call."""

    def __init__(self, part: Any, stage: str) -> None:
        self._part, self._stage = part, stage
        _, self._method, self._left = (STAGES | ANSWERING)[stage]

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._part, name)
        if name != self._method:
            return value

        async def trapped(*arguments: Any, **named: Any) -> Any:
            self._left -= 1
            if self._stage.startswith("after"):
                await value(*arguments, **named)
            if self._left <= 0:
                await self._end()
            return await value(*arguments, **named)

        return trapped

    async def _end(self) -> None:
        if os.environ.get("TEST_DIE"):
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.to_thread(Path(os.environ["TEST_REACHED"]).touch)
        await asyncio.sleep(3600)


def set_traps(rt: Runtime) -> None:
    stage = os.environ.get("TEST_HOLD") or os.environ.get("TEST_DIE")
    if stage:
        part, _, _ = (STAGES | ANSWERING)[stage]
        setattr(rt, part, Trap(getattr(rt, part), stage))
    if quick := os.environ.get("TEST_QUICK"):
        jobs.HEARTBEAT_SECONDS, jobs.STALLED_SECONDS, worker_process.RESCUE_SECONDS = 0.5, float(quick), 0.5
    jobs.MAX_DEATHS = int(os.environ.get("TEST_DEATHS", jobs.MAX_DEATHS))


async def main(mode: str, port: int) -> None:
    settings, helper = get_settings(), mode == "assist"
    async with open_runtime(settings, owns_vectors=not helper) as rt:
        set_traps(rt)
        set_runtime(rt)
        queues = queues_of_worker(settings) if helper else queues_of_web(settings)
        working = asyncio.create_task(work(rt, queues))
        if up := os.environ.get("TEST_UP"):
            await asyncio.to_thread(Path(up).touch)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
        if port:
            app = Edge(make_api(), problem, https=False)
            server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
            await server.serve()
        await asyncio.gather(working, return_exceptions=True)


def run(arguments: Sequence[str], environment: Mapping[str, str], log_path: Path) -> None:
    """To be called in a new process, whose environment and output are then these."""
    os.environ.update(environment)
    get_settings.cache_clear()
    with log_path.open("ab") as log:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(log.fileno(), stream.fileno())
    mode, *port = arguments
    asyncio.run(main(mode, int(*port)))
