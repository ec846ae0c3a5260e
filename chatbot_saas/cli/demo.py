"""The first run in development: a demo tenant that already answers."""

import asyncio

from chatbot_saas.core.settings import Environment, Settings
from chatbot_saas.parts import open_runtime
from chatbot_saas.services.demo.seed import Demo, ensure_demo


def seed(settings: Settings, url: str) -> str:
    """Make the demo if it is due. Returns what to print when all is up: login, page and embed line."""
    if settings.environment is not Environment.DEVELOPMENT:
        return ""
    demo = asyncio.run(_demo(settings.model_copy(update={"database_url": url})))
    if demo is None:
        return ""
    return (
        f"  Demo login:  {demo.email}  {demo.password}\n"
        f"  Demo page:   {settings.public_url}/widget/demo?bot_id={demo.bot_id}\n"
        f'  Embed line:  <script src="{settings.public_url}/widget/chatbot-widget.js" '
        f'data-bot-id="{demo.bot_id}" defer></script>\n'
    )


async def _demo(settings: Settings) -> Demo | None:
    async with open_runtime(settings, owns_vectors=False) as rt:
        return await ensure_demo(rt)
