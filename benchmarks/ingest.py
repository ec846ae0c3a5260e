"""How fast documents become searchable: `python -m benchmarks.ingest [--embeddings stub] [--rounds 3] [--save F]`

Text of 272 kB and of 3 MB, a PDF of 450 pages and 200 small files, from the start of the upload to the last "ready":
with the stub's embeddings, then with the offline ones, which take minutes (one round unless --rounds is given). The
floor reads, cuts and embeds the same files in one process and keeps nothing. Rounds take turns; told are medians.
Meanwhile one visitor after another asks a bot whose documents are there already: the slowest answer is told.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

from benchmarks import material, rig
from benchmarks.chat import HANDBOOK_BYTES, json_case, stub_case
from benchmarks.wire import Connection
from tests.stub_model import running_stub

EMBEDDINGS = ("stub", "offline")
FILES_PER_UPLOAD = 20
PAUSE_BETWEEN_QUESTIONS = 0.1
COLUMNS = ["kB", "seconds", "kB/s", "floor kB/s", "chunks", "texts/chunk", "chat p50 ms", "chat worst ms"]


def documents(seed: str) -> dict[str, dict[str, bytes]]:
    """Files by case. `seed` makes them new at every round: what is known already would not be embedded."""
    return {
        "text 272 kB": {"handbook.txt": material.text(HANDBOOK_BYTES, seed).encode()},
        "text 3 MB": {"encyclopedia.txt": material.text(3_000_000, seed).encode()},
        "PDF 450 pages": {"manual.pdf": material.pdf(450)},
        "200 small files": {f"note-{n}.md": material.section(n, 5_000, seed).encode() for n in range(200)},
    }


async def measure(product: rig.Product, files: dict[str, bytes], stub_port: int) -> dict[str, float]:
    """One case in a bot of its own, while questions go to the product's. Without a stub nobody counts texts."""
    before = await embedded(stub_port)
    asked = Questions(product)
    async with Connection(product.port) as connection:
        bot = await connection.ok("POST", "/api/v1/bots", {"name": "Target"}, authorization=product.bearer)
    target = rig.Product(product.server, product.bearer, product.key, bot["id"])
    items = list(files.items())
    async with asked:
        started = time.perf_counter()
        ids: list[str] = []
        for first in range(0, len(items), FILES_PER_UPLOAD):
            ids += await rig.upload(target, dict(items[first : first + FILES_PER_UPLOAD]))
        sources = await rig.until_ready(target, ids)
        took = time.perf_counter() - started
    texts = await embedded(stub_port) - before - len(asked.seconds)
    chunks = sum(source["chunks"] for source in sources)
    size = sum(map(len, files.values())) / 1000
    return {
        "kB": size,
        "seconds": took,
        "kB/s": size / took,
        "chunks": chunks,
        **({"texts/chunk": texts / chunks} if stub_port else {}),
        "chat p50 ms": rig.quantile(asked.seconds, 0.5) * 1000,
        "chat worst ms": max(asked.seconds) * 1000,
    }


class Questions:
    """Asks one question after another while the block runs."""

    def __init__(self, product: rig.Product) -> None:
        self._case = json_case(product)
        self.seconds: list[float] = []
        self._stop = asyncio.Event()

    async def __aenter__(self) -> "Questions":
        self._task = asyncio.create_task(self._ask())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await self._task

    async def _ask(self) -> None:
        async with Connection(self._case.port) as connection:
            number = 0
            while not self._stop.is_set():
                reply = await self._case.turn(connection, number)
                if reply.status != 200:
                    raise RuntimeError(f"a question failed meanwhile: {reply.body[:300]!r}")
                self.seconds.append(reply.seconds)
                number += 1
                await asyncio.sleep(PAUSE_BETWEEN_QUESTIONS)


async def embedded(stub_port: int) -> int:
    """Texts that the stub has embedded so far."""
    if not stub_port:
        return 0
    async with Connection(stub_port) as connection:
        return (await connection.ok("GET", "/stats")).get("texts", 0)


def floor(files: dict[str, bytes], folder: Path, stub_url: str) -> float:
    """kB a second; PDFs by their file's size too."""
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    embeddings = ["--openai", stub_url] if stub_url else ["--offline"]
    command = [sys.executable, "-m", "benchmarks.floor", *embeddings, "--ingest", *map(str, folder.iterdir())]
    done = subprocess.run(command, cwd=rig.ROOT, capture_output=True, text=True, check=True)
    return sum(map(len, files.values())) / 1000 / json.loads(done.stdout)["seconds"]


async def run(arguments: argparse.Namespace, data_dir: Path, stub_url: str) -> dict[str, Any]:
    """With the stub's embeddings, or with the offline ones if there is no `stub_url`."""
    stub_port = (urlsplit(stub_url).port or 0) if stub_url else 0
    server = rig.start_product(data_dir / "data", stub_url)
    taken: dict[str, list[dict[str, float]]] = {}
    try:
        await rig.until_healthy(server)
        product = await rig.sign_up(server)
        handbook = {"handbook.txt": material.text(HANDBOOK_BYTES).encode()}
        await rig.until_ready(product, await rig.upload(product, handbook))
        await warm_up(product, stub_port)
        idle = rig.memory_mb(rig.members(server))
        async with rig.Peak(server) as peak:
            for number in range(arguments.rounds or (3 if stub_url else 1)):
                for case, files in documents(f"round {number}").items():
                    if arguments.only and arguments.only not in case:
                        continue
                    own = await measure(product, files, stub_port)
                    own["floor kB/s"] = await asyncio.to_thread(floor, files, data_dir / f"{number} {case}", stub_url)
                    taken.setdefault(case, []).append(own)
    finally:
        server.stop()
    figures = {case: rig.median_of(rounds) for case, rounds in taken.items()}
    for case, rounds in taken.items():
        figures[case]["chat worst ms"] = max(each["chat worst ms"] for each in rounds)
    memory = {"idle MB (RSS, PSS)": idle, "peak MB (RSS, PSS)": (peak.resident, peak.shared_out)}
    return {"figures": figures, **memory}


async def warm_up(product: rig.Product, stub_port: int) -> None:
    """A few questions, and the stub's own time for one, for what the machine is worth now."""
    for case in (json_case(product), *([stub_case(stub_port)] if stub_port else [])):
        async with Connection(case.port) as connection:
            times = [(await case.turn(connection, number)).seconds for number in range(20)]
        print(f"{case.name} before: {statistics.median(times) * 1000:.1f} ms")


def report(embeddings: str, result: dict[str, Any]) -> bool:
    figures = result["figures"]
    print(f"\n{embeddings} embeddings\n{rig.table(figures, COLUMNS)}")
    print(f"memory of all processes in MB (RSS, PSS): {result['idle MB (RSS, PSS)']} before, ", end="")
    print(f"{result['peak MB (RSS, PSS)']} at most")
    if embeddings == "offline":
        checks = [
            rig.verdict(f"{case} beside the floor", row["kB/s"] / row["floor kB/s"], 0.9, "x", at_least=True)
            for case, row in figures.items()
        ]
        return all(checks)
    checks = [
        rig.verdict(case, row["kB/s"], 600, "kB/s", at_least=True) for case, row in figures.items() if "text" in case
    ]
    checks += [rig.verdict(f"{case}: texts a chunk", row["texts/chunk"], 1, "texts") for case, row in figures.items()]
    return all(checks)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embeddings", choices=EMBEDDINGS, action="append", help="only these")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--only", default="", help="cases with this in their name")
    parser.add_argument("--save", default="", help="a file for the figures, as JSON")
    arguments = parser.parse_args()
    print(rig.machine())
    results: dict[str, Any] = {}
    for embeddings in arguments.embeddings or EMBEDDINGS:
        with tempfile.TemporaryDirectory() as folder, running_stub() as stub_url:
            result = uvloop.run(run(arguments, Path(folder), stub_url if embeddings == "stub" else ""))
        results[embeddings] = result
    rig.save(arguments.save, results)
    fine = [report(embeddings, result) for embeddings, result in results.items()]  # each is told
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
