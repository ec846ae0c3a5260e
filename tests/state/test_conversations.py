"""The conversations and the audit, event by event."""

from uuid import UUID

import pytest

from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.paging import PageRequest
from chatbot_saas.core.tenancy import Role
from chatbot_saas.schemas.chat import OwnerMessage
from chatbot_saas.services import audit, bots, chat
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state import audit as audit_state
from chatbot_saas.state import lists
from chatbot_saas.state.audit import AuditState
from chatbot_saas.state.conversations import ConversationsState, ConversationState
from tests.factories.knowledge import make_bot, make_knowing_bot
from tests.factories.people import Person, sign_up
from tests.factories.tabs import open_tab


async def talk(rt: Runtime, person: Person, bot_id: UUID, *questions: str, session: str = "s") -> None:
    for question in questions:
        live, _ = await chat.ask_in_playground(rt, person.principal, bot_id, session, question)
        async for _ in live.follow():
            pass


async def test_conversations_are_searched_filtered_and_paged(
    rt: Runtime, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZE", 1)
    bot, other = await make_knowing_bot(rt, owner), await make_bot(rt, owner, name="Other")
    await talk(rt, owner, bot.id, "How long is the warranty?", session="a")
    await talk(rt, owner, bot.id, "Who won the cup in 1954?", session="b")
    tab = await open_tab(rt, owner)
    state = await tab.state(ConversationsState)
    await tab.run(ConversationsState.load)
    assert state.items == [], "tries of one's own are a channel of their own"
    assert {link.name for link in state.bots} == {"Helper", "Other"}
    await tab.run(ConversationsState.change_channel, "playground")
    await tab.run(ConversationsState.load_more)
    assert [item.first_question for item in state.items] == ["Who won the cup in 1954?", "How long is the warranty?"]
    await tab.run(ConversationsState.change_unanswered, True)
    assert [item.first_question for item in state.items] == ["Who won the cup in 1954?"]
    await tab.run(ConversationsState.change_unanswered, "yes")
    assert state.unanswered is False
    await tab.run(ConversationsState.change_search, "WARRANTY")
    assert [item.first_question for item in state.items] == ["How long is the warranty?"]
    await tab.run(ConversationsState.change_bot, str(other.id))
    assert state.items == []
    await tab.run(ConversationsState.clear_filters)
    assert not state.filtered
    with pytest.raises(NotFoundError):
        await tab.run(ConversationsState.change_bot, "1 OR 1=1")


async def test_a_transcript_shows_how_an_answer_was_made(rt: Runtime, owner: Person) -> None:
    bot = await make_knowing_bot(rt, owner)
    await talk(rt, owner, bot.id, "How long is the warranty?")
    list_tab = await open_tab(rt, owner)
    await list_tab.run(ConversationsState.change_channel, "playground")
    [item] = (await list_tab.state(ConversationsState)).items
    tab = await open_tab(rt, owner, conversation_id=item.id)
    await tab.run(ConversationState.load)
    state = await tab.state(ConversationState)
    assert state.conversation
    question, answer = state.conversation.messages
    assert isinstance(answer, OwnerMessage)
    assert (question.role, answer.role, answer.answered) == ("user", "assistant", True)
    assert "5 years" in answer.text
    assert answer.sources
    await tab.run(ConversationState.toggle_trace, str(answer.id))
    assert state.traces[str(answer.id)].passages[0].cited
    await tab.run(ConversationState.toggle_trace, str(answer.id))
    assert state.traces == {}
    for wanted in (str(question.id), str(new_id()), "no id"):
        with pytest.raises(NotFoundError):
            await tab.run(ConversationState.toggle_trace, wanted)
    assert "3 rows" in str(await tab.run(ConversationState.delete))
    await tab.run(ConversationState.load)
    assert (state.missing, state.conversation) == (True, None)


async def test_another_tenants_conversation_is_not_there(rt: Runtime, owner: Person, stranger: Person) -> None:
    bot = await make_knowing_bot(rt, owner)
    await talk(rt, owner, bot.id, "How long is the warranty?")
    mine = await open_tab(rt, owner)
    await mine.run(ConversationsState.change_channel, "playground")
    [item] = (await mine.state(ConversationsState)).items
    tab = await open_tab(rt, stranger, conversation_id=item.id)
    await tab.run(ConversationState.load)
    state = await tab.state(ConversationState)
    assert (state.missing, state.conversation) == (True, None)
    with pytest.raises(NotFoundError):
        await tab.run(ConversationState.delete)
    await tab.run(ConversationsState.change_bot, str(bot.id))
    await tab.run(ConversationsState.change_channel, "playground")
    assert (await tab.state(ConversationsState)).items == []
    own = await open_tab(rt, owner, conversation_id=item.id)
    await own.run(ConversationState.load)
    assert (await own.state(ConversationState)).conversation


async def test_the_audit_tells_who_changed_what(
    rt: Runtime, owner: Person, stranger: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await make_bot(rt, owner, name="Watched")
    await make_bot(rt, stranger, name="Foreign")
    await bots.delete(rt, owner.principal, bot.id)
    tab = await open_tab(rt, owner)
    state = await tab.state(AuditState)
    await tab.run(AuditState.load)
    assert [(entry.label, entry.who, entry.about) for entry in state.items] == [
        ("Bot deleted", owner.email, "Watched"),
        ("Bot published", owner.email, "allowed origins"),  # whose name is gone with it
        ("Bot created", owner.email, "Watched"),
    ]
    await tab.run(AuditState.change_search, "PUBLISH")
    assert [entry.action for entry in state.items] == ["bot.publish"]
    await tab.run(AuditState.change_search, "%")
    assert state.items == []
    monkeypatch.setattr(audit_state, "PAGE_SIZE", 2)
    await tab.run(AuditState.change_search, "")
    assert state.next_cursor
    await tab.run(AuditState.load_more)
    assert [entry.action for entry in state.items] == ["bot.delete", "bot.publish", "bot.create"]
    assert not state.next_cursor


async def test_the_audit_is_for_owners_and_administrators(rt: Runtime, owner: Person, stranger: Person) -> None:
    member = await sign_up(rt, Role.MEMBER, owner.tenant_id)
    await make_bot(rt, owner)
    tab = await open_tab(rt, member)
    await tab.run(AuditState.load)
    state = await tab.state(AuditState)
    assert (state.forbidden, state.items) == (True, [])
    async with rt.db.tenant(owner.principal) as session:
        first = await audit.list_page(session, owner.principal, PageRequest(limit=1))
    async with rt.db.tenant(stranger.principal) as session:
        page = await audit.list_page(session, stranger.principal, PageRequest(cursor=first.next_cursor or ""))
    assert page.items == [], "a cursor of another tenant leads nowhere"
