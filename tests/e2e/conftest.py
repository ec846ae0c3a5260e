"""The production build in a real browser. The browser tests of one test process share a server."""

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from chatbot_saas.cli.testing import find_browser
from tests.e2e.dashboard import Owner, sign_up
from tests.e2e.widget_site import Site, sites
from tests.factories.sites import ALLOW
from tests.servers import RunningServer, running_server

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HERE = Path(__file__).parent
CLOSE_SECONDS = 30.0  # a browser that does not let go is left to the end of the run instead of holding it up


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            # Reflex gives a page that loads before its predecessor's socket has gone a new token, and loses what is
            # clicked in between: no person is as quick, but on a busy machine a test is.
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what every server of the test printed, when the test failed."""
    report = yield
    if report.failed:
        arguments: dict[str, Any] = getattr(item, "funcargs", {})
        for name, value in arguments.items():
            if isinstance(value, RunningServer):
                report.sections.append((f"log of `{name}`", value.log[-8000:]))
    return report


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningServer]:
    """The whole product with an own, empty data folder."""
    async with running_server(tmp_path_factory.mktemp("server"), CRAWL_ALLOW_HOSTS=ALLOW) as running:
        yield running


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        path = find_browser()
        assert path, "no Chromium found: run the tests by `make test`, or install it"
        chromium = await playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield chromium
        with suppress(TimeoutError):
            await asyncio.wait_for(chromium.close(), CLOSE_SECONDS)


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser profile of its own for each test: no cookies, no storage."""
    context = await browser.new_context(locale="en-GB", ignore_https_errors=True)
    context.set_default_timeout(15_000)
    yield context
    with suppress(TimeoutError):
        await asyncio.wait_for(context.close(), CLOSE_SECONDS)


@pytest.fixture(scope="session")
async def owner(browser: Browser, server: RunningServer) -> Owner:
    """Somebody who has signed up, for tests that need a bot of their own but not a tenant: see dashboard.own_bot."""
    context = await browser.new_context(locale="en-GB")
    await sign_up(await context.new_page(), server)
    cookies = await context.cookies()
    await context.close()
    return Owner(cookies)


class Problems(list[str]):
    """What the page complained about. A test that provokes one removes it."""


@pytest.fixture
def problems() -> Problems:
    return Problems()


@pytest.fixture
async def page(context: BrowserContext, problems: Problems) -> AsyncIterator[Page]:
    """A page whose console must stay free of errors until the end of the test."""
    page = await context.new_page()

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(f"console: {message.text} ({message.location.get('url', '')})")

    page.on("console", on_console)
    page.on("pageerror", lambda error: problems.append(f"uncaught: {error}"))
    yield page
    assert not problems


@pytest.fixture(scope="module")
def widget_site() -> Iterator[Site]:
    """For tests of the widget; `site` is the same, emptied for each test."""
    with sites() as site:
        yield site


@pytest.fixture
def site(widget_site: Site) -> Iterator[Site]:
    widget_site.backend.calls.clear()
    widget_site.backend.scripts.clear()
    yield widget_site
    widget_site.close()


@pytest.fixture
def bot(site: Site) -> str:
    """Of the stand-in backend, allowed on the website."""
    return site.backend.add_bot([site.origin])
