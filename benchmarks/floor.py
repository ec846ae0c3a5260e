"""The floor: what the bare calls cost without a platform around them.

`python -m benchmarks.floor --port N ...` serves one route that does, for each question, as many database statements in
as many transactions as a turn of the product, one embedding call, one Chroma query and one streamed chat call with the
OpenAI SDK, on the server that the product uses. `--ingest FILE...` reads, cuts and embeds files and tells the seconds;
with `--offline` by the model that needs no key, in this process.
"""

import argparse
import asyncio
import contextlib
import importlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import chromadb
import numpy as np
import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server
from openai import AsyncOpenAI
from psycopg_pool import AsyncConnectionPool

from benchmarks import material
from chatbot_saas.adapters.embeddings.offline import OfflineEmbedder, embed_texts
from chatbot_saas.adapters.extraction.kinds import Kind, kind_of
from chatbot_saas.adapters.extraction.process import _READERS
from chatbot_saas.adapters.model_files import minilm_dir
from chatbot_saas.adapters.tokens import token_counter
from chatbot_saas.core.settings import ROOT
from chatbot_saas.services.chunking import chunk_text

TABLE = "CREATE TABLE IF NOT EXISTS floor (id uuid PRIMARY KEY, made timestamptz DEFAULT now(), text text NOT NULL)"
PASSAGES, PASSAGE_CHARACTERS = 5, 3000
EMBEDDING_MODEL = "text-embedding-3-small"
BATCH = 100
MODELS = ROOT / ".data" / "models"
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Floor:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._openai = AsyncOpenAI(api_key="sk-floor", base_url=arguments.openai, max_retries=0)
        self._model = str(minilm_dir(MODELS))
        self._pool = AsyncConnectionPool(arguments.database, min_size=1, max_size=20, open=False)

    async def prepare(self, folder: str) -> None:
        """A table, and as many vectors in Chroma as the product's bot has."""
        await self._pool.open()
        async with self._pool.connection() as connection:
            await connection.execute(TABLE)
        self._texts = [
            material.section(number, PASSAGE_CHARACTERS, "floor") for number in range(self._arguments.vectors)
        ]
        settings = chromadb.Settings(anonymized_telemetry=False)
        self._chroma = chromadb.PersistentClient(folder, settings).create_collection("floor", embedding_function=None)
        for first in range(0, len(self._texts), BATCH):
            vectors = await self._embed(self._texts[first : first + BATCH])
            self._chroma.upsert(ids=[str(first + number) for number in range(len(vectors))], embeddings=vectors)

    async def app(self, scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError("only requests")  # which tells the server that there is no lifespan
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        streamed = (b"accept", b"text/event-stream") in scope["headers"]
        kind = b"text/event-stream" if streamed else b"application/json"
        said: list[str] = []
        async for piece in self._answer(json.loads(body)["message"]):
            if streamed:
                if not said:
                    await send(_start(kind))
                await send({"type": "http.response.body", "body": _event(piece), "more_body": True})
            said.append(piece)
        if streamed:
            await send({"type": "http.response.body", "body": b"event: done\ndata: {}\n\n"})
            return
        await send(_start(kind))
        await send({"type": "http.response.body", "body": json.dumps({"answer": "".join(said)}).encode()})

    async def _answer(self, question: str) -> AsyncGenerator[str]:
        transactions = max(2, round(self._arguments.transactions))
        each = max(1, round(self._arguments.statements / transactions))
        for _ in range(transactions - 2):
            await self._transaction(each, question)
        vector = (await self._embed([question]))[0]
        found = await asyncio.to_thread(self._chroma.query, query_embeddings=[vector], n_results=30, include=[])
        await self._transaction(each, question)
        passages = "\n".join(self._texts[int(number)] for number in found["ids"][0][:PASSAGES])
        stream = await self._openai.chat.completions.create(
            model="stub",
            messages=[{"role": "system", "content": f"[1] {passages}"}, {"role": "user", "content": question}],
            stream=True,
            stream_options={"include_usage": True},
        )
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content
        await self._transaction(each, question)

    async def _transaction(self, statements: int, text: str) -> None:
        """One insert, and reads by key."""
        async with self._pool.connection() as connection:
            key = uuid4()
            await connection.execute("INSERT INTO floor (id, text) VALUES (%s, %s)", (key, text))
            for _ in range(statements - 1):
                await connection.execute("SELECT id, made, text FROM floor WHERE id = %s", (key,))

    async def _embed(self, texts: list[str]) -> Any:
        made = await self._openai.embeddings.create(model=EMBEDDING_MODEL, input=texts)
        return [np.asarray(item.embedding, dtype=np.float32) for item in made.data]

    async def ingest(self, paths: list[str]) -> dict[str, float]:
        """Seconds for all files and the number of chunks: extract, cut, embed, and keep nothing."""
        counter = token_counter(MODELS)
        readers = {kind: _function(name) for kind, name in _READERS.items()}
        counter.count("warm up")
        if self._arguments.offline:
            embed_texts(self._model, ["warm up"])
        started, chunks = time.perf_counter(), 0
        for path in map(Path, paths):
            kind: Kind = kind_of(path, path.name)
            texts = [draft.text for draft in chunk_text(readers[kind](str(path), path.name), counter.count)]
            if self._arguments.offline:
                for n in range(0, len(texts), OfflineEmbedder.batch_size):
                    embed_texts(self._model, texts[n : n + OfflineEmbedder.batch_size])
            else:
                await asyncio.gather(*(self._embed(texts[n : n + BATCH]) for n in range(0, len(texts), BATCH)))
            chunks += len(texts)
        return {"seconds": time.perf_counter() - started, "chunks": chunks}


def _function(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _start(kind: bytes) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]}


def _event(piece: str) -> bytes:
    return b"event: token\ndata: " + json.dumps({"text": piece}).encode() + b"\n\n"


async def serve(floor: Floor, port: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        await floor.prepare(folder)
        await Server(floor.app, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, log_enabled=False).serve()


def main() -> None:
    parser = argparse.ArgumentParser(description="The bare calls of a chat turn, or of reading files.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--openai", default="http://offline.invalid", help="base URL of the model provider")
    parser.add_argument("--database", default="", help="libpq URL")
    parser.add_argument("--statements", type=float, default=12)
    parser.add_argument("--transactions", type=float, default=4)
    parser.add_argument("--vectors", type=int, default=100)
    parser.add_argument("--ingest", nargs="*", default=[])
    parser.add_argument("--offline", action="store_true")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        if arguments.ingest:
            json.dump(uvloop.run(_ingest(arguments)), sys.stdout)
        else:
            uvloop.run(serve(Floor(arguments), arguments.port))


async def _ingest(arguments: argparse.Namespace) -> dict[str, float]:
    return await Floor(arguments).ingest(arguments.ingest)


if __name__ == "__main__":
    main()
