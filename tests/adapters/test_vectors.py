"""The vector store on a real Chroma: in this process, and a server started on a free port of the loopback."""

import asyncio
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import numpy as np
import pytest

from chatbot_saas.adapters.vectors import (
    DimensionError,
    IndexName,
    Match,
    VectorItem,
    Vectors,
    VectorStore,
)
from chatbot_saas.adapters.vectors.chroma import ChromaVectors
from chatbot_saas.adapters.vectors.engines import ChromaFolder, affordable_indexes
from chatbot_saas.adapters.vectors.exact import exact_search, pack, unpack
from chatbot_saas.adapters.vectors.factory import vector_store
from chatbot_saas.core.errors import InvalidError, UnavailableError
from tests.servers import free_port

DIMENSION = 32
RANDOM = np.random.default_rng(7)


def some_vectors(windows: int, dimension: int = DIMENSION) -> Vectors:
    vectors = RANDOM.normal(size=(windows, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def some_items(chunks: int, windows: int = 1) -> list[VectorItem]:
    return [VectorItem(uuid4(), some_vectors(windows)) for _ in range(chunks)]


def an_index(bot_id: UUID | None = None, embedder: str = "test") -> IndexName:
    return IndexName(bot_id or uuid4(), embedder, DIMENSION)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("chroma-server")
    port = free_port()
    command = [Path(sys.executable).with_name("chroma"), "run", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--path", str(folder / "data")], stdout=log, stderr=log, env={**os.environ, "DO_NOT_TRACK": "1"}
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"{url}/api/v2/heartbeat").raise_for_status()
                break
            except httpx.HTTPError:
                if time.monotonic() > deadline or process.poll() is not None:
                    pytest.fail(f"chroma run did not start:\n{(folder / 'log').read_text()}")
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(params=["folder", "server"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorStore]:
    url = request.getfixturevalue("server") if request.param == "server" else ""
    store = vector_store(url, tmp_path)
    yield store
    await store.close()


async def test_best_window_of_each_chunk_comes_back_best_first(store: VectorStore) -> None:
    index, items = an_index(), some_items(60, windows=3)
    await store.upsert(index, items)
    question = items[5].vectors[2]
    found = await store.query(index, question, 10)
    assert [match.chunk_id for match in found] == [match.chunk_id for match in exact(question, items, 10)]
    assert found[0].chunk_id == items[5].chunk_id
    assert found[0].score == pytest.approx(1.0, abs=1e-5)
    assert len({match.chunk_id for match in found}) == 10
    assert await store.count(index) == 180


def exact(question: Vectors, items: list[VectorItem], limit: int) -> list[Match]:
    return exact_search(question, [(item.chunk_id, pack(item.vectors), DIMENSION) for item in items], limit)


async def test_many_windows_of_one_chunk_do_not_crowd_out_the_others(store: VectorStore) -> None:
    index = an_index()
    near = some_vectors(1)
    crowd = VectorItem(uuid4(), near + some_vectors(120) * 0.01)
    crowd = VectorItem(crowd.chunk_id, crowd.vectors / np.linalg.norm(crowd.vectors, axis=1, keepdims=True))
    others = some_items(4)
    await store.upsert(index, [crowd, *others])
    found = await store.query(index, near, 5)
    assert {match.chunk_id for match in found} == {crowd.chunk_id, *(item.chunk_id for item in others)}


async def test_a_missing_or_emptied_index_finds_nothing(store: VectorStore) -> None:
    index, items = an_index(), some_items(3)
    question = some_vectors(1)
    assert await store.query(index, question, 5) == []
    assert await store.count(index) == 0
    assert await store.chunk_ids(index) == set()
    await store.delete(index, [uuid4()])
    await store.drop(index)
    await store.drop_bot(index.bot_id)
    await store.upsert(index, [])
    assert index not in await store.indexes()
    await store.upsert(index, items)
    await store.delete(index, [item.chunk_id for item in items])
    assert await store.query(index, question, 5) == []


async def test_writing_twice_changes_nothing(store: VectorStore) -> None:
    index, items = an_index(), some_items(5, windows=2)
    await store.upsert(index, items)
    await store.upsert(index, items)
    assert await store.count(index) == 10
    assert await store.chunk_ids(index) == {item.chunk_id for item in items}


async def test_a_chunk_written_with_fewer_windows_keeps_none_of_the_old(store: VectorStore) -> None:
    index, item = an_index(), some_items(1, windows=5)[0]
    await store.upsert(index, [item, *some_items(2, windows=5)])
    await store.upsert(index, [VectorItem(item.chunk_id, item.vectors[:2])])
    assert await store.count(index) == 12
    found = await store.query(index, item.vectors[4], 1)
    assert not (found[0].chunk_id == item.chunk_id and found[0].score > 0.99)


async def test_delete_takes_all_windows(store: VectorStore) -> None:
    index, items = an_index(), some_items(150, windows=3)
    await store.upsert(index, items)
    gone, kept = items[:130], items[130:]
    assert await store.held(index, [item.chunk_id for item in gone]) == 390
    assert await store.held(an_index(), [gone[0].chunk_id]) == await store.held(index, []) == 0
    await store.delete(index, [item.chunk_id for item in gone])
    assert await store.held(index, [item.chunk_id for item in gone]) == 0
    await store.delete(index, [gone[0].chunk_id, uuid4()])
    assert await store.chunk_ids(index) == {item.chunk_id for item in kept}
    assert await store.count(index) == 60
    found = await store.query(index, gone[0].vectors[:1], 150)
    assert {match.chunk_id for match in found} == {item.chunk_id for item in kept}


async def test_indexes_are_apart(store: VectorStore) -> None:
    bot_id = uuid4()
    one, two, other = an_index(bot_id, "one"), an_index(bot_id, "two"), an_index()
    items = {index: some_items(3) for index in (one, two, other)}
    for index in items:
        await store.upsert(index, items[index])
    assert {one, two, other} <= set(await store.indexes())
    for index in items:
        found = await store.query(index, items[one][0].vectors, 9)
        assert {match.chunk_id for match in found} == {item.chunk_id for item in items[index]}
    await store.drop_bot(bot_id)
    left = await store.indexes()
    assert one not in left
    assert two not in left
    assert await store.query(one, items[one][0].vectors, 3) == []
    assert len(await store.query(other, items[one][0].vectors, 3)) == 3
    await store.upsert(one, items[one])
    assert len(await store.query(one, items[one][0].vectors, 3)) == 3


async def test_another_dimension_is_refused(store: VectorStore) -> None:
    index = an_index()
    with pytest.raises(DimensionError, match="dimension 32"):
        await store.upsert(index, [VectorItem(uuid4(), some_vectors(2, 16))])
    await store.upsert(index, some_items(1))
    with pytest.raises(DimensionError, match="dimension 32"):
        await store.query(index, some_vectors(1, 16), 3)


async def test_questions_while_writing(store: VectorStore) -> None:
    index, items = an_index(), some_items(400)
    await store.upsert(index, items[:20])

    async def ask() -> None:
        for _ in range(20):
            assert (await store.query(index, items[3].vectors, 3))[0].chunk_id == items[3].chunk_id

    await asyncio.gather(store.upsert(index, items[20:]), ask(), ask())
    assert len(await store.query(index, items[3].vectors, 400)) == 400


async def test_an_index_made_anew_elsewhere_is_found_again(server: str, tmp_path: Path) -> None:
    ours, theirs = vector_store(server, tmp_path), vector_store(server, tmp_path)
    index, items = an_index(), some_items(2)
    await ours.upsert(index, items)
    await theirs.drop(index)
    assert await ours.query(index, items[0].vectors, 2) == []
    await ours.upsert(index, items[:1])
    await theirs.drop(index)
    await theirs.upsert(index, items[1:])
    assert [match.chunk_id for match in await ours.query(index, items[0].vectors, 2)] == [items[1].chunk_id]
    await ours.check()
    await ours.close()
    await theirs.close()


async def test_a_server_that_is_away_is_unavailable(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: refused at once
        store = vector_store(f"http://127.0.0.1:{held.getsockname()[1]}", tmp_path)
        with pytest.raises(UnavailableError, match="CHROMA_URL"):
            await store.check()
        with pytest.raises(UnavailableError):
            await store.query(an_index(), some_vectors(1), 3)
        await store.close()
    with pytest.raises(UnavailableError, match="closed"):
        await store.check()
    with pytest.raises(InvalidError, match="CHROMA_URL"):
        vector_store("chroma:8000", tmp_path)


# --- in this process only


@pytest.mark.parametrize("sizes", [(1,), (49,), (50,), (100, 1), (60, 20, 3)])
async def test_indexes_that_left_the_cache_answer_in_full(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    """The trap: with Chroma's defaults these fail with "Nothing found on disk", or silently lack the last writes."""
    store = ChromaVectors(ChromaFolder(tmp_path, open_indexes=8))
    written: dict[IndexName, list[VectorItem]] = {}
    for _ in range(24):
        index = an_index()
        written[index] = []
        for size in sizes:
            items = some_items(size)
            await store.upsert(index, items)
            written[index] += items
    for _ in range(2):
        for index, items in written.items():
            last = items[-1]
            found = await store.query(index, last.vectors, len(items))
            assert found[0].chunk_id == last.chunk_id
            assert len(found) == len(items)
    await store.close()

    again = ChromaVectors(ChromaFolder(tmp_path, open_indexes=8))
    for index, items in written.items():
        assert (await again.query(index, items[-1].vectors, 1))[0].chunk_id == items[-1].chunk_id
    await again.close()


@pytest.mark.parametrize("others", [0, 1, 30])
async def test_a_changed_vector_is_the_one_on_disk(tmp_path: Path, others: int) -> None:
    index, items, changed = an_index(), some_items(1 + others), some_vectors(1)
    store = vector_store("", tmp_path)
    await store.upsert(index, items)
    await store.upsert(index, [VectorItem(items[0].chunk_id, changed)])
    await store.close()
    store = vector_store("", tmp_path)
    assert (await store.query(index, changed, 1))[0] == Match(items[0].chunk_id, pytest.approx(1.0, abs=1e-5))
    assert await store.count(index) == 1 + others
    await store.close()


async def test_only_one_process_owns_the_folder(tmp_path: Path) -> None:
    store = vector_store("", tmp_path)
    code = (
        "import sys; from pathlib import Path; from chatbot_saas.adapters.vectors.engines import ChromaFolder\n"
        "try: ChromaFolder(Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "vectors")]
    refused = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    assert "OwnedElsewhereError" in refused.stdout
    assert "CHROMA_URL" in refused.stdout
    with pytest.raises(UnavailableError, match="set CHROMA_URL"):
        vector_store("", tmp_path)
    await store.close()
    await vector_store("", tmp_path).close()


def segment_folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and path.name.count("-") == 4]


async def test_dropping_removes_the_files_and_compacting_the_space(tmp_path: Path) -> None:
    store = vector_store("", tmp_path)
    await store.compact()
    kept, dropped, items = an_index(), an_index(), some_items(300, windows=2)
    await store.upsert(kept, items[:50])
    await store.upsert(dropped, items)
    folder = tmp_path / "vectors"
    assert len(segment_folders(folder)) == 2
    before = (folder / "chroma.sqlite3").stat().st_size
    await store.drop(dropped)
    assert len(segment_folders(folder)) == 1
    (folder / str(uuid4())).mkdir()
    (folder / "not ours").mkdir()
    await asyncio.gather(store.compact(), *(store.query(kept, items[0].vectors[:1], 3) for _ in range(50)))
    assert len(segment_folders(folder)) == 1
    assert (folder / "not ours").exists()
    assert (folder / "chroma.sqlite3").stat().st_size < before
    assert len(await store.query(kept, items[0].vectors[:1], 50)) == 50
    await store.close()
    database = sqlite3.connect(folder / "chroma.sqlite3")
    places = {"embeddings": "embedding_id", "embedding_metadata": "string_value", "embeddings_queue": "id"}
    leftovers = [
        database.execute(
            f"SELECT count(*) FROM {table} WHERE {column} LIKE ?", (f"%{items[299].chunk_id}%",)
        ).fetchone()
        for table, column in places.items()
    ]
    database.close()
    assert leftovers == [(0,), (0,), (0,)]


def test_open_indexes_are_bounded_by_what_there_is() -> None:
    assert 32 <= affordable_indexes() <= 2000


# --- exact search


def test_packed_vectors_come_back() -> None:
    vectors = some_vectors(3)
    data = pack(vectors)
    assert len(data) == 3 * DIMENSION * 4
    assert np.array_equal(unpack(data, DIMENSION), vectors)
    assert unpack(pack(vectors[0]), DIMENSION).shape == (1, DIMENSION)
    assert np.array_equal(unpack(pack(np.asfortranarray(vectors.astype(np.float64))), DIMENSION), vectors)
    with pytest.raises(DimensionError):
        unpack(data, DIMENSION + 1)


def test_exact_search_takes_the_best_window() -> None:
    items = some_items(20, windows=1) + some_items(20, windows=4)
    question = some_vectors(1)
    found = exact(question, items, 7)
    scores = {item.chunk_id: float((item.vectors @ question[0]).max()) for item in items}
    best = sorted(scores, key=lambda chunk_id: -scores[chunk_id])[:7]
    assert [match.chunk_id for match in found] == best
    assert [match.score for match in found] == pytest.approx([scores[chunk_id] for chunk_id in best], abs=1e-6)
    assert exact(question[0], items, 0) == []
    assert exact_search(question, [], 5) == []
    assert exact_search(question, [(uuid4(), b"", DIMENSION)], 5) == []
    with pytest.raises(DimensionError):
        exact_search(question, [(uuid4(), pack(some_vectors(1, 16)), 16)], 5)
