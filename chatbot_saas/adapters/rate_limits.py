"""Rate limits: a sliding window per key, in memory or, by REDIS_URL, exact across processes."""

import time
from typing import Protocol

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from chatbot_saas.core.errors import TooManyRequestsError, UnavailableError
from chatbot_saas.core.logging import get_logger

log = get_logger(__name__)


class RateLimiter(Protocol):
    async def hit(self, name: str, key: str, per_minute: int, *, minutes: int = 1) -> None:
        """Count one request. Raises TooManyRequestsError past `per_minute` requests in `minutes`."""
        ...

    async def check(self) -> None:
        """Raises UnavailableError when the store does not answer."""
        ...


class NoLimits:
    """Where RATE_LIMIT_ENABLED is false."""

    async def hit(self, name: str, key: str, per_minute: int, *, minutes: int = 1) -> None:
        return None

    async def check(self) -> None:
        return None


class WindowLimiter:
    def __init__(self, redis_url: str = "") -> None:
        storage = RedisStorage(f"async+{redis_url}", implementation="redispy") if redis_url else MemoryStorage()
        self._storage = storage
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._items: dict[tuple[int, int], RateLimitItem] = {}

    async def hit(self, name: str, key: str, per_minute: int, *, minutes: int = 1) -> None:
        item = self._items.get((per_minute, minutes))
        if item is None:
            item = self._items[(per_minute, minutes)] = RateLimitItemPerMinute(per_minute, minutes)
        try:
            if await self._limiter.hit(item, name, key):
                return
            stats = await self._limiter.get_window_stats(item, name, key)
        except OSError as error:  # Redis is away: visitors matter more than an exact count
            log.warning("rate_limit_store_unavailable", error=str(error))
            return
        wait = max(1, int(stats.reset_time - time.time()) + 1)
        raise TooManyRequestsError(
            f"Too many requests. Try again in {wait} seconds.", retry_after=wait, limit=per_minute, remaining=0
        )

    async def check(self) -> None:
        if not await self._storage.check():
            raise UnavailableError("Redis does not answer.")


def rate_limiter(*, enabled: bool, redis_url: str) -> RateLimiter:
    return WindowLimiter(redis_url) if enabled else NoLimits()
