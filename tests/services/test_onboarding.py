"""From a website's address to a bot: what is found, what is made of it, and what hostile websites get."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from chatbot_saas.adapters.web.failures import WebError
from chatbot_saas.core.colours import contrast_with_white
from chatbot_saas.core.errors import ForbiddenError, NotFoundError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.pictures import MAX_BYTES, from_address
from chatbot_saas.core.tenancy import Role, System
from chatbot_saas.models import Bot, Source
from chatbot_saas.schemas.bots import BotPatch
from chatbot_saas.services import bots, chat, onboarding, starters
from chatbot_saas.services.runtime import Runtime
from tests.factories.knowledge import add_text, make_bot, settled
from tests.factories.people import Person, sign_up
from tests.factories.sites import COLOUR, NAME, SHOP, Page, Site, page, png, shop, site


@pytest.fixture
async def web() -> AsyncIterator[Site]:
    async with site() as made:
        yield made


async def found(rt: Runtime, person: Person, url: str) -> onboarding.SiteProfile:
    return await onboarding.profile(rt, person.principal, url)


async def make(rt: Runtime, person: Person, url: str, **changes: object) -> UUID:
    """A bot of the website, when it has been read."""
    profile = await found(rt, person, url)
    bot_id = new_id()
    body = onboarding.suggestions(profile).model_copy(update=changes)
    await onboarding.make(rt, person.principal, bot_id, body)
    progress = await onboarding.reading(rt, person.principal, bot_id)
    source = await settled(rt, person, UUID(progress.source_id))
    assert source.status == "ready", source
    return bot_id


async def test_a_website_tells_its_name_looks_language_and_pages(rt: Runtime, owner: Person, web: Site) -> None:
    shop(web)
    seen = [profile async for profile in onboarding.look(rt, owner.principal, web.url)]
    assert [step for at, step in enumerate(p.step for p in seen) if not at or seen[at - 1].step != step] == [
        "address",
        "appearance",
        "pages",
        "done",
    ]
    profile = seen[-1]
    assert (profile.name, profile.language, profile.color) == (NAME, "en", COLOUR)
    assert profile.url == f"{web.url}/"
    assert len(profile.pages) == len(SHOP)
    icon = from_address(profile.icon)
    assert (icon.media_type, icon.width) == ("image/png", 96)
    body = onboarding.suggestions(profile)
    assert body.name == f"{NAME} assistant"
    assert NAME in body.welcome_message
    async with rt.db.platform(System("tests")) as session:
        assert not await session.scalar(select(func.count()).where(col(Bot.tenant_id) == owner.tenant_id))


async def test_a_bot_is_made_once_reads_the_website_and_offers_what_it_can_answer(
    rt: Runtime, owner: Person, web: Site
) -> None:
    shop(web)
    profile = await found(rt, owner, web.url)
    body, bot_id = onboarding.suggestions(profile), new_id()
    for _ in range(2):
        await onboarding.make(rt, owner.principal, bot_id, body)
    async with rt.db.platform(System("tests")) as session:
        assert await session.scalar(select(func.count()).where(col(Bot.tenant_id) == owner.tenant_id)) == 1
        sources = (await session.scalars(select(Source).where(col(Source.bot_id) == bot_id))).all()
    [source] = sources
    assert (source.type, source.refresh, source.options["urls"]) == ("site", "weekly", [])
    await settled(rt, owner, source.id)
    progress = await onboarding.reading(rt, owner.principal, bot_id)
    assert progress.status == "ready"
    assert progress.pages == progress.known >= len(SHOP)
    assert progress.passages >= len(SHOP)
    assert progress.newest
    bot = await starters.settle(rt, owner.principal, bot_id)
    assert len(bot.starter_questions) == 4
    assert bot.starter_questions[0] == "When are you open?"
    for question in bot.starter_questions:
        live, _ = await chat.ask_in_playground(rt, owner.principal, bot_id, "s", question)
        async for _ in live.follow():
            pass
        done = next(event for event in live.events if event.type == "done")
        assert done.data["answered"], question
    assert bot.allowed_origins == [web.url]
    assert (bot.status, bot.color, bot.language) == ("draft", COLOUR, "en")


async def test_chosen_pages_are_the_only_ones_read(rt: Runtime, owner: Person, web: Site) -> None:
    shop(web)
    bot_id = await make(rt, owner, web.url, urls=[f"{web.url}/prices", f"{web.url}/repairs"], refresh="")
    assert (await onboarding.reading(rt, owner.principal, bot_id)).pages == 2
    assert not web.hits["/jobs"]
    async with rt.db.tenant(owner.principal) as session:
        source = await session.scalar(select(Source).where(col(Source.bot_id) == bot_id))
        assert source
        assert source.next_refresh_at is None


async def test_questions_of_the_website_come_first_and_stay_when_edited(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    faq = """# Frequent questions

## Do you deliver furniture on Saturdays?

Yes, furniture is delivered on Saturdays from nine to twelve for 15 euros more.

## Is there a warranty?

All furniture has a warranty of 5 years.
"""
    await add_text(rt, owner, bot.id, faq)
    offered = await starters.suggest(rt, owner.principal, bot.id)
    assert offered[:2] == ["Do you deliver furniture on Saturdays?", "Is there a warranty?"]
    async with rt.db.tenant(owner.principal) as session:
        await bots.change(session, owner.principal, bot.id, BotPatch(starter_questions=["Mine?"]), rt)
    assert (await starters.settle(rt, owner.principal, bot.id)).starter_questions == ["Mine?"]


async def test_a_bot_that_knows_nothing_offers_nothing(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    assert (await starters.settle(rt, owner.principal, bot.id)).starter_questions == []
    assert (await onboarding.reading(rt, owner.principal, bot.id)).source_id == ""


async def test_a_website_in_another_language_is_greeted_in_it(rt: Runtime, owner: Person, web: Site) -> None:
    head = '<meta property="og:site_name" content="Hafenräder">'
    german = page("Start", "Wir verleihen Fahrräder am alten Hafen und reparieren sie auch.", head=head)
    web.pages["/"] = german.replace('lang="en"', 'lang="de-AT"').replace("<nav>", '<nav><a href="/zeiten">Zeiten</a>')
    hours = page("Öffnungszeiten", "Wir haben Montag bis Samstag von neun bis sechs Uhr geöffnet.", head=head)
    web.pages["/zeiten"] = hours.replace('lang="en"', 'lang="de"')
    profile = await found(rt, owner, web.url)
    body = onboarding.suggestions(profile)
    assert (body.language, body.name) == ("de", "Hafenräder Assistent")
    assert body.welcome_message.startswith("Hallo! Ich beantworte Fragen zu Hafenräder.")
    bot_id = await make(rt, owner, web.url)
    offered = await starters.suggest(rt, owner.principal, bot_id)
    assert offered
    assert "ffn" in offered[0]


@pytest.mark.parametrize(
    ("said", "titles", "organisation", "name"),
    [
        ("Og Name", ["Home | Other"], "Org", "Og Name"),
        ("", ["Home – Fern & Oak", "Prices – Fern & Oak", "Blog – Fern & Oak"], "Org", "Fern & Oak"),
        ("", ["Fern & Oak: Home"], "Fern Ltd", "Fern Ltd"),
        ("", ["Furniture | Fern Oak"], "", "Fern Oak"),
        ("", ["Home"], "", "Fern Oak"),
        ("<script>alert(1)</script>Shop\u202e", [], "", "alert(1) Shop"),
        ("متجر الأثاث", [], "", "متجر الأثاث"),
        ("long " * 100, [], "", "long long long long long long long long long long long…"),
    ],
)
async def test_the_name_is_the_most_trustworthy_one(said: str, titles: list[str], organisation: str, name: str) -> None:
    assert onboarding.site_names.site_name(said, titles, organisation, "", "https://www.fern-oak.co.uk/") == name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://shop.example/", "Shop"),
        ("https://www.harbour-bikes.example/", "Harbour Bikes"),
        ("http://127.0.0.1:8000/", "127.0.0.1"),
        ("http://localhost/", "localhost"),
        ("https://xn--mnchen-3ya.de/", "München"),
    ],
)
async def test_a_host_gives_a_name_where_nothing_else_does(url: str, name: str) -> None:
    assert onboarding.site_names.host_name(url) == name


async def test_structured_data_and_the_manifest_speak_where_the_page_does_not(
    rt: Runtime, owner: Person, web: Site
) -> None:
    data = '<script type="application/ld+json">{"@graph": [{"@type": "Store", "name": "Fern & Oak"}]}</script>'
    manifest = '<link rel="manifest" href="/app.webmanifest">'
    web.pages["/"] = page("Welcome", "Tables and chairs of old oak, made by hand.", head=data + manifest)
    web.pages["/app.webmanifest"] = Page(
        '{"name": "Other", "theme_color": "#9F1239", "icons": [{"src": "logo.png"}, 7]}', "application/manifest+json"
    )
    web.pages["/logo.png"] = Page(png(159, 18, 57, 512), "image/png")
    profile = await found(rt, owner, web.url)
    assert (profile.name, profile.color) == ("Fern & Oak", "#9f1239")
    assert from_address(profile.icon).width == 96


async def test_a_pale_or_missing_colour_is_mended_by_the_icon(rt: Runtime, owner: Person, web: Site) -> None:
    head = '<meta name="theme-color" content="#ffffff"><link rel="icon" href="/i.png">'
    web.pages["/"] = page("Shop", "Tables and chairs of old oak, made by hand.", head=head)
    web.pages["/i.png"] = Page(png(250, 204, 21), "image/png")
    profile = await found(rt, owner, web.url)
    assert contrast_with_white(profile.color) >= 4.5
    assert profile.color[1:3] > profile.color[5:7]  # still a yellow


HOSTILE_ICONS = {
    "svg": Page('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "image/svg+xml"),
    "svg_as_png": Page('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "image/png"),
    "html": Page("<script>alert(1)</script>", "image/png"),
    "huge": Page(png(1, 2, 3) + b"\x00" * 10_000_000, "image/png"),
    "bomb": Page(png(1, 2, 3).replace(b"\x00\x00\x00\x20\x00\x00\x00\x20", b"\x00\x00\xff\xff" * 2), "image/png"),
    "to_metadata": Page("", status=302, headers={"Location": "http://169.254.169.254/latest/icon.png"}),
    "to_loopback": Page("", status=302, headers={"Location": "http://127.0.0.2:5432/icon.png"}),
    "cut": Page(png(1, 2, 3)[:60], "image/png"),
}


async def test_hostile_icons_are_passed_over_for_the_next_one(rt: Runtime, owner: Person, web: Site) -> None:
    for name, answer in HOSTILE_ICONS.items():
        web.pages["/"] = page(
            "Shop", "Tables and chairs of old oak.", head=f'<link rel="icon" href="/{name}" sizes="512x512">'
        )
        web.pages[f"/{name}"] = answer
        web.pages["/favicon.ico"] = Page(png(10, 125, 108), "image/x-icon")
        profile = await found(rt, owner, web.url)
        assert web.hits[f"/{name}"] >= 1, name
        icon = from_address(profile.icon)
        assert icon.media_type == "image/png"
        assert len(icon.data) <= MAX_BYTES
        assert b"script" not in icon.data
        assert profile.color == "#0a7d6c", name


async def test_hostile_words_stay_words(rt: Runtime, owner: Person, web: Site) -> None:
    name = "&lt;img src=x onerror=alert(1)&gt; " + "Endless " * 2000
    head = (
        f'<meta property="og:site_name" content="{name}"><meta name="theme-color" content="url(javascript:alert(1))">'
        '<script type="application/ld+json">' + "[" * 50_000 + "</script>"
        '<link rel="manifest" href="/m.json"><link rel="icon" href="data:text/html,x">'
    )
    web.pages["/m.json"] = Page("[" * 100_000, "application/json")
    web.pages["/"] = page("T" * 100_000, "Tables and chairs of old oak.", head=head)
    profile = await found(rt, owner, web.url)
    body = onboarding.suggestions(profile)
    assert len(profile.name) <= 60
    assert "<" not in body.name + body.welcome_message
    assert (profile.color, profile.icon, body.color) == ("", "", "#4f46e5")


async def test_what_cannot_be_read_says_why(rt: Runtime, owner: Person, web: Site) -> None:
    web.pages["/"] = '<html><head><title>App</title></head><body><div id="root"></div></body></html>'
    with pytest.raises(onboarding.NoTextOnSiteError):
        await found(rt, owner, web.url)
    web.robots = "User-agent: *\nDisallow: /\n"
    async with site() as closed:
        closed.robots, closed.pages["/"] = web.robots, page("Shop", "Tables.")
        with pytest.raises(WebError, match=r"robots\.txt"):
            await found(rt, owner, closed.url)
    for address in ("http://127.0.0.1:1/", "http://169.254.169.254/", "javascript:alert(1)", "no address"):
        with pytest.raises(WebError):
            await found(rt, owner, address)


async def test_another_tenant_and_a_viewer_get_nowhere(rt: Runtime, owner: Person, stranger: Person, web: Site) -> None:
    shop(web)
    bot = await make_bot(rt, owner)
    body = onboarding.WebsiteBot(url=web.url, name="Theirs", welcome_message="Hi", fallback_text="No")
    with pytest.raises(NotFoundError):
        await onboarding.make(rt, stranger.principal, bot.id, body)
    with pytest.raises(NotFoundError):
        await onboarding.reading(rt, stranger.principal, bot.id)
    with pytest.raises(NotFoundError):
        await starters.settle(rt, stranger.principal, bot.id)
    viewer = await sign_up(rt, Role.VIEWER, owner.tenant_id)
    with pytest.raises(ForbiddenError):
        await found(rt, viewer, web.url)
    with pytest.raises(ForbiddenError):
        await onboarding.make(rt, viewer.principal, new_id(), body)
    async with rt.db.platform(System("tests")) as session:
        assert not (await session.scalars(select(Source).where(col(Source.bot_id) == bot.id))).all()
        assert (await session.get_one(Bot, bot.id)).name == "Helper"


async def test_a_model_suggests_and_only_what_is_answered_stays(keyed: Runtime) -> None:
    owner = await sign_up(keyed)
    bot = await make_bot(keyed, owner)
    await add_text(keyed, owner, bot.id)
    offered = await starters.suggest(keyed, owner.principal, bot.id)
    assert offered  # the stub writes no question, so these are of the titles
    assert all(len(question) <= 80 and question.endswith("?") for question in offered)
    assert starters._lines("1. Do you deliver abroad?\n- <b>Really?</b>\n“Is it open today?”\nNo question.") == [
        "Do you deliver abroad?",
        "Is it open today?",
    ]
