"""Bots for OpenAI's clients: a bot is a model, and its id the model's name. See docs/openai.md."""

import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from chatbot_saas.api.chat import OVERALL_PER_MINUTE
from chatbot_saas.api.dependencies import CallerFirst, RuntimeDep, TenantDep
from chatbot_saas.api.idempotency import OnceDep
from chatbot_saas.api.openai_errors import PREFIX, errors, in_stream
from chatbot_saas.api.streaming import STREAM_HEADERS, with_heartbeat
from chatbot_saas.core.errors import (
    ForbiddenError,
    InvalidError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
)
from chatbot_saas.schemas.chat import UsageRead
from chatbot_saas.schemas.completions import (
    Choice,
    Completion,
    CompletionMessage,
    CompletionRequest,
    CompletionUsage,
    FunctionCalled,
    ModelList,
    ModelRead,
    PromptDetails,
    ToolCallMade,
)
from chatbot_saas.services import completions
from chatbot_saas.services.completions import UnknownModelError
from chatbot_saas.services.live import Event, LiveAnswer

router = APIRouter(
    route_class=CallerFirst,
    prefix=f"{PREFIX}v1",
    tags=["openai"],
    responses=errors(UnauthenticatedError, ForbiddenError, InvalidError),
)


@router.get("/models")
async def list_models(rt: RuntimeDep, principal: TenantDep) -> ModelList:
    """The bots that the key reaches, as OpenAI lists models."""
    async with rt.db.tenant(principal) as session:
        return ModelList(data=await completions.list_models(session, principal))


@router.get("/models/{model}", responses=errors(UnknownModelError))
async def get_model(model: str, rt: RuntimeDep, principal: TenantDep) -> ModelRead:
    """One bot, as a model."""
    async with rt.db.tenant(principal) as session:
        return await completions.get_model(session, principal, model)


@router.post(
    "/chat/completions",
    response_model=Completion,
    responses=errors(UnknownModelError, TooManyRequestsError, UnavailableError),
)
async def complete(
    body: CompletionRequest, rt: RuntimeDep, principal: TenantDep, once: OnceDep
) -> Completion | StreamingResponse:
    """Ask a bot as OpenAI's clients ask a model; with `stream`, chunks as server-sent events."""
    await rt.limiter.hit("overall", "all", OVERALL_PER_MINUTE, policy="overall", quiet=True)
    live, conversation_id = await completions.complete(rt, principal, body, once)
    if body.stream:
        with_usage = body.stream_options is not None and body.stream_options.include_usage
        chunks = _chunks(live, body.model, conversation_id, with_usage=with_usage)
        return StreamingResponse(chunks, media_type="text/event-stream", headers=STREAM_HEADERS)
    return await _whole(live, body.model, conversation_id)


async def _whole(live: LiveAnswer, model: str, conversation_id: UUID) -> Completion:
    said: list[str] = []
    calls: dict[int, dict[str, str]] = {}
    told: dict[str, Any] = {}
    done: dict[str, Any] = {}
    async for event in live.follow():
        match event.type:
            case "token":
                said.append(event.data["text"])
            case "tool":
                known = calls.setdefault(event.data["index"], {"id": "", "name": "", "arguments": ""})
                for name in known:
                    known[name] += event.data[name]
            case "sources":
                told = event.data
            case "done":
                done = event.data
            case _:
                raise UnavailableError(event.data["message"])
    end = completions.ended(live, done, told)
    made = [
        ToolCallMade(id=call["id"], function=FunctionCalled(name=call["name"], arguments=call["arguments"]))
        for _, call in sorted(calls.items())
    ]
    message = CompletionMessage(
        content="".join(said) or (None if made else ""),
        tool_calls=made or None,
        sources=end.sources,
        proof=end.proof,
        answered=end.answered,
    )
    return Completion(
        id=_id(live),
        created=int(time.time()),
        model=model,
        choices=[Choice(message=message, finish_reason=end.finish_reason)],
        usage=_usage(end.usage),
        conversation_id=str(conversation_id),
    )


async def _chunks(live: LiveAnswer, model: str, conversation_id: UUID, *, with_usage: bool) -> AsyncGenerator[str]:
    head = {"id": _id(live), "object": "chat.completion.chunk", "created": int(time.time()), "model": model}
    empty: dict[str, Any] = {"usage": None} if with_usage else {}

    def chunk(delta: dict[str, Any], finish_reason: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return _data({**head, "choices": [choice], **empty, **more})

    yield chunk({"role": "assistant", "content": "", "refusal": None})
    told: dict[str, Any] = {}
    async with aclosing(with_heartbeat(live)) as batches:
        async for batch in batches:
            lines: list[str] = []
            for event in batch:
                match event.type:
                    case "token" | "tool":
                        lines.append(chunk(_delta(event)))
                    case "sources":
                        told = event.data
                    case "done":
                        end = completions.ended(live, event.data, told)
                        extra = {**told, "answered": end.answered, "conversation_id": str(conversation_id)}
                        lines.append(chunk({}, end.finish_reason, **extra))
                        if with_usage:
                            lines.append(_data({**head, "choices": [], "usage": _usage(end.usage).model_dump()}))
                        lines.append("data: [DONE]\n\n")
                    case _:
                        lines.append(_data(in_stream(event.data["code"], event.data["message"])))
            yield "".join(lines) or ": still here\n\n"


def _delta(event: Event) -> dict[str, Any]:
    if event.type == "token":
        return {"content": event.data["text"]}
    data = event.data
    call: dict[str, Any] = {"index": data["index"], "function": {"arguments": data["arguments"]}}
    if data["name"]:
        call["function"]["name"] = data["name"]
    if data["id"]:
        call |= {"id": data["id"], "type": "function"}
    return {"tool_calls": [call]}


def _data(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _id(live: LiveAnswer) -> str:
    return f"chatcmpl-{live.answer_id.hex}"


def _usage(used: UsageRead | None) -> CompletionUsage:
    """Nothing, for an answer that no model was asked for."""
    prompt, completion = (used.input_tokens, used.output_tokens) if used else (0, 0)
    return CompletionUsage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details=PromptDetails(cached_tokens=used.cached_tokens if used else 0),
    )
