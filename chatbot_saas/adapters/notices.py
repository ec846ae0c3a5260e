"""Wakes those who follow what happens in a tenant, in whichever process it happened, by PostgreSQL's LISTEN.

A notice says only whose events to read again. What is read is in the rows, so that a notice that is lost, while the
database restarts say, makes somebody wait for a moment and loses nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, contextmanager, suppress
from uuid import UUID

from chatbot_saas.core.logging import get_logger

log = get_logger(__name__)
CHANNEL = "chatbot_events"
AGAIN_SECONDS = 1.0
Listen = Callable[[str], AsyncGenerator[str | None]]
"""Payloads of a channel; None once it is heard."""


async def heard(listen: Listen, channel: str) -> AsyncGenerator[str | None]:
    """The channel's payloads, without an end; None whenever it is heard anew, since something may have been missed."""
    while True:
        try:
            async with aclosing(listen(channel)) as payloads:
                async for payload in payloads:
                    yield payload
        except Exception as error:  # the database may be away for a while
            log.warning("notices_unheard", channel=channel, error=repr(error))
        await asyncio.sleep(AGAIN_SECONDS)


def ids(payload: str) -> list[UUID]:
    """The id that was sent; none where somebody sent something else."""
    try:
        return [UUID(payload)]
    except ValueError:
        log.warning("notice_not_understood", payload=payload[:80])
        return []


class Watch:
    """One who waits. What comes while it does not wait is kept as one notice."""

    def __init__(self, *, counted: bool) -> None:
        self._woken = asyncio.Event()
        self.counted = counted
        self.closed = False
        """This process is about to end."""

    def wake(self) -> None:
        self._woken.set()

    async def wait(self, seconds: float) -> None:
        """Until the next notice, or for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()


class Notices:
    """One connection for all who wait in this process, open while there are any."""

    def __init__(self, listen: Listen) -> None:
        self._listen = listen
        self._watches: dict[UUID, set[Watch]] = {}
        self._listening: asyncio.Task[None] | None = None
        self._closed = False

    @contextmanager
    def watch(self, tenant_id: UUID, *, counted: bool = True) -> Generator[Watch]:
        """`counted`: whether `watching` knows of it."""
        watch = Watch(counted=counted)
        watch.closed = self._closed
        self._watches.setdefault(tenant_id, set()).add(watch)
        if self._listening is None and not self._closed:
            self._listening = asyncio.create_task(self._run())
        try:
            yield watch
        finally:
            others = self._watches.get(tenant_id, set())
            others.discard(watch)
            if not others:
                self._watches.pop(tenant_id, None)
            if not self._watches and self._listening:
                self._listening.cancel()
                self._listening = None

    def watching(self, tenant_id: UUID) -> int:
        """How many do, of those that are counted."""
        return sum(watch.counted for watch in self._watches.get(tenant_id, ()))

    async def close(self) -> None:
        """End every wait, and each that begins from now on. May be called twice."""
        self._closed = True
        listening, self._listening = self._listening, None
        if listening:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        for watch in [watch for watches in self._watches.values() for watch in watches]:
            watch.closed = True
            watch.wake()

    async def _run(self) -> None:
        async with aclosing(heard(self._listen, CHANNEL)) as payloads:
            async for payload in payloads:
                self._tell(payload)

    def _tell(self, payload: str | None) -> None:
        """`payload`: a tenant's id; None wakes all, since anything may have been missed."""
        known = list(self._watches) if payload is None else ids(payload)
        for tenant_id in known:
            for watch in self._watches.get(tenant_id, ()):
                watch.wake()
