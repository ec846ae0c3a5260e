"""A try of the open bot. Answers come from a task of the chat service; here they are only followed.

`ask` is a background event: no lock of the State and no database session is held while the model works.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID

import reflex as rx
from pydantic import TypeAdapter, ValidationError

from chatbot_saas.core.errors import DomainError
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.chat import AnswerTrace, Question
from chatbot_saas.schemas.dashboard import PassageView, PlaygroundTurn
from chatbot_saas.services import chat, conversations
from chatbot_saas.services.live import Event, LiveAnswer
from chatbot_saas.services.runtime import get_runtime
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

    @authorised(Scope.BOTS_READ)
    async def load(self, principal: Tenant):
        bot_id = str(route_id(self, "bot_id"))
        if self._bot_id != bot_id:
            self._bot_id = bot_id
            self._forget()

    @authorised(Scope.CHAT)
    async def new_chat(self, principal: Tenant):
        self._forget()

    @authorised(Scope.CHAT, background=True)
    async def ask(self, principal: Tenant, form_data: dict[str, Any]):
        try:
            question = _QUESTION.validate_python(form_data.get("question", ""))
        except ValidationError as error:
            yield rx.toast.error(problem_words(error))
            return
        async with self:
            if self.question:
                return
            bot_id = route_id(self, "bot_id")
            session = self._session = self._session or secrets.token_urlsafe(12)
            self.question, self.answer = question, ""
        turn = await _failed_into_words(question, _turn(self, principal, bot_id, session, question))
        async with self:
            if self._session == session:  # else a new chat was begun meanwhile
                self.turns = [*self.turns, turn]
                self.question = self.answer = ""

    def _forget(self) -> None:
        self.turns, self.question, self.answer, self._session = [], "", "", ""


async def _turn(state: PlaygroundState, principal: Tenant, bot_id: UUID, session: str, question: str) -> PlaygroundTurn:
    """Follow an answer to its end, showing what was said so far; returns the finished turn."""
    rt = get_runtime()
    live, answer_id = await chat.ask_in_playground(rt, principal, bot_id, session, question)
    said, error = "", ""
    async for batch in batches(live, BATCH_SECONDS):
        said += "".join(event.data["text"] for event in batch if event.type == "token")
        error = next((event.data["message"] for event in batch if event.type == "error"), error)
        async with state:
            if state._session != session:
                break  # the answer goes on being made and stored; nobody here waits for it
            state.answer = said
    async with rt.db.tenant(principal) as db:
        trace = await conversations.answer_trace(db, principal, answer_id)
    return finished_turn(question, said, error, trace)


async def _failed_into_words(question: str, turn: Any) -> PlaygroundTurn:
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


def finished_turn(question: str, answer: str, error: str, trace: AnswerTrace) -> PlaygroundTurn:
    best = max((hit.lexical_score or 0.0 for hit in trace.passages), default=0.0)
    return PlaygroundTurn(
        question=question,
        answer=answer,
        answered=trace.answered,
        error=error,
        note=_note(trace),
        fallback=bool(trace.fallback),
        sources=trace.citations,
        passages=[
            PassageView(
                title=hit.title,
                page=hit.page,
                headings=" › ".join(hit.headings),
                text=hit.text,
                vector=_share(hit.vector_score),
                lexical=_share(hit.lexical_score / best if hit.lexical_score is not None and best else None),
                coverage=_share(hit.coverage) or 0,
                # by its words: the page of a quote may lie behind the page on which its passage begins
                cited=any(cited.title == hit.title and cited.quote in hit.text for cited in trace.citations),
            )
            for hit in trace.passages
        ],
    )


def _share(score: float | None) -> int | None:
    return None if score is None else round(100 * min(1.0, max(0.0, score)))


def _note(trace: AnswerTrace) -> str:
    parts = ["quoted from the sources" if trace.model == "extractive" else trace.model]
    if pair := trace.pair:
        like = "the same words" if pair.by == "exact" else f"{pair.score:.0%} alike"
        parts = [f"your own answer, {like}" + (f": “{pair.question}”" if pair.question else "")]
    for name, words in (("first_token", "first word after"), ("answered", "whole answer after")):
        if (taken := trace.milliseconds.get(name)) is not None:
            parts.append(f"{words} {taken / 1000:.1f} s" if taken >= 1000 else f"{words} {taken:.0f} ms")
    return " · ".join(part for part in parts if part)
