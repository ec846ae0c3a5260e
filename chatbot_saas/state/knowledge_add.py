"""Adding a web page, a website or a text to the open bot, and writing a text anew."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import reflex as rx
from pydantic import ValidationError

from chatbot_saas.core.errors import DomainError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.sources import SourceCreate, SourcePatch, SourceRead, TextSource, UrlSource
from chatbot_saas.services import intake
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state import site_preview
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.knowledge import KnowledgeState
from chatbot_saas.state.session import authorised, route_id
from chatbot_saas.state.site_preview import SitePreviewState
from chatbot_saas.state.source import SourceState
from chatbot_saas.state.source_acts import refresh_of
from chatbot_saas.state.validation import problems_of

DIALOGS = ("page", "site", "text")
FIELDS = ("url", "refresh")
ADDED = {"url": "The page is added.", "site": "The website is added.", "text": "The text is added."}


class AddState(rx.State):
    """One dialog at a time: `dialog` names it, or `editing` the source whose text is changed."""

    dialog: str = ""
    editing: str = ""
    url: str = ""
    refresh: str = "daily"
    title: str = ""
    """Of the text that is changed, as it was; what is typed stays in the browser until it is sent."""
    text: str = ""
    errors: dict[str, str] = {}
    busy: bool = False
    _version: str = ""
    """Of the text that the edit is based on."""

    @authorised(Scope.SOURCES_WRITE)
    async def open_dialog(self, principal: Tenant, dialog: str, is_open: bool):
        """`dialog`: page, site or text; closing it forgets what was typed, and stops a search of a website."""
        self.reset()
        site_preview.clear(await self.get_state(SitePreviewState))
        if is_open is True and dialog in DIALOGS:
            self.dialog = dialog

    @authorised(Scope.SOURCES_READ, Scope.SOURCES_WRITE)
    async def open_text(self, principal: Tenant, source_id: str, is_open: bool):
        """The text of a source, to be changed."""
        self.reset()
        if is_open is True:
            found = await intake.text_of(get_runtime(), principal, uuid_of(source_id))
            self.title, self.text, self._version = found.source.title, found.text, found.version
            self.editing = str(found.source.id)

    @authorised(Scope.SOURCES_WRITE)
    async def change(self, principal: Tenant, field: str, value: str):
        if field in FIELDS:
            setattr(self, field, str(value)[:5000])
            self.errors = {name: words for name, words in self.errors.items() if name != field}

    @authorised(Scope.SOURCES_WRITE)
    async def add_page(self, principal: Tenant):
        async for event in self._add(
            principal, lambda: UrlSource(type="url", url=self.url, refresh=refresh_of(self.refresh))
        ):
            yield event

    @authorised(Scope.SOURCES_WRITE)
    async def add_text(self, principal: Tenant, form_data: dict[str, Any]):
        title, text = form_data.get("title"), form_data.get("text")
        async for event in self._add(principal, lambda: TextSource(type="text", title=title, text=text)):  # pyright: ignore[reportArgumentType]
            yield event

    @authorised(Scope.SOURCES_WRITE)
    async def add_site(self, principal: Tenant, whole: bool):
        """With every page that refreshes find, or exactly those that were chosen."""
        preview = await self.get_state(SitePreviewState)
        if site := site_preview.site_source(preview, whole=whole is True):
            async for event in self._add(principal, lambda: site):
                yield event
            if "url" in self.errors:
                preview.errors = self.errors

    @authorised(Scope.SOURCES_WRITE)
    async def save_text(self, principal: Tenant, form_data: dict[str, Any]):
        """Refused if somebody else changed the text meanwhile."""
        self.errors = {}
        try:
            patch = SourcePatch(title=form_data.get("title"), text=form_data.get("text"))  # pyright: ignore[reportArgumentType]
        except ValidationError as error:
            self.errors = problems_of(error)
            return
        wanted = uuid_of(self.editing)
        source = await intake.change(get_runtime(), principal, wanted, patch, expected=self._version)
        self.reset()
        yield rx.toast.success(f"{source.title} is saved.", description="It is read again now.")
        yield KnowledgeState.refresh if not self._on_its_page() else SourceState.refresh

    async def _add(self, principal: Tenant, body: Callable[[], SourceCreate]) -> AsyncGenerator[Any]:
        self.errors = {}
        try:
            wanted = body()
        except ValidationError as error:
            self.errors = problems_of(error)
            return
        self.busy = True
        yield
        try:
            source = await intake.add(get_runtime(), principal, route_id(self, "bot_id"), wanted)
        except DomainError as error:
            if not error.code.startswith("web_"):
                raise
            self.errors = {"url": error.message}
            return
        finally:
            self.busy = False
        self.reset()
        site_preview.clear(await self.get_state(SitePreviewState))
        for event in _told(source):
            yield event

    def _on_its_page(self) -> bool:
        return bool(self.rx_router_page.params.get("source_id"))


def _told(source: SourceRead) -> list[Any]:
    if source.copy_of:
        return [
            rx.toast.info("You have this already", description=f"It is in “{source.title}”."),
            KnowledgeState.show_copy(str(source.copy_of)),  # pyright: ignore[reportCallIssue]
        ]
    return [rx.toast.success(ADDED[source.type]), KnowledgeState.refresh]
