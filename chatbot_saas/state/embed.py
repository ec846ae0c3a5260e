"""The lines that put a bot on a website, and what keeps a page from showing it."""

from typing import Any

import reflex as rx
from pydantic import ValidationError

from chatbot_saas.core.errors import DomainError, NotFoundError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.embed import EmbedCheckRequest, EmbedReport, Snippet
from chatbot_saas.services import embed_doctor, snippets
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.services.snippets import Place
from chatbot_saas.state.bot import read_bot
from chatbot_saas.state.session import authorised, route_id
from chatbot_saas.state.validation import problem_words


class EmbedState(rx.State):
    ways: list[Snippet] = []
    chosen: str = "script"
    report: EmbedReport | None = None
    problem: str = ""
    checking: bool = False
    check_problem: str = ""
    """Why a page could not be asked for."""
    _bot: str = ""

    @rx.var
    def way(self) -> Snippet | None:
        return next((way for way in self.ways if way.name == self.chosen), None)

    @authorised(Scope.BOTS_READ, opens=True)
    async def load(self, principal: Tenant):
        try:
            bot = await read_bot(principal, route_id(self, "bot_id"))
        except NotFoundError:
            self.reset()  # the bot's own frame says so
            return
        if self._bot != str(bot.id):
            self.reset()
            self._bot = str(bot.id)
        self.ways = snippets.of(Place(get_runtime().settings.public_url.rstrip("/"), bot.id))

    @authorised(Scope.BOTS_READ)
    async def choose(self, principal: Tenant, name: str):
        self.chosen = str(name)[:20]

    @authorised(Scope.BOTS_WRITE, background=True)
    async def check(self, principal: Tenant, form_data: dict[str, Any]):
        """Background: the website takes its time."""
        try:
            body = EmbedCheckRequest(url=form_data.get("url", ""))
        except ValidationError as error:
            async with self:
                self.check_problem = problem_words(error)
            return
        async with self:
            if self.checking:
                return
            self.checking, self.check_problem, self.report = True, "", None
            bot_id = route_id(self, "bot_id")
        report, problem = None, ""
        try:
            report = await embed_doctor.check(get_runtime(), principal, bot_id, body.url)
        except DomainError as error:
            problem = error.message
        finally:
            async with self:
                self.checking, self.check_problem = False, problem
        async with self:
            if self._bot == str(bot_id):
                self.report = report
