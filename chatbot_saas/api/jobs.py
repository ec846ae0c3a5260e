from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from chatbot_saas.api.dependencies import AdminDep, PageDep, RuntimeDep, TenantDep
from chatbot_saas.api.errors import errors
from chatbot_saas.api.idempotency import once
from chatbot_saas.core.errors import ConflictError, ForbiddenError, NotFoundError, UnauthenticatedError
from chatbot_saas.core.tenancy import Scope
from chatbot_saas.schemas.base import PageRead
from chatbot_saas.schemas.jobs import AdminJobRead, JobRead, JobStatus
from chatbot_saas.services import jobs

router = APIRouter(
    prefix="/api/v1", tags=["jobs"], responses=errors(UnauthenticatedError, ForbiddenError, NotFoundError)
)
Search = Annotated[str, Query(max_length=200)]
Wanted = JobStatus | Literal["open"] | None


@router.get("/jobs")
async def list_jobs(
    rt: RuntimeDep,
    principal: TenantDep,
    page: PageDep,
    bot_id: UUID | None = None,
    source_id: UUID | None = None,
    search: Search = "",
    status: Wanted = None,
) -> PageRead[JobRead]:
    async with rt.db.tenant(principal) as session:
        found = await jobs.list_page(
            session, principal, page, bot_id=bot_id, source_id=source_id, search=search, status=status or ""
        )
    return PageRead(items=found.items, next_cursor=found.next_cursor)


@router.get("/jobs/{job_id}")
async def get_job(job_id: UUID, rt: RuntimeDep, principal: TenantDep) -> JobRead:
    async with rt.db.tenant(principal) as session:
        return await jobs.get(session, principal, job_id)


@router.post(
    "/jobs/{job_id}/cancel", responses=errors(ConflictError), dependencies=[once(Scope.SOURCES_WRITE, with_rows=True)]
)
async def cancel_job(job_id: UUID, rt: RuntimeDep, principal: TenantDep) -> JobRead:
    async with rt.db.tenant(principal) as session:
        return await jobs.cancel(session, principal, job_id, rt)


@router.post(
    "/jobs/{job_id}/retry",
    status_code=202,
    responses=errors(ConflictError),
    dependencies=[once(Scope.SOURCES_WRITE, with_rows=True)],
)
async def retry_job(job_id: UUID, rt: RuntimeDep, principal: TenantDep) -> JobRead:
    """Read the job's source again. The answer is the new job."""
    async with rt.db.tenant(principal) as session:
        return await jobs.retry(session, principal, job_id, rt)


@router.get("/admin/jobs", tags=["administration"])
async def list_all_jobs(
    rt: RuntimeDep, admin: AdminDep, page: PageDep, search: Search = "", status: Wanted = None
) -> PageRead[AdminJobRead]:
    found = await jobs.list_all(rt, admin, page, search=search, status=status or "")
    return PageRead(items=found.items, next_cursor=found.next_cursor)


@router.post("/admin/jobs/{job_id}/cancel", tags=["administration"], responses=errors(ConflictError))
async def cancel_any_job(job_id: UUID, rt: RuntimeDep, admin: AdminDep) -> JobRead:
    return await jobs.cancel_for_admin(rt, admin, job_id)


@router.post("/admin/jobs/{job_id}/retry", tags=["administration"], status_code=202, responses=errors(ConflictError))
async def retry_any_job(job_id: UUID, rt: RuntimeDep, admin: AdminDep) -> JobRead:
    return await jobs.retry_for_admin(rt, admin, job_id)
