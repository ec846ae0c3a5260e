"""The embedded server's life: real processes, really killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, make_url, text

from chatbot_saas.adapters.postgres import EmbeddedPostgres
from chatbot_saas.adapters.postgres.process import running_postmaster
from chatbot_saas.adapters.postgres.server import SOCKET_NAME
from chatbot_saas.core.errors import UnavailableError
from tests.adapters.postgres_fixtures import (
    Other,
    answer,
    children,
    empty,
    folder,
    mode,
    postmaster,
    prepared,
    wait_until,
)

__all__ = ["empty", "folder", "prepared"]


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
