"""`make doctor`: compares rows, vectors and blobs now instead of at night, mends, and reports."""

import asyncio

from chatbot_saas.cli.database import migrate, open_database
from chatbot_saas.cli.progress import say
from chatbot_saas.cli.settings import load_settings
from chatbot_saas.core.settings import Settings
from chatbot_saas.parts import open_runtime
from chatbot_saas.services.deletion import sweep


def main(_: list[str]) -> int:
    settings = load_settings()
    with open_database(settings) as url:
        migrate(url)
        found = asyncio.run(_sweep(settings.model_copy(update={"database_url": url})))
    for name, count in found.items():
        say(f"{name.replace('_', ' ')}: {count}")
    say("All is in order." if not any(found.values()) else "What was found has been mended.")
    return 0


async def _sweep(settings: Settings) -> dict[str, int]:
    async with open_runtime(settings) as rt:
        return await sweep(rt)
