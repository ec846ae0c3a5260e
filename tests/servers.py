"""The real thing, as `make run` starts it: for tests of the whole and for those that kill it."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from chatbot_saas.core.settings import NEVER, ROOT

START_SECONDS = 120.0  # a build may be among it, and the machine is shared with other tests
STOP_SECONDS = 30.0


@dataclass(slots=True)
class RunningServer:
    """A server process of a test. `url` has no slash at its end; `log` is all that it printed."""

    process: subprocess.Popen[bytes]
    url: str
    port: int
    data_dir: Path
    log_path: Path

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def stop(self) -> int:
        """As Ctrl-C does; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop within {STOP_SECONDS} s:\n{self.log[-4000:]}") from None

    def kill(self) -> None:
        """As a power cut does, for this process; an embedded database lives on until its next start."""
        self.process.kill()
        self.process.wait()


def free_port() -> int:
    """One of the ports that the system gives to nobody by itself: a server that starts slowly still finds it free."""
    while True:
        port = random.randint(10_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and is not yet waited for does not."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):  # the latter where it ends while it is read
        return False


def launch(data_dir: Path, *, port: int = 0, **environment: str) -> RunningServer:
    """Start `make run`'s command on a free port of 127.0.0.1 and return at once; `environment` holds settings."""
    port = port or free_port()
    data_dir.mkdir(parents=True, exist_ok=True)
    log_path = data_dir / "server.log"
    own = {"PORT": str(port), "DATA_DIR": str(data_dir), "RATE_LIMIT_ENABLED": "false", "NIGHTLY_AT": NEVER}
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "chatbot_saas.cli", "run", "--host", "127.0.0.1"],
            cwd=ROOT,
            env={**os.environ, **own, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return RunningServer(process, f"http://localhost:{port}", port, data_dir, log_path)


async def wait_until_ready(server: RunningServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=2) as client:
        while time.monotonic() < deadline:
            if server.process.poll() is not None:
                break
            try:
                if (await client.get("/api/health")).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    code = server.process.poll()
    server.kill()
    raise AssertionError(f"the server is not ready (exit code {code}):\n{server.log[-6000:]}")


@contextlib.asynccontextmanager
async def running_server(data_dir: Path, *, port: int = 0, **environment: str) -> AsyncIterator[RunningServer]:
    """A server that answers, ended at the end, in time."""
    server = launch(data_dir, port=port, **environment)
    try:
        await wait_until_ready(server)
        yield server
    finally:
        await asyncio.to_thread(server.stop)
