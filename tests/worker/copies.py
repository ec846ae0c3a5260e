"""Processes to kill that begin as copies of one that has loaded the program already.

Loading it takes five seconds of a processor, and the tests here start some forty processes. What is copied has opened
nothing yet, so that nothing is shared: no connection, no file, no event loop.
"""

import multiprocessing
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.worker import process_under_test

_copying = multiprocessing.get_context("forkserver")
_copying.set_forkserver_preload([process_under_test.__name__])


class Copy:
    """A running process, as `subprocess.Popen` has it."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.process = _copying.Process(
            target=process_under_test.run, args=(arguments, {**os.environ, **environment}, log), daemon=True
        )
        self.process.start()
        assert self.process.pid
        self.pid = self.process.pid

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self, seconds: float | None = None) -> int:
        self.process.join(seconds)
        if self.process.exitcode is None:
            raise subprocess.TimeoutExpired("process_under_test", seconds or 0)
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.process.terminate()

    def kill(self) -> None:
        self.process.kill()
