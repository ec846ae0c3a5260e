"""Against a server that speaks both dialects, and all that can go wrong with one."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from chatbot_saas.adapters.rerank import HttpReranker, NoReranker

TEXTS = ["about cats", "about dogs and cats"]


@pytest.fixture
async def server() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    seen: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(await request.json() | {"authorization": request.headers.get("Authorization")})
        match request.path:
            case "/cohere":
                results = [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]
                return web.json_response({"results": results})
            case "/tei":
                return web.json_response([{"index": 1, "score": 0.8}, {"index": 0, "score": -2}])
            case "/slow":
                await asyncio.sleep(3)
            case "/short":
                return web.json_response({"results": [{"index": 0, "relevance_score": 1}]})
            case "/nonsense":
                return web.json_response({"results": [{"index": "a"}, 3]})
            case "/text":
                return web.Response(text="not json")
        return web.Response(status=500)

    app = web.Application()
    app.router.add_post("/{any}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", seen
    await runner.cleanup()


async def scores(url: str, **options: Any) -> list[float]:
    reranker = HttpReranker(url, **options)
    try:
        return await reranker.rerank("dogs", TEXTS)
    finally:
        await reranker.close()


async def test_both_dialects(server: tuple[str, list[dict[str, Any]]]):
    url, seen = server
    assert await scores(f"{url}/cohere", model="best", api_key="secret") == [0.1, 0.9]
    assert await scores(f"{url}/tei") == [-2, 0.8]
    assert seen[0]["model"] == "best"
    assert seen[0]["authorization"] == "Bearer secret"
    assert seen[0]["documents"] == seen[0]["texts"] == TEXTS
    assert "model" not in seen[1]


@pytest.mark.parametrize("path", ["short", "nonsense", "text", "broken"])
async def test_a_bad_answer_is_no_answer(server: tuple[str, list[dict[str, Any]]], path: str):
    assert await scores(f"{server[0]}/{path}") == []


async def test_nobody_waits_for_it(server: tuple[str, list[dict[str, Any]]]):
    assert await scores(f"{server[0]}/slow", timeout=0.2) == []
    assert await scores("http://127.0.0.1:1/rerank") == []


async def test_without_an_address_there_is_none():
    assert not NoReranker.ranks
    assert await NoReranker().rerank("dogs", TEXTS) == []
