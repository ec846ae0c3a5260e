"""One port, two embedders: the provider's (against the stub) and the offline one."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from chatbot_saas.adapters.embeddings import Embedder
from chatbot_saas.adapters.embeddings.factory import make_embedder
from chatbot_saas.adapters.embeddings.offline import OVERLAP, PORTION, WINDOW, OfflineEmbedder, portions, windows
from chatbot_saas.adapters.embeddings.openai import OpenAIEmbedder
from chatbot_saas.adapters.llm import ModelError, ModelKeyInvalidError, ModelNotFoundError
from chatbot_saas.adapters.openai_calls import OpenAIClients
from chatbot_saas.adapters.processes import WorkerPool, work_for
from chatbot_saas.adapters.tokens import TokenCounter
from chatbot_saas.core.settings import Settings
from tests.adapters.model_fixtures import counter, models_dir, stub_url

__all__ = ["counter", "models_dir", "stub_url"]
LONG = "The warranty of the coffee machine covers the pump, the grinder and the boiler for two years. " * 60


def openai_embedder(stub_url: str, counter: TokenCounter, model: str = "stub", dimension: int = 1536) -> OpenAIEmbedder:
    return OpenAIEmbedder(
        OpenAIClients("sk-test", stub_url), model, dimension, 20.0 if model != "stub-hang" else 1.0, counter
    )


@pytest.fixture(params=["openai", "offline", "offline in a process"])
async def embedder(
    request: pytest.FixtureRequest, stub_url: str, counter: TokenCounter, models_dir: Path
) -> AsyncIterator[Embedder]:
    pool = WorkerPool(1)
    made: dict[str, Embedder] = {
        "openai": openai_embedder(stub_url, counter),
        "offline": OfflineEmbedder(models_dir),
        "offline in a process": OfflineEmbedder(models_dir, pool),
    }
    yield made[request.param]
    for embedder in made.values():
        await embedder.close()
    await pool.close()


async def test_shapes_lengths_and_usage(embedder: Embedder) -> None:
    texts = ["Returns are accepted within 30 days.", LONG, "", "Öffnungszeiten: 9–18 Uhr", "营业时间"]
    done = await embedder.embed_documents(texts)
    assert len(done.vectors) == len(texts)
    for rows in done.vectors:
        assert rows.dtype == np.float32
        assert rows.shape[1] == embedder.dimension
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert done.input_tokens > 100
    assert done.model == embedder.name
    assert done.seconds > 0


async def test_a_query_is_one_vector_and_finds_its_text(embedder: Embedder) -> None:
    texts = ["Refunds are paid within 14 days.", "The shop in Vienna opens at 9.", "Passwords have 12 characters."]
    documents = (await embedder.embed_documents(texts)).vectors
    query = (await embedder.embed_query("When does the shop in Vienna open?")).vectors
    assert [rows.shape for rows in query] == [(1, embedder.dimension)]
    scores = [float((rows @ query[0][0]).max()) for rows in documents]
    assert scores.index(max(scores)) == 1


async def test_the_same_text_has_the_same_vector_in_any_batch(embedder: Embedder) -> None:
    texts = [f"Sentence number {number} about coffee{' and tea' * number}." for number in range(12)]
    together = (await embedder.embed_documents(texts)).vectors
    alone = (await embedder.embed_documents([texts[7]])).vectors[0]
    assert float(together[7][0] @ alone[0]) > 0.99


async def test_no_texts(embedder: Embedder) -> None:
    assert (await embedder.embed_documents([])).vectors == []


@pytest.mark.parametrize("sizes", [[], [0, 0], [PORTION + 1], [10, PORTION, 10], [PORTION // 2] * 5, [1] * 16])
def test_portions_hold_every_text_in_order_and_are_small(sizes: list[int]) -> None:
    texts = ["x" * size for size in sizes]
    parts = portions(texts)
    assert [text for part in parts for text in part] == texts
    assert all(part and (len(part) == 1 or sum(map(len, part)) <= PORTION) for part in parts)
    assert all(sum(map(len, left)) + len(right[0]) > PORTION for left, right in pairwise(parts)), "no more than needed"


async def test_one_line_of_a_tenant_waits_for_a_portion_of_anothers_not_for_all(models_dir: Path) -> None:
    pool = WorkerPool(1)
    embedder = OfflineEmbedder(models_dir, pool)
    await embedder.embed_documents(["the process has its model"])

    async def seconds(owner: str, texts: list[str]) -> float:
        work_for(owner)
        return (await embedder.embed_documents(texts)).seconds

    huge = asyncio.create_task(seconds("many", [LONG] * 12))
    await asyncio.sleep(0.2)
    waits = [await asyncio.create_task(seconds("one", ["Returns are accepted."])) for _ in range(2)]
    assert not huge.done()
    whole = await huge
    assert max(waits) < whole / 3, (waits, whole)
    await embedder.close()
    await pool.close()


@pytest.mark.parametrize("length", [0, 1, WINDOW, WINDOW + 1, 500, 999, 5_000])
def test_windows_cover_every_token_with_overlap(length: int) -> None:
    parts = windows(list(range(length)))
    assert max(map(len, parts)) <= WINDOW
    assert {token for part in parts for token in part} == set(range(length))
    assert all(len(set(left) & set(right)) >= OVERLAP - 1 for left, right in pairwise(parts))


async def test_a_fact_at_the_end_of_a_long_chunk_is_found(models_dir: Path) -> None:
    embedder = OfflineEmbedder(models_dir)
    chunk = LONG + "Dogs are welcome on the terrace of the restaurant."
    rows = (await embedder.embed_documents([chunk])).vectors[0]
    query = (await embedder.embed_query("Can I bring my dog to the restaurant?")).vectors[0][0]
    assert len(rows) > 3
    assert int((rows @ query).argmax()) == len(rows) - 1
    await embedder.close()


async def test_hundreds_of_texts_are_sent_in_batches(stub_url: str, counter: TokenCounter) -> None:
    embedder = openai_embedder(stub_url, counter)
    assert len((await embedder.embed_documents([f"text {number}" for number in range(250)])).vectors) == 250
    await embedder.close()


@pytest.mark.parametrize(("model", "error"), [("stub-401", ModelKeyInvalidError), ("stub-hang", ModelError)])
async def test_failures(stub_url: str, counter: TokenCounter, model: str, error: type[ModelError]) -> None:
    embedder = openai_embedder(stub_url, counter, model)
    with pytest.raises(error):
        await embedder.embed_query("text")
    await embedder.close()


async def test_a_passing_failure_is_not_seen(stub_url: str, counter: TokenCounter) -> None:
    embedder = openai_embedder(stub_url, counter, "stub-429-once")
    assert (await embedder.embed_documents(["text"])).vectors
    await embedder.close()


async def test_vectors_of_another_length_are_refused(stub_url: str, counter: TokenCounter) -> None:
    embedder = openai_embedder(stub_url, counter, dimension=384)
    with pytest.raises(ModelError, match="EMBEDDING_MODEL"):
        await embedder.embed_query("text")
    await embedder.close()


# Which one a process gets


def settings(tmp_path: Path, **values: object) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path, **values)  # type: ignore[arg-type]


async def test_without_a_key_the_offline_one(tmp_path: Path, counter: TokenCounter) -> None:
    embedder = await make_embedder(settings(tmp_path), counter)
    assert (embedder.name, embedder.dimension) == ("minilm-l6-v2", 384)
    await embedder.close()


async def test_openais_own_models_are_not_asked(tmp_path: Path, counter: TokenCounter) -> None:
    embedder = await make_embedder(settings(tmp_path, openai_api_key="sk-test"), counter)
    assert (embedder.name, embedder.dimension) == ("text-embedding-3-small", 1536)
    await embedder.close()


async def test_another_provider_is_asked_once(tmp_path: Path, counter: TokenCounter, stub_url: str) -> None:
    chosen = settings(tmp_path, openai_api_key="sk-test", openai_base_url=stub_url, embedding_model="stub-500-once")
    # The first call fails: nothing is known then, so that the offline one is used, but only until the next start.
    names: list[str] = []
    for _ in range(3):
        embedder = await make_embedder(chosen, counter)
        names.append(embedder.name)
        await embedder.close()
    assert names == ["minilm-l6-v2", "stub-500-once", "stub-500-once"]


async def test_a_provider_without_embeddings_keeps_the_offline_one(
    tmp_path: Path, counter: TokenCounter, stub_url: str
) -> None:
    values = {"openai_api_key": "sk-test", "openai_base_url": stub_url, "embedding_model": "stub-no-embeddings"}
    embedder = await make_embedder(settings(tmp_path, **values), counter)
    assert embedder.name == "minilm-l6-v2"
    await embedder.close()
    provider = openai_embedder(stub_url, counter, "stub-no-embeddings")
    with pytest.raises(ModelNotFoundError):
        await provider.embed_query("text")
    await provider.close()
