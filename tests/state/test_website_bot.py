"""From a website's address to its first answer, event by event."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.web import Request, Response
from sqlalchemy import func, select
from sqlmodel import col

from chatbot_saas.core.tenancy import System
from chatbot_saas.models import Bot, Source
from chatbot_saas.schemas.bots import BotPatch
from chatbot_saas.services import bots
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state.bot import BotState
from chatbot_saas.state.bot_form import BotFormState
from chatbot_saas.state.first_answer import FirstAnswerState
from chatbot_saas.state.playground import PlaygroundState
from chatbot_saas.state.site_preview import SitePreviewState
from chatbot_saas.state.website_bot import WebsiteBotState
from tests.factories.knowledge import make_bot
from tests.factories.people import Person
from tests.factories.sites import COLOUR, NAME, SHOP, Site, page, shop, site
from tests.factories.tabs import Tab, open_tab


@pytest.fixture
async def web() -> AsyncIterator[Site]:
    async with site() as made:
        yield made


async def review(rt: Runtime, owner: Person, url: str) -> Tab:
    """A tab in which the website was looked at."""
    tab = await open_tab(rt, owner)
    await tab.run(WebsiteBotState.load)
    await tab.run(WebsiteBotState.change_address, url)
    await tab.run(WebsiteBotState.start)
    await tab.run(WebsiteBotState.look)
    return tab


async def made(rt: Runtime, owner: Person) -> list[Any]:
    async with rt.db.platform(System("tests")) as session:
        return list((await session.scalars(select(Bot).where(col(Bot.tenant_id) == owner.tenant_id))).all())


async def test_nothing_is_made_before_the_review_and_two_clicks_make_one(rt: Runtime, owner: Person, web: Site) -> None:
    tab = await review(rt, owner, shop(web).url)
    state = await tab.state(WebsiteBotState)
    assert (state.step, state.draft["name"], state.draft["color"]) == ("review", f"{NAME} assistant", COLOUR)
    preview = await tab.state(SitePreviewState)
    assert (preview.found, preview.chosen) == (len(SHOP), len(SHOP))
    assert not await made(rt, owner)
    await tab.run(WebsiteBotState.change, "name", " ")
    assert await tab.run(WebsiteBotState.make) == []
    assert state.errors["name"] == "This cannot be empty."
    await tab.run(WebsiteBotState.change, "name", "Quay helper")
    await tab.run(WebsiteBotState.change, "color", "red")
    assert state.errors["color"]
    await tab.run(WebsiteBotState.change, "color", "#112233")
    await tab.run(WebsiteBotState.change, "_bot_id", "x")
    await tab.run(SitePreviewState.choose_all, False)
    await tab.run(WebsiteBotState.make)
    assert state.errors["urls"] == "Choose one page at least."
    await tab.run(SitePreviewState.toggle, 1, True)
    await tab.run(SitePreviewState.toggle, 2, True)
    await tab.run(WebsiteBotState.change_weekly, False)
    for _ in range(2):
        await tab.run(WebsiteBotState.make)
    [bot] = await made(rt, owner)
    assert (bot.name, bot.color, bot.icon) == ("Quay helper", "#112233", state.seen.icon)
    async with rt.db.platform(System("tests")) as session:
        [source] = (await session.scalars(select(Source).where(col(Source.bot_id) == bot.id))).all()
    assert len(source.options["urls"]) == 2
    assert source.refresh == ""


async def test_the_pages_are_read_questions_found_and_one_is_answered(rt: Runtime, owner: Person, web: Site) -> None:
    tab = await review(rt, owner, shop(web).url)
    await tab.run(WebsiteBotState.make)
    [bot] = await made(rt, owner)
    tab.go(bot_id=bot.id)
    for load in (BotState.load, PlaygroundState.load, FirstAnswerState.load):
        await tab.run(load)
    state = await tab.state(FirstAnswerState)
    asked: list[Any] = []
    async with asyncio.timeout(60):
        while state.phase != "ready":
            asked += await tab.run(FirstAnswerState.follow)
    assert len(state.questions) == 4
    assert state.progress.pages >= len(SHOP)
    assert "ask" in str(asked[-1].handler.fn)
    await tab.run(PlaygroundState.ask, {"question": state.questions[0]})
    [turn] = (await tab.state(PlaygroundState)).turns
    assert turn.answered
    assert turn.sources[0].url == f"{web.url}/opening-hours"
    # who comes back, in another tab, finds all of it
    other = await open_tab(rt, owner, bot_id=bot.id)
    for load in (BotState.load, PlaygroundState.load, FirstAnswerState.load, FirstAnswerState.follow):
        await other.run(load)
    assert (await other.state(FirstAnswerState)).questions == state.questions
    await tab.run(FirstAnswerState.change_question, 0, "x" * 81)
    assert state.error == "At most 80 characters."
    await tab.run(FirstAnswerState.change_question, 0, "Are you open on Sundays?")
    await tab.run(FirstAnswerState.remove_question, 3)
    await tab.run(FirstAnswerState.add_question)
    await tab.run(FirstAnswerState.save_questions)
    [bot] = await made(rt, owner)
    assert bot.starter_questions == ["Are you open on Sundays?", *state.questions[1:]]
    assert len(bot.starter_questions) == 3


async def test_problems_are_said_and_going_back_stops(rt: Runtime, owner: Person, web: Site) -> None:
    web.pages["/"] = '<html><body><div id="root"></div></body></html>'
    tab = await review(rt, owner, web.url)
    state = await tab.state(WebsiteBotState)
    assert (state.step, state.needs_documents) == ("address", True)
    assert "scripts" in state.problem
    await tab.run(WebsiteBotState.change_address, "http://169.254.169.254/")
    await tab.run(WebsiteBotState.look)
    assert "public" in state.problem
    assert not state.needs_documents
    gate = asyncio.Event()

    async def held(_: Request, __: Site) -> Response:
        await gate.wait()
        return Response(text=page("Shop", "Tables and chairs of old oak."), content_type="text/html")

    web.pages["/"] = held
    await tab.run(WebsiteBotState.change_address, web.url)
    looking = asyncio.create_task(tab.run(WebsiteBotState.look))
    await web.asked("/", web.hits["/"] + 1)
    await tab.run(WebsiteBotState.back)
    gate.set()
    await looking
    assert (state.step, state.problem) == ("address", "")
    assert not await made(rt, owner)


async def test_a_source_that_failed_can_be_read_again(rt: Runtime, owner: Person, web: Site) -> None:
    web.pages["/"] = page("Shop", "Tables and chairs of old oak, made by hand in Bremen.")
    tab = await review(rt, owner, web.url)
    web.failing["/"] = [404]
    await tab.run(WebsiteBotState.make)
    [bot] = await made(rt, owner)
    tab.go(bot_id=bot.id)
    state = await tab.state(FirstAnswerState)
    await tab.run(FirstAnswerState.load)
    async with asyncio.timeout(60):
        while state.phase == "reading":
            await tab.run(FirstAnswerState.follow)
    assert state.phase == "failed"
    assert state.progress.error
    await tab.run(FirstAnswerState.retry)
    async with asyncio.timeout(60):
        while state.phase != "ready":
            await tab.run(FirstAnswerState.follow)
    empty = await make_bot(rt, owner)
    tab.go(bot_id=empty.id)
    await tab.run(FirstAnswerState.load)
    assert state.phase == "empty"


async def test_starters_and_the_icon_are_settings_with_a_history(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    tab = await open_tab(rt, owner, bot_id=bot.id)
    await tab.run(BotState.load)
    await tab.run(BotFormState.load)
    form = await tab.state(BotFormState)
    await tab.run(BotFormState.take_picture, "icon", "data:image/svg+xml;base64,PHN2Zz4=")
    assert "PNG" in form.errors["icon"]
    assert form.draft.icon == ""
    await tab.run(BotFormState.take_picture, "icon", "")
    address = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAA"
    await tab.run(BotFormState.take_picture, "icon", address)
    assert (form.draft.icon, form.errors["icon"]) == (address, "")
    await tab.run(BotFormState.add_starter)
    await tab.run(BotFormState.change_starter, 0, "Is it open?")
    await tab.run(BotFormState.add_starter)
    await tab.run(BotFormState.save)
    async with rt.db.tenant(owner.principal) as session:
        saved = await bots.get(session, owner.principal, bot.id)
        versions = await bots.versions(session, owner.principal, bot.id)
    assert (saved.starter_questions, saved.icon) == (["Is it open?"], address)
    assert versions[0].summary == "icon, starter_questions"
    async with rt.db.tenant(owner.principal) as session:
        await bots.change(session, owner.principal, bot.id, BotPatch(icon="", starter_questions=[]), rt)
        back = await bots.roll_back(session, owner.principal, bot.id, saved.version, rt)
    assert (back.icon, back.starter_questions) == (address, ["Is it open?"])
    await tab.run(BotFormState.remove_starter, 0)
    await tab.run(BotFormState.remove_picture, "icon")
    assert (form.draft.icon, form.draft.starter_questions) == ("", [])


async def test_another_tenants_bot_is_not_shown(rt: Runtime, owner: Person, stranger: Person) -> None:
    bot = await make_bot(rt, stranger, name="Theirs", starter_questions=["Their question?"])
    tab = await open_tab(rt, owner, bot_id=bot.id)
    await tab.run(BotState.load)
    await tab.run(FirstAnswerState.load)
    await tab.run(FirstAnswerState.follow)
    assert (await tab.state(FirstAnswerState)).phase == ""
    assert "Their" not in tab.sent()
    async with rt.db.platform(System("tests")) as session:
        assert await session.scalar(select(func.count()).where(col(Bot.id) == bot.id)) == 1
