"""The page of API keys, event by event."""

import pytest

from chatbot_saas.core.errors import NotFoundError, UnauthenticatedError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Role, Scope
from chatbot_saas.services import auth
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state.keys import SCOPES, KeysState
from tests.factories.knowledge import make_bot
from tests.factories.people import Person, sign_up
from tests.factories.tabs import open_tab


async def test_a_key_is_made_shown_once_and_revoked(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    tab = await open_tab(rt, owner)
    state = await tab.state(KeysState)
    await tab.run(KeysState.load)
    assert state.loaded
    await tab.run(KeysState.open_dialog, True)
    assert [link.id for link in state.bots] == [bot.id]
    await tab.run(KeysState.create)
    assert "name" in state.errors
    await tab.run(KeysState.change_name, "Robot")
    await tab.run(KeysState.toggle_scope, "sources:read", True)
    await tab.run(KeysState.toggle_scope, "tenants:delete", True)
    await tab.run(KeysState.toggle_scope, "chat", False)
    await tab.run(KeysState.change_reach, "some")
    await tab.run(KeysState.change_life, "30")
    await tab.run(KeysState.create)
    assert state.errors == {"bot_ids": "Choose at least one bot."}
    await tab.run(KeysState.toggle_bot, str(bot.id), True)
    await tab.run(KeysState.change_addresses, "203.0.113.9/24, nowhere")
    assert "address or a network" in state.errors["allowed_addresses"]
    await tab.run(KeysState.change_addresses, "203.0.113.9/24,\n2001:db8::1")
    await tab.run(KeysState.change_per_minute, "many")
    assert state.errors["requests_per_minute"]
    await tab.run(KeysState.change_per_minute, " 30 ")
    assert state.errors == {}
    await tab.run(KeysState.create)
    key = state.created_key
    principal = await auth.api_key_principal(rt, key, "203.0.113.9")
    assert (principal.scopes, principal.bot_ids) == ({Scope.SOURCES_READ}, {bot.id})
    await tab.run(KeysState.create)
    assert len(state.items) == 1, "a second click makes no second key"
    await tab.run(KeysState.open_dialog, False)
    assert key not in tab.sent()
    [row] = state.items
    assert row.expires_at
    assert (row.allowed_addresses, row.requests_per_minute) == (["203.0.113.0/24", "2001:db8::1/128"], 30)
    await tab.run(KeysState.change_search, "rob")
    assert len(state.items) == 1
    await tab.run(KeysState.change_search, "nothing")
    assert state.items == []
    await tab.run(KeysState.revoke, str(row.id))
    with pytest.raises(UnauthenticatedError):
        await auth.api_key_principal(rt, key, "203.0.113.9")


async def test_a_key_that_may_do_nothing_is_not_made(rt: Runtime, owner: Person) -> None:
    tab = await open_tab(rt, owner)
    state = await tab.state(KeysState)
    await tab.run(KeysState.open_dialog, True)
    await tab.run(KeysState.change_name, "Robot")
    for scope in SCOPES:
        await tab.run(KeysState.toggle_scope, scope.value, False)
    await tab.run(KeysState.create)
    assert state.errors == {"scopes": "Choose at least one thing that the key may do."}
    assert not state.created_key


async def test_another_tenants_keys_and_bots_are_not_there(rt: Runtime, owner: Person, stranger: Person) -> None:
    theirs = await make_bot(rt, owner)
    tab = await open_tab(rt, owner)
    await tab.run(KeysState.change_name, "Robot")
    await tab.run(KeysState.create)
    state = await tab.state(KeysState)
    key, [row] = state.created_key, state.items
    tab = await open_tab(rt, stranger)
    state = await tab.state(KeysState)
    await tab.run(KeysState.load)
    assert state.items == []
    for wanted in (str(row.id), str(new_id()), "no id"):
        with pytest.raises(NotFoundError):
            await tab.run(KeysState.revoke, wanted)
    assert await auth.api_key_principal(rt, key, "203.0.113.9")
    await tab.run(KeysState.change_name, "Thief")
    await tab.run(KeysState.change_reach, "some")
    await tab.run(KeysState.toggle_bot, str(theirs.id), True)
    with pytest.raises(NotFoundError):
        await tab.run(KeysState.create)
    assert not state.created_key


async def test_members_have_no_keys(rt: Runtime, owner: Person) -> None:
    member = await sign_up(rt, Role.MEMBER, owner.tenant_id)
    tab = await open_tab(rt, member)
    await tab.run(KeysState.load)
    state = await tab.state(KeysState)
    assert "keys:write" in state.problem
    assert (state.items, state.loaded) == ([], False)
