"""Rate limits: a sliding window per key, in memory or, by REDIS_URL, exact across processes.

While Redis is away each process counts for itself: a limit is then as many times as high as there are processes, but
nobody is locked out and no limit is gone.
"""

import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from limits import RateLimitItem, RateLimitItemPerMinute, WindowStats
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from chatbot_saas.core.errors import TooManyRequestsError, UnavailableError
from chatbot_saas.core.logging import get_logger

log = get_logger(__name__)
REDIS_SECONDS = 1.0
"""That a request waits for Redis before it is counted here."""
CONNECTIONS = 20
PAUSE_SECONDS = 5.0
"""After a failure Redis is left alone for so long: its absence costs few requests a wait."""
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Window:
    """What is left of a limit: what the headers RateLimit and RateLimit-Policy tell."""

    policy: str
    limit: int
    seconds: int
    remaining: int
    reset: int


_told: ContextVar[dict[str, Window] | None] = ContextVar("rate_limits", default=None)


def listen() -> dict[str, Window]:
    """From here on, for this request: the windows that it is counted in, by policy, the one with the least left."""
    told: dict[str, Window] = {}
    _told.set(told)
    return told


def _tell(window: Window) -> None:
    told = _told.get()
    if told is not None and (window.policy not in told or window.remaining <= told[window.policy].remaining):
        told[window.policy] = window


class RateLimiter(Protocol):
    async def hit(
        self, name: str, key: str, per_minute: int, *, minutes: int = 1, policy: str = DEFAULT, quiet: bool = False
    ) -> None:
        """Count one request. Raises TooManyRequestsError past `per_minute` requests in `minutes`.

        `policy`: the limit's name for callers. `quiet`: say nothing about it as long as it is kept.
        """
        ...

    async def check(self) -> None:
        """Raises UnavailableError when the store does not answer."""
        ...

    async def close(self) -> None: ...


class NoLimits:
    """Where RATE_LIMIT_ENABLED is false."""

    async def hit(
        self, name: str, key: str, per_minute: int, *, minutes: int = 1, policy: str = DEFAULT, quiet: bool = False
    ) -> None:
        return None

    async def check(self) -> None:
        return None

    async def close(self) -> None:
        return None


class WindowLimiter:
    def __init__(self, redis_url: str = "") -> None:
        self._here = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._pool = _connections(redis_url) if redis_url else None
        self._storage = (
            RedisStorage(f"async+{redis_url}", implementation="redispy", connection_pool=self._pool)  # pyright: ignore
            if self._pool
            else None
        )
        self._shared = SlidingWindowCounterRateLimiter(self._storage) if self._storage else None
        self._items: dict[tuple[int, int], RateLimitItem] = {}
        self._asked_again_at = 0.0

    async def hit(
        self, name: str, key: str, per_minute: int, *, minutes: int = 1, policy: str = DEFAULT, quiet: bool = False
    ) -> None:
        item = self._items.get((per_minute, minutes))
        if item is None:
            item = self._items[(per_minute, minutes)] = RateLimitItemPerMinute(per_minute, minutes)
        fits, stats = await self._count(item, name, key, quiet=quiet)
        if fits and stats is None:
            return
        reset = max(1, int(stats.reset_time - time.time()) + 1) if stats else 1
        remaining = max(0, stats.remaining) if fits and stats else 0
        _tell(Window(policy, per_minute, minutes * 60, remaining, reset))
        if not fits:
            raise TooManyRequestsError(
                f"Too many requests. Try again in {reset} seconds.",
                retry_after=reset,
                policy=policy,
                limit=per_minute,
                remaining=0,
            )

    async def _count(self, item: RateLimitItem, name: str, key: str, *, quiet: bool) -> tuple[bool, WindowStats | None]:
        """Whether it fits, and what is left; that is not asked for where nobody is told."""
        if self._shared and time.monotonic() >= self._asked_again_at:
            try:
                return await _counted(self._shared, item, name, key, quiet=quiet)
            except (OSError, RedisError) as error:
                self._asked_again_at = time.monotonic() + PAUSE_SECONDS
                log.warning("rate_limit_store_unavailable", error=repr(error))
        return await _counted(self._here, item, name, key, quiet=quiet)

    async def check(self) -> None:
        if self._storage and not await self._storage.check():
            raise UnavailableError("Redis does not answer.")

    async def close(self) -> None:
        if self._pool:
            await self._pool.disconnect()


async def _counted(
    limiter: SlidingWindowCounterRateLimiter, item: RateLimitItem, name: str, key: str, *, quiet: bool
) -> tuple[bool, WindowStats | None]:
    fits = await limiter.hit(item, name, key)
    return fits, None if fits and quiet else await limiter.get_window_stats(item, name, key)


def _connections(url: str) -> BlockingConnectionPool:
    """Few: a rush waits for its turn instead of opening hundreds at once."""
    return BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]
        url,
        max_connections=CONNECTIONS,
        timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def rate_limiter(*, enabled: bool, redis_url: str) -> RateLimiter:
    return WindowLimiter(redis_url) if enabled else NoLimits()
