"""One request and its answer: sent again where that does no harm, read page by page or event by event."""

import random
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter

from chatbot_client.errors import AnswerError, ApiError, UnreachableError, error_of
from chatbot_client.events import Event, Place, events
from chatbot_client.model import Model

PAGE_SIZE = 100
"""Items of one request of a list; its iterator asks for more as they are needed."""
LONGEST_WAIT = 60.0
"""Seconds. What asks for more patience is raised."""
FIRST_WAIT = 0.5
_LATER = {429, 503}
_UNDER_WAY = "idempotency_in_progress"
_JSON: TypeAdapter[Any] = TypeAdapter(Any)

File = str | Path | tuple[str, bytes]
"""A path, or a name with the bytes."""
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Call:
    """What is asked of the server, before it is sent."""

    verb: str
    template: str
    path: Mapping[str, object] = field(default_factory=dict[str, object])
    query: Mapping[str, object] = field(default_factory=dict[str, object])
    headers: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    body: Mapping[str, Any] | None = None
    files: Iterable[File] = ()
    csv: str | bytes | None = None
    page_size: int = 0
    key: str = ""
    repeatable: bool = False
    """Whether the server carries it out once for each key, however often it comes."""

    def ready(self, base_url: str) -> "Ready":
        path = self.template.format(**{name: quote(str(value), safe="") for name, value in self.path.items()})
        headers = {name: value for name, value in self.headers.items() if value is not None}
        if self.repeatable:
            headers["Idempotency-Key"] = self.key or uuid.uuid4().hex
        sent: dict[str, Any] = {"params": _told({**self.query, "limit": self.page_size or None})}
        if files := [("file", _opened(file)) for file in self.files]:
            sent["files"] = files
        elif self.csv is not None:
            sent["content"] = self.csv
            headers["Content-Type"] = "text/csv"
        elif self.body is not None:
            sent["content"] = _JSON.dump_json(self.body)
            headers["Content-Type"] = "application/json"
        return Ready(self.verb, f"{base_url}{path}", headers, sent, self.repeatable or self.verb != "POST")


@dataclass
class Ready:
    """A request that can be sent again and again, always with the same key."""

    verb: str
    url: str
    headers: dict[str, str]
    sent: dict[str, Any]
    harmless: bool
    """Whether a second one does nothing that the first did not."""


def _told(query: Mapping[str, object]) -> dict[str, str]:
    plain = {True: "true", False: "false"}
    return {
        name: plain[value] if isinstance(value, bool) else str(value)
        for name, value in query.items()
        if value is not None
    }


def _opened(file: File) -> tuple[str, bytes]:
    return file if isinstance(file, tuple) else (Path(file).name, Path(file).read_bytes())


class Caller:
    """Sends calls. `tries` is how often one is sent at most, `timeout` how long a silence may last, in seconds."""

    def __init__(
        self,
        api_key: str,
        base_url: str,
        *,
        timeout: float = 60.0,
        tries: int = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._tries = max(1, tries)
        self._http = httpx.Client(
            headers={"X-API-Key": api_key, "Accept": "application/json"}, timeout=timeout, transport=transport
        )

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _one(self, model: type[M], call: Call) -> M:
        answer = self._answer(call.ready(self._base_url))
        return model.from_answer(answer.content, answer.headers.get("ETag", ""))

    def _list(self, model: type[M], call: Call) -> list[M]:
        return [model.model_validate(item) for item in self._answer(call.ready(self._base_url)).json()["items"]]

    def _pages(self, model: type[M], call: Call) -> Iterator[M]:
        ready = call.ready(self._base_url)
        while True:
            page = self._answer(ready).json()
            yield from (model.model_validate(item) for item in page["items"])
            if page["next_cursor"] is None:
                return
            ready.sent["params"]["cursor"] = page["next_cursor"]

    def _text(self, call: Call) -> str:
        return self._answer(call.ready(self._base_url)).text

    def _bytes(self, call: Call) -> bytes:
        return self._answer(call.ready(self._base_url)).content

    def _nothing(self, call: Call) -> None:
        self._answer(call.ready(self._base_url))

    def _events(self, call: Call) -> Iterator[Event]:
        """The events of a stream. One that breaks is asked for again, after the last event that was read."""
        answers = call.body is not None  # an answer has an end, what happens in an account has none
        if call.body is not None:  # the id makes a second request continue the first one's answer
            call = replace(call, body={"client_message_id": uuid.uuid4().hex, **call.body, "stream": True})
        ready, place, failures, cause = call.ready(self._base_url), Place(), 0, "it ended too early"
        ready.headers["Accept"] = "text/event-stream"
        ready.harmless = True
        while failures < self._tries:
            before = place.last_id
            if before:
                ready.headers["Last-Event-ID"] = before
            try:
                with closing(self._sent(ready, whole=False)) as stream:
                    for event in events(stream.iter_lines(), place):
                        if answers and event.type == "error":
                            raise _failed(event)
                        yield event
                        if answers and event.type == "done":
                            return
            except httpx.TransportError as error:
                cause = str(error) or type(error).__name__
            failures = failures + 1 if place.last_id == before else 0
            time.sleep(_patience(failures))
        raise UnreachableError(f"The stream broke off: {cause}")

    def _answer(self, ready: Ready) -> httpx.Response:
        return self._sent(ready, whole=True)

    def _sent(self, ready: Ready, *, whole: bool) -> httpx.Response:
        """The first answer that is not to be asked for again, `whole` or to be read; an error is raised."""
        tried = 0
        while True:
            tried += 1
            request = self._http.build_request(ready.verb, ready.url, headers=ready.headers, **ready.sent)
            try:
                answer = self._http.send(request, stream=not whole)
                if answer.is_success:
                    return answer
                answer.read()
            except httpx.TransportError as error:
                if tried >= self._tries or not (ready.harmless or isinstance(error, httpx.ConnectError)):
                    raise UnreachableError(f"{ready.verb} {ready.url}: {error or type(error).__name__}") from error
                time.sleep(_patience(tried))
                continue
            error = error_of(answer)
            wait = _wait(answer, error, tried)
            if tried >= self._tries or wait is None:
                raise error
            time.sleep(wait)


def _failed(event: Event) -> AnswerError:
    return AnswerError(200, str(event.data.get("code", "unknown")), str(event.data.get("message", "")))


def _wait(answer: httpx.Response, error: ApiError, tried: int) -> float | None:
    """Seconds until the next try; None where there is to be none."""
    if answer.status_code not in _LATER and error.code != _UNDER_WAY:
        return None
    told = answer.headers.get("Retry-After", "")
    if not told:
        return _patience(tried)
    try:
        seconds = float(told)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return _patience(tried)
    return max(0.0, seconds) if seconds <= LONGEST_WAIT else None


def _patience(tried: int) -> float:
    """Longer each time, and not all clients at the same moment."""
    return FIRST_WAIT * 2.0 ** (tried - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - nobody gains by guessing it
