"""Pages that cannot be read: they say so until another try shows them, and nothing of them is saved."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import UUID

import pytest
from reflex_base.registry import RegistrationContext
from sqlalchemy import select
from sqlmodel import col

import chatbot_saas.app  # noqa: F401 - registers every State
from chatbot_saas.core.errors import ConflictError, DomainError, UnauthenticatedError
from chatbot_saas.core.ids import new_id
from chatbot_saas.models import Source
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state.bot import BotState, read_bot
from chatbot_saas.state.bot_form import BotFormState
from chatbot_saas.state.bots import NewBotState
from chatbot_saas.state.design import DesignState
from chatbot_saas.state.first_answer import FirstAnswerState
from chatbot_saas.state.overview import HomeState
from chatbot_saas.state.playground import PlaygroundState
from chatbot_saas.state.publication import PublicationState
from chatbot_saas.state.question_try import QuestionTryState
from chatbot_saas.state.rolling_back import RollBackState
from chatbot_saas.state.session import CHECKED, OPENS
from chatbot_saas.state.trouble import NotLoadedError, opening, told
from chatbot_saas.state.website_bot import WebsiteBotState
from tests.factories.knowledge import make_bot, make_knowing_bot
from tests.factories.people import Person, make_platform_admin
from tests.factories.tabs import Tab, open_tab

READ_NOTHING = (HomeState, WebsiteBotState)
"""Beside those that have nothing to show."""
both_ways = pytest.mark.parametrize("known", [True, False], ids=["nothing is read", "nobody is known"])

Broken = Callable[..., AbstractContextManager[None]]


class Page:
    problem = "of before"
    loaded = True


def own_handlers() -> dict[str, Any]:
    return {
        name: registered.handler
        for name, registered in RegistrationContext.get().event_handlers.items()
        if getattr(registered.handler.fn, CHECKED, False)
    }


def openers() -> dict[str, Any]:
    return {name: handler for name, handler in own_handlers().items() if getattr(handler.fn, OPENS)}


@pytest.fixture
def broken(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> Broken:
    """A database that is away: altogether, or, with `known`, once the person was looked up."""

    def fails(*_: Any) -> Any:
        raise RuntimeError("the disk is full")

    @contextmanager
    def away(*, known: bool) -> Iterator[None]:
        with monkeypatch.context() as patch:
            for name in ("tenant", "user", "platform", *(() if known else ("nobody",))):
                patch.setattr(rt.db, name, fails)
            yield

    return away


@pytest.fixture(scope="module")
async def reader(rt: Runtime) -> tuple[Person, dict[str, UUID]]:
    """Somebody who may all, and what stands in the addresses of pages."""
    person = await make_platform_admin(rt)
    bot = await make_knowing_bot(rt, person)
    async with rt.db.tenant(person.principal) as session:
        source = await session.scalar(select(col(Source.id)).where(col(Source.bot_id) == bot.id))
    assert source
    return person, {"bot_id": bot.id, "source_id": source, "conversation_id": new_id(), "message_id": new_id()}


def test_every_event_that_loads_a_page_opens_it() -> None:
    assert {name for name in own_handlers() if name.endswith((".load", ".enter"))} == openers().keys()


@both_ways
@pytest.mark.parametrize("name", sorted(openers()))
async def test_a_page_that_cannot_be_read_says_so_until_it_can(
    rt: Runtime, reader: tuple[Person, dict[str, UUID]], broken: Broken, name: str, known: bool
) -> None:
    handler = openers()[name]
    person, ids = reader
    tab = await open_tab(rt, person, **ids)
    state: Any = await tab.state(handler.state)
    with broken(known=known):
        await tab.run(handler)
    fails = not known or handler.state not in READ_NOTHING
    assert getattr(state, "problem", "") == (DomainError().message if fails and hasattr(state, "problem") else "")
    assert not getattr(state, "loaded", False)
    await tab.run(handler)
    assert getattr(state, "problem", "") == ""


def test_a_reason_for_people_is_told_as_it_is() -> None:
    page = Page()
    with told(page):
        raise ConflictError("It was paused.")
    assert (page.problem, page.loaded) == ("It was paused.", True)


def test_only_what_reads_nothing_has_nowhere_to_say_it() -> None:
    silent = {handler.state for handler in openers().values() if "problem" not in handler.state.vars}
    assert silent == {NewBotState, PlaygroundState, RollBackState}


def test_what_could_not_be_opened_is_not_loaded() -> None:
    page = Page()
    with opening(page):
        raise ConflictError("It was paused.")
    assert (page.problem, page.loaded) == ("It was paused.", False)


@pytest.mark.parametrize("around", [told, opening])
def test_whoever_is_signed_out_goes_to_the_page_for_that(around: Any) -> None:
    page = Page()
    with pytest.raises(UnauthenticatedError), around(page):
        raise UnauthenticatedError
    assert page.problem == ""


# --- nothing is saved of what was not loaded


async def _unread(rt: Runtime, owner: Person, broken: Broken, load: Any, *, known: bool) -> tuple[Tab, BotRead]:
    """A tab in which the page of another bot was loaded, and then that of this one was not."""
    other = await make_bot(rt, owner, name="Other", instructions="Others.", starter_questions=["Other?"])
    kept = await make_bot(rt, owner, name="Kept", instructions="Be kind.", starter_questions=["Kept?"])
    tab = await open_tab(rt, owner, bot_id=other.id)
    await tab.run(BotState.load)
    await tab.run(load)
    tab.go(bot_id=kept.id)
    await tab.run(BotState.load)
    with broken(known=known):
        await tab.run(load)
    return tab, kept


@both_ways
async def test_settings_that_were_not_loaded_are_not_saved(
    rt: Runtime, owner: Person, broken: Broken, known: bool
) -> None:
    tab, kept = await _unread(rt, owner, broken, BotFormState.load, known=known)
    form = await tab.state(BotFormState)
    await tab.run(BotFormState.change, "name", "Emptied")
    await tab.run(BotFormState.change, "launcher_label", "Emptied")
    await tab.run(DesignState.change_text, "send", "Emptied")
    for act in (BotFormState.save, BotFormState.discard):
        with pytest.raises(NotLoadedError):
            await tab.run(act)
    assert await read_bot(owner.principal, kept.id) == kept
    assert not (await tab.state(DesignState)).preview
    await tab.run(BotFormState.load)
    assert (form.draft.name, form.draft.instructions, form.dirty, form.problem) == ("Kept", "Be kind.", False, "")
    await tab.run(BotFormState.change, "name", "Mine")
    await tab.run(BotFormState.save)
    saved = await read_bot(owner.principal, kept.id)
    assert (saved.name, saved.instructions, saved.starter_questions) == ("Mine", "Be kind.", ["Kept?"])


async def test_what_was_typed_comes_back_with_its_own_bot(rt: Runtime, owner: Person, broken: Broken) -> None:
    bot = await make_bot(rt, owner, name="Helper")
    tab = await open_tab(rt, owner, bot_id=bot.id)
    await tab.run(BotState.load)
    await tab.run(BotFormState.load)
    await tab.run(BotFormState.change, "name", "Half typ")
    with broken(known=True):
        await tab.run(BotFormState.load)
    await tab.run(BotFormState.load)
    form = await tab.state(BotFormState)
    assert (form.draft.name, form.loaded) == ("Half typ", True)


@both_ways
@pytest.mark.parametrize(
    ("load", "changes", "save"),
    [
        (QuestionTryState.load, [(QuestionTryState.move, 60)], QuestionTryState.save),
        (FirstAnswerState.load, [(FirstAnswerState.add_question,)], FirstAnswerState.save_questions),
        (PublicationState.load, [], PublicationState.publish),
    ],
    ids=["how alike", "starter questions", "publication"],
)
async def test_nothing_else_is_saved_that_was_not_loaded(
    rt: Runtime, owner: Person, broken: Broken, known: bool, load: Any, changes: list[tuple[Any, ...]], save: Any
) -> None:
    tab, kept = await _unread(rt, owner, broken, load, known=known)
    for event, *values in changes:
        await tab.run(event, *values)
    with pytest.raises(NotLoadedError):
        await tab.run(save)
    assert await read_bot(owner.principal, kept.id) == kept
