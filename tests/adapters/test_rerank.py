"""The reranker against a small server of the tests: what servers answer, and what becomes of those that do not."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from chatbot_saas.adapters.rerank import HttpReranker, NoReranker, make_reranker
from chatbot_saas.core.settings import Settings

TEXTS = ["delivery costs 45 euros", "open from nine to five", "returns within 30 days"]


@asynccontextmanager
async def reranker(
    answer: Any, *, status: int = 200, wait: float = 0, **options: Any
) -> AsyncGenerator[tuple[HttpReranker, list[Any]]]:
    """Our client with a server that says `answer`, and the requests that it got."""
    asked: list[Any] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append((dict(request.headers), await request.json()))
        await asyncio.sleep(wait)
        return web.json_response(answer, status=status)

    app = web.Application()
    app.router.add_post("/rerank", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    client = HttpReranker(f"http://127.0.0.1:{runner.addresses[0][1]}/rerank", **options)
    try:
        yield client, asked
    finally:
        await client.close()
        await runner.cleanup()


async def test_answers_like_those_of_cohere_and_jina() -> None:
    results = [{"index": 2, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.5, "document": {"text": ""}}]
    results.append({"index": 1, "relevance_score": -0.1})
    async with reranker({"results": results, "usage": {}}, model="small", api_key="secret") as (client, asked):
        assert await client.rerank("returns?", TEXTS) == [0.5, -0.1, 0.9]
    [(headers, body)] = asked
    assert headers["Authorization"] == "Bearer secret"
    assert body["query"] == "returns?"
    assert body["documents"] == body["texts"] == TEXTS
    assert body["model"] == "small"


async def test_answers_like_those_of_text_embeddings_inference() -> None:
    scores = [{"index": 1, "score": 0.8}, {"index": 0, "score": 0.2}, {"index": 2, "score": 0}]
    async with reranker(scores) as (client, asked):
        assert await client.rerank("hours?", TEXTS) == [0.2, 0.8, 0.0]
    assert "Authorization" not in asked[0][0]


@pytest.mark.parametrize(
    "answer",
    [
        {"error": "?"},
        "no",
        {"results": ["x"]},
        [{"index": 0, "score": 1.0}],
        [{"index": 0, "score": "high"}, {"index": 1, "score": 1}, {"index": 2, "score": 1}],
        [{"index": 7, "score": 1}, {"index": 1, "score": 1}, {"index": 2, "score": 1}],
    ],
)
async def test_no_scores_from_an_answer_that_is_none(answer: Any) -> None:
    async with reranker(answer) as (client, _):
        assert await client.rerank("hours?", TEXTS) == []


async def test_no_scores_from_a_server_that_fails() -> None:
    async with reranker({"results": []}, status=500) as (client, _):
        assert await client.rerank("hours?", TEXTS) == []


async def test_a_slow_server_is_not_waited_for() -> None:
    async with reranker([], wait=0.5, timeout=0.05) as (client, _):
        async with asyncio.timeout(0.4):
            assert await client.rerank("hours?", TEXTS) == []


async def test_no_scores_from_a_server_that_is_away() -> None:
    async with reranker([]) as (client, _):
        pass
    assert await client.rerank("hours?", TEXTS) == []
    await client.close()


async def test_nothing_is_asked_about_nothing() -> None:
    async with reranker([]) as (client, asked):
        assert await client.rerank("hours?", []) == []
    assert not asked


def test_an_address_makes_the_reranker() -> None:
    assert isinstance(make_reranker(Settings.model_construct(rerank_url="")), NoReranker)
    settings = Settings.model_construct(rerank_url="http://r.example", rerank_model="", rerank_api_key=SecretStr(""))
    made = make_reranker(settings)
    assert isinstance(made, HttpReranker)
    assert made.ranks
