"""Signals that arrive, and children that must not outlive us."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from chatbot_saas.core.settings import ROOT

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class _Stop:
    """The first signal stops us, the ones after it are ignored: `make`, a shell and a terminal each pass on their own,
    and a second one must not cut short the clearing up."""

    arrived: bool = False
    action: Callable[[], object] | None = None


_stop = _Stop()


def catch_signals() -> None:
    """Make every polite signal end the program through its `finally` blocks. To be called once, at the start."""
    for number in _SIGNALS:
        signal.signal(number, _on_signal)


def ignore_signals() -> None:
    """For the very end, when all is cleared up: Python gives its handlers back before it ends, and a second signal that
    arrives then would make a good end look like a bad one.
    """
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def on_stop(action: Callable[[], object] | None) -> None:
    """Call `action` at the first signal, instead of raising KeyboardInterrupt in the middle of anything."""
    _stop.action = action
    if action and _stop.arrived:
        action()


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    if _stop.arrived:
        return
    _stop.arrived = True
    if _stop.action is None:
        raise KeyboardInterrupt
    _stop.action()


def run_child(command: list[str], environment: Mapping[str, str], cwd: Path = ROOT) -> tuple[int, str]:
    """Run to the end in a process group of its own; returns the exit code and all that it printed.

    Whatever ends us before takes the whole group with it: the page builder starts processes of its own.
    """
    with subprocess.Popen(
        command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    ) as child:  # fmt: skip
        try:
            output, _ = child.communicate()
        except BaseException:
            stop_group(child)
            raise
    return child.returncode, output


def stop_group(child: subprocess.Popen[Any], patience: float = 5.0) -> None:
    """End the whole process group that `child` leads, politely and then not; `patience` in seconds for each."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, number)
            child.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            return
