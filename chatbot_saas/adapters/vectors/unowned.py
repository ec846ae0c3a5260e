"""For a process that leaves the vector index to another one: a folder has one owner, and without CHROMA_URL that is the
web process."""

from collections.abc import Collection, Sequence
from uuid import UUID

from chatbot_saas.adapters.vectors import IndexName, Match, VectorItem
from chatbot_saas.adapters.vectors.exact import Vectors
from chatbot_saas.core.errors import UnavailableError


class UnownedError(UnavailableError):
    """This process does not own the vector index. Set CHROMA_URL to share one between processes."""


class UnownedVectors:
    """A store that refuses everything; jobs that would need it are in a queue that this process does not take."""

    async def upsert(self, index: IndexName, items: Sequence[VectorItem]) -> None:
        raise UnownedError

    async def query(self, index: IndexName, vector: Vectors, limit: int) -> list[Match]:
        raise UnownedError

    async def delete(self, index: IndexName, chunk_ids: Collection[UUID]) -> None:
        raise UnownedError

    async def drop(self, index: IndexName) -> None:
        raise UnownedError

    async def drop_bot(self, bot_id: UUID) -> None:
        raise UnownedError

    async def chunk_ids(self, index: IndexName) -> set[UUID]:
        raise UnownedError

    async def indexes(self) -> list[IndexName]:
        raise UnownedError

    async def held(self, index: IndexName, chunk_ids: Collection[UUID]) -> int:
        raise UnownedError

    async def count(self, index: IndexName) -> int:
        raise UnownedError

    async def compact(self) -> None:
        raise UnownedError

    async def check(self) -> None:
        raise UnownedError

    async def close(self) -> None:
        return None
