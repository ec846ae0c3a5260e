"""Files in an object store, or at any other address that fsspec understands.

A kill in the middle of a write leaves no half file: an object store shows a key once all of it is there. What it was
sent of a large file in parts stays behind unseen; a rule of the bucket ends such uploads (docs/operations.md).
"""
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import fsspec

from chatbot_saas.adapters.blobs import BlobNotFoundError, checked, checked_prefix
from chatbot_saas.core.errors import DomainError, InvalidError, UnavailableError
from chatbot_saas.core.logging import get_logger

R = TypeVar("R")
log = get_logger(__name__)
THREADS = 8  # of its own: a store that hangs must not hold up what else leaves the event loop
CONNECT_SECONDS, READ_SECONDS = 3, 20
TRIES = 3
PART_BYTES = 8 * 1024 * 1024  # a file of two parts or more is sent part by part, and never in memory as a whole
S3_OPTIONS = ("endpoint_url", "region", "addressing_style")


class RemoteBlobs:
    """Any fsspec address."""

    def __init__(self, files: Any, root: str) -> None:
        """`files` is an fsspec file system that caches no listings; `root` the path in it below which keys lie."""
        self._files = files
        self._root = root.rstrip("/")
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="blobs")

    async def put(self, key: str, path: Path) -> None:
        try:
            await self._run(self._put, self._path(key), path)
        except FileNotFoundError:
            await self._require_root()
            raise

    @asynccontextmanager
    async def local_copy(self, key: str) -> AsyncGenerator[Path, None]:
        remote = self._path(key)
        with tempfile.TemporaryDirectory(prefix="blob-") as folder:
            path = Path(folder) / "file"
            try:
                await self._run(self._files.get_file, remote, str(path))
            except FileNotFoundError:
                await self._require_root()
                raise BlobNotFoundError from None
            yield path

    async def exists(self, key: str) -> bool:
        try:
            found: dict[str, Any] = await self._run(self._files.info, self._path(key))
        except FileNotFoundError:
            await self._require_root()
            return False
        return found.get("type") == "file"

    async def delete(self, key: str) -> None:
        try:
            await self._run(self._files.rm_file, self._path(key))
        except FileNotFoundError:
            await self._require_root()

    async def delete_prefix(self, prefix: str) -> None:
        folder = self._path(checked_prefix(prefix).removesuffix("/"))
        try:
            await self._run(self._files.rm, folder, recursive=True)
        except FileNotFoundError:
            await self._require_root()

    async def keys(self, prefix: str = "") -> list[str]:
        folder = self._path(checked_prefix(prefix).removesuffix("/")) if prefix else self._root
        found: list[str] = []
        with suppress(FileNotFoundError):
            found = await self._run(self._files.find, folder)
        if not found:
            await self._require_root()
        return sorted(str(path)[len(self._root) + 1 :] for path in found)

    async def age_seconds(self, key: str) -> float:
        try:
            modified: datetime = await self._run(self._files.modified, self._path(key))
        except FileNotFoundError:
            await self._require_root()
            return 0.0
        aware = modified if modified.tzinfo else modified.replace(tzinfo=UTC)
        return max(0.0, (datetime.now(UTC) - aware).total_seconds())

    async def check(self) -> None:
        with suppress(FileNotFoundError):  # an empty store
            await self._run(self._files.ls, self._root)

    async def _require_root(self) -> None:
        """What is not there is not there, unless the whole store is not: then nobody knows."""

    def _path(self, key: str) -> str:
        return f"{self._root}/{checked(key)}"

    def _put(self, remote: str, path: Path) -> None:
        self._files.makedirs(remote.rsplit("/", 1)[0], exist_ok=True)
        self._files.put_file(str(path), remote)

    async def _run(self, work: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        """On a thread of ours; what goes wrong there is UnavailableError, but for what is not found."""

        def told() -> R:
            try:
                return work(*args, **kwargs)
            except (FileNotFoundError, DomainError):
                raise
            except PermissionError as error:
                log.warning("blob_store_refused", error=repr(error))
                raise UnavailableError("The file store refuses the server's credentials.") from error
            except Exception as error:  # each file system has errors of its own
                log.warning("blob_store_failed", error=repr(error))
                raise UnavailableError("The file store cannot be reached now. Try again in a moment.") from error

        return await asyncio.get_running_loop().run_in_executor(self._threads, told)


class S3Blobs(RemoteBlobs):
    """A bucket of S3 or of anything that speaks its language."""

    async def check(self) -> None:
        await self._require_root()

    async def _require_root(self) -> None:
        bucket, _, folder = self._root.partition("/")
        try:
            await self._run(self._files.call_s3, "list_objects_v2", Bucket=bucket, Prefix=folder, MaxKeys=1)
        except FileNotFoundError as error:
            raise UnavailableError("The bucket of BLOB_URL does not exist.") from error

    def _put(self, remote: str, path: Path) -> None:
        self._files.put_file(str(path), remote, chunksize=PART_BYTES)  # there are no folders to make


def open_remote(url: str) -> RemoteBlobs:
    """The store at an address such as s3://bucket/folder. Raises InvalidError for one that cannot be right."""
    if url.startswith("s3:"):
        return _open_s3(url)
    opened: Any = fsspec.core.url_to_fs(url)
    return RemoteBlobs(opened[0], str(opened[1]))


def _open_s3(url: str) -> S3Blobs:
    """`s3://bucket/folder?endpoint_url=https://...&region=...`

    Credentials come from the environment, as S3's own tools take them, never from the address: it stands in logs.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    if not parts.netloc or "@" in parts.netloc or set(options) - set(S3_OPTIONS):
        raise InvalidError(
            "BLOB_URL must look like s3://bucket/folder?endpoint_url=https://s3.example.com&region=eu-central-1; the "
            "credentials go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    elsewhere = "endpoint_url" in options
    config: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retries": {"max_attempts": 0},  # s3fs tries again by itself
        "s3": {"addressing_style": options.get("addressing_style", "path" if elsewhere else "auto")},
    }
    if elsewhere:  # others than AWS know the older checksums only
        config |= {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}
    files: Any = fsspec.filesystem(
        "s3",
        endpoint_url=options.get("endpoint_url"),
        client_kwargs={"region_name": options["region"]} if "region" in options else {},
        config_kwargs=config,
        use_listings_cache=False,  # other processes write, too
        skip_instance_cache=True,
    )
    files.retries = TRIES
    return S3Blobs(files, f"{parts.netloc}{parts.path}")
