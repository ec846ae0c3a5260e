"""A provider in trouble: who waits, who is asked instead, and what each call cost."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatbot_saas.adapters.embeddings.openai import OpenAIEmbedder
from chatbot_saas.adapters.llm import (
    Finished,
    ModelBadRequestError,
    ModelError,
    ModelKeyInvalidError,
    ModelQuotaError,
    ModelRateLimitedError,
    ModelTimeoutError,
    ModelUnavailableError,
    TextDelta,
)
from chatbot_saas.adapters.llm.breaker import Breaker, Breakers, Guarded, GuardedEmbedder, NotAskedError
from chatbot_saas.adapters.llm.chain import NO_KEY, Candidate, FallbackChain, candidates
from chatbot_saas.adapters.llm.openai import OpenAIChatModel
from chatbot_saas.adapters.openai_calls import OpenAIClients
from chatbot_saas.adapters.tokens import TokenCounter
from chatbot_saas.core.settings import Settings
from tests.adapters.model_fixtures import chat_request, chats, counter, models_dir, stub_url

__all__ = ["counter", "models_dir", "stub_url"]
KEY = "sk-test"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def guarded(stub_url: str, counter: TokenCounter) -> AsyncIterator[Guarded]:
    model = Guarded(OpenAIChatModel(KEY, stub_url, 8.0, counter), Breakers())
    yield model
    await model.close()


def chain_of(model: Guarded, *names: str, seconds: float = 8.5) -> FallbackChain:
    deadline = asyncio.get_running_loop().time() + seconds
    return FallbackChain(model, [Candidate(name) for name in names], deadline)


async def text_of(chain: FallbackChain) -> str:
    return "".join([part.text async for part in chain.stream(chat_request()) if isinstance(part, TextDelta)])


def outcomes(chain: FallbackChain) -> list[str]:
    """What became of each attempt. One that was "not_asked" waited for nobody, however slow this machine is."""
    return [attempt.outcome for attempt in chain.attempts]


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_try() -> None:
    clock = Clock()
    breaker = Breaker("chat", clock)
    for _ in range(2):
        breaker.admit()
        breaker.failed(ModelTimeoutError())
    breaker.succeeded()
    for _ in range(3):
        assert not breaker.is_open
        breaker.admit()
        breaker.failed(ModelUnavailableError())
    with pytest.raises(NotAskedError) as refusal:
        breaker.admit()
    assert refusal.value.code == "model_unavailable"
    for pause in (5, 10, 20, 40, 60, 60):
        clock.now += pause - 0.1
        assert breaker.would_refuse
        clock.now += 0.2
        breaker.admit()
        with pytest.raises(NotAskedError):
            breaker.admit()  # somebody is trying
        breaker.failed(ModelTimeoutError())
    clock.now += 61
    breaker.admit()
    breaker.gave_up()
    breaker.admit()
    breaker.succeeded()
    assert not breaker.is_open
    breaker.admit()


def test_the_provider_may_ask_for_a_longer_pause() -> None:
    clock = Clock()
    breaker = Breaker("chat", clock)
    for _ in range(3):
        breaker.admit()
        breaker.failed(ModelRateLimitedError(retry_after=20))
    clock.now = 19
    assert breaker.would_refuse
    clock.now = 21
    assert not breaker.would_refuse


@pytest.mark.parametrize("error", [ModelBadRequestError(), ModelKeyInvalidError(), ModelQuotaError()])
def test_what_is_wrong_with_one_bot_opens_nothing(error: ModelError) -> None:
    breaker = Breaker("chat")
    for _ in range(10):
        breaker.admit()
        breaker.failed(error)
    assert not breaker.is_open


def test_breakers_are_apart_by_model_key_and_endpoint() -> None:
    breakers = Breakers()
    one = breakers.of("chat", "m", "k", "u")
    assert breakers.of("chat", "m", "k", "u") is one
    for other in (("embedding", "m", "k", "u"), ("chat", "n", "k", "u"), ("chat", "m", "l", "u"), ("chat", "m", "k")):
        assert breakers.of(*other) is not one
    for _ in range(3):
        one.failed(ModelTimeoutError())
    assert not breakers.operators_open
    for _ in range(3):
        breakers.of("chat", "m").failed(ModelTimeoutError())
    assert breakers.operators_open


async def test_with_a_provider_that_hangs_only_the_first_visitors_wait(guarded: Guarded) -> None:
    for _ in range(3):
        chain = chain_of(guarded, "stub-hang", seconds=0.5)
        started = time.perf_counter()
        with pytest.raises(ModelError):
            await text_of(chain)
        assert time.perf_counter() - started > 0.4
        assert outcomes(chain) == ["failed"]
    for _ in range(5):
        chain = chain_of(guarded, "stub-hang", seconds=0.5)
        with pytest.raises(ModelError):
            await text_of(chain)
        assert outcomes(chain) == ["not_asked"]
        assert chain.usages == []
    with pytest.raises(NotAskedError):
        await guarded.check()
    await guarded.check("sk-own")


async def test_many_at_once_are_let_go_when_the_third_has_failed(guarded: Guarded) -> None:
    async def ask() -> list[str]:
        chain = chain_of(guarded, "stub-hang", seconds=0.5)
        with pytest.raises(ModelError):
            await text_of(chain)
        return outcomes(chain)

    assert await asyncio.gather(*(ask() for _ in range(20))) == [["failed"]] * 20
    assert await asyncio.gather(*(ask() for _ in range(20))) == [["not_asked"]] * 20


@pytest.mark.parametrize("trouble", ["stub-500", "stub-429", "stub-quota", "stub-404", "stub-empty"])
async def test_the_second_model_answers_at_once_when_the_first_refuses(
    guarded: Guarded, stub_url: str, trouble: str
) -> None:
    chain = chain_of(guarded, trouble, "stub")
    before = await chats(stub_url)
    assert "[1]" in await text_of(chain)
    tries = await chats(stub_url) - before
    assert tries > 2 if trouble in ("stub-500", "stub-429") else tries == 2, "a lasting refusal is not asked for again"
    first, second = chain.attempts
    assert (first.outcome, second.outcome, second.second) == ("failed", "ok", True)
    assert first.error is not None
    assert first.usage is not None
    assert (first.usage.input_tokens > 0) == (trouble == "stub-empty")
    assert chain.answered_by is second
    assert [outcome for _, outcome in chain.usages] == ["failed", "ok"]


async def test_a_first_model_that_hangs_leaves_time_for_the_second(guarded: Guarded) -> None:
    chain = chain_of(guarded, "stub-hang", "stub", seconds=1)
    started = time.perf_counter()
    assert await text_of(chain)
    assert time.perf_counter() - started > 0.55
    assert outcomes(chain) == ["failed", "ok"]
    assert chain.usages[0][0].estimated
    assert chain.usages[0][0].input_tokens > 0
    for _ in range(2):
        await text_of(chain_of(guarded, "stub-hang", "stub", seconds=1))
    chain = chain_of(guarded, "stub-hang", "stub", seconds=1)
    await text_of(chain)
    assert outcomes(chain) == ["not_asked", "ok"]


async def test_no_other_model_goes_on_with_an_answer_that_broke_off(guarded: Guarded) -> None:
    chain = chain_of(guarded, "stub-cut", "stub")
    with pytest.raises(ModelUnavailableError):
        await text_of(chain)
    assert outcomes(chain) == ["failed"]
    assert chain.usages[0][0].output_tokens > 0


async def test_the_error_of_the_first_is_told_when_none_answers(guarded: Guarded) -> None:
    with pytest.raises(ModelQuotaError):
        await text_of(chain_of(guarded, "stub-quota", "stub-404"))


async def test_who_leaves_is_no_failure_of_the_provider(guarded: Guarded) -> None:
    for _ in range(4):
        chain = chain_of(guarded, "stub-hang")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await text_of(chain)
        assert chain.attempts[0].outcome == "cancelled"
    assert not guarded.breaker_of(chat_request(model="stub-hang", api_key="")).is_open
    chain = chain_of(guarded, "stub-paced")
    stream = chain.stream(chat_request())
    await anext(stream)
    await stream.aclose()
    assert [outcome for _, outcome in chain.usages] == ["cancelled"]
    assert chain.usages[0][0].output_tokens > 0


async def test_usage_is_told_once_by_a_stream_that_ends_well(guarded: Guarded) -> None:
    chain = chain_of(guarded, "stub")
    parts = [part async for part in chain.stream(chat_request())]
    assert sum(isinstance(part, Finished) for part in parts) == 1
    [(used, outcome)] = chain.usages
    assert (used.model, outcome, used.estimated) == ("stub", "ok", False)


async def test_a_question_is_not_embedded_while_the_provider_is_away(stub_url: str, counter: TokenCounter) -> None:
    inner = OpenAIEmbedder(OpenAIClients(KEY, stub_url), "stub-hang", 1536, 8.0, counter)
    embedder = GuardedEmbedder(inner, Breakers(), seconds=0.2)
    for _ in range(3):
        started = time.perf_counter()
        with pytest.raises(ModelTimeoutError):
            await embedder.embed_query("where is my parcel")
        assert time.perf_counter() - started > 0.15
    for _ in range(2):
        with pytest.raises(NotAskedError):
            await embedder.embed_query("where is my parcel")
    await embedder.close()


def test_who_is_asked_and_in_which_order(tmp_path: Path) -> None:
    def settings(**values: str) -> Settings:
        return Settings(_env_file=None, data_dir=tmp_path, openai_model="main", **values)  # type: ignore[call-arg,arg-type]

    plain = settings()
    assert candidates(plain, model="") == [Candidate("main")]
    assert candidates(plain, model="own", api_key="k", fallback_model="b") == [
        Candidate("own", "k"),
        Candidate("b", "k"),
    ]
    assert candidates(plain, model="own", fallback_model="own") == [Candidate("own")]
    here = settings(fallback_model="second")
    assert candidates(here, model="own", api_key="k") == [Candidate("own", "k"), Candidate("second")]
    there = settings(fallback_model="second", fallback_base_url="http://local/v1")
    assert candidates(there, model="")[1] == Candidate("second", NO_KEY, "http://local/v1")
    keyed = settings(fallback_model="second", fallback_base_url="http://local/v1", fallback_api_key="fk")
    assert candidates(keyed, model="")[1] == Candidate("second", "fk", "http://local/v1")
    assert "fk" not in repr(candidates(keyed, model=""))
