"""The job queue, seen from a test."""

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import text

from chatbot_saas.core.tenancy import System
from chatbot_saas.services.runtime import Runtime

WAITING = text("SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 240) -> None:
    """Wait for what another task or process brings about."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - what changes is in another process, perhaps
            await asyncio.sleep(0.05)


async def drained(rt: Runtime, seconds: float = 240) -> None:
    """Wait until there is no job left to do."""

    async def nothing_waits() -> bool:
        async with rt.db.platform(System("tests")) as session:
            return not await session.scalar(WAITING)

    await until(nothing_waits, seconds)
