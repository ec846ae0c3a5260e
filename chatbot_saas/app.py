"""Composition root: the dashboard, the API and the jobs, as one ASGI application on one port."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import reflex as rx
from fastapi import FastAPI

import chatbot_saas.pages  # noqa: F401 - a page that is not imported is not built
from chatbot_saas import error_mapping
from chatbot_saas.adapters.prices import load_prices
from chatbot_saas.api import (
    admin,
    api_keys,
    auth,
    bot_tests,
    bots,
    chat,
    completions,
    conversations,
    dashboard,
    documentation,
    documents,
    embed,
    events,
    health,
    idempotency,
    identity,
    inspection,
    jobs,
    leads,
    openapi,
    public,
    questions,
    receipts,
    recordings,
    sources,
    unknown,
    usage,
)
from chatbot_saas.api.assets import BuiltPages
from chatbot_saas.api.middleware import Edge
from chatbot_saas.api.widget import PictureKind, widget_router
from chatbot_saas.api.widget_preview import preview_router
from chatbot_saas.components.brand import head
from chatbot_saas.components.feedback import toaster
from chatbot_saas.components.tokens import STYLESHEETS
from chatbot_saas.core.logging import configure_logging, get_logger
from chatbot_saas.core.origins import LOCAL_PATTERNS
from chatbot_saas.core.pictures import Picture, from_address
from chatbot_saas.core.settings import Environment, get_settings
from chatbot_saas.parts import open_runtime
from chatbot_saas.services import stops
from chatbot_saas.services.conversations import public_bot
from chatbot_saas.services.runtime import Runtime, get_runtime, set_runtime
from chatbot_saas.worker.process import queues_of_web, work

log = get_logger(__name__)


async def frame_origins(bot_id: UUID) -> list[str]:
    bot = await public_bot(get_runtime(), bot_id)
    return [*bot.allowed_origins, *(LOCAL_PATTERNS if bot.allow_localhost else ())]


async def bot_picture(bot_id: UUID, kind: PictureKind) -> Picture | None:
    bot = await public_bot(get_runtime(), bot_id)
    address = bot.avatar if kind == "avatar" else bot.icon
    return from_address(address) if address else None


def make_api() -> FastAPI:
    api = FastAPI(
        title="Chatbot API",
        version="1",
        description="Bots that answer from your own documents. Errors are RFC 9457 problem documents.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for part in (
        auth,
        bots,
        bot_tests,
        sources,
        jobs,
        chat,
        completions,
        conversations,
        leads,
        api_keys,
        identity,
        admin,
        public,
        questions,
        health,
        dashboard,
        documentation,
        documents,
        receipts,
        recordings,
        embed,
        inspection,
        events,
        usage,
    ):
        api.include_router(part.router)
    api.include_router(preview_router())
    api.include_router(widget_router(frame_origins, bot_picture))
    api.include_router(unknown.router)  # the last one: it takes what the others leave
    error_mapping.install(api)
    idempotency.install(api, error_mapping.problem_of)
    openapi.install(api)
    return api


@asynccontextmanager
async def running() -> AsyncGenerator[None]:
    """The parts of this process and its job worker, from the server's start to its stop."""
    settings = get_settings()
    configure_logging(settings.log_level, as_json=settings.environment is Environment.PRODUCTION)
    async with open_runtime(settings) as rt:
        set_runtime(rt)
        background = [
            asyncio.create_task(work(rt, queues_of_web(settings))),
            asyncio.create_task(_warm_up(rt)),
            asyncio.create_task(stops.listen(rt)),
        ]
        try:
            yield
        finally:
            for task in background:
                task.cancel()
            for task in background:
                with suppress(asyncio.CancelledError, Exception):
                    await task
            set_runtime(None)


async def _warm_up(rt: Runtime) -> None:
    """Load what the first question would otherwise wait for."""
    try:
        await asyncio.to_thread(rt.tokens.count, "warm up")
        await asyncio.to_thread(load_prices)
        if rt.settings.offline_models:
            await rt.embedder.embed_query("warm up")
        await rt.vectors.check()
    except Exception as error:  # readiness tells about it; the start goes on
        log.warning("warm_up_failed", error=repr(error))


class App(rx.App):
    """Reflex's own ASGI app inside ours: see api.middleware for why the outermost layer must be ours."""

    def __call__(self) -> Any:
        settings = get_settings()
        return Edge(BuiltPages(super().__call__()), error_mapping.problem, https=settings.secure_cookies)


app = App(
    api_transformer=make_api(),
    backend_exception_handler=error_mapping.backend_exception_handler,
    stylesheets=STYLESHEETS,
    head_components=head(),
    html_lang="en",
    toaster=toaster(),
)
app.register_lifespan_task(running)
