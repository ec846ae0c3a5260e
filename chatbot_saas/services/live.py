"""Answers under way.

One is made by a task of its own, so that it goes on when the visitor drops out and can be followed again from any
event. An event's id counts the characters said up to its end, so that an answer that is read from its row afterwards
goes on at the same place, whatever pieces it was said in.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from chatbot_saas.core.errors import UnavailableError
from chatbot_saas.schemas.chat import ChatAnswer, Citation, SentenceProof, UsageRead

KEEP_SECONDS = 60.0
"""How long a finished answer can be resumed from memory; afterwards it is replayed from its row."""


@dataclass(frozen=True, slots=True)
class Event:
    id: int
    type: str
    """token, tool, sources, done or error; or reset: what was followed before was another answer, now made anew."""
    data: dict[str, Any]


class LiveAnswer:
    def __init__(self, question_id: UUID, answer_id: UUID, first_id: int = 0) -> None:
        """`first_id`: what the ids count from; another for each time that the answer is made."""
        self.first_id = self.last_id = first_id
        self.question_id = question_id
        self.answer_id = answer_id
        self.events: list[Event] = []
        self.begun = self.finished = False
        self.stopped = False
        """The visitor wants no more of it."""
        self.usage: UsageRead | None = None
        self.ending = "stop"
        """Why the model ended, as it says."""
        self._changed = asyncio.Event()

    def emit(self, kind: str, **data: Any) -> None:
        self.last_id += len(data["text"]) if kind == "token" else 1
        self.events.append(Event(self.last_id, kind, data))
        self.finished = kind in ("done", "error")
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def failed(self) -> bool:
        return self.finished and self.events[-1].type == "error"

    async def follow(self, after: int = 0) -> AsyncGenerator[Event]:
        """The events after the given id, as they come; of a token that lies across it, the rest."""
        async with aclosing(self.batches(after)) as batches:
            async for events in batches:
                for event in events:
                    yield event

    async def batches(self, after: int = 0) -> AsyncGenerator[list[Event]]:
        """The same events; those that are there already come together, since each wake-up costs more than an event."""
        if after and not self.first_id < after <= self.last_id:  # not an id of this answer
            yield [Event(self.first_id, "reset", {})]
            after = self.first_id
        position = 0
        while True:
            changed = self._changed
            events, position = self.events[position:], len(self.events)
            if wanted := [rest for event in events if (rest := _rest(event, after))]:
                yield wanted
            elif self.finished:
                return
            else:
                await changed.wait()

    async def result(self, conversation_id: UUID) -> ChatAnswer:
        """The whole answer, once it is there. Raises UnavailableError if it could not be made."""
        said: list[str] = []
        sources: list[Citation] = []
        proof: list[SentenceProof] = []
        done: dict[str, Any] = {}
        async for event in self.follow():
            match event.type:
                case "token":
                    said.append(event.data["text"])
                case "sources":
                    sources = [Citation.model_validate(source) for source in event.data["sources"]]
                    proof = [SentenceProof.model_validate(one) for one in event.data.get("proof", [])]
                case "done":
                    done = event.data
                case _:
                    raise UnavailableError(event.data["message"])
        return ChatAnswer(
            conversation_id=conversation_id,
            answer="".join(said),
            sources=sources,
            proof=proof,
            usage=self.usage,
            **done,
        )


def _rest(event: Event, after: int) -> Event | None:
    """What of the event lies after that id."""
    if event.type == "token" and event.id - len(event.data["text"]) < after < event.id:
        return Event(event.id, "token", {"text": event.data["text"][after - event.id :]})
    return event if event.id > after else None


class LiveAnswers:
    """The answers under way in this process, by the id of their question."""

    def __init__(self) -> None:
        self._answers: dict[UUID, LiveAnswer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._task_of: dict[UUID, asyncio.Task[None]] = {}

    def get(self, question_id: UUID) -> LiveAnswer | None:
        return self._answers.get(question_id)

    def question_ids(self) -> list[UUID]:
        return list(self._answers)

    def stop(self, question_id: UUID) -> bool:
        """End the answer to this question where it is; its maker stores what was said. Whether it is made here."""
        answer, task = self._answers.get(question_id), self._task_of.get(question_id)
        if answer is None or task is None or answer.finished:
            return False
        if not answer.stopped:
            answer.stopped = True
            task.cancel()
        return True

    def drop(self, question_ids: Collection[UUID]) -> int:
        """Forget the answers to these questions, which were deleted. Returns how many there were."""
        return sum(self._answers.pop(question_id, None) is not None for question_id in question_ids)

    def announce(self, answer: LiveAnswer) -> None:
        """Let it be found before it begins: whoever repeats the question may read its row in that moment."""
        self._answers[answer.question_id] = answer
        asyncio.get_running_loop().call_later(KEEP_SECONDS, self._withdraw, answer)

    def _withdraw(self, answer: LiveAnswer) -> None:
        if not answer.begun:  # its question was not stored after all
            self._forget(answer)

    def start(self, answer: LiveAnswer, work: Coroutine[Any, Any, None], *, stoppable: bool = True) -> None:
        """`stoppable`: `work` takes a cancellation for the visitor's wish, once `answer.stopped` says so."""
        self._answers[answer.question_id] = answer
        answer.begun = True
        task = asyncio.create_task(self._run(answer, work))
        self._tasks.add(task)
        if stoppable:
            self._task_of[answer.question_id] = task
        task.add_done_callback(partial(self._ended, answer.question_id))

    def _ended(self, question_id: UUID, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._task_of.get(question_id) is task:
            del self._task_of[question_id]

    async def _run(self, answer: LiveAnswer, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            if not answer.finished:
                answer.emit("error", code="internal", message="Something went wrong. Please try again.", retryable=True)
            asyncio.get_running_loop().call_later(KEEP_SECONDS, self._forget, answer)

    def _forget(self, answer: LiveAnswer) -> None:
        if self._answers.get(answer.question_id) is answer:  # not one that was made anew meanwhile
            del self._answers[answer.question_id]

    async def close(self) -> None:
        """Wait a moment for answers under way, then stop them."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=3)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
