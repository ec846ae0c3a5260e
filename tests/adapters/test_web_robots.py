"""robots.txt as its authors mean it, and turns at a host."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from chatbot_saas.adapters.web.client import HttpWeb, Limits
from chatbot_saas.adapters.web.failures import (
    PageGoneError,
    RobotsForbiddenError,
    RobotsUnavailableError,
    TooBusyError,
)
from chatbot_saas.adapters.web.guard import AllowedHosts
from chatbot_saas.adapters.web.hosts import Hosts
from chatbot_saas.adapters.web.robots import parse
from tests.factories.sites import ALLOW, Page, Site, site


@asynccontextmanager
async def reading(folder: Path, **limits: float) -> AsyncIterator[tuple[Site, HttpWeb]]:
    async with site() as there:
        reader = HttpWeb(folder, allowed=AllowedHosts.parse(ALLOW), limits=Limits(**limits))  # pyright: ignore[reportArgumentType]
        try:
            yield there, reader
        finally:
            await reader.close()


async def may_read(reader: HttpWeb, url: str) -> bool:
    try:
        async with reader.fetch(url):
            return True
    except PageGoneError:
        return True
    except RobotsForbiddenError:
        return False


async def test_rules_for_everybody_and_for_us(tmp_path: Path) -> None:
    async with reading(tmp_path) as (there, reader):
        there.robots = """User-agent: *\nDisallow: /\n
            User-agent: FootNote\nUser-agent: other\nDisallow: /private\nAllow: /private/open$"""
        for path, allowed in {"/": True, "/private/x": False, "/private/open": True, "/private/open2": False}.items():
            assert await may_read(reader, there.url + path) is allowed, path
        assert there.hits["/robots.txt"] == 1, "asked once"
        assert there.hits["/private/x"] == 0


async def test_rules_hold_at_the_end_of_a_redirect_too(tmp_path: Path) -> None:
    async with reading(tmp_path) as (there, reader), site() as other:
        other.robots = "User-agent: *\nDisallow: /secret"
        other.pages["/secret"] = "<h1>Secret</h1>"
        there.pages["/away"] = Page("", status=302, headers={"Location": f"{other.url}/secret"})
        assert not await may_read(reader, f"{there.url}/away")
        assert not other.hits["/secret"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_no_robots_txt_forbids_nothing(tmp_path: Path, status: int) -> None:
    async with reading(tmp_path) as (there, reader):
        there.pages["/robots.txt"] = Page("Disallow: /", status=status)
        assert await may_read(reader, f"{there.url}/x")


async def test_a_robots_txt_that_leads_nowhere_forbids_nothing(tmp_path: Path) -> None:
    for location in ("/robots.txt", "http://169.254.169.254/", "http://"):
        async with reading(tmp_path) as (there, reader):
            there.pages["/robots.txt"] = Page("", status=302, headers={"Location": location})
            assert await may_read(reader, f"{there.url}/x")


async def test_a_broken_website_is_left_alone(tmp_path: Path) -> None:
    for fault in (Page("", status=500), Page("", status=429, headers={"Retry-After": "3000"})):
        async with reading(tmp_path) as (there, reader):
            there.pages["/robots.txt"] = fault
            for _ in range(2):
                with pytest.raises(RobotsUnavailableError) as error:
                    await may_read(reader, f"{there.url}/x")
                assert error.value.retryable
            assert (there.hits["/robots.txt"], there.hits["/x"]) == (1, 0)


async def test_a_page_in_place_of_rules_and_rules_without_end(tmp_path: Path) -> None:
    async with reading(tmp_path) as (there, reader):
        there.pages["/robots.txt"] = "<!doctype html><title>Not found</title>"
        assert await may_read(reader, f"{there.url}/x")
    async with reading(tmp_path) as (there, reader):
        there.pages["/robots.txt"] = "User-agent: *\nDisallow: /no\n" + "# filler\n" * 100_000 + "Disallow: /"
        assert not await may_read(reader, f"{there.url}/no")
        assert await may_read(reader, f"{there.url}/yes")


def test_rules_made_to_take_long() -> None:
    """20,000 names with 20,000 rules each, and patterns that backtracking would not survive."""
    started = time.perf_counter()
    hostile = "\n".join(f"User-agent: bot{number}" for number in range(15_000)) + "\n" + "Disallow: /x*y$\n" * 15_000
    rules = parse(f"{hostile}\nUser-agent: *\nDisallow: /{'*a' * 200}*b\nDisallow: /last\n")
    assert not rules.can_fetch("https://shop.example/last", "Footnote")
    assert rules.can_fetch("https://shop.example/" + "a" * 2000, "Footnote")
    assert time.perf_counter() - started < 10


async def test_few_requests_at_a_time(tmp_path: Path) -> None:
    async def slow(request: web.Request, _: Site) -> web.StreamResponse:
        await asyncio.sleep(0.02)
        return web.Response(text="<h1>x</h1>", content_type="text/html")

    async with reading(tmp_path) as (there, reader):
        there.pages["/x"] = slow
        assert all(await asyncio.gather(*(may_read(reader, f"{there.url}/x?{number}") for number in range(10))))
        assert there.most_at_once == 2
        assert there.hits["/x"] == 10


class Clock:
    """Turns with a pause, and when they began."""

    def __init__(self) -> None:
        self.hosts = Hosts(2)
        self.began: list[float] = []

    async def turn(self, name: str, pause: float) -> None:
        async with self.hosts.turn(name, pause):
            self.began.append(asyncio.get_running_loop().time())


async def test_a_pause_between_requests_and_one_that_is_asked_for() -> None:
    clock = Clock()
    await asyncio.gather(*(clock.turn("a", 0.05) for _ in range(4)))
    waits = [later - sooner for sooner, later in zip(clock.began, clock.began[1:], strict=False)]
    assert min(waits) >= 0.045
    clock.hosts.postpone("b", 0.1)
    asked = asyncio.get_running_loop().time()
    await clock.turn("b", 0.0)
    assert clock.began[-1] - asked >= 0.095


async def test_a_host_that_waits_holds_up_no_other() -> None:
    clock = Clock()
    clock.hosts.postpone("slow", 3600)
    waiting = asyncio.create_task(clock.turn("slow", 0.0))
    await asyncio.wait_for(clock.turn("quick", 3600), 10)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    for number in range(3000):
        await clock.turn(f"host-{number}", 0.0)
    assert len(clock.hosts._hosts) <= 1001


async def test_the_pause_of_robots_txt_is_kept_up_to_a_limit(tmp_path: Path) -> None:
    async with reading(tmp_path, crawl_delay=0.15) as (there, reader):
        there.robots = "User-agent: *\nCrawl-delay: 3600\n"
        started = time.monotonic()
        await asyncio.gather(*(may_read(reader, f"{there.url}/{number}") for number in range(3)))
        assert time.monotonic() - started >= 0.28


async def test_a_website_that_asks_to_wait_is_left_alone_by_all(tmp_path: Path) -> None:
    async with reading(tmp_path, retry_after=5) as (there, reader):
        there.pages["/x"] = "<h1>x</h1>"
        there.pages["/y"] = "<h1>y</h1>"
        there.failing["/x"] = [Page("", status=429, headers={"Retry-After": "1"})]
        started = time.monotonic()
        first = asyncio.create_task(may_read(reader, f"{there.url}/x"))
        await there.asked("/x")
        await may_read(reader, f"{there.url}/robots.txt")  # whatever else is read there
        assert await first
        assert time.monotonic() - started >= 0.95
    async with reading(tmp_path, retry_after=5) as (there, reader):
        there.failing["/x"] = [Page("", status=429, headers={"Retry-After": "0"})] * 2
        with pytest.raises(TooBusyError):
            await may_read(reader, f"{there.url}/x")
