"""Whether a bot's settings may be published: its tests were run with them, and none got worse.

A failing test alone stops nothing: it may have failed before, and a bot with one weak answer is better than none.
What the published version answers rightly and the candidate does not, does stop it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, load_only
from sqlmodel import col

from chatbot_saas.core.errors import ConflictError
from chatbot_saas.core.tenancy import Tenant
from chatbot_saas.models import Bot, BotTest, BotTestResult, BotTestRun
from chatbot_saas.schemas.bot_tests import OPEN_RUNS, FailedTest, Outcome, Verdict
from chatbot_saas.services import audit, published


class HeldBackError(ConflictError):
    """The tests do not let these settings go out."""


class NotTestedError(HeldBackError):
    """The tests were not run with these settings and sources yet. Run them first."""

    code = "tests_not_run"


class RegressedError(HeldBackError):
    """Some tests that the published version passes fail with these settings."""

    code = "tests_regressed"


class NotAskedError(HeldBackError):
    """A model did not answer some tests, so nobody knows what got worse. Run them again."""

    code = "tests_not_asked"


class Side(Protocol):
    """An answer to a test."""

    @property
    def passed(self) -> bool: ...
    @property
    def unasked(self) -> bool: ...


def outcome_of(candidate: Side | None, baseline: Side | None) -> Outcome:
    """`baseline`: of the published version, if that was asked.

    What fails while the published version could not be asked may be worse, or not: nobody knows.
    """
    if candidate is None:
        return "not_run"
    if candidate.passed:
        return "passed"
    if candidate.unasked or (baseline and baseline.unasked):
        return "unasked"
    return "regressed" if baseline and baseline.passed else "failed"


@dataclass(frozen=True, slots=True)
class Looked:
    verdict: Verdict
    tests: int = 0
    regressed: list[FailedTest] = field(default_factory=list[FailedTest])
    failed: list[FailedTest] = field(default_factory=list[FailedTest])
    waiting: list[FailedTest] = field(default_factory=list[FailedTest])
    """Tests without an answer that counts."""
    unasked: list[FailedTest] = field(default_factory=list[FailedTest])
    """Tests that tell nothing, since a model did not answer."""
    run_id: UUID | None = None


async def look(session: AsyncSession, bot: Bot, settings: Mapping[str, Any]) -> Looked:
    """`settings`: those that are to be published. Counts the newest run that ended, if it was about the same things."""
    query = select(col(BotTestRun.id)).where(col(BotTestRun.bot_id) == bot.id, col(BotTestRun.status).in_(OPEN_RUNS))
    running = await session.scalar(query.limit(1))
    run = await _newest(session, bot, settings)
    rows = await _answers(session, bot, run.id if run else None)
    if not rows:
        return Looked("no_tests")
    named = {row.BotTest.id: FailedTest(id=row.BotTest.id, question=row.BotTest.question) for row in rows}
    outcomes = {row.BotTest.id: outcome_of(row.candidate, row.baseline) for row in rows}
    waiting = [
        named[row.BotTest.id]
        for row in rows
        if run is None or row.candidate is None or row.BotTest.updated_at > run.created_at
    ]
    regressed, failed, unasked = (
        [named[test_id] for test_id, outcome in outcomes.items() if outcome == wanted]
        for wanted in ("regressed", "failed", "unasked")
    )
    run_id = run.id if run else None
    live = await published.settings_of(session, bot.id, bot.published_version)
    if live is not None and published.answer_alike(live, settings):
        return Looked("clear", len(rows), [], [*regressed, *failed], waiting, run_id=run_id)  # nothing new would go out
    verdict: Verdict = "regressed" if regressed else "unasked" if unasked else "clear"
    if waiting:
        verdict = "running" if running else "not_run"
    return Looked(verdict, len(rows), regressed, failed, waiting, unasked, run_id)


async def require(
    session: AsyncSession, principal: Tenant, bot: Bot, settings: Mapping[str, Any], *, override: bool = False
) -> None:
    """Raises a HeldBackError, or with `override` records which tests were passed over."""
    seen = await look(session, bot, settings)
    if seen.verdict in ("no_tests", "clear"):
        return
    stopping = {"regressed": seen.regressed, "unasked": seen.unasked}.get(seen.verdict, seen.waiting)
    ids = [str(test.id) for test in stopping]
    if override:
        failing = [str(test.id) for test in (*seen.regressed, *seen.failed)]
        audit.record(
            session,
            principal,
            "bot.publish_override",
            bot.id,
            name=bot.name,
            reason=seen.verdict,
            tests=ids,
            failing=failing,
        )
        return
    if seen.verdict == "regressed":
        questions = ", ".join(f"“{test.question[:80]}”" for test in stopping[:3])
        more = f" and {len(stopping) - 3} more" if len(stopping) > 3 else ""
        raise RegressedError(
            f"{_count(len(stopping))} that the published version passes would fail: {questions}{more}.", tests=ids
        )
    if seen.verdict == "unasked":
        raise NotAskedError(
            f"A model did not answer {_count(len(stopping))} of {seen.tests}, so nobody knows what got worse. "
            "Run them again.",
            tests=ids,
        )
    if seen.verdict == "running":
        raise NotTestedError("The tests are being run. Publish when they are done.", tests=ids)
    raise NotTestedError(
        f"{_count(len(stopping))} of {seen.tests} not run with these settings and sources yet. Run them first.",
        tests=ids,
    )


def _count(number: int) -> str:
    return "1 test" if number == 1 else f"{number} tests"


async def _newest(session: AsyncSession, bot: Bot, settings: Mapping[str, Any]) -> BotTestRun | None:
    """The newest run that ended, if it was with these settings, over what the bot knows, beside what is published or
    was before these settings were."""
    query = select(BotTestRun).where(col(BotTestRun.bot_id) == bot.id, col(BotTestRun.status) == "done")
    run = await session.scalar(query.order_by(col(BotTestRun.id).desc()).limit(1))
    if run is None or run.knowledge_version != bot.knowledge_version:
        return None
    tried = await published.settings_of(session, bot.id, run.version)
    if tried is None or not published.answer_alike(tried, settings):
        return None
    if run.baseline_version == bot.published_version:
        return run
    live = await published.settings_of(session, bot.id, bot.published_version) or {}
    beside = await published.settings_of(session, bot.id, run.baseline_version)
    if published.answer_alike(live, settings):
        return run
    return run if beside is not None and published.answer_alike(beside, live) else None


async def _answers(session: AsyncSession, bot: Bot, run_id: UUID | None) -> list[Any]:
    """Each test that is enabled, with the run's answers of the candidate and of the published version."""
    candidate: Any = aliased(BotTestResult, name="candidate")
    baseline: Any = aliased(BotTestResult, name="baseline")

    def of(side: Any, name: str) -> Any:
        return (side.run_id == run_id) & (side.test_id == col(BotTest.id)) & (side.side == name)

    query = (
        select(BotTest, candidate, baseline)
        .outerjoin(candidate, of(candidate, "candidate"))
        .outerjoin(baseline, of(baseline, "baseline"))
        .where(col(BotTest.bot_id) == bot.id, col(BotTest.enabled))
        .options(*(load_only(side.passed, side.unasked) for side in (candidate, baseline)))
        .order_by(col(BotTest.id))
    )
    return list((await session.execute(query)).all())
