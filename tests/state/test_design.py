"""The Design page, event by event: what is typed, what the preview gets, what is saved."""

import json

import pytest

from chatbot_saas.core.errors import ForbiddenError
from chatbot_saas.core.tenancy import Role
from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.services import bots
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state.bot import BotState
from chatbot_saas.state.bot_draft import changed, draft_of, problems
from chatbot_saas.state.bot_form import BotFormState
from chatbot_saas.state.design import DesignState, hard_to_see, preview_of, window_texts
from chatbot_saas.state.history import version_view
from tests.factories.knowledge import make_bot
from tests.factories.people import Person, sign_up
from tests.factories.tabs import Tab, open_tab


async def opened(rt: Runtime, person: Person) -> tuple[Tab, DesignState]:
    bot = await make_bot(rt, person)
    tab = await open_tab(rt, person, bot_id=bot.id)
    await tab.run(BotState.load)
    await tab.run(BotFormState.load)
    return tab, await tab.state(DesignState)


async def test_what_is_typed_is_previewed_before_it_is_saved_and_kept_after(rt: Runtime, owner: Person) -> None:
    tab, state = await opened(rt, owner)
    for name, value in (
        ("color", "#0f766e"),
        ("radius", "4"),
        ("mode", "dark"),
        ("corner", "top-left"),
        ("offset_x", "32"),
        ("launcher_label", "Help"),
        ("consent_text", "May we?"),
        ("lead_phone", "required"),
        ("hidden_pages", "/checkout/*\n/legal"),
        ("notify_emails", "a@shop.example"),
        ("interface_language", "de"),
        ("attachments", True),
        ("bubble", "#FFE600"),
    ):
        await tab.run(BotFormState.change, name, value)
    await tab.run(DesignState.change_text, "send", "Off it goes")
    await tab.run(DesignState.change_text, "nothing", "of ours")
    await tab.run(DesignState.change_moment, "start", True)
    assert not state.blocked
    shown = json.loads(state.preview)
    assert shown["config"]["theme"] == {
        "color": "#0f766e",
        "on": "#ffffff",
        "mode": "dark",
        "radius": "4px",
        "position": "right",
        "user": "#ffe600",
        "on_user": "#000000",
    }
    assert shown["config"]["launcher"] | {"hidden": []} == {
        "corner": "top-left",
        "x": 32,
        "label": "Help",
        "hidden": [],
    }
    assert (shown["config"]["language"], shown["config"]["early"]) == ("de", True)
    assert shown["settings"]["texts"] == {"send": "Off it goes"}
    assert shown["settings"]["consent"]["text"] == "May we?"
    assert shown["settings"]["attachments"] is True
    assert (await read(rt, owner, tab)).color == "#4f46e5"
    await tab.run(BotFormState.save)
    assert state.bubble_note.startswith("Text on it is black")
    saved = await read(rt, owner, tab)
    assert (saved.color, saved.widget.bubble) == ("#0f766e", "#ffe600")
    assert (saved.widget.radius, saved.widget.mode, saved.widget.texts) == (4, "dark", {"send": "Off it goes"})
    assert saved.widget.lead.fields.phone == "required"
    assert saved.widget.lead.when == ["start", "no_answer"]
    assert saved.widget.notify_emails == ["a@shop.example"]
    assert saved.widget.attachments
    assert (saved.launcher.corner, saved.launcher.x, saved.launcher.hidden) == (
        "top-left",
        32,
        ["/checkout/*", "/legal"],
    )
    assert not state.dirty


async def test_files_are_off_until_the_owner_wants_them_and_the_window_hears_of_it_early(
    rt: Runtime, owner: Person
) -> None:
    tab, state = await opened(rt, owner)
    shown = json.loads(state.preview)
    assert (shown["settings"]["attachments"], shown["config"]["early"]) == (False, False)
    await tab.run(BotFormState.change, "attachments", True)
    shown = json.loads(state.preview)
    assert (shown["settings"]["attachments"], shown["config"]["early"]) == (True, True)
    await tab.run(BotFormState.save)
    bot = await read(rt, owner, tab)
    async with rt.db.tenant(owner.principal) as session:
        newest, before, *_ = await bots.versions(session, owner.principal, bot.id)
    [change] = version_view(before, bot).changes
    assert (change.label, change.then, change.now) == ("Files of visitors", "off", "on")
    assert version_view(newest, bot).changes == []


async def read(rt: Runtime, person: Person, tab: Tab) -> BotRead:
    bot = (await tab.state(BotState)).bot
    assert bot
    async with rt.db.tenant(person.principal) as session:
        return await bots.get(session, person.principal, bot.id)


async def test_problems_stand_at_their_fields_and_keep_it_from_being_saved(rt: Runtime, owner: Person) -> None:
    tab, state = await opened(rt, owner)
    for name, value, words in (
        ("offset_x", "far", "This is not a whole number."),
        ("launcher_delay", "9999", "At most 600."),
        ("hidden_pages", "checkout", "is no path"),
        ("notify_emails", "nobody", "does not look like an e-mail address"),
        ("lead_email", "off", "Ask for an e-mail address or a phone number"),
        ("color", "green", "A colour looks like"),
        ("bubble", "red", "leave it empty for the bot's"),
    ):
        await tab.run(BotFormState.change, name, value)
        assert words in state.errors[name], name
    await tab.run(DesignState.change_text, "wait", "Later.")
    assert state.errors["texts"] == "Put {n} into “Later.”: the window fills it in."
    assert state.faulty == ["look", "words", "launcher", "conversation"]
    assert json.loads(state.preview)["config"]["theme"]["color"] == "#4f46e5", "what is wrong is not shown"
    await tab.run(BotFormState.save)
    assert state.dirty
    await tab.run(BotFormState.change, "lead_phone", "optional")
    assert not state.errors["lead_email"], "mended by the other field"
    await tab.run(DesignState.change_text, "wait", "Later: {n} s.")
    assert not state.errors["texts"]


async def test_others_changes_of_the_window_are_taken_in_beside_mine(rt: Runtime, owner: Person) -> None:
    tab, state = await opened(rt, owner)
    await tab.run(BotFormState.change, "radius", "2")
    bot = await read(rt, owner, tab)
    async with rt.db.tenant(owner.principal) as session:
        patch = BotPatch.model_validate({"widget": {"font": "serif"}, "launcher": {"label": "Theirs"}})
        await bots.change(session, owner.principal, bot.id, patch, rt)
    await tab.run(BotFormState.save)
    assert "taken in beside yours" in state.conflict
    await tab.run(BotFormState.save)
    saved = await read(rt, owner, tab)
    assert (saved.widget.radius, saved.widget.font, saved.launcher.label) == (2, "serif", "Theirs")


async def test_the_history_tells_each_change_of_the_window(rt: Runtime, owner: Person) -> None:
    tab, _ = await opened(rt, owner)
    await tab.run(BotFormState.change, "radius", "2")
    await tab.run(BotFormState.save)
    bot = await read(rt, owner, tab)
    async with rt.db.tenant(owner.principal) as session:
        newest, before, *_ = await bots.versions(session, owner.principal, bot.id)
    assert version_view(newest, bot).changes == []
    assert version_view(newest, bot).summary == "Changed chat window"
    [change] = version_view(before, bot).changes
    assert (change.label, change.then, change.now) == ("Roundness", "18", "2")


async def test_who_may_only_read_changes_nothing(rt: Runtime, owner: Person) -> None:
    tab, state = await opened(rt, owner)
    viewer = await sign_up(rt, Role.VIEWER, owner.tenant_id)
    bot = (await tab.state(BotState)).bot
    assert bot
    tab = await open_tab(rt, viewer, bot_id=bot.id)
    await tab.run(BotState.load)
    await tab.run(BotFormState.load)
    await tab.run(DesignState.choose_section, "launcher")
    state = await tab.state(DesignState)
    assert (state.section, state.open) == ("launcher", False)
    for handler, given in ((DesignState.change_text, ("send", "x")), (DesignState.change_moment, ("start", True))):
        with pytest.raises(ForbiddenError):
            await tab.run(handler, *given)


async def test_a_draft_says_the_same_as_the_bot(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    draft = draft_of(bot)
    assert changed(draft, draft) == {}
    found = preview_of(draft, draft)
    assert found["config"]["welcome_message"] == bot.welcome_message
    wrong = draft.model_copy(update={"lead_email": "off", "radius": 99})
    assert set(problems(changed(wrong, draft))) == {"lead_email", "radius"}
    assert preview_of(wrong, draft) == found
    shown = preview_of(draft.model_copy(update={"texts": {"wait": "Later.", "send": "Go"}}), draft)
    assert shown["settings"]["texts"] == {"send": "Go"}, "words that lack something are not shown, the others are"
    assert [text.key for text in window_texts(draft, "talk to A PERSON")] == ["person"]
    french = draft.model_copy(update={"interface_language": "fr", "texts": {"wait": "Un instant"}})
    [wait] = window_texts(french, "un instant")
    assert wait.english.startswith("Many messages at once.")
    assert (wait.ours != wait.english, wait.own) == (True, "Un instant")
    assert wait.note.startswith("{n} is filled in")


@pytest.mark.parametrize(
    ("colour", "mode", "words"),
    [
        ("#ffee00", "auto", "On a light page"),
        ("#ffee00", "dark", ""),
        ("#111111", "auto", "On a dark page"),
        ("#111111", "light", ""),
        ("#4f46e5", "light", ""),
        ("green", "auto", ""),
    ],
)
def test_a_launcher_that_is_hard_to_see_is_told(colour: str, mode: str, words: str) -> None:
    said = hard_to_see(colour, mode)
    assert said.startswith(words)
    assert bool(said) == bool(words)
