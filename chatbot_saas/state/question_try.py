"""Trying which question with an answer of its own a question would be taken for, and how close is close enough."""

from typing import Any

import reflex as rx
from pydantic import ValidationError

from chatbot_saas.core.errors import DomainError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.bots import BotPatch
from chatbot_saas.schemas.questions import CandidateView, PairMatchRead, PairMatchRequest
from chatbot_saas.services import bots, matching
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.bot import BotState, read_bot
from chatbot_saas.state.session import authorised, route_id
from chatbot_saas.state.trouble import NotLoadedError
from chatbot_saas.state.validation import problem_words

LEAST, MOST = 50, 100
MOST_SHOWN, UNLIKE = 3, 30
"""Rows, and the share of 100 below which only the closest one is worth showing."""
_HELD = {
    "language": "The built-in embeddings know English only. In other languages the same words are needed.",
    "numbers": "It has other numbers in it.",
}


class QuestionTryState(rx.State):
    asked: str = ""
    """The question that was tried."""
    verdict: str = ""
    """exact, meaning, below or nothing; empty before the first try."""
    candidates: list[CandidateView] = []
    threshold: int = 88
    """Of 100, as the slider stands."""
    saved: int = 88
    loaded: bool = False
    problem: str = ""
    trying: bool = False
    ask_problem: str = ""
    """Why the question could not be tried."""
    _bot: str = ""
    _result: dict[str, Any] | None = None

    @rx.var
    def changed(self) -> bool:
        return self.threshold != self.saved

    @authorised(Scope.BOTS_READ, opens=True)
    async def load(self, principal: Tenant):
        bot_id = route_id(self, "bot_id")
        if self._bot != str(bot_id):
            self.reset()
        bot = await read_bot(principal, bot_id)
        keeps = self._bot == str(bot_id) and self.changed
        self.saved = round(100 * bot.qa_threshold)
        self.threshold = self.threshold if keeps else self.saved
        self._bot, self.loaded = str(bot_id), True

    @authorised(Scope.CHAT, background=True)
    async def ask(self, principal: Tenant, form_data: dict[str, Any]):
        """Background: the question is embedded, perhaps by a provider."""
        try:
            body = PairMatchRequest(query=form_data.get("query", ""))
        except ValidationError as error:
            async with self:
                self.ask_problem = problem_words(error)
            return
        async with self:
            if self.trying:
                return
            self.trying, self.ask_problem = True, ""
            bot_id = route_id(self, "bot_id")
        found, problem = None, ""
        try:
            found = await matching.try_question(get_runtime(), principal, bot_id, body)
        except DomainError as error:
            problem = error.message
        finally:
            async with self:
                self.trying, self.ask_problem = False, problem
        async with self:
            if found and self._bot == str(bot_id):
                self.asked, self._result = body.query, found.model_dump(mode="json")
                self._judge()

    @authorised(Scope.BOTS_READ)
    async def move(self, principal: Tenant, value: int | float):
        """The slider: what was tried is judged anew, without another call."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.threshold = max(LEAST, min(MOST, round(value)))
            self._judge()

    @authorised(Scope.BOTS_WRITE)
    async def save(self, principal: Tenant):
        """Only where the bot's own was read: until then the slider stands where it stands by itself."""
        if not self.loaded or self._bot != str(route_id(self, "bot_id")):
            raise NotLoadedError
        rt, bot_state = get_runtime(), await self.get_state(BotState)
        patch = BotPatch(qa_threshold=self.threshold / 100)
        async with rt.db.tenant(principal) as session:
            bot_state.bot = await bots.change(session, principal, route_id(self, "bot_id"), patch, rt)
        self.saved = self.threshold
        return rx.toast.success(f"From {self.saved}% alike on, your answer is given.")

    @authorised(Scope.BOTS_READ)
    async def put_back(self, principal: Tenant):
        self.threshold = self.saved
        self._judge()

    def _judge(self) -> None:
        if self._result is not None:
            self.verdict, self.candidates = judged(PairMatchRead.model_validate(self._result), self.threshold / 100)


def judged(result: PairMatchRead, threshold: float) -> tuple[str, list[CandidateView]]:
    """The verdict at this threshold, and the rows that show it; what matched comes first."""
    exact = result.by == "exact"
    winner = 0 if exact else None
    if not exact:
        fitting = [n for n, one in enumerate(result.candidates) if one.score >= threshold and not one.held]
        winner = max(fitting, key=lambda n: result.candidates[n].score) if fitting else None
    rows = [
        CandidateView(
            question=one.question,
            answer=one.answer,
            share=int(100 * one.score),  # never up: 87.9 does not reach 88
            note=_HELD.get(one.held, "") if one.score >= threshold else "",
            wins=number == winner,
        )
        for number, one in enumerate(result.candidates)
    ]
    rows.sort(key=lambda row: not row.wins)
    rows = [row for place, row in enumerate(rows[:MOST_SHOWN]) if place == 0 or row.share >= UNLIKE]
    verdict = "exact" if exact else "meaning" if winner is not None else "below" if rows else "nothing"
    return verdict, rows
