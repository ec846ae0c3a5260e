"""The overview: counts of today and the first steps."""

import reflex as rx

from chatbot_saas.core.paging import PageRequest
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.usage import OverviewRead
from chatbot_saas.services import bots, conversations, usage
from chatbot_saas.services.auth import Identity
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.session import authorised, signed_in


class OverviewState(rx.State):
    counts: OverviewRead | None = None
    problem: str = ""
    first_bot_path: str = "/bots"
    tried: bool = False
    """Somebody asked a bot something, in the playground or on a website."""

    @rx.var
    def steps_left(self) -> bool:
        counts = self.counts
        return counts is not None and not (counts.documents and counts.published_bots and self.tried)

    @authorised(Scope.USAGE_READ, Scope.BOTS_READ, opens=True)
    async def load(self, principal: Tenant):
        async with get_runtime().db.tenant(principal) as session:
            counts = await usage.overview(session, principal)
            newest = await bots.list_page(session, principal, PageRequest(limit=1))
            tries = await conversations.list_page(session, principal, PageRequest(limit=1), channel="playground")
        self.first_bot_path = f"/bots/{newest.items[0].id}" if newest.items else "/bots"
        self.tried = bool(tries.items) or counts.conversations > 0
        self.counts = counts


class HomeState(rx.State):
    problem: str = ""

    @signed_in(opens=True)
    async def enter(self, principal: Identity):
        """From / to where this person's work is."""
        return rx.redirect("/overview" if principal.tenant else "/admin/tenants", replace=True)
