"""Uploaded files, kept until their source is deleted: a folder of ours by default, any fsspec address by BLOB_URL."""
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import fsspec

from chatbot_saas.core.errors import InvalidError, NotFoundError, UnavailableError

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){0,7}")
_TEMPORARY = ".part-"  # keys cannot begin a name with a point, so no key is ever taken for one
_TEMPORARY_LIFE = 3600.0  # seconds after which what a killed process was writing is swept
_DIRECTORY_MODE, _FILE_MODE = 0o700, 0o600


class BlobNotFoundError(NotFoundError):
    """The stored file is gone."""

    code = "blob_not_found"


class BlobStore(Protocol):
    """Keys are names parted by slashes, such as `tenant/bot/source`. Nothing here blocks the event loop."""

    async def put(self, key: str, path: Path) -> None:
        """Store a copy of the file at `path`. Once this returns it survives a power cut; before, the key keeps its old
        content or none."""
        ...

    def local_copy(self, key: str) -> AbstractAsyncContextManager[Path]:
        """A local file to read (never to change) while the context is open. Raises BlobNotFoundError."""
        ...

    async def delete(self, key: str) -> None:
        """Remove; nothing happens if it is not there."""
        ...

    async def delete_prefix(self, prefix: str) -> None:
        """Remove every key that begins with `prefix`, which ends with a slash."""
        ...

    async def keys(self, prefix: str = "") -> list[str]:
        """All keys that begin with `prefix`, sorted."""
        ...

    async def age_seconds(self, key: str) -> float:
        """Seconds since it was stored; 0 if it is not there."""
        ...

    async def check(self) -> None:
        """Raises UnavailableError if nothing can be stored now."""
        ...


def blob_store(url: str, data_dir: Path) -> BlobStore:
    """The store for BLOB_URL: empty or a `file:` address is a folder, anything else is opened by fsspec."""
    if not url:
        return FolderBlobs(data_dir / "blobs")
    if url.startswith("file:"):
        return FolderBlobs(Path(unquote(urlsplit(url).path)))
    return RemoteBlobs(url)


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise InvalidError("This is not a valid name for a stored file.")
    return key


def _checked_prefix(prefix: str) -> str:
    if not prefix.endswith("/"):
        raise InvalidError("A prefix of stored files ends with a slash.")
    _checked(prefix.removesuffix("/"))
    return prefix


class FolderBlobs:
    """Files below `root`, which only this user can enter."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, key: str, path: Path) -> None:
        await asyncio.to_thread(self._put, self._root / _checked(key), path)

    @asynccontextmanager
    async def local_copy(self, key: str) -> AsyncGenerator[Path, None]:
        path = self._root / _checked(key)
        if not await asyncio.to_thread(path.is_file):
            raise BlobNotFoundError
        yield path

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(self._delete, self._root / _checked(key))

    async def delete_prefix(self, prefix: str) -> None:
        await asyncio.to_thread(self._delete_folder, self._root / _checked_prefix(prefix))

    async def keys(self, prefix: str = "") -> list[str]:
        return await asyncio.to_thread(self._keys, _checked_prefix(prefix) if prefix else "")

    async def age_seconds(self, key: str) -> float:
        try:
            stat = await asyncio.to_thread((self._root / _checked(key)).stat)
        except FileNotFoundError:
            return 0.0
        return max(0.0, time.time() - stat.st_mtime)

    async def check(self) -> None:
        try:
            await asyncio.to_thread(self._check)
        except OSError as error:
            raise UnavailableError("Files cannot be stored now.") from error

    def _put(self, target: Path, source: Path) -> None:
        self._make_folder(target.parent)
        temporary = target.parent / f"{_TEMPORARY}{secrets.token_hex(8)}"
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
            with os.fdopen(handle, "wb") as out, source.open("rb") as data:
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
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return
        _sync_folder(path.parent)  # the folder stays, or another file could lose it while it is being written

    def _delete_folder(self, folder: Path) -> None:
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
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


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class RemoteBlobs:
    """An fsspec address such as s3://bucket/folder. Object stores write a key whole or not at all."""

    def __init__(self, url: str) -> None:
        opened: Any = fsspec.core.url_to_fs(url)
        self._files = opened[0]
        self._root = str(opened[1]).rstrip("/")

    async def put(self, key: str, path: Path) -> None:
        await asyncio.to_thread(self._put, self._path(key), path)

    @asynccontextmanager
    async def local_copy(self, key: str) -> AsyncGenerator[Path, None]:
        remote = self._path(key)
        with tempfile.TemporaryDirectory(prefix="blob-") as folder:
            path = Path(folder) / "file"
            try:
                await asyncio.to_thread(self._files.get_file, remote, str(path))
            except FileNotFoundError:
                raise BlobNotFoundError from None
            yield path

    async def delete(self, key: str) -> None:
        with suppress(FileNotFoundError):
            await asyncio.to_thread(self._files.rm_file, self._path(key))

    async def delete_prefix(self, prefix: str) -> None:
        folder = self._path(_checked_prefix(prefix).removesuffix("/"))
        with suppress(FileNotFoundError):
            await asyncio.to_thread(self._files.rm, folder, recursive=True)

    async def keys(self, prefix: str = "") -> list[str]:
        folder = self._path(_checked_prefix(prefix).removesuffix("/")) if prefix else self._root
        try:
            found: list[str] = await asyncio.to_thread(self._files.find, folder)
        except FileNotFoundError:
            return []
        return sorted(str(path)[len(self._root) + 1 :] for path in found)

    async def age_seconds(self, key: str) -> float:
        try:
            modified: datetime = await asyncio.to_thread(self._files.modified, self._path(key))
        except FileNotFoundError:
            return 0.0
        aware = modified if modified.tzinfo else modified.replace(tzinfo=UTC)
        return max(0.0, (datetime.now(UTC) - aware).total_seconds())

    async def check(self) -> None:
        try:
            await asyncio.to_thread(self._files.find, self._root, maxdepth=1)
        except FileNotFoundError:
            return  # an empty store
        except Exception as error:  # each file system has errors of its own
            raise UnavailableError("Files cannot be stored now.") from error

    def _path(self, key: str) -> str:
        return f"{self._root}/{_checked(key)}"

    def _put(self, remote: str, path: Path) -> None:
        self._files.makedirs(remote.rsplit("/", 1)[0], exist_ok=True)
        self._files.put_file(str(path), remote)
