"""One source: its facts, the pages of a website, the passages of a text, and the history of its jobs."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.core.paging import Page, PageRequest
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.dashboard import PassageText, SourceView
from chatbot_saas.schemas.documents import PassageRead
from chatbot_saas.schemas.jobs import JobRead
from chatbot_saas.schemas.sources import WebPageRead
from chatbot_saas.services import documents, jobs, sources
from chatbot_saas.services.auth import Identity
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state import source_acts
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.knowledge import KnowledgeState
from chatbot_saas.state.lists import PAGE_SIZE, LiveListState, watching
from chatbot_saas.state.receipts import deleted_toast, view_of
from chatbot_saas.state.session import authorised, route_id
from chatbot_saas.state.trouble import told

STATUSES = {
    "all": "Any status",
    "ready": "Ready",
    "skipped": "Left out",
    "failed": "Failed",
    "gone": "Gone",
    "waiting": "Waiting",
}
PASSAGES = 10
JOBS = 10
MARKER = "data-source"


@dataclass(frozen=True, slots=True)
class SourcePage(Page[WebPageRead]):
    """A part of a website's pages, with what is known of the source at that moment."""

    source: SourceView


class SourceState(LiveListState, rx.State):
    """`items` are the pages of a website; what has one text shows `passages` instead."""

    items: list[WebPageRead] = []
    source: SourceView | None = None
    missing: bool = False
    status: str = "all"
    said: str = ""
    """What a screen reader says when processing ends."""
    jobs: list[JobRead] = []
    jobs_cursor: str = ""
    document: str = ""
    """Id of the text whose passages are shown."""
    passages: list[PassageText] = []
    passages_cursor: str = ""
    reading: bool = False
    """The passages of a website's page are open."""
    _id: str = ""
    _bot: str = ""

    @rx.var
    def filtered(self) -> bool:
        return bool(self.search.strip()) or self.status != "all"

    @authorised(Scope.SOURCES_READ, opens=True)
    async def load(self, principal: Tenant):
        wanted, bot = str(route_id(self, "source_id")), str(route_id(self, "bot_id"))
        if (self._id, self._bot) != (wanted, bot):
            self.reset()
            self._id, self._bot = wanted, bot
            yield
        self.reading, self.said = False, ""
        yield await self._show(principal)

    @authorised(Scope.SOURCES_READ)
    async def refresh(self, principal: Tenant):
        """Something about it was changed."""
        return await self._show(principal)

    @authorised(Scope.SOURCES_READ)
    async def change_search(self, principal: Tenant, text: str):
        self.search = str(text)[:80]
        await self._first_page(principal)

    @authorised(Scope.SOURCES_READ)
    async def change_filter(self, principal: Tenant, status: str):
        self.status = status if status in STATUSES else "all"
        await self._first_page(principal)

    @authorised(Scope.SOURCES_READ)
    async def clear_filters(self, principal: Tenant):
        self.search, self.status = "", "all"
        await self._first_page(principal)

    @authorised(Scope.SOURCES_READ)
    async def load_more(self, principal: Tenant):
        await self._next_page(principal)

    @authorised(Scope.SOURCES_READ)
    async def more_jobs(self, principal: Tenant):
        if self.jobs_cursor:
            page = await self._jobs_page(principal, self.jobs_cursor)
            self.jobs, self.jobs_cursor = [*self.jobs, *page.items], page.next_cursor or ""

    @authorised(Scope.SOURCES_READ)
    async def more_passages(self, principal: Tenant):
        if self.document and self.passages_cursor:
            await self._read_passages(principal, self.document, self.passages_cursor)

    @authorised(Scope.SOURCES_READ)
    async def open_document(self, principal: Tenant, document_id: str, is_open: bool):
        """What the bot knows of a page of this website."""
        self.reading = False
        if is_open is True:
            await self._read_passages(principal, str(uuid_of(document_id)), "")
            self.reading = True

    @authorised(Scope.SOURCES_WRITE)
    async def cancel(self, principal: Tenant):
        source = await source_acts.cancel(principal, str(route_id(self, "source_id")))
        yield await self._show(principal)
        yield rx.toast.info(f"{source.title} is cancelled.")

    @authorised(Scope.SOURCES_WRITE)
    async def reindex(self, principal: Tenant):
        source = await source_acts.reindex(principal, str(route_id(self, "source_id")))
        yield await self._show(principal)
        yield rx.toast.info(f"{source.title} is read again.")

    @authorised(Scope.SOURCES_WRITE)
    async def change_refresh(self, principal: Tenant, refresh: str):
        self.source = await source_acts.change_refresh(principal, str(route_id(self, "source_id")), refresh)
        return source_acts.refresh_toast(self.source)

    @authorised(Scope.SOURCES_WRITE)
    async def delete(self, principal: Tenant):
        """Leads back to the list, which shows the receipt."""
        receipt = await sources.delete(get_runtime(), principal, route_id(self, "source_id"))
        bot_id = route_id(self, "bot_id")
        self.source = None
        knowledge = await self.get_state(KnowledgeState)
        knowledge.receipt, knowledge._fresh_receipt = view_of(receipt), True
        return [
            deleted_toast(f"{receipt.title} is deleted.", receipt, "above the list"),
            rx.redirect(f"/bots/{bot_id}/knowledge"),
        ]

    @authorised(Scope.SOURCES_WRITE)
    async def delete_page(self, principal: Tenant, document_id: str):
        """One page of a website; refreshes leave it out."""
        receipt = await documents.delete(get_runtime(), principal, uuid_of(document_id))
        yield await self._show(principal)
        yield deleted_toast(f"{receipt.title} is deleted.", receipt)

    @authorised(Scope.SOURCES_READ, background=True)
    async def watch(self, principal: Tenant):
        """Follow it while it is being processed."""
        try:
            async for event in watching(self, SourceState.keep_watching, MARKER):
                yield event
        except NotFoundError:
            return  # it was deleted meanwhile
        async with self:
            ended = self.source is not None and not self._active()
        if ended:
            yield SourceState.refresh

    @authorised(Scope.SOURCES_READ)
    async def keep_watching(self, principal: Tenant, page: str):
        """The page is still open."""
        return SourceState.watch if page == "open" and self._active() else None

    def _active(self) -> bool:
        return self.source is not None and self.source.active

    def _acting(self, identity: Identity) -> Tenant:
        tenant = identity.acting_tenant
        tenant.require(Scope.SOURCES_READ)
        return tenant

    def _wanted(self) -> dict[str, Any]:
        status = "" if self.status == "all" else self.status
        return {"source_id": self._id, "bot_id": self._bot, "search": self.search.strip(), "status": status}

    async def _find(self, principal: Tenant, request: PageRequest, **wanted: Any) -> SourcePage:
        source_id, bot_id = uuid_of(wanted.pop("source_id")), wanted.pop("bot_id")
        async with get_runtime().db.tenant(principal) as session:
            source = await sources.get(session, principal, source_id)
            if str(source.bot_id) != bot_id:
                raise NotFoundError
            [view] = await source_acts.views(session, principal, [source])
            page = await sources.list_pages(session, principal, source_id, request, **wanted)
        return SourcePage(page.items, page.next_cursor, view)

    def _take(self, page: Any) -> None:
        """Pages stand in the order in which they were found, so what was loaded later follows."""
        if self._active() and not page.source.active:
            self.said = f"{page.source.title}: {page.source.status}."
        self.source = page.source
        later = [item for item in self.items if item.id > page.items[-1].id] if page.next_cursor else []
        self.items = [*page.items, *later]
        if not later:
            self.next_cursor = page.next_cursor or ""

    async def _first_page(self, principal: Tenant) -> None:
        self.missing = False
        with told(self):
            try:
                page = await self._find(principal, PageRequest(limit=PAGE_SIZE), **self._wanted())
            except NotFoundError:
                self.source, self.missing = None, True
                return
            self.source, self.items, self.next_cursor = page.source, page.items, page.next_cursor or ""
            self.loaded = True

    async def _show(self, principal: Tenant) -> Any:
        """All of it, and the event that follows what is being processed."""
        await self._first_page(principal)
        if self.source is None or self.problem:
            return None
        with told(self):
            await self._read_rest(principal, self.source)
        return SourceState.watch if self._active() else None

    async def _read_rest(self, principal: Tenant, source: SourceView) -> None:
        """Its jobs, and the passages of what has one text."""
        page = await self._jobs_page(principal, "")
        self.jobs, self.jobs_cursor = page.items, page.next_cursor or ""
        if source.type != "site":
            async with get_runtime().db.tenant(principal) as session:
                found = await documents.list_page(session, principal, source.id, PageRequest(limit=1))
            self.passages, self.passages_cursor = [], ""
            if found.items:
                await self._read_passages(principal, str(found.items[0].id), "")

    async def _jobs_page(self, principal: Tenant, cursor: str) -> Page[JobRead]:
        async with get_runtime().db.tenant(principal) as session:
            request = PageRequest(limit=JOBS, cursor=cursor)
            return await jobs.list_page(session, principal, request, source_id=uuid_of(self._id))

    async def _read_passages(self, principal: Tenant, document_id: str, cursor: str) -> None:
        async with get_runtime().db.tenant(principal) as session:
            request = PageRequest(limit=PASSAGES, cursor=cursor)
            page = await documents.list_passages(session, principal, uuid_of(document_id), request)
        known = self.passages if cursor else []
        self.passages = [*known, *(_text_of(item) for item in page.items)]
        self.document, self.passages_cursor = document_id, page.next_cursor or ""


def _text_of(passage: PassageRead) -> PassageText:
    return PassageText(
        id=passage.id,
        number=passage.ordinal + 1,
        page=passage.page,
        headings=" › ".join(passage.headings),
        question=passage.question,
        repeated=passage.text[: passage.repeated],
        text=passage.text[passage.repeated :],
        tokens=passage.tokens,
        searchable=passage.embedded,
    )
