"""The page of questions and answers, event by event."""

from uuid import UUID

import pytest

from chatbot_saas.core.errors import ForbiddenError, InvalidError, NotFoundError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Role
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.schemas.questions import PairCandidate, PairMatchRead
from chatbot_saas.schemas.sources import QuestionPair
from chatbot_saas.services import pairs, sources
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state.bot import BotState
from chatbot_saas.state.history import HistoryState
from chatbot_saas.state.question_import import QuestionImportState
from chatbot_saas.state.question_try import QuestionTryState, judged
from chatbot_saas.state.questions import QuestionsState
from chatbot_saas.state.trouble import NotLoadedError
from tests.factories.knowledge import make_bot, settled
from tests.factories.people import Person, sign_up
from tests.factories.questions import HOURS, PAIRS, REFUND, add_pairs
from tests.factories.tabs import Tab, open_tab

FORM = {"question": HOURS.question, "answer": HOURS.answer}


async def loaded(rt: Runtime, person: Person, bot_id: UUID) -> tuple[Tab, QuestionsState]:
    tab = await open_tab(rt, person, bot_id=bot_id)
    await tab.run(QuestionsState.load)
    return tab, await tab.state(QuestionsState)


def shown(state: QuestionsState) -> list[str]:
    return [item.question for item in state.items]


@pytest.fixture
async def bot(rt: Runtime, owner: Person) -> BotRead:
    return await make_bot(rt, owner)


async def test_pairs_are_added_found_changed_deleted_and_brought_back(rt: Runtime, owner: Person, bot: BotRead) -> None:
    tab, state = await loaded(rt, owner, bot.id)
    assert (state.loaded, state.items, state.chosen) == (True, [], "")
    await tab.run(QuestionsState.open_new)
    await tab.run(QuestionsState.save, {"question": " ", "answer": "x" * 4001})
    assert state.editing
    assert state.errors == {"question": "This cannot be empty.", "answer": "At most 4000 characters."}
    await tab.run(QuestionsState.save, FORM)
    assert (state.editing, shown(state), state.total) == (False, [HOURS.question], 1)
    await tab.run(QuestionsState.open_new)
    await tab.run(QuestionsState.save, {"question": "WHAT are your opening hours", "answer": "x"})
    assert "in the list already" in state.errors["question"]
    await tab.run(QuestionsState.save, {"question": REFUND.question, "answer": REFUND.answer})
    await tab.run(QuestionsState.change_search, "5 WORKING")
    assert (shown(state), state.found, state.total) == ([REFUND.question], 1, 2)
    await tab.run(QuestionsState.change_search, "")
    await tab.run(QuestionsState.open_pair, 0)
    assert (state.is_new, state.form_answer) == (False, HOURS.answer)
    await tab.run(QuestionsState.save, {"question": HOURS.question, "answer": "Never."})
    assert state.items[0].answer == "Never."
    await tab.run(QuestionsState.delete, 0)
    assert (shown(state), state.undo_words) == ([REFUND.question], HOURS.question)
    await tab.run(QuestionsState.undo)
    assert (shown(state), state.undo_words) == ([HOURS.question, REFUND.question], "")
    assert await tab.run(QuestionsState.undo) == []
    assert (await settled(rt, owner, UUID(state.chosen))).chunks == 2


async def test_two_people_at_one_question_lose_nothing_silently(rt: Runtime, owner: Person, bot: BotRead) -> None:
    await add_pairs(rt, owner, bot.id)
    mine, me = await loaded(rt, owner, bot.id)
    theirs, they = await loaded(rt, owner, bot.id)
    await mine.run(QuestionsState.open_pair, 0)
    await theirs.run(QuestionsState.open_pair, 0)
    await theirs.run(QuestionsState.save, {"question": HOURS.question, "answer": "Theirs."})
    await mine.run(QuestionsState.save, {"question": HOURS.question, "answer": "Mine."})
    assert me.editing
    assert "“Theirs.”" in me.conflict
    await mine.run(QuestionsState.save, {"question": HOURS.question, "answer": "Mine."})
    assert [item.answer for item in me.items] == ["Mine.", REFUND.answer]
    await theirs.run(QuestionsState.open_pair, 1)
    await mine.run(QuestionsState.delete, 1)
    await theirs.run(QuestionsState.save, {"question": REFUND.question, "answer": "A week."})
    assert "deleted or renamed" in they.conflict
    await theirs.run(QuestionsState.save, {"question": REFUND.question, "answer": "A week."})
    assert [item.answer for item in they.items] == ["Mine.", "A week."]
    await mine.run(QuestionsState.load)
    await theirs.run(QuestionsState.delete, 0)
    told = str(await mine.run(QuestionsState.delete, 0))
    assert "Somebody else changed or deleted" in told
    assert shown(me) == [REFUND.question]


async def test_an_undo_after_the_list_itself_was_deleted(rt: Runtime, owner: Person, bot: BotRead) -> None:
    source = await add_pairs(rt, owner, bot.id)
    tab, state = await loaded(rt, owner, bot.id)
    await tab.run(QuestionsState.delete, 0)
    await settled(rt, owner, source.id)
    await sources.delete(rt, owner.principal, source.id)
    await tab.run(QuestionsState.undo)
    assert shown(state) == [HOURS.question]
    assert state.chosen not in ("", str(source.id))


async def test_several_lists_are_chosen_from_and_long_ones_come_in_parts(
    rt: Runtime, owner: Person, bot: BotRead
) -> None:
    first = await add_pairs(rt, owner, bot.id)
    many = [QuestionPair(question=f"Question {number}?", answer="A") for number in range(60)]
    second = await add_pairs(rt, owner, bot.id, many, title="Many")
    tab, state = await loaded(rt, owner, bot.id)
    assert ([known.title for known in state.lists], state.chosen) == (["Questions and answers", "Many"], str(first.id))
    await tab.run(QuestionsState.choose_list, str(second.id))
    assert (len(state.items), state.found, state.total) == (50, 60, 60)
    await tab.run(QuestionsState.show_more)
    assert len(state.items) == 60
    await tab.run(QuestionsState.choose_list, str(new_id()))
    assert state.chosen == str(first.id)


async def test_a_list_that_is_read_is_followed_to_its_end(rt: Runtime, owner: Person, bot: BotRead) -> None:
    await add_pairs(rt, owner, bot.id)
    tab, state = await loaded(rt, owner, bot.id)
    assert state.list_status == "ready"
    assert await tab.run(QuestionsState.keep_watching, "open") == []
    events = await tab.run(QuestionsState.read_again)
    while state.list_status != "ready":
        assert events
        events = await tab.run(QuestionsState.watch)


async def test_another_tenants_questions_are_not_there(
    rt: Runtime, owner: Person, stranger: Person, bot: BotRead
) -> None:
    source = await add_pairs(rt, owner, bot.id)
    mine = await make_bot(rt, stranger)
    tab, state = await loaded(rt, stranger, bot.id)
    assert (state.items, state.lists, state.loaded) == ([], [], False)
    tab, state = await loaded(rt, stranger, mine.id)
    await tab.run(QuestionsState.choose_list, str(source.id))
    assert (state.chosen, state.items) == ("", [])
    for handler in (QuestionsState.open_pair, QuestionsState.delete):
        for number in (0, -1, "0", None, True):
            with pytest.raises(NotFoundError):
                await tab.run(handler, number)
    tab.go(bot_id=bot.id)
    await tab.run(QuestionTryState.ask, {"query": HOURS.question})
    tried = await tab.state(QuestionTryState)
    assert (tried.candidates, tried.ask_problem) == ([], "There is no such bot.")
    with pytest.raises(NotLoadedError):
        await tab.run(QuestionTryState.save)
    assert (await pairs.load(rt, owner.principal, source.id)).pairs == PAIRS


async def test_a_viewer_reads_but_changes_nothing(rt: Runtime, owner: Person, bot: BotRead) -> None:
    await add_pairs(rt, owner, bot.id)
    tab, state = await loaded(rt, await sign_up(rt, Role.VIEWER, owner.tenant_id), bot.id)
    assert len(state.items) == 2
    for handler, *values in (
        (QuestionsState.open_new,),
        (QuestionsState.open_pair, 0),
        (QuestionsState.save, FORM),
        (QuestionsState.delete, 0),
        (QuestionsState.undo,),
        (QuestionsState.read_again,),
        (QuestionImportState.begin,),
        (QuestionImportState.send,),
        (QuestionTryState.ask, {"query": "hours"}),
        (QuestionTryState.save,),
    ):
        with pytest.raises(ForbiddenError):
            await tab.run(handler, *values)


# --- trying


async def test_a_question_is_tried_and_the_threshold_saved(rt: Runtime, owner: Person, bot: BotRead) -> None:
    await add_pairs(rt, owner, bot.id)
    tab = await open_tab(rt, owner, bot_id=bot.id)
    await tab.run(BotState.load)
    await tab.run(QuestionTryState.load)
    state = await tab.state(QuestionTryState)
    await tab.run(QuestionTryState.ask, {"query": "  "})
    assert state.ask_problem
    await tab.run(QuestionTryState.ask, {"query": "When will I get my refund?"})
    assert (state.verdict, state.changed, state.trying, state.ask_problem) == ("below", False, False, "")
    assert state.candidates[0].question == REFUND.question
    assert not state.candidates[0].wins
    await tab.run(QuestionTryState.move, 75)
    assert (state.verdict, state.candidates[0].wins, state.changed) == ("meaning", True, True)
    await tab.run(QuestionTryState.load)
    assert state.threshold == 75, "what was moved stays"
    await tab.run(QuestionTryState.save)
    assert (state.saved, state.changed) == (75, False)
    found = (await tab.state(BotState)).bot
    assert found is not None
    assert found.qa_threshold == 0.75
    await tab.run(HistoryState.load)
    latest = (await tab.state(HistoryState)).versions[0]
    assert latest.summary == "Changed Q&A threshold"
    await tab.run(QuestionTryState.move, "wild")
    await tab.run(QuestionTryState.move, 7)
    assert state.threshold == 50
    await tab.run(QuestionTryState.put_back)
    assert state.threshold == 75


def test_what_is_held_back_does_not_win_however_close_it_is() -> None:
    def one(question: str, score: float, held: str = "") -> PairCandidate:
        return PairCandidate.model_validate(
            {"source_id": new_id(), "question": question, "answer": "A", "score": score, "held": held}
        )

    near = [one("twenty?", 0.97, "numbers"), one("like it?", 0.899), one("other?", 0.5), one("none?", 0.1)]
    result = PairMatchRead(matched=False, by=None, score=0.97, threshold=0.88, candidates=near)
    verdict, rows = judged(result, 0.89)
    assert verdict == "meaning"
    assert [(row.question, row.share, row.wins, bool(row.note)) for row in rows] == [
        ("like it?", 89, True, False),
        ("twenty?", 97, False, True),
        ("other?", 50, False, False),
    ]
    assert judged(result, 0.9)[0] == "below"
    assert judged(result.model_copy(update={"candidates": []}), 0.9) == ("nothing", [])


# --- a file


def plan(**changes: object) -> dict[str, object]:
    counts = {"added": 1, "replaced": 0, "removed": 0, "unchanged": 0, "total": 1}
    rest = {"preview": True, "changes": [], "version": "v", "source": None}
    return {"name": "a.csv", "status": 200, "plan": {**counts, **rest, **changes}}


async def test_a_file_is_looked_at_then_sent(rt: Runtime, owner: Person, bot: BotRead) -> None:
    tab = await open_tab(rt, owner, bot_id=bot.id)
    state = await tab.state(QuestionImportState)
    assert await tab.run(QuestionImportState.send) == []
    assert 'look("merge"' in str((await tab.run(QuestionImportState.begin))[0]).replace("\\", "")
    assert (state.opened, state.busy) == (True, True)
    await tab.run(QuestionImportState.looked, {"name": "a.csv", "status": 422, "lines": ["Line 2: Empty."]})
    assert (state.lines, state.plan, state.busy) == (["Line 2: Empty."], None, False)
    await tab.run(QuestionImportState.looked, plan())
    assert state.plan is not None
    assert "replace" in str((await tab.run(QuestionImportState.change_mode, "replace"))[0])
    await tab.run(QuestionImportState.looked, plan(removed=3))
    sent = str((await tab.run(QuestionImportState.send))[0]).replace("\\", "")
    assert 'send("replace", "v")' in sent
    await tab.run(QuestionImportState.sent, {"name": "a.csv", "status": 412, "problem": "changed"})
    assert "Somebody else changed the list" in state.problem
    assert state.opened
    await tab.run(QuestionImportState.looked, plan())
    events = await tab.run(QuestionImportState.sent, plan())
    assert "1 added" in str(events[0])
    assert not state.opened
    for wild in ("text", None, {"plan": {"added": "many"}}, plan(version=7)):
        with pytest.raises(InvalidError):
            await tab.run(QuestionImportState.looked, wild)
    await tab.run(QuestionImportState.change_mode, "'); alert(1); ('")
    assert state.mode == "merge"
