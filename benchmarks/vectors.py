"""Does the number of bots change the latency of one? `python -m benchmarks.vectors [--bots 1,100,1000] [--url ...]`

Each bot has 100 vectors of 384 numbers. For each number of bots: the time of a write; then, in a new process, the time
of the first question to each bot (cold: its index is read from the disk) and of the next ones (hot: it is open),
memory, open files and disk. Then the exact search over the same vectors as bytes, as
rows keep them, and the comparison that decides: questions to one bot alone and to one of many, in turn.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import numpy as np

from chatbot_saas.adapters.vectors import IndexName, VectorItem, Vectors, VectorStore
from chatbot_saas.adapters.vectors.engines import affordable_indexes
from chatbot_saas.adapters.vectors.exact import exact_search, pack
from chatbot_saas.adapters.vectors.factory import vector_store

DIMENSION = 384
VECTORS_PER_BOT = 100
QUESTIONS = 5000
LIMIT = 8
ALLOWED_RATIO = 1.3
NAMESPACE = UUID(int=1)


def bot(number: int) -> IndexName:
    return IndexName(uuid5(NAMESPACE, str(number)), "benchmark", DIMENSION)


def vectors_of(number: int, count: int = VECTORS_PER_BOT) -> Vectors:
    vectors = np.random.default_rng(number).normal(size=(count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    low, high = np.percentile(np.asarray(seconds) * 1000, [50, 95])
    return {"p50": round(float(low), 2), "p95": round(float(high), 2)}


def memory_mb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


async def write(folder: Path, url: str, bots: int) -> dict[str, object]:
    store, times = vector_store(url, folder), []
    for number in range(bots):
        items = [VectorItem(uuid5(NAMESPACE, f"{number}/{n}"), row[None]) for n, row in enumerate(vectors_of(number))]
        start = time.perf_counter()
        await store.upsert(bot(number), items)
        times.append(time.perf_counter() - start)
    await store.close()
    return {"write_ms": quantiles(times)}


async def question(store: VectorStore, number: int, text: int) -> float:
    vector = vectors_of(number)[text % VECTORS_PER_BOT]
    begin = time.perf_counter()
    found = await store.query(bot(number), vector, LIMIT)
    taken = time.perf_counter() - begin
    if found[0].chunk_id != uuid5(NAMESPACE, f"{number}/{text % VECTORS_PER_BOT}"):
        raise SystemExit(f"wrong answer for bot {number}")
    return taken


async def ask(folder: Path, url: str, bots: int) -> dict[str, object]:
    store = vector_store(url, folder)
    start = time.perf_counter()
    await store.check()
    opened, empty = time.perf_counter() - start, memory_mb()
    order = np.random.default_rng(0).permutation(bots)
    cold = [await question(store, int(number), 1) for number in order]
    chosen = np.random.default_rng(1).integers(0, bots, QUESTIONS)
    hot = [await question(store, int(number), text) for text, number in enumerate(chosen)]
    result = {
        "start_ms": round(opened * 1000),
        "cold_ms": quantiles(cold),
        "hot_ms": quantiles(hot),
        "memory_mb": memory_mb() - empty,
        "files": len(os.listdir("/proc/self/fd")),
    }
    await store.close()
    return result


async def pair(few: Path, many: Path, bots: int) -> dict[str, object]:
    """Hot questions to a folder with one bot and to one with many in turn, so that both meet the same noise."""
    one, all_of_them = vector_store("", few), vector_store("", many)
    for number in range(bots):
        await question(all_of_them, number, 0)
    times: tuple[list[float], list[float]] = ([], [])
    for text, number in enumerate(np.random.default_rng(2).integers(0, bots, QUESTIONS)):
        times[0].append(await question(one, 0, text))
        times[1].append(await question(all_of_them, int(number), text))
    await one.close()
    await all_of_them.close()
    return {"few": quantiles(times[0]), "many": quantiles(times[1])}


def exact_rows() -> dict[str, dict[str, float]]:
    """The search alone; reading the rows from the database comes on top."""
    times: dict[str, dict[str, float]] = {}
    for size in (50, 100, 500, 2000):
        vectors = vectors_of(size, size)
        rows = [(uuid5(NAMESPACE, str(n)), pack(row), DIMENSION) for n, row in enumerate(vectors)]
        taken = []
        for n in range(300):
            start = time.perf_counter()
            exact_search(vectors[n % size], rows, LIMIT)
            taken.append(time.perf_counter() - start)
        times[str(size)] = quantiles(taken)
    return times


def in_new_process(step: str, folder: Path, url: str, bots: int, other: Path | None = None) -> dict[str, Any]:
    """Memory and a cold start are a process's: each step gets its own."""
    command = [sys.executable, "-m", "benchmarks.vectors", "--step", step, "--folder", str(folder), "--url", url]
    command += ["--bots", str(bots), "--other", str(other or "")]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def run_step(given: argparse.Namespace) -> dict[str, object]:
    bots = int(given.bots)
    if given.step == "write":
        return asyncio.run(write(given.folder, given.url, bots))
    if given.step == "ask":
        return asyncio.run(ask(given.folder, given.url, bots))
    return asyncio.run(pair(given.folder, given.other, bots))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bots", default="1,100,1000")
    parser.add_argument("--url", default="", help="of an empty Chroma server; else in this process")
    parser.add_argument("--step", choices=["write", "ask", "pair"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--other", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        print(json.dumps(run_step(given)))
        return
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    print(f"indexes kept open: at most {affordable_indexes()}; open files allowed {limits}", flush=True)
    sizes = sorted(map(int, given.bots.split(",")))
    with tempfile.TemporaryDirectory(prefix="vectors-") as root:
        for bots in sizes:
            folder = Path(root, str(bots))
            written = in_new_process("write", folder, given.url, bots)
            disk = {"disk_mb": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) // 1_000_000}
            asked = in_new_process("ask", folder, given.url, bots)
            print(f"{bots:>5} bots", json.dumps(written | asked | disk), flush=True)
        print("exact search over rows, ms by number of vectors", json.dumps(exact_rows()), flush=True)
        if not given.url:
            compare(Path(root), sizes[0], sizes[-1])


def compare(root: Path, few: int, many: int) -> None:
    both = in_new_process("pair", root / str(few), "", many, root / str(many))
    ratio = both["many"]["p95"] / both["few"]["p95"]
    print(
        f"in turn, hot: {json.dumps(both)}; p95 at {many} bots is {ratio:.2f} x that at {few} (allowed {ALLOWED_RATIO})"
    )
    if ratio > ALLOWED_RATIO:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
