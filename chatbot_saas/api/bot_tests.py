"""Tests of bots: questions with what their answers must hold, runs of them, and publishing what passed."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from chatbot_saas.api.dependencies import CallerFirst, PageDep, RuntimeDep, TenantDep, VersionDep, set_etag
from chatbot_saas.api.errors import errors
from chatbot_saas.api.idempotency import once
from chatbot_saas.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PreconditionFailedError,
    UnauthenticatedError,
)
from chatbot_saas.core.tenancy import Scope
from chatbot_saas.schemas.base import PageRead
from chatbot_saas.schemas.bot_tests import (
    BotTestCreate,
    BotTestPatch,
    BotTestRead,
    BotTestRunDetail,
    BotTestRunRead,
    Origin,
    Outcome,
    PublicationRead,
    PublishRequest,
    SuggestRequest,
    TestRunRequest,
)
from chatbot_saas.services import bot_test_ideas, bot_test_runs, bot_tests, publishing
from chatbot_saas.services.revisions import revision

router = APIRouter(
    route_class=CallerFirst,
    prefix="/api/v1",
    tags=["tests"],
    responses=errors(UnauthenticatedError, ForbiddenError, NotFoundError),
)
Search = Annotated[str, Query(max_length=200)]


@router.get("/bots/{bot_id}/tests")
async def list_tests(
    bot_id: UUID,
    rt: RuntimeDep,
    principal: TenantDep,
    page: PageDep,
    search: Search = "",
    origin: Origin | None = None,
    outcome: Outcome | None = None,
) -> PageRead[BotTestRead]:
    """Newest first, each with the outcome of its latest answer."""
    async with rt.db.tenant(principal) as session:
        found = await bot_tests.list_page(
            session, principal, bot_id, page, search=search, origin=origin or "", outcome=outcome or ""
        )
    return PageRead(items=found.items, next_cursor=found.next_cursor)


@router.post(
    "/bots/{bot_id}/tests",
    status_code=201,
    responses=errors(ConflictError, InvalidError),
    dependencies=[once(Scope.BOTS_WRITE, with_rows=True)],
)
async def create_test(bot_id: UUID, body: BotTestCreate, rt: RuntimeDep, principal: TenantDep) -> BotTestRead:
    """Add a test. Alternatives of a fact are written `30 days | a month`."""
    async with rt.db.tenant(principal) as session:
        return await bot_tests.create(session, principal, bot_id, body)


@router.post("/bots/{bot_id}/tests/suggest", status_code=201, dependencies=[once(Scope.BOTS_WRITE)])
async def suggest_tests(
    bot_id: UUID, rt: RuntimeDep, principal: TenantDep, body: SuggestRequest | None = None
) -> PageRead[BotTestRead]:
    """Add tests made from the bot's sources; none that is there already. Fewer, or none, where they hold too little."""
    count = (body or SuggestRequest()).count
    return PageRead(items=await bot_test_ideas.suggest(rt, principal, bot_id, count))


@router.get("/tests/{test_id}")
async def get_test(test_id: UUID, rt: RuntimeDep, principal: TenantDep, response: Response) -> BotTestRead:
    async with rt.db.tenant(principal) as session:
        test = await bot_tests.get(session, principal, test_id)
    set_etag(response, revision(test.updated_at))
    return test


@router.patch("/tests/{test_id}", responses=errors(ConflictError, InvalidError, PreconditionFailedError))
async def change_test(
    test_id: UUID, body: BotTestPatch, rt: RuntimeDep, principal: TenantDep, version: VersionDep, response: Response
) -> BotTestRead:
    """Change the fields that are sent."""
    async with rt.db.tenant(principal) as session:
        test = await bot_tests.change(session, principal, test_id, body, expected_version=version)
    set_etag(response, revision(test.updated_at))
    return test


@router.delete("/tests/{test_id}", status_code=204, responses=errors(PreconditionFailedError))
async def delete_test(test_id: UUID, rt: RuntimeDep, principal: TenantDep, version: VersionDep) -> None:
    """Remove the test with its answers in all runs."""
    async with rt.db.tenant(principal) as session:
        await bot_tests.delete(session, principal, test_id, expected_version=version)


@router.get("/bots/{bot_id}/test-runs")
async def list_runs(bot_id: UUID, rt: RuntimeDep, principal: TenantDep, page: PageDep) -> PageRead[BotTestRunRead]:
    """Newest first."""
    async with rt.db.tenant(principal) as session:
        found = await bot_test_runs.list_page(session, principal, bot_id, page)
    return PageRead(items=found.items, next_cursor=found.next_cursor)


@router.post(
    "/bots/{bot_id}/test-runs",
    status_code=202,
    responses=errors(bot_test_runs.NoTestsError, bot_test_runs.AlreadyRunningError),
    dependencies=[once(Scope.BOTS_WRITE, with_rows=True)],
)
async def start_run(
    bot_id: UUID, rt: RuntimeDep, principal: TenantDep, body: TestRunRequest | None = None
) -> BotTestRunRead:
    """Answer all tests that are switched on, with the bot's present settings and beside what is published.

    With `publish` the run publishes these settings at its end, as `POST /publish` would then; `publish_problem` says
    why it did not. A run that goes on with these settings already takes that over.
    """
    publish = body.publish if body else False
    async with rt.db.tenant(principal) as session:
        return await bot_test_runs.start(session, principal, bot_id, rt, publish=publish)


@router.get("/test-runs/{run_id}")
async def get_run(run_id: UUID, rt: RuntimeDep, principal: TenantDep) -> BotTestRunDetail:
    """How far it is, with its answers: the candidate's beside those of the published version."""
    async with rt.db.tenant(principal) as session:
        return await bot_test_runs.get(session, principal, run_id)


@router.post(
    "/test-runs/{run_id}/cancel", responses=errors(ConflictError), dependencies=[once(Scope.BOTS_WRITE, with_rows=True)]
)
async def cancel_run(run_id: UUID, rt: RuntimeDep, principal: TenantDep) -> BotTestRunRead:
    """Stop it. What was answered so far stays."""
    async with rt.db.tenant(principal) as session:
        return await bot_test_runs.cancel(session, principal, run_id)


@router.get("/bots/{bot_id}/publication")
async def get_publication(bot_id: UUID, rt: RuntimeDep, principal: TenantDep) -> PublicationRead:
    """What visitors get, which changes wait, and whether the tests let them go out."""
    async with rt.db.tenant(principal) as session:
        return await publishing.state(session, principal, bot_id)


@router.post(
    "/bots/{bot_id}/publish",
    responses=errors(ConflictError, PreconditionFailedError),
    dependencies=[once(Scope.BOTS_WRITE, with_rows=True)],
)
async def publish(
    bot_id: UUID, rt: RuntimeDep, principal: TenantDep, version: VersionDep, body: PublishRequest | None = None
) -> PublicationRead:
    """Give visitors the present settings.

    A bot with tests needs a run of them with these settings and sources (else `tests_not_run`) in which nothing that
    the published version answers rightly got worse (else `tests_regressed`) and no model failed to answer (else
    `tests_not_asked`); `override` publishes all the same.
    """
    override = body.override if body else False
    async with rt.db.tenant(principal) as session:
        return await publishing.publish(session, principal, bot_id, rt, expected_version=version, override=override)
