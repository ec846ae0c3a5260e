"""From a website's address to a reviewed bot: the steps before anything is made.

The address is in the page's own, so that a reload looks again; what was edited lives as long as the tab.
"""

import json
import re
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import reflex as rx
from pydantic import ValidationError

from chatbot_saas.core.errors import DomainError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.onboarding import SiteProfile, WebsiteBot
from chatbot_saas.services import onboarding
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.session import authorised
from chatbot_saas.state.site_preview import SitePreviewState, chosen_urls, fill
from chatbot_saas.state.validation import problems_of

log = get_logger(__name__)
FIELDS = ("name", "welcome_message", "color", "language")
_LONGEST = 5000
_AGAIN_LATER = re.compile(r"[;.] it is tried again later\.?$", re.IGNORECASE)
"""True of a refresh; here it is for the person to try again."""
_NOTHING_CHOSEN = "Choose one page at least."


class WebsiteBotState(rx.State):
    step: str = "address"
    """address, looking or review."""
    address: str = ""
    problem: str = ""
    needs_documents: bool = False
    """The website can be reached, but gives no text: only another way leads on."""
    seen: SiteProfile = SiteProfile()
    """What is known so far; its pages are only counted here."""
    found: int = 0
    host: str = ""
    draft: dict[str, str] = {}
    icon: str = ""
    weekly: bool = True
    errors: dict[str, str] = {}
    making: bool = False
    _look: int = 0
    """Counts the looks: an older one stops."""
    _suggested: WebsiteBot | None = None
    _bot_id: str = ""
    """Of the bot to be: two clicks make one."""

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE, opens=True)
    async def load(self, principal: Tenant):
        """An address in the page's own begins at once; coming back to the same one finds it as it was left."""
        wanted = str(self.rx_router_page.params.get("url", ""))[:2000].strip()
        self.making = False
        if wanted and (wanted != self.address or self.step == "address"):
            self.address = wanted
            return WebsiteBotState.look
        if not wanted and self.step != "address":
            self._to_address()
        return None

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE)
    async def change_address(self, principal: Tenant, text: str):
        self.address = str(text)[:2000]
        self.problem, self.needs_documents = "", False

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE)
    async def start(self, principal: Tenant):
        self.address = self.address.strip()
        if not self.address:
            self.problem = "Write the address of your website, such as www.example.com."
            return None
        self.step, self.problem = "looking", ""
        return [_into_address(self.address), WebsiteBotState.look]

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE, background=True)
    async def look(self, principal: Tenant):
        """Look at the website, with nothing locked while it answers."""
        async with self:
            self._begin()
            mine, address = self._look, self.address
        profile = SiteProfile()
        error = ""
        needs_documents = False
        try:
            async with aclosing(onboarding.look(get_runtime(), principal, address)) as looking:
                async for profile in looking:
                    async with self:
                        if self._look != mine:
                            return
                        self._show(profile)
        except DomainError as failure:
            error = _AGAIN_LATER.sub(".", failure.message)
            needs_documents = isinstance(failure, onboarding.NoTextOnSiteError)
        except Exception as failure:
            log.error("look_crashed", exc_info=failure)
            error = "Something went wrong on our side. Try again; if it stays, tell the operator."
        async with self:
            if self._look != mine:
                return
            if error:
                self.step, self.problem, self.needs_documents = "address", error, needs_documents
                return
            self._review(onboarding.suggestions(profile))
            fill(await self.get_state(SitePreviewState), profile.url, profile.pages)

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE)
    async def back(self, principal: Tenant):
        """To the address: nothing was made, so nothing is left behind."""
        self._to_address()
        return _into_address("")

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE)
    async def change(self, principal: Tenant, field: str, value: str):
        if field in FIELDS:
            self.draft = {**self.draft, field: str(value)[:_LONGEST]}
            self.errors = self._problems()

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE)
    async def change_weekly(self, principal: Tenant, on: bool):
        self.weekly = on is True

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE)
    async def remove_icon(self, principal: Tenant):
        self.icon = ""

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE)
    async def restore_icon(self, principal: Tenant):
        self.icon = self.seen.icon

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE)
    async def make(self, principal: Tenant):
        """Make the bot, once, and begin to read the chosen pages."""
        self.errors = self._problems()
        if self.making or self.step != "review" or self.errors:
            return
        preview = await self.get_state(SitePreviewState)
        if not preview.chosen:
            self.errors = {"urls": _NOTHING_CHOSEN}
            return
        # all of them: then pages that are added to the website later belong to it, too
        body = self._body(chosen_urls(preview) if preview.chosen < preview.found else [])
        self.making = True
        yield
        try:
            await onboarding.make(get_runtime(), principal, UUID(self._bot_id), body)
        finally:
            self.making = False
        yield rx.redirect(f"/bots/{self._bot_id}/start")

    def _begin(self) -> None:
        self._look += 1
        self.step, self.problem, self.needs_documents = "looking", "", False
        self.seen, self.found, self.host = SiteProfile(), 0, _host(self.address)

    def _show(self, profile: SiteProfile) -> None:
        known = profile.model_copy(update={"pages": []})
        if known != self.seen:  # it holds the icon, which need not be sent with each page that is found
            self.seen = known
        self.found = len(profile.pages)
        self.host = _host(profile.url) or self.host

    def _review(self, suggested: WebsiteBot) -> None:
        self._suggested, self._bot_id = suggested, str(new_id())
        self.draft = {name: getattr(suggested, name) for name in FIELDS}
        self.icon, self.weekly, self.errors = suggested.icon, True, {}
        self.step = "review"

    def _to_address(self) -> None:
        self._look += 1
        self.step, self.problem, self.errors, self.needs_documents = "address", "", {}, False

    def _body(self, urls: list[str]) -> WebsiteBot:
        """Raises ValidationError."""
        suggested = self._suggested
        return WebsiteBot(
            url=suggested.url if suggested else "",
            name=self.draft.get("name", ""),
            description=suggested.description if suggested else "",
            welcome_message=self.draft.get("welcome_message", ""),
            fallback_text=suggested.fallback_text if suggested else "",
            language=self.draft.get("language", "auto"),
            color=self.draft.get("color", ""),
            icon=self.icon,
            urls=urls,
            refresh="weekly" if self.weekly else "",
        )

    def _problems(self) -> dict[str, str]:
        try:
            self._body([])
        except ValidationError as error:
            return problems_of(error)
        return {}


def _host(url: str) -> str:
    return urlsplit(url if "://" in url else f"//{url}").netloc[:80]


def _into_address(url: str) -> Any:
    """Put the website's address into that of the page, without leaving it."""
    search = f"?url=${{encodeURIComponent({json.dumps(url)})}}" if url else ""
    return rx.call_script(f"history.replaceState(history.state, '', `${{location.pathname}}{search}`)")
