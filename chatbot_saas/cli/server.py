"""One process that serves pages, API and websocket on one port."""

import asyncio
import contextlib
import gc
import importlib
import io
import os
import resource
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import uvloop
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from chatbot_saas.cli.pages import serving_environment
from chatbot_saas.cli.processes import on_stop
from chatbot_saas.cli.progress import CommandError, say
from chatbot_saas.services.runtime import get_runtime

STOP_SECONDS = 20.0  # for answers and jobs under way, which bound themselves; then the process ends anyway

MOST_CONNECTIONS = 10_000
"""Each open page and each visitor's stream holds one. Beyond, the server takes no new one, whoever asks."""
_OTHER_FILES = 1_000


def load_app(build: Path) -> Callable[[], Any]:
    """The app of this process, which serves `build`. Call it to get the ASGI application."""
    os.environ.update(serving_environment(build))
    gc.disable()  # nothing that is imported becomes garbage: looking for some takes a tenth of the start
    try:
        # imported here, because importing Reflex reads the environment set above
        return cast(Callable[[], Any], importlib.import_module("chatbot_saas.app").app)
    finally:
        gc.enable()
        gc.freeze()


def serve(app: Callable[[], Any], host: str, port: int, on_ready: Callable[[], None]) -> bool:
    """Serve `app` until SIGINT, SIGTERM or SIGHUP. Raises CommandError if it ends by itself.

    The server runs inside this process instead of under a supervisor: one worker has no use for a second copy of the
    interpreter, and a signal has one place to arrive.

    Returns whether all of it ended in time. Where it did not, the caller clears up and ends by `os._exit`: what hangs
    would hold up a polite end for ever.
    """
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    ended = loop.run_until_complete(_serve(app(), host, port, on_ready))
    if ended:
        # what libraries leave waiting, such as the next ping of a page that is open, is no error now
        loop.set_exception_handler(lambda *_: None)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    return ended


async def _serve(app: Any, host: str, port: int, on_ready: Callable[[], None]) -> bool:
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        backlog=1024,
        backpressure=connections(),  # its default is the backlog's: 128 who say nothing would shut everybody out
        log_level=LogLevels.error,
        log_access=False,
    )
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    on_stop(lambda: loop.call_soon_threadsafe(stopping.set))
    serving = asyncio.create_task(server.serve())
    stop = asyncio.create_task(stopping.wait())
    ready = asyncio.create_task(_announce(host, port, on_ready))
    await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    on_stop(_nothing)
    if not stopping.is_set():
        await serving
        raise CommandError(f"the server ended by itself: is port {port} free?")
    with contextlib.suppress(RuntimeError):  # told to stop before the app had started
        await get_runtime().notices.close()  # the server waits for every stream, and these have no end of their own
    server.stop()
    _, late = await asyncio.wait({serving}, timeout=STOP_SECONDS)
    if late:
        say(f"Not all of it ended within {STOP_SECONDS:.0f} s. What is left:\n{_what_runs()}")
    return not late


def connections() -> int:
    """How many may be open at a time. Raises this process's limit of open files as far as it may."""
    wanted = MOST_CONNECTIONS + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MOST_CONNECTIONS if soft < 0 else max(128, min(MOST_CONNECTIONS, soft - _OTHER_FILES))


def _what_runs() -> str:
    text = io.StringIO()
    for task in asyncio.all_tasks():
        task.print_stack(limit=4, file=text)
    return text.getvalue()


def _nothing() -> None:
    """What a signal does while we are ending already."""


def require_free_port(host: str, port: int) -> None:
    """Say at once what would otherwise fail after all the work of a start."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(f"port {port} cannot be used ({error.strerror}): PORT=<another> make run") from None


async def _announce(host: str, port: int, on_ready: Callable[[], None]) -> None:
    """Call `on_ready` once the port answers, which is after the app's own start."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)  # 0.0.0.0 reaches ourselves as well
            writer.close()
            on_ready()
            return
        await asyncio.sleep(0.05)
