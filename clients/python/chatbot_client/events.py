"""Server-sent events, as https://html.spec.whatwg.org/multipage/server-sent-events.html has them."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """One event of a stream. `id` continues after it."""

    type: str
    data: dict[str, Any]
    id: str = ""

    @property
    def text(self) -> str:
        """What a `token` adds to an answer; empty for other events."""
        return str(self.data.get("text", "")) if self.type == "token" else ""


@dataclass
class Place:
    """How far a stream was read, also by a line that only keeps the connection open."""

    last_id: str = ""


@dataclass
class _Open:
    type: str = ""
    data: list[str] = field(default_factory=list[str])


def events(lines: Iterable[str], place: Place) -> Iterator[Event]:
    """The events in `lines`. One that was cut off is left out: it comes again."""
    current, last_id = _Open(), place.last_id
    for line in lines:
        if not line:
            place.last_id = last_id
            if current.data:
                yield Event(current.type or "message", json.loads("\n".join(current.data)), last_id)
            current = _Open()
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            last_id = value
        elif name == "event":
            current.type = value
        elif name == "data":
            current.data.append(value)
