"""The HTTP API behind a real socket, for clients that bring an HTTP library of their own and for streams."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn

from chatbot_saas.api.middleware import Edge
from chatbot_saas.error_mapping import problem
from chatbot_saas.services.runtime import Runtime
from tests.factories.runtimes import api_of
from tests.servers import free_port


@asynccontextmanager
async def listening(rt: Runtime) -> AsyncGenerator[str]:
    """The address of a server in this process; streams that are still open at the end are broken off."""
    port = free_port()
    config = uvicorn.Config(
        Edge(api_of(rt), problem, https=False), host="127.0.0.1", port=port, log_level="critical", lifespan="off"
    )
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving
