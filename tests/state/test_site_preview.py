"""The live search of a website's pages, event by event."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chatbot_saas.core.errors import ForbiddenError
from chatbot_saas.core.tenancy import Role
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state import site_preview
from chatbot_saas.state.site_preview import SitePreviewState
from tests.factories.people import Person, sign_up
from tests.factories.sites import SHOP, Site, page, shop, site
from tests.factories.tabs import Tab, open_tab


@pytest.fixture(autouse=True)
def quick_ticks(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """And, but where silence is tried, a page that is never given up: at this pace it is within a second."""
    monkeypatch.setattr(site_preview, "TICK_SECONDS", 0.02)
    if "silence" not in request.node.name:
        monkeypatch.setattr(site_preview, "UNHEARD", 10_000)


@pytest.fixture
async def made() -> AsyncIterator[Site]:
    async with site() as running:
        yield running


async def asking(rt: Runtime, person: Person, url: str, **fields: str) -> tuple[Tab, SitePreviewState]:
    tab = await open_tab(rt, person)
    for name, value in {"url": url, **fields}.items():
        await tab.run(SitePreviewState.change, name, value)
    return tab, await tab.state(SitePreviewState)


async def test_found_pages_are_filtered_and_chosen(
    rt: Runtime, owner: Person, made: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_preview, "SHOWN", 3)
    shop(made)
    tab, state = await asking(rt, owner, made.url, refresh="weekly", exclude="/jobs\n\n /terms ")
    await tab.run(SitePreviewState.find)
    count = len(SHOP) - 2
    assert (state.found, state.chosen, state.searching, state.searched) == (count, count, False, True)
    assert [choice.path for choice in state.pages] == ["/", "/opening-hours", "/prices"]
    assert state.more == count - 3
    await tab.run(SitePreviewState.show_more)
    assert len(state.pages) == 6
    await tab.run(SitePreviewState.filter_pages, "BLOG")
    assert (state.matching, state.more) == (4, 1)
    await tab.run(SitePreviewState.choose_all, False)
    await tab.run(SitePreviewState.toggle, state.pages[1].index, True)
    assert state.chosen == count - 3
    await tab.run(SitePreviewState.toggle, 999, False)
    await tab.run(SitePreviewState.toggle, "0", False)
    assert state.chosen == count - 3
    source = site_preview.site_source(state, whole=False)
    assert source is not None
    assert (source.refresh, source.exclude, len(source.urls)) == ("weekly", ["/jobs", "/terms"], count - 3)
    whole = site_preview.site_source(state, whole=True)
    assert whole is not None
    assert whole.urls == []
    site_preview.clear(state)
    assert (state.url, state.found, state.pages) == ("", 0, [])


async def test_what_is_wrong_is_told_beside_the_field(rt: Runtime, owner: Person, made: Site) -> None:
    tab, state = await asking(rt, owner, "", max_pages="many", depth="9")
    await tab.run(SitePreviewState.find)
    assert set(state.errors) == {"url", "max_pages", "depth"}
    assert not state.searching
    for url in ("no address !", "http://169.254.169.254/", f"{made.url}/missing"):
        tab, state = await asking(rt, owner, url)
        await tab.run(SitePreviewState.find)
        assert set(state.errors) == {"url"}, url
        assert (state.searching, state.found) == (False, 0)
    made.pages["/"] = page("Home", "Welcome to the harbour of bicycles.")
    tab, state = await asking(rt, owner, made.url, include="/help/*")
    await tab.run(SitePreviewState.find)
    assert state.problem == site_preview.NOTHING_FOUND


class Slow:
    """A page that nobody ever gets."""

    def __init__(self) -> None:
        self.asked, self.left = asyncio.Event(), asyncio.Event()

    async def __call__(self, *_: object) -> object:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()


@pytest.mark.parametrize("way", ["stop", "stay", "silence", "clear"])
async def test_a_search_ends_when_nobody_wants_it(rt: Runtime, owner: Person, made: Site, way: str) -> None:
    slow = Slow()
    made.pages["/"] = page("Home", "Welcome to the harbour of bicycles.", links=["/slow"])
    made.pages["/slow"] = slow  # type: ignore[assignment]
    tab, state = await asking(rt, owner, made.url)
    search = asyncio.create_task(tab.run(SitePreviewState.find))
    await asyncio.wait_for(slow.asked.wait(), 30)
    async with asyncio.timeout(30):
        while True:
            if state.found:
                break
            await asyncio.sleep(0.01)
    if way == "stop":
        await tab.run(SitePreviewState.stop)
    elif way == "stay":
        await tab.run(SitePreviewState.stay, "open")
        assert state.searching
        await tab.run(SitePreviewState.stay, "gone")
    elif way == "clear":
        site_preview.clear(state)
    asked = await asyncio.wait_for(search, 30)  # silence: it asks whether the page is open until it gives up
    await asyncio.wait_for(slow.left.wait(), 30)
    assert not state.searching
    if way == "silence":
        assert len(asked) > site_preview.UNHEARD
    if way != "clear":
        assert (state.found, state.stopped) == (1, True)


async def test_a_viewer_searches_nothing(rt: Runtime, owner: Person) -> None:
    viewer = await sign_up(rt, Role.VIEWER, owner.tenant_id)
    tab = await open_tab(rt, viewer)
    with pytest.raises(ForbiddenError):
        await tab.run(SitePreviewState.find)
