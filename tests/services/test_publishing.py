"""What may be published: what was held back, what tests say about it, and what a run publishes at its end."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from chatbot_saas.core.tenancy import Role, System
from chatbot_saas.models import AuditEntry, Bot, BotTestRun
from chatbot_saas.schemas.bot_tests import BotTestCreate, BotTestPatch
from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.services import bot_config, bot_test_runs, bot_tests, bots, conversations, gate
from chatbot_saas.services.runtime import Runtime
from tests.factories.bot_tests import (
    MOON,
    REFUND,
    WARRANTY,
    add,
    change,
    detail,
    listed,
    publication,
    publish,
    run,
)
from tests.factories.jobs import drained
from tests.factories.knowledge import add_text, make_bot, make_knowing_bot
from tests.factories.people import Person, sign_up


@pytest.fixture(scope="module")
async def person(rt: Runtime) -> Person:
    return await sign_up(rt)


@pytest.fixture
async def bot(rt: Runtime, person: Person) -> BotRead:
    return await make_knowing_bot(rt, person)


async def test_without_tests_a_bot_is_published_as_ever(rt: Runtime, person: Person) -> None:
    bot = await make_bot(rt, person, published=False)
    assert bot.published_version == 0
    bot = await change(rt, person, bot, status="published")
    assert bot.published_version == bot.version == 2
    bot = await change(rt, person, bot, name="Other")
    assert bot.published_version == bot.version == 3, "nothing is held back"
    paused = await change(rt, person, bot, status="paused")
    assert paused.published_version == 3
    assert (await publication(rt, person, bot)).verdict == "no_tests"


async def test_held_changes_reach_visitors_when_they_are_published(rt: Runtime, person: Person, bot: BotRead) -> None:
    held = await change(rt, person, bot, hold_changes=True)
    assert (await publication(rt, person, bot)).pending == []
    changed = await change(
        rt, person, bot, name="New name", welcome_message="New", allowed_origins=["https://new.example"]
    )
    assert changed.published_version == held.published_version
    visible = await conversations.public_bot(rt, bot.id)
    assert bot_config.appearance(visible).name == bot.name
    assert visible.allowed_origins == ["https://new.example"], "doors are shut and opened at once"
    assert (await publication(rt, person, bot)).pending == ["name", "welcome_message"]
    told = await publish(rt, person, bot, expected_version=changed.version)
    assert (told.pending, told.published_version) == ([], changed.version)
    assert bot_config.appearance(await conversations.public_bot(rt, bot.id)).name == "New name"
    assert told.previous_version in (bot.version, held.version)
    let_go = await change(rt, person, bot, name="At once", hold_changes=False)
    assert let_go.published_version == let_go.version
    assert (await conversations.public_bot(rt, bot.id)).name == "At once"


async def test_tests_must_have_run_with_these_settings_and_sources(rt: Runtime, person: Person) -> None:
    bot = await make_knowing_bot(rt, person, published=False)
    await add(rt, person, bot, REFUND)
    with pytest.raises(gate.NotTestedError) as caught:
        await change(rt, person, bot, status="published")
    assert caught.value.code == "tests_not_run"
    await run(rt, person, bot)
    await change(rt, person, bot, color="#112233")  # nothing that answers depend on
    assert (await publication(rt, person, bot)).verdict == "clear"
    await change(rt, person, bot, instructions="Be brief.")
    assert (await publication(rt, person, bot)).verdict == "not_run"
    await run(rt, person, bot)
    await add_text(rt, person, bot.id, "# Parking\n\nParking costs 3 euros.", "parking.md")
    with pytest.raises(gate.NotTestedError):
        await publish(rt, person, bot)
    await run(rt, person, bot)
    await add(rt, person, bot, WARRANTY)
    with pytest.raises(gate.NotTestedError, match="1 test of 2"):
        await publish(rt, person, bot)
    await run(rt, person, bot)
    told = await publish(rt, person, bot)
    assert (told.status, told.published_version) == ("published", told.version)
    paused = await change(rt, person, bot, status="paused")
    await add(rt, person, bot, MOON)
    again = await change(rt, person, paused, status="published")
    assert again.status == "published", "nothing new goes out"


async def test_failures_are_told_and_do_not_stop_a_first_publication(rt: Runtime, person: Person) -> None:
    bot = await make_knowing_bot(rt, person, published=False)
    [test] = await add(rt, person, bot, BotTestCreate(question="Do you deliver by drone?", facts=["by drone"]))
    await run(rt, person, bot)
    told = await publish(rt, person, bot)
    assert (told.status, told.verdict, [one.id for one in told.failed]) == ("published", "clear", [test.id])


async def test_what_gets_worse_is_not_published_unless_somebody_insists(keyed: Runtime) -> None:
    """With the stub's models: one that answers everything is published, one that knows nothing waits."""
    rt, person = keyed, await sign_up(keyed)
    bot = await make_knowing_bot(rt, person, hold_changes=True)
    [test, moon] = await add(rt, person, bot, BotTestCreate(question=REFUND.question, facts=["cited passage"]), MOON)
    worse = await change(rt, person, bot, model="stub-not-in-sources", name="Worse")
    done = await run(rt, person, worse)
    assert (done.passed, done.regressions) == (1, 1)
    first = done.results[0]
    assert (first.test_id, first.outcome) == (test.id, "regressed")
    assert first.candidate
    assert first.baseline
    assert (first.candidate.passed, first.candidate.missing) == (False, ["cited passage"])
    assert (first.baseline.passed, first.baseline.missing) == (True, [])
    told = await publication(rt, person, worse)
    assert (told.verdict, [one.id for one in told.regressed]) == ("regressed", [test.id])
    assert (await listed(rt, person, worse))[REFUND.question] == "regressed"
    assert await listed(rt, person, worse, outcome="regressed") == {REFUND.question: "regressed"}
    with pytest.raises(gate.RegressedError, match="How long does a refund take") as caught:
        await publish(rt, person, worse)
    assert (caught.value.code, caught.value.details["tests"]) == ("tests_regressed", [str(test.id)])
    with pytest.raises(gate.RegressedError):
        await change(rt, person, worse, hold_changes=False)
    assert (await conversations.public_bot(rt, bot.id)).name == bot.name
    told = await publish(rt, person, worse, override=True)
    assert (told.published_version, told.pending, told.verdict) == (worse.version, [], "clear")
    assert [one.id for one in told.failed] == [test.id]
    async with rt.db.platform(System("tests")) as session:
        query = select(AuditEntry).where(
            col(AuditEntry.target_id) == bot.id, col(AuditEntry.action) == "bot.publish_override"
        )
        [entry] = (await session.scalars(query)).all()
    assert entry.details["tests"] == [str(test.id)]
    assert entry.user_id == person.user_id
    async with rt.db.tenant(person.principal) as session:
        await bot_tests.change(session, person.principal, moon.id, BotTestPatch(enabled=False))
    again = await change(rt, person, worse, model="")
    assert (await publication(rt, person, again)).tests == 1
    better = await run(rt, person, again)
    assert (better.regressions, better.passed) == (0, 1)
    await publish(rt, person, again)


async def test_a_roll_back_is_published_at_once(rt: Runtime, person: Person, bot: BotRead) -> None:
    await change(rt, person, bot, hold_changes=True)
    await change(rt, person, bot, name="Second", instructions="Second.")
    second = await publish(rt, person, bot)
    await change(rt, person, bot, name="Third")
    await add(rt, person, bot, REFUND)
    async with rt.db.tenant(person.principal) as session:
        assert second.previous_version
        back = await bots.roll_back(session, person.principal, bot.id, second.previous_version, rt)
    assert (back.name, back.hold_changes) == (bot.name, True)
    assert back.published_version == back.version
    assert (await conversations.public_bot(rt, bot.id)).name == bot.name
    assert (await publication(rt, person, bot)).previous_version == second.published_version


# --- at the end of a run


async def entries(rt: Runtime, bot_id: UUID, action: str) -> list[AuditEntry]:
    async with rt.db.platform(System("tests")) as session:
        query = select(AuditEntry).where(col(AuditEntry.target_id) == bot_id, col(AuditEntry.action) == action)
        query = query.order_by(col(AuditEntry.created_at), col(AuditEntry.id))
        return list((await session.scalars(query)).all())


async def test_a_run_publishes_at_its_end_in_the_name_of_who_asked(rt: Runtime, person: Person) -> None:
    bot = await make_knowing_bot(rt, person, published=False)
    colleague = await sign_up(rt, Role.MEMBER, person.tenant_id)
    await add(rt, person, bot, REFUND)
    done = await run(rt, colleague, bot, publish=True)
    assert (done.status, done.publish, done.published, done.publish_problem) == ("done", True, True, "")
    told = await publication(rt, person, bot)
    assert (told.status, told.pending, told.verdict) == ("published", [], "clear")
    [entry] = await entries(rt, bot.id, "bot.publish")
    assert entry.user_id == colleague.user_id
    await change(rt, person, bot, hold_changes=True)
    held = await change(rt, person, bot, instructions="Be brief.", name="Briefly")
    assert (await conversations.public_bot(rt, bot.id)).name == bot.name
    done = await run(rt, person, held, publish=True)
    assert done.published
    assert (await conversations.public_bot(rt, bot.id)).name == "Briefly"
    assert (await entries(rt, bot.id, "bot.publish"))[-1].details == {"published": held.version}
    await bot_test_runs.run(rt, person.tenant_id, done.id)
    assert len(await entries(rt, bot.id, "bot.publish")) == 2, "a job that runs again publishes nothing again"


async def test_two_who_ask_at_once_get_one_run(rt: Runtime, person: Person) -> None:
    bot = await make_knowing_bot(rt, person, published=False)
    await add(rt, person, bot, REFUND, WARRANTY)

    async def start(*, publish: bool) -> Any:
        async with rt.db.tenant(person.principal) as session:
            return await bot_test_runs.start(session, person.principal, bot.id, rt, publish=publish)

    async with rt.db.tenant(person.principal) as session:
        await session.get(Bot, bot.id, with_for_update={"key_share": True})  # both arrive before one is done
        asked = [asyncio.create_task(start(publish=True)) for _ in range(2)]
        await asyncio.sleep(0.2)
    first, second = await asyncio.gather(*asked)
    assert first.id == second.id
    await drained(rt)
    assert (await detail(rt, person, first.id)).published
    async with rt.db.platform(System("tests")) as session:
        runs = (await session.scalars(select(BotTestRun).where(col(BotTestRun.bot_id) == bot.id))).all()
    assert len(runs) == 1
    assert len(await entries(rt, bot.id, "bot.publish")) == 1


async def test_a_run_that_goes_on_takes_the_wish_over(rt: Runtime, person: Person) -> None:
    bot = await make_knowing_bot(rt, person, published=False)
    await add(rt, person, bot, REFUND)
    async with rt.db.tenant(person.principal) as session:
        plain = await bot_test_runs.start(session, person.principal, bot.id, rt)
        wished = await bot_test_runs.start(session, person.principal, bot.id, rt, publish=True)
        assert (wished.id, plain.publish, wished.publish) == (plain.id, False, True)
        with pytest.raises(bot_test_runs.AlreadyRunningError):
            await bot_test_runs.start(session, person.principal, bot.id, rt)
    await drained(rt)
    assert (await detail(rt, person, plain.id)).published


async def test_what_was_changed_meanwhile_is_not_published_unseen(rt: Runtime, person: Person) -> None:
    bot = await make_knowing_bot(rt, person, published=False)
    await add(rt, person, bot, REFUND)
    async with rt.db.tenant(person.principal) as session:
        started = await bot_test_runs.start(session, person.principal, bot.id, rt, publish=True)
        await bots.change(session, person.principal, bot.id, BotPatch(name="Other"), rt)
        with pytest.raises(bot_test_runs.AlreadyRunningError):
            await bot_test_runs.start(session, person.principal, bot.id, rt, publish=True)
    await drained(rt)
    done = await detail(rt, person, started.id)
    assert (done.status, done.published) == ("done", False)
    assert "changed while" in done.publish_problem
    assert (await publication(rt, person, bot)).status == "draft"


async def test_a_run_that_finds_something_worse_does_not_publish(keyed: Runtime) -> None:
    rt, person = keyed, await sign_up(keyed)
    bot = await make_knowing_bot(rt, person, hold_changes=True)
    await add(rt, person, bot, BotTestCreate(question=REFUND.question, facts=["cited passage"]))
    worse = await change(rt, person, bot, model="stub-not-in-sources")
    done = await run(rt, person, worse, publish=True)
    assert (done.published, done.regressions) == (False, 1)
    assert REFUND.question in done.publish_problem
    assert (await publication(rt, person, worse)).published_version == bot.published_version


async def test_a_model_that_is_away_is_no_regression_and_publishes_nothing(keyed: Runtime) -> None:
    rt, person = keyed, await sign_up(keyed)
    bot = await make_knowing_bot(rt, person, hold_changes=True)
    [test] = await add(rt, person, bot, BotTestCreate(question=REFUND.question, facts=["cited passage"]))
    away = await change(rt, person, bot, model="stub-404")
    done = await run(rt, person, away, publish=True)
    assert (done.status, done.passed, done.regressions, done.unasked, done.published) == ("done", 0, 0, 1, False)
    assert "did not answer 1 test of 1" in done.publish_problem
    assert done.results[0].outcome == "unasked"
    assert await listed(rt, person, bot, outcome="unasked") == {REFUND.question: "unasked"}
    told = await publication(rt, person, away)
    assert (told.verdict, [one.id for one in told.unasked], told.regressed) == ("unasked", [test.id], [])
    with pytest.raises(gate.NotAskedError) as caught:
        await publish(rt, person, away)
    assert (caught.value.code, caught.value.details["tests"]) == ("tests_not_asked", [str(test.id)])
    told = await publish(rt, person, away, override=True)
    assert told.pending == []
    [entry] = await entries(rt, bot.id, "bot.publish_override")
    assert (entry.details["reason"], entry.details["tests"]) == ("unasked", [str(test.id)])

    back = await change(rt, person, away, model="stub-not-in-sources")
    beside = await run(rt, person, back, publish=True)
    assert (beside.results[0].outcome, beside.published) == ("unasked", False), "nobody knows what was answered before"
    again = await change(rt, person, back, model="")
    assert (await run(rt, person, again, publish=True)).published, "what passes needs nothing beside it"
