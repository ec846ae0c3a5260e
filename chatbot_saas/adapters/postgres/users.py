"""Which processes use the server now. The kernel keeps the list: a lock ends with its process, however that ends."""

import fcntl
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(path: Path) -> Generator[None]:
    """Hold the lock file at `path`; others wait. What is done under it has time limits, so the wait has an end."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class Users:
    """A folder with one locked file per user. Call every method under the server's `exclusive` lock.

    A pid in a file would not do: after a kill -9 its number can belong to somebody else, and pids mean nothing across
    containers. Python opens files close-on-exec, so the server that we start does not inherit the lock and does not
    count as its own user.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mine: tuple[int, int, Path] | None = None  # of which process, descriptor, path

    @property
    def joined(self) -> bool:
        """True between `join` and `leave`; not in a forked child, which has only a copy of this object."""
        return self._mine is not None and self._mine[0] == os.getpid()

    def join(self) -> None:
        """Count this process as a user until `leave` or its end. More than once is as good as once."""
        if self.joined:
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / f"{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        self._mine = (os.getpid(), descriptor, path)

    def leave(self) -> None:
        if self._mine and self.joined:
            _, descriptor, path = self._mine
            self._mine = None
            path.unlink(missing_ok=True)
            os.close(descriptor)

    def anyone(self) -> bool:
        """True if a living process is a user. The files of dead ones are removed on the way."""
        living = False
        for path in self._folder.glob("*"):
            descriptor = os.open(path, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            except BlockingIOError:
                living = True
            finally:
                os.close(descriptor)
        return living
