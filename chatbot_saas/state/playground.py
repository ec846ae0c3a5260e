"""A try of the open bot. Answers come from a task of the chat service; here they are only followed.

`ask` is a background event: no lock of the State and no database session is held while the model works.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any
from uuid import UUID

import reflex as rx
from pydantic import TypeAdapter, ValidationError

from chatbot_saas.core.errors import DomainError
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.chat import Question
from chatbot_saas.schemas.dashboard import PlaygroundTurn
from chatbot_saas.services import chat, recorder
from chatbot_saas.services.live import Event, LiveAnswer
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.records import turn_of
from chatbot_saas.state.session import authorised, route_id
from chatbot_saas.state.validation import problem_words

log = get_logger(__name__)
BATCH_SECONDS = 0.03
"""Words that come within this time are sent to the browser together."""
_QUESTION = TypeAdapter[str](Question)


class PlaygroundState(rx.State):
    turns: list[PlaygroundTurn] = []
    question: str = ""
    """The one that is being answered; empty when none is."""
    answer: str = ""
    """What was said of its answer so far."""
    _session: str = ""
    _bot_id: str = ""

    @authorised(Scope.BOTS_READ, opens=True)
    async def load(self, principal: Tenant):
        self._open()

    @authorised(Scope.CHAT)
    async def new_chat(self, principal: Tenant):
        self._forget()

    @authorised(Scope.CHAT, background=True)
    async def ask(self, principal: Tenant, form_data: dict[str, Any]):
        try:
            question = question_of(form_data)
        except ValidationError as error:
            yield rx.toast.error(problem_words(error))
            return
        async with self:
            self._open()  # whoever is quick asks before the page is loaded
            if self.question:
                return
            bot_id = route_id(self, "bot_id")
            session = self._session = self._session or secrets.token_urlsafe(12)
            self.question, self.answer = question, ""

        async def show(said: str) -> bool:
            async with self:
                self.answer = said if self._session == session else self.answer
                return self._session == session

        turn = await failed_into_words(question, answered_turn(show, principal, bot_id, session, question))
        async with self:
            if self._session == session:  # else a new chat was begun meanwhile
                self.turns = [*self.turns, turn]
                self.question = self.answer = ""

    def _open(self) -> None:
        """Forget the chat with another bot."""
        bot_id = str(route_id(self, "bot_id"))
        if self._bot_id != bot_id:
            self._bot_id = bot_id
            self._forget()

    def _forget(self) -> None:
        self.turns, self.question, self.answer, self._session = [], "", "", ""


def question_of(form_data: Mapping[str, Any]) -> str:
    """What was asked in the form. Raises ValidationError."""
    return _QUESTION.validate_python(form_data.get("question", ""))


async def answered_turn(
    show: Callable[[str], Awaitable[bool]],
    principal: Tenant,
    bot_id: UUID,
    session: str,
    question: str,
    version: int | None = None,
) -> PlaygroundTurn:
    """Follow an answer to its end; returns the finished turn.

    `show` is given what was said so far, and tells whether anybody still waits for it: the answer is made all the same.
    """
    rt = get_runtime()
    live, answer_id = await chat.ask_in_playground(rt, principal, bot_id, session, question, version=version)
    said, error = "", ""
    async for batch in batches(live, BATCH_SECONDS):
        said += "".join(event.data["text"] for event in batch if event.type == "token")
        error = next((event.data["message"] for event in batch if event.type == "error"), error)
        if not await show(said):
            break
    async with rt.db.tenant(principal) as db:
        record = await recorder.flight(db, principal, answer_id)
    return turn_of(record, question, said, error)


async def failed_into_words(question: str, turn: Any) -> PlaygroundTurn:
    """A turn in any case: a question that vanishes would leave the person with an empty page."""
    try:
        return await turn
    except DomainError as error:
        words = error.message
    except Exception as error:
        log.error("playground_crashed", exc_info=error)
        words = "Something went wrong on our side. Try again; if it stays, tell the operator."
    return PlaygroundTurn(question=question, answer="", answered=False, error=words)


async def batches(live: LiveAnswer, seconds: float) -> AsyncGenerator[list[Event]]:
    """The answer's events as they come, those of `seconds` together, and never held back longer."""
    position, over = 0, False
    while not over:
        seen = live.events[position - 1].id if position else 0
        async with aclosing(live.follow(seen)) as events:
            async for _ in events:
                break
        await asyncio.sleep(seconds)
        batch, over = live.events[position:], live.finished
        position += len(batch)
        if batch:
            yield batch
