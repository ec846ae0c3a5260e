"""The tests of a bot: questions, each with what its answer must hold."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from chatbot_saas.core.errors import ConflictError, InvalidError, NotFoundError
from chatbot_saas.core.paging import Page, PageRequest, page_of
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.models import BotTest, BotTestResult, Conversation, Message
from chatbot_saas.schemas.bot_tests import (
    MAX_FACT,
    MAX_FACTS,
    BotTestCreate,
    BotTestPatch,
    BotTestRead,
    Origin,
)
from chatbot_saas.services import audit, bots
from chatbot_saas.services.bots import escape_like
from chatbot_saas.services.questions import folded
from chatbot_saas.services.revisions import require_unchanged

MAX_TESTS = 200
"""Of a bot: each run asks the model that often, or twice."""


class SameTestError(ConflictError):
    """There is a test with this question already. Change that one."""

    code = "test_exists"


def _with_outcomes() -> tuple[Any, Any]:
    """A query for tests with the outcome of their latest answer each, and that outcome as a column."""
    latest = (
        select(BotTestResult)
        .where(col(BotTestResult.test_id) == col(BotTest.id), col(BotTestResult.side) == "candidate")
        .order_by(col(BotTestResult.id).desc())
        .limit(1)
        .lateral()
    )
    candidate: Any = aliased(BotTestResult, latest)
    baseline: Any = aliased(BotTestResult)
    beside = (
        (baseline.run_id == candidate.run_id) & (baseline.test_id == col(BotTest.id)) & (baseline.side == "baseline")
    )
    outcome = case(
        (candidate.id.is_(None) | (candidate.created_at < col(BotTest.updated_at)), "not_run"),
        (candidate.passed, "passed"),
        (candidate.unasked | func.coalesce(baseline.unasked, False), "unasked"),
        (func.coalesce(baseline.passed, False), "regressed"),
        else_="failed",
    )
    return select(BotTest, outcome.label("outcome")).outerjoin(candidate, true()).outerjoin(baseline, beside), outcome


def _read(test: BotTest, outcome: str) -> BotTestRead:
    names = set(BotTestRead.model_fields) - {"outcome"}
    return BotTestRead.model_validate({name: getattr(test, name) for name in names} | {"outcome": outcome})


async def list_page(
    session: AsyncSession,
    principal: Tenant,
    bot_id: UUID,
    page: PageRequest,
    *,
    search: str = "",
    origin: str = "",
    outcome: str = "",
) -> Page[BotTestRead]:
    """Newest first. `search`: a part of the question or of a fact."""
    principal.require(Scope.BOTS_READ)
    await bots.load(session, principal, bot_id)
    query, found = _with_outcomes()
    query = query.where(col(BotTest.bot_id) == bot_id).order_by(col(BotTest.id).desc()).limit(page.limit + 1)
    if page.after:
        query = query.where(col(BotTest.id) < page.after)
    if search:
        pattern = f"%{escape_like(search)}%"
        facts = func.array_to_string(BotTest.facts, " ")
        query = query.where(col(BotTest.question).ilike(pattern) | facts.ilike(pattern))
    if origin:
        query = query.where(col(BotTest.origin) == origin)
    if outcome:
        query = query.where(found == outcome)
    items = [_read(row.BotTest, row.outcome) for row in (await session.execute(query)).all()]
    return page_of(items, [item.id for item in items], page.limit)


async def get(session: AsyncSession, principal: Tenant, test_id: UUID) -> BotTestRead:
    principal.require(Scope.BOTS_READ)
    test = await load(session, principal, test_id)
    query, _ = _with_outcomes()
    row = (await session.execute(query.where(col(BotTest.id) == test.id))).one()
    return _read(test, row.outcome)


async def load(session: AsyncSession, principal: Tenant, test_id: UUID, *, lock: bool = False) -> BotTest:
    test = await session.get(BotTest, test_id, with_for_update=lock or None)
    if test is None:
        raise NotFoundError("There is no such test.")
    principal.require_bot(test.bot_id)
    return test


async def create(session: AsyncSession, principal: Tenant, bot_id: UUID, request: BotTestCreate) -> BotTestRead:
    """Raises SameTestError for a question that is there already, InvalidError beyond MAX_TESTS."""
    [made] = await add(session, principal, bot_id, [request], origin="hand")
    return made


async def add(
    session: AsyncSession,
    principal: Tenant,
    bot_id: UUID,
    requests: Sequence[BotTestCreate],
    *,
    origin: Origin,
    source_ids: Sequence[UUID | None] = (),
    pass_over: bool = False,
) -> list[BotTestRead]:
    """`pass_over`: leave out what is there already, and what is too much, instead of raising."""
    principal.require(Scope.BOTS_WRITE)
    await bots.load(session, principal, bot_id, lock=True)  # two that add at once must see each other's
    known = await _known(session, bot_id)
    made: list[BotTest] = []
    for number, request in enumerate(requests):
        key = folded(request.question)
        if pass_over and (key in known or len(known) >= MAX_TESTS):
            continue
        _require_room(known, key)
        known[key] = None
        test = BotTest(
            tenant_id=principal.tenant_id,
            bot_id=bot_id,
            question=request.question,
            expectation=request.expectation,
            facts=request.facts if request.expectation == "facts" else [],
            origin=origin,
            source_id=source_ids[number] if source_ids else None,
            enabled=request.enabled,
        )
        session.add(test)
        audit.record(session, principal, "bot_test.create", test.id, name=request.question[:200])
        made.append(test)
    await session.flush()
    for test in made:
        await session.refresh(test, ["created_at", "updated_at"])
    return [_read(test, "not_run") for test in made]


async def _known(session: AsyncSession, bot_id: UUID) -> dict[str, UUID | None]:
    """The bot's questions, folded, with their tests."""
    query = select(col(BotTest.question), col(BotTest.id)).where(col(BotTest.bot_id) == bot_id)
    return {folded(question): test_id for question, test_id in (await session.execute(query)).all()}


async def known_questions(session: AsyncSession, principal: Tenant, bot_id: UUID) -> set[str]:
    """The questions of the bot's tests, folded."""
    principal.require(Scope.BOTS_READ)
    return set(await _known(session, bot_id))


def _require_room(known: dict[str, UUID | None], key: str) -> None:
    if key in known:
        raise SameTestError
    if len(known) >= MAX_TESTS:
        raise InvalidError(f"A bot has {MAX_TESTS} tests at most. Delete some that tell you nothing any more.")


async def change(
    session: AsyncSession,
    principal: Tenant,
    test_id: UUID,
    request: BotTestPatch,
    *,
    expected_version: int | None = None,
) -> BotTestRead:
    """Change the fields that were sent. `expected_version`: refuse if someone else changed the test meanwhile."""
    principal.require(Scope.BOTS_WRITE)
    test = await load(session, principal, test_id, lock=True)
    require_unchanged(test.updated_at, expected_version)
    values = {name: getattr(request, name) for name in request.model_fields_set}
    expectation, facts = values.get("expectation", test.expectation), values.get("facts", test.facts)
    if expectation == "facts" and not facts:
        raise InvalidError("Write at least one fact that the answer must hold.", field="facts")
    if expectation == "refusal" and facts:
        values["facts"] = []
    if "question" in values:
        same = (await _known(session, test.bot_id)).get(folded(values["question"]))
        if same not in (None, test.id):
            raise SameTestError
    changed = sorted(name for name, value in values.items() if getattr(test, name) != value)
    for name in changed:
        setattr(test, name, values[name])
    if changed:
        audit.record(session, principal, "bot_test.change", test.id, name=test.question[:200], changed=changed)
    await session.flush()
    await session.refresh(test)
    return await get(session, principal, test_id)


async def delete(
    session: AsyncSession, principal: Tenant, test_id: UUID, *, expected_version: int | None = None
) -> None:
    """The test with its answers in all runs. `expected_version`: as of `change`."""
    principal.require(Scope.BOTS_WRITE)
    test = await load(session, principal, test_id, lock=True)
    require_unchanged(test.updated_at, expected_version)
    audit.record(session, principal, "bot_test.delete", test.id, name=test.question[:200])
    await session.delete(test)
    await session.flush()


async def from_answer(session: AsyncSession, principal: Tenant, answer_id: UUID, facts: Sequence[str]) -> BotTestRead:
    """A test of the question that this answer was given to.

    `facts`: what the answer should have held, as the person corrected it; none: the bot should not answer at all.
    Raises NotFoundError for what is no answer, SameTestError where the question has a test.
    """
    principal.require(Scope.CONVERSATIONS_READ)
    answer = await session.get(Message, answer_id)
    question = await session.get(Message, answer.reply_to_id) if answer and answer.reply_to_id else None
    if answer is None or question is None:
        raise NotFoundError("There is no such answer.")
    principal.require_bot(answer.bot_id)
    conversation = await session.get_one(Conversation, answer.conversation_id)
    told = [fact.strip()[:MAX_FACT] for fact in facts if fact.strip()][:MAX_FACTS]
    request = BotTestCreate(question=question.text[:1000], expectation="facts" if told else "refusal", facts=told)
    origin: Origin = "playground" if conversation.channel == "playground" else "answer"
    [made] = await add(session, principal, answer.bot_id, [request], origin=origin)
    return made
