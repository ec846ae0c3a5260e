"""Tools that a caller brings: a bot's model calls them, and their answers are taken. See test_completions."""

import json
from typing import Any

import openai
import pytest

from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Scope
from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.services import bots
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import api_key
from tests.factories.knowledge import make_knowing_bot
from tests.factories.people import Person, sign_up
from tests.factories.sockets import listening
from tests.services.completion_fixtures import (
    REFUND,
    TOOL,
    address,
    asked,
    bot,
    client,
    key,
    last_request,
    person,
    tooled,
)

__all__ = ["address", "bot", "client", "key", "person", "tooled"]


async def test_tools_are_called_and_their_answers_taken(
    client: openai.AsyncOpenAI, tooled: BotRead, stub_url: str
) -> None:
    question: list[Any] = asked("Where is order 17?")
    made = await client.chat.completions.create(model=str(tooled.id), messages=question, tools=[TOOL])
    [choice] = made.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    [call] = choice.message.tool_calls or []
    assert (call.id, call.type) == ("call_stub", "function")
    assert json.loads(call.function.arguments) == {"question": "Where is order 17?"}
    assert (await last_request(stub_url))["tools"] == [TOOL]
    result = {"role": "tool", "tool_call_id": call.id, "content": "It left on Monday."}
    done = await client.chat.completions.create(
        model=str(tooled.id),
        messages=[*question, choice.message.model_dump(), result],
        tools=[TOOL],
    )
    assert done.choices[0].message.content == "The tool says: It left on Monday."
    assert done.choices[0].finish_reason == "stop"
    sent = (await last_request(stub_url))["messages"]
    assert [message["role"] for message in sent[1:]] == ["user", "assistant", "tool"]
    assert sent[2]["tool_calls"][0]["id"] == sent[3]["tool_call_id"] == "call_stub"


async def test_calls_are_streamed(client: openai.AsyncOpenAI, tooled: BotRead) -> None:
    stream = await client.chat.completions.create(
        model=str(tooled.id),
        messages=asked("Where is order 17?"),
        tools=[TOOL],
        tool_choice="auto",
        stream=True,
    )
    pieces, reason = [], None
    async for chunk in stream:
        pieces += chunk.choices[0].delta.tool_calls or []
        reason = chunk.choices[0].finish_reason or reason
    assert reason == "tool_calls"
    assert (pieces[0].id, pieces[0].function.name) == ("call_stub", "order_status")
    arguments = "".join(piece.function.arguments for piece in pieces)
    assert json.loads(arguments) == {"question": "Where is order 17?"}


async def test_a_repeated_stream_has_the_same_calls(
    keyed: Runtime, client: openai.AsyncOpenAI, person: Person, tooled: BotRead, key: str
) -> None:
    """From memory, and from the conversation once the process has forgotten it."""
    once = client.with_options(default_headers={"Idempotency-Key": new_id().hex})

    async def ask() -> tuple[list[tuple[int, str | None, str | None]], str, str | None, str]:
        stream = await once.chat.completions.create(
            model=str(tooled.id), messages=asked("Where is order 17?"), tools=[TOOL], stream=True
        )
        heads: list[tuple[int, str | None, str | None]] = []
        arguments, reason, made = "", None, ""
        async for chunk in stream:
            made = chunk.id
            for piece in chunk.choices[0].delta.tool_calls or []:
                assert piece.function
                heads += [(piece.index, piece.id, piece.function.name)] if piece.id else []
                arguments += piece.function.arguments or ""
            reason = chunk.choices[0].finish_reason or reason
        return heads, arguments, reason, made

    first, again = await ask(), await ask()
    keyed.answers.drop(keyed.answers.question_ids())
    replayed = await ask()
    assert first[0] == [(0, "call_stub", "order_status")]
    assert json.loads(first[1]) == {"question": "Where is order 17?"}
    assert first[2] == "tool_calls"
    assert first == again == replayed


async def test_a_repeated_stream_ends_for_the_same_reason(
    keyed: Runtime, client: openai.AsyncOpenAI, bot: BotRead
) -> None:
    once = client.with_options(default_headers={"Idempotency-Key": new_id().hex})

    async def ask() -> str | None:
        stream = await once.chat.completions.create(
            model=str(bot.id), messages=asked(REFUND), max_tokens=5, stream=True
        )
        reason = None
        async for chunk in stream:
            reason = chunk.choices[0].finish_reason or reason
        return reason

    first = await ask()
    keyed.answers.drop(keyed.answers.question_ids())
    assert (first, await ask()) == ("length", "length")


async def test_a_bot_that_takes_no_tools_says_so(client: openai.AsyncOpenAI, bot: BotRead) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model=str(bot.id), messages=asked("Order?"), tools=[TOOL])
    assert (refused.value.code, refused.value.param) == ("tools_not_allowed", "tools")


async def test_a_bot_that_quotes_answers_plainly(rt: Runtime) -> None:
    owner = await sign_up(rt)
    bot = await make_knowing_bot(rt, owner, allow_tools=True)
    async with listening(rt) as url:
        base = f"{url}/api/openai/v1"
        async with openai.AsyncOpenAI(base_url=base, api_key=await api_key(rt, owner, [Scope.CHAT])) as client:
            made = await client.chat.completions.create(model=str(bot.id), messages=asked(REFUND), tools=[TOOL])
    assert "5 working days" in (made.choices[0].message.content or "")
    assert made.choices[0].message.tool_calls is None
    assert made.choices[0].finish_reason == "stop"


async def test_tools_that_the_provider_refuses_are_not_the_owners_fault(
    keyed: Runtime, client: openai.AsyncOpenAI, person: Person, tooled: BotRead
) -> None:
    async with keyed.db.tenant(person.principal) as session:
        await bots.change(session, person.principal, tooled.id, BotPatch(model="stub-400"), keyed)
    try:
        await client.chat.completions.create(model=str(tooled.id), messages=asked(REFUND), tools=[TOOL])
    finally:
        async with keyed.db.tenant(person.principal) as session:
            read = await bots.change(session, person.principal, tooled.id, BotPatch(model=""), keyed)
    assert read.model_error == ""
