"""Events of a provider's stream, however the network cuts them."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from openai import AsyncStream

from chatbot_saas.adapters.event_stream import EventReader
from chatbot_saas.adapters.llm import ModelUnavailableError


class BrokenError(Exception):
    pass


class Stream:
    """Stands for the SDK's: `pieces` arrive one after another; an exception among them breaks the connection."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces = pieces
        self.closed = False

    @property
    def response(self) -> "Stream":
        return self

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def close(self) -> None:
        self.closed = True


async def read(stream: Stream) -> list[Any]:
    reader, events = EventReader(cast("AsyncStream[object]", stream)), []
    try:
        while arrived := await reader.next():
            events += arrived
        return events
    finally:
        await reader.close()


TEXT = (
    b'data: {"n": 1}\n\n: a comment\n\nevent: x\r\ndata: {"n":\r\ndata: 2}\r\n\r\n'
    b'data: {"n": "\xc3\xa9"}\n\ndata: [DONE]\n\n'
)
EVENTS = [{"n": 1}, {"n": 2}, {"n": "\u00e9"}]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
async def test_reads_events_that_arrive_in_pieces_of_any_size(size: int) -> None:
    stream = Stream(*(TEXT[first : first + size] for first in range(0, len(TEXT), size)))
    assert await read(stream) == EVENTS
    assert stream.closed


async def test_the_end_may_arrive_by_itself_or_not_at_all_or_without_its_empty_line() -> None:
    assert await read(Stream(TEXT.removesuffix(b"data: [DONE]\n\n"), b"data: [DONE]\n\n")) == EVENTS
    assert await read(Stream(TEXT.removesuffix(b"data: [DONE]\n\n"))) == EVENTS
    assert await read(Stream(b'data: {"n": 1}')) == [{"n": 1}]
    assert await read(Stream()) == []


async def test_nothing_counts_after_the_end() -> None:
    assert await read(Stream(TEXT, b'data: {"n": 9}\n\n', BrokenError())) == EVENTS


@pytest.mark.parametrize("last", [BrokenError(), b'data: {"error": {"message": "overloaded"}}\n\n', b"data: []\n\n"])
async def test_a_break_and_an_error_of_the_provider_are_told_after_what_came_before(last: bytes | Exception) -> None:
    reader = EventReader(cast("AsyncStream[object]", Stream(b'data: {"n": 1}\n\n', last)))
    assert await reader.next() == [{"n": 1}]
    with pytest.raises(ModelUnavailableError):
        await reader.next()
    await reader.close()
