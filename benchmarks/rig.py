"""What both benchmarks stand on: the product, the stub model and the floor as processes; memory; figures."""

import asyncio
import json
import os
import re
import secrets
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.wire import Connection
from chatbot_saas.adapters.postgres import EmbeddedPostgres
from tests.servers import RunningServer, free_port, launch

ROOT = Path(__file__).resolve().parents[1]
ORIGIN = "https://shop.example"
START_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Product:
    """A running product, with an account that has one published bot."""

    server: RunningServer
    bearer: str
    key: str
    bot_id: str

    @property
    def port(self) -> int:
        return self.server.port


def start_product(data_dir: Path, stub_url: str, *, answer_cache: bool = False) -> RunningServer:
    """With the stub's models; with the offline ones if there is no `stub_url`. Answers are made anew each time."""
    reuse = {} if answer_cache else {"ANSWER_CACHE_SECONDS": "0"}
    if not stub_url:
        return launch(data_dir, OPENAI_API_KEY="", OPENAI_BASE_URL="", OPENAI_MODEL="", **reuse)
    return launch(data_dir, OPENAI_API_KEY="sk-benchmark", OPENAI_BASE_URL=stub_url, OPENAI_MODEL="stub", **reuse)


async def until_healthy(server: RunningServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            async with Connection(server.port) as connection:
                if (await connection.call("GET", "/api/health")).status == 200:
                    return
        except OSError:
            pass
        await asyncio.sleep(0.02)
    raise RuntimeError(f"the product does not start:\n{server.log[-4000:]}")


async def sign_up(server: RunningServer) -> Product:
    async with Connection(server.port) as connection:
        person = {"email": f"bench-{secrets.token_hex(4)}@example.com", "password": secrets.token_urlsafe(20)}
        tokens = await connection.ok("POST", "/api/v1/auth/signup", {**person, "tenant_name": "Benchmark"})
        bearer = f"Bearer {tokens['access_token']}"
        bot_id = await make_bot(connection, bearer)
        key = await connection.ok(
            "POST", "/api/v1/api-keys", {"name": "bench", "scopes": ["chat", "sources:read"]}, authorization=bearer
        )
    return Product(server, bearer, key["key"], bot_id)


async def make_bot(connection: Connection, bearer: str) -> str:
    """The id of a published bot."""
    bot = await connection.ok("POST", "/api/v1/bots", {"name": "Bench", "language": "en"}, authorization=bearer)
    published = {"status": "published", "allowed_origins": [ORIGIN]}
    await connection.ok("PATCH", f"/api/v1/bots/{bot['id']}", published, authorization=bearer)
    return bot["id"]


async def upload(product: Product, files: dict[str, bytes]) -> list[str]:
    """Ids of the sources, which are not read yet."""
    boundary = secrets.token_hex(16)
    body = b"".join(
        f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        + data
        + b"\r\n"
        for name, data in files.items()
    )
    async with Connection(product.port) as connection:
        made = await connection.ok(
            "POST",
            f"/api/v1/bots/{product.bot_id}/sources",
            body=body + f"--{boundary}--\r\n".encode(),
            content_type=f"multipart/form-data; boundary={boundary}",
            authorization=product.bearer,
        )
    return [item["id"] for item in made["items"]]


async def until_ready(product: Product, source_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The sources as they are told once each is ready; asked for often, one at a time."""
    done: list[dict[str, Any]] = []
    async with Connection(product.port) as connection:
        for source_id in source_ids:
            while True:
                source = await connection.ok("GET", f"/api/v1/sources/{source_id}", x_api_key=product.key)
                if source["status"] in ("failed", "cancelled"):
                    raise RuntimeError(f"the source ended as {source['status']}: {source['error']}")
                if source["status"] == "ready":
                    break
                await asyncio.sleep(0.03)
            done.append(source)
    return done


@asynccontextmanager
async def running_floor(*arguments: str) -> AsyncGenerator[tuple[int, int]]:
    """The floor's process; yields its port and its pid."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.floor", "--port", str(port), *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)  # noqa: ASYNC220  it takes a moment only
    try:
        for _ in range(START_SECONDS * 20):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            await asyncio.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(10)


# --- the database


def database_url(server: RunningServer) -> str:
    """The owner's URL of the product's embedded database, which runs already."""
    return EmbeddedPostgres(server.data_dir).url


def analyze(server: RunningServer) -> None:
    """What the database's own housekeeping does within a minute: plans for empty tables are made anew."""
    with psycopg.connect(database_url(server), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


@dataclass(frozen=True, slots=True)
class Traffic:
    """Database statements, without BEGIN and COMMIT, and transactions."""

    statements: float
    transactions: float


async def count_statements(server: RunningServer, turn: Any, turns: int) -> Traffic:
    """What one turn sends to the database, by the database's own log."""
    log = EmbeddedPostgres(server.data_dir).log_path
    with psycopg.connect(database_url(server), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("SELECT pg_reload_conf()")
        await asyncio.sleep(0.5)
        start = log.stat().st_size
        for _ in range(turns):
            await turn()
        await asyncio.sleep(0.5)
        connection.execute("ALTER SYSTEM RESET log_statement")
        connection.execute("SELECT pg_reload_conf()")
    with log.open("rb") as file:
        file.seek(start)
        said = re.findall(rb"LOG:  (?:statement|execute [^:]*): (.*)", file.read())
    begun = sum(line.startswith(b"BEGIN") for line in said)
    noise = (b"BEGIN", b"COMMIT", b"ROLLBACK", b"ALTER SYSTEM", b"SELECT pg_reload_conf")
    mine = [line for line in said if not line.startswith(noise) and b"procrastinate" not in line]
    return Traffic(len(mine) / turns, begun / turns)


# --- memory


def members(server: RunningServer) -> list[int]:
    """Every process of the product: the server's, its children's, the database's."""
    parents = {pid: parent for pid, parent, _ in _processes()}
    data_dir = str(server.data_dir).encode()
    found = {server.process.pid} | {pid for pid, _, line in _processes() if data_dir in line}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found - {os.getpid()})


def memory_mb(pids: Iterable[int]) -> tuple[int, int]:
    """Resident memory of the processes in MB: added up (what is shared counts in each), and shared out (PSS)."""
    resident = shared_out = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue  # it has ended
        resident += int(re.search(r"^Rss:\s+(\d+)", text, re.M)[1])
        shared_out += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])
    return resident // 1024, shared_out // 1024


def processor_seconds(pids: Iterable[int]) -> float:
    """Processor time that the processes have used; unlike the clock, it hardly depends on what else runs."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Peak:
    """The highest memory while the block runs, looked at four times a second."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server
        self.resident = self.shared_out = 0

    async def __aenter__(self) -> "Peak":
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            resident, shared_out = await asyncio.to_thread(lambda: memory_mb(members(self._server)))
            self.resident, self.shared_out = max(self.resident, resident), max(self.shared_out, shared_out)
            await asyncio.sleep(0.25)


def _processes() -> list[tuple[int, int, bytes]]:
    found: list[tuple[int, int, bytes]] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(") ")[2].split()[1])
                found.append((int(folder.name), parent, (folder / "cmdline").read_bytes()))
            except OSError:
                continue
    return found


# --- figures


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median_of(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median over the rounds of each figure."""
    return {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}


def table(rows: dict[str, dict[str, float]], columns: Sequence[str]) -> str:
    width = max(map(len, rows)) + 2
    lines = [" " * width + "".join(f"{name:>15}" for name in columns)]
    for name, row in rows.items():
        cells = [f"{row[column]:>15.1f}" if column in row else " " * 15 for column in columns]
        lines.append(f"{name:<{width}}{''.join(cells)}")
    return "\n".join(lines)


def verdict(name: str, value: float, aim: float, unit: str, *, at_least: bool = False) -> bool:
    fine = value >= aim if at_least else value <= aim
    print(f"  {'ok  ' if fine else 'MISS'}  {name}: {value:.1f} {unit} (aim {'>=' if at_least else '<='} {aim:g})")
    return fine


def machine() -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} cores, {model[1] if model else 'unknown processor'}, load {load} before the run"


def save(path: str, value: Any) -> None:
    if path:
        Path(path).write_text(json.dumps(value, indent=1) + "\n")
