"""The messages that visitors left, event by event."""

from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from chatbot_saas.core.errors import ForbiddenError, NotFoundError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Role
from chatbot_saas.models import Conversation, Lead
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state import lists
from chatbot_saas.state.conversations import ConversationState
from chatbot_saas.state.leads import LeadsState
from tests.factories.knowledge import make_bot
from tests.factories.people import Person, sign_up
from tests.factories.tabs import open_tab


async def leave(rt: Runtime, person: Person, bot_id: UUID, *messages: str) -> UUID:
    """In one conversation. Returns its id."""
    owned: dict[str, Any] = {"tenant_id": person.tenant_id, "bot_id": bot_id}
    talk = new_id()
    async with rt.db.tenant(person.principal) as session:
        session.add(Conversation(id=talk, **owned, channel="widget", message_count=2, first_question="Clocks?"))
        await session.flush()
        for message in messages:
            session.add(Lead(**owned, conversation_id=talk, email="anna@example.com", message=message))
            await session.flush()
    return talk


async def test_messages_are_searched_filtered_paged_and_deleted(
    rt: Runtime, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZE", 1)
    bot, other = await make_bot(rt, owner), await make_bot(rt, owner, name="Other")
    await leave(rt, owner, bot.id, "Do you repair clocks?", "And watches?")
    tab = await open_tab(rt, owner)
    await tab.run(LeadsState.load)
    state = await tab.state(LeadsState)
    assert {link.name for link in state.bots} == {"Helper", "Other"}
    await tab.run(LeadsState.load_more)
    assert [item.message for item in state.items] == ["And watches?", "Do you repair clocks?"]
    assert state.export == "/api/v1/leads.csv"
    await tab.run(LeadsState.change_search, "CLOCKS & %")
    assert state.items == []
    assert parse_qs(urlsplit(state.export).query) == {"search": ["CLOCKS & %"]}
    await tab.run(LeadsState.change_search, "CLOCKS")
    assert [item.message for item in state.items] == ["Do you repair clocks?"]
    await tab.run(LeadsState.change_bot, str(other.id))
    assert (state.items, state.filtered) == ([], True)
    with pytest.raises(NotFoundError):
        await tab.run(LeadsState.change_bot, "no id")
    await tab.run(LeadsState.clear_filters)
    await tab.run(LeadsState.delete, str(state.items[0].id))
    assert state.items == []
    await tab.run(LeadsState.load)
    assert [item.message for item in state.items] == ["Do you repair clocks?"]


async def test_who_may_only_read_deletes_nothing(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    await leave(rt, owner, bot.id, "Do you repair clocks?")
    tab = await open_tab(rt, await sign_up(rt, Role.VIEWER, owner.tenant_id))
    await tab.run(LeadsState.load)
    [item] = (await tab.state(LeadsState)).items
    with pytest.raises(ForbiddenError):
        await tab.run(LeadsState.delete, str(item.id))


async def test_the_conversation_shows_what_was_left_in_it(rt: Runtime, owner: Person, stranger: Person) -> None:
    bot = await make_bot(rt, owner)
    talk = await leave(rt, owner, bot.id, "Do you repair clocks?")
    await leave(rt, owner, bot.id, "Of another conversation")
    tab = await open_tab(rt, owner, conversation_id=talk)
    await tab.run(ConversationState.load)
    state = await tab.state(ConversationState)
    assert [(item.email, item.message) for item in state.left] == [("anna@example.com", "Do you repair clocks?")]
    foreign = await open_tab(rt, stranger, conversation_id=talk)
    await foreign.run(ConversationState.load)
    assert (await foreign.state(ConversationState)).left == []


async def test_what_was_left_is_told_apart_by_kind(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    talk = await leave(rt, owner, bot.id, "Do you repair clocks?")
    async with rt.db.tenant(owner.principal) as session:
        owned: dict[str, Any] = {"tenant_id": owner.tenant_id, "bot_id": bot.id, "conversation_id": talk}
        session.add(Lead(**owned, kind="rating", rating=2))
    tab = await open_tab(rt, owner)
    await tab.run(LeadsState.load)
    state = await tab.state(LeadsState)
    assert [item.kind for item in state.items] == ["rating", "message"]
    await tab.run(LeadsState.change_kind, "rating")
    assert [(item.kind, item.rating) for item in state.items] == [("rating", 2)]
    assert (state.filtered, state.export) == (True, "/api/v1/leads.csv?kind=rating")
    await tab.run(LeadsState.change_kind, "nonsense")
    assert len(state.items) == 2
