"""A model provider for tests and benchmarks: OpenAI-compatible, deterministic, and as quick as Python allows.

`python -m tests.stub_model --port N` serves chat completions (also streamed), embeddings (also base64) and the list of
models below /v1. The model's name chooses what goes wrong, with "stub" for nothing (`TROUBLES`). A key with "invalid"
in it is refused. With tools it calls the first one, and answers with what that returned. GET /stats counts requests by
path, and texts embedded.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn

from tests.servers import free_port

TROUBLES = {
    "stub-401": "the key is refused",
    "stub-429-once": "429 at every second request, with Retry-After-Ms",
    "stub-429": "429 always",
    "stub-quota": "429, because no credit is left",
    "stub-500": "500 always",
    "stub-500-once": "500 at every second request",
    "stub-404": "there is no such model",
    "stub-400": "the request is refused",
    "stub-slow": "the first token takes two seconds",
    "stub-paced": "50 ms between tokens, for cancelling in the middle",
    "stub-hang": "never answers",
    "stub-stall": "hangs after three tokens",
    "stub-cut": "the connection ends after three tokens",
    "stub-no-stream-options": "refuses stream_options, and says nothing of usage",
    "stub-new-names": "refuses max_tokens and temperature, as reasoning models do",
    "stub-empty": "an answer of no text",
    "stub-not-in-sources": "says, in two pieces, that the passages do not hold the answer",
    "stub-cached": "says that the whole prompt was cached",
    "stub-no-embeddings": "the provider has no /embeddings",
}
ROOT = Path(__file__).resolve().parents[1]
DIMENSION = 1536
PLACES = 8
ANSWER = (
    "According to your documents, this is what applies [{n}]. Please look at the cited passage for the exact "
    "conditions and for what to do next."
)
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
calls: Counter[str] = Counter()
turns: Counter[str] = Counter()
last: dict[str, Any] = {}
"""The latest chat request; GET /last."""


class RefusedError(Exception):
    def __init__(self, status: int, message: str, code: str = "", param: str = "", retry_ms: int = 0) -> None:
        self.status, self.headers = status, [(b"retry-after-ms", b"%d" % retry_ms)] if retry_ms else []
        self.body = {"error": {"message": message, "type": "stub_error", "code": code or None, "param": param or None}}


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    calls[scope["path"]] += 1
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    try:
        await route(scope, json.loads(body or b"{}"), receive, send)
    except RefusedError as refused:
        await reply(send, refused.body, refused.status, refused.headers)


async def route(scope: dict[str, Any], body: dict[str, Any], receive: Receive, send: Send) -> None:
    path, headers = scope["path"], dict(scope["headers"])
    if path == "/stats":
        return await reply(send, dict(calls))
    if path == "/last":
        return await reply(send, last)
    if b"invalid" in headers.get(b"authorization", b""):
        raise RefusedError(401, "Incorrect API key provided", "invalid_api_key")
    if path == "/v1/models":
        return await reply(send, {"object": "list", "data": [{"id": "stub", "object": "model", "created": 0}]})
    if path == "/v1/chat/completions":
        last.clear()
        last.update(body)
    await trouble(path, body)
    if path == "/v1/embeddings":
        return await reply(send, embeddings(body))
    if path != "/v1/chat/completions":
        raise RefusedError(404, "Unknown path")
    return await (chat_stream if body.get("stream") else chat)(body, receive, send)


async def trouble(path: str, body: dict[str, Any]) -> None:
    model = body.get("model", "")
    turns[model] += 1
    match model:
        case "stub-401":
            raise RefusedError(401, "Incorrect API key provided", "invalid_api_key")
        case "stub-429":
            raise RefusedError(429, "Slow down", "rate_limit_exceeded")
        case "stub-429-once" if turns[model] % 2:
            raise RefusedError(429, "Slow down", "rate_limit_exceeded", retry_ms=50)
        case "stub-quota":
            raise RefusedError(429, "You exceeded your current quota", "insufficient_quota")
        case "stub-500":
            raise RefusedError(500, "Broken")
        case "stub-500-once" if turns[model] % 2:
            raise RefusedError(500, "Broken")
        case "stub-404":
            raise RefusedError(404, "The model does not exist", "model_not_found")
        case "stub-no-embeddings" if path == "/v1/embeddings":
            raise RefusedError(404, "Not Found")
        case "stub-400":
            raise RefusedError(400, "top_k must be positive", param="top_k")
        case "stub-no-stream-options" if "stream_options" in body:
            raise RefusedError(400, "Unrecognized request argument supplied: stream_options")
        case "stub-new-names" if "max_tokens" in body:
            raise RefusedError(
                400, "Unsupported parameter: use 'max_completion_tokens' instead of 'max_tokens'.", param="max_tokens"
            )
        case "stub-new-names" if "temperature" in body:
            raise RefusedError(400, "Unsupported value: 'temperature' does not support 0.2.", param="temperature")
        case "stub-hang":
            await asyncio.sleep(3600)
        case "stub-slow":
            await asyncio.sleep(2)


async def reply(send: Send, value: Any, status: int = 200, extra: list[tuple[bytes, bytes]] | None = None) -> None:
    headers = [(b"content-type", b"application/json"), *(extra or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(value).encode()})


@lru_cache(4096)
def vector(text: str) -> bytes:
    """The same text has the same vector; texts that share words are near each other."""
    words = Counter(re.findall(r"\w+", text.lower()) or [""])
    places, times = np.concatenate([places_of(word) for word in words]), np.repeat(list(words.values()), PLACES)
    total = np.bincount(places, times, DIMENSION).astype(np.float32)
    return (total / np.linalg.norm(total)).tobytes()


@lru_cache(65536)
def places_of(word: str) -> np.ndarray:
    return np.array(
        [(hash_of(word) + byte * 31) % DIMENSION for byte in hashlib.sha256(word.encode()).digest()[:PLACES]]
    )


def hash_of(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "big")


def embeddings(body: dict[str, Any]) -> dict[str, Any]:
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    if len(texts) > 2048 or not all(texts):
        raise RefusedError(400, "'input' is not valid", param="input")
    calls["texts"] += len(texts)
    data = []
    for index, text in enumerate(texts):
        raw = vector(text)
        value = (
            base64.b64encode(raw).decode()
            if body.get("encoding_format") == "base64"
            else np.frombuffer(raw, "<f4").tolist()
        )
        data.append({"object": "embedding", "index": index, "embedding": value})
    tokens = sum(len(text) // 4 + 1 for text in texts)
    return {
        "object": "list",
        "data": data,
        "model": body["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def answer(body: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Tokens of the answer, which cites the first passage there is, and the usage."""
    prompt = "\n".join(str(message["content"]) for message in body["messages"])
    cited = re.search(r"\[(\d+)\]", prompt)
    text = "" if body["model"] == "stub-empty" else ANSWER.format(n=cited[1] if cited else 1)
    tokens = ["NOT_IN", "_SOURCES"] if body["model"] == "stub-not-in-sources" else re.findall(r"\s*\S+", text)
    if body["messages"][-1]["role"] == "tool":
        tokens = re.findall(r"\s*\S+", f"The tool says: {body['messages'][-1]['content']}")
    limit = body.get("max_tokens") or body.get("max_completion_tokens") or len(tokens)
    usage = {"prompt_tokens": len(prompt) // 4 + 1, "completion_tokens": min(limit, len(tokens))}
    cached = usage["prompt_tokens"] if body["model"] == "stub-cached" else 0
    usage |= {"total_tokens": sum(usage.values()), "prompt_tokens_details": {"cached_tokens": cached}}
    return tokens[:limit], usage | {"cut": limit < len(tokens)}


def call_of(body: dict[str, Any]) -> dict[str, Any] | None:
    """A call of the first tool with the question, where there are tools and none has answered yet."""
    if not body.get("tools") or body.get("tool_choice") == "none" or body["messages"][-1]["role"] == "tool":
        return None
    arguments = json.dumps({"question": body["messages"][-1]["content"]})
    function = {"name": body["tools"][0]["function"]["name"], "arguments": arguments}
    return {"index": 0, "id": "call_stub", "type": "function", "function": function}


async def chat(body: dict[str, Any], receive: Receive, send: Send) -> None:
    tokens, usage = answer(body)
    reason = "length" if usage.pop("cut") else "stop"
    choice = {"index": 0, "message": {"role": "assistant", "content": "".join(tokens)}, "finish_reason": reason}
    await reply(send, {**head(body, "chat.completion"), "choices": [choice], "usage": usage})


def head(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-stub", "object": kind, "created": 0, "model": body["model"]}


async def chat_stream(body: dict[str, Any], receive: Receive, send: Send) -> None:
    tokens, usage = answer(body)
    reason = "length" if usage.pop("cut") else "stop"
    start = head(body, "chat.completion.chunk")
    gone = asyncio.ensure_future(receive())
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})

    async def event(choices: list[Any], **more: Any) -> None:
        data = json.dumps({**start, "choices": choices, **more}, separators=(",", ":")).encode()
        await send({"type": "http.response.body", "body": b"data: " + data + b"\n\n", "more_body": True})

    if call := call_of(body):
        tokens, reason, arguments = [], "tool_calls", call["function"]["arguments"]
        first = call | {"function": call["function"] | {"arguments": arguments[:5]}}
        for piece in (first, {"index": 0, "function": {"arguments": arguments[5:]}}):
            await event([{"index": 0, "delta": {"tool_calls": [piece]}, "finish_reason": None}])
    for number, token in enumerate(tokens):
        if body["model"] == "stub-cut" and number == 3:
            gone.cancel()
            raise ConnectionAbortedError  # uvicorn drops the connection when the application breaks here
        if body["model"] == "stub-stall" and number == 3:
            await asyncio.wait([gone], timeout=3600)
        if body["model"] == "stub-paced":
            await asyncio.sleep(0.05)
        if gone.done():
            calls["closed early"] += 1
            return
        await event([{"index": 0, "delta": {"content": token}, "finish_reason": None}])
    await event([{"index": 0, "delta": {}, "finish_reason": reason}])
    if (body.get("stream_options") or {}).get("include_usage"):
        await event([], usage=usage)
    gone.cancel()
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


@contextmanager
def running_stub() -> Iterator[str]:
    """A stub in a process of its own; yields its address, to be used as OPENAI_BASE_URL."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.stub_model", "--port", str(port)], cwd=ROOT)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()  # it may hang on purpose
        process.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="An OpenAI-compatible stand-in.")
    parser.add_argument("--port", type=int, required=True)
    chosen = parser.parse_args()
    quiet = {"log_level": "critical", "access_log": False, "timeout_graceful_shutdown": 1}
    uvicorn.run(app, host="127.0.0.1", port=chosen.port, **quiet)
