"""Chat over any OpenAI-compatible endpoint."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from openai import AsyncStream

from chatbot_saas.adapters.event_stream import EventReader
from chatbot_saas.adapters.llm import (
    ChatRequest,
    Finished,
    Message,
    ModelBadRequestError,
    ModelError,
    ModelNotFoundError,
    ModelUnavailableError,
    Part,
    TextDelta,
    ToolDelta,
    Usage,
    estimate_usage,
)
from chatbot_saas.adapters.openai_calls import ATTEMPTS, OpenAIClients, bounded, wait_to_retry
from chatbot_saas.adapters.tokens import TokenCounter

LONGEST_ANSWER = 120.0  # seconds for a whole stream
_REFUSALS = ("unsupported", "not supported", "unrecognized", "unknown", "not permitted", "unexpected", "extra")
_MAX_KNOWN = 1_000

Json = dict[str, Any]


class OpenAIChatModel:
    """The first token comes within `timeout` seconds, retries included, and so does each one after the one before."""

    provider = "openai"
    quotes = False

    def __init__(self, api_key: str, base_url: str, timeout: float, counter: TokenCounter) -> None:
        self._clients = OpenAIClients(api_key, base_url)
        self._timeout = timeout
        self._counter = counter
        self._refused: dict[tuple[str, str], set[str]] = {}
        """Parameters that a model at an endpoint does not take: asked for once, then left out."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Part, None]:
        deadline = asyncio.get_running_loop().time() + self._timeout
        said: list[str] = []
        attempt = 1
        while True:
            try:
                async with aclosing(self._attempt(request, deadline, said)) as events:
                    async for event in events:
                        yield event
                return
            except ModelError as error:
                if said:  # what the visitor has read cannot be taken back, so there is no second attempt
                    error.usage = self.estimate(request, "".join(said))
                    raise
                if self._learned(request, error):
                    continue
                if attempt >= ATTEMPTS or not await wait_to_retry(error, attempt, deadline):
                    raise
            attempt += 1

    def estimate(self, request: ChatRequest, text: str) -> Usage:
        return estimate_usage(request, text, self._counter, self.provider)

    async def check(self, api_key: str = "") -> None:
        deadline = asyncio.get_running_loop().time() + self._timeout
        try:
            await bounded(self._clients.get(api_key).models.list(), deadline)
        except ModelNotFoundError:
            return  # the list is optional; the key was taken

    async def close(self) -> None:
        await self._clients.close()

    async def _attempt(self, request: ChatRequest, deadline: float, said: list[str]) -> AsyncGenerator[Part, None]:
        """One call; each text that comes is added to `said`, that of calls of tools too."""
        client = self._clients.get(request.api_key, request.base_url)
        # Not `client.chat.completions.create`: its types take 14 ms of processor time an answer; this takes 6.
        call = client.post(
            "/chat/completions",
            body=self._parameters(request),
            cast_to=object,
            stream=True,
            stream_cls=AsyncStream[object],
        )
        events = EventReader(await bounded(call, deadline))
        clock = asyncio.get_running_loop().time
        end = clock() + LONGEST_ANSWER
        usage: Json | None = None
        reason = ""
        try:
            while True:
                limit = min(clock() + self._timeout, end) if said else deadline
                chunks = await bounded(events.next(), limit)
                if not chunks:
                    break
                for text, calls, ending, used in map(_read, chunks):
                    reason, usage = ending or reason, used or usage
                    if text:
                        said.append(text)
                        yield TextDelta(text)
                    for call in calls:
                        said.append(call.name + call.arguments)
                        yield call
        finally:
            await events.close()
        if not reason:
            raise ModelUnavailableError("The model's answer broke off. Try again in a moment.")
        yield Finished(self._usage(request, usage, said), reason)

    def _usage(self, request: ChatRequest, usage: Json | None, said: list[str]) -> Usage:
        if usage is None:
            return self.estimate(request, "".join(said))
        details: Json = usage.get("prompt_tokens_details") or {}
        return Usage(
            input_tokens=usage.get("prompt_tokens") or 0,
            output_tokens=usage.get("completion_tokens") or 0,
            cached_tokens=details.get("cached_tokens") or 0,
            model=request.model,
            provider=self.provider,
        )

    def _parameters(self, request: ChatRequest) -> Json:
        refused = self._refused.get(self._place(request), frozenset[str]())
        wanted: Json = {
            "temperature": request.temperature,
            "top_p": request.top_p,
            "stream_options": {"include_usage": True},
            "max_tokens": request.max_tokens,
        }
        parameters = {name: value for name, value in wanted.items() if name not in refused}
        if "max_tokens" in refused:
            parameters["max_completion_tokens"] = request.max_tokens
        if request.tools:
            asked = {"tool_choice": request.tool_choice, "parallel_tool_calls": request.parallel_tool_calls}
            parameters |= {"tools": request.tools, **{name: asked[name] for name in asked if asked[name] is not None}}
        messages = [_written(message) for message in request.messages]
        return {"model": request.model, "messages": messages, "stream": True, **parameters}

    def _learned(self, request: ChatRequest, error: ModelError) -> bool:
        """Whether the provider refused a parameter that it can be asked without, which is then remembered."""
        words = error.message.lower()
        if not isinstance(error, ModelBadRequestError) or not any(word in words for word in _REFUSALS):
            return False
        named = {name for name in ("stream_options", "temperature", "top_p") if name in words}
        if "max_completion_tokens" in words:
            named.add("max_tokens")  # the newer name of the same limit
        if len(self._refused) > _MAX_KNOWN:
            self._refused.clear()
        refused = self._refused.setdefault(self._place(request), set())
        new = named - refused
        refused |= new
        return bool(new)

    def _place(self, request: ChatRequest) -> tuple[str, str]:
        return request.base_url or self._clients.base_url, request.model


def _written(message: Message) -> Json:
    """The message as the provider takes it."""
    written: Json = {"role": message.role, "content": message.content}
    if message.tool_calls:
        written["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return written | ({"tool_call_id": message.tool_call_id} if message.tool_call_id else {})


def _read(chunk: Any) -> tuple[str, list[ToolDelta], str, Json | None]:
    """Text, calls, reason of the end and usage of one event of the stream; mostly just one of them is there."""
    choices: list[Json] = chunk.get("choices") or []
    choice = choices[0] if choices else {}
    delta: Json = choice.get("delta") or {}
    calls = [_call(number, call) for number, call in enumerate(delta.get("tool_calls") or [])]
    return delta.get("content") or "", calls, choice.get("finish_reason") or "", chunk.get("usage")


def _call(number: int, call: Json) -> ToolDelta:
    function: Json = call.get("function") or {}
    place = call.get("index")
    return ToolDelta(
        index=number if place is None else place,  # some providers send calls whole and do not number them
        id=call.get("id") or "",
        name=function.get("name") or "",
        arguments=function.get("arguments") or "",
    )
