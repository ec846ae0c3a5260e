"""The first run in development: a demo tenant that already answers."""

import asyncio

from chatbot_saas.core.settings import Environment, Settings
from chatbot_saas.parts import open_runtime
from chatbot_saas.services import snippets
from chatbot_saas.services.demo.seed import Demo, ensure_demo


def seed(settings: Settings, url: str) -> str:
    """Make the demo if it is due. Returns what to print when all is up: login, page and embed line."""
    if settings.environment is not Environment.DEVELOPMENT:
        return ""
    demo = asyncio.run(_demo(settings.model_copy(update={"database_url": url})))
    if demo is None:
        return ""
    place = snippets.Place(settings.public_url, demo.bot_id)
    return f"  Demo login:  {demo.email}  {demo.password}\n  Demo page:   {place.sample}\n  Embed line:  {place.line}\n"


async def _demo(settings: Settings) -> Demo | None:
    async with open_runtime(settings, owns_vectors=False) as rt:
        return await ensure_demo(rt)
