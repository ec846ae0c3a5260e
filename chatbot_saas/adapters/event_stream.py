"""Reads a provider's server-sent events, all that have arrived at once.

The SDK's own iterator goes through several layers for each event, and a time limit around each adds more: together a
fifth of the processor time of a turn. A fast model sends several events in one packet; here they wake the reader once.
"""

import asyncio
import contextlib
import json
import re
from typing import Any, cast

from openai import AsyncStream

from chatbot_saas.adapters.llm import ModelUnavailableError

Json = dict[str, Any]
_EVENT_END = re.compile(rb"\r?\n\r?\n")
_END = b"[DONE]"
_DRAIN_SECONDS = 1.0  # a connection whose answer was read to its end can be used again


class EventReader:
    """The JSON data of a stream's events. `close` it, also when it was read to the end."""

    def __init__(self, stream: AsyncStream[object]) -> None:
        self._stream = stream
        self._arrived = bytearray()
        self._wake = asyncio.Event()
        self._closed = False
        """Nothing more will arrive."""
        self._done = False
        """The provider has said that this is all."""
        self._error: Exception | None = None
        self._pump = asyncio.create_task(self._read())

    async def next(self) -> list[Json]:
        """What has arrived since the last call, once there is something; nothing at the end.

        Raises ModelUnavailableError when the connection broke or the provider sent an error, or what is no JSON.
        """
        while True:
            if events := self._events():
                return events
            if self._done or (self._closed and not self._error):
                return []
            if self._error:
                raise ModelUnavailableError from self._error
            self._wake.clear()
            await self._wake.wait()

    async def close(self) -> None:
        if self._done and not self._closed:
            await asyncio.wait({self._pump}, timeout=_DRAIN_SECONDS)
        self._pump.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._pump
        await self._stream.close()

    async def _read(self) -> None:
        try:
            async for piece in self._stream.response.aiter_bytes():
                self._arrived += piece
                self._wake.set()
        except Exception as error:  # of whichever HTTP library the SDK uses
            self._error = error
        finally:
            self._closed = True
            self._wake.set()

    def _events(self) -> list[Json]:
        if self._done or (self._error and not self._closed):
            return []
        *complete, rest = _EVENT_END.split(bytes(self._arrived))
        if self._closed and rest.strip():
            complete, rest = [*complete, rest], b""  # some providers leave the last line open
        self._arrived = bytearray(rest)
        events: list[Json] = []
        for event in complete:
            data = b"\n".join(line[5:].strip() for line in event.splitlines() if line.startswith(b"data:"))
            if data.startswith(_END):
                self._done = True
                break
            if data:
                try:
                    events.append(_checked(json.loads(data)))
                except ValueError as error:
                    self._error = error
                    self._pump.cancel()
                    break
        return events


def _checked(value: Any) -> Json:
    event = cast("Json", value) if isinstance(value, dict) else {"error": "not an object"}
    if event.get("error"):
        raise ValueError("the provider reports an error instead of going on")
    return event
