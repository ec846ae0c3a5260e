"""One port, two models: the provider's (against the stub) and the one that quotes."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from chatbot_saas.adapters.embeddings.offline import OfflineEmbedder
from chatbot_saas.adapters.llm import (
    ChatModel,
    ChatRequest,
    Finished,
    ModelBadRequestError,
    ModelError,
    ModelKeyInvalidError,
    ModelNotFoundError,
    ModelQuotaError,
    ModelRateLimitedError,
    ModelTimeoutError,
    ModelUnavailableError,
    Passage,
    TextDelta,
)
from chatbot_saas.adapters.llm.extractive import ExtractiveChatModel
from chatbot_saas.adapters.llm.factory import make_chat_model, make_fallback_model
from chatbot_saas.adapters.llm.openai import OpenAIChatModel
from chatbot_saas.adapters.openai_calls import OpenAIClients
from chatbot_saas.adapters.tokens import TokenCounter
from chatbot_saas.core.settings import Settings
from tests.adapters.model_fixtures import PASSAGES, calls, chat_request, chats, counter, models_dir, stub_url
from tests.factories.jobs import until

__all__ = ["counter", "models_dir", "stub_url"]
PATIENT, IMPATIENT = 20.0, 1.0  # seconds; the machine may be busy with other tests


@pytest.fixture
async def openai_model(stub_url: str, counter: TokenCounter) -> AsyncIterator[OpenAIChatModel]:
    model = OpenAIChatModel("sk-test", stub_url, PATIENT, counter)
    yield model
    await model.close()


@pytest.fixture
async def impatient_model(stub_url: str, counter: TokenCounter) -> AsyncIterator[OpenAIChatModel]:
    model = OpenAIChatModel("sk-test", stub_url, IMPATIENT, counter)
    yield model
    await model.close()


@pytest.fixture(params=["openai", "extractive"])
async def model(request: pytest.FixtureRequest, stub_url: str, counter: TokenCounter) -> AsyncIterator[ChatModel]:
    openai = OpenAIChatModel("sk-test", stub_url, PATIENT, counter)
    model: ChatModel = openai if request.param == "openai" else ExtractiveChatModel(counter)
    yield model
    await model.close()
    await openai.close()


async def collect(model: ChatModel, request: ChatRequest) -> tuple[list[str], Finished]:
    events = [event async for event in model.stream(request)]
    finished = events.pop()
    assert isinstance(finished, Finished)
    return [event.text for event in events if isinstance(event, TextDelta)], finished


# The port, for both


async def test_streams_an_answer_with_a_citation_and_exact_usage(model: ChatModel) -> None:
    deltas, finished = await collect(model, chat_request())
    text = "".join(deltas)
    assert len(deltas) > 5
    assert "[1]" in text
    assert finished.reason == "stop"
    assert finished.usage.provider == model.provider
    assert finished.usage.input_tokens > 50
    assert finished.usage.output_tokens > 5
    assert not finished.usage.estimated


async def test_what_a_closed_stream_used_can_be_estimated(model: ChatModel) -> None:
    said = ""
    async with aclosing(model.stream(chat_request())) as events:
        async for event in events:
            assert isinstance(event, TextDelta)
            said += event.text
            if len(said) > 20:
                break
    usage = model.estimate(chat_request(), said)
    assert usage.estimated
    assert usage.provider == model.provider
    assert 0 < usage.output_tokens < 20 < usage.input_tokens


async def test_many_streams_at_once_do_not_mix(model: ChatModel) -> None:
    questions = ["How long can I return an item?", "How do I reset my password?"] * 8
    answers = await asyncio.gather(*(collect(model, chat_request(question)) for question in questions))
    texts = ["".join(deltas) for deltas, _ in answers]
    assert len(set(texts[::2])) == 1
    assert len(set(texts[1::2])) == 1


async def test_check_accepts_a_good_key(model: ChatModel) -> None:
    await model.check()


# The provider's model and its bad luck


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stub-401", ModelKeyInvalidError),
        ("stub-404", ModelNotFoundError),
        ("stub-400", ModelBadRequestError),
        ("stub-429", ModelRateLimitedError),
        ("stub-quota", ModelQuotaError),
        ("stub-500", ModelUnavailableError),
        ("stub-hang", ModelTimeoutError),
        ("stub-slow", ModelTimeoutError),
    ],
)
async def test_failures_have_a_code_and_words_and_end_in_time(
    impatient_model: OpenAIChatModel, name: str, expected: type[ModelError]
) -> None:
    started = time.monotonic()
    with pytest.raises(expected) as failure:
        await collect(impatient_model, chat_request(model=name))
    assert time.monotonic() - started < IMPATIENT + 2
    assert failure.value.code.startswith("model_")
    assert len(failure.value.message) > 20
    assert "sk-" not in failure.value.message
    assert failure.value.usage is None


@pytest.mark.parametrize("name", ["stub-429-once", "stub-500-once"])
async def test_a_passing_failure_is_not_seen(openai_model: OpenAIChatModel, name: str) -> None:
    deltas, _ = await collect(openai_model, chat_request(model=name))
    assert deltas


async def test_one_attempt_only_where_repeating_is_useless(openai_model: OpenAIChatModel, stub_url: str) -> None:
    before = await chats(stub_url)
    with pytest.raises(ModelKeyInvalidError):
        await collect(openai_model, chat_request(model="stub-401"))
    assert await chats(stub_url) == before + 1
    with pytest.raises(ModelUnavailableError):
        await collect(openai_model, chat_request(model="stub-500"))
    assert await chats(stub_url) > before + 2


@pytest.mark.parametrize(("name", "error"), [("stub-cut", ModelUnavailableError), ("stub-stall", ModelTimeoutError)])
async def test_a_broken_stream_says_what_was_used_and_is_not_repeated(
    impatient_model: OpenAIChatModel, name: str, error: type[ModelError]
) -> None:
    events = impatient_model.stream(chat_request(model=name))
    for _ in range(3):
        assert isinstance(await anext(events), TextDelta)
    with pytest.raises(error) as failure:
        await anext(events)
    usage = failure.value.usage
    assert usage is not None
    assert usage.estimated
    assert usage.output_tokens >= 3


async def test_parameters_that_a_model_refuses_are_left_out(openai_model: OpenAIChatModel) -> None:
    deltas, finished = await collect(openai_model, chat_request(model="stub-no-stream-options"))
    assert finished.usage.estimated
    assert finished.usage.output_tokens > 5
    for _ in range(2):
        deltas, finished = await collect(openai_model, chat_request(model="stub-new-names", max_tokens=5))
        assert len(deltas) == 5
        assert finished.reason == "length"
        assert not finished.usage.estimated


async def test_closing_the_stream_ends_the_providers_call(openai_model: OpenAIChatModel, stub_url: str) -> None:
    async with aclosing(openai_model.stream(chat_request(model="stub-paced"))) as events:
        await anext(events)

    async def closed_early() -> bool:
        return bool((await calls(stub_url)).get("closed early"))

    await until(closed_early, 10)


async def test_an_empty_answer_is_an_answer(openai_model: OpenAIChatModel) -> None:
    deltas, finished = await collect(openai_model, chat_request(model="stub-empty"))
    assert deltas == []
    assert finished.usage.output_tokens == 0


async def test_a_refused_key_is_reported_in_words(openai_model: OpenAIChatModel) -> None:
    with pytest.raises(ModelKeyInvalidError, match="Enter a new key under Model settings"):
        await openai_model.check("sk-invalid")
    with pytest.raises(ModelKeyInvalidError):
        await collect(openai_model, chat_request(api_key="sk-invalid"))


async def test_nobody_listens(counter: TokenCounter) -> None:
    model = OpenAIChatModel("sk-test", "http://127.0.0.1:9/v1", PATIENT, counter)
    with pytest.raises(ModelUnavailableError):
        await collect(model, chat_request())
    await model.close()


async def test_the_operators_key_never_goes_to_a_bots_endpoint() -> None:
    clients = OpenAIClients("sk-operator", "")
    with pytest.raises(ModelKeyInvalidError):
        clients.get(base_url="https://elsewhere.example/v1")
    assert clients.get() is clients.get()
    assert clients.get("sk-own").api_key == "sk-own"
    await clients.close()


async def test_without_an_operators_key_only_bots_with_their_own_ask_the_provider(
    counter: TokenCounter, stub_url: str
) -> None:
    settings = Settings(_env_file=None, openai_base_url=stub_url)  # type: ignore[call-arg]
    model = make_chat_model(settings, counter, ExtractiveChatModel(counter))
    assert model.quotes
    assert (await collect(model, chat_request()))[1].usage.provider == "offline"
    assert (await collect(model, chat_request(api_key="sk-own")))[1].usage.provider == "openai"
    assert model.estimate(chat_request(api_key="sk-own"), "a").provider == "openai"
    await model.check()
    with pytest.raises(ModelKeyInvalidError):
        await model.check("sk-invalid")
    await model.close()


# The one that quotes


@pytest.mark.parametrize(
    ("question", "expected", "unwanted"),
    [
        ("How long can I return an item?", "Returns are accepted within 30 days of delivery.", "password"),
        ("How do I reset my password?", 'choose "Forgot password" and follow the link', "30 days"),
        ("What does shipping cost?", "costs EUR 4.90", "password"),
    ],
)
async def test_quotes_the_sentence_that_answers(
    counter: TokenCounter, question: str, expected: str, unwanted: str
) -> None:
    text = "".join((await collect(ExtractiveChatModel(counter), chat_request(question)))[0])
    assert text.startswith("From “")
    assert expected in text
    assert unwanted not in text


async def test_quotes_are_in_the_documents_words(counter: TokenCounter) -> None:
    text = "".join((await collect(ExtractiveChatModel(counter), chat_request("Refunds and customs duties?")))[0])
    source = " ".join(" ".join(passage.text.split()) for passage in PASSAGES)
    text = re.sub(r"^From “.*?”:$", "", text, flags=re.MULTILINE)
    quotes = [part for paragraph in text.split("“")[1:] for part in paragraph.split("”")[0].split(" … ")]
    assert quotes
    assert all(quote in source for quote in quotes)


@pytest.mark.parametrize(
    ("language", "text", "question", "lead_in"),
    [
        (
            "",
            "Die Frist für die Rückgabe ist 30 Tage. Der Versand ist kostenlos.",
            "Was kostet der Versand?",
            "Aus „T“:",
        ),
        ("de", "Shipping is free. Returns take time.", "What is shipping?", "Aus „T“:"),
        ("", "La livraison est gratuite. Le magasin est fermé.", "La livraison est-elle gratuite ?", "D’après"),
        ("", "退货政策。商品可在收货后30天内退货。标准配送需要三到五个工作日。", "配送要多久？", "摘自《T》"),
    ],
)
async def test_speaks_the_language(
    counter: TokenCounter, language: str, text: str, question: str, lead_in: str
) -> None:
    request = chat_request(question, passages=(Passage(1, "T", None, text),), language=language)
    assert "".join((await collect(ExtractiveChatModel(counter), request))[0]).startswith(lead_in)


async def test_meaning_helps_where_words_do_not(counter: TokenCounter, models_dir: object) -> None:
    embedder = OfflineEmbedder(models_dir)  # type: ignore[arg-type]
    model = make_fallback_model(counter, embedder)
    text = "".join((await collect(model, chat_request("Can I get my money back?")))[0])
    assert "Refunds are issued" in text or "Returns are accepted" in text
    await embedder.close()


async def test_a_passage_that_shares_no_word_is_still_quoted(counter: TokenCounter) -> None:
    text = "".join((await collect(ExtractiveChatModel(counter), chat_request("zzz qqq")))[0])
    assert "Returns are accepted" in text


async def test_nothing_to_quote(counter: TokenCounter) -> None:
    deltas, finished = await collect(ExtractiveChatModel(counter), chat_request(passages=()))
    assert deltas == []
    assert finished.usage.output_tokens == 0


async def test_hostile_passages_are_quoted_quickly(counter: TokenCounter) -> None:
    texts = ["x" * 100_000, "a. " * 30_000, "\n" * 50_000, "？" * 20_000, "Returns. " * 10_000]
    passages = tuple(Passage(number, "T", None, text) for number, text in enumerate(texts, 1))
    started = time.process_time()
    await collect(ExtractiveChatModel(counter), chat_request(passages=passages))
    assert time.process_time() - started < 5
