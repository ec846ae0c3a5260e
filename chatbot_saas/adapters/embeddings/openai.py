"""Embeddings over any OpenAI-compatible endpoint."""

import asyncio
import base64
import time
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from chatbot_saas.adapters.embeddings import Embedded, Vectors
from chatbot_saas.adapters.llm import ModelError, ModelUnavailableError
from chatbot_saas.adapters.openai_calls import OpenAIClients, bounded, with_retries
from chatbot_saas.adapters.tokens import TokenCounter

KNOWN_DIMENSIONS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
DOCUMENTS_TIMEOUT = 60.0  # seconds for one batch, retries included
DOCUMENTS_ATTEMPTS = 5
QUERY_CHARACTERS = 8_000

Json = dict[str, Any]


class OpenAIEmbedder:
    """These models read 8,000 tokens and a chunk has at most 1,000, so that one window covers it."""

    batch_size = 100

    def __init__(
        self, clients: OpenAIClients, model: str, dimension: int, timeout: float, counter: TokenCounter
    ) -> None:
        self.name = model
        self.dimension = dimension
        self._clients = clients
        self._timeout = timeout
        self._counter = counter

    async def embed_documents(self, texts: Sequence[str]) -> Embedded:
        started = time.perf_counter()
        vectors: list[Vectors] = []
        tokens = 0
        for first in range(0, len(texts), self.batch_size):
            batch = texts[first : first + self.batch_size]
            rows, used = await self._embed(batch, DOCUMENTS_TIMEOUT, DOCUMENTS_ATTEMPTS)
            vectors += [rows[number : number + 1] for number in range(len(batch))]
            tokens += used
        return Embedded(vectors, tokens, self.name, time.perf_counter() - started, "openai")

    async def embed_query(self, text: str) -> Embedded:
        started = time.perf_counter()
        rows, tokens = await self._embed([text[:QUERY_CHARACTERS]], self._timeout, attempts=2)
        return Embedded([rows], tokens, self.name, time.perf_counter() - started, "openai")

    async def close(self) -> None:
        await self._clients.close()

    async def _embed(self, texts: Sequence[str], seconds: float, attempts: int) -> tuple[Vectors, int]:
        """(texts, dimension) and the tokens used."""
        deadline = asyncio.get_running_loop().time() + seconds
        response = await with_retries(lambda: ask(self._clients, self.name, texts, deadline), deadline, attempts)
        rows = decoded(response)
        if rows.shape != (len(texts), self.dimension):
            raise ModelError(
                f"The embedding model {self.name} answered with vectors of shape {rows.shape}; "
                f"{(len(texts), self.dimension)} were expected. Check EMBEDDING_MODEL."
            )
        usage: Json = response.get("usage") or {}  # some providers leave it out
        return rows, usage.get("prompt_tokens") or sum(self._counter.count_batch(texts, self.name))


async def ask(clients: OpenAIClients, model: str, texts: Sequence[str], deadline: float) -> Json:
    """One call. Base64 is a third of the size of decimal numbers and is decoded at once by numpy.

    The SDK's typed `embeddings.create` would check every number's container; the plain call is several times quicker.
    """
    filled = [text or " " for text in texts]  # an empty text would be refused, and the whole batch with it
    body = {"model": model, "input": filled, "encoding_format": "base64"}
    return cast("Json", await bounded(clients.get().post("/embeddings", body=body, cast_to=object), deadline))


def decoded(response: Json) -> Vectors:
    """(texts, dimension), rows of length one, in the order asked for."""
    rows: list[Vectors] = []
    for item in sorted(response.get("data") or [], key=lambda item: item["index"]):
        value: str | list[float] = item["embedding"]
        raw = np.frombuffer(base64.b64decode(value), dtype="<f4") if isinstance(value, str) else value
        rows.append(np.asarray(raw, dtype=np.float32))
    if not rows or len({len(row) for row in rows}) > 1:
        raise ModelUnavailableError("The model provider's answer had no usable vectors.")
    matrix = np.stack(rows)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)
