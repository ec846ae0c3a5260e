"""The vector index of each bot: a port, so that services know no vendor.

Rules of retrieval, for every implementation:

- The chunk rows in the database are the truth and keep their vectors (`exact.pack`). An index may be lost at any moment
  and is rebuilt from the rows without a model call; nothing is kept here that is not in a row.
- One index per bot and embedder. It is searched with that embedder's vectors only; a new embedder builds a new index
  beside the old one.
- A chunk longer than the embedder's window has several vectors; its score is its best window's.
- Results are ids and scores. Text is read from the database under its policies, so a stale vector shows nothing.
- Writes are idempotent. When a write returns, it survives `kill -9`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import numpy as np
import numpy.typing as npt

from chatbot_saas.core.errors import InvalidError, UnavailableError

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class IndexName:
    """Names one index: a bot's vectors made by one embedder."""

    bot_id: UUID
    embedder: str
    dimension: int


@dataclass(frozen=True, slots=True)
class VectorItem:
    """All vectors of one chunk. `vectors` has shape (windows, dimension), at least one window, rows L2-normalised."""

    chunk_id: UUID
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Match:
    """A chunk that was found. `score` is the cosine similarity of its best window, from -1 to 1."""

    chunk_id: UUID
    score: float


class DimensionError(InvalidError):
    """The vectors do not have the dimension of the index. The index belongs to another embedder."""

    code = "vector_dimension"


class IndexBehindError(UnavailableError):
    """The bot's index cannot answer now. Search the rows' vectors, drop the index and build it again from the rows."""

    code = "index_behind"


class VectorStore(Protocol):
    """Every method raises `UnavailableError` when the store cannot be reached."""

    async def upsert(self, index: IndexName, items: Sequence[VectorItem]) -> None:
        """Write all windows of each chunk; windows that a chunk no longer has disappear. Creates the index.

        Raises `DimensionError`, and `IndexBehindError` when the index is damaged. Idempotent.
        """
        ...

    async def query(self, index: IndexName, vector: Vectors, limit: int) -> list[Match]:
        """The `limit` nearest chunks, best first, one match per chunk; [] when the index does not exist or is empty.

        `vector` has shape (dimension,) or (1, dimension). Raises `DimensionError`, and `IndexBehindError` when the
        index is damaged.
        """
        ...

    async def delete(self, index: IndexName, chunk_ids: Collection[UUID]) -> None:
        """Remove all windows of these chunks. Unknown ones are ignored."""
        ...

    async def drop(self, index: IndexName) -> None:
        """Remove the index and its files. Idempotent."""
        ...

    async def drop_bot(self, bot_id: UUID) -> None:
        """Remove every index of the bot. Idempotent."""
        ...

    async def chunk_ids(self, index: IndexName) -> set[UUID]:
        """The chunks that are in the index, for the sweep that compares it with the rows."""
        ...

    async def indexes(self) -> list[IndexName]:
        """Every index there is, of all tenants."""
        ...

    async def held(self, index: IndexName, chunk_ids: Collection[UUID]) -> int:
        """Number of vectors (not chunks) that the index holds of these chunks."""
        ...

    async def count(self, index: IndexName) -> int:
        """Number of vectors (not chunks); 0 when the index does not exist."""
        ...

    async def compact(self) -> None:
        """Give the disk space of what was deleted back. Slow and blocks writers: for the nightly sweep."""
        ...

    async def check(self) -> None:
        """Raises `UnavailableError`."""
        ...

    async def close(self) -> None: ...
