"""Who changed what, for the tenant's owners and administrators."""

import reflex as rx

from chatbot_saas.core.errors import ForbiddenError
from chatbot_saas.core.paging import Page, PageRequest
from chatbot_saas.core.tenancy import Tenant
from chatbot_saas.schemas.audit import AuditRead
from chatbot_saas.services import audit, receipts
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.receipts import ReceiptView, download, view_of
from chatbot_saas.state.session import authorised
from chatbot_saas.state.trouble import told

PAGE_SIZE = 50


class AuditState(rx.State):
    items: list[AuditRead] = []
    loaded: bool = False
    forbidden: bool = False
    problem: str = ""
    search: str = ""
    next_cursor: str = ""
    receipt: ReceiptView | None = None
    """The one that is open."""

    @authorised(opens=True)
    async def load(self, principal: Tenant):
        self.search, self.receipt = "", None
        await self._first_page(principal)

    @authorised()
    async def change_search(self, principal: Tenant, text: str):
        self.search = str(text)[:60]
        await self._first_page(principal)

    @authorised()
    async def load_more(self, principal: Tenant):
        if self.next_cursor:
            page = await self._page(principal, self.next_cursor)
            self.items, self.next_cursor = [*self.items, *page.items], page.next_cursor or ""

    @authorised()
    async def open_receipt(self, principal: Tenant, entry_id: str):
        """Show the receipt of a deletion; an empty id closes it."""
        self.receipt = None
        if entry_id:
            async with get_runtime().db.tenant(principal) as session:
                self.receipt = view_of(await receipts.get(session, principal, uuid_of(entry_id)))

    @authorised()
    async def download_receipt(self, principal: Tenant):
        return download(self.receipt)

    async def _first_page(self, principal: Tenant) -> None:
        self.forbidden = False
        with told(self):
            try:
                page = await self._page(principal, "")
            except ForbiddenError:
                self.items, self.forbidden = [], True
                return
            self.items, self.next_cursor = page.items, page.next_cursor or ""
            self.loaded = True

    async def _page(self, principal: Tenant, cursor: str) -> Page[AuditRead]:
        async with get_runtime().db.tenant(principal) as session:
            return await audit.list_page(
                session, principal, PageRequest(limit=PAGE_SIZE, cursor=cursor), search=self.search
            )
