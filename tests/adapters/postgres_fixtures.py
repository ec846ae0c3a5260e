"""Folders with an embedded database, other processes that use it, and what there is to see of its server."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from chatbot_saas.adapters.postgres import EmbeddedPostgres
from chatbot_saas.adapters.postgres.process import running_postmaster

ROOT = Path(__file__).resolve().parents[2]

USER = """
import signal, sys
from pathlib import Path
from chatbot_saas.adapters.postgres import EmbeddedPostgres
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background processes are born deaf to it
server = EmbeddedPostgres(Path(sys.argv[1]))
try:
    with server:
        print(server.url, flush=True)
        sys.stdin.read()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


class Other:
    """Another process that acquires the server and holds it until `leave` or a signal."""

    def __init__(self, data_dir: Path, before: tuple[str, ...] = (), **options: Any) -> None:
        self.process = subprocess.Popen(
            [*before, sys.executable, "-c", USER, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            **options,
        )

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        self.process.communicate(timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)


@pytest.fixture(scope="session")
def prepared() -> Iterator[Path]:
    """A folder with a database that was made and stopped."""
    path = open_folder()
    with EmbeddedPostgres(path):
        pass
    yield path
    shutil.rmtree(path)


@pytest.fixture
def folder(prepared: Path) -> Iterator[Path]:
    """A copy of it. As root, the server runs under a uid of its own there."""
    path = open_folder()
    subprocess.run(["cp", "-a", f"{prepared}/.", path], check=True)
    yield path
    stop_whatever_runs(path)
    shutil.rmtree(path)


@pytest.fixture
def empty() -> Iterator[Path]:
    path = open_folder()
    yield path
    stop_whatever_runs(path)
    shutil.rmtree(path)


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder below one that only we can enter."""
    tmp_path.chmod(0o700)
    yield tmp_path / "data"
    stop_whatever_runs(tmp_path / "data")


def open_folder() -> Path:
    """A folder that every uid can enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    path.chmod(0o755)
    return path


def stop_whatever_runs(data_dir: Path) -> None:
    pid = postmaster(data_dir)
    if pid:
        os.kill(pid, signal.SIGQUIT)
        wait_until(lambda: postmaster(data_dir) is None)


def postmaster(data_dir: Path) -> int | None:
    return running_postmaster((data_dir.resolve() / "postgres" / "data").resolve())


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def answer(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row and row[0]
