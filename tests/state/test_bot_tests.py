"""The page of a bot's tests, event by event."""

from uuid import UUID

import pytest

from chatbot_saas.core.errors import ForbiddenError, NotFoundError
from chatbot_saas.core.tenancy import Role
from chatbot_saas.schemas.bot_tests import AnswerPart, BotTestResultRead, SideAnswer
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state.bot import BotState
from chatbot_saas.state.bot_form import BotFormState
from chatbot_saas.state.bot_test_runs import BotTestRunState
from chatbot_saas.state.bot_test_views import result_view
from chatbot_saas.state.bot_tests import BotTestsState
from chatbot_saas.state.publication import PublicationState
from chatbot_saas.state.rolling_back import RollBackState
from tests.factories.jobs import drained
from tests.factories.knowledge import make_knowing_bot
from tests.factories.people import Person, sign_up
from tests.factories.tabs import Tab, open_tab

QUESTION = "How long does a refund take?"


@pytest.fixture
async def bot(rt: Runtime, owner: Person) -> BotRead:
    return await make_knowing_bot(rt, owner, published=False)


async def loaded(rt: Runtime, person: Person, bot_id: UUID) -> Tab:
    tab = await open_tab(rt, person, bot_id=bot_id)
    for state in (BotState, PublicationState, BotTestsState, BotTestRunState):
        await tab.run(state.load)
    return tab


async def finished(rt: Runtime, tab: Tab) -> list[object]:
    """Follow the run to its end; returns what the page is told then."""
    await drained(rt)
    await tab.run(BotTestRunState.watch)
    return await tab.run(BotTestRunState.finish)


async def test_a_test_is_written_switched_off_and_deleted(rt: Runtime, owner: Person, bot: BotRead) -> None:
    tab = await loaded(rt, owner, bot.id)
    state = await tab.state(BotTestsState)
    assert (state.loaded, state.items, state.filtered) == (True, [], False)
    await tab.run(BotTestsState.open_new)
    await tab.run(BotTestsState.save, {"question": " ", "facts": "5 working days"})
    assert "question" in state.errors
    await tab.run(BotTestsState.save, {"question": QUESTION, "facts": " \n"})
    assert "at least one fact" in state.errors["facts"]
    await tab.run(BotTestsState.save, {"question": QUESTION, "facts": "5 working days\n\n30 days | a month"})
    assert (state.editing, state.items[0].facts) == (False, ["5 working days", "30 days | a month"])
    await tab.run(BotTestsState.open_new)
    await tab.run(BotTestsState.save, {"question": QUESTION.upper(), "facts": "x"})
    assert "already" in state.errors["question"]
    test_id = str(state.items[0].id)
    await tab.run(BotTestsState.open_test, test_id)
    assert (state.form_question, state.form_facts) == (QUESTION, "5 working days\n30 days | a month")
    await tab.run(BotTestsState.change_expectation, "refusal")
    await tab.run(BotTestsState.save, {"question": QUESTION})
    assert (state.items[0].expectation, state.items[0].facts) == ("refusal", [])
    await tab.run(BotTestsState.enable, test_id, False)
    assert state.items[0].enabled is False
    await tab.run(BotTestsState.change_outcome, "passed")
    assert (state.items, state.filtered) == ([], True)
    await tab.run(BotTestsState.change_origin, "nonsense")
    await tab.run(BotTestsState.clear_filters)
    assert len(state.items) == 1
    await tab.run(BotTestsState.delete, test_id)
    assert state.items == []
    with pytest.raises(NotFoundError):
        await tab.run(BotTestsState.open_test, test_id)


async def test_the_run_publishes_at_its_end_and_the_header_says_why_not(
    rt: Runtime, owner: Person, bot: BotRead
) -> None:
    tab = await loaded(rt, owner, bot.id)
    await tab.run(BotTestsState.suggest)
    tests, runs = await tab.state(BotTestsState), await tab.state(BotTestRunState)
    publication, head = await tab.state(PublicationState), await tab.state(BotState)
    assert tests.items
    assert tests.suggesting is False
    told = await tab.run(BotState.change_status, "published")
    assert "not run with these settings" in str(told)
    assert "/tests" in str(told)
    await tab.run(PublicationState.load)
    assert publication.publication
    assert (publication.publication.verdict, publication.goes_out) == ("not_run", True)
    assert "Not published" in str(await tab.run(PublicationState.publish))
    await tab.run(BotTestRunState.start_and_publish)
    assert runs.running
    assert "and_publish" not in str(await tab.run(BotTestRunState.start_and_publish)), "a second click makes nothing"
    assert "Published." in str(await finished(rt, tab))
    await tab.run(PublicationState.load)
    assert head.bot
    assert head.bot.status == "published"
    assert (publication.goes_out, runs.passed_count) == (False, len(tests.items))
    assert runs.shown_results == []
    await tab.run(BotTestRunState.toggle_passed)
    assert len(runs.shown_results) == len(tests.items)
    await tab.run(BotTestsState.refresh)
    assert {test.outcome for test in tests.items} == {"passed"}


async def test_held_changes_are_published_in_spite_of_everything_and_rolled_back(
    rt: Runtime, owner: Person, bot: BotRead
) -> None:
    tab = await loaded(rt, owner, bot.id)
    publication, head, form = [await tab.state(state) for state in (PublicationState, BotState, BotFormState)]
    await tab.run(BotState.change_status, "published")
    await tab.run(BotFormState.load)
    await tab.run(BotFormState.change, "hold_changes", True)
    await tab.run(BotFormState.save)
    await tab.run(BotFormState.change, "instructions", "Be brief.")
    await tab.run(BotFormState.save)
    assert form.saved.hold_changes is True
    await tab.run(BotTestsState.open_new)
    await tab.run(BotTestsState.save, {"question": QUESTION, "facts": "5 working days"})
    await tab.run(PublicationState.load)
    assert publication.pending_words == "Instructions"
    await tab.run(PublicationState.publish)
    assert publication.goes_out
    await tab.run(PublicationState.publish_anyway)
    assert publication.pending_words == ""
    seen = publication.publication
    assert seen
    await tab.run(RollBackState.roll_back, seen.previous_version, seen.version, seen.published_version)
    assert head.bot
    assert head.bot.instructions == ""
    assert head.bot.published_version == head.bot.version


async def test_a_run_is_cancelled(rt: Runtime, owner: Person, bot: BotRead) -> None:
    tab = await loaded(rt, owner, bot.id)
    await tab.run(BotTestsState.open_new)
    await tab.run(BotTestsState.save, {"question": QUESTION, "facts": "5 working days"})
    await tab.run(BotTestRunState.start)
    runs = await tab.state(BotTestRunState)
    assert runs.run
    if (await tab.run(BotTestRunState.load)) and runs.running:
        await tab.run(BotTestRunState.cancel)
    await drained(rt)
    await tab.run(BotTestRunState.load)
    assert runs.run.status in ("cancelled", "done")
    assert await tab.run(BotTestRunState.keep_watching, "open") == []


async def test_a_viewer_reads_and_changes_nothing(rt: Runtime, owner: Person, bot: BotRead) -> None:
    viewer = await sign_up(rt, Role.VIEWER, owner.tenant_id)
    tab = await loaded(rt, viewer, bot.id)
    for handler in (
        BotTestsState.open_new,
        BotTestsState.suggest,
        BotTestRunState.start,
        BotTestRunState.start_and_publish,
        BotTestRunState.cancel,
        PublicationState.publish,
        PublicationState.publish_anyway,
        RollBackState.undo,
    ):
        with pytest.raises(ForbiddenError):
            await tab.run(handler)
    with pytest.raises(ForbiddenError):
        await tab.run(RollBackState.roll_back, 1, 1, 1)


def test_words_that_only_one_side_says_are_marked() -> None:
    def side(answer: str, missing: list[str]) -> SideAnswer:
        return SideAnswer(
            answer=answer,
            answered=True,
            passed=not missing,
            unasked=bool(missing),
            missing=missing,
            sources=[],
            trace={"fallback": "x"},
        )

    result = BotTestResultRead(
        test_id=UUID(int=1),
        question="?",
        expectation="facts",
        facts=["45 euros"],
        outcome="regressed",
        candidate=side("It costs some money.", ["45 euros"]),
        baseline=side("It costs 45 euros.", []),
    )
    view = result_view(result)
    assert view
    assert view.candidate.parts == [
        AnswerPart(text="It costs", differs=False), AnswerPart(text=" some money.", differs=True)
    ]  # fmt: skip
    assert view.baseline.parts[-1] == AnswerPart(text=" 45 euros.", differs=True)
    assert (view.facts[0].held, view.facts[0].held_before, view.compared) == (False, True, True)
    assert "passages were quoted" in view.candidate.note
    assert (view.candidate.outcome, view.baseline.outcome, view.baseline.note) == ("unasked", "passed", "")
    assert result_view(result.model_copy(update={"candidate": None})) is None
