"""Uploaded files, kept until their source is deleted: a port, so that services do not know where they lie."""

import re
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from chatbot_saas.core.errors import InvalidError, NotFoundError

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){0,7}")


class BlobNotFoundError(NotFoundError):
    """The stored file is gone."""

    code = "blob_not_found"


class BlobStore(Protocol):
    """Keys are names parted by slashes, such as `tenant/bot/source`. Nothing here blocks the event loop.

    Every method raises UnavailableError when the store cannot be reached or does not let us in.
    """

    async def put(self, key: str, path: Path) -> None:
        """Store a copy of the file at `path`. Once this returns it survives a power cut; before, the key keeps its old
        content or none."""
        ...

    def local_copy(self, key: str) -> AbstractAsyncContextManager[Path]:
        """A local file to read (never to change) while the context is open. Raises BlobNotFoundError."""
        ...

    async def exists(self, key: str) -> bool: ...

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


def checked(key: str) -> str:
    """The key. Raises InvalidError for one that could lead elsewhere."""
    if not _KEY.fullmatch(key):
        raise InvalidError("This is not a valid name for a stored file.")
    return key


def checked_prefix(prefix: str) -> str:
    if not prefix.endswith("/"):
        raise InvalidError("A prefix of stored files ends with a slash.")
    checked(prefix.removesuffix("/"))
    return prefix
