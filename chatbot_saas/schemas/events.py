from datetime import datetime
from typing import Any, Literal

from chatbot_saas.schemas.base import Read

EventType = Literal[
    "bot.changed",
    "bot.deleted",
    "source.status",
    "source.deleted",
    "job.progress",
    "test_run.finished",
    "conversation.started",
    "conversation.deleted",
    "message.created",
    "lead.created",
    "lead.deleted",
]


class EventRead(Read):
    """Something that happened: ids and small facts. What it is about is read by its own route."""

    id: str
    """Of the place in the stream: send the last one as `Last-Event-ID` to go on after it."""
    type: EventType
    created_at: datetime
    data: dict[str, Any]


class EventList(Read):
    """For callers that ask again and again instead of keeping a stream open."""

    items: list[EventRead]
    last_id: str
    reset: bool
    """The id that was sent is too old or unknown, so something may be missing: read what you follow again."""
    more: bool
    """There are further events already."""
