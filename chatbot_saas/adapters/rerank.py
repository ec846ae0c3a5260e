"""Orders texts by how well they answer a query, by a model of the operator's. The port, the real one and none.

One address serves them all: Cohere, Jina and vLLM answer `{"results": [{"index", "relevance_score"}]}`, Hugging Face's
text-embeddings-inference a list of `{"index", "score"}`. It reads `texts` where the others read `documents`; both are
sent, since each ignores what it does not know.
"""

import asyncio
import math
from collections.abc import Sequence
from typing import Any, Protocol, cast

import aiohttp

from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.settings import Settings

log = get_logger(__name__)
TIMEOUT = 1.5
"""Seconds; a visitor waits."""
_LONGEST = 8_000  # characters of a text; rerankers read less
_LARGEST_ANSWER = 1_000_000


class Reranker(Protocol):
    @property
    def ranks(self) -> bool:
        """Whether there is a model to ask."""
        ...

    async def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """A score for each text in the order given, higher is better; [] where none could be had."""
        ...

    async def close(self) -> None: ...


class NoReranker:
    ranks = False

    async def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        return []

    async def close(self) -> None:
        """Holds nothing."""


class HttpReranker:
    ranks = True

    def __init__(self, url: str, model: str = "", api_key: str = "", timeout: float = TIMEOUT) -> None:
        self._url, self._model, self._timeout = url, model, timeout
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._session: aiohttp.ClientSession | None = None

    async def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        if not texts:
            return []
        cut = [text[:_LONGEST] for text in texts]
        body = {"query": query, "documents": cut, "texts": cut, "top_n": len(cut), "return_documents": False}
        if self._model:
            body["model"] = self._model
        try:
            async with asyncio.timeout(self._timeout):
                return _scores(await self._post(body), len(cut))
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            log.warning("rerank_failed", error=type(error).__name__, detail=str(error)[:200])
            return []

    async def _post(self, body: dict[str, Any]) -> Any:
        if self._session is None:
            self._session = aiohttp.ClientSession(headers=self._headers)
        async with self._session.post(self._url, json=body, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError(f"the reranker answered {response.status}")
            if (response.content_length or 0) > _LARGEST_ANSWER:
                raise ValueError("the reranker's answer is too large")
            return await response.json(content_type=None)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def make_reranker(settings: Settings) -> Reranker:
    if not settings.rerank_url:
        return NoReranker()
    return HttpReranker(settings.rerank_url, settings.rerank_model, settings.rerank_api_key.get_secret_value())


def _scores(answer: Any, count: int) -> list[float]:
    """By the texts' places. Raises ValueError for anything but one finite score for each."""
    rows = cast("dict[str, Any]", answer).get("results") if isinstance(answer, dict) else answer
    if not isinstance(rows, list):
        raise ValueError("the reranker's answer has no results")
    scores: dict[int, float] = {}
    for item in cast("list[Any]", rows):
        if not isinstance(item, dict):
            raise ValueError("the reranker's answer has a result that is no object")
        row = cast("dict[str, Any]", item)
        place, score = row.get("index"), row.get("relevance_score", row.get("score"))
        if not isinstance(place, int) or not isinstance(score, int | float) or not math.isfinite(score):
            raise ValueError("the reranker's answer has a result without a score")
        scores[place] = float(score)
    if sorted(scores) != list(range(count)):
        raise ValueError("the reranker's answer leaves texts out")
    return [scores[place] for place in range(count)]
