"""The list of bots, and making one."""

import reflex as rx
from pydantic import ValidationError

from chatbot_saas.core.paging import PageRequest
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.bots import LANGUAGES, BotCreate, BotListItem
from chatbot_saas.services import bots
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.session import authorised
from chatbot_saas.state.trouble import told
from chatbot_saas.state.validation import problems_of

PAGE_SIZE = 20
STATUSES = ("all", "draft", "published", "paused")


class BotsState(rx.State):
    items: list[BotListItem] = []
    loaded: bool = False
    problem: str = ""
    search: str = ""
    status: str = "all"
    next_cursor: str = ""

    @rx.var
    def filtered(self) -> bool:
        return bool(self.search.strip()) or self.status != "all"

    @authorised(Scope.BOTS_READ, opens=True)
    async def load(self, principal: Tenant):
        await self._first_page(principal)

    @authorised(Scope.BOTS_READ)
    async def change_search(self, principal: Tenant, text: str):
        self.search = str(text)[:80]
        await self._first_page(principal)

    @authorised(Scope.BOTS_READ)
    async def change_filter(self, principal: Tenant, status: str | list[str]):
        self.status = str(status) if status in STATUSES else "all"
        await self._first_page(principal)

    @authorised(Scope.BOTS_READ)
    async def clear_filters(self, principal: Tenant):
        self.search, self.status = "", "all"
        await self._first_page(principal)

    @authorised(Scope.BOTS_READ)
    async def load_more(self, principal: Tenant):
        if self.next_cursor:
            items, self.next_cursor = await self._page(principal, self.next_cursor)
            self.items = [*self.items, *items]

    async def _first_page(self, principal: Tenant) -> None:
        with told(self):
            self.items, self.next_cursor = await self._page(principal, "")
            self.loaded = True

    async def _page(self, principal: Tenant, cursor: str) -> tuple[list[BotListItem], str]:
        status = "" if self.status == "all" else self.status
        async with get_runtime().db.tenant(principal) as session:
            page = await bots.list_page(
                session,
                principal,
                PageRequest(limit=PAGE_SIZE, cursor=cursor),
                search=self.search.strip(),
                status=status,
            )
        return page.items, page.next_cursor or ""


class NewBotState(rx.State):
    name: str = ""
    description: str = ""
    language: str = "auto"
    errors: dict[str, str] = {}
    creating: bool = False

    @authorised(Scope.BOTS_WRITE, opens=True)
    async def load(self, principal: Tenant):
        self.reset()

    @authorised(Scope.BOTS_WRITE)
    async def change_name(self, principal: Tenant, text: str):
        self.name = str(text)[:1000]
        self.errors = self._problems()

    @authorised(Scope.BOTS_WRITE)
    async def change_description(self, principal: Tenant, text: str):
        self.description = str(text)[:2000]
        self.errors = self._problems()

    @authorised(Scope.BOTS_WRITE)
    async def change_language(self, principal: Tenant, language: str):
        self.language = language if language in LANGUAGES else "auto"

    @authorised(Scope.BOTS_WRITE)
    async def create(self, principal: Tenant):
        self.errors = self._problems()
        if self.errors or self.creating:
            return
        self.creating = True
        yield
        try:
            request = BotCreate(name=self.name, description=self.description, language=self.language)
            async with get_runtime().db.tenant(principal) as session:
                bot = await bots.create(session, principal, request)
        finally:
            self.creating = False
        yield rx.redirect(f"/bots/{bot.id}/knowledge")

    def _problems(self) -> dict[str, str]:
        try:
            BotCreate(name=self.name, description=self.description, language=self.language)
        except ValidationError as error:
            return problems_of(error)
        return {}
