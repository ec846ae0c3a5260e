"""What a turn of chat costs: `python -m benchmarks.chat [--rounds 5] [--save figures.json]`

The product as `make run` starts it, the stub model and the floor (see `floor`) run as processes of their own. In each
round every measurement is taken once, one after another, so that a noisy machine disturbs all alike; told is the median
over the rounds. "Over the stub" is the product's median minus that of the same two model calls made bare. "cpu ms" is
the processor time of a request in the answering process alone, without the database's.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

from benchmarks import material, rig
from benchmarks.wire import Connection, Reply
from tests.stub_model import running_stub

HANDBOOK_BYTES = 272_000
SECTIONS = HANDBOOK_BYTES // material.SECTION_CHARACTERS
TURNS_PER_CONVERSATION = 5
MANY = 16
COLUMNS = ["p50 ms", "p95 ms", "req/s", "first p50", "first p95", "cpu ms"]
Turn = Callable[[Connection, int], Awaitable[Reply]]
_numbers = count()


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request: the port that it goes to, the request, and the process that answers."""

    name: str
    port: int
    turn: Turn
    pid: int = 0


def json_case(product: rig.Product) -> Case:
    run = next(_numbers)

    async def turn(connection: Connection, number: int) -> Reply:
        body = {
            "bot_id": product.bot_id,
            "session_id": f"run-{run}-{id(connection)}-{number // TURNS_PER_CONVERSATION}",
            "message": material.question(next(_numbers) % SECTIONS),
        }
        return await connection.call("POST", "/api/v1/chat", body, x_api_key=product.key)

    return Case("JSON", product.port, turn, product.server.process.pid)


def stream_case(product: rig.Product) -> Case:
    """The widget's route. A conversation's start is not among what is timed."""
    started: dict[int, dict[str, Any]] = {}

    async def turn(connection: Connection, number: int) -> Reply:
        if number % TURNS_PER_CONVERSATION == 0 or id(connection) not in started:
            path = f"/api/public/conversation/{product.bot_id}/start"
            started[id(connection)] = await connection.ok("POST", path, {}, origin=rig.ORIGIN)
        own = started[id(connection)]
        return await connection.call(
            "POST",
            f"/api/public/chat/{product.bot_id}",
            {
                "conversation_id": own["conversation_id"],
                "message": material.question(next(_numbers) % SECTIONS),
                "client_message_id": f"message-{next(_numbers)}",
            },
            marker=b"event: token",
            authorization=f"Bearer {own['visitor_token']}",
            accept="text/event-stream",
            origin=rig.ORIGIN,
        )

    return Case("SSE", product.port, turn, product.server.process.pid)


def floor_case(port: int, pid: int, *, streamed: bool) -> Case:
    async def turn(connection: Connection, number: int) -> Reply:
        accept = "text/event-stream" if streamed else "application/json"
        body = {"message": material.question(next(_numbers) % SECTIONS)}
        return await connection.call("POST", "/", body, accept=accept, marker=b"event: token")

    return Case("floor SSE" if streamed else "floor JSON", port, turn, pid)


def stub_case(port: int) -> Case:
    """The two model calls of a turn; the first token counts from the start of the first one."""
    passages = "\n".join(f"[{number}] {material.section(number)}" for number in range(5))

    async def turn(connection: Connection, number: int) -> Reply:
        question = material.question(next(_numbers) % SECTIONS)
        embedding = {"model": "text-embedding-3-small", "input": [question], "encoding_format": "base64"}
        embedded = await connection.call("POST", "/v1/embeddings", embedding)
        messages = [{"role": "system", "content": passages}, {"role": "user", "content": question}]
        chat = {"model": "stub", "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
        said = await connection.call("POST", "/v1/chat/completions", chat, marker=b"data: ")
        return Reply(said.status, said.body, embedded.seconds + said.seconds, embedded.seconds + said.first)

    return Case("stub alone", port, turn)


async def measure(case: Case, clients: int, turns: int) -> dict[str, float]:
    """`turns` requests by `clients` at once, after one unmeasured request each."""
    replies: list[Reply] = []
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(Connection(case.port)) for _ in range(clients)]
        await asyncio.gather(*(case.turn(connection, 0) for connection in connections))
        left = iter(range(turns))

        async def work(connection: Connection) -> None:
            for number, _ in enumerate(left, start=1):
                replies.append(await case.turn(connection, number))

        started, used = time.perf_counter(), rig.processor_seconds([case.pid])
        await asyncio.gather(*map(work, connections))
        took, used = time.perf_counter() - started, rig.processor_seconds([case.pid]) - used
    for reply in replies:
        if reply.status != 200 or b"event: error" in reply.body or b'"answered":false' in reply.body.replace(b" ", b""):
            raise RuntimeError(f"{case.name}: {reply.status} {reply.body[-600:]!r}")
    seconds, firsts = [reply.seconds for reply in replies], [reply.first for reply in replies if reply.first]
    figures = {
        "p50 ms": rig.quantile(seconds, 0.5) * 1000,
        "p95 ms": rig.quantile(seconds, 0.95) * 1000,
        "req/s": turns / took,
    }
    if case.pid:
        figures["cpu ms"] = used / turns * 1000
    if firsts:
        figures |= {
            "first p50": rig.quantile(firsts, 0.5) * 1000,
            "first p95": rig.quantile(firsts, 0.95) * 1000,
        }
    return figures


async def start_times(
    data_dir: Path, stub_url: str, *, answer_cache: bool
) -> tuple[rig.RunningServer, dict[str, float]]:
    """A running server, with the seconds of a first start (new database) and of the one after it."""
    took: dict[str, float] = {}
    for name in ("first start s", "start s"):
        started = time.perf_counter()
        server = rig.start_product(data_dir, stub_url, answer_cache=answer_cache)
        await rig.until_healthy(server)
        took[name] = time.perf_counter() - started
        if name == "first start s":
            server.stop()
    return server, took  # pyright: ignore[reportPossiblyUnboundVariable]


async def run(arguments: argparse.Namespace, data_dir: Path, stub_url: str) -> dict[str, Any]:
    server, times = await start_times(data_dir, stub_url, answer_cache=arguments.answer_cache)
    try:
        await asyncio.sleep(3)
        idle = rig.memory_mb(rig.members(server))
        product = await rig.sign_up(server)
        await rig.until_ready(
            product, await rig.upload(product, {"handbook.txt": material.text(HANDBOOK_BYTES).encode()})
        )
        async with Connection(product.port) as connection:
            case, numbers = json_case(product), count()
            await case.turn(connection, 0)
            traffic = await rig.count_statements(server, lambda: case.turn(connection, next(numbers)), 10)
        floor_arguments = ["--openai", stub_url, "--database", rig.database_url(server)]
        floor_arguments += ["--statements", str(traffic.statements), "--transactions", str(traffic.transactions)]
        async with rig.running_floor(*floor_arguments) as (floor_port, floor_pid):
            cases = [
                stub_case(urlsplit(stub_url).port or 0),
                floor_case(floor_port, floor_pid, streamed=False),
                json_case(product),
                floor_case(floor_port, floor_pid, streamed=True),
                stream_case(product),
            ]
            async with rig.Peak(server) as peak:
                figures = await rounds(cases, arguments)
        await asyncio.sleep(3)
        after = rig.memory_mb(rig.members(server))
    finally:
        server.stop()
    memory = {"idle": idle, "under load": (peak.resident, peak.shared_out), "after": after}
    return {"start": times, "memory MB (RSS, PSS)": memory, "statements": asdict(traffic), "figures": figures}


async def rounds(cases: list[Case], arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    taken: dict[str, list[dict[str, float]]] = {}
    for _ in range(arguments.rounds):
        for clients, turns in ((1, arguments.turns), (MANY, arguments.turns * 4)):
            for case in cases:
                taken.setdefault(f"c={clients} {case.name}", []).append(await measure(case, clients, turns))
    ordered = sorted(taken, key=lambda name: int(name[2:].split()[0]))
    return {name: rig.median_of(taken[name]) for name in ordered}


def report(result: dict[str, Any]) -> bool:
    figures = result["figures"]
    print(rig.table(figures, COLUMNS))
    print(f"\ndatabase a turn: {result['statements']}; start: {result['start']}; {result['memory MB (RSS, PSS)']}")
    stub = figures["c=1 stub alone"]
    for kind in ("JSON", "SSE"):
        for clients in (1, MANY):
            own, floor = figures[f"c={clients} {kind}"], figures[f"c={clients} floor {kind}"]
            print(
                f"c={clients} {kind}: {own['p50 ms'] / floor['p50 ms']:.2f} x the floor's p50, "
                f"{own['req/s'] / floor['req/s']:.2f} x its req/s"
            )
    streamed = figures["c=1 SSE"]
    checks = [
        rig.verdict("c=1 JSON p50 over the stub", figures["c=1 JSON"]["p50 ms"] - stub["p50 ms"], 10, "ms"),
        rig.verdict("c=1 SSE p50 over the stub", streamed["p50 ms"] - stub["p50 ms"], 10, "ms"),
        rig.verdict("first token over the stub", streamed["first p50"] - stub["first p50"], 8, "ms"),
        rig.verdict(f"c={MANY} JSON", figures[f"c={MANY} JSON"]["req/s"], 120, "req/s", at_least=True),
        rig.verdict(f"c={MANY} SSE", figures[f"c={MANY} SSE"]["req/s"], 120, "req/s", at_least=True),
        rig.verdict("idle memory, shared pages once", result["memory MB (RSS, PSS)"]["idle"][1], 512, "MB"),
        rig.verdict("start after the first build", result["start"]["start s"], 5, "s"),
    ]
    return all(checks)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--turns", type=int, default=60, help="requests of one client in a round")
    parser.add_argument("--answer-cache", action="store_true", help="give answers again, as the product does")
    parser.add_argument("--save", default="", help="a file for the figures, as JSON")
    arguments = parser.parse_args()
    print(rig.machine())
    with tempfile.TemporaryDirectory() as folder, running_stub() as stub_url:
        result = uvloop.run(run(arguments, Path(folder), stub_url))
    rig.save(arguments.save, result)
    return 0 if report(result) else 1


if __name__ == "__main__":
    sys.exit(main())
