"""API keys: what they may do, making one, revoking one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import reflex as rx
from pydantic import ValidationError

from chatbot_saas.core.paging import Page, PageRequest
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.api_keys import ApiKeyCreate, ApiKeyRead
from chatbot_saas.schemas.dashboard import BotLink
from chatbot_saas.services import api_keys, bots
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.lists import ListState
from chatbot_saas.state.session import authorised
from chatbot_saas.state.validation import problems_of

SCOPES = {
    Scope.CHAT: "Ask bots and get answers",
    Scope.BOTS_READ: "List bots and read their settings",
    Scope.BOTS_WRITE: "Create, change and delete bots",
    Scope.SOURCES_READ: "List documents and search in them",
    Scope.SOURCES_WRITE: "Upload, re-index and delete documents",
    Scope.CONVERSATIONS_READ: "Read what visitors asked",
    Scope.CONVERSATIONS_WRITE: "Delete conversations",
    Scope.LEADS_READ: "Read the messages that visitors left",
    Scope.LEADS_WRITE: "Delete the messages that visitors left",
    Scope.USAGE_READ: "Read usage and cost",
    Scope.KEYS_WRITE: "Create and revoke API keys",
}
"""Scopes that a key can be given here, and what each allows."""
LIVES = {"never": "Never", "30": "In 30 days", "90": "In 90 days", "365": "In a year"}


class KeysState(ListState, rx.State):
    items: list[ApiKeyRead] = []
    bots: list[BotLink] = []
    public_url: str = ""
    now: str = ""
    """When the list was loaded, in the form in which times reach the browser: tells which keys have expired."""
    # the dialog
    creating: bool = False
    name: str = ""
    scopes: list[str] = [Scope.CHAT.value]
    some_bots: bool = False
    bot_ids: list[str] = []
    life: str = "never"
    addresses: str = ""
    """One network a line, or with commas between."""
    per_minute: str = ""
    errors: dict[str, str] = {}
    created_key: str = ""
    """Shown until the dialog is closed, and then nowhere."""

    @authorised(Scope.KEYS_WRITE, opens=True)
    async def load(self, principal: Tenant):
        self.public_url = get_runtime().settings.public_url.rstrip("/")
        self._clear_form()
        await self._first_page(principal)

    @authorised(Scope.KEYS_WRITE)
    async def change_search(self, principal: Tenant, text: str):
        self.search = str(text)[:80]
        await self._first_page(principal)

    @authorised(Scope.KEYS_WRITE)
    async def load_more(self, principal: Tenant):
        await self._next_page(principal)

    @authorised(Scope.KEYS_WRITE, Scope.BOTS_READ)
    async def open_dialog(self, principal: Tenant, is_open: bool):
        self._clear_form()
        if is_open is True:
            async with get_runtime().db.tenant(principal) as session:
                page = await bots.list_page(session, principal, PageRequest(limit=100))
            self.bots = [BotLink.model_validate(item) for item in page.items]
            self.creating = True

    @authorised(Scope.KEYS_WRITE)
    async def change_name(self, principal: Tenant, text: str):
        self.name = str(text)[:200]
        self._check()

    @authorised(Scope.KEYS_WRITE)
    async def toggle_scope(self, principal: Tenant, scope: str, on: bool):
        chosen = {*self.scopes, scope} if on is True else {*self.scopes} - {scope}
        self.scopes = [known.value for known in SCOPES if known.value in chosen]
        self._check()

    @authorised(Scope.KEYS_WRITE)
    async def change_reach(self, principal: Tenant, reach: str | list[str]):
        """All bots, or only those that are chosen below."""
        self.some_bots = reach == "some"
        self._check()

    @authorised(Scope.KEYS_WRITE)
    async def toggle_bot(self, principal: Tenant, bot_id: str, on: bool):
        wanted = str(uuid_of(bot_id))
        others = [known for known in self.bot_ids if known != wanted]
        self.bot_ids = [*others, wanted] if on is True else others
        self._check()

    @authorised(Scope.KEYS_WRITE)
    async def change_life(self, principal: Tenant, life: str):
        self.life = life if life in LIVES else "never"

    @authorised(Scope.KEYS_WRITE)
    async def change_addresses(self, principal: Tenant, text: str):
        self.addresses = str(text)[:3000]
        self._check()

    @authorised(Scope.KEYS_WRITE)
    async def change_per_minute(self, principal: Tenant, text: str):
        self.per_minute = str(text)[:10]
        self._check()

    @authorised(Scope.KEYS_WRITE)
    async def create(self, principal: Tenant):
        request = self._check()
        if "name" in self.errors:
            yield rx.set_focus("key-name")  # it may be above what is seen
        if request is None or self.created_key:
            return
        async with get_runtime().db.tenant(principal) as session:
            created = await api_keys.create(session, principal, request)
        self.created_key = created.key
        await self._first_page(principal)

    @authorised(Scope.KEYS_WRITE)
    async def revoke(self, principal: Tenant, key_id: str):
        async with get_runtime().db.tenant(principal) as session:
            await api_keys.revoke(session, principal, uuid_of(key_id))
        await self._first_page(principal)
        return rx.toast.success("The key is revoked.", description="Requests with it fail from now on.")

    def _clear_form(self) -> None:
        self.creating, self.created_key, self.name, self.errors = False, "", "", {}
        self.scopes, self.some_bots, self.bot_ids, self.life = [Scope.CHAT.value], False, [], "never"
        self.addresses, self.per_minute = "", ""

    def _check(self) -> ApiKeyCreate | None:
        """What the form asks for; None, with the reasons in `errors`, if it is not complete."""
        expires = None if self.life == "never" else datetime.now(UTC) + timedelta(days=int(self.life))
        bot_ids = [uuid_of(bot_id) for bot_id in self.bot_ids] if self.some_bots else None
        self.errors = {}
        try:
            request = ApiKeyCreate(
                name=self.name,
                scopes=[Scope(scope) for scope in self.scopes],
                bot_ids=bot_ids,
                expires_at=expires,
                allowed_addresses=self.addresses.replace(",", " ").split(),
                requests_per_minute=self.per_minute.strip() or None,  # pyright: ignore[reportArgumentType]
            )
        except ValidationError as error:
            self.errors = problems_of(error)
            wrong = [text for name, text in self.errors.items() if name.startswith("allowed_addresses.")]
            if wrong:
                self.errors["allowed_addresses"] = wrong[0]
            if "scopes" in self.errors:
                self.errors["scopes"] = "Choose at least one thing that the key may do."
            return None
        if bot_ids == []:
            self.errors = {"bot_ids": "Choose at least one bot."}
            return None
        return request

    async def _first_page(self, principal: Tenant) -> None:
        await super()._first_page(principal)
        self.now = str(datetime.now(UTC))

    async def _find(self, principal: Tenant, request: PageRequest, **wanted: Any) -> Page[ApiKeyRead]:
        async with get_runtime().db.tenant(principal) as session:
            return await api_keys.list_page(session, principal, request, **wanted)
