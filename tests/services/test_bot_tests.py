"""Tests of a bot: written, suggested and run."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from chatbot_saas.adapters.llm import ChatRequest, Finished, TextDelta, Usage
from chatbot_saas.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from chatbot_saas.core.paging import PageRequest
from chatbot_saas.core.tenancy import Role, System
from chatbot_saas.models import BotTest, BotTestResult, BotTestRun, TenantRow, UsageEvent
from chatbot_saas.schemas.bot_tests import BotTestCreate, BotTestPatch, BotTestRead
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.services import (
    bot_test_ideas,
    bot_test_runs,
    bot_tests,
    bots,
    chat,
    conversations,
    facts,
    publishing,
)
from chatbot_saas.services.chat import try_out
from chatbot_saas.services.runtime import Runtime
from tests.factories.bot_tests import MOON, REFUND, WARRANTY, add, change, detail, listed, run
from tests.factories.jobs import drained
from tests.factories.knowledge import make_bot, make_knowing_bot
from tests.factories.people import Person, sign_up
from tests.factories.questions import add_pairs


@pytest.fixture(scope="module")
async def person(rt: Runtime) -> Person:
    return await sign_up(rt)


@pytest.fixture
async def bot(rt: Runtime, person: Person) -> BotRead:
    return await make_knowing_bot(rt, person)


# --- the list


async def test_a_question_has_one_test_and_a_test_expects_something(rt: Runtime, person: Person, bot: BotRead) -> None:
    [made] = await add(rt, person, bot, REFUND)
    assert (made.origin, made.outcome, made.enabled) == ("hand", "not_run", True)
    with pytest.raises(bot_tests.SameTestError):
        await add(rt, person, bot, BotTestCreate(question="how long does a REFUND take", facts=["x"]))
    with pytest.raises(ValueError, match="at least one fact"):
        BotTestCreate(question="Why?")
    with pytest.raises(ValueError, match="a word or a number"):
        BotTestCreate(question="Why?", facts=["30 days | !"])
    [other] = await add(rt, person, bot, WARRANTY)

    async def patched(**fields: Any) -> BotTestRead:
        async with rt.db.tenant(person.principal) as session:
            return await bot_tests.change(session, person.principal, other.id, BotTestPatch(**fields))

    with pytest.raises(bot_tests.SameTestError):
        await patched(question=REFUND.question)
    with pytest.raises(InvalidError):
        await patched(facts=[])
    assert (await patched(expectation="refusal")).facts == []
    assert (await patched(expectation="facts", facts=["5 years"], enabled=False)).enabled is False
    async with rt.db.tenant(person.principal) as session:
        await bot_tests.delete(session, person.principal, other.id)
    assert await listed(rt, person, bot) == {REFUND.question: "not_run"}
    assert await listed(rt, person, bot, search="WORKING day") == {REFUND.question: "not_run"}
    assert await listed(rt, person, bot, search="%") == {}
    assert await listed(rt, person, bot, origin="source") == {}


async def test_who_may_and_whose_they_are(rt: Runtime, person: Person, stranger: Person, bot: BotRead) -> None:
    [test] = await add(rt, person, bot, REFUND)
    done = await run(rt, person, bot)
    viewer = await sign_up(rt, Role.VIEWER, person.tenant_id)

    def tries(session: Any, principal: Any) -> list[tuple[bool, Any]]:
        """(whether it writes, the call)"""
        return [
            (False, lambda: bot_tests.list_page(session, principal, bot.id, PageRequest())),
            (False, lambda: bot_tests.get(session, principal, test.id)),
            (False, lambda: bot_test_runs.list_page(session, principal, bot.id, PageRequest())),
            (False, lambda: bot_test_runs.get(session, principal, done.id)),
            (False, lambda: publishing.state(session, principal, bot.id)),
            (True, lambda: bot_tests.create(session, principal, bot.id, WARRANTY)),
            (True, lambda: bot_tests.change(session, principal, test.id, BotTestPatch(enabled=False))),
            (True, lambda: bot_tests.delete(session, principal, test.id)),
            (True, lambda: bot_test_ideas.suggest(rt, principal, bot.id, 1)),
            (True, lambda: bot_test_runs.start(session, principal, bot.id, rt)),
            (True, lambda: bot_test_runs.cancel(session, principal, done.id)),
            (True, lambda: publishing.publish(session, principal, bot.id, rt)),
        ]

    async with rt.db.tenant(stranger.principal) as session:
        for _, call in tries(session, stranger.principal):
            with pytest.raises(NotFoundError):
                await call()
    async with rt.db.tenant(viewer.principal) as session:
        for writes, call in tries(session, viewer.principal):
            if writes:
                with pytest.raises(ForbiddenError):
                    await call()
            else:
                await call()
    assert await listed(rt, person, bot) == {REFUND.question: "passed"}


async def test_an_answer_becomes_a_test(rt: Runtime, person: Person, stranger: Person, bot: BotRead) -> None:
    live, answer_id = await chat.ask_in_playground(rt, person.principal, bot.id, "s", "How long is the warranty?")
    async for _ in live.follow():
        pass
    async with rt.db.tenant(person.principal) as session:
        made = await bot_tests.from_answer(session, person.principal, answer_id, ["5 years", "  "])
    assert (made.question, made.facts, made.origin) == ("How long is the warranty?", ["5 years"], "playground")
    async with rt.db.tenant(person.principal) as session:
        with pytest.raises(bot_tests.SameTestError):
            await bot_tests.from_answer(session, person.principal, answer_id, [])
    async with rt.db.tenant(stranger.principal) as session:
        with pytest.raises(NotFoundError):
            await bot_tests.from_answer(session, stranger.principal, answer_id, ["5 years"])


# --- suggested


async def test_suggestions_come_from_the_sources_are_answered_and_never_come_twice(
    rt: Runtime, person: Person, bot: BotRead
) -> None:
    await add_pairs(rt, person, bot.id)
    made = await bot_test_ideas.suggest(rt, person.principal, bot.id, 4)
    assert 2 <= len(made) <= 4, made
    assert all(test.origin == "source" and test.source_id and test.enabled and test.facts for test in made)
    assert any(test.question == "How long does a refund take?" for test in made), "a pair's own question"
    assert all(test.question.endswith("?") and "___" not in test.question for test in made), "as a person asks"
    assert any(test.question != "How long does a refund take?" for test in made), "of a sentence"
    again = await bot_test_ideas.suggest(rt, person.principal, bot.id, 20)
    questions = [test.question for test in (*made, *again)]
    assert len(questions) == len(set(questions))
    assert await bot_test_ideas.suggest(rt, person.principal, bot.id, 20) == []
    done = await run(rt, person, bot)
    assert done.passed == done.total == len(questions), [r for r in done.results if r.outcome != "passed"]


class Writer:
    """A model that writes what it was told to, whatever it is asked."""

    provider, quotes = "openai", False

    def __init__(self, text: str) -> None:
        self.text = text

    async def stream(self, request: ChatRequest) -> AsyncGenerator[TextDelta | Finished]:
        yield TextDelta(self.text)
        yield Finished(self.estimate(request, self.text), "stop")

    def estimate(self, request: ChatRequest, text: str) -> Usage:
        return Usage(100, 10, 0, "gpt-4o-mini", "openai")


async def test_what_a_model_suggests_must_stand_in_the_passage(keyed: Runtime) -> None:
    person = await sign_up(keyed)
    bot = await make_knowing_bot(keyed, person)
    items = [
        {"passage": 1, "question": "How long can I return things?", "fact": "30 days"},
        {"passage": 1, "question": "Is it invented?", "fact": "31 days"},
        {"passage": 9, "question": "Is there a passage?", "fact": "30 days"},
        {"passage": 1, "question": "", "fact": "30 days"},
        {"passage": 1, "question": "how long can I return THINGS", "fact": "30 days"},
        "nonsense",
    ]
    kept: Any = keyed.model
    for text in (f"Here you are: {json.dumps(items)}", "[" * 100_000 + "]", "no idea", '{"a": [1]}'):
        keyed.model = cast(Any, Writer(text))
        try:
            made = await bot_test_ideas.suggest(keyed, person.principal, bot.id, 1)
        finally:
            keyed.model = kept
        if text.startswith("Here"):
            assert [(test.question, test.facts) for test in made] == [("How long can I return things?", ["30 days"])]
        assert all(test.facts != ["31 days"] for test in made)
    async with keyed.db.platform(System("tests")) as session:
        spent = (await session.scalars(select(UsageEvent).where(col(UsageEvent.bot_id) == bot.id))).all()
    assert sum(event.kind == "chat" for event in spent) == 4


async def test_without_sources_nothing_is_suggested(rt: Runtime, person: Person) -> None:
    empty = await make_bot(rt, person)
    assert await bot_test_ideas.suggest(rt, person.principal, empty.id, 5) == []


# --- runs


async def test_a_run_answers_each_test_once_and_says_what_is_missing(rt: Runtime, person: Person, bot: BotRead) -> None:
    wrong = BotTestCreate(question="What does delivery of furniture cost?", facts=["45 euros", "by drone"])
    await add(rt, person, bot, REFUND, wrong, MOON)
    done = await run(rt, person, bot)
    assert (done.status, done.total, done.done, done.passed, done.regressions) == ("done", 3, 3, 2, 0)
    first = done.results[0]
    assert (first.outcome, first.baseline) == ("failed", None), "the same settings are not asked twice"
    assert first.candidate
    assert first.candidate.missing == ["by drone"]
    assert first.candidate.sources
    assert await listed(rt, person, bot) == {
        REFUND.question: "passed", wrong.question: "failed", MOON.question: "passed",
    }  # fmt: skip
    assert await listed(rt, person, bot, outcome="failed") == {wrong.question: "failed"}
    async with rt.db.platform(System("tests")) as session:
        await bot_test_runs.mend(rt)
        spent = (await session.scalars(select(UsageEvent).where(col(UsageEvent.bot_id) == bot.id))).all()
    assert len([event for event in spent if event.kind == "chat"]) >= 2, "what a run uses is on the bill"
    async with rt.db.tenant(person.principal) as session:
        talks = await conversations.list_page(session, person.principal, PageRequest(), channel="")
    assert all(talk.bot_id != bot.id for talk in talks.items), "no conversation is made of it"


async def test_a_test_that_was_changed_has_no_outcome(rt: Runtime, person: Person, bot: BotRead) -> None:
    [test] = await add(rt, person, bot, REFUND)
    await run(rt, person, bot)
    async with rt.db.tenant(person.principal) as session:
        changed = await bot_tests.change(session, person.principal, test.id, BotTestPatch(facts=["6 days"]))
    assert changed.outcome == "not_run"
    assert await listed(rt, person, bot, outcome="not_run") == {REFUND.question: "not_run"}


async def test_one_run_of_a_bot_at_a_time_and_none_without_tests(rt: Runtime, person: Person, bot: BotRead) -> None:
    async with rt.db.tenant(person.principal) as session:
        with pytest.raises(bot_test_runs.NoTestsError):
            await bot_test_runs.start(session, person.principal, bot.id, rt)
    await add(rt, person, bot, REFUND)

    async def start() -> Any:
        async with rt.db.tenant(person.principal) as session:
            return await bot_test_runs.start(session, person.principal, bot.id, rt)

    made = await asyncio.gather(start(), start(), return_exceptions=True)
    assert sum(isinstance(one, bot_test_runs.AlreadyRunningError) for one in made) == 1
    await drained(rt)
    assert (await run(rt, person, bot)).status == "done"


async def test_a_run_goes_on_where_it_was_and_writes_nothing_twice(rt: Runtime, person: Person, bot: BotRead) -> None:
    await add(rt, person, bot, REFUND, WARRANTY)
    done = await run(rt, person, bot)
    async with rt.db.platform(System("tests")) as session:
        kept = await session.scalar(select(BotTestResult).where(col(BotTestResult.run_id) == done.id).limit(1))
        assert kept
        # as a kill after the first answer leaves it
        for other in (await session.scalars(select(BotTestResult).where(col(BotTestResult.run_id) == done.id))).all():
            if other.id != kept.id:
                await session.delete(other)
        await session.execute(
            update(BotTestRun).where(col(BotTestRun.id) == done.id).values(status="running", done=1, finished_at=None)
        )
    await asyncio.gather(*(bot_test_runs.run(rt, person.tenant_id, done.id) for _ in range(2)))
    again = await detail(rt, person, done.id)
    assert (again.status, again.done, again.passed) == ("done", 2, 2)
    async with rt.db.platform(System("tests")) as session:
        rows = (await session.scalars(select(BotTestResult).where(col(BotTestResult.run_id) == done.id))).all()
    assert len(rows) == 2
    assert kept.id in {row.id for row in rows}
    await bot_test_runs.run(rt, person.tenant_id, done.id)
    await bot_test_runs.fail(rt, person.tenant_id, done.id, "late")
    assert (await detail(rt, person, done.id)).status == "done", "what has ended stays as it is"


async def test_a_cancelled_run_keeps_what_it_has(rt: Runtime, person: Person, bot: BotRead) -> None:
    await add(rt, person, bot, REFUND)
    async with rt.db.tenant(person.principal) as session:
        started = await bot_test_runs.start(session, person.principal, bot.id, rt)
        stopped = await bot_test_runs.cancel(session, person.principal, started.id)
    assert stopped.status == "cancelled"
    await drained(rt)
    assert (await detail(rt, person, started.id)).results == []
    async with rt.db.tenant(person.principal) as session:
        with pytest.raises(ConflictError):
            await bot_test_runs.cancel(session, person.principal, started.id)


async def test_a_run_that_the_queue_lost_or_a_suspension_stopped_goes_on(rt: Runtime) -> None:
    person = await sign_up(rt)
    bot = await make_knowing_bot(rt, person)
    [test] = await add(rt, person, bot, REFUND)
    async with rt.db.platform(System("tests")) as session:
        await session.execute(update(TenantRow).where(col(TenantRow.id) == person.tenant_id).values(status="suspended"))
        row = BotTestRun(tenant_id=person.tenant_id, bot_id=bot.id, version=bot.version, total=1)
        session.add(row)
    await bot_test_runs.run(rt, person.tenant_id, row.id)
    assert (await detail(rt, person, row.id)).results == []
    async with rt.db.platform(System("tests")) as session:
        await session.execute(update(TenantRow).where(col(TenantRow.id) == person.tenant_id).values(status="active"))
    await bot_test_runs.mend(rt)
    await drained(rt)
    found = await detail(rt, person, row.id)
    assert (found.status, found.results[0].test_id) == ("done", test.id)


async def test_a_version_is_answered_with_its_own_settings(rt: Runtime, person: Person, bot: BotRead) -> None:
    changed = await change(rt, person, bot, fallback_text="No idea at all.")
    before = await try_out(rt, person.principal, bot.id, MOON.question, version=bot.version)
    now = await try_out(rt, person.principal, bot.id, MOON.question, version=changed.version)
    assert (before.answered, before.text) == (False, bot.fallback_text)
    assert now.text == "No idea at all."
    with pytest.raises(NotFoundError):
        await try_out(rt, person.principal, bot.id, MOON.question, version=99)
    assert facts.missing(["5 working days"], (await try_out(rt, person.principal, bot.id, REFUND.question)).text) == []


async def test_deleting_the_bot_takes_its_tests_along(rt: Runtime, person: Person, bot: BotRead) -> None:
    await add(rt, person, bot, REFUND)
    await run(rt, person, bot)
    receipt = await bots.delete(rt, person.principal, bot.id)
    assert receipt.verified
    async with rt.db.platform(System("tests")) as session:
        assert await session.scalar(select(col(BotTest.id)).where(col(BotTest.bot_id) == bot.id)) is None
