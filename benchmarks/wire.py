"""An HTTP/1.1 client of a page, because a usual one costs more time than what is measured here."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any, Self

HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    seconds: float
    first: float
    """Seconds until the marker was seen; 0 if none was asked for or it did not come."""

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One kept connection; one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def call(
        self, method: str, path: str, value: Any = None, *, marker: bytes = b"", body: bytes = b"", **headers: str
    ) -> Reply:
        """`value` goes as JSON, or `body` as it is; underscores in the names of headers stand for hyphens."""
        if value is not None:
            body, headers = json.dumps(value).encode(), {"content_type": "application/json", **headers}
        lines = [f"{method} {path} HTTP/1.1", f"host: 127.0.0.1:{self._port}", f"content-length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {given}" for name, given in headers.items()]
        started = time.perf_counter()
        self._writer.write("\r\n".join(lines).encode() + HEAD_END + body)
        received, first = bytearray(), 0.0
        while not _complete(received):
            data = await self._reader.read(1 << 16)
            if not data:
                raise ConnectionError(f"{method} {path}: the server closed the connection")
            received += data
            if marker and not first and marker in received:
                first = time.perf_counter() - started
        seconds = time.perf_counter() - started
        head, _, rest = bytes(received).partition(HEAD_END)
        return Reply(int(head.split(b" ", 2)[1]), _joined(rest) if _chunked(head) else rest, seconds, first)

    async def ok(self, method: str, path: str, value: Any = None, **more: Any) -> Any:
        """The JSON of an answer below 300; anything else ends the benchmark."""
        reply = await self.call(method, path, value, **more)
        if reply.status >= 300:
            raise RuntimeError(f"{method} {path}: {reply.status} {reply.body[:500]!r}")
        return reply.json() if reply.body else None


def _chunked(head: bytes) -> bool:
    return b"transfer-encoding: chunked" in head.lower()


def _complete(received: bytearray) -> bool:
    end = received.find(HEAD_END)
    if end < 0:
        return False
    head = bytes(received[:end])
    if _chunked(head):
        return received.endswith(b"0\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    return len(received) >= end + len(HEAD_END) + length


def _joined(chunks: bytes) -> bytes:
    parts: list[bytes] = []
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        length = int(size, 16)
        parts.append(rest[:length])
        chunks = rest[length + 2 :]
    return b"".join(parts)
