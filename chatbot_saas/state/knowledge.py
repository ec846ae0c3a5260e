"""The sources of the bot whose page is open, and their way from being added to ready."""

from typing import Any
from uuid import UUID

import reflex as rx

from chatbot_saas.core.errors import InvalidError, NotFoundError
from chatbot_saas.core.paging import Page, PageRequest
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.dashboard import SourceView
from chatbot_saas.services import sources
from chatbot_saas.services.auth import Identity
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state import source_acts
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.lists import LiveListState, watching
from chatbot_saas.state.receipts import ReceiptView, deleted_toast, download, view_of
from chatbot_saas.state.session import authorised, route_id

STATUSES = {
    "all": "Any status",
    "active": "In progress",
    "ready": "Ready",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
KINDS = {
    "all": "All types",
    "file": "Files",
    "url": "Web pages",
    "site": "Websites",
    "text": "Texts",
    "qa": "Questions",
}
MARKER = "data-knowledge"
COPIED = "window.uploadCopy || ''"
"""Where assets/upload.js says which source holds the same file already."""


class KnowledgeState(LiveListState, rx.State):
    items: list[SourceView] = []
    status: str = "all"
    kind: str = "all"
    highlighted: str = ""
    """Id of the source that holds what was added a second time."""
    said: str = ""
    """What a screen reader says of sources whose processing ended."""
    receipt: ReceiptView | None = None
    """Of the last deletion."""
    reading_receipt: bool = False
    _bot: str = ""
    """Whose sources `items` are."""
    _fresh_receipt: bool = False
    """The deletion led to this page: loading it must not take its receipt away."""

    @rx.var
    def filtered(self) -> bool:
        return bool(self.search.strip()) or self.status != "all" or self.kind != "all"

    @rx.var
    def any_ready(self) -> bool:
        return any(item.status == "ready" for item in self.items)

    @authorised(Scope.SOURCES_READ, opens=True)
    async def load(self, principal: Tenant):
        self.highlighted, self.said, self.reading_receipt = "", "", False
        if not self._fresh_receipt:
            self.receipt = None
        self._fresh_receipt = False
        if self._bot != str(route_id(self, "bot_id")):
            self._bot = str(route_id(self, "bot_id"))
            self.items, self.next_cursor = [], ""
            self.loaded = False
            self._unfiltered()
            yield
        yield await self._show(principal)

    @authorised(Scope.SOURCES_READ)
    async def refresh(self, principal: Tenant):
        """Something was added: show what it became."""
        self._unfiltered()
        return await self._show(principal)

    @authorised(Scope.SOURCES_READ)
    async def show_copy(self, principal: Tenant, source_id: str):
        """What was added is in this source already."""
        async with get_runtime().db.tenant(principal) as session:
            source = await sources.get(session, principal, uuid_of(source_id))
            [view] = await source_acts.views(session, principal, [source])
        if str(source.bot_id) != self._bot:
            raise NotFoundError
        self._unfiltered()
        await self._first_page(principal)
        if all(item.id != source.id for item in self.items):
            self.items = [view, *self.items]  # an old one, of a later page
        self.highlighted = str(source.id)
        self.said = f"You have this already: {source.title}."
        return rx.call_script("document.querySelector('[data-highlighted]')?.scrollIntoView({block: 'center'})")

    @authorised(Scope.SOURCES_READ)
    async def change_search(self, principal: Tenant, text: str):
        self.search = str(text)[:80]
        return await self._show(principal)

    @authorised(Scope.SOURCES_READ)
    async def change_filter(self, principal: Tenant, status: str):
        self.status = status if status in STATUSES else "all"
        return await self._show(principal)

    @authorised(Scope.SOURCES_READ)
    async def change_kind(self, principal: Tenant, kind: str):
        self.kind = kind if kind in KINDS else "all"
        return await self._show(principal)

    @authorised(Scope.SOURCES_READ)
    async def clear_filters(self, principal: Tenant):
        self._unfiltered()
        return await self._show(principal)

    @authorised(Scope.SOURCES_READ)
    async def load_more(self, principal: Tenant):
        await self._next_page(principal)
        return KnowledgeState.watch if self._active() else None

    @authorised(Scope.SOURCES_WRITE)
    async def cancel(self, principal: Tenant, source_id: str):
        source = await source_acts.cancel(principal, source_id)
        self._put(source)
        return rx.toast.info(f"{source.title} is cancelled.")

    @authorised(Scope.SOURCES_WRITE)
    async def reindex(self, principal: Tenant, source_id: str):
        source = await source_acts.reindex(principal, source_id)
        self._put(source)
        return [rx.toast.info(f"{source.title} is read again."), KnowledgeState.watch]

    @authorised(Scope.SOURCES_WRITE)
    async def change_refresh(self, principal: Tenant, source_id: str, refresh: str):
        source = await source_acts.change_refresh(principal, source_id, refresh)
        self._put(source)
        return source_acts.refresh_toast(source)

    @authorised(Scope.SOURCES_WRITE)
    async def delete(self, principal: Tenant, source_id: str):
        receipt = await sources.delete(get_runtime(), principal, uuid_of(source_id))
        self.receipt = view_of(receipt)
        await self._first_page(principal)
        return deleted_toast(f"{receipt.title} is deleted.", receipt, "above the list")

    @authorised(Scope.SOURCES_READ)
    async def open_receipt(self, principal: Tenant, is_open: bool):
        self.reading_receipt = is_open is True and self.receipt is not None

    @authorised(Scope.SOURCES_READ)
    async def download_receipt(self, principal: Tenant):
        return download(self.receipt)

    @authorised(Scope.SOURCES_READ)
    async def dismiss_receipt(self, principal: Tenant):
        self.receipt, self.reading_receipt = None, False

    @authorised(Scope.SOURCES_READ, background=True)
    async def watch(self, principal: Tenant):
        """Follow sources that are being processed."""
        try:
            async for event in watching(self, KnowledgeState.keep_watching, MARKER):
                yield event
        except NotFoundError:
            return  # the bot was deleted meanwhile

    @authorised(Scope.SOURCES_READ)
    async def keep_watching(self, principal: Tenant, page: str):
        """The page is still open."""
        return KnowledgeState.watch if page == "open" and self._active() else None

    def _active(self) -> bool:
        return any(item.active for item in self.items)

    def _acting(self, identity: Identity) -> Tenant:
        tenant = identity.acting_tenant
        tenant.require(Scope.SOURCES_READ)
        return tenant

    def _wanted(self) -> dict[str, Any]:
        chosen = {"status": self.status, "kind": self.kind}
        return {
            "bot_id": self._bot,
            "search": self.search.strip(),
            **{name: "" if value == "all" else value for name, value in chosen.items()},
        }

    async def _find(self, principal: Tenant, request: PageRequest, **wanted: Any) -> Page[SourceView]:
        bot_id = wanted.pop("bot_id")
        if not bot_id:
            raise InvalidError("Open a bot first.")
        async with get_runtime().db.tenant(principal) as session:
            page = await sources.list_page(session, principal, UUID(bot_id), request, **wanted)
            return Page(await source_acts.views(session, principal, page.items), page.next_cursor)

    def _take(self, page: Page[Any]) -> None:
        before = {item.id: item for item in self.items}
        ended = [item for item in page.items if not item.active and item.id in before and before[item.id].active]
        super()._take(page)
        if ended:
            self.said = " ".join(f"{item.title}: {item.status}." for item in ended)

    def _unfiltered(self) -> None:
        self.search, self.status, self.kind = "", "all", "all"

    def _put(self, source: SourceView) -> None:
        self.items = [source if item.id == source.id else item for item in self.items]

    async def _show(self, principal: Tenant) -> Any:
        """The first page, and the event that follows what is being processed on it."""
        self.highlighted = ""
        await self._first_page(principal)
        return KnowledgeState.watch if self._active() else None
