"""Keeps web sources current: starts what is due, and stops what only costs."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlmodel import col

from chatbot_saas.core.tenancy import System, tenant_for_job
from chatbot_saas.models import Source, TenantRow
from chatbot_saas.services import runs
from chatbot_saas.services.runtime import Runtime

INTERVALS = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(weeks=1)}
MOST_FAILURES = 5
"""In a row; a page or source that fails so often is asked no more until somebody says so."""
_AT_ONCE = 50
_GIVEN_UP = "It failed {count} times in a row and is not tried again by itself. Retry it once the website works."


def schedule(source: Source, refresh: str) -> None:
    """Refresh the source hourly, daily, weekly, or by hand only (empty)."""
    source.refresh = refresh
    source.next_refresh_at = datetime.now(UTC) + INTERVALS[refresh] if refresh else None


def after_failure(source: Source, message: str) -> str:
    """Count a run that failed, and give up refreshing after too many; returns the message for the owner."""
    if not source.url:
        return message
    source.failures += 1
    if source.failures < MOST_FAILURES or not source.refresh:
        return message
    source.next_refresh_at = None
    return f"{message} {_GIVEN_UP.format(count=source.failures)}"


async def start_due(rt: Runtime) -> int:
    """Begin the refreshes whose time has come, of tenants that are active; returns how many."""
    due = (
        col(Source.next_refresh_at) <= datetime.now(UTC),
        col(Source.status).in_(("ready", "failed")),
    )
    async with rt.db.platform(System("scheduled refresh")) as session:
        found = await session.execute(
            select(col(Source.tenant_id), col(Source.id))
            .join(TenantRow, col(TenantRow.id) == col(Source.tenant_id))
            .where(*due, col(TenantRow.status) == "active")
            .order_by(col(Source.next_refresh_at))
            .limit(_AT_ONCE)
        )
        wanted = found.all()
    begun = 0
    for tenant_id, source_id in wanted:  # one at a time: whoever begins a run holds its tenant's places
        async with rt.db.tenant(tenant_for_job(tenant_id)) as session:
            query = select(Source).where(col(Source.id) == source_id, *due).with_for_update(skip_locked=True)
            if source := await session.scalar(query):
                schedule(source, source.refresh)
                await runs.begin_again(session, rt, source, "refresh")
                begun += 1
    return begun
