"""What is left of the vectors when the process is killed or the disk damaged."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from chatbot_saas.adapters.vectors import IndexBehindError, Vectors
from chatbot_saas.adapters.vectors.factory import vector_store
from tests.adapters.test_vectors import RANDOM, an_index, some_items


@pytest.mark.parametrize("damage", ["data_level0.bin", "header.bin", "index_metadata.pickle", "link_lists.bin"])
async def test_a_damaged_index_says_so_and_can_be_built_again(tmp_path: Path, damage: str) -> None:
    index, items = an_index(), some_items(80)
    store = vector_store("", tmp_path)
    await store.upsert(index, items)
    await store.close()
    (file,) = (tmp_path / "vectors").glob(f"*/{damage}")
    os.truncate(file, file.stat().st_size // 2)

    store = vector_store("", tmp_path)
    with pytest.raises(IndexBehindError):
        await store.query(index, items[0].vectors, 3)
    await store.drop(index)
    await store.upsert(index, items)
    assert len(await store.query(index, items[0].vectors, 80)) == 80
    await store.close()


WRITER = """
import asyncio, sys
from pathlib import Path
from uuid import UUID
import numpy as np
from chatbot_saas.adapters.vectors import IndexName, VectorItem
from chatbot_saas.adapters.vectors.factory import vector_store

async def main(folder, bot):
    store, random = vector_store("", Path(folder)), np.random.default_rng(int(sys.argv[3]))
    index, number = IndexName(UUID(bot), "test", 32), int(sys.argv[3]) * 1_000_000
    while True:
        vectors = random.normal(size=(7, 2, 32)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
        await store.upsert(index, [VectorItem(UUID(int=number + n), vectors[n]) for n in range(7)])
        for n in range(7):
            sys.stdout.write(f"{number + n} {vectors[n, 1].tobytes().hex()}\\n")
        sys.stdout.flush()
        number += 7

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


@pytest.mark.kill
async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    index = an_index()
    acknowledged: dict[UUID, Vectors] = {}
    for attempt in range(1, 1 + int(os.environ.get("VECTOR_KILLS", "3"))):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(index.bot_id), str(attempt)]
        writer = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert writer.stdout is not None
        lines = [await writer.stdout.readline()]
        await asyncio.sleep(float(RANDOM.uniform(0.05, 0.6)))
        os.kill(writer.pid, signal.SIGKILL)
        lines += (await writer.stdout.read()).splitlines(keepends=True)
        await writer.wait()
        for line in lines:
            if line.endswith(b"\n"):
                number, vector = line.split()
                acknowledged[UUID(int=int(number))] = np.frombuffer(bytes.fromhex(vector.decode()), dtype=np.float32)
    store = vector_store("", tmp_path)
    assert acknowledged.keys() <= await store.chunk_ids(index)
    for chunk_id, vector in acknowledged.items():
        best = (await store.query(index, vector, 1))[0]
        assert best.chunk_id == chunk_id
        assert best.score == pytest.approx(1.0, abs=1e-4)
    await store.close()
