"""Web pages and websites as sources: what is taken, what stays current, what goes, and what never ends."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from chatbot_saas.core.paging import PageRequest
from chatbot_saas.core.tenancy import System
from chatbot_saas.models import Chunk, Document, Source, UsageEvent, WebPage
from chatbot_saas.schemas.sources import SiteOptions, SiteSource, SourcePatch, SourceRead, UrlSource, WebPageRead
from chatbot_saas.services import chat, discovery, intake, refreshing, sources
from chatbot_saas.services.runtime import Runtime
from tests.factories.jobs import drained
from tests.factories.knowledge import make_bot, settled
from tests.factories.people import Person
from tests.factories.sites import Page, Site, page, shop, site

SECTIONS = "".join(f"<h2>Part {n}</h2><p>{f'Word{n} tells something of its own kind. ' * 60}</p>" for n in range(4))


@pytest.fixture
async def web() -> AsyncIterator[Site]:
    async with site() as made:
        yield made


async def take(rt: Runtime, person: Person, bot_id: UUID, url: str, **options: object) -> SourceRead:
    body = SiteSource.model_validate({"type": "site", "url": url, **options})
    return await settled(rt, person, (await intake.add(rt, person.principal, bot_id, body)).id)


async def refresh(rt: Runtime, person: Person, source_id: UUID) -> SourceRead:
    async with rt.db.tenant(person.principal) as session:
        await sources.reindex(session, person.principal, source_id, rt)
    return await settled(rt, person, source_id)


async def pages(rt: Runtime, person: Person, source_id: UUID) -> dict[str, WebPageRead]:
    """By path."""
    async with rt.db.tenant(person.principal) as session:
        found = await sources.list_pages(session, person.principal, source_id, PageRequest(limit=100))
    return {"/" + item.url.partition("://")[2].partition("/")[2]: item for item in found.items}


async def titles(rt: Runtime, person: Person, bot_id: UUID, question: str) -> list[str]:
    found = await chat.search(rt, person.principal, bot_id, question, 5)
    return [hit.title for hit in found]


async def embedded(rt: Runtime, bot_id: UUID) -> int:
    async with rt.db.platform(System("tests")) as session:
        query = select(func.count()).where(col(UsageEvent.bot_id) == bot_id, col(UsageEvent.kind) == "embedding")
        return await session.scalar(query) or 0


async def chunk_ids(rt: Runtime, source_id: UUID) -> set[UUID]:
    async with rt.db.platform(System("tests")) as session:
        return set((await session.scalars(select(col(Chunk.id)).where(col(Chunk.source_id) == source_id))).all())


async def test_a_site_is_taken_page_by_page_and_answers_name_the_page(rt: Runtime, owner: Person, web: Site) -> None:
    shop(web)
    bot = await make_bot(rt, owner)
    source = await take(rt, owner, bot.id, web.url)
    found = await pages(rt, owner, source.id)
    assert source.status == "ready", source
    ready = [item for item in found.values() if item.status == "ready"]
    assert len(ready) >= 18, found
    assert source.chunks == len(await chunk_ids(rt, source.id)) >= len(ready)
    async with rt.db.tenant(owner.principal) as session:
        documents = (await session.scalars(select(Document).where(col(Document.source_id) == source.id))).all()
    assert {document.url for document in documents} == {item.url for item in ready}
    assert all(document.title and document.text for document in documents)


async def test_what_did_not_change_costs_nothing(rt: Runtime, owner: Person, web: Site) -> None:
    web.pages["/"] = page("Start", "Welcome to the start of it all, dear reader.", links=["/a", "/b"])
    web.pages["/a"] = page("A", f"<p>First part of a.</p>{SECTIONS}")
    web.pages["/b"] = Page(page("B", "The page b is about bicycles and bells."), validators=False)
    bot = await make_bot(rt, owner)
    source = await take(rt, owner, bot.id, web.url)
    assert source.status == "ready", source
    before, paid = await chunk_ids(rt, source.id), await embedded(rt, bot.id)
    again = await refresh(rt, owner, source.id)
    assert again.status == "ready"
    assert await chunk_ids(rt, source.id) == before
    assert await embedded(rt, bot.id) == paid

    web.pages["/a"] = page("A", f"<p>First part of a. Now with a new sentence.</p>{SECTIONS}")
    assert (await refresh(rt, owner, source.id)).status == "ready"
    after = await chunk_ids(rt, source.id)
    assert after & before, "what stayed the same keeps its vectors"
    assert len(after - before) <= 2, "only what changed is embedded again"
    assert await embedded(rt, bot.id) == paid + 1


async def test_a_vanished_page_goes_after_its_grace(rt: Runtime, owner: Person, web: Site) -> None:
    web.pages["/"] = page("Start", "Welcome to the start of it all, dear reader.", links=["/zebra"])
    web.pages["/zebra"] = page("Zebra", "The zebra has stripes and eats grass on the plain.")
    bot = await make_bot(rt, owner)
    source = await take(rt, owner, bot.id, web.url)
    assert "Zebra" in await titles(rt, owner, bot.id, "zebra stripes")
    del web.pages["/zebra"]
    web.pages["/"] = page("Start", "Welcome to the start of it all, dear reader.")
    assert (await refresh(rt, owner, source.id)).status == "ready"
    assert "Zebra" in await titles(rt, owner, bot.id, "zebra stripes"), "it may come back"
    async with rt.db.platform(System("tests")) as session:
        long_ago = datetime.now(UTC) - timedelta(days=2)
        await session.execute(update(WebPage).where(col(WebPage.url).endswith("/zebra")).values(missing_since=long_ago))
    assert (await refresh(rt, owner, source.id)).status == "ready"
    assert "Zebra" not in await titles(rt, owner, bot.id, "zebra stripes")
    assert (await pages(rt, owner, source.id))["/zebra"].status == "gone"


async def test_a_page_that_fails_keeps_what_is_known_and_stops_costing(rt: Runtime, owner: Person, web: Site) -> None:
    web.pages["/"] = page("Start", "Welcome to the start of it all, dear reader.", links=["/lion"])
    web.pages["/lion"] = page("Lion", "The lion sleeps through most of the day.")
    bot = await make_bot(rt, owner)
    source = await take(rt, owner, bot.id, web.url)
    web.failing["/lion"] = [403] * 20
    for count in range(1, 7):
        async with rt.db.platform(System("tests")) as session:
            await session.execute(
                update(Source)
                .where(col(Source.id) == source.id)
                .values(refresh="hourly", next_refresh_at=datetime.now(UTC))
            )
        hits = web.hits["/lion"]
        await refreshing.start_due(rt)
        await settled(rt, owner, source.id)
        await drained(rt)
        assert web.hits["/lion"] - hits == (1 if count <= 5 else 0), count
    lion = (await pages(rt, owner, source.id))["/lion"]
    assert lion.status == "failed"
    assert lion.failures == 5
    assert lion.error
    assert "left alone" in lion.error.message
    assert "Lion" in await titles(rt, owner, bot.id, "lion sleeps")
    web.failing["/lion"] = []
    await refresh(rt, owner, source.id)
    assert (await pages(rt, owner, source.id))["/lion"].status == "ready", "by hand it is tried again"


async def test_patterns_depth_and_the_cap_on_pages(rt: Runtime, owner: Person, web: Site) -> None:
    web.pages["/"] = page("Start", "Welcome to the start of it all, dear reader.", links=["/blog/1", "/shop/1"])
    for n in range(1, 9):
        text = f"Number {n} of the posts speaks about number {n} only."
        web.pages[f"/blog/{n}"] = page(f"Post {n}", text, links=[f"/blog/{n + 1}"])
    web.pages["/shop/1"] = page("Shop", "The shop sells things of many kinds.")
    bot = await make_bot(rt, owner)
    deep = await take(rt, owner, bot.id, web.url, depth=3, exclude=["/shop/*"])
    assert set(await pages(rt, owner, deep.id)) == {"/", "/blog/1", "/blog/2", "/blog/3"}
    few = await take(rt, owner, bot.id, web.url, depth=5, max_pages=3, include=["/blog/*"])
    found = await pages(rt, owner, few.id)
    assert len(found) == 3
    assert found["/"].status == "skipped", "its links are followed, its text is not wanted"
    chosen = await take(rt, owner, bot.id, web.url, urls=[f"{web.url}/blog/7", f"{web.url}/shop/1"])
    assert set(await pages(rt, owner, chosen.id)) == {"/blog/7", "/shop/1"}


async def test_copies_other_names_and_pages_that_only_say_not_found(rt: Runtime, owner: Person, web: Site) -> None:
    twin = "The text of the twins is the same on both of their pages."
    web.soft_404 = page("Page not found", "Sorry, this page does not exist any more.")
    web.pages["/"] = page("Start", "Welcome, dear reader.", links=["/one", "/two", "/old?x=1", "/lost", "/quiet"])
    web.pages["/one"] = page("Twin", twin)
    web.pages["/two"] = page("Twin", twin)
    head = f'<link rel="canonical" href="{web.url}/new">'
    web.pages["/old?x=1"] = page("Renamed", "This page has a proper name of its own somewhere.", head=head)
    web.pages["/quiet"] = page("Quiet", "Nothing to see.", head='<meta name="robots" content="noindex">')
    bot = await make_bot(rt, owner)
    source = await take(rt, owner, bot.id, web.url)
    found = await pages(rt, owner, source.id)
    reasons = {path: item.error.code if item.error else "" for path, item in found.items()}
    assert sorted((reasons["/one"], reasons["/two"])) == ["", "copy"]
    assert reasons["/lost"] == "error_page"
    assert reasons["/quiet"] == "noindex"
    assert found["/new"].status == "ready"


async def test_a_crawl_of_a_site_with_traps_ends(rt: Runtime, owner: Person, web: Site) -> None:
    """What waits for a limit of time is tried in tests/adapters, with shorter limits."""
    shop(web)
    web.pages["/sitemap.xml"] = Page("gone", status=404)
    web.pages["/"] = page("Start", "Welcome to a site that is full of traps.", links=["/trap/all", "/delivery"])
    slow = ["/trap/drip", "/trap/hang", "/trap/streams", "/trap/busy"]
    bot = await make_bot(rt, owner)
    source = await take(rt, owner, bot.id, web.url, depth=4, max_pages=80, exclude=slow)
    assert source.status == "ready", source
    found = await pages(rt, owner, source.id)
    assert 20 < len(found) <= 80
    assert all(item.status != "waiting" for item in found.values())
    reasons = {path: item.error.code for path, item in found.items() if item.error}
    assert reasons["/trap/to-metadata"] == reasons["/trap/to-private"] == "web_address_forbidden"
    assert reasons["/trap/bomb"] == reasons["/trap/claims"] == "web_too_large"
    assert reasons["/trap/loop/a"] == "web_redirects"
    assert sum("calendar" in path for path in found) <= 10
    assert sum("deeper" in path for path in found) <= 10


async def test_one_page_and_what_becomes_of_it(rt: Runtime, owner: Person, web: Site) -> None:
    web.pages["/prices"] = page("Prices", "A cup of tea costs three euros and fifty cents.")
    bot = await make_bot(rt, owner)
    body = UrlSource(type="url", url=f"{web.url}/prices", refresh="daily")
    first = await intake.add(rt, owner.principal, bot.id, body)
    source = await settled(rt, owner, first.id)
    assert (source.status, source.title) == ("ready", "Prices")
    assert source.next_refresh_at
    assert (await intake.add(rt, owner.principal, bot.id, body)).copy_of == source.id
    web.failing["/prices"] = [404]
    failed = await refresh(rt, owner, source.id)
    assert failed.status == "failed"
    assert failed.error
    assert "Prices" in await titles(rt, owner, bot.id, "cup of tea"), "knowledge stays while the page is away"
    assert (await refresh(rt, owner, source.id)).status == "ready"
    changed = await intake.change(rt, owner.principal, source.id, SourcePatch(refresh=""))
    assert changed.next_refresh_at is None


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://169.254.169.254/latest/meta-data/", "web_address_forbidden"),
        ("http://10.1.2.3/", "web_address_forbidden"),
        ("http://[::1]:8080/", "web_address_forbidden"),
    ],
)
async def test_addresses_that_are_not_for_us(rt: Runtime, owner: Person, url: str, code: str) -> None:
    bot = await make_bot(rt, owner)
    source = await intake.add(rt, owner.principal, bot.id, UrlSource(type="url", url=url))
    ended = await settled(rt, owner, source.id)
    assert ended.status == "failed"
    assert ended.error
    assert ended.error.code == code


async def test_a_preview_takes_nothing(rt: Runtime, owner: Person, web: Site) -> None:
    web.pages["/"] = page("Start", "Welcome to the start of it all, dear reader.", links=["/a", "/b"])
    web.pages["/a"] = page("A", "The page a.")
    web.pages["/b"] = page("B", "The page b.", links=["/c"])
    web.pages["/c"] = page("C", "The page c.")
    found = [item async for item in discovery.preview(rt, owner.principal, web.url, SiteOptions(depth=1))]
    assert [(item.title, item.depth) for item in found] == [("Start", 0), ("A", 1), ("B", 1)]
    shop(web)
    listed = [item async for item in discovery.preview(rt, owner.principal, web.url, SiteOptions())]
    assert len(listed) >= 18
    assert {item.via for item in listed} <= {"sitemap", "link"}
