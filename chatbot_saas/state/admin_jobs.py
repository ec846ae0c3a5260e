"""The jobs of all tenants, for platform administrators."""

from typing import Any

import reflex as rx

from chatbot_saas.core.paging import Page, PageRequest
from chatbot_saas.core.tenancy import PlatformAdmin
from chatbot_saas.schemas.jobs import AdminJobRead, BulkRead, JobRead
from chatbot_saas.services import jobs
from chatbot_saas.services.auth import Identity
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.jobs import JobListState
from chatbot_saas.state.session import signed_in


class AdminJobsState(JobListState, rx.State):
    items: list[AdminJobRead] = []

    @signed_in(opens=True)
    async def load(self, principal: Identity):
        """Whoever is no administrator sees the page that is shown for an address that leads nowhere."""
        self.reset()
        return None if principal.admin is None else await self._show(principal.admin)

    def _acting(self, identity: Identity) -> PlatformAdmin:
        return identity.acting_admin

    def _keep(self) -> Any:
        return AdminJobsState.keep_watching

    async def _find(self, principal: PlatformAdmin, request: PageRequest, **wanted: Any) -> Page[AdminJobRead]:
        return await jobs.list_all(get_runtime(), principal, request, **wanted)

    async def _cancel(self, principal: PlatformAdmin, job_id: Any) -> JobRead:
        return await jobs.cancel_for_admin(get_runtime(), principal, job_id)

    async def _retry(self, principal: PlatformAdmin, job_id: Any) -> JobRead:
        return await jobs.retry_for_admin(get_runtime(), principal, job_id)

    async def _cancel_many(self, principal: PlatformAdmin, job_ids: list[Any]) -> BulkRead:
        return await jobs.cancel_many_for_admin(get_runtime(), principal, job_ids)

    async def _retry_many(self, principal: PlatformAdmin, job_ids: list[Any]) -> BulkRead:
        return await jobs.retry_many_for_admin(get_runtime(), principal, job_ids)
