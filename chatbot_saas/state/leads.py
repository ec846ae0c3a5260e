"""What visitors left: messages, wishes to talk to a person, ratings."""

from typing import Any, get_args
from urllib.parse import urlencode

import reflex as rx

from chatbot_saas.core.paging import Page, PageRequest
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.leads import LeadKind, LeadRead
from chatbot_saas.services import leads
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.lists import ALL_BOTS, ByBotState
from chatbot_saas.state.session import authorised

EVERYTHING = "all"
KINDS = get_args(LeadKind)


class LeadsState(ByBotState, rx.State):
    items: list[LeadRead] = []
    kind: str = EVERYTHING

    @rx.var
    def filtered(self) -> bool:
        return bool(self.search.strip()) or self.bot_id != ALL_BOTS or self.kind != EVERYTHING

    @rx.var(deps=["search", "bot_id", "kind"])
    def export(self) -> str:
        """Where the file is of what the filters let through."""
        wanted = {name: str(value) for name, value in self._wanted().items() if value}
        return "/api/v1/leads.csv" + (f"?{urlencode(wanted)}" if wanted else "")

    @authorised(Scope.LEADS_READ, Scope.BOTS_READ, opens=True)
    async def load(self, principal: Tenant):
        await self._open(principal)

    @authorised(Scope.LEADS_READ)
    async def change_search(self, principal: Tenant, text: str):
        self.search = str(text)[:200]
        await self._first_page(principal)

    @authorised(Scope.LEADS_READ)
    async def change_bot(self, principal: Tenant, bot_id: str):
        self._choose_bot(bot_id)
        await self._first_page(principal)

    @authorised(Scope.LEADS_READ)
    async def change_kind(self, principal: Tenant, kind: str):
        self.kind = kind if kind in KINDS else EVERYTHING
        await self._first_page(principal)

    @authorised(Scope.LEADS_READ)
    async def clear_filters(self, principal: Tenant):
        self.search, self.bot_id, self.kind = "", ALL_BOTS, EVERYTHING
        await self._first_page(principal)

    @authorised(Scope.LEADS_READ)
    async def load_more(self, principal: Tenant):
        await self._next_page(principal)

    @authorised(Scope.LEADS_WRITE)
    async def delete(self, principal: Tenant, lead_id: str):
        wanted = uuid_of(lead_id)
        async with get_runtime().db.tenant(principal) as session:
            await leads.delete(session, principal, wanted)
        self.items = [item for item in self.items if item.id != wanted]
        return rx.toast.success("It is deleted.")

    def _wanted(self) -> dict[str, Any]:
        return {**super()._wanted(), "kind": "" if self.kind == EVERYTHING else self.kind}

    async def _find(self, principal: Tenant, request: PageRequest, **wanted: Any) -> Page[LeadRead]:
        async with get_runtime().db.tenant(principal) as session:
            return await leads.list_page(session, principal, request, **wanted)
