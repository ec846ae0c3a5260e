"""The tenant's jobs: what is being read and indexed, what ended how. services.runs keeps their rows."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from chatbot_saas.core.errors import ConflictError, InvalidError, NotFoundError
from chatbot_saas.core.paging import Page, PageRequest, page_of
from chatbot_saas.core.tenancy import PlatformAdmin, Scope, Tenant, tenant_for_job
from chatbot_saas.models import Bot, Job, Source, TenantRow
from chatbot_saas.schemas.jobs import OPEN, AdminJobRead, BulkRead, JobRead
from chatbot_saas.services import bots, sources
from chatbot_saas.services.bots import escape_like
from chatbot_saas.services.runtime import Runtime

MAX_BULK = 500
_JOINED = {"source_type", "title", "bot_name", "error", "retryable", "tenant_name"}


def _query() -> Any:
    later: Any = aliased(Job)
    newest = ~select(later.id).where(later.source_id == col(Job.source_id), later.run > col(Job.run)).exists()
    return (
        select(Job, col(Source.type), col(Source.title), col(Bot.name), newest.label("newest"))
        .join(Source, col(Source.id) == col(Job.source_id))
        .join(Bot, col(Bot.id) == col(Job.bot_id))
    )


def _filtered(query: Any, page: PageRequest, search: str, status: str) -> Any:
    """`status` is one of a job, or "open" for all that have not ended."""
    query = query.order_by(col(Job.id).desc()).limit(page.limit + 1)
    if page.after:
        query = query.where(col(Job.id) < page.after)
    if search:
        query = query.where(col(Source.title).ilike(f"%{escape_like(search)}%"))
    if status == "open":
        query = query.where(col(Job.status).in_(OPEN))
    elif status:
        query = query.where(col(Job.status) == status)
    return query


def _read(row: Any) -> JobRead:
    fields = set(JobRead.model_fields) - _JOINED
    retryable = row.newest and row.Job.status in ("failed", "cancelled")
    joined = {"source_type": row.type, "title": row.title, "bot_name": row.name, "retryable": retryable}
    return JobRead(error=sources.error_of(row.Job), **joined, **{name: getattr(row.Job, name) for name in fields})


def _read_for_admin(row: Any) -> AdminJobRead:
    return AdminJobRead(**dict(_read(row)), tenant_id=row.Job.tenant_id, tenant_name=row.tenant_name)


async def list_page(
    session: AsyncSession,
    principal: Tenant,
    page: PageRequest,
    *,
    bot_id: UUID | None = None,
    source_id: UUID | None = None,
    search: str = "",
    status: str = "",
) -> Page[JobRead]:
    """Newest first."""
    principal.require(Scope.SOURCES_READ)
    query = _filtered(_query(), page, search, status)
    if bot_id:
        await bots.load(session, principal, bot_id)
        query = query.where(col(Job.bot_id) == bot_id)
    if source_id:
        await sources.load(session, principal, source_id)
        query = query.where(col(Job.source_id) == source_id)
    if principal.bot_ids is not None:
        query = query.where(col(Job.bot_id).in_(principal.bot_ids))
    rows = (await session.execute(query)).all()
    return page_of([_read(row) for row in rows], [row.Job.id for row in rows], page.limit)


async def get(session: AsyncSession, principal: Tenant, job_id: UUID) -> JobRead:
    principal.require(Scope.SOURCES_READ)
    return await _find(session, principal, job_id)


async def _find(session: AsyncSession, principal: Tenant, job_id: UUID) -> JobRead:
    row = (await session.execute(_query().where(col(Job.id) == job_id))).first()
    if row is None:
        raise NotFoundError("There is no such job.")
    principal.require_bot(row.Job.bot_id)
    return _read(row)


async def cancel(session: AsyncSession, principal: Tenant, job_id: UUID, rt: Runtime) -> JobRead:
    """Stop it within seconds; nothing half-indexed stays."""
    principal.require(Scope.SOURCES_WRITE)
    job = await _find(session, principal, job_id)
    if not job.open:
        raise ConflictError("This job has ended already.")
    await sources.cancel(session, principal, job.source_id, rt)
    return await _again(session, principal, job_id)


async def retry(session: AsyncSession, principal: Tenant, job_id: UUID, rt: Runtime) -> JobRead:
    """Read the job's source again; the answer is the new job."""
    principal.require(Scope.SOURCES_WRITE)
    job = await _find(session, principal, job_id)
    if job.open:
        raise ConflictError("This job has not ended yet. Wait, or cancel it first.")
    await sources.reindex(session, principal, job.source_id, rt)
    newest = select(col(Job.id)).where(col(Job.source_id) == job.source_id).order_by(col(Job.run).desc()).limit(1)
    return await _again(session, principal, (await session.execute(newest)).scalar_one())


async def _again(session: AsyncSession, principal: Tenant, job_id: UUID) -> JobRead:
    session.expire_all()  # the rows were changed by statements
    return await _find(session, principal, job_id)


async def cancel_many(rt: Runtime, principal: Tenant, job_ids: Iterable[UUID]) -> BulkRead:
    """At most MAX_BULK, each in a transaction of its own."""
    principal.require(Scope.SOURCES_WRITE)
    return await _many(job_ids, lambda job_id: _alone(rt, principal, cancel, job_id))


async def retry_many(rt: Runtime, principal: Tenant, job_ids: Iterable[UUID]) -> BulkRead:
    """At most MAX_BULK, each in a transaction of its own."""
    principal.require(Scope.SOURCES_WRITE)
    return await _many(job_ids, lambda job_id: _alone(rt, principal, retry, job_id))


async def _alone(rt: Runtime, principal: Tenant, act: Callable[..., Awaitable[JobRead]], job_id: UUID) -> JobRead:
    async with rt.db.tenant(principal) as session:
        return await act(session, principal, job_id, rt)


async def _many(job_ids: Iterable[UUID], act: Callable[[UUID], Awaitable[JobRead]]) -> BulkRead:
    # newest first: those that still wait leave before they would take the places of those under way
    wanted = sorted(set(job_ids), reverse=True)
    if len(wanted) > MAX_BULK:
        raise InvalidError(f"Choose at most {MAX_BULK} jobs at once.")
    done = 0
    for job_id in wanted:
        try:
            await act(job_id)
            done += 1
        except (ConflictError, NotFoundError):
            continue
    return BulkRead(done=done, passed_over=len(wanted) - done)


async def list_all(
    rt: Runtime, admin: PlatformAdmin, page: PageRequest, *, search: str = "", status: str = ""
) -> Page[AdminJobRead]:
    """Over all tenants, newest first. `search`: in titles and tenants' names."""
    query = _filtered(_query(), page, "", status).add_columns(col(TenantRow.name).label("tenant_name"))
    query = query.join(TenantRow, col(TenantRow.id) == col(Job.tenant_id))
    if search:
        words = f"%{escape_like(search)}%"
        query = query.where(col(Source.title).ilike(words) | col(TenantRow.name).ilike(words))
    async with rt.db.platform(admin) as session:
        rows = (await session.execute(query)).all()
    return page_of([_read_for_admin(row) for row in rows], [row.Job.id for row in rows], page.limit)


async def cancel_for_admin(rt: Runtime, admin: PlatformAdmin, job_id: UUID) -> JobRead:
    return await _alone(rt, await _tenant_of(rt, admin, job_id), cancel, job_id)


async def retry_for_admin(rt: Runtime, admin: PlatformAdmin, job_id: UUID) -> JobRead:
    return await _alone(rt, await _tenant_of(rt, admin, job_id), retry, job_id)


async def cancel_many_for_admin(rt: Runtime, admin: PlatformAdmin, job_ids: Iterable[UUID]) -> BulkRead:
    return await _many(job_ids, lambda job_id: cancel_for_admin(rt, admin, job_id))


async def retry_many_for_admin(rt: Runtime, admin: PlatformAdmin, job_ids: Iterable[UUID]) -> BulkRead:
    return await _many(job_ids, lambda job_id: retry_for_admin(rt, admin, job_id))


async def _tenant_of(rt: Runtime, admin: PlatformAdmin, job_id: UUID) -> Tenant:
    """The job's tenant, to act inside it; its audit log then tells that an administrator did."""
    async with rt.db.platform(admin) as session:
        tenant_id = await session.scalar(select(col(Job.tenant_id)).where(col(Job.id) == job_id))
    if tenant_id is None:
        raise NotFoundError("There is no such job.")
    return replace(tenant_for_job(tenant_id), user_id=admin.user_id)
