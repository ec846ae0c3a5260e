"""`make run` as an operator meets it."""

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from chatbot_saas.core.settings import ROOT
from tests.servers import STOP_SECONDS, RunningServer, launch, wait_until_ready


def processes_naming(folder: Path) -> list[str]:
    """Command lines of living processes that mention `folder`."""
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # ended meanwhile
            continue
        if str(folder) in line:
            found.append(line)
    return found


def run_cli(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chatbot_saas.cli", *words]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.kill
@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at /proc")
async def test_one_signal_or_several_stop_everything(tmp_path: Path) -> None:
    server: RunningServer = launch(tmp_path)
    await wait_until_ready(server)
    assert any("postgres" in line for line in processes_naming(tmp_path))
    assert f"http://localhost:{server.port}" in server.log
    async with asyncio.timeout(STOP_SECONDS):
        for number in itertools.cycle((signal.SIGINT, signal.SIGINT, signal.SIGTERM)):
            if server.process.poll() is not None:
                break
            server.process.send_signal(
                number
            )  # as make, a shell and a terminal each send theirs, until its last moment
            await asyncio.sleep(0.02)
    assert server.stop() == 0
    assert processes_naming(tmp_path) == []
    assert "Traceback" not in server.log


def test_a_taken_port_is_said_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run_cli("run", "--host", "127.0.0.1", PORT=port, DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: port {port} cannot be used")
    assert "Traceback" not in done.stderr


def test_a_wrong_configuration_is_one_line(tmp_path: Path) -> None:
    done = run_cli("run", ENVIRONMENT="production", SECRET_KEY="short", DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "SECRET_KEY" in done.stderr or "ENCRYPTION_KEY" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
