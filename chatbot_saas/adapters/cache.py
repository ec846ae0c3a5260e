"""The cache: bytes for a time, in this process's memory or, by REDIS_URL, shared by all processes.

Nothing is kept only here, so a cache that is away is a cache that holds nothing: `get` misses at once, `set` is
skipped. Only `drop` and `keys`, by which a deletion shows that nothing is left, say so when they could not look.
"""

import asyncio
import time
import warnings
from collections.abc import Awaitable, Iterable
from typing import Any, Protocol, TypeVar, cast

from cashews.backends.memory import Memory
from cashews.backends.redis import Redis as CashewsRedis
from cashews.exceptions import CacheBackendInteractionError
from cashews.serialize import Serializer
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from chatbot_saas.core.errors import UnavailableError
from chatbot_saas.core.logging import get_logger

log = get_logger(__name__)
MOST_ENTRIES = 10_000
MOST_BYTES = 64 * 1024 * 1024
LARGEST_VALUE = 256 * 1024
"""Bytes; larger values are not kept."""
SWEEP_SECONDS = 30.0
"""How often expired entries are removed from memory; they are never given out."""
REDIS_SECONDS = 0.1
"""The longest wait for Redis: making most of what is kept takes less than a slow cache would."""
DROP_SECONDS = 5.0
PAUSES = (1.0, 30.0)
"""Seconds for which Redis is not asked after a failure: the first time, and at most; doubled in between."""
LOG_SECONDS = 60.0
_PREFIX = "chatbot:cache:"
"""Of our keys in Redis, which may hold others' too."""

R = TypeVar("R")


class Cache(Protocol):
    """Keys begin with whose they are, as in `answer:<bot>:<version>:<digest>`, so that all of one owner can be dropped.
    Their letters are ASCII letters, digits, `:`, `-`, `_` and `.`.
    """

    async def get(self, key: str) -> bytes | None: ...

    async def set(self, key: str, value: bytes, seconds: float) -> None: ...

    async def delete(self, key: str) -> None: ...

    async def drop(self, prefix: str) -> int:
        """Remove every key that begins so; how many there were. Raises UnavailableError."""
        ...

    async def keys(self, prefix: str) -> list[str]:
        """Those that begin so. Raises UnavailableError."""
        ...

    async def check(self) -> None:
        """Raises UnavailableError when the store does not answer."""
        ...

    async def close(self) -> None: ...


class MemoryCache:
    """Bounded by entries and by bytes; what was not asked for longest goes first."""

    def __init__(self, most_entries: int = MOST_ENTRIES, most_bytes: int = MOST_BYTES) -> None:
        self._store = Memory(size=most_entries + 1, check_interval=SWEEP_SECONDS)
        self._store.on_remove_callback(self._forget)
        self._most_entries, self._most_bytes = most_entries, most_bytes
        self._sizes: dict[str, int] = {}
        self.bytes = 0

    async def get(self, key: str) -> bytes | None:
        value = cast("bytes | None", await self._store.get(key))
        if value is None:
            await self._forget((key,), self._store)
        return value

    async def set(self, key: str, value: bytes, seconds: float) -> None:
        if not self._store.is_init:
            await self._store.init()  # begins its sweeping, which needs a running loop
        await self._store.delete(key)
        if len(value) > LARGEST_VALUE:
            return
        await self._store.set(key, value, seconds)
        self._sizes[key] = len(value)
        self.bytes += len(value)
        while self.bytes > self._most_bytes or len(self._sizes) > self._most_entries:
            await self._store.delete(next(iter(self._store.store)))

    async def delete(self, key: str) -> None:
        await self._store.delete(key)

    async def drop(self, prefix: str) -> int:
        found = await self.keys(prefix)
        for key in found:
            await self._store.delete(key)
        return len(found)

    async def keys(self, prefix: str) -> list[str]:
        return [key for key in self._sizes if key.startswith(prefix)]

    async def check(self) -> None:
        """Always there."""

    async def close(self) -> None:
        if self._store.is_init:
            await self._store.close()

    async def _forget(self, keys: Iterable[str], backend: Any) -> None:
        for key in keys:
            self.bytes -= self._sizes.pop(key, 0)


class RedisCache:
    """Shared. After a failure Redis is left alone for a while, so that its absence costs nobody a wait."""

    def __init__(self, url: str) -> None:
        self._store = CashewsRedis(
            url,
            suppress=False,
            serializer=Serializer(),  # bytes as they are: what a shared store holds is never unpickled
            max_connections=50,
            socket_timeout=DROP_SECONDS,
            socket_connect_timeout=DROP_SECONDS,
            wait_for_connection_timeout=DROP_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self.patience = REDIS_SECONDS
        self._starting = asyncio.Lock()
        self._pause = PAUSES[0]
        self._asked_again_at = 0.0
        self._logged_at = -LOG_SECONDS

    async def get(self, key: str) -> bytes | None:
        return await self._try(self._raw(key), None)

    async def set(self, key: str, value: bytes, seconds: float) -> None:
        if len(value) <= LARGEST_VALUE:
            await self._try(self._store.set_raw(_PREFIX + key, value, px=max(1, int(seconds * 1000))), None)

    async def delete(self, key: str) -> None:
        await self._try(self._store.delete(_PREFIX + key), None)

    async def drop(self, prefix: str) -> int:
        """By a scan, not by a list of keys that is kept beside them: a list can be evicted before its keys."""
        found = await self.keys(prefix)
        for first in range(0, len(found), 500):
            await self._surely(self._store.delete_many(*(_PREFIX + key for key in found[first : first + 500])))
        return len(found)

    async def keys(self, prefix: str) -> list[str]:
        return await self._surely(self._keys(prefix))

    async def check(self) -> None:
        await self._surely(self._store.ping())

    async def close(self) -> None:
        if self._store.is_init:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # cashews closes redis by its former name
                await self._store.close()

    async def _raw(self, key: str) -> bytes | None:
        return cast("bytes | None", await self._store.get_raw(_PREFIX + key))

    async def _keys(self, prefix: str) -> list[str]:
        # a set: a scan may tell a key twice
        return list({key.removeprefix(_PREFIX) async for key in self._store.scan(f"{_PREFIX}{prefix}*", 1000)})

    async def _try(self, call: Awaitable[R], otherwise: R) -> R:
        """The call's result; `otherwise` when Redis is away, slow, or was so a moment ago."""
        if time.monotonic() < self._asked_again_at:
            _discard(call)
            return otherwise
        try:
            async with asyncio.timeout(self.patience):
                result = await self._started(call)
        except (CacheBackendInteractionError, RedisError, OSError, TimeoutError) as error:
            self._asked_again_at = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, PAUSES[1])
            if time.monotonic() - self._logged_at >= LOG_SECONDS:
                self._logged_at = time.monotonic()
                log.warning("cache_unavailable", error=repr(error))
            return otherwise
        self._pause = PAUSES[0]
        return result

    async def _surely(self, call: Awaitable[R]) -> R:
        try:
            async with asyncio.timeout(DROP_SECONDS):
                return await self._started(call)
        except (CacheBackendInteractionError, RedisError, OSError, TimeoutError) as error:
            raise UnavailableError("Redis does not answer.") from error

    async def _started(self, call: Awaitable[R]) -> R:
        try:
            async with self._starting:
                if not self._store.is_init:
                    await self._store.init()
        except BaseException:
            _discard(call)
            raise
        return await call


def _discard(call: Awaitable[Any]) -> None:
    """Of a coroutine that is not wanted any more, which would complain that nobody awaited it."""
    if asyncio.iscoroutine(call):
        call.close()


def make_cache(redis_url: str) -> Cache:
    return RedisCache(redis_url) if redis_url else MemoryCache()
