"""The questions with answers of their own of the bot whose page is open: the list, and the form of one pair."""

from typing import Any
from uuid import UUID

import reflex as rx
from pydantic import ValidationError

from chatbot_saas.core.errors import InvalidError, NotFoundError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.questions import PairList, PairView
from chatbot_saas.schemas.sources import QuestionPair, SourceRead
from chatbot_saas.services import pairs, sources
from chatbot_saas.services.questions import folded, key
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.following import following, still_open
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.session import authorised, identity_of, route_id
from chatbot_saas.state.trouble import told
from chatbot_saas.state.validation import problems_of

PAGE_SIZE = 50
WATCH_POLLS = 20
"""After so many polls the page must say that it is still open: the server cannot know when a tab went."""
MARKER = "data-questions"


class QuestionsState(rx.State):
    lists: list[SourceRead] = []
    """Mostly one; programs can make more."""
    chosen: str = ""
    """The id of the list that is shown; empty where there is none yet."""
    items: list[PairView] = []
    total: int = 0
    """Questions in the list."""
    found: int = 0
    """Of them, those that the search finds."""
    search: str = ""
    loaded: bool = False
    problem: str = ""
    undo_words: str = ""
    """What can be undone; empty for nothing."""
    # the form
    editing: bool = False
    is_new: bool = True
    form_question: str = ""
    form_answer: str = ""
    errors: dict[str, str] = {}
    conflict: str = ""
    saving: bool = False
    _bot: str = ""
    _shown: int = PAGE_SIZE
    _before: dict[str, str] | None = None
    """The pair that the form changes, as it was when it was opened."""
    _undo: tuple[str, int, dict[str, str]] | None = None
    """List, place and pair of what was deleted last."""
    _watch: int = 0

    @rx.var
    def list_status(self) -> str:
        return next((known.status for known in self.lists if str(known.id) == self.chosen), "")

    @rx.var
    def list_problem(self) -> str:
        """Why the list is not in use, in words."""
        known = next((known for known in self.lists if str(known.id) == self.chosen), None)
        return known.error.message if known and known.error else ""

    @authorised(Scope.SOURCES_READ, opens=True)
    async def load(self, principal: Tenant):
        bot = str(route_id(self, "bot_id"))
        if self._bot != bot:
            self.reset()
            self._bot = bot
            yield
        self._close()
        await self._show(principal)
        yield self._follow()

    @authorised(Scope.SOURCES_READ)
    async def refresh(self, principal: Tenant):
        """A file was taken in."""
        await self._show(principal)
        return self._follow()

    @authorised(Scope.SOURCES_READ)
    async def change_search(self, principal: Tenant, text: str):
        self.search, self._shown = str(text)[:200], PAGE_SIZE
        await self._show(principal)

    @authorised(Scope.SOURCES_READ)
    async def choose_list(self, principal: Tenant, source_id: str):
        self.chosen, self.search, self._shown = str(uuid_of(source_id)), "", PAGE_SIZE
        await self._show(principal)

    @authorised(Scope.SOURCES_READ)
    async def show_more(self, principal: Tenant):
        self._shown += PAGE_SIZE
        await self._show(principal)

    @authorised(Scope.SOURCES_WRITE)
    async def open_new(self, principal: Tenant):
        self._close()
        self.editing, self.is_new = True, True

    @authorised(Scope.SOURCES_WRITE)
    async def open_pair(self, principal: Tenant, number: int):
        pair = self._pair(number)
        self._close()
        self.editing, self.is_new, self._before = True, False, pair.model_dump()
        self.form_question, self.form_answer = pair.question, pair.answer

    @authorised(Scope.SOURCES_WRITE)
    async def open_form(self, principal: Tenant, is_open: bool):
        """Escape and the dialog's own buttons close it."""
        if is_open is not True:
            self._close()

    @authorised(Scope.SOURCES_WRITE)
    async def save(self, principal: Tenant, form_data: dict[str, Any]):
        self.conflict = ""
        try:
            pair = QuestionPair(question=form_data.get("question", ""), answer=form_data.get("answer", ""))
        except ValidationError as error:
            self.errors = problems_of(error)
            return
        self.errors, self.saving = {}, True
        yield
        try:
            await self._save(principal, pair)
        except pairs.PairChangedError:
            await self._show(principal)
            self._meet_change()
            return
        except InvalidError as error:
            self.errors = {str(error.details.get("field", "answer")): error.message}
            return
        finally:
            self.saving = False
        self._close()
        await self._show(principal)
        yield [rx.toast.success("Saved. Visitors get it word for word."), self._follow()]

    @authorised(Scope.SOURCES_WRITE)
    async def delete(self, principal: Tenant, number: int):
        pair = self._pair(number)
        try:
            place = await pairs.remove(get_runtime(), principal, uuid_of(self.chosen), pair)
        except pairs.PairChangedError as error:
            await self._show(principal)
            return rx.toast.error(error.message)
        self._undo = self.chosen, place, pair.model_dump()
        self.undo_words = pair.question
        await self._show(principal)
        return self._follow()

    @authorised(Scope.SOURCES_WRITE)
    async def undo(self, principal: Tenant):
        if self._undo is None:
            return None
        (source_id, place, pair), self._undo, self.undo_words = self._undo, None, ""
        bot_id, rt = route_id(self, "bot_id"), get_runtime()
        found = QuestionPair.model_validate(pair)
        try:
            await pairs.add(rt, principal, bot_id, uuid_of(source_id), found, at=place)
        except NotFoundError:  # the list itself was deleted meanwhile
            await pairs.add(rt, principal, bot_id, None, found)
        await self._show(principal)
        return [rx.toast.success("The question is back."), self._follow()]

    @authorised(Scope.SOURCES_WRITE)
    async def dismiss_undo(self, principal: Tenant):
        self._undo, self.undo_words = None, ""

    @authorised(Scope.SOURCES_WRITE)
    async def read_again(self, principal: Tenant):
        """After a failure."""
        rt = get_runtime()
        async with rt.db.tenant(principal) as session:
            await sources.reindex(session, principal, uuid_of(self.chosen), rt)
        await self._show(principal)
        return self._follow()

    @authorised(Scope.SOURCES_READ, background=True)
    async def watch(self, principal: Tenant):
        """Follow a list that is being read, with nothing locked while it waits."""
        async with self:
            self._watch += 1
            mine, bot = self._watch, self._bot
        with following(principal.tenant_id) as pause:
            for _ in range(WATCH_POLLS if bot else 0):
                await pause()
                principal = (await identity_of(self)).acting_tenant  # a sign-out stops it
                try:
                    known = await pairs.lists(get_runtime(), principal, UUID(bot))
                except NotFoundError:
                    return
                async with self:
                    if self._watch != mine or self._bot != bot:
                        return
                    self.lists = known
                    if not self._active():
                        return
        yield still_open(MARKER, QuestionsState.keep_watching)

    @authorised(Scope.SOURCES_READ)
    async def keep_watching(self, principal: Tenant, page: str):
        return self._follow() if page == "open" else None

    def _active(self) -> bool:
        return any(known.active for known in self.lists)

    def _follow(self) -> Any:
        return QuestionsState.watch if self._active() else None

    def _close(self) -> None:
        self.editing, self.is_new, self.saving, self._before = False, True, False, None
        self.form_question = self.form_answer = self.conflict = ""
        self.errors = {}

    def _pair(self, number: object) -> QuestionPair:
        """A pair of those that are shown."""
        for item in self.items:
            if item.number == number:
                return QuestionPair(question=item.question, answer=item.answer)
        raise NotFoundError("This question is not in the list any more.")

    async def _save(self, principal: Tenant, pair: QuestionPair) -> None:
        rt = get_runtime()
        if self._before is None:
            source_id = uuid_of(self.chosen) if self.chosen else None
            made = await pairs.add(rt, principal, route_id(self, "bot_id"), source_id, pair)
            self.chosen, self.search = str(made.id), ""
        else:
            before = QuestionPair.model_validate(self._before)
            await pairs.replace(rt, principal, uuid_of(self.chosen), before, pair)

    def _meet_change(self) -> None:
        """Somebody else changed what the form changes: say how it is now; the next save is about that."""
        wanted = key((self._before or {}).get("question", ""))
        now = next((item for item in self.items if key(item.question) == wanted), None)
        if now is None:
            self._before = None
            self.conflict = "Somebody else deleted or renamed this question meanwhile. Saving adds yours as a new one."
        else:
            self._before = {"question": now.question, "answer": now.answer}
            self.conflict = f"Somebody else changed the answer meanwhile. Saving replaces theirs: “{now.answer}”"

    async def _show(self, principal: Tenant) -> None:
        rt = get_runtime()
        with told(self):
            try:
                self.lists = await pairs.lists(rt, principal, route_id(self, "bot_id"))
                ids = [str(known.id) for known in self.lists]
                self.chosen = self.chosen if self.chosen in ids else next(iter(ids), "")
                known = await pairs.load(rt, principal, UUID(self.chosen)) if self.chosen else None
            except NotFoundError:
                self.items, self.lists = [], []  # the bot's own frame says so
                return
            self._take(known)
            self.loaded = True

    def _take(self, known: PairList | None) -> None:
        everything = known.pairs if known else []
        words = folded(self.search).split()
        hits = [
            PairView(number=number, question=pair.question, answer=pair.answer)
            for number, pair in enumerate(everything)
            if all(word in folded(f"{pair.question} {pair.answer}") for word in words)
        ]
        self.items, self.found, self.total = hits[: self._shown], len(hits), len(everything)
