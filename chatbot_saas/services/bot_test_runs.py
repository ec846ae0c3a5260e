"""Runs of a bot's tests: each question is answered by the candidate, and by the published version beside it.

A run is a job that may be killed and begun again at any moment: an answer is a row that is written once for each test
and side, and how far the run is follows from the rows. No session is held while a question is answered.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from chatbot_saas.adapters.jobs import TESTS
from chatbot_saas.core.errors import ConflictError, DomainError, NotFoundError, PreconditionFailedError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.paging import Page, PageRequest, page_of
from chatbot_saas.core.tenancy import Scope, System, Tenant, tenant_for_job
from chatbot_saas.models import BotTest, BotTestResult, BotTestRun
from chatbot_saas.schemas.bot_tests import (
    OPEN_RUNS,
    BotTestResultRead,
    BotTestRunDetail,
    BotTestRunRead,
    SideAnswer,
)
from chatbot_saas.services import bots, facts, published, publishing, runs
from chatbot_saas.services.chat import Tried, try_out
from chatbot_saas.services.gate import outcome_of
from chatbot_saas.services.runtime import Runtime

log = get_logger(__name__)
RUN_TESTS = "run_bot_tests"
AT_ONCE = 3
"""Questions of a run that are answered at the same time."""
CANDIDATE, BASELINE = "candidate", "baseline"


class NoTestsError(ConflictError):
    """This bot has no test that is switched on. Write one, or let some be suggested from its sources."""

    code = "no_tests"


class AlreadyRunningError(ConflictError):
    """The tests of this bot are being run already."""

    code = "tests_running"


class _StoppedError(Exception):
    """The run was cancelled, or its bot or tenant is gone: there is nothing more to do."""


# --- asked for


async def start(
    session: AsyncSession, principal: Tenant, bot_id: UUID, rt: Runtime, *, publish: bool = False
) -> BotTestRunRead:
    """Run all tests that are switched on with the bot's present settings. One run of a bot at a time.

    `publish`: at the end, if the tests let it. Asked for twice, it is one run; one that goes on with these settings
    already takes it over.
    """
    principal.require(Scope.BOTS_WRITE)
    bot = await bots.load(session, principal, bot_id, lock=True)
    mine = col(BotTestRun.bot_id) == bot_id, col(BotTestRun.status).in_(OPEN_RUNS)
    going = await session.scalar(select(BotTestRun).where(*mine).limit(1).with_for_update())
    if going is not None:
        if not publish or going.version != bot.version:
            raise AlreadyRunningError
        if not going.publish:
            going.publish, going.user_id, going.api_key_id = True, principal.user_id, principal.api_key_id
            await session.flush()
            await session.refresh(going)
        return BotTestRunRead.model_validate(going)
    total = len(await _tests(session, bot_id))
    if not total:
        raise NoTestsError
    run = BotTestRun(
        tenant_id=principal.tenant_id,
        bot_id=bot_id,
        version=bot.version,
        baseline_version=bot.published_version,
        knowledge_version=bot.knowledge_version,
        total=total,
        publish=publish,
        user_id=principal.user_id,
        api_key_id=principal.api_key_id,
    )
    session.add(run)
    await session.flush()
    await _enqueue(session, rt, run)
    await session.refresh(run)
    return BotTestRunRead.model_validate(run)


async def _enqueue(session: AsyncSession, rt: Runtime, run: BotTestRun) -> None:
    lock = f"tests:{run.tenant_id}"  # a tenant's runs follow each other, so that no one takes all the places
    await rt.jobs.defer(session, RUN_TESTS, TESTS, lock=lock, tenant_id=run.tenant_id, run_id=run.id)


async def cancel(session: AsyncSession, principal: Tenant, run_id: UUID) -> BotTestRunRead:
    """What was answered so far stays."""
    principal.require(Scope.BOTS_WRITE)
    run = await _load(session, principal, run_id, lock=True)
    if run.status not in OPEN_RUNS:
        raise ConflictError("This run has ended.")
    run.status, run.finished_at = "cancelled", datetime.now(UTC)
    await session.flush()
    return BotTestRunRead.model_validate(run)


async def list_page(session: AsyncSession, principal: Tenant, bot_id: UUID, page: PageRequest) -> Page[BotTestRunRead]:
    """Newest first."""
    principal.require(Scope.BOTS_READ)
    await bots.load(session, principal, bot_id)
    query = select(BotTestRun).where(col(BotTestRun.bot_id) == bot_id).order_by(col(BotTestRun.id).desc())
    if page.after:
        query = query.where(col(BotTestRun.id) < page.after)
    rows = (await session.scalars(query.limit(page.limit + 1))).all()
    return page_of([BotTestRunRead.model_validate(row) for row in rows], [row.id for row in rows], page.limit)


async def get(session: AsyncSession, principal: Tenant, run_id: UUID) -> BotTestRunDetail:
    """With its answers, those that got worse first, then those that fail."""
    principal.require(Scope.BOTS_READ)
    run = await _load(session, principal, run_id)
    query = (
        select(BotTestResult, BotTest)
        .join(BotTest, col(BotTest.id) == col(BotTestResult.test_id))
        .where(col(BotTestResult.run_id) == run_id)
        .order_by(col(BotTestResult.test_id))
    )
    answers: dict[UUID, dict[str, BotTestResult]] = {}
    tests: dict[UUID, BotTest] = {}
    for result, test in (await session.execute(query)).all():
        answers.setdefault(test.id, {})[result.side] = result
        tests[test.id] = test
    results = [_result(tests[test_id], sides) for test_id, sides in answers.items()]
    rank = {"regressed": 0, "failed": 1, "unasked": 2, "not_run": 3, "passed": 4}
    results.sort(key=lambda result: rank[result.outcome])
    return BotTestRunDetail(**BotTestRunRead.model_validate(run).model_dump(), results=results)


def _result(test: BotTest, sides: dict[str, BotTestResult]) -> BotTestResultRead:
    candidate, baseline = sides.get(CANDIDATE), sides.get(BASELINE)
    return BotTestResultRead(
        test_id=test.id,
        question=(candidate or baseline or test).question,
        expectation=cast(Any, test.expectation),
        facts=test.facts,
        outcome=outcome_of(candidate, baseline),
        candidate=SideAnswer.model_validate(candidate) if candidate else None,
        baseline=SideAnswer.model_validate(baseline) if baseline else None,
    )


async def _load(session: AsyncSession, principal: Tenant, run_id: UUID, *, lock: bool = False) -> BotTestRun:
    run = await session.get(BotTestRun, run_id, with_for_update=lock or None)
    if run is None:
        raise NotFoundError("There is no such run.")
    principal.require_bot(run.bot_id)
    return run


async def _tests(session: AsyncSession, bot_id: UUID) -> Sequence[BotTest]:
    query = select(BotTest).where(col(BotTest.bot_id) == bot_id, col(BotTest.enabled)).order_by(col(BotTest.id))
    return (await session.scalars(query)).all()


# --- the job


async def run(rt: Runtime, tenant_id: UUID, run_id: UUID) -> None:
    """The job: answer what is not answered yet, and end the run."""
    principal = tenant_for_job(tenant_id)
    try:
        async with rt.db.tenant(principal) as session:
            row, todo = await _begin(session, tenant_id, run_id)
        places = asyncio.Semaphore(AT_ONCE)

        async def one(test: BotTest, side: str) -> None:
            async with places:
                await _answer(rt, principal, row, test, side)

        async with asyncio.TaskGroup() as group:
            for test, side in todo:
                group.create_task(one(test, side))
        async with rt.db.tenant(principal) as session:
            await _end(session, rt, row)
    except* (_StoppedError, NotFoundError):
        log.info("test_run_stopped", run_id=str(run_id))


async def _begin(session: AsyncSession, tenant_id: UUID, run_id: UUID) -> tuple[BotTestRun, list[tuple[BotTest, str]]]:
    """The run, and what it has to answer still."""
    row = await _own(session, run_id)
    if not await runs.is_active(session, tenant_id):
        raise _StoppedError  # `mend` comes back to it when the tenant is active again
    row.status, row.started_at = "running", row.started_at or datetime.now(UTC)
    sides = [CANDIDATE, BASELINE] if await _has_baseline(session, row) else [CANDIDATE]
    known = select(col(BotTestResult.test_id), col(BotTestResult.side)).where(col(BotTestResult.run_id) == run_id)
    done = {(found.test_id, found.side) for found in (await session.execute(known)).all()}
    tests = await _tests(session, row.bot_id)
    row.total = len(tests)
    return row, [(test, side) for test in tests for side in sides if (test.id, side) not in done]


async def _own(session: AsyncSession, run_id: UUID) -> BotTestRun:
    """The locked run, if it has not ended."""
    row = await session.get(BotTestRun, run_id, with_for_update=True)
    if row is None or row.status not in OPEN_RUNS:
        raise _StoppedError
    return row


async def _has_baseline(session: AsyncSession, row: BotTestRun) -> bool:
    """Whether the published version would answer otherwise than the candidate."""
    live = await published.settings_of(session, row.bot_id, row.baseline_version)
    candidate = await published.settings_of(session, row.bot_id, row.version)
    return live is not None and candidate is not None and not published.answer_alike(live, candidate)


async def _answer(rt: Runtime, principal: Tenant, row: BotTestRun, test: BotTest, side: str) -> None:
    async with rt.db.tenant(principal) as session:
        await _own(session, row.id)
    version = row.version if side == CANDIDATE else row.baseline_version
    tried = await try_out(rt, principal, row.bot_id, test.question, version=version)
    try:
        async with rt.db.tenant(principal) as session:
            await _own(session, row.id)
            await session.execute(_stored(row, test, side, tried))
            await _count(session, row.id)
    except IntegrityError:  # the test was deleted meanwhile
        log.info("tested_without_test", test_id=str(test.id))


def _stored(row: BotTestRun, test: BotTest, side: str, tried: Tried) -> Any:
    wrong = facts.missing(test.facts, tried.text) if test.expectation == "facts" else []
    right = not tried.answered if test.expectation == "refusal" else tried.answered and not wrong
    values = {
        "id": new_id(),
        "tenant_id": row.tenant_id,
        "bot_id": row.bot_id,
        "run_id": row.id,
        "test_id": test.id,
        "side": side,
        "question": test.question,
        "answer": tried.text,
        "answered": tried.answered,
        "passed": right and not tried.unasked,
        "unasked": tried.unasked,
        "missing": wrong,
        "sources": [citation.model_dump(mode="json") for citation in tried.citations],
        "trace": tried.trace,
    }
    return insert(BotTestResult).values(values).on_conflict_do_nothing()


async def _count(session: AsyncSession, run_id: UUID) -> None:
    """How far the run is, from its answers. A test is done when the candidate answered it."""
    candidate: Any = aliased(BotTestResult)
    baseline: Any = aliased(BotTestResult)
    passed_before, unasked_before = func.coalesce(baseline.passed, False), func.coalesce(baseline.unasked, False)
    unknown = ~candidate.passed & (candidate.unasked | unasked_before)
    worse = ~candidate.passed & ~candidate.unasked & passed_before
    beside = (
        (baseline.run_id == candidate.run_id) & (baseline.test_id == candidate.test_id) & (baseline.side == BASELINE)
    )
    query = (
        select(
            func.count(),
            func.count().filter(candidate.passed),
            func.count().filter(worse),
            func.count().filter(unknown),
        )
        .select_from(candidate)
        .outerjoin(baseline, beside)
        .where(candidate.run_id == run_id, candidate.side == CANDIDATE)
    )
    done, passed, regressions, unasked = (await session.execute(query)).one()
    counted = update(BotTestRun).where(col(BotTestRun.id) == run_id)
    await session.execute(counted.values(done=done, passed=passed, regressions=regressions, unasked=unasked))


async def _end(session: AsyncSession, rt: Runtime, run: BotTestRun) -> None:
    """End the run and publish, if that was wanted, in one transaction."""
    bot = await bots.load(
        session, tenant_for_job(run.tenant_id), run.bot_id, lock=True
    )  # before the run, as in `start`
    row = await _own(session, run.id)
    await _count(session, row.id)
    await session.refresh(row)
    row.status, row.finished_at, row.total = "done", datetime.now(UTC), row.done
    if not row.publish:
        return
    await session.flush()
    try:
        async with session.begin_nested():
            await publishing.publish(session, _who_asked(row), bot.id, rt, expected_version=row.version)
        row.published = True
    except PreconditionFailedError:
        row.publish_problem = "The bot was changed while its tests were run."
    except DomainError as error:
        row.publish_problem = error.message


def _who_asked(row: BotTestRun) -> Tenant:
    """Their right to publish was checked when they asked; the audit names them."""
    return replace(tenant_for_job(row.tenant_id), user_id=row.user_id, api_key_id=row.api_key_id)


async def fail(rt: Runtime, tenant_id: UUID, run_id: UUID, message: str) -> None:
    """The job had its tries: say so where the owner looks."""
    async with rt.db.tenant(tenant_for_job(tenant_id)) as session:
        row = await session.get(BotTestRun, run_id, with_for_update=True)
        if row is not None and row.status in OPEN_RUNS:
            row.status, row.error, row.finished_at = "failed", message, datetime.now(UTC)


async def mend(rt: Runtime) -> int:
    """Enqueue runs that the queue does not know any more, as those that stopped while their tenant was suspended."""
    async with rt.db.platform(System("lost test runs")) as session:
        query = select(BotTestRun).where(col(BotTestRun.status).in_(OPEN_RUNS)).with_for_update(skip_locked=True)
        open_runs = (await session.scalars(query)).all()
        known = {args["run_id"] for args in await rt.jobs.waiting(session, RUN_TESTS)} if open_runs else set[str]()
        lost = [row for row in open_runs if str(row.id) not in known and await runs.is_active(session, row.tenant_id)]
        for row in lost:
            await _enqueue(session, rt, row)
    return len(lost)
