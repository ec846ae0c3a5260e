"""The tests of the bot whose page is open: the list, the form of one, and what is suggested."""

from typing import Any
from uuid import UUID

import reflex as rx
from pydantic import ValidationError

from chatbot_saas.core.errors import ConflictError, InvalidError
from chatbot_saas.core.paging import Page, PageRequest
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.bot_tests import BotTestCreate, BotTestPatch, BotTestRead
from chatbot_saas.services import bot_test_ideas, bot_tests
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.lists import ListState
from chatbot_saas.state.publication import PublicationState
from chatbot_saas.state.session import authorised, route_id
from chatbot_saas.state.validation import problems_of

OUTCOMES = {
    "all": "Any outcome",
    "regressed": "Got worse",
    "failed": "Failed",
    "unasked": "Not asked",
    "passed": "Passed",
    "not_run": "Not run",
}
ORIGINS = {
    "all": "Any origin",
    "hand": "Written",
    "source": "From a source",
    "answer": "From an answer",
    "playground": "From the playground",
}
SUGGESTED = 8


class BotTestsState(ListState, rx.State):
    items: list[BotTestRead] = []
    outcome: str = "all"
    origin: str = "all"
    suggesting: bool = False
    # the form
    editing: bool = False
    test_id: str = ""
    """The test that the form changes; empty for a new one."""
    form_question: str = ""
    form_facts: str = ""
    refusal: bool = False
    errors: dict[str, str] = {}
    saving: bool = False
    _bot: str = ""

    @rx.var
    def filtered(self) -> bool:
        return bool(self.search.strip()) or self.outcome != "all" or self.origin != "all"

    @authorised(Scope.BOTS_READ, opens=True)
    async def load(self, principal: Tenant):
        bot = str(route_id(self, "bot_id"))
        if self._bot != bot:
            self.reset()
            self._bot = bot
            yield
        self._close()
        self.suggesting = False
        await self._first_page(principal)

    @authorised(Scope.BOTS_READ)
    async def refresh(self, principal: Tenant):
        """A run has got further: as many rows as are shown, as they are now."""
        request = PageRequest(limit=min(100, max(25, len(self.items))))
        page = await self._find(principal, request, **self._wanted())
        self.items, self.next_cursor = page.items, page.next_cursor or ""

    @authorised(Scope.BOTS_READ)
    async def change_search(self, principal: Tenant, text: str):
        self.search = str(text)[:200]
        await self._first_page(principal)

    @authorised(Scope.BOTS_READ)
    async def change_outcome(self, principal: Tenant, outcome: str):
        self.outcome = outcome if outcome in OUTCOMES else "all"
        await self._first_page(principal)

    @authorised(Scope.BOTS_READ)
    async def change_origin(self, principal: Tenant, origin: str):
        self.origin = origin if origin in ORIGINS else "all"
        await self._first_page(principal)

    @authorised(Scope.BOTS_READ)
    async def clear_filters(self, principal: Tenant):
        self.search, self.outcome, self.origin = "", "all", "all"
        await self._first_page(principal)

    @authorised(Scope.BOTS_READ)
    async def load_more(self, principal: Tenant):
        await self._next_page(principal)

    @authorised(Scope.BOTS_WRITE)
    async def open_new(self, principal: Tenant):
        self._close()
        self.editing = True

    @authorised(Scope.BOTS_WRITE)
    async def open_test(self, principal: Tenant, test_id: str):
        async with get_runtime().db.tenant(principal) as session:
            test = await bot_tests.get(session, principal, uuid_of(test_id))
        self._close()
        self.editing, self.test_id = True, str(test.id)
        self.form_question, self.form_facts = test.question, "\n".join(test.facts)
        self.refusal = test.expectation == "refusal"

    @authorised(Scope.BOTS_WRITE)
    async def open_form(self, principal: Tenant, is_open: bool):
        """Escape and the dialog's own buttons close it."""
        if is_open is not True:
            self._close()

    @authorised(Scope.BOTS_WRITE)
    async def change_expectation(self, principal: Tenant, value: str):
        self.refusal = value == "refusal"
        self.errors = {}

    @authorised(Scope.BOTS_WRITE)
    async def save(self, principal: Tenant, form_data: dict[str, Any]):
        facts = [line.strip() for line in str(form_data.get("facts", "")).splitlines() if line.strip()]
        self.form_question, self.form_facts = str(form_data.get("question", ""))[:1000], "\n".join(facts)[:4000]
        values = {"question": self.form_question, "facts": [] if self.refusal else facts}
        try:
            request = BotTestCreate.model_validate({**values, "expectation": "refusal" if self.refusal else "facts"})
        except ValidationError as error:
            self.errors = {name or "facts": words for name, words in problems_of(error).items()}
            return
        self.errors, self.saving = {}, True
        yield
        try:
            await self._save(principal, request)
        except (ConflictError, InvalidError) as error:
            self.errors = {"question": error.message}
            return
        finally:
            self.saving = False
        self._close()
        await self._first_page(principal)
        yield [rx.toast.success("Saved."), PublicationState.load]

    @authorised(Scope.BOTS_WRITE)
    async def enable(self, principal: Tenant, test_id: str, on: bool):
        async with get_runtime().db.tenant(principal) as session:
            changed = await bot_tests.change(session, principal, uuid_of(test_id), BotTestPatch(enabled=on is True))
        self.items = [changed if item.id == changed.id else item for item in self.items]
        return PublicationState.load

    @authorised(Scope.BOTS_WRITE)
    async def delete(self, principal: Tenant, test_id: str):
        async with get_runtime().db.tenant(principal) as session:
            await bot_tests.delete(session, principal, uuid_of(test_id))
        await self._first_page(principal)
        return [rx.toast.info("The test is deleted."), PublicationState.load]

    @authorised(Scope.BOTS_WRITE, background=True)
    async def suggest(self, principal: Tenant):
        """From the bot's sources; with a model that takes some seconds."""
        async with self:
            if self.suggesting:
                return
            bot_id, self.suggesting = route_id(self, "bot_id"), True
        try:
            made = await bot_test_ideas.suggest(get_runtime(), principal, bot_id, SUGGESTED)
            async with self:
                await self._first_page(principal)
        finally:
            async with self:
                self.suggesting = False
        if not made:
            yield rx.toast.info(
                "No new test was found.",
                description="The sources hold no further sentence with a number, a date or a name to ask for.",
            )
            return
        words = "1 test is" if len(made) == 1 else f"{len(made)} tests are"
        yield rx.toast.success(f"{words} added.", description="Read them, and put them into your visitors' words.")
        yield PublicationState.load

    def _wanted(self) -> dict[str, Any]:
        return {
            "search": self.search.strip(),
            "outcome": "" if self.outcome == "all" else self.outcome,
            "origin": "" if self.origin == "all" else self.origin,
        }

    async def _find(self, principal: Tenant, request: PageRequest, **wanted: Any) -> Page[BotTestRead]:
        async with get_runtime().db.tenant(principal) as session:
            return await bot_tests.list_page(session, principal, UUID(self._bot), request, **wanted)

    async def _save(self, principal: Tenant, request: BotTestCreate) -> None:
        async with get_runtime().db.tenant(principal) as session:
            if self.test_id:
                patch = BotTestPatch.model_validate(request.model_dump(include={"question", "expectation", "facts"}))
                await bot_tests.change(session, principal, uuid_of(self.test_id), patch)
            else:
                await bot_tests.create(session, principal, route_id(self, "bot_id"), request)

    def _close(self) -> None:
        self.editing, self.saving, self.test_id = False, False, ""
        self.form_question = self.form_facts = ""
        self.refusal, self.errors = False, {}
