"""Functions that tests run in worker processes."""

import os
import signal
import sys
import time
from pathlib import Path
from uuid import uuid4

from chatbot_saas.core.errors import NotFoundError


def add(left: int, right: int) -> int:
    return left + right


def environment() -> dict[str, str]:
    return dict(os.environ)


def modules() -> list[str]:
    return sorted(sys.modules)


def descriptors() -> list[str]:
    return sorted(os.listdir("/proc/self/fd"))


def pid() -> int:
    return os.getpid()


def wait(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def note_and_wait(note: str, seconds: float) -> None:
    Path(note).write_text(str(os.getpid()))
    time.sleep(seconds)


def spin() -> None:
    while True:
        pass


def take_memory(size: int) -> int:
    return len(bytearray(size))


def missing() -> None:
    raise NotFoundError("no such page", page=7)


def wrong() -> None:
    raise RuntimeError("inside")


def die_once(note: str) -> str:
    path = Path(note)
    if not path.exists():
        path.write_text("died")
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def not_plain() -> object:
    return uuid4()
