"""Answers as server-sent events."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header
from fastapi.responses import StreamingResponse

from chatbot_saas.services.live import Event, LiveAnswer

HEARTBEAT_SECONDS = 10.0
STREAM_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}

STREAMED: dict[str, Any] = {
    "description": "The answer: as JSON, or as server-sent events `token`, `sources`, `done` and `error`.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}
AcceptHeader = Annotated[str, Header()]
LastEventId = Annotated[str | None, Header(max_length=20)]


def events_after(last_event_id: str | None) -> int:
    return int(last_event_id) if last_event_id and last_event_id.isdigit() else 0


def event_stream(live: LiveAnswer, after: int = 0, *, conversation_id: UUID | None = None) -> StreamingResponse:
    """The answer's events after the given id. The reader may leave at any time: the answer goes on being made.

    `conversation_id`: tell it, and the usage, with the last event (the API's stream; visitors are told neither).
    """

    async def lines() -> AsyncGenerator[str]:
        async with aclosing(with_heartbeat(live, after)) as events:
            async for batch in events:
                yield "".join(_line(event, live, conversation_id) for event in batch) or ": still here\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream", headers=STREAM_HEADERS)


def _line(event: Event, live: LiveAnswer, conversation_id: UUID | None) -> str:
    data: dict[str, Any] = event.data
    if conversation_id and event.type == "done":
        usage = live.usage.model_dump() if live.usage else None
        data = {**data, "conversation_id": str(conversation_id), "usage": usage}
    return f"id: {event.id}\nevent: {event.type}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


async def with_heartbeat(live: LiveAnswer, after: int = 0) -> AsyncGenerator[list[Event]]:
    """The events in batches; an empty one when nothing came for a while, so that proxies keep the connection open."""
    events = live.batches(after)
    pending = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            done, _ = await asyncio.wait({pending}, timeout=HEARTBEAT_SECONDS)
            if not done:
                yield []
                continue
            batch = pending.result()
            if batch is None:
                return
            yield batch
            pending = asyncio.ensure_future(anext(events, None))
    finally:
        pending.cancel()
