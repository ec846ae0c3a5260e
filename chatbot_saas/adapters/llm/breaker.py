"""Never dark: a provider that does not answer is left alone for a while, so that only the first few visitors wait.

A breaker counts the failures in a row of one model at one endpoint with one key. (The model is in it because a second
model is often at the same endpoint.) After three it is open: nobody asks. After a pause one caller tries; if that
fails, the next pause is twice as long. Retries of a single call are in adapters.openai_calls, not here.

State is a process's own: each learns for itself, from its first few calls.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

from prometheus_client import Counter, Gauge

from chatbot_saas.adapters.embeddings import Embedded, Embedder
from chatbot_saas.adapters.llm import (
    ChatModel,
    ChatRequest,
    Finished,
    ModelError,
    ModelQuotaError,
    ModelRateLimitedError,
    ModelTimeoutError,
    ModelUnavailableError,
    Part,
    TextDelta,
    Usage,
)
from chatbot_saas.core.logging import get_logger

log = get_logger(__name__)
FAILURES = 3
"""In a row, until a breaker opens."""
PAUSES = (5.0, 60.0)
"""Seconds for which an open breaker lets nobody ask: the first time, and at most; doubled in between."""
QUERY_SECONDS = 2.5
"""For the vector of a question; then words alone find its passages."""
MOST_BREAKERS = 1000

_opened = Counter("chatbot_model_breaker_opened", "Times that a model was left alone after failures", ["kind"])
_open = Gauge("chatbot_model_breakers_open", "Models that are left alone right now", ["kind"])
R = TypeVar("R")


class NotAskedError(ModelUnavailableError):
    """The model provider could not be reached a moment ago and is left alone. Try again in a minute."""


class Breaker:
    """`admit` before a call, then one of `succeeded`, `failed` and `gave_up`."""

    def __init__(self, kind: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._kind = kind
        self._clock = clock
        self._failures = 0
        self._pause = PAUSES[0]
        self._open_until: float | None = None
        self._trying = False

    @property
    def is_open(self) -> bool:
        return self._open_until is not None

    @property
    def would_refuse(self) -> bool:
        return self._open_until is not None and (self._trying or self._clock() < self._open_until)

    def admit(self) -> None:
        """Raises NotAskedError while the breaker is open. Of those who come after the pause, the first may try."""
        if self.would_refuse:
            raise NotAskedError
        self._trying = self.is_open

    def succeeded(self) -> None:
        if self.is_open:
            _open.labels(self._kind).dec()
            log.info("model_breaker_closed", kind=self._kind)
        self._failures, self._pause, self._open_until, self._trying = 0, PAUSES[0], None, False

    def failed(self, error: ModelError) -> None:
        """A failure that says something of the provider, see `is_outage`; others count as an answer."""
        if not is_outage(error):
            self.succeeded()
            return
        self._failures += 1
        if self._failures < FAILURES and not self.is_open:
            return
        if not self.is_open:
            _open.labels(self._kind).inc()
            _opened.labels(self._kind).inc()
        elif self._trying:
            self._pause = min(2 * self._pause, PAUSES[1])
        else:
            return  # a call that had begun before it opened
        self._trying = False
        self._open_until = self._clock() + min(max(self._pause, error.retry_after), PAUSES[1])
        log.warning("model_breaker_open", kind=self._kind, code=error.code, failures=self._failures)

    def gave_up(self) -> None:
        """The caller left before anything could be said of the provider: the next one may try."""
        self._trying = False


class Breakers:
    """One for each model at each endpoint with each key. What was not used for longest is forgotten."""

    def __init__(self) -> None:
        self._by_place: OrderedDict[tuple[str, bytes, str, str], Breaker] = OrderedDict()

    def of(self, kind: str, model: str, api_key: str = "", base_url: str = "") -> Breaker:
        """`kind`: chat or embedding. An empty key is the operator's."""
        place = (kind, hashlib.sha256(api_key.encode()).digest() if api_key else b"", base_url, model)
        breaker = self._by_place.pop(place, None) or Breaker(kind)
        self._by_place[place] = breaker
        if len(self._by_place) > MOST_BREAKERS:
            _, oldest = self._by_place.popitem(last=False)
            oldest.succeeded()
        return breaker

    @property
    def operators_open(self) -> bool:
        """Whether a model of the operator's own key is left alone. Bots with keys of their own are their owners'."""
        return any(breaker.is_open for (_, key, _, _), breaker in self._by_place.items() if not key)


def is_outage(error: ModelError) -> bool:
    """Whether the next call is likely to fail, too: not for what is wrong with one request, one key or one bot."""
    if isinstance(error, ModelQuotaError):
        return False
    return isinstance(error, ModelTimeoutError | ModelUnavailableError | ModelRateLimitedError)


class Guarded:
    """A chat model behind its breakers. Raises NotAskedError at once while the request's is open."""

    def __init__(self, model: ChatModel, breakers: Breakers) -> None:
        self._model = model
        self._breakers = breakers
        self.provider = model.provider
        self.quotes = model.quotes

    def breaker_of(self, request: ChatRequest) -> Breaker:
        return self._breakers.of("chat", request.model, request.api_key, request.base_url)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Part, None]:
        async with aclosing(self.stream_within(request, None)) as parts:
            async for part in parts:
                yield part

    async def stream_within(self, request: ChatRequest, deadline: float | None) -> AsyncGenerator[Part, None]:
        """As `stream`; ModelTimeoutError if no text has come by `deadline`, on the event loop's clock.

        An answer without any text or call of a tool is an outage, too: ModelUnavailableError with its usage.
        """
        breaker = self.breaker_of(request)
        breaker.admit()
        told, text_came = False, False
        quotes = self._model.quotes and not request.api_key
        try:
            async with aclosing(self._model.stream(request)) as parts:
                while True:
                    try:
                        part = await _by(anext(parts), None if text_came else deadline)
                    except StopAsyncIteration:
                        break
                    if isinstance(part, Finished) and not text_came and not quotes:
                        raise ModelUnavailableError("The model gave an empty answer.", usage=part.usage)
                    said = part.text.strip() if isinstance(part, TextDelta) else not isinstance(part, Finished)
                    if said and not text_came:
                        text_came = True
                        if breaker.is_open:
                            breaker.succeeded()  # the one that tried has heard enough
                    yield part
            breaker.succeeded()
            told = True
        except ModelError as error:
            breaker.failed(error)
            told = True
            raise
        finally:
            if not told:  # closed early, or cancelled
                breaker.succeeded() if text_came else breaker.gave_up()

    def estimate(self, request: ChatRequest, text: str) -> Usage:
        return self._model.estimate(request, text)

    async def check(self, api_key: str = "") -> None:
        if not api_key and self._breakers.operators_open:
            raise NotAskedError
        await self._model.check(api_key)

    async def close(self) -> None:
        await self._model.close()


class GuardedEmbedder:
    """An embedder whose questions go by a breaker. Documents are embedded by jobs, which wait and try again."""

    def __init__(self, embedder: Embedder, breakers: Breakers, seconds: float = QUERY_SECONDS) -> None:
        self._embedder = embedder
        self._breaker = breakers.of("embedding", embedder.name)
        self._seconds = seconds
        self.name, self.dimension, self.batch_size = embedder.name, embedder.dimension, embedder.batch_size

    async def embed_documents(self, texts: Sequence[str]) -> Embedded:
        return await self._embedder.embed_documents(texts)

    async def embed_query(self, text: str) -> Embedded:
        self._breaker.admit()
        told = False
        try:
            deadline = asyncio.get_running_loop().time() + self._seconds
            embedded = await _by(self._embedder.embed_query(text), deadline)
            self._breaker.succeeded()
            told = True
        except ModelError as error:
            self._breaker.failed(error)
            told = True
            raise
        finally:
            if not told:
                self._breaker.gave_up()
        return embedded

    async def close(self) -> None:
        await self._embedder.close()


async def _by(call: Awaitable[R], deadline: float | None) -> R:
    try:
        async with asyncio.timeout_at(deadline):
            return await call
    except TimeoutError as error:
        raise ModelTimeoutError from error
