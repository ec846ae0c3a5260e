"""Whether one tenant's flood delays another: `python -m benchmarks.fairness [--files 1000] [--tries 10] [--save F]`

Tenant B adds one small file at a time, first alone and then while tenant A has sent a thousand: told are the seconds
from the upload to "ready". B's delay is counted in jobs of its own (its time alone); the aim is a few. How many files
of A end meanwhile says that A is not merely held back. With first come, first served, B would wait for all of A's.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
import uvloop

from benchmarks import material, rig
from tests.stub_model import running_stub

FILES_PER_UPLOAD = 20
CHARACTERS = 5_000
AIM_JOBS = 5.0
COLUMNS = ["median s", "worst s", "own jobs", "worst jobs", "A ended"]


def note(number: int, seed: str) -> dict[str, bytes]:
    return {f"note-{number}.md": material.section(number, CHARACTERS, seed).encode()}


async def single(product: rig.Product, number: int, seed: str) -> float:
    """Seconds from the start of the upload until the file is ready."""
    started = time.perf_counter()
    await rig.until_ready(product, await rig.upload(product, note(number, seed)))
    return time.perf_counter() - started


async def flood(product: rig.Product, count: int) -> None:
    """Send `count` files as fast as they are taken."""
    for first in range(0, count, FILES_PER_UPLOAD):
        batch: dict[str, bytes] = {}
        for number in range(first, min(first + FILES_PER_UPLOAD, count)):
            batch |= note(number, "flood")
        await rig.upload(product, batch)


class Backlog:
    """Jobs of A, by what the database says."""

    def __init__(self, product: rig.Product) -> None:
        self._url = rig.database_url(product.server)
        self._bot_id = product.bot_id

    async def ended(self) -> int:
        return await asyncio.to_thread(self._count, "finished_at IS NOT NULL")

    async def open(self) -> int:
        return await asyncio.to_thread(self._count, "finished_at IS NULL")

    def _count(self, which: str) -> int:
        with psycopg.connect(self._url) as connection:
            row = connection.execute(f"SELECT count(*) FROM jobs WHERE bot_id = %s AND {which}", (self._bot_id,))
            return row.fetchone()[0]


async def run(arguments: argparse.Namespace, data_dir: Path, stub_url: str) -> dict[str, Any]:
    server = rig.start_product(data_dir, stub_url)
    try:
        await rig.until_healthy(server)
        flooding, other = await rig.sign_up(server), await rig.sign_up(server)
        backlog = Backlog(flooding)
        await single(other, 0, "warm up")
        alone = [await single(other, number, "alone") for number in range(arguments.tries)]
        started = time.perf_counter()
        sending = asyncio.create_task(flood(flooding, arguments.files))
        while not sending.done() and await backlog.open() < arguments.files // 2:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)
        figures, waiting = await beside(other, backlog, arguments.tries, statistics.median(alone))
        await sending
        while await backlog.open():  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        took = time.perf_counter() - started
    finally:
        server.stop()
    first = {"median s": statistics.median(alone), "worst s": max(alone), "own jobs": 1.0}
    return {
        "figures": {"B alone": first, "B in A's flood": figures},
        "A waiting at B's first and last": waiting,
        "A files": arguments.files,
        "A seconds": took,
        "first come, first served": took / first["median s"],
    }


async def beside(
    other: rig.Product, backlog: Backlog, tries: int, alone: float
) -> tuple[dict[str, float], tuple[int, int]]:
    """B's files while A's wait. `own jobs` is B's time in times of its own job alone."""
    before, most = await backlog.ended(), await backlog.open()
    times = [await single(other, number, "flood") for number in range(tries)]
    after, left = await backlog.ended(), await backlog.open()
    figures = {
        "median s": statistics.median(times),
        "worst s": max(times),
        "own jobs": statistics.median(times) / alone,
        "worst jobs": max(times) / alone,
        "A ended": float(after - before),
    }
    return figures, (most, left)


def report(result: dict[str, Any]) -> bool:
    figures = result["figures"]
    print(rig.table(figures, COLUMNS))
    most, left = result["A waiting at B's first and last"]
    print(f"\nfiles of A that waited: {most} at B's first, {left} at B's last")
    print(f"A's {result['A files']} files took {result['A seconds']:.1f} s; behind all of them B would wait as long")
    fair = rig.verdict("B in A's flood, in jobs of its own", figures["B in A's flood"]["own jobs"], AIM_JOBS, "jobs")
    return fair and left > 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--tries", type=int, default=10)
    parser.add_argument("--save", default="", help="a file for the figures, as JSON")
    arguments = parser.parse_args()
    print(rig.machine())
    with tempfile.TemporaryDirectory() as folder, running_stub() as stub_url:
        result = uvloop.run(run(arguments, Path(folder) / "data", stub_url))
    rig.save(arguments.save, result)
    return 0 if report(result) else 1


if __name__ == "__main__":
    sys.exit(main())
