"""What a person at the terminal sees."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class CommandError(Exception):
    """A command cannot go on; the message is one line for the person who typed it."""


def say(message: str = "") -> None:
    print(message, flush=True)


def fail(message: str) -> None:
    print(f"error: {message}", file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce what starts, and how long it took once it is done."""
    say(f"==> {title} ...")
    began = time.monotonic()
    yield
    say(f"    done in {time.monotonic() - began:.1f} s")
