"""Does the number of bots change what a turn takes? `python -m benchmarks.many_bots [--bots 1000] [--turns 600]`

Two products run as `make run` starts them, with the stub's models: one with a single bot, one with many, each bot with
its own handbook. Every bot is asked all of its questions once, which writes down the passages that answer (that is told
apart); then one client asks both in turn (the bots of the second at random), so that both meet the same noise.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import uvloop

from benchmarks import material, rig
from benchmarks.wire import Connection
from tests.stub_model import running_stub

HANDBOOK_BYTES = 30_000
SECTIONS = HANDBOOK_BYTES // material.SECTION_CHARACTERS
AT_ONCE = 4
ALLOWED_RATIO = 1.3
_numbers = count()


async def make_bots(first: rig.Product, bots: int) -> list[rig.Product]:
    """As many bots with their handbooks, made and read over HTTP."""
    made: list[rig.Product] = []
    left = iter(range(bots))

    async def work() -> None:
        async with Connection(first.port) as connection:
            for number in left:
                own = first if number == 0 else replace(first, bot_id=await rig.make_bot(connection, first.bearer))
                handbook = material.text(HANDBOOK_BYTES, seed=f"bot {number}").encode()
                await rig.until_ready(own, await rig.upload(own, {"handbook.txt": handbook}))
                made.append(own)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return made


async def ask(connection: Connection, product: rig.Product, section: int) -> float:
    """Seconds of one turn in a new conversation."""
    body = {
        "bot_id": product.bot_id,
        "session_id": f"session-{next(_numbers)}",
        "message": material.question(section),
    }
    reply = await connection.call("POST", "/api/v1/chat", body, x_api_key=product.key)
    if reply.status != 200 or not reply.json()["answered"]:
        raise RuntimeError(f"{reply.status} {reply.body[-600:]!r}")
    return reply.seconds


async def warm(bots: Sequence[rig.Product]) -> list[float]:
    """Seconds of every question of each, asked one at a time."""
    async with Connection(bots[0].port) as connection:
        return [await ask(connection, bot, section) for bot in bots for section in range(SECTIONS)]


async def in_turn(one: rig.Product, many: Sequence[rig.Product], turns: int) -> tuple[list[float], list[float]]:
    chosen = random.Random(2)
    alone: list[float] = []
    among: list[float] = []
    async with Connection(one.port) as to_one, Connection(many[0].port) as to_many:
        for turn in range(turns):
            alone.append(await ask(to_one, one, turn % SECTIONS))
            among.append(await ask(to_many, chosen.choice(many), turn % SECTIONS))
    return alone, among


async def run(arguments: argparse.Namespace, folder: Path, stub_url: str) -> bool:
    servers = [rig.start_product(folder / name, stub_url) for name in ("one", "many")]
    try:
        products = []
        for server in servers:
            await rig.until_healthy(server)
            products.append(await rig.sign_up(server))
        started = time.perf_counter()
        [one], many = await make_bots(products[0], 1), await make_bots(products[1], arguments.bots)
        print(f"{arguments.bots} bots were made and read in {time.perf_counter() - started:.0f} s", flush=True)
        await warm([one])
        first = await warm(many)
        for server in servers:
            rig.analyze(server)
        times = (first, *await in_turn(one, many, arguments.turns))
    finally:
        for server in servers:
            server.stop()
    names = (f"one of {arguments.bots:,}, asked first", "one bot", f"one of {arguments.bots:,}")
    figures = {
        name: {"p50 ms": rig.quantile(seconds, 0.5) * 1000, "p95 ms": rig.quantile(seconds, 0.95) * 1000}
        for name, seconds in zip(names, times, strict=True)
    }
    print(rig.table(figures, ["p50 ms", "p95 ms"]))
    ratio = figures[names[2]]["p95 ms"] / figures[names[1]]["p95 ms"]
    return rig.verdict("p95 among many over p95 alone", ratio, ALLOWED_RATIO, "x")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bots", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=600)
    arguments = parser.parse_args()
    print(rig.machine())
    with tempfile.TemporaryDirectory() as folder, running_stub() as stub_url:
        return 0 if uvloop.run(run(arguments, Path(folder), stub_url)) else 1


if __name__ == "__main__":
    sys.exit(main())
