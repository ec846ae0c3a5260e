"""The latest run of the open bot's tests, followed while it goes on."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import reflex as rx

from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.core.paging import PageRequest
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.bot_tests import BotTestRunRead, ResultView
from chatbot_saas.services import bot_test_runs
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.bot import BotState, read_bot
from chatbot_saas.state.bot_test_views import result_view
from chatbot_saas.state.bot_tests import BotTestsState
from chatbot_saas.state.following import following, still_open
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.lists import POLLS
from chatbot_saas.state.publication import PublicationState
from chatbot_saas.state.session import authorised, identity_of, route_id
from chatbot_saas.state.trouble import told

MARKER = "data-bot-tests"
RUN_SECONDS = 1.0
"""What a run has done so far is told by nothing but its row."""


class BotTestRunState(rx.State):
    run: BotTestRunRead | None = None
    results: list[ResultView] = []
    show_passed: bool = False
    busy: bool = False
    """A run is being started."""
    problem: str = ""
    _bot: str = ""
    _watch: int = 0

    @rx.var
    def running(self) -> bool:
        return self.run is not None and self.run.active

    @rx.var
    def shown_results(self) -> list[ResultView]:
        return [result for result in self.results if self.show_passed or result.outcome != "passed"]

    @rx.var
    def passed_count(self) -> int:
        return sum(result.outcome == "passed" for result in self.results)

    @authorised(Scope.BOTS_READ, opens=True)
    async def load(self, principal: Tenant):
        bot = str(route_id(self, "bot_id"))
        if self._bot != bot:
            self.reset()
            self._bot = bot
            yield
        self.busy = False
        await self._read(principal)
        yield self._follow()

    @authorised(Scope.BOTS_WRITE)
    async def start(self, principal: Tenant):
        async for event in self._start(principal, publish=False):
            yield event

    @authorised(Scope.BOTS_WRITE)
    async def start_and_publish(self, principal: Tenant):
        """The run publishes at its end, if the tests let it; nobody has to wait for that."""
        async for event in self._start(principal, publish=True):
            yield event

    @authorised(Scope.BOTS_WRITE)
    async def cancel(self, principal: Tenant):
        if self.run is not None:
            async with get_runtime().db.tenant(principal) as session:
                await bot_test_runs.cancel(session, principal, uuid_of(str(self.run.id)))
        await self._read(principal)
        return [rx.toast.info("The run is cancelled."), PublicationState.load]

    @authorised(Scope.BOTS_READ)
    async def toggle_passed(self, principal: Tenant):
        self.show_passed = not self.show_passed

    @authorised(Scope.BOTS_READ, background=True)
    async def watch(self, principal: Tenant):
        """Follow the run, with nothing locked while it waits."""
        async with self:
            self._watch += 1
            mine = self._watch
        with following(principal.tenant_id, RUN_SECONDS) as pause:
            for _ in range(POLLS if self._bot else 0):
                await pause()
                principal = (await identity_of(self)).acting_tenant  # a sign-out stops it
                principal.require(Scope.BOTS_READ)
                try:
                    run = await _latest(principal, UUID(self._bot))
                except NotFoundError:
                    return
                async with self:
                    if self._watch != mine:
                        return
                    further = self.run is None or run is None or run.done != self.run.done
                    self.run = run
                    ended = not self.running
                if further or ended:
                    yield BotTestsState.refresh
                if ended:
                    yield BotTestRunState.finish
                    return
        yield still_open(MARKER, BotTestRunState.keep_watching)

    @authorised(Scope.BOTS_READ)
    async def keep_watching(self, principal: Tenant, page: str):
        return self._follow() if page == "open" else None

    @authorised(Scope.BOTS_READ)
    async def finish(self, principal: Tenant):
        """The run has ended: show its answers, and what it published."""
        await self._read(principal)
        run = self.run
        if run is None or run.status != "done":
            return PublicationState.load
        if run.published:
            (await self.get_state(BotState)).bot = await read_bot(principal, run.bot_id)
        return [_told(run), PublicationState.load]

    async def _start(self, principal: Tenant, *, publish: bool) -> AsyncGenerator[Any]:
        if self.busy or self.running:
            return
        self.busy = True
        yield
        rt = get_runtime()
        try:
            async with rt.db.tenant(principal) as session:
                self.run = await bot_test_runs.start(session, principal, route_id(self, "bot_id"), rt, publish=publish)
            self.results = []
        finally:
            self.busy = False
        yield [PublicationState.load, BotTestRunState.watch]

    async def _read(self, principal: Tenant) -> None:
        with told(self):
            try:
                self.run = await _latest(principal, route_id(self, "bot_id"))
                self.results = await _results(principal, self.run) if self.run and not self.running else []
            except NotFoundError:
                self.run, self.results = None, []

    def _follow(self) -> Any:
        return BotTestRunState.watch if self.running else None


def _told(run: BotTestRunRead) -> Any:
    if run.published:
        return rx.toast.success(f"Published. {run.passed} of {run.total} tests pass.")
    if run.publish_problem:
        return rx.toast.error("Not published.", description=run.publish_problem)
    if run.regressions:
        return rx.toast.warning("Some answers got worse.", description="Look at them before you publish.")
    if run.unasked:
        return rx.toast.warning("A model did not answer.", description="Run the tests again.")
    return rx.toast.success(f"{run.passed} of {run.total} tests pass.")


async def _latest(principal: Tenant, bot_id: UUID) -> BotTestRunRead | None:
    async with get_runtime().db.tenant(principal) as session:
        page = await bot_test_runs.list_page(session, principal, bot_id, PageRequest(limit=1))
    return page.items[0] if page.items else None


async def _results(principal: Tenant, run: BotTestRunRead) -> list[ResultView]:
    async with get_runtime().db.tenant(principal) as session:
        found = await bot_test_runs.get(session, principal, run.id)
    return [view for view in map(result_view, found.results) if view]
