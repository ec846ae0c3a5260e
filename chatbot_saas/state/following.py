"""When a page looks again: soon after something is told of its tenant (services.events), and now and then anyway."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import reflex as rx

from chatbot_saas.services.runtime import get_runtime

SHORTEST_SECONDS = 0.4
"""Between two looks, since what is under way tells of itself many times a second."""
LONGEST_SECONDS = 3.0
"""Without any word: not all that a page shows is told, and a notice can be lost."""
Pause = Callable[[], Awaitable[None]]


@contextmanager
def following(tenant_id: UUID | None, longest: float | None = None) -> Generator[Pause]:
    """Gives what waits until it is time to look again. None: whoever follows all tenants is told of none."""

    async def pause() -> None:
        await asyncio.sleep(SHORTEST_SECONDS)
        await watch.wait(longest or LONGEST_SECONDS)

    async def plain() -> None:
        await asyncio.sleep(2 * SHORTEST_SECONDS)

    if tenant_id is None:
        yield plain
        return
    with get_runtime().notices.watch(tenant_id, counted=False) as watch:
        yield pause


def still_open(marker: str, then: Any) -> Any:
    """Asks the browser for an element with this attribute, since the server cannot know when a tab went.

    `then`: the event that is given "open" or "gone".
    """
    return rx.call_script(f"document.querySelector('[{marker}]') ? 'open' : 'gone'", callback=then)
