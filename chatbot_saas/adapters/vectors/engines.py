"""Where Chroma runs: in this process over a folder that it owns, or as a server.

What 1.5.9 does by itself and is turned off or worked around here, each tried out (docs/decisions/0003):

- It bounds its open indexes by a fifth of the limit of open files. An open index holds 4 files and 2.8 MB, so at the
  usual limit of 1,024 sockets fail, and at a high limit memory grows without end. We set the bound.
- Two processes over one folder are silently wrong. We lock the folder.
- A write that is killed can leave files that end the next process; a deleted collection leaves its folder. `segments`.
- Its HTTP client waits for ever. We set time limits.
"""

import fcntl
import os
import resource
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import urlsplit
from uuid import UUID

import chromadb
import httpx
from chromadb.api import ServerAPI
from chromadb.api.client import Client
from chromadb.config import Settings as ChromaSettings
from chromadb.config import System
from chromadb.telemetry.product import ProductTelemetryClient

from chatbot_saas.adapters.vectors.segments import Segments
from chatbot_saas.core.errors import InvalidError, UnavailableError

BYTES_PER_OPEN_INDEX = 3_000_000  # nearly all of it is hnswlib's table of locks, whatever the number of vectors
FILES_PER_OPEN_INDEX = 5
FILES_FOR_OTHERS = 512
MEMORY_SHARE = 6  # open indexes may take a sixth of the memory
MOST_OPEN_INDEXES = 2000
FEWEST_OPEN_INDEXES = 32
HTTP_TIMEOUT = httpx.Timeout(30.0, connect=3.0)


class OwnedElsewhereError(UnavailableError):
    """Another process uses the folder of vectors."""


class Engine(Protocol):
    """All methods block: they are called on the store's threads only."""

    def open(self) -> Client: ...

    def writing(self, collection_id: UUID) -> AbstractContextManager[None]:
        """Held around each write; writes come one at a time."""
        ...

    def dropped(self) -> None:
        """Called after collections were deleted."""
        ...

    def compact(self) -> None: ...

    def release(self) -> None:
        """Called once, after the client is closed."""
        ...


class ChromaServer:
    """A server at `url`, like http://chroma:8000. Its folder and its `chroma vacuum` are the operator's."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidError("CHROMA_URL must look like http://chroma:8000")
        self._url = url.rstrip("/")
        self._host = parts.hostname
        self._tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self._sessions: list[httpx.Client] = []

    def open(self) -> Client:
        httpx.get(f"{self._url}/api/v2/heartbeat", timeout=HTTP_TIMEOUT).raise_for_status()  # Chroma's has no limit
        client = chromadb.HttpClient(self._host, self._port, self._tls, settings=_settings())
        parts: list[Any] = [client, cast(Any, client)._admin_client]
        self._sessions = [part._server._session for part in parts]
        for session in self._sessions:
            session.timeout = HTTP_TIMEOUT
        return cast(Client, client)

    def writing(self, collection_id: UUID) -> AbstractContextManager[None]:
        return nullcontext()

    def dropped(self) -> None:
        """The server's own business."""

    def compact(self) -> None:
        """The server's own business."""

    def release(self) -> None:
        for session in self._sessions:
            session.close()  # Chroma leaves them open


class ChromaFolder:
    """Chroma in this process. Takes the folder for itself until `release`, or raises `UnavailableError`."""

    def __init__(self, folder: Path, open_indexes: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._segments = Segments(folder)
        self._open_indexes = open_indexes or affordable_indexes()
        self._lock = _owned(folder / "owner.lock")
        _allow_files(self._open_indexes * FILES_PER_OPEN_INDEX + FILES_FOR_OTHERS)

    def open(self) -> Client:
        self._segments.repair()
        system = System(_settings(is_persistent=True, persist_directory=str(self._folder)))
        server = cast(Any, system.instance(ServerAPI))
        server.hnsw_cache_size = self._open_indexes
        # Set up by hand, since the usual constructor does not let the bound be set.
        system.instance(ProductTelemetryClient)
        system.start()
        return Client.from_system(system)

    def writing(self, collection_id: UUID) -> AbstractContextManager[None]:
        return self._segments.kept(collection_id)

    def dropped(self) -> None:
        self._segments.remove_orphans()

    def compact(self) -> None:
        self._segments.remove_orphans()
        self._segments.vacuum()

    def release(self) -> None:
        os.close(self._lock)


def affordable_indexes() -> int:
    """How many indexes may stay open, by the memory and the files that this process may use."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and (text := limit.read_text().strip()).isdigit():
        memory = min(memory, int(text))
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if files == resource.RLIM_INFINITY:
        files = MOST_OPEN_INDEXES * FILES_PER_OPEN_INDEX + FILES_FOR_OTHERS
    by_files = (files - FILES_FOR_OTHERS) // FILES_PER_OPEN_INDEX
    wanted = min(memory // MEMORY_SHARE // BYTES_PER_OPEN_INDEX, by_files, MOST_OPEN_INDEXES)
    return max(wanted, FEWEST_OPEN_INDEXES)


def _allow_files(wanted: int) -> None:
    """Raise the soft limit of open files as far as the hard one allows; it is never lowered."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _owned(path: Path) -> int:
    """An open and locked file, whose lock the kernel gives back however the process ends."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise OwnedElsewhereError(
            f"Another process uses the vectors in {path.parent}. Only one may: run a Chroma server and set CHROMA_URL "
            "in every process, or stop the other one."
        ) from error
    return lock


def _settings(**values: Any) -> ChromaSettings:
    make = cast(Any, ChromaSettings)
    return make(_env_file=None, anonymized_telemetry=False, **values)  # Chroma would read our own .env otherwise
