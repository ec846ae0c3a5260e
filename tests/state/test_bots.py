"""The pages of bots, event by event."""

import pytest
from pydantic import ValidationError

from chatbot_saas.core.errors import InvalidError
from chatbot_saas.schemas.bots import BotPatch
from chatbot_saas.services import bots
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state import bots as bots_state
from chatbot_saas.state.bot import BotState, read_bot
from chatbot_saas.state.bot_form import BotFormState
from chatbot_saas.state.bots import BotsState, NewBotState
from chatbot_saas.state.history import HistoryState
from chatbot_saas.state.overview import OverviewState
from chatbot_saas.state.playground import PlaygroundState
from chatbot_saas.state.rolling_back import RollBackState
from tests.factories.knowledge import make_bot, make_knowing_bot
from tests.factories.people import Person
from tests.factories.tabs import Tab, open_tab


async def test_the_list_searches_filters_and_pages(rt: Runtime, owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bots_state, "PAGE_SIZE", 2)
    for name in ("Alpha", "Beta", "Gamma"):
        await make_bot(rt, owner, name=name, published=name == "Beta")
    tab = await open_tab(rt, owner)
    state = await tab.state(BotsState)
    await tab.run(BotsState.load)
    assert [item.name for item in state.items] == ["Gamma", "Beta"]
    await tab.run(BotsState.load_more)
    assert [item.name for item in state.items] == ["Gamma", "Beta", "Alpha"]
    assert not state.next_cursor
    await tab.run(BotsState.change_search, "alp")
    assert [item.name for item in state.items] == ["Alpha"]
    await tab.run(BotsState.clear_filters)
    await tab.run(BotsState.change_filter, "published")
    assert [item.name for item in state.items] == ["Beta"]
    await tab.run(BotsState.change_filter, "'; DROP TABLE bot")
    assert state.status == "all"


async def test_a_new_bot_needs_a_name(rt: Runtime, owner: Person) -> None:
    tab = await open_tab(rt, owner)
    await tab.run(NewBotState.change_name, "  ")
    assert await tab.run(NewBotState.create) == []
    state = await tab.state(NewBotState)
    assert state.errors["name"] == "This cannot be empty."
    await tab.run(NewBotState.change_name, "Shop helper")
    await tab.run(NewBotState.create)
    await tab.run(BotsState.load)
    assert [item.name for item in (await tab.state(BotsState)).items] == ["Shop helper"]


async def _form(rt: Runtime, owner: Person) -> tuple[Tab, BotFormState]:
    bot = await make_bot(rt, owner, name="Helper")
    tab = await open_tab(rt, owner, bot_id=bot.id)
    await tab.run(BotState.load)
    await tab.run(BotFormState.load)
    return tab, await tab.state(BotFormState)


async def test_only_what_was_typed_is_saved(rt: Runtime, owner: Person) -> None:
    tab, form = await _form(rt, owner)
    await tab.run(BotFormState.change, "max_tokens", "12")
    assert form.errors["max_tokens"] == "At least 50."
    await tab.run(BotFormState.save)
    assert form.dirty
    await tab.run(BotFormState.change, "max_tokens", "120")
    await tab.run(BotFormState.type_origin, "shop.example/path")
    assert form.origin_error
    await tab.run(BotFormState.type_origin, "new.example")
    await tab.run(BotFormState.add_origin)
    await tab.run(BotFormState.save)
    bot = (await tab.state(BotState)).bot
    assert bot
    assert (bot.max_tokens, bot.allowed_origins[-1], bot.name) == (120, "https://new.example", "Helper")
    assert not form.dirty


@pytest.mark.parametrize("seen", [False, True], ids=["not seen", "seen by another part of the page"])
async def test_somebody_elses_change_in_between_is_taken_in(rt: Runtime, owner: Person, seen: bool) -> None:
    tab, form = await _form(rt, owner)
    bot_id = form._bot_id
    bot = (await tab.state(BotState)).bot
    assert bot
    async with rt.db.tenant(owner.principal) as session:
        patch = BotPatch(name="Theirs", description="Theirs")
        theirs = await bots.change(session, owner.principal, bot.id, patch, rt)
    if seen:
        (await tab.state(BotState)).bot = theirs
    await tab.run(BotFormState.change, "name", "Mine")
    await tab.run(BotFormState.save)
    assert (form.draft.name, form.draft.description) == ("Mine", "Theirs")
    assert "Name" in form.conflict
    await tab.run(BotFormState.save)
    saved = await read_bot(owner.principal, bot.id)
    assert (str(saved.id), saved.name, saved.description, form.conflict) == (bot_id, "Mine", "Theirs", "")


async def test_loading_again_keeps_what_was_typed(rt: Runtime, owner: Person) -> None:
    tab, form = await _form(rt, owner)
    await tab.run(BotFormState.change, "name", "Half typ")
    await tab.run(BotFormState.load)
    assert form.draft.name == "Half typ"
    await tab.run(BotFormState.discard)
    assert (form.draft.name, form.dirty) == ("Helper", False)


async def test_a_key_is_stored_and_never_sent(rt: Runtime, owner: Person) -> None:
    tab, _ = await _form(rt, owner)
    await tab.run(BotFormState.save_key, {"model_key": "sk-very-secret-1234"})
    bot = (await tab.state(BotState)).bot
    assert bot
    assert bot.model_key_last4 == "1234"
    assert "very-secret" not in tab.sent()
    await tab.run(BotFormState.remove_key)
    bot = (await tab.state(BotState)).bot
    assert bot
    assert bot.model_key_last4 == ""


async def test_status_takes_two_words_only(rt: Runtime, owner: Person) -> None:
    tab, _ = await _form(rt, owner)
    with pytest.raises(ValidationError):
        await tab.run(BotState.change_status, "draft")
    await tab.run(BotState.change_status, "paused")
    bot = (await tab.state(BotState)).bot
    assert bot
    assert bot.status == "paused"


async def test_history_compares_and_goes_back(rt: Runtime, owner: Person) -> None:
    tab, _ = await _form(rt, owner)
    await tab.run(BotFormState.change, "name", "Renamed")
    await tab.run(BotFormState.save)
    await tab.run(HistoryState.load)
    history = await tab.state(HistoryState)
    first = history.versions[-1]
    assert (first.version, first.current, first.author) == (1, False, owner.email)
    assert [(c.label, c.then, c.now) for c in first.changes if c.label == "Name"] == [("Name", "Helper", "Renamed")]
    for wrong in ("1", True, None):
        with pytest.raises(InvalidError):
            await tab.run(RollBackState.roll_back, wrong, 2, 0)
    await tab.run(BotState.load)
    bot = (await tab.state(BotState)).bot
    assert bot
    await tab.run(RollBackState.roll_back, 1, bot.version, bot.published_version)
    await tab.run(HistoryState.refresh)
    bot = (await tab.state(BotState)).bot
    assert bot
    assert bot.name == "Helper"
    assert history.versions[0].current


async def test_deleting_takes_the_bot_of_the_address(rt: Runtime, owner: Person) -> None:
    tab, _ = await _form(rt, owner)
    await tab.run(BotState.delete)
    await tab.run(BotState.load)
    assert (await tab.state(BotState)).missing
    tab.go(bot_id="no-id")
    (await tab.state(BotState)).missing = False
    await tab.run(BotState.load)
    assert (await tab.state(BotState)).missing, "what is no id is no bot either"


async def test_the_playground_shows_what_an_answer_was_made_from(rt: Runtime, owner: Person) -> None:
    bot = await make_knowing_bot(rt, owner)
    tab = await open_tab(rt, owner, bot_id=bot.id)
    await tab.run(PlaygroundState.load)
    await tab.run(PlaygroundState.ask, {"question": "How long is the warranty on furniture?"})
    await tab.run(PlaygroundState.ask, {"question": "  "})
    await tab.run(PlaygroundState.ask, {"question": "x" * 4001})
    state = await tab.state(PlaygroundState)
    [turn] = state.turns
    assert "5 years" in turn.answer
    assert turn.answered
    assert turn.sources[0].quote
    assert turn.passages[0].text
    assert turn.passages[0].coverage > 0
    assert turn.note.startswith("quoted from the sources")
    assert (state.question, state.answer) == ("", "")
    await tab.run(OverviewState.load)
    assert (await tab.state(OverviewState)).tried
    await tab.run(PlaygroundState.new_chat)
    assert state.turns == []


async def test_an_answer_that_cannot_be_made_is_said_in_words(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    tab = await open_tab(rt, owner, bot_id=bot.id)
    await tab.run(BotState.load)
    await tab.run(BotState.delete)
    await tab.run(PlaygroundState.ask, {"question": "Are you there?"})
    [turn] = (await tab.state(PlaygroundState)).turns
    assert turn.error == "There is no such bot."
