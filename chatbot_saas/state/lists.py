"""A list that loads page by page, and one that is followed while something on it is under way."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import reflex as rx

from chatbot_saas.core.paging import MAX_LIMIT, Page, PageRequest
from chatbot_saas.core.tenancy import Tenant
from chatbot_saas.schemas.dashboard import BotLink
from chatbot_saas.services import bots
from chatbot_saas.services.auth import Identity
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.following import following, still_open
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.session import identity_of
from chatbot_saas.state.trouble import told

PAGE_SIZE = 25
ALL_BOTS = "all"
POLLS = 20
"""After so many the page must say that it is still open: the server cannot know when a tab went."""


class ListState(rx.State, mixin=True):
    """A subclass names the type of `items` and says how to find them."""

    loaded: bool = False
    problem: str = ""
    search: str = ""
    next_cursor: str = ""

    def _wanted(self) -> dict[str, Any]:
        """The filters, as `_find` takes them."""
        return {"search": self.search.strip()}

    async def _find(self, principal: Any, request: PageRequest, **wanted: Any) -> Page[Any]:
        raise NotImplementedError

    async def _first_page(self, principal: Any) -> None:
        with told(self):
            page = await self._find(principal, PageRequest(limit=PAGE_SIZE), **self._wanted())
            self.items, self.next_cursor = page.items, page.next_cursor or ""
            self.loaded = True

    async def _next_page(self, principal: Any) -> None:
        if self.next_cursor:
            request = PageRequest(limit=PAGE_SIZE, cursor=self.next_cursor)
            page = await self._find(principal, request, **self._wanted())
            self.items, self.next_cursor = [*self.items, *page.items], page.next_cursor or ""


class ByBotState(ListState, mixin=True):
    """A list of all bots' things, or of one bot's."""

    bots: list[BotLink] = []
    bot_id: str = ALL_BOTS

    def _wanted(self) -> dict[str, Any]:
        bot_id = None if self.bot_id == ALL_BOTS else uuid_of(self.bot_id)
        return {"bot_id": bot_id, "search": self.search.strip()}

    async def _open(self, principal: Tenant) -> None:
        """The bots to choose from, and the first page."""
        with told(self):
            async with get_runtime().db.tenant(principal) as session:
                found = await bots.list_page(session, principal, PageRequest(limit=MAX_LIMIT))
            self.bots = [BotLink.model_validate(item) for item in found.items]
            if self.bot_id != ALL_BOTS and all(str(bot.id) != self.bot_id for bot in self.bots):
                self.bot_id = ALL_BOTS  # it was deleted
        if not self.problem:
            await self._first_page(principal)

    def _choose_bot(self, bot_id: str) -> None:
        self.bot_id = ALL_BOTS if bot_id == ALL_BOTS else str(uuid_of(bot_id))


class LiveListState(ListState, mixin=True):
    """A list whose page follows it by an event that runs `watching`, while `_active` says so."""

    _watch: int = 0
    """Counts the watches: an older one stops."""

    def _active(self) -> bool:
        """Whether something on the list is under way."""
        raise NotImplementedError

    def _acting(self, identity: Identity) -> Any:
        """The principal that `_find` takes; raises for whoever may not."""
        raise NotImplementedError

    def _again(self) -> PageRequest:
        """For as many rows as are shown, from the first."""
        return PageRequest(limit=min(MAX_LIMIT, max(PAGE_SIZE, len(self.items))))

    def _take(self, page: Page[Any]) -> None:
        """The newest rows as they are now; what was loaded beyond them stays as it is."""
        older = _older_than(page.items, self.items) if page.next_cursor else []
        self.items = [*page.items, *older]
        if not older:
            self.next_cursor = page.next_cursor or ""


def _older_than(newest: Sequence[Any], items: Sequence[Any]) -> list[Any]:
    return [item for item in items if item.id < newest[-1].id]


async def watching(state: Any, keep: Any, marker: str) -> AsyncGenerator[Any]:
    """The body of a background event: look again whenever something happened, with nothing locked while it waits.

    It ends when nothing is under way any more, when a newer one began, or when the tab left: after POLLS looks the
    browser is asked for an element with the attribute `marker`, and `keep` is called with "open" or "gone".
    """
    async with state:
        state._watch += 1
        mine = state._watch
    first = state._acting(await identity_of(state))
    with following(first.tenant_id if isinstance(first, Tenant) else None) as pause:
        for _ in range(POLLS):
            await pause()
            principal = state._acting(await identity_of(state))  # a sign-out stops it
            async with state:
                if state._watch != mine:
                    return
                wanted, request = state._wanted(), state._again()
            page = await state._find(principal, request, **wanted)
            async with state:
                if state._watch != mine:
                    return
                if state._wanted() != wanted:
                    continue
                state._take(page)
                if not state._active():
                    return
    yield still_open(marker, keep)
