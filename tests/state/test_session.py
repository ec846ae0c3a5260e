"""Who is signed in, at every event."""

import pytest

from chatbot_saas.core.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from chatbot_saas.core.tenancy import Role
from chatbot_saas.services import auth
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state.bot import BotState
from chatbot_saas.state.bots import BotsState, NewBotState
from chatbot_saas.state.session import session_token
from chatbot_saas.state.shell import ShellState
from tests.factories.knowledge import make_bot
from tests.factories.people import Person, sign_up
from tests.factories.tabs import Tab, open_tab


@pytest.mark.parametrize("cookie", ["", "unknown", 'bad"value', "a;b"])
async def test_a_cookie_of_nobody_gets_nowhere(rt: Runtime, cookie: str) -> None:
    with pytest.raises(UnauthenticatedError):
        await Tab(cookie).run(ShellState.load)


async def test_a_session_that_ended_stops_at_the_next_event(rt: Runtime, owner: Person) -> None:
    tab = await open_tab(rt, owner)
    await tab.run(BotsState.load)
    await auth.close_session(rt, session_token(tab.root))
    with pytest.raises(UnauthenticatedError):
        await tab.run(BotsState.load)


async def test_the_cookie_is_not_sent_to_the_browser(rt: Runtime, owner: Person) -> None:
    tab = await open_tab(rt, owner)
    await tab.run(ShellState.load)
    assert owner.email in tab.sent()
    assert session_token(tab.root) not in tab.sent()


async def test_a_viewer_reads_and_does_not_write(rt: Runtime, owner: Person) -> None:
    viewer = await sign_up(rt, Role.VIEWER, owner.tenant_id)
    bot = await make_bot(rt, owner)
    tab = await open_tab(rt, viewer, bot_id=bot.id)
    await tab.run(BotState.load)
    assert (await tab.state(BotState)).bot == bot
    for handler, args in ((NewBotState.create, ()), (BotState.change_status, ("paused",)), (BotState.delete, ())):
        with pytest.raises(ForbiddenError):
            await tab.run(handler, *args)


@pytest.mark.parametrize("address", ["", "x", "../1", "00000000"])
async def test_an_address_without_an_id_is_not_found(rt: Runtime, owner: Person, address: str) -> None:
    with pytest.raises(NotFoundError):
        await (await open_tab(rt, owner, bot_id=address)).run(BotState.change_status, "paused")
