"""A model provider in trouble, and questions that it is not asked: what visitors get, and what the owner reads."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from chatbot_saas.adapters.llm.breaker import Guarded
from chatbot_saas.adapters.llm.chain import Candidate, FallbackChain
from chatbot_saas.core.settings import Settings
from chatbot_saas.core.tenancy import System
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.services import speaking
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.services.wording import wording
from tests.adapters.model_fixtures import calls
from tests.factories.answers import ask, begin, owners_view, spent, use
from tests.factories.knowledge import make_knowing_bot
from tests.factories.people import Person, sign_up
from tests.factories.runtimes import other_runtime
from tests.services.conftest import PRICED

UNAVAILABLE_NOTE = wording("en").unavailable


@pytest.fixture(scope="module")
async def person(keyed: Runtime) -> Person:
    return await sign_up(keyed)


@pytest.fixture(scope="module")
async def bot(keyed: Runtime, person: Person) -> BotRead:
    return await make_knowing_bot(keyed, person)


TROUBLES = {
    "stub-401": "model_key_invalid",
    "stub-429": "model_rate_limited",
    "stub-quota": "model_rate_limited",
    "stub-500": "model_unavailable",
    "stub-404": "model_not_found",
    "stub-400": "model_bad_request",
    "stub-cut": "model_unavailable",
    "stub-hang": "model_timeout",
    "stub-stall": "model_timeout",
    "stub-empty": "model_unavailable",
}
FOR_THE_OWNER = {"stub-401", "stub-429", "stub-quota", "stub-404", "stub-400"}


async def test_whatever_the_provider_does_the_visitor_has_a_passage_within_ten_seconds(
    keyed: Runtime, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told by the product's own limits, not by the pace of the machine that runs ten answers at once."""
    known = {model: await make_knowing_bot(keyed, person, model=model) for model in TROUBLES}
    left: dict[str, float] = {}

    class Timed(FallbackChain):
        def __init__(self, model: Guarded, candidates: Sequence[Candidate], deadline: float) -> None:
            left[candidates[0].model] = deadline - asyncio.get_running_loop().time()
            super().__init__(model, candidates, deadline)

    monkeypatch.setattr(speaking, "FallbackChain", Timed)

    answers = await asyncio.gather(*(ask(keyed, person, known[model]) for model in TROUBLES))
    assert max(speaking.FIRST_TOKEN_SECONDS, keyed.settings.model_timeout_seconds) < 10
    for model, answer in zip(TROUBLES, answers, strict=True):
        assert left[model] < speaking.FIRST_TOKEN_SECONDS, "the time counts from the question, not from the call"
        assert UNAVAILABLE_NOTE.strip() in answer.answer, (model, answer.answer)
        assert "5 working days" in answer.answer, model
        assert answer.answered, model
        assert answer.sources, model
        failed, quoted = await spent(keyed, answer.message_id)
        assert (failed.outcome, quoted.outcome, quoted.provider) == ("failed", "ok", "offline"), model
        assert (failed.output_tokens > 0) == (model in ("stub-cut", "stub-stall")), model
        if model not in ("stub-cut", "stub-stall", "stub-hang", "stub-empty"):
            assert failed.input_tokens == 0, "what was refused was not used"
        async with keyed.db.platform(System("tests")) as session:
            query = text("SELECT trace->>'fallback' FROM messages WHERE id = :id")
            assert (await session.execute(query, {"id": answer.message_id})).scalar_one() == TROUBLES[model]
        words = (await owners_view(keyed, person, known[model])).model_error
        assert bool(words) == (model in FOR_THE_OWNER), (model, words)


async def test_a_provider_that_is_not_there(
    settings: Settings, keyed: Runtime, person: Person, bot: BotRead, tmp_path: Any
) -> None:
    """Nothing listens: neither the question's vector nor an answer, and words alone find the passage."""
    nowhere = {
        "openai_api_key": SecretStr("sk-x"),
        "openai_base_url": "http://127.0.0.1:9/v1",
        "database_url": keyed.settings.database_url,
    }
    async with other_runtime(settings, tmp_path, working=False, **nowhere) as rt:
        started = time.monotonic()
        answer = await ask(rt, person, bot)
        assert time.monotonic() - started < 10
        assert "5 working days" in answer.answer
        assert answer.answer.startswith(UNAVAILABLE_NOTE)


async def test_a_bot_without_a_model_is_slow_and_not_away(
    rt: Runtime, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await make_knowing_bot(rt, owner)
    monkeypatch.setattr(speaking, "FIRST_TOKEN_SECONDS", 0.0)
    answer = await ask(rt, owner, bot)
    assert answer.answer.startswith("From “")
    assert "5 working days" in answer.answer
    assert not answer.leave_message


async def test_the_owner_reads_of_a_bad_key_until_it_works(keyed: Runtime, person: Person) -> None:
    bot = await make_knowing_bot(keyed, person)
    await use(keyed, person, bot, model_key="sk-invalid-1234")
    answer = await ask(keyed, person, bot)
    assert answer.answer.startswith(UNAVAILABLE_NOTE)
    view = await owners_view(keyed, person, bot)
    assert view.model_error == "The key was refused by the model provider. Enter a new key under Model settings."
    assert "key" not in answer.answer.lower(), "nothing of it for the visitor"
    await use(keyed, person, bot, model_key="sk-good-5678")
    assert (await owners_view(keyed, person, bot)).model_error == "", "a new key is a new chance"
    await use(keyed, person, bot, model="stub-404")
    await ask(keyed, person, bot)
    assert "does not have this model" in (await owners_view(keyed, person, bot)).model_error
    await use(keyed, person, bot, model=PRICED)
    assert (await ask(keyed, person, bot)).answer.startswith("According to")
    assert (await owners_view(keyed, person, bot)).model_error == ""


async def test_what_the_sources_do_not_hold_is_said_in_the_bots_words(keyed: Runtime, person: Person) -> None:
    bot = await make_knowing_bot(keyed, person, model="stub-not-in-sources", fallback_text="Ask us by mail.")
    live, conversation_id = await begin(keyed, person, bot)
    events = [event async for event in live.follow()]
    answer = await live.result(conversation_id)
    assert (answer.answer, answer.answered, answer.sources) == ("Ask us by mail.", False, [])
    assert "NOT_IN" not in str(events), "not even for a moment"
    [event] = await spent(keyed, answer.message_id)
    assert event.outcome == "ok"


async def test_what_has_nothing_to_do_with_the_sources_is_not_asked(
    keyed: Runtime, person: Person, stub_url: str
) -> None:
    bot = await make_knowing_bot(keyed, person, fallback_text="Ask us by mail.")
    before = (await calls(stub_url))["/v1/chat/completions"]
    answer = await ask(keyed, person, bot, "Zebra xylophone quasar?")
    assert (answer.answer, answer.answered) == ("Ask us by mail.", False)
    assert (await calls(stub_url))["/v1/chat/completions"] == before
    assert await spent(keyed, answer.message_id) == []
