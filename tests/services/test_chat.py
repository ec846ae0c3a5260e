"""Answers over a model provider: what is billed, what it is asked, and with whose key."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from chatbot_saas.adapters.llm import Usage
from chatbot_saas.adapters.prices import cost_usd
from chatbot_saas.core.errors import InvalidError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.security import SecretBox
from chatbot_saas.core.settings import Settings, kept_secret
from chatbot_saas.core.tenancy import System
from chatbot_saas.models import Bot, Message
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.schemas.chat import ChatRequestBody
from chatbot_saas.services import bots, chat
from chatbot_saas.services.answering import HISTORY_BUDGET, PASSAGE_BUDGET
from chatbot_saas.services.live import Event, LiveAnswer
from chatbot_saas.services.runtime import Runtime
from tests.adapters.model_fixtures import calls
from tests.factories.answers import QUESTION, ask, begin, last_request, owners_view, spent, use
from tests.factories.knowledge import make_knowing_bot
from tests.factories.people import Person, sign_up
from tests.factories.runtimes import client_of, other_runtime
from tests.services.conftest import PRICED


@pytest.fixture(scope="module")
async def person(keyed: Runtime) -> Person:
    return await sign_up(keyed)


@pytest.fixture(scope="module")
async def bot(keyed: Runtime, person: Person) -> BotRead:
    return await make_knowing_bot(keyed, person)


# --- the bill


async def test_an_answer_is_streamed_cited_and_billed(keyed: Runtime, person: Person, bot: BotRead) -> None:
    live, conversation_id = await begin(keyed, person, bot)
    pieces = [event.data["text"] async for event in live.follow() if event.type == "token"]
    assert len(pieces) > 5, "as it comes, not at once"
    answer = await live.result(conversation_id)
    assert answer.answered
    assert answer.answer == "".join(pieces)
    assert answer.sources[0].number == 1
    [event] = await spent(keyed, answer.message_id)
    assert (event.provider, event.model, event.outcome, event.estimated) == ("openai", PRICED, "ok", False)
    assert event.input_tokens > 100
    assert event.output_tokens > 10
    told = Usage(event.input_tokens, event.output_tokens, event.cached_tokens, PRICED, "openai")
    assert event.cost_usd == cost_usd(told, datetime.now(UTC))
    assert event.cost_usd
    assert answer.usage is not None
    assert answer.usage.output_tokens == event.output_tokens
    [embedding] = await spent(keyed, answer.message_id, "embedding")
    assert (embedding.model, embedding.output_tokens) == ("text-embedding-3-small", 0)
    assert embedding.input_tokens > 0
    assert embedding.cost_usd


async def test_cached_tokens_are_told_apart(keyed: Runtime, person: Person) -> None:
    bot = await make_knowing_bot(keyed, person, model="stub-cached")
    answer = await ask(keyed, person, bot)
    [event] = await spent(keyed, answer.message_id)
    assert event.cached_tokens == event.input_tokens > 0
    assert event.cost_usd is None, "no price is known, and none is invented"


async def test_retrieval_alone_is_billed_too(keyed: Runtime, person: Person, bot: BotRead) -> None:
    async def embeddings() -> int:
        async with keyed.db.tenant(person.principal) as session:
            mine = "SELECT count(*) FROM usage_events WHERE kind = 'embedding' AND bot_id = :bot"
            return (await session.execute(text(mine), {"bot": bot.id})).scalar_one()

    before = await embeddings()
    assert await chat.search(keyed, person.principal, bot.id, QUESTION, 3)
    assert await embeddings() == before + 1


async def test_a_cancelled_call_is_billed_for_what_it_said(keyed: Runtime, person: Person) -> None:
    bot = await make_knowing_bot(keyed, person, model="stub-stall")
    live, _ = await begin(keyed, person, bot)
    async for event in live.follow():
        if event.type == "token":
            break
    await keyed.answers.close()  # as when the process is told to stop
    assert live.failed
    [event] = await spent(keyed, live.answer_id)
    assert (event.outcome, event.estimated) == ("cancelled", True)
    assert event.input_tokens > 100
    assert 0 < event.output_tokens < 10


async def _first(live: LiveAnswer, count: int) -> AsyncGenerator[Event]:
    async with aclosing(live.follow()) as events:
        async for event in events:
            yield event
            count -= 1
            if not count:
                return


async def test_a_stopped_answer_keeps_what_was_said_and_costs_no_more(keyed: Runtime, person: Person) -> None:
    bot = await make_knowing_bot(keyed, person, model="stub-paced")
    live, conversation_id = await begin(keyed, person, bot)
    words = [event async for event in _first(live, 3)]
    assert len(words) == 3
    assert keyed.answers.stop(live.question_id)
    assert keyed.answers.stop(live.question_id), "twice is once"
    answer = await live.result(conversation_id)
    assert answer.stopped
    assert 0 < len(answer.answer) < 80
    async with keyed.db.tenant(person.principal) as session:
        row = await session.get_one(Message, live.answer_id)
    assert (row.status, row.text, row.trace["stopped"]) == ("complete", answer.answer, True)
    [event] = await spent(keyed, live.answer_id)
    assert (event.outcome, event.estimated) == ("cancelled", True)
    assert 0 < event.output_tokens < 15
    assert not keyed.answers.stop(live.question_id)


async def test_an_answer_stopped_before_its_first_word_is_none(keyed: Runtime, person: Person) -> None:
    bot = await make_knowing_bot(keyed, person, model="stub-slow")
    live, _ = await begin(keyed, person, bot)
    await asyncio.sleep(0.5)
    assert keyed.answers.stop(live.question_id)
    assert [event.type async for event in live.follow()] == ["sources", "done"]
    async with keyed.db.tenant(person.principal) as session:
        assert (await session.get_one(Message, live.answer_id)).status == "stopped"


async def test_a_bot_deleted_while_it_answers_is_billed(keyed: Runtime, person: Person) -> None:
    bot = await make_knowing_bot(keyed, person, model="stub-paced")
    live, conversation_id = await begin(keyed, person, bot)
    await anext(live.follow())
    await bots.delete(keyed, person.principal, bot.id)
    assert (await live.result(conversation_id)).answer, "who was reading reads it to its end"
    [event] = await spent(keyed, live.answer_id)
    assert (event.bot_id, event.tenant_id, event.outcome) == (None, person.tenant_id, "ok")


async def test_the_same_message_calls_the_model_once(
    keyed: Runtime, person: Person, bot: BotRead, stub_url: str
) -> None:
    before = (await calls(stub_url))["/v1/chat/completions"]
    body = ChatRequestBody(bot_id=bot.id, session_id="once", message=QUESTION, client_message_id="m1")
    tries = await asyncio.gather(*(chat.ask_with_key(keyed, person.principal, body) for _ in range(12)))
    answers = await asyncio.gather(*(live.result(conversation_id) for live, conversation_id in tries))
    assert len({answer.message_id for answer in answers}) == 1
    assert (await calls(stub_url))["/v1/chat/completions"] == before + 1


# --- the prompt


async def test_the_prompt_stays_within_its_budget(keyed: Runtime, person: Person, stub_url: str) -> None:
    bot = await make_knowing_bot(keyed, person, instructions="Be kind.", language="de", model="stub-prompt")
    for number in range(8):
        await ask(keyed, person, bot, f"Refund number {number}? " + "refund delivery warranty " * 60, "long")
    await ask(keyed, person, bot, QUESTION, "long")
    sent = await last_request(stub_url)
    system, *history, question = sent["messages"]
    assert (system["role"], question) == ("system", {"role": "user", "content": QUESTION})
    assert "Be kind." in system["content"]
    assert "German" in system["content"]
    assert "Furniture is delivered by our own van" in system["content"]
    counted = sum(keyed.tokens.count(message["content"]) for message in history)
    assert 0 < counted <= HISTORY_BUDGET
    assert keyed.tokens.count(system["content"]) < PASSAGE_BUDGET + 500
    assert "Refund number 7" in str(history), "the latest are kept"
    assert "Refund number 0" not in str(history)
    assert (sent["model"], sent["temperature"], sent["max_tokens"]) == ("stub-prompt", 0.2, 600)


async def test_a_conversation_is_its_sessions_own(keyed: Runtime, person: Person, bot: BotRead, stub_url: str) -> None:
    await ask(keyed, person, bot, "Remember the word pineapple, and refund me.", "one")
    await ask(keyed, person, bot, QUESTION, "two")
    assert "pineapple" not in str(await last_request(stub_url))
    await chat.ask_in_playground(keyed, person.principal, bot.id, "one", QUESTION)
    assert "pineapple" not in str(await last_request(stub_url))


# --- keys of a bot's own


async def test_a_key_is_sealed_and_never_seen_again(
    keyed: Runtime, person: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    key = f"sk-invalid-{new_id().hex}"
    async with client_of(keyed) as client:
        bot = await make_knowing_bot(keyed, person)
        address = f"/api/v1/bots/{bot.id}"
        changed = await client.patch(address, json={"model_key": key}, headers=person.headers)
        assert changed.json()["model_key_last4"] == key[-4:]
        await ask(keyed, person, bot)
        seen = changed.text
        for path in ("", "/versions"):
            seen += (await client.get(address + path, headers=person.headers)).text
        seen += (await client.get("/api/v1/bots", headers=person.headers)).text
        seen += (await client.get("/api/v1/conversations", headers=person.headers)).text
        refused = await client.patch(address, json={"model_key": key + " "}, headers=person.headers)
        assert refused.status_code == 422
        seen += refused.text
    out, err = capfd.readouterr()
    assert "model_failed" in out + err, "the log was read"
    async with keyed.db.platform(System("tests")) as session:
        row = await session.get_one(Bot, bot.id)
        tables = "audit_entries", "bot_versions", "messages", "usage_events", "procrastinate_jobs"
        stored = [str((await session.execute(text(f"SELECT * FROM {name}"))).all()) for name in tables]
    for place in (seen, out, err, json.dumps(row.model_dump(), default=str), *stored):
        assert key[:-4] not in place
    assert row.model_key is not None
    assert row.model_key.startswith("v1:")
    assert keyed.secrets.open(person.tenant_id, row.model_key) == key
    with pytest.raises(ValueError, match="does not belong here"):
        keyed.secrets.open(new_id(), row.model_key)
    removed = await use(keyed, person, bot, model_key="")
    assert removed.model_key_last4 == ""
    assert (await ask(keyed, person, bot)).answer.startswith("According to"), "the operator's key again"


async def test_a_key_that_can_no_longer_be_read(keyed: Runtime, person: Person, tmp_path: Any) -> None:
    bot = await make_knowing_bot(keyed, person)
    await use(keyed, person, bot, model_key="sk-good-1234")
    other = SecretBox(kept_secret(tmp_path / "another_key"))
    mine, keyed.secrets = keyed.secrets, other
    try:
        answer = await ask(keyed, person, bot)
    finally:
        keyed.secrets = mine
    assert "5 working days" in answer.answer, "the visitor is not left with nothing"
    assert "can no longer be read" in (await owners_view(keyed, person, bot)).model_error


async def test_a_bots_own_key_is_used_where_the_operator_has_none(
    settings: Settings, rt: Runtime, stub_url: str, tmp_path: Any
) -> None:
    """Offline by default; the bot with a key asks the provider, the one without quotes."""
    person = await sign_up(rt)
    own, none = await make_knowing_bot(rt, person), await make_knowing_bot(rt, person)
    await use(rt, person, own, model_key="sk-own-1234")
    changes = {"openai_base_url": stub_url}
    async with other_runtime(settings, tmp_path, working=False, **changes) as asking:
        asked = await ask(asking, person, own)
        quoted = await ask(asking, person, none, "Is the refund paid to the account that paid?")
    assert asked.answer.startswith("According to")
    assert not quoted.answer.startswith("According to")
    [event] = await spent(rt, asked.message_id)
    assert event.provider == "openai"
    [event] = await spent(rt, quoted.message_id)
    assert (event.provider, event.cost_usd) == ("offline", 0)


async def test_an_id_belongs_to_one_question(keyed: Runtime, person: Person, bot: BotRead) -> None:
    body = ChatRequestBody(bot_id=bot.id, session_id="one", message=QUESTION, client_message_id="m1")
    live, conversation_id = await chat.ask_with_key(keyed, person.principal, body)
    await live.result(conversation_id)
    other = body.model_copy(update={"message": "What else?"})
    with pytest.raises(InvalidError, match="Another question has this id"):
        await chat.ask_with_key(keyed, person.principal, other)
