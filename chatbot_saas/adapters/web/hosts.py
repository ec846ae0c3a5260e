"""Turns at a host: nobody's website is to suffer from being read."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

_REMEMBERED = 1000


class _Host:
    def __init__(self, at_once: int) -> None:
        self.places = asyncio.Semaphore(at_once)
        self.order = asyncio.Lock()
        self.next = 0.0  # the event loop's time before which no request starts
        self.users = 0


class Hosts:
    """At most `at_once` requests at a time to one host, in the order in which they were asked for."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, name: str, pause: float) -> AsyncGenerator[None]:
        """Wait for a place at host `name`, and until `pause` seconds have gone since the last request began there."""
        host = self._host(name)
        host.users += 1
        try:
            async with host.places:
                async with host.order:
                    await self._wait(host)
                    host.next = asyncio.get_running_loop().time() + pause
                yield
        finally:
            host.users -= 1

    def postpone(self, name: str, seconds: float) -> None:
        """No request starts at host `name` for so long: it asked for it."""
        host = self._host(name)
        host.next = max(host.next, asyncio.get_running_loop().time() + seconds)

    async def _wait(self, host: _Host) -> None:
        loop = asyncio.get_running_loop()
        while (wait := host.next - loop.time()) > 0:  # noqa: ASYNC110  it may be put off meanwhile
            await asyncio.sleep(wait)

    def _host(self, name: str) -> _Host:
        if len(self._hosts) >= _REMEMBERED and name not in self._hosts:
            now = asyncio.get_running_loop().time()
            self._hosts = {key: host for key, host in self._hosts.items() if host.users or host.next > now}
        return self._hosts.setdefault(name, _Host(self._at_once))
