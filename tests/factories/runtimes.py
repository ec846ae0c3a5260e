"""Processes with other settings than the tests' common one."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from chatbot_saas.adapters.processes import WorkerPool
from chatbot_saas.api.dependencies import runtime
from chatbot_saas.api.middleware import Edge
from chatbot_saas.app import make_api
from chatbot_saas.core.settings import Settings
from chatbot_saas.error_mapping import problem
from chatbot_saas.parts import open_runtime
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.worker.process import queues_of_web, work


class LastingPool(WorkerPool):
    """Processes that outlive their runtime: the next one finds them warm. They end with the test process."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(idle_seconds=600, **arguments)

    async def close(self) -> None:
        """Not yet. What ran for the runtime was cancelled, and its process ended with it."""


@cache
def lasting_pool(**arguments: int) -> LastingPool:
    """What `open_runtime` takes for a pool, in tests: one for all runtimes."""
    return LastingPool(**arguments)


AS_JSON = {"Accept": "application/json"}
"""What programs ask for; the events would otherwise come as a stream without an end."""


@asynccontextmanager
async def other_runtime(
    settings: Settings, data_dir: Path, *, working: bool = True, **changes: Any
) -> AsyncGenerator[Runtime]:
    """A runtime with changed settings. `working`: with a job worker; then its database must be its own, too."""
    async with open_runtime(settings.model_copy(update={"data_dir": data_dir, **changes})) as rt:
        worker = asyncio.create_task(work(rt, queues_of_web(rt.settings))) if working else None
        try:
            yield rt
        finally:
            if worker:
                worker.cancel()
                await asyncio.gather(worker, return_exceptions=True)


_asked: ContextVar[Runtime] = ContextVar("asked")
"""The runtime whose client's request is being answered."""


async def _asked_runtime() -> Runtime:
    return _asked.get()


@cache
def _api() -> FastAPI:
    """One for all runtimes: to make it takes half a second."""
    api = make_api()
    api.dependency_overrides[runtime] = _asked_runtime
    return api


def api_of(rt: Runtime) -> Any:
    """The HTTP API as an ASGI application that answers for one runtime."""

    async def api(scope: Scope, receive: Receive, send: Send) -> None:
        _asked.set(rt)
        await _api()(scope, receive, send)

    return api


@asynccontextmanager
async def client_of(rt: Runtime, address: str = "203.0.113.9") -> AsyncGenerator[httpx.AsyncClient]:
    """What `api_of` gives, as somebody at `address` sees it."""
    app = Edge(api_of(rt), problem, https=rt.settings.secure_cookies)
    transport = httpx.ASGITransport(app=app, client=(address, 4711), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=rt.settings.public_url, headers=AS_JSON) as http:
        yield http
