"""Stages of ingestion, held open: the real parts, with a door before one of their methods."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from chatbot_saas.services.runtime import Runtime


class Gate:
    """A door in front of one call: the test sees when somebody waits there, and opens it."""

    def __init__(self, at: int = 1) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self._left = at

    async def passing(self) -> None:
        self._left -= 1
        if self._left <= 0:
            self.reached.set()
            await self.open.wait()


class Held:
    """A part of the runtime, the real one, with a gate before one of its methods."""

    def __init__(self, part: Any, method: str, gate: Gate) -> None:
        self._part, self._method, self._gate = part, method, gate

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._part, name)
        if name != self._method:
            return value

        async def gated(*arguments: Any, **named: Any) -> Any:
            await self._gate.passing()
            return await value(*arguments, **named)

        return gated


STAGES = {
    "extracting": ("extractor", "extract", 1),
    "chunking": ("processes", "run", 1),
    "embedding": ("embedder", "embed_documents", 1),
    "embedding, some batches later": ("embedder", "embed_documents", 5),
    "indexing": ("vectors", "upsert", 1),
}


@asynccontextmanager
async def held(rt: Runtime, stage: str) -> AsyncIterator[Gate]:
    part, method, at = STAGES[stage]
    gate, real = Gate(at), getattr(rt, part)
    setattr(rt, part, Held(real, method, gate))
    try:
        yield gate
    finally:
        setattr(rt, part, real)
        gate.open.set()
