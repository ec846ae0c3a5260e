"""Start, join and stop the embedded PostgreSQL server."""

import hashlib
import logging
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import quote

import psycopg

from chatbot_saas.adapters.postgres.account import Account, choose_account, find_programs, give, initdb_uid
from chatbot_saas.adapters.postgres.process import running_postmaster
from chatbot_saas.adapters.postgres.users import Users, exclusive
from chatbot_saas.core.errors import UnavailableError

DATABASE = "chatbot"
PORT = 5432
"""Only the name of the socket file: the server listens on no network."""
SOCKET_NAME = f".s.PGSQL.{PORT}"
MAX_SOCKET_PATH = 103
"""Bytes. sockaddr_un holds 108 on Linux and 104 on macOS, both with the closing NUL."""
START_SECONDS = 300
"""Recovery after a crash replays up to max_wal_size, on a slow disk too."""
JOIN_SECONDS = 60
STOP_SECONDS = 60
MAX_LOG_BYTES = 10 * 1024 * 1024
LOG_LINES = 15

OPTIONS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "wal_level": "minimal",  # nothing replicates from here
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",  # compiles for longer than our queries run
    "io_method": "sync",  # saves three worker processes
    "max_parallel_workers_per_gather": "0",  # and the small /dev/shm of a container
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
"""Given on the command line. An operator's ALTER SYSTEM does not override these."""

_RETRY = ("pre-existing shared memory block", "lock file")
"""What a start says while processes of a killed server are still on their way out."""

_log = logging.getLogger(__name__)


class EmbeddedPostgres:
    """The server below `data_dir/postgres`, shared by every process that acquires it.

    The first to `acquire` starts it and the last to `release` stops it; a process that was killed no longer counts.
    Both calls block, for about 0.1 s, or 1 s when the database is new.
    """

    elsewhere: ClassVar[Path] = Path("/var/lib")
    """Where root's last resort puts a copy: see `account`."""

    def __init__(self, data_dir: Path) -> None:
        self._home = data_dir.expanduser().resolve() / "postgres"
        self._users = Users(self._home / "users")

    @property
    def log_path(self) -> Path:
        return self._home / "server.log"

    @property
    def _data(self) -> Path:
        return (self._home / "data").resolve()

    @property
    def _socket(self) -> Path:
        """Folder of the socket: beside the data, or a short name in /tmp. The same in every process."""
        beside = self._data.parent / "socket"
        if len(os.fsencode(beside / SOCKET_NAME)) <= MAX_SOCKET_PATH and "," not in str(beside):  # a list, for libpq
            return beside
        return Path("/tmp") / f"chatbot-pg-{hashlib.sha256(os.fsencode(self._data)).hexdigest()[:24]}"  # noqa: S108 - checked in _private

    @property
    def url(self) -> str:
        """Both a libpq and a SQLAlchemy URL, of the owner of the database. Nobody answers there before `acquire`."""
        return f"postgresql://postgres@/{DATABASE}?host={quote(str(self._socket))}&port={PORT}"

    def acquire(self) -> str:
        """Start the server or join the running one, and count this process as its user. The `url` of the database.

        More than once is as good as once. Raises UnavailableError, which says what to do.
        """
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            with exclusive(self._home / "lock"):
                self._users.join()
                try:
                    self._serve()
                except BaseException:
                    self._leave()
                    raise
        except OSError as error:
            raise UnavailableError(f"The embedded PostgreSQL server cannot use {self._home}: {error}") from error
        except subprocess.SubprocessError as error:
            raise UnavailableError(self._explain(f"it took too long ({error})", 0)) from error
        return self.url

    def release(self) -> bool:
        """Stop counting as a user; the last one stops the server, which is then True.

        Harmless without `acquire`, and in a forked child.
        """
        if not self._users.joined:
            return False
        with exclusive(self._home / "lock"):
            return self._leave()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _serve(self) -> None:
        before = self._log_size()
        deadline = time.monotonic() + JOIN_SECONDS
        starts = 0
        while True:
            if running_postmaster(self._data) is None:
                self._start()
                starts += 1
            try:
                return self._ensure_database()
            except psycopg.OperationalError as error:
                # Errors with a state are answers of a server that is ready, a full disk for example. Any other server
                # is still on its way up, for a process that was killed started it just now, or on its way out.
                if error.sqlstate or starts > 2 or time.monotonic() > deadline:
                    raise UnavailableError(self._explain(str(error), before)) from error
            time.sleep(0.05)

    def _ensure_database(self) -> None:
        with psycopg.connect(
            host=str(self._socket), port=PORT, user="postgres", dbname="postgres", connect_timeout=10, autocommit=True
        ) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _start(self) -> None:
        if self.log_path.exists() and self._log_size() > MAX_LOG_BYTES:
            self.log_path.replace(self.log_path.with_suffix(".log.1"))
        before = self._log_size()
        account = choose_account(self._home, find_programs(), self.elsewhere)
        for leftover in account.place.glob("initdb-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        log = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if not (self._data / "PG_VERSION").exists():
                self._create(account, log)
            if self._data.stat().st_uid != account.owner:
                self._hand_over(account)
            self._start_server(account, log, before)
        finally:
            os.close(log)

    def _create(self, account: Account, log: int) -> None:
        """Make the data folder under another name first: a start that is killed halfway leaves nothing that counts.

        The name is new each time, for an initdb that lost its parent may still be writing to an old one.
        """
        before = self._log_size()
        draft = Path(tempfile.mkdtemp(prefix="initdb-", dir=account.place))
        builder = None if account.uid is None else initdb_uid()
        if builder is not None:
            os.chown(draft, builder, account.uid or 0)
        # `trust` asks for no password, of any role. Whoever can open the socket is in: that is the server's account and
        # root only, by the mode 0700 of the socket's folder and of the socket itself, and there is no other way in.
        options = ("--auth-local=trust", "--auth-host=reject", "--username=postgres", "--no-instructions")
        # The builtin locale sorts by code point, and the same on every system: no index breaks when libc changes.
        locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        arguments = (f"--pgdata={draft}", *options, *locale)
        if account.run("initdb", *arguments, output=log, timeout=START_SECONDS, uid=builder) != 0:
            shutil.rmtree(draft, ignore_errors=True)
            raise UnavailableError(self._explain("its data folder could not be made", before))
        if account.uid is not None:
            give(draft, account.uid, account.uid)
        draft.rename(self._data)
        descriptor = os.open(account.place, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)

    def _hand_over(self, account: Account) -> None:
        """Give the files to the account: they were restored from a copy, or an earlier start ran under another."""
        if os.geteuid() != 0:
            raise UnavailableError(
                f"{self._data} belongs to uid {self._data.stat().st_uid}, and this process runs as uid {os.geteuid()}. "
                f"Start the product as the owner, or change the owner: chown -R {os.geteuid()} {self._data}"
            )
        give(self._data, account.owner, account.uid or 0)

    def _start_server(self, account: Account, log: int, before: int) -> None:
        self._clear_leftovers()
        self._private(self._socket, account)
        options = {**OPTIONS, "unix_socket_directories": _as_list_item(str(self._socket))}
        line = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        for attempt in range(20):
            tried = self._log_size()
            if account.start(self._data, line, output=log, timeout=START_SECONDS) == 0:
                return
            if not any(reason in self._log_tail(tried) for reason in _RETRY) or running_postmaster(self._data):
                break
            time.sleep(0.1 * (attempt + 1))
        if running_postmaster(self._data) is None:
            raise UnavailableError(self._explain("the server ended at once", before))

    def _clear_leftovers(self) -> None:
        """Remove what a killed server left: PostgreSQL trusts a pid if its number is alive, as whatever process.

        Its other guard against two servers on one folder remains: the shared memory that a living one is attached to.
        """
        with suppress(psycopg.OperationalError):
            psycopg.connect(
                host=str(self._socket), port=PORT, user="postgres", dbname="postgres", connect_timeout=5
            ).close()
            raise UnavailableError(
                f"A PostgreSQL server that this process cannot see, in another container perhaps, uses {self._data}. "
                "Stop it, or run one server for both and set DATABASE_URL."
            )
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
            (self._socket / name).unlink(missing_ok=True)

    def _private(self, folder: Path, account: Account) -> None:
        """Make the socket's folder, or check that one which is there already is ours and closed to others."""
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
        public = folder.parent != self._data.parent  # there anybody could have made it before us
        if not stat.S_ISDIR(found.st_mode) or (public and found.st_uid not in (os.geteuid(), account.owner)):
            raise UnavailableError(f"{folder} belongs to somebody else. Remove it, or give DATA_DIR a shorter path.")
        if os.geteuid() == 0:
            os.chown(folder, account.owner, account.uid or 0, follow_symlinks=False)
        folder.chmod(0o700)

    def _leave(self) -> bool:
        self._users.leave()
        last = not self._users.anyone()
        if last:
            self._stop()
        return last

    def _stop(self) -> None:
        # SIGINT is PostgreSQL's fast shutdown, which ends sessions and writes a checkpoint. SIGQUIT skips it, and
        # the next start replays the log instead.
        for how, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10)):
            pid = running_postmaster(self._data)
            if pid is None:
                return
            with suppress(ProcessLookupError):
                os.kill(pid, how)
            if _wait_for(lambda: running_postmaster(self._data) is None, seconds):
                if self._socket.parent != self._data.parent:
                    with suppress(OSError):
                        self._socket.rmdir()
                return
        _log.error("the embedded PostgreSQL server on %s does not stop", self._data)

    def _log_size(self) -> int:
        return self.log_path.stat().st_size if self.log_path.exists() else 0

    def _log_tail(self, start: int) -> str:
        """The last lines of what was logged from byte `start` on."""
        if not self.log_path.exists():
            return ""
        with self.log_path.open("rb") as file:
            file.seek(start)
            lines = file.read(MAX_LOG_BYTES).decode(errors="replace").splitlines()
        return "\n".join(lines[-LOG_LINES:])

    def _explain(self, what: str, start: int) -> str:
        free = shutil.disk_usage(self._home).free // (1024 * 1024)
        return (
            f"The embedded PostgreSQL server does not start: {what}. Look for the reason in the last lines of "
            f"{self.log_path} and below, and start again; {free} MB are free on that disk. Or set DATABASE_URL to "
            f"another PostgreSQL server >= 15.\n{self._log_tail(start)}"
        )


def _as_list_item(path: str) -> str:
    """Quote a path for a setting that takes a list."""
    return '"' + path.replace('"', '""') + '"'


def _wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
