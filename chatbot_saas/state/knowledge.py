"""The sources of the bot whose page is open, and their way from upload to ready."""

import asyncio
from typing import Any
from uuid import UUID

import reflex as rx

from chatbot_saas.core.errors import DomainError, InvalidError, NotFoundError
from chatbot_saas.core.paging import MAX_LIMIT, PageRequest
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.sources import DeletedRead, SourceRead
from chatbot_saas.services import sources
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.session import authorised, identity_of, route_id

PAGE_SIZE = 25
STATUSES = ("all", "active", "ready", "failed", "cancelled")
POLL_SECONDS = 1.0
WATCH_POLLS = 20
"""After so many polls the page must say that it is still open: the server cannot know when a tab went."""
STILL_OPEN = "document.querySelector('[data-knowledge]') ? 'open' : 'gone'"


class KnowledgeState(rx.State):
    items: list[SourceRead] = []
    loaded: bool = False
    problem: str = ""
    search: str = ""
    status: str = "all"
    next_cursor: str = ""
    _bot: str = ""
    """Whose sources `items` are."""
    _watch: int = 0
    """Counts the watches: an older one stops."""

    @rx.var
    def filtered(self) -> bool:
        return bool(self.search.strip()) or self.status != "all"

    @rx.var
    def any_ready(self) -> bool:
        return any(item.status == "ready" for item in self.items)

    @authorised(Scope.SOURCES_READ)
    async def load(self, principal: Tenant):
        if self._bot != str(route_id(self, "bot_id")):
            self._bot = str(route_id(self, "bot_id"))
            self.items, self.next_cursor, self.search, self.status = [], "", "", "all"
            self.loaded = False
            yield
        yield await self._show(principal)

    @authorised(Scope.SOURCES_READ)
    async def refresh(self, principal: Tenant):
        """An upload ended: show what it became."""
        self.search, self.status = "", "all"
        return await self._show(principal)

    @authorised(Scope.SOURCES_READ)
    async def change_search(self, principal: Tenant, text: str):
        self.search = str(text)[:80]
        return await self._show(principal)

    @authorised(Scope.SOURCES_READ)
    async def change_filter(self, principal: Tenant, status: str):
        self.status = status if status in STATUSES else "all"
        return await self._show(principal)

    @authorised(Scope.SOURCES_READ)
    async def clear_filters(self, principal: Tenant):
        self.search, self.status = "", "all"
        return await self._show(principal)

    @authorised(Scope.SOURCES_READ)
    async def load_more(self, principal: Tenant):
        if self.next_cursor:
            page = await self._page(principal, PageRequest(limit=PAGE_SIZE, cursor=self.next_cursor))
            self.items, self.next_cursor = [*self.items, *page.items], page.next_cursor or ""

    @authorised(Scope.SOURCES_WRITE)
    async def cancel(self, principal: Tenant, source_id: str):
        rt = get_runtime()
        async with rt.db.tenant(principal) as session:
            source = await sources.cancel(session, principal, uuid_of(source_id), rt)
        self._put(source)
        return rx.toast.info(f"{source.title} is cancelled.")

    @authorised(Scope.SOURCES_WRITE)
    async def reindex(self, principal: Tenant, source_id: str):
        rt = get_runtime()
        async with rt.db.tenant(principal) as session:
            source = await sources.reindex(session, principal, uuid_of(source_id), rt)
        self._put(source)
        return [rx.toast.info(f"{source.title} is read again."), KnowledgeState.watch]

    @authorised(Scope.SOURCES_WRITE)
    async def delete(self, principal: Tenant, source_id: str):
        rt = get_runtime()
        wanted = uuid_of(source_id)
        async with rt.db.tenant(principal) as session:
            source = await sources.get(session, principal, wanted)
            deleted = await sources.delete(session, principal, wanted, rt)
        await self._first_page(principal)
        return rx.toast.success(f"{source.title} is deleted.", description=_told(deleted))

    @authorised(Scope.SOURCES_READ, background=True)
    async def watch(self, principal: Tenant):
        """Follow sources that are being processed, with nothing locked while it waits."""
        async with self:
            self._watch += 1
            mine, bot = self._watch, self._bot
        for _ in range(WATCH_POLLS):
            await asyncio.sleep(POLL_SECONDS)
            principal = (await identity_of(self)).acting_tenant  # a sign-out stops it
            async with self:
                if self._watch != mine or self._bot != bot:
                    return
                request = PageRequest(limit=min(MAX_LIMIT, max(PAGE_SIZE, len(self.items))))
                wanted = self._wanted()
            try:
                page = await _list(principal, bot, request, **wanted)
            except NotFoundError:
                return  # the bot was deleted meanwhile
            async with self:
                if self._watch != mine or self._bot != bot or self._wanted() != wanted:
                    continue
                # what lies beyond the largest page stays as it is
                self.items = [*page.items, *self.items[MAX_LIMIT:]]
                if len(self.items) <= MAX_LIMIT:
                    self.next_cursor = page.next_cursor or ""
                if not self._active():
                    return
        yield rx.call_script(STILL_OPEN, callback=KnowledgeState.keep_watching)

    @authorised(Scope.SOURCES_READ)
    async def keep_watching(self, principal: Tenant, page: str):
        """The page is still open."""
        return KnowledgeState.watch if page == "open" and self._active() else None

    def _active(self) -> bool:
        return any(item.active for item in self.items)

    def _wanted(self) -> dict[str, str]:
        return {"search": self.search.strip(), "status": "" if self.status == "all" else self.status}

    def _put(self, source: SourceRead) -> None:
        self.items = [source if item.id == source.id else item for item in self.items]

    async def _show(self, principal: Tenant) -> Any:
        """The first page, and the event that follows what is being processed on it."""
        await self._first_page(principal)
        return KnowledgeState.watch if self._active() else None

    async def _first_page(self, principal: Tenant) -> None:
        self.problem = ""
        try:
            page = await self._page(principal, PageRequest(limit=PAGE_SIZE))
        except NotFoundError:
            self.items, self.next_cursor = [], ""  # the bot's own frame says so
            return
        except DomainError as error:
            self.problem = error.message
            return
        self.items, self.next_cursor = page.items, page.next_cursor or ""
        self.loaded = True

    async def _page(self, principal: Tenant, request: PageRequest) -> Any:
        return await _list(principal, self._bot, request, **self._wanted())


async def _list(principal: Tenant, bot_id: str, request: PageRequest, *, search: str, status: str) -> Any:
    if not bot_id:
        raise InvalidError("Open a bot first.")
    async with get_runtime().db.tenant(principal) as session:
        return await sources.list_page(session, principal, UUID(bot_id), request, search=search, status=status)


def _told(deleted: DeletedRead) -> str:
    """What a deletion removed, in words."""
    names = {"chunks": "passage", "vectors": "vector", "blobs": "stored file"}
    parts = [
        f"{count:,} {noun}{'' if count == 1 else 's'}"
        for key, noun in names.items()
        if (count := deleted.removed.get(key, 0))
    ]
    return f"Removed: {', '.join(parts)}." if parts else "Nothing of it was indexed."
