"""The widget's configuration, from the cache and from the database: `python -m benchmarks.config_requests [redis_url]`.

In one process over a database of its own, without HTTP: what is left is the work that the cache is to save.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from chatbot_saas.adapters.postgres import EmbeddedPostgres
from chatbot_saas.core import migrations
from chatbot_saas.core.settings import Settings
from chatbot_saas.parts import open_runtime
from chatbot_saas.services import bot_config, bots, conversations
from tests.factories.knowledge import SHOP, make_bot
from tests.factories.people import sign_up

SECRET = "a key for a benchmark that is long enough"
REQUESTS, AT_ONCE, ROUNDS = 2000, 20, 3


async def rate(ask: Callable[[], Awaitable[object]]) -> float:
    async def some() -> None:
        for _ in range(REQUESTS // AT_ONCE):
            await ask()

    started = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    return REQUESTS / (time.perf_counter() - started)


async def main(redis_url: str, folder: Path, url: str) -> None:
    settings = Settings(_env_file=None, database_url=url, data_dir=folder, secret_key=SECRET, redis_url=redis_url)  # type: ignore[call-arg,arg-type]
    async with open_runtime(settings) as rt:
        bot_id: UUID = (await make_bot(rt, await sign_up(rt))).id

        async def database() -> object:
            bot = await conversations.public_bot(rt, bot_id)
            bots.require_origin(bot, SHOP, rt.settings.own_origins)
            return bots.public_config(bot)

        async def cache() -> object:
            return await bot_config.public(rt, bot_id, SHOP)

        for _ in range(ROUNDS):
            before, after = await rate(database), await rate(cache)
            print(f"database {before:.0f}/s, cache {'in Redis' if redis_url else 'in memory'} {after:.0f}/s")


if __name__ == "__main__":
    with TemporaryDirectory() as name, EmbeddedPostgres(Path(name)) as server:
        migrations.upgrade(server.url, SECRET)
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "", Path(name), server.url))
