"""The cache in memory and in Redis: the same answers, bounded, and never in anybody's way."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from chatbot_saas.adapters.cache import DROP_SECONDS, PAUSES, Cache, MemoryCache, RedisCache, make_cache
from chatbot_saas.core.errors import UnavailableError
from tests.redis_server import RedisServer, running_redis, start_redis
from tests.servers import free_port


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
async def cache(request: pytest.FixtureRequest, redis_server: RedisServer) -> AsyncIterator[Cache]:
    made = make_cache(redis_server.url if request.param == "redis" else "")
    if isinstance(made, RedisCache):
        made.patience = 10  # a busy machine is not what these tests are about
    yield made
    await made.drop("")
    await made.close()


async def test_what_is_kept_comes_back_until_its_time_is_over(cache: Cache) -> None:
    for value in (b'{"text": "x"}', b"12345", b"", b"\x80\x04pickle:1"):
        await cache.set("a:1", value, 60)
        assert await cache.get("a:1") == value
    await cache.set("a:2", b"short", 0.05)
    await asyncio.sleep(0.1)
    assert await cache.get("a:2") is None
    await cache.delete("a:1")
    assert await cache.get("a:1") is None
    assert await cache.get("never") is None
    await cache.check()


async def test_all_of_one_owner_can_be_dropped_and_counted(cache: Cache) -> None:
    for number in range(1200):
        await cache.set(f"answer:one:{number}", b"x", 60)
    await cache.set("answer:two:1", b"y", 60)
    assert len(await cache.keys("answer:one:")) == 1200
    assert await cache.drop("answer:one:") == 1200
    assert await cache.keys("answer:one:") == []
    assert await cache.get("answer:two:1") == b"y"


async def test_large_values_are_not_kept(cache: Cache) -> None:
    await cache.set("big", b"x" * 300_000, 60)
    assert await cache.get("big") is None


async def test_memory_is_bounded_in_entries_and_in_bytes() -> None:
    cache = MemoryCache(most_entries=10, most_bytes=1000)
    for number in range(30):
        await cache.set(f"k{number}", b"x" * 10, 60)
        await cache.get("k0")  # asked for all the time, so it stays
    assert len(await cache.keys("")) == 10
    assert await cache.get("k0") is not None
    assert await cache.get("k5") is None
    for number in range(30):
        await cache.set(f"large{number}", b"x" * 300, 60)
    assert cache.bytes <= 1000
    assert len(await cache.keys("")) == 3
    await cache.set("large29", b"x", 60)
    assert cache.bytes == 601
    await cache.set("expires", b"x" * 50, 0.01)
    await asyncio.sleep(0.02)
    assert await cache.get("expires") is None
    assert cache.bytes == 601
    await cache.close()


async def test_processes_share_redis(redis_server: RedisServer) -> None:
    one, other = RedisCache(redis_server.url), RedisCache(redis_server.url)
    one.patience = other.patience = 10  # a busy machine is not a server that is down
    await one.set("shared", b"value", 60)
    assert await other.get("shared") == b"value"
    await other.delete("shared")
    assert await one.get("shared") is None
    await one.close()
    await other.close()


class Deaf:
    """Listens where Redis should be and counts who comes: hangs up at once, or never says anything."""

    def __init__(self, *, hangs: bool) -> None:
        self.hangs, self.calls = hangs, 0
        self._over = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        if self.hangs:
            await self._over.wait()
        writer.close()

    @contextlib.asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[None]:
        server = await asyncio.start_server(self, "127.0.0.1", port)
        yield
        self._over.set()
        server.close()
        await asyncio.sleep(0.01)


@contextlib.contextmanager
def asked_once_a_pause(deaf: Deaf) -> Iterator[None]:
    """Redis is asked once for each pause that has passed, whatever is wanted of the cache and however slow we are."""
    started = time.monotonic()
    yield
    assert 1 <= deaf.calls <= 1 + (time.monotonic() - started) / PAUSES[0]


async def test_redis_that_is_away_is_a_miss_at_once() -> None:
    server = start_redis()
    cache = RedisCache(server.url)
    cache.patience = 10
    try:
        await cache.set("k", b"v", 60)
        assert await cache.get("k") == b"v"
        server.stop()
        deaf = Deaf(hangs=False)
        async with deaf.listening(server.port):
            with asked_once_a_pause(deaf):
                for _ in range(100):
                    assert await cache.get("k") is None
                    await cache.set("k", b"v", 60)
                    await cache.delete("k")
        for call in (cache.check(), cache.drop("k"), cache.keys("k")):
            with pytest.raises(UnavailableError):
                await call
        server = start_redis(server.port)
        async with asyncio.timeout(5):  # the pause after a failure is a second
            while await cache.get("k") is None:
                await cache.set("k", b"v", 60)
                await asyncio.sleep(0.05)
    finally:
        await cache.close()
        server.stop()


async def test_redis_that_hangs_costs_one_short_wait() -> None:
    deaf, port = Deaf(hangs=True), free_port()
    async with deaf.listening(port):
        cache = RedisCache(f"redis://127.0.0.1:{port}/0")
        with asked_once_a_pause(deaf):
            started = time.perf_counter()
            assert await cache.get("k") is None
            assert time.perf_counter() - started < DROP_SECONDS, "our patience ends before the connection's"
            for _ in range(100):
                assert await cache.get("k") is None
        await cache.close()
