"""The inside of a worker process of `adapters.processes`: run one function after another, with limits, for a parent.

Started as `python -m chatbot_saas.adapters.process_child`, with a socket as standard input. Imports little, so that it
starts in a few hundredths of a second; what a job needs is imported with the job's function and stays warm.
"""

import ctypes
import gc
import importlib
import logging
import os
import pickle
import resource
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import Any

from chatbot_saas.core.errors import DomainError

_LENGTH = struct.Struct("!Q")
_PR_SET_PDEATHSIG = 1
_NICE = 5  # visitors who chat go before documents that are read
_OPEN_FILES = 128
_GARBAGE_THRESHOLD = 50_000  # a job makes many small objects and few cycles; what is left is collected after it
_STATM = Path("/proc/self/statm")


def send_frame(channel: socket.socket, data: bytes) -> None:
    channel.sendall(_LENGTH.pack(len(data)))
    channel.sendall(data)


def read_exactly(channel: socket.socket, count: int) -> bytearray:
    """Exactly `count` bytes; EOFError when the other side has closed."""
    data = bytearray(count)
    view, received = memoryview(data), 0
    while received < count:
        got = channel.recv_into(view[received:])
        if not got:
            raise EOFError
        received += got
    return data


def read_length(channel: socket.socket) -> int:
    return int(_LENGTH.unpack(read_exactly(channel, _LENGTH.size))[0])


def main() -> None:
    channel = socket.socket(fileno=0)
    libc = _settle()
    while True:
        try:
            function, args, memory = pickle.loads(read_exactly(channel, read_length(channel)))  # noqa: S301  from our parent
        except (EOFError, OSError):
            return  # the parent has gone or wants no more
        kind, value = _run(function, args, memory)
        send_frame(channel, _packed(kind, value))
        if kind == "memory":
            return  # what was half built when memory ended is not to be trusted
        function = args = value = None
        gc.collect()
        if libc is not None:
            libc.malloc_trim(0)


def _settle() -> ctypes.CDLL | None:
    """Limits that hold for the life of this process. Returns the C library where it can give freed memory back."""
    logging.disable(logging.CRITICAL)  # libraries would log fragments of a customer's document
    os.nice(_NICE)
    gc.set_threshold(_GARBAGE_THRESHOLD)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # kept by the kernel: holds also inside a long call into C
    return libc if hasattr(libc, "malloc_trim") else None


def _run(function: str, args: tuple[Any, ...], memory: int) -> tuple[str, Any]:
    try:
        module, _, name = function.partition(":")
        called = getattr(importlib.import_module(module), name)
        _limit_memory(memory)
        try:
            return "ok", called(*args)
        finally:
            _limit_memory(None)
    except DomainError as error:
        return "raised", error.with_traceback(None)
    except MemoryError:
        return "memory", None
    except Exception as error:
        return "failed", f"{type(error).__name__}: {error}"[:500]


def _limit_memory(extra: int | None) -> None:
    """Allow `extra` bytes above what is mapped now; None lifts the limit (a soft one, or it could not be lifted)."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if extra is None or not _STATM.exists():
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        return
    mapped = int(_STATM.read_text().split()[0]) * resource.getpagesize()
    limit = mapped + extra if hard == resource.RLIM_INFINITY else min(mapped + extra, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _packed(kind: str, value: Any) -> bytes:
    try:
        return pickle.dumps((kind, value), protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        return pickle.dumps(("failed", f"the result cannot be sent: {error}"[:500]))


if __name__ == "__main__":
    main()
