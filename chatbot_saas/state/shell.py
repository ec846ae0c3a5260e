"""What the frame of every page shows: the person, the tenant and the bots to switch between."""

import reflex as rx

from chatbot_saas.core.paging import PageRequest
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.dashboard import BotLink, ShellUser
from chatbot_saas.services import auth, bots
from chatbot_saas.services.auth import Identity
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.session import authorised, signed_in

SWITCHER_BOTS = 8


class ShellState(rx.State):
    user: ShellUser = ShellUser()
    loaded: bool = False
    problem: str = ""
    bots: list[BotLink] = []
    bot_search: str = ""

    @signed_in(opens=True)
    async def load(self, principal: Identity):
        rt = get_runtime()
        me = await auth.me(rt, principal)
        scopes = principal.tenant.scopes if principal.tenant else frozenset[Scope]()
        self.user = ShellUser(
            email=me.email,
            initials=_initials(me.email),
            tenant_name=me.tenant.name if me.tenant else "",
            role=me.tenant.role if me.tenant else "",
            is_platform_admin=me.is_platform_admin,
            has_tenant=me.tenant is not None,
            can_write=Scope.BOTS_WRITE in scopes,
            can_manage_keys=Scope.KEYS_WRITE in scopes,
        )
        self.bot_search = ""
        self.bots = await _bot_links(principal.tenant, "") if principal.tenant else []
        self.loaded = True

    @authorised(Scope.BOTS_READ)
    async def open_switcher(self, principal: Tenant, opened: bool):
        """Names and bots may have changed since the page was loaded."""
        if opened is True:
            self.bot_search = ""
            self.bots = await _bot_links(principal, "")

    @authorised(Scope.BOTS_READ)
    async def search_bots(self, principal: Tenant, text: str):
        self.bot_search = str(text)[:80]
        self.bots = await _bot_links(principal, self.bot_search)


async def _bot_links(principal: Tenant, search: str) -> list[BotLink]:
    async with get_runtime().db.tenant(principal) as session:
        page = await bots.list_page(session, principal, PageRequest(limit=SWITCHER_BOTS), search=search.strip())
    return [BotLink.model_validate(item) for item in page.items]


def _initials(email: str) -> str:
    parts = [part for part in email.split("@")[0].replace("_", ".").replace("-", ".").split(".") if part]
    return "".join(part[0] for part in parts[:2]).upper() or "?"
