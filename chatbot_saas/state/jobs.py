"""What is being read and indexed, for the tenant; and what its page shares with the administrator's."""

from typing import Any

import reflex as rx

from chatbot_saas.core.paging import Page, PageRequest
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.jobs import OPEN, BulkRead, JobRead
from chatbot_saas.services import jobs
from chatbot_saas.services.auth import Identity
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.lists import LiveListState, watching
from chatbot_saas.state.session import signed_in

STATUSES = {
    "all": "All",
    "open": "In progress",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "succeeded": "Done",
}
MARKER = "data-jobs"


class JobListState(LiveListState, mixin=True):
    """Who acts, and over which jobs, is the subclass's matter; the services ask for the rights."""

    status: str = "all"
    selected: list[str] = []
    busy: bool = False
    """Many are being cancelled or retried."""

    @rx.var
    def filtered(self) -> bool:
        return bool(self.search.strip()) or self.status != "all"

    @rx.var
    def waiting(self) -> int:
        """Jobs of the list that nobody has begun with."""
        return sum(item.status == "queued" for item in self.items)

    @rx.var
    def stoppable(self) -> int:
        """Selected jobs that can be cancelled."""
        return len(self._chosen("cancel"))

    @rx.var
    def repeatable(self) -> int:
        """Selected jobs that can be tried again."""
        return len(self._chosen("retry"))

    @rx.var
    def all_selected(self) -> bool:
        return bool(self.selected) and len(self.selected) == len(self._selectable())

    @rx.var
    def any_selectable(self) -> bool:
        return bool(self._selectable())

    @signed_in(opens=True)
    async def load(self, principal: Identity):
        self.selected, self.busy = [], False
        return await self._show(self._acting(principal))

    @signed_in()
    async def change_search(self, principal: Identity, text: str):
        self.search = str(text)[:80]
        return await self._show(self._acting(principal))

    @signed_in()
    async def change_filter(self, principal: Identity, status: str):
        self.status = status if status in STATUSES else "all"
        return await self._show(self._acting(principal))

    @signed_in()
    async def clear_filters(self, principal: Identity):
        self.search, self.status = "", "all"
        return await self._show(self._acting(principal))

    @signed_in()
    async def load_more(self, principal: Identity):
        await self._next_page(self._acting(principal))
        return type(self).watch if self._active() else None

    @signed_in()
    async def toggle(self, principal: Identity, job_id: str, on: bool):
        self._acting(principal)
        wanted = str(uuid_of(job_id))
        others = [known for known in self.selected if known != wanted]
        self.selected = [*others, wanted] if on is True and wanted in self._selectable() else others

    @signed_in()
    async def toggle_all(self, principal: Identity, on: bool):
        """All that are shown and with which something can be done, or none."""
        self._acting(principal)
        self.selected = self._selectable() if on is True else []

    @signed_in()
    async def cancel(self, principal: Identity, job_id: str):
        job = await self._cancel(self._acting(principal), uuid_of(job_id))
        await self._refresh(principal)
        return rx.toast.info(f"{job.title} is cancelled.", description="Nothing of it is left half-indexed.")

    @signed_in()
    async def retry(self, principal: Identity, job_id: str):
        job = await self._retry(self._acting(principal), uuid_of(job_id))
        await self._refresh(principal)
        return [rx.toast.info(f"{job.title} is read again."), type(self).watch]

    @signed_in()
    async def cancel_selected(self, principal: Identity):
        acting, chosen = self._acting(principal), self._chosen("cancel")
        self.busy = True
        yield
        try:
            found = await self._cancel_many(acting, chosen)
        finally:
            self.busy = False
        self.selected = []
        await self._refresh(principal)
        yield _told(found, "cancelled")

    @signed_in()
    async def retry_selected(self, principal: Identity):
        acting, chosen = self._acting(principal), self._chosen("retry")
        self.busy = True
        yield
        try:
            found = await self._retry_many(acting, chosen)
        finally:
            self.busy = False
        self.selected = []
        await self._refresh(principal)
        yield [_told(found, "started again"), type(self).watch]

    @signed_in(background=True)
    async def watch(self, principal: Identity):
        """Follow jobs that are open."""
        self._acting(principal)
        async for event in watching(self, self._keep(), MARKER):
            yield event

    @signed_in()
    async def keep_watching(self, principal: Identity, page: str):
        """The page is still open."""
        self._acting(principal)
        return type(self).watch if page == "open" and self._active() else None

    def _keep(self) -> Any:
        """`keep_watching` of the subclass, which a background event cannot name by itself."""
        raise NotImplementedError

    async def _cancel(self, principal: Any, job_id: Any) -> JobRead:
        raise NotImplementedError

    async def _retry(self, principal: Any, job_id: Any) -> JobRead:
        raise NotImplementedError

    async def _cancel_many(self, principal: Any, job_ids: list[Any]) -> BulkRead:
        raise NotImplementedError

    async def _retry_many(self, principal: Any, job_ids: list[Any]) -> BulkRead:
        raise NotImplementedError

    def _wanted(self) -> dict[str, Any]:
        return {"search": self.search.strip(), "status": "" if self.status == "all" else self.status}

    def _active(self) -> bool:
        return any(item.status in OPEN for item in self.items)

    def _selectable(self) -> list[str]:
        return [str(item.id) for item in self.items if item.status in OPEN or item.retryable]

    def _chosen(self, action: str) -> list[Any]:
        """Ids of the selected jobs with which this can be done."""
        fits = {item.id for item in self.items if (item.status in OPEN if action == "cancel" else item.retryable)}
        return [job_id for job_id in map(uuid_of, self.selected) if job_id in fits]

    def _take(self, page: Page[Any]) -> None:
        super()._take(page)
        fits = set(self._selectable())
        self.selected = [job_id for job_id in self.selected if job_id in fits]

    async def _show(self, principal: Any) -> Any:
        """The first page, and the event that follows what is open on it."""
        await self._first_page(principal)
        self.selected = []
        return type(self).watch if self._active() else None

    async def _refresh(self, principal: Identity) -> None:
        """As many rows as are shown, as they are now."""
        page = await self._find(self._acting(principal), self._again(), **self._wanted())
        self._take(page)


class JobsState(JobListState, rx.State):
    items: list[JobRead] = []

    def _acting(self, identity: Identity) -> Tenant:
        identity.acting_tenant.require(Scope.SOURCES_READ)
        return identity.acting_tenant

    def _keep(self) -> Any:
        return JobsState.keep_watching

    async def _find(self, principal: Tenant, request: PageRequest, **wanted: Any) -> Page[JobRead]:
        async with get_runtime().db.tenant(principal) as session:
            return await jobs.list_page(session, principal, request, **wanted)

    async def _cancel(self, principal: Tenant, job_id: Any) -> JobRead:
        rt = get_runtime()
        async with rt.db.tenant(principal) as session:
            return await jobs.cancel(session, principal, job_id, rt)

    async def _retry(self, principal: Tenant, job_id: Any) -> JobRead:
        rt = get_runtime()
        async with rt.db.tenant(principal) as session:
            return await jobs.retry(session, principal, job_id, rt)

    async def _cancel_many(self, principal: Tenant, job_ids: list[Any]) -> BulkRead:
        return await jobs.cancel_many(get_runtime(), principal, job_ids)

    async def _retry_many(self, principal: Tenant, job_ids: list[Any]) -> BulkRead:
        return await jobs.retry_many(get_runtime(), principal, job_ids)


def _told(found: BulkRead, what: str) -> Any:
    """`12 jobs are cancelled. 1 had ended already.`"""
    if not found.done and not found.passed_over:
        return rx.toast.info("None of the selected jobs can be " + what + ".")
    done = f"{found.done} job is {what}." if found.done == 1 else f"{found.done} jobs are {what}."
    left = f"{found.passed_over} had changed meanwhile and stayed as they are." if found.passed_over else None
    return rx.toast.success(done, description=left)
