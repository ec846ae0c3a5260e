"""One answer from the first model that gives it: the bot's own, else the second one, within one deadline.

Once text has come no other model goes on with it: two halves of two answers are worse than one that broke off.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Literal

from chatbot_saas.adapters.llm import (
    ChatRequest,
    Finished,
    ModelError,
    ModelTimeoutError,
    ModelUnavailableError,
    Part,
    TextDelta,
    Usage,
)
from chatbot_saas.adapters.llm.breaker import Guarded, NotAskedError
from chatbot_saas.core.settings import Settings

FIRST_SHARE = 0.6
"""Of the time that is left, for a model after which another can be asked: 5.1 of 8.5 seconds."""
NO_KEY = "none"
"""Sent to an endpoint of its own that needs no key; ours must not go there."""


@dataclass(frozen=True, slots=True)
class Candidate:
    model: str
    api_key: str = field(default="", repr=False)
    """Empty for the operator's."""
    base_url: str = ""


@dataclass(slots=True)
class Attempt:
    """One model that was to answer."""

    model: str
    outcome: Literal["ok", "failed", "cancelled", "not_asked"] = "cancelled"
    usage: Usage | None = None
    """None when it was not asked."""
    error: ModelError | None = None
    second: bool = False
    """Not the first of the candidates."""
    begun: float = field(default_factory=time.monotonic)
    seconds: float = 0.0


def candidates(settings: Settings, *, model: str, api_key: str = "", fallback_model: str = "") -> list[Candidate]:
    """Who can answer for a bot, in order. `model`, `api_key` and `fallback_model` are the bot's own or empty.

    A bot's second model is at the bot's provider; the operator's may be at another (FALLBACK_BASE_URL).
    """
    found = [Candidate(model or settings.openai_model, api_key)]
    if fallback_model:
        found.append(Candidate(fallback_model, api_key))
    elif settings.fallback_model:
        key, url = settings.fallback_api_key.get_secret_value(), settings.fallback_base_url
        found.append(Candidate(settings.fallback_model, key or (NO_KEY if url else ""), url))
    return list(dict.fromkeys(found))


class FallbackChain:
    """For one answer. `attempts` grows while it streams and is complete once the stream has ended or was closed."""

    def __init__(self, model: Guarded, candidates: Sequence[Candidate], deadline: float) -> None:
        """`deadline`: on the event loop's clock, for the first word of whoever answers."""
        self._model = model
        self._candidates = candidates
        self._deadline = deadline
        self.attempts: list[Attempt] = []

    @property
    def usages(self) -> list[tuple[Usage, str]]:
        """Each call that was made, with its outcome (ok, failed or cancelled): what goes on the bill."""
        return [(attempt.usage, attempt.outcome) for attempt in self.attempts if attempt.usage]

    @property
    def answered_by(self) -> Attempt | None:
        """Whose text it is, if any came."""
        return self.attempts[-1] if self.attempts and self.attempts[-1].outcome == "ok" else None

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Part, None]:
        """As a ChatModel's; of `request` model, key and endpoint are replaced by the candidates'.

        Raises the ModelError of the first candidate that was asked, or of the one whose text broke off.
        """
        first: ModelError | None = None
        for number, candidate in enumerate(self._candidates):
            asked = replace(request, model=candidate.model, api_key=candidate.api_key, base_url=candidate.base_url)
            said: list[str] = []
            try:
                async with aclosing(self._attempt(asked, self._until(number), said, number > 0)) as parts:
                    async for part in parts:
                        yield part
                return
            except ModelError as error:
                if said:
                    raise
                if first is None or isinstance(first, NotAskedError):
                    first = error
        raise first or ModelUnavailableError()

    def _until(self, number: int) -> float:
        """A model that is left alone right now needs no time."""
        now = asyncio.get_running_loop().time()
        others = [
            candidate
            for candidate in self._candidates[number + 1 :]
            if not self._model.breaker_of(_place(candidate)).would_refuse
        ]
        return now + FIRST_SHARE * max(0.0, self._deadline - now) if others else self._deadline

    async def _attempt(
        self, request: ChatRequest, until: float, said: list[str], second: bool
    ) -> AsyncGenerator[Part, None]:
        attempt = Attempt(request.model, second=second)
        self.attempts.append(attempt)
        try:
            async with aclosing(self._model.stream_within(request, until)) as parts:
                async for part in parts:
                    if isinstance(part, Finished):
                        attempt.usage, attempt.outcome = part.usage, "ok"
                    elif not isinstance(part, TextDelta):
                        said.append(part.name + part.arguments)
                    elif part.text.strip() or said:
                        said.append(part.text)
                    yield part
        except NotAskedError as error:
            attempt.outcome, attempt.error = "not_asked", error
            raise
        except ModelError as error:
            attempt.outcome, attempt.error, attempt.usage = "failed", error, error.usage
            if error.usage is None and not said and not isinstance(error, ModelTimeoutError):
                # refused before anything was made; after a wait in vain nobody knows, so that is estimated
                attempt.usage = replace(self._model.estimate(request, ""), input_tokens=0)
            raise
        finally:
            attempt.seconds = time.monotonic() - attempt.begun
            if attempt.usage is None and attempt.outcome != "not_asked":
                attempt.usage = self._model.estimate(request, "".join(said))


def _place(candidate: Candidate) -> ChatRequest:
    return ChatRequest(
        model=candidate.model,
        messages=(),
        question="",
        passages=(),
        temperature=0,
        top_p=1,
        max_tokens=1,
        api_key=candidate.api_key,
        base_url=candidate.base_url,
    )
