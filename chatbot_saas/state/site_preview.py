"""The pages of a website, shown as they are found, and which of them are wanted.

It belongs to no bot: whichever page of the dashboard has components.page_choice uses it, one at a time. `chosen_urls`
and `site_source` tell what was chosen.
"""

import asyncio
from urllib.parse import urlsplit

import reflex as rx
from pydantic import ValidationError

from chatbot_saas.core.errors import DomainError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.dashboard import PageChoice
from chatbot_saas.schemas.sources import FoundPage, PreviewRequest, SiteSource
from chatbot_saas.services import discovery
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.following import still_open
from chatbot_saas.state.session import authorised
from chatbot_saas.state.source_acts import refresh_of
from chatbot_saas.state.validation import problems_of

SHOWN = 100
"""Rows sent to the browser at first, and with each "more"; a choice of all reaches further."""
TICK_SECONDS = 0.3
TICKS_A_QUESTION = 10
"""After so many ticks the page must say that it is still open: the server cannot know when a tab went."""
UNHEARD = 3
MARKER = "data-page-choice"
FIELDS = ("url", "depth", "max_pages", "include", "exclude", "refresh")
DEPTHS = {
    "1": "1 click",
    "2": "2 clicks",
    "3": "3 clicks",
    "4": "4 clicks",
    "5": "5 clicks",
}
NOTHING_FOUND = "No page was found there. Check the address in a browser, or widen the patterns and the depth."


class SitePreviewState(rx.State):
    # what is asked
    url: str = ""
    depth: str = "2"
    max_pages: str = "100"
    include: str = ""
    """Patterns, one a line."""
    exclude: str = ""
    refresh: str = "daily"
    errors: dict[str, str] = {}
    # what was found
    searching: bool = False
    searched: bool = False
    """A search came to its end, or was stopped."""
    stopped: bool = False
    problem: str = ""
    pages: list[PageChoice] = []
    """Of those that the filter leaves, the first ones."""
    found: int = 0
    chosen: int = 0
    matching: int = 0
    words: str = ""
    """The filter."""
    _found: list[FoundPage] = []
    _left_out: set[int] = set()
    _shown: int = SHOWN
    _search: int = 0
    """Counts the searches: an older one stops."""
    _unheard: int = 0

    @rx.var
    def more(self) -> int:
        """Matching pages that are not shown yet."""
        return self.matching - len(self.pages)

    @authorised(Scope.SOURCES_WRITE)
    async def change(self, principal: Tenant, field: str, value: str):
        """A field of the form. Pages that were found for another address stay until the next search."""
        if field in FIELDS:
            setattr(self, field, str(value)[:5000])
            self.errors = {name: words for name, words in self.errors.items() if name != field}

    @authorised(Scope.SOURCES_WRITE, background=True)
    async def find(self, principal: Tenant):
        """Search the website, with nothing locked while it answers."""
        async with self:
            request = checked(self)
            if request is None:
                return
            self._begin()
            mine = self._search
        gathered: list[FoundPage] = []
        search = asyncio.create_task(_gather(principal, request, gathered))
        try:
            tick = 0
            while True:
                done, _ = await asyncio.wait({search}, timeout=TICK_SECONDS)
                tick += 1
                async with self:
                    if self._search != mine:
                        return
                    self._add(gathered[len(self._found) :])
                    if done or self._unheard > UNHEARD:
                        self._end(search.exception() if done else None, stopped=not done)
                        return
                    self._unheard += tick % TICKS_A_QUESTION == 0
                if tick % TICKS_A_QUESTION == 0:
                    yield still_open(MARKER, SitePreviewState.stay)
        finally:
            search.cancel()
            await asyncio.gather(search, return_exceptions=True)

    @authorised(Scope.SOURCES_WRITE)
    async def stay(self, principal: Tenant, page: str):
        """The tab answers: the page is still open, or it was left."""
        if page == "open":
            self._unheard = 0
        elif self.searching:
            self._stop()

    @authorised(Scope.SOURCES_WRITE)
    async def stop(self, principal: Tenant):
        if self.searching:
            self._stop()

    @authorised(Scope.SOURCES_WRITE)
    async def toggle(self, principal: Tenant, index: int, on: bool):
        if isinstance(index, int) and 0 <= index < len(self._found):
            self._left_out = self._left_out - {index} if on is True else self._left_out | {index}
            self._show()

    @authorised(Scope.SOURCES_WRITE)
    async def choose_all(self, principal: Tenant, on: bool):
        """All pages that the filter leaves, or none of them."""
        matching = {index for index, page in enumerate(self._found) if _matches(page, self.words)}
        self._left_out = self._left_out - matching if on is True else self._left_out | matching
        self._show()

    @authorised(Scope.SOURCES_WRITE)
    async def filter_pages(self, principal: Tenant, words: str):
        self.words, self._shown = str(words)[:80], SHOWN
        self._show()

    @authorised(Scope.SOURCES_WRITE)
    async def show_more(self, principal: Tenant):
        self._shown += SHOWN
        self._show()

    def _begin(self) -> None:
        self._search += 1
        self._unheard = 0
        self._found, self._left_out, self._shown = [], set(), SHOWN
        self.words, self.problem = "", ""
        self.searching, self.searched, self.stopped = True, False, False
        self._show()

    def _add(self, pages: list[FoundPage]) -> None:
        if pages:
            self._found = [*self._found, *pages]
            self._show()

    def _stop(self) -> None:
        self._search += 1  # the event that searches sees that it is no longer the one
        self._end(None, stopped=True)

    def _end(self, error: BaseException | None, *, stopped: bool) -> None:
        self.searching, self.searched, self.stopped = False, True, stopped
        if error is None:
            self.problem = "" if self._found or stopped else NOTHING_FOUND
        elif not isinstance(error, DomainError):
            raise error
        elif error.code.startswith("web_") and not self._found:
            self.errors = {"url": error.message}
        else:
            self.problem = error.message

    def _show(self) -> None:
        matching = [(index, page) for index, page in enumerate(self._found) if _matches(page, self.words)]
        self.found, self.matching = len(self._found), len(matching)
        self.chosen = len(self._found) - len(self._left_out)
        self.pages = [
            PageChoice(
                index=index,
                url=page.url,
                path=_path(page.url),
                title=page.title,
                via=page.via,
                chosen=index not in self._left_out,
            )
            for index, page in matching[: self._shown]
        ]


def clear(state: SitePreviewState) -> None:
    """As if nothing was asked yet; a search that is under way stops."""
    search = state._search + 1
    state.reset()
    state._search = search


def fill(state: SitePreviewState, url: str, pages: list[FoundPage]) -> None:
    """Pages that were found elsewhere, all of them chosen."""
    clear(state)
    state.url = url
    state._begin()
    state._add(pages)
    state._end(None, stopped=False)


def chosen_urls(state: SitePreviewState) -> list[str]:
    return [page.url for index, page in enumerate(state._found) if index not in state._left_out]


def checked(state: SitePreviewState) -> PreviewRequest | None:
    """What the form asks for; None, with the reasons in `errors`, if something is wrong with it."""
    state.errors = {}
    try:
        return PreviewRequest(
            url=state.url,
            depth=state.depth,  # pyright: ignore[reportArgumentType]
            max_pages=state.max_pages,  # pyright: ignore[reportArgumentType]
            include=_lines(state.include),
            exclude=_lines(state.exclude),
        )
    except ValidationError as error:
        state.errors = problems_of(error)
        return None


def site_source(state: SitePreviewState, *, whole: bool) -> SiteSource | None:
    """The website as a source: with all that later refreshes find, or exactly the chosen pages."""
    request = checked(state)
    if request is None:
        return None
    urls = [] if whole else chosen_urls(state)
    fields = request.model_dump() | {"urls": urls, "type": "site", "refresh": refresh_of(state.refresh)}
    return SiteSource.model_validate(fields)


async def _gather(principal: Tenant, request: PreviewRequest, into: list[FoundPage]) -> None:
    async for page in discovery.preview(get_runtime(), principal, request.url, request):
        into.append(page)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _matches(page: FoundPage, words: str) -> bool:
    text = f"{page.title} {page.url}".casefold()
    return all(word in text for word in words.casefold().split())


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
