"""A few warm processes for work that takes time, memory or risk, with limits on each: reading and chunking files.

Not `concurrent.futures` or `multiprocessing`: their children load the parent's main module, inherit its environment
with every secret in it, and cannot be ended one at a time. See docs/decisions/0009-extraction-in-processes.md.
"""

import asyncio
import dataclasses
import io
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from concurrent.futures import Future
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from chatbot_saas.adapters.process_child import read_exactly, read_length, send_frame
from chatbot_saas.core.errors import DomainError, UnavailableError

MIB = 1024 * 1024
_ROOT = Path(__file__).resolve().parents[2]
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
_REPLY_LIMIT = 512 * MIB
_ATTEMPTS = 2


class JobTimeoutError(DomainError):
    """This took longer than allowed and was stopped."""

    status = 503
    code = "job_timeout"


class JobMemoryError(DomainError):
    """This needed more memory than allowed and was stopped."""

    status = 503
    code = "job_memory"


class JobCrashedError(DomainError):
    """The process that worked on this ended unexpectedly, twice."""

    status = 503
    code = "job_crashed"


class JobFailedError(DomainError):
    """The work on this failed inside."""

    code = "job_failed"

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason
        """Type and text of the exception: for the log, not for a customer."""


class PoolClosedError(UnavailableError):
    """The service is stopping. This is done again after its next start."""

    code = "pool_closed"
    retryable = True


_owner: ContextVar[str] = ContextVar("owner", default="")


def work_for(owner: object) -> None:
    """Say for whom this task, with those that it starts, runs jobs from now on: owners (tenants) take turns."""
    _owner.set(str(owner))


class WorkerPool:
    """Runs functions in at most `size` processes, which start when needed and end after `idle_seconds` without work.

    A job that takes longer than `slow_seconds` stands in nobody's way: whoever waits gets another process for it, of at
    most `spare` more. So a few files whose reader hangs until its timeout hold up no others.

    A process is used for `jobs_per_process` jobs, and is replaced after a crash, a timeout, a cancellation or an end of
    memory. Each process has a thread that starts it, feeds it and waits for it, so nothing here blocks an event loop,
    the pool may serve several loops, and a process dies with its thread (Linux) or when its socket closes.
    """

    def __init__(
        self,
        size: int = 2,
        idle_seconds: float = 30.0,
        jobs_per_process: int = 200,
        *,
        spare: int = 0,
        slow_seconds: float = 10.0,
    ) -> None:
        self._size = size
        self._spare = spare
        self._slow_seconds = slow_seconds
        self._idle_seconds = idle_seconds
        self._jobs_per_process = jobs_per_process
        self._condition = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._threads: set[threading.Thread] = set()
        self._running: set[_Job] = set()
        self._turns: dict[str, float] = {}
        self._idle = 0
        self._closed = False

    async def run(self, function: str, *args: object, timeout: float = 60.0, memory: int = 512 * MIB) -> Any:
        """The result of `function`, named "package.module:name", called with `args` in a process.

        Arguments can be anything that pickles; results only plain values and dataclasses of this project whose modules
        the caller has imported, because a process that reads hostile files is not believed. `timeout` is in seconds of
        wall time from the start of the job, not from its queueing; `memory` in bytes above what the idle process uses.

        A domain error raised by the function is raised here. Otherwise JobTimeoutError, JobMemoryError, JobFailedError,
        or JobCrashedError when the process ended by itself at the first attempt and at the one repetition. Functions
        must therefore do no harm when run twice. Cancelling the caller ends the process.
        """
        job = _Job(function, args, timeout, memory)
        self._submit(job)
        outcome = asyncio.wrap_future(job.future)
        try:
            while not (await asyncio.wait({outcome}, timeout=self._slow_seconds))[0]:
                self._make_way()
            return outcome.result()
        except asyncio.CancelledError:
            outcome.cancel()
            job.cancel()
            raise

    async def close(self) -> None:
        """End every process; jobs under way and waiting fail with PoolClosedError."""
        with self._condition:
            self._closed = True
            waiting, running, threads = list(self._jobs), list(self._running), list(self._threads)
            self._jobs.clear()
            self._condition.notify_all()
        for job in waiting:
            job.finish(error=PoolClosedError())
        for job in running:
            job.cancel()
        for thread in threads:
            await asyncio.to_thread(thread.join, 5)

    def processes(self) -> list[int]:
        """Ids of the processes that are working now."""
        with self._condition:
            return [job.child.process.pid for job in self._running if job.child]

    def _submit(self, job: "_Job") -> None:
        with self._condition:
            if self._closed:
                raise PoolClosedError
            self._jobs.append(job)
            if len(self._jobs) > self._idle and len(self._threads) < self._size:
                self._start_thread()
            self._condition.notify()

    def _make_way(self) -> None:
        """Another process for those that wait behind jobs that take long."""
        with self._condition:
            since = time.monotonic() - self._slow_seconds
            slow = sum(job.started is not None and job.started < since for job in self._running)
            if len(self._jobs) > self._idle and len(self._threads) < self._size + min(slow, self._spare):
                self._start_thread()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._serve, name="worker-pool", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _serve(self) -> None:
        """The life of one thread and its process."""
        child: _Child | None = None
        try:
            while job := self._next():
                child = self._perform(job, child)
                with self._condition:
                    self._running.discard(job)
                del job  # its arguments and result may be megabytes, and the next wait may be long
        finally:
            if child:
                child.kill()
            with self._condition:
                self._threads.discard(threading.current_thread())

    def _next(self) -> "_Job | None":
        with self._condition:
            self._idle += 1
            self._condition.wait_for(lambda: self._jobs or self._closed, self._idle_seconds)
            self._idle -= 1
            if self._jobs and not self._closed:
                job = self._fairest()
                job.started = time.monotonic()
                self._running.add(job)
                return job
            self._threads.discard(threading.current_thread())  # under the lock: no job is left to a thread that ends
            return None

    def _fairest(self) -> "_Job":
        """Takes a job of the owner who has the fewest under way, and of such the one whose last turn is longest ago."""
        busy = Counter(job.owner for job in self._running)
        job = min(self._jobs, key=lambda job: (busy[job.owner], self._turns.get(job.owner, 0.0)))
        self._jobs.remove(job)
        self._turns[job.owner] = time.monotonic()
        if not self._jobs:
            self._turns.clear()
        return job

    def _perform(self, job: "_Job", child: "_Child | None") -> "_Child | None":
        """Run the job, set its outcome, and return the process if it can be used again."""
        if not job.future.set_running_or_notify_cancel():
            return child
        for attempt in range(_ATTEMPTS):
            try:
                child = child or _Child()
                if not job.attach(child):
                    job.finish(error=PoolClosedError())
                    return child
                kind, value = child.call(job)
            except (EOFError, OSError) as error:
                child = _discard(child)
                if isinstance(error, TimeoutError):
                    job.finish(error=JobTimeoutError())
                    return None
                if job.cancelled or attempt + 1 == _ATTEMPTS:
                    job.finish(error=PoolClosedError() if job.cancelled else JobCrashedError())
                    return None
            except Exception as error:
                job.finish(error=JobFailedError(f"{type(error).__name__}: {error}"))
                return _discard(child)
            else:
                job.detach()
                job.settle(kind, value)
                if kind == "memory" or child.jobs >= self._jobs_per_process or job.cancelled:
                    return _discard(child)
                return child
        return child


class _Job:
    def __init__(self, function: str, args: tuple[object, ...], timeout: float, memory: int) -> None:
        self.function, self.args, self.timeout, self.memory = function, args, timeout, memory
        self.owner = _owner.get()
        self.future: Future[Any] = Future()
        self.child: _Child | None = None
        self.started: float | None = None
        """By the monotonic clock."""
        self.cancelled = False
        self._lock = threading.Lock()

    def attach(self, child: "_Child") -> bool:
        """Tell which process works on this; False if it is no longer wanted."""
        with self._lock:
            self.child = child
            return not self.cancelled

    def detach(self) -> None:
        """From here on a cancellation must not end the process: it may already work for another."""
        with self._lock:
            self.child = None

    def cancel(self) -> None:
        with self._lock:
            self.cancelled = True
            if self.child:
                self.child.process.kill()

    def settle(self, kind: str, value: Any) -> None:
        if kind == "ok":
            if not self.future.done():
                self.future.set_result(value)
        elif kind == "raised" and isinstance(value, DomainError):
            self.finish(error=value)
        elif kind == "memory":
            self.finish(error=JobMemoryError())
        else:
            self.finish(error=JobFailedError(str(value)))

    def finish(self, error: DomainError) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class _Child:
    """A process and our end of its socket."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment["MALLOC_ARENA_MAX"] = "1"  # arenas of threads would count as memory used
        with theirs:
            try:
                self.process = subprocess.Popen(
                    [sys.executable, "-W", "ignore", "-m", "chatbot_saas.adapters.process_child"],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    env=environment,
                    cwd=_ROOT,
                    start_new_session=True,  # Ctrl-C is for the parent, which then ends it
                )
            except OSError:
                ours.close()
                raise
        self._channel = ours
        self.jobs = 0

    def call(self, job: _Job) -> tuple[str, Any]:
        """Outcome of the job: how it ended and the value. TimeoutError, or EOFError/OSError when the process died."""
        self.jobs += 1
        deadline = time.monotonic() + job.timeout
        request = pickle.dumps((job.function, job.args, job.memory), protocol=pickle.HIGHEST_PROTOCOL)
        self._channel.settimeout(job.timeout)
        send_frame(self._channel, request)
        length = read_length(self._channel)
        if length > _REPLY_LIMIT:
            raise ValueError("the reply is too long")
        self._channel.settimeout(max(0.1, deadline - time.monotonic()))
        outcome = _Reader(read_exactly(self._channel, length)).load()
        return str(outcome[0]), outcome[1]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._channel.close()


def _discard(child: _Child | None) -> None:
    if child:
        child.kill()


def _is_value(found: type) -> bool:
    return dataclasses.is_dataclass(found) or issubclass(found, DomainError)


class _Reader(pickle.Unpickler):
    """Reads replies: plain values, and this project's dataclasses and domain errors that are already imported."""

    def __init__(self, data: bytearray) -> None:
        super().__init__(io.BytesIO(data))

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        found = getattr(sys.modules.get(module_name), global_name, None)
        if module_name.startswith("chatbot_saas.") and isinstance(found, type) and _is_value(found):
            return found
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is not accepted from a worker process")
