"""Going back by one click: once, of what was seen, and back again."""

import pytest
from sqlalchemy import select
from sqlmodel import col

from chatbot_saas.core.tenancy import System
from chatbot_saas.models import AuditEntry
from chatbot_saas.schemas.bot_tests import PublicationRead
from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.services import bots, conversations, publishing
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state import rolling_back
from chatbot_saas.state.bot import BotState
from chatbot_saas.state.publication import PublicationState
from chatbot_saas.state.rolling_back import RollBackState
from tests.factories.knowledge import make_knowing_bot
from tests.factories.people import Person
from tests.factories.tabs import Tab, open_tab


@pytest.fixture
async def bot(rt: Runtime, owner: Person) -> BotRead:
    """`First` was published, `Second` is, and `Third` waits."""
    bot = await make_knowing_bot(rt, owner, name="First")
    await change(rt, owner, bot, hold_changes=True)
    await change(rt, owner, bot, name="Second")
    async with rt.db.tenant(owner.principal) as session:
        await publishing.publish(session, owner.principal, bot.id, rt)
    return await change(rt, owner, bot, name="Third")


async def change(rt: Runtime, person: Person, bot: BotRead, **values: object) -> BotRead:
    async with rt.db.tenant(person.principal) as session:
        return await bots.change(session, person.principal, bot.id, BotPatch.model_validate(values), rt)


async def opened(rt: Runtime, person: Person, bot: BotRead) -> tuple[Tab, RollBackState, PublicationRead]:
    tab = await open_tab(rt, person, bot_id=bot.id)
    for state in (BotState, PublicationState, RollBackState):
        await tab.run(state.load)
    seen = (await tab.state(PublicationState)).publication
    assert seen
    return tab, await tab.state(RollBackState), seen


async def click(tab: Tab, seen: PublicationRead) -> str:
    """The button of a page that shows this. Returns what the page is told."""
    return str(await tab.run(RollBackState.roll_back, seen.previous_version, seen.version, seen.published_version))


async def visitors(rt: Runtime, bot: BotRead) -> str:
    return (await conversations.public_bot(rt, bot.id)).name


async def present(rt: Runtime, person: Person, bot: BotRead) -> BotRead:
    async with rt.db.tenant(person.principal) as session:
        return await bots.get(session, person.principal, bot.id)


async def test_two_quick_clicks_go_back_once(rt: Runtime, owner: Person, bot: BotRead) -> None:
    tab, state, seen = await opened(rt, owner, bot)
    await click(tab, seen)
    assert await visitors(rt, bot) == "First"
    assert state.done
    assert (state.done.back_to, state.done.version, state.done.live) == (seen.previous_version, bot.version + 1, True)
    assert "Nothing was done twice" in await click(tab, seen), "of the same page"
    await tab.run(PublicationState.load)
    shown = (await tab.state(PublicationState)).publication
    assert shown
    assert "Nothing was done twice" in await click(tab, shown), "of the page as it was drawn between the two"
    assert (await present(rt, owner, bot)).version == bot.version + 1
    async with rt.db.platform(System("tests")) as session:
        query = select(AuditEntry).where(col(AuditEntry.target_id) == bot.id)
        entries = (await session.scalars(query.where(col(AuditEntry.action) == "bot.roll_back"))).all()
    assert [entry.details["version"] for entry in entries] == [seen.previous_version]


async def test_undone_is_what_visitors_got_and_what_waited(rt: Runtime, owner: Person, bot: BotRead) -> None:
    tab, state, seen = await opened(rt, owner, bot)
    await click(tab, seen)
    told = str(await tab.run(RollBackState.undo))
    assert f"Version {seen.published_version} is published again." in told
    assert state.done is None
    assert await visitors(rt, bot) == "Second"
    now = await present(rt, owner, bot)
    assert (now.name, now.hold_changes) == ("Third", True)
    assert now.published_version < now.version
    assert "nothing to undo" in str(await tab.run(RollBackState.undo)), "a second click"
    assert (await present(rt, owner, bot)).version == now.version


async def test_a_page_of_the_past_rolls_nothing_back(rt: Runtime, owner: Person, bot: BotRead) -> None:
    tab, state, seen = await opened(rt, owner, bot)
    async with rt.db.tenant(owner.principal) as session:
        await publishing.publish(session, owner.principal, bot.id, rt)  # which makes no new version
    told = await click(tab, seen)
    assert f"Version {bot.version} was published meanwhile." in told
    assert (await visitors(rt, bot), state.done) == ("Third", None)
    _, _, seen = await opened(rt, owner, bot)
    changed = await change(rt, owner, bot, name="Fourth")
    assert f"it is at version {changed.version} now" in await click(tab, seen)
    assert await visitors(rt, bot) == "Third"


async def test_what_was_changed_since_is_not_undone(
    rt: Runtime, owner: Person, bot: BotRead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rolling_back, "DOUBLE_CLICK_SECONDS", 0.0)
    tab, state, seen = await opened(rt, owner, bot)
    await click(tab, seen)
    changed = await change(rt, owner, bot, name="Fourth")
    assert f"it is at version {changed.version} now" in str(await tab.run(RollBackState.undo))
    assert await visitors(rt, bot) == "First"
    _, _, seen = await opened(rt, owner, bot)
    await click(tab, seen)
    assert await visitors(rt, bot) == "Second"
    await change(rt, owner, bot, name="Fifth")
    await tab.run(BotState.load)
    await tab.run(RollBackState.load)
    assert state.done is None, "nor offered"
