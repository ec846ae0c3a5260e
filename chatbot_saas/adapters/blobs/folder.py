"""Files in a folder of ours: the default, and what a `file:` address names."""

import asyncio
import errno
import os
import secrets
import shutil
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from chatbot_saas.adapters.blobs import BlobNotFoundError, checked, checked_prefix
from chatbot_saas.core.errors import UnavailableError

_TEMPORARY = ".part-"  # keys cannot begin a name with a point, so no key is ever taken for one
_TEMPORARY_LIFE = 3600.0  # seconds after which what a killed process was writing is swept
_TRIES = 10
"""Of a file whose folder is removed while it is written; each of them needs another removal to fail."""
_DIRECTORY_MODE, _FILE_MODE = 0o700, 0o600


class FolderBlobs:
    """Files below `root`, which only this user can enter."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, key: str, path: Path) -> None:
        await asyncio.to_thread(self._put, self._root / checked(key), path)

    @asynccontextmanager
    async def local_copy(self, key: str) -> AsyncGenerator[Path, None]:
        path = self._root / checked(key)
        if not await asyncio.to_thread(path.is_file):
            raise BlobNotFoundError
        try:
            yield path
        except FileNotFoundError as error:
            if path.is_file():
                raise
            raise BlobNotFoundError from error  # deleted since

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread((self._root / checked(key)).is_file)

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(self._delete, self._root / checked(key))

    async def delete_prefix(self, prefix: str) -> None:
        await asyncio.to_thread(self._delete_folder, self._root / checked_prefix(prefix))

    async def keys(self, prefix: str = "") -> list[str]:
        return await asyncio.to_thread(self._keys, checked_prefix(prefix) if prefix else "")

    async def age_seconds(self, key: str) -> float:
        try:
            stat = await asyncio.to_thread((self._root / checked(key)).stat)
        except FileNotFoundError:
            return 0.0
        return max(0.0, time.time() - stat.st_mtime)

    async def check(self) -> None:
        try:
            await asyncio.to_thread(self._check)
        except OSError as error:
            raise UnavailableError("Files cannot be stored now.") from error

    def _put(self, target: Path, source: Path) -> None:
        with source.open("rb") as data:
            for tries_left in range(_TRIES - 1, -1, -1):
                try:
                    self._write(target, data)
                    return
                except (FileNotFoundError, FileExistsError):  # somebody makes and deletes what is beside it
                    if not tries_left:
                        raise
                    data.seek(0)

    def _write(self, target: Path, data: BinaryIO) -> None:
        self._make_folder(target.parent)
        temporary = target.parent / f"{_TEMPORARY}{secrets.token_hex(8)}"
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
            with os.fdopen(handle, "wb") as out:
                shutil.copyfileobj(data, out, 1024 * 1024)
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)

    def _make_folder(self, folder: Path) -> None:
        """Make the folder and those above it, and write down each new name, so that a file in them is found again."""
        made: list[Path] = []
        while not folder.is_dir():
            made.append(folder)
            folder = folder.parent
        for folder in reversed(made):
            folder.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)
            _sync_folder(folder.parent)

    def _delete(self, path: Path) -> None:
        with suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
            _sync_folder(path.parent)  # the folder stays, or another file could lose it while it is being written

    def _delete_folder(self, folder: Path) -> None:
        """What is there now; a folder that gets a file meanwhile stays."""
        for inner, _, names in os.walk(folder, topdown=False, onerror=_unless_gone):
            for name in names:
                (Path(inner) / name).unlink(missing_ok=True)
            try:
                Path(inner).rmdir()
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
                    raise
        with suppress(FileNotFoundError):
            _sync_folder(folder.parent)

    def _keys(self, prefix: str) -> list[str]:
        """Also removes what a process was writing when it was killed."""
        found: list[str] = []
        for folder, _, names in os.walk(self._root / prefix):
            for name in names:
                path = Path(folder) / name
                if not name.startswith(_TEMPORARY):
                    found.append(path.relative_to(self._root).as_posix())
                    continue
                with suppress(FileNotFoundError):
                    if time.time() - path.stat().st_mtime > _TEMPORARY_LIFE:
                        path.unlink()
        return sorted(found)

    def _check(self) -> None:
        self._make_folder(self._root)
        probe = self._root / f"{_TEMPORARY}{secrets.token_hex(8)}"
        try:
            probe.write_bytes(b"probe")
        finally:
            probe.unlink(missing_ok=True)


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
