"""The vector store on ChromaDB: one collection per bot and embedder, one record per window.

`sync_threshold` is 1: every write is in the index's files when it returns. With any higher value Chroma 1.5.9 keeps the
last writes in memory and in a queue that it reads back once per process only; when such an index leaves the cache, its
queries fail ("Nothing found on disk") or, worse, silently miss the last vectors. Figures: docs/decisions/0003.
"""

import asyncio
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import httpx
import numpy as np
from chromadb import Collection as ChromaCollection
from chromadb.api.client import Client
from chromadb.errors import ChromaError, NotFoundError, UniqueConstraintError

from chatbot_saas.adapters.vectors import DimensionError, IndexBehindError, IndexName, Match, VectorItem, Vectors
from chatbot_saas.adapters.vectors.engines import Engine
from chatbot_saas.core.errors import UnavailableError

P = ParamSpec("P")
R = TypeVar("R")

READERS = 4  # a query holds Python's lock for about a third of its time; more threads gain nothing
HANDLES = 4096  # a handle is some kB; without one a query costs another round trip
WINDOWS_PER_WRITE = 250  # about 0.1 s: writes of several bots take turns
CHUNKS_PER_DELETE = 100
WINDOWS_PER_CHUNK = 4  # how many windows are asked for at first for each chunk that is wanted
CONFIGURATION: Any = {"hnsw": {"space": "cosine", "sync_threshold": 1, "batch_size": 1}}
DAMAGE = ("hnsw", "backfill", "log chunk", "nothing found on disk", "pickle")


class ChromaVectors:
    """Implements `VectorStore` on either engine. Nothing of Chroma runs on the event loop.

    Queries have a few threads. Writes have one: Chroma applies them one by one anyway, and in this way a long import
    never takes a thread from a question.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="vectors-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="vectors-write")
        self._guard = threading.Lock()
        self._client: Client | None = None
        self._handles: OrderedDict[str, ChromaCollection] = OrderedDict()
        self._closed = False

    # --- the port

    async def upsert(self, index: IndexName, items: Sequence[VectorItem]) -> None:
        for item in items:
            if item.vectors.ndim != 2 or item.vectors.shape[1] != index.dimension:
                raise DimensionError(
                    f"The index holds vectors of dimension {index.dimension}, not the shape {item.vectors.shape}."
                )
        for batch in _batches(items):
            await self._write(self._upsert, index, batch)

    async def query(self, index: IndexName, vector: Vectors, limit: int) -> list[Match]:
        flat = np.asarray(vector, dtype=np.float32).reshape(-1)
        if flat.size != index.dimension:
            raise DimensionError(
                f"The index holds vectors of dimension {index.dimension}, the question has {flat.size}."
            )
        if limit < 1:
            return []
        return await self._read(self._query, index, flat, limit)

    async def delete(self, index: IndexName, chunk_ids: Collection[UUID]) -> None:
        wanted = [str(chunk_id) for chunk_id in chunk_ids]
        for start in range(0, len(wanted), CHUNKS_PER_DELETE):
            await self._write(self._delete, index, wanted[start : start + CHUNKS_PER_DELETE])

    async def drop(self, index: IndexName) -> None:
        await self._write(self._drop, [collection_name(index)])

    async def drop_bot(self, bot_id: UUID) -> None:
        names = [collection_name(index) for index in await self.indexes() if index.bot_id == bot_id]
        await self._write(self._drop, names)

    async def chunk_ids(self, index: IndexName) -> set[UUID]:
        return await self._read(self._chunk_ids, index)

    async def indexes(self) -> list[IndexName]:
        return await self._read(self._indexes)

    async def held(self, index: IndexName, chunk_ids: Collection[UUID]) -> int:
        wanted = [str(chunk_id) for chunk_id in chunk_ids]
        batches = (wanted[start : start + CHUNKS_PER_DELETE] for start in range(0, len(wanted), CHUNKS_PER_DELETE))
        return sum([await self._read(self._held, index, batch) for batch in batches])

    async def count(self, index: IndexName) -> int:
        return await self._read(self._count, index)

    async def compact(self) -> None:
        await self._write(self._engine.compact)

    async def check(self) -> None:
        await self._read(lambda: self._chroma().count_collections())

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._close)

    # --- threads

    async def _read(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._on(self._readers, lambda: work(*args, **kwargs))

    async def _write(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._on(self._writer, lambda: work(*args, **kwargs))

    async def _on(self, pool: ThreadPoolExecutor, work: Callable[[], R]) -> R:
        if self._closed:
            raise UnavailableError("The vector store is closed.")

        def translated() -> R:
            with _domain_errors():
                return work()

        return await asyncio.get_running_loop().run_in_executor(pool, translated)

    def _close(self) -> None:
        self._readers.shutdown()
        self._writer.shutdown()
        self._handles.clear()
        if self._client is not None:
            self._client.close()
            self._client = None
        self._engine.release()

    # --- what runs on the threads

    def _chroma(self) -> Client:
        with self._guard:
            if self._client is None:
                self._client = self._engine.open()
            return self._client

    def _handle(self, name: str) -> ChromaCollection | None:
        """The opened collection, or None. A query of a hot bot pays no look-up by name."""
        with self._guard:
            if known := self._handles.get(name):
                self._handles.move_to_end(name)
                return known
        try:
            found = self._chroma().get_collection(name, embedding_function=None)
        except NotFoundError:
            return None
        return self._remember(name, found)

    def _remember(self, name: str, handle: ChromaCollection) -> ChromaCollection:
        with self._guard:
            self._handles[name] = handle
            while len(self._handles) > HANDLES:
                self._handles.popitem(last=False)
        return handle

    def _forget(self, name: str) -> None:
        with self._guard:
            self._handles.pop(name, None)

    def _with_handle(self, index: IndexName, work: Callable[[ChromaCollection], R], missing: R) -> R:
        """`work` on the collection, or `missing`. Another process may have made it anew: then it is looked up again."""
        name = collection_name(index)
        for _ in range(2):
            handle = self._handle(name)
            if handle is None:
                break
            try:
                return work(handle)
            except NotFoundError:
                self._forget(name)
        return missing

    def _create(self, index: IndexName) -> ChromaCollection:
        name = collection_name(index)
        metadata = {"bot_id": str(index.bot_id), "embedder": index.embedder, "dimension": index.dimension}
        try:
            made = self._chroma().create_collection(
                name, configuration=CONFIGURATION, metadata=metadata, embedding_function=None
            )
        except UniqueConstraintError:  # another process was faster; upserting over what it wrote is right
            made = self._chroma().get_collection(name, embedding_function=None)
        return self._remember(name, made)

    def _upsert(self, index: IndexName, items: Sequence[VectorItem]) -> None:
        ids = [f"{item.chunk_id}:{window}" for item in items for window in range(len(item.vectors))]
        metadatas: Any = [{"chunk_id": str(item.chunk_id)} for item in items for _ in item.vectors]
        embeddings = np.concatenate([item.vectors for item in items]).astype(np.float32, copy=False)
        # Windows are numbered without gaps, so one more look-up per chunk tells whether older ones would stay behind.
        beyond = [f"{item.chunk_id}:{len(item.vectors)}" for item in items]

        def work(collection: ChromaCollection) -> bool:
            stale = {found.rpartition(":")[0] for found in collection.get(ids=beyond, include=[])["ids"]}
            if (
                collection.count() == 1
            ):  # Chroma 1.5.9 does not write a new value of an index's only vector to its files
                stale |= {str(item.chunk_id) for item in items}
            if stale:
                with self._engine.writing(collection.id):
                    collection.delete(where=_any_of(sorted(stale)))
            with self._engine.writing(collection.id):
                collection.upsert(ids=ids, embeddings=embeddings, metadatas=metadatas)
            return True

        if self._with_handle(index, work, missing=False):
            return
        try:  # a new collection has nothing to keep or to replace
            self._create(index).upsert(ids=ids, embeddings=embeddings, metadatas=metadatas)
        except NotFoundError as error:
            raise UnavailableError("The bot's index was removed while it was written. Write it again.") from error

    def _query(self, index: IndexName, vector: Vectors, limit: int) -> list[Match]:
        return self._with_handle(index, lambda collection: _nearest(collection, vector, limit), missing=[])

    def _delete(self, index: IndexName, chunk_ids: list[str]) -> None:
        def work(collection: ChromaCollection) -> None:
            with self._engine.writing(collection.id):
                collection.delete(where=_any_of(chunk_ids))

        self._with_handle(index, work, missing=None)

    def _held(self, index: IndexName, chunk_ids: list[str]) -> int:
        def work(collection: ChromaCollection) -> int:
            return len(collection.get(where=_any_of(chunk_ids), include=[])["ids"])

        return self._with_handle(index, work, missing=0)

    def _drop(self, names: list[str]) -> None:
        dropped = False
        for name in names:
            self._forget(name)
            try:
                self._chroma().delete_collection(name)
                dropped = True
            except NotFoundError:
                continue
        if dropped:
            self._engine.dropped()

    def _chunk_ids(self, index: IndexName) -> set[UUID]:
        ids = self._with_handle(index, lambda collection: collection.get(include=[])["ids"], missing=[])
        return {UUID(found) for found in {name.rpartition(":")[0] for name in ids}}

    def _count(self, index: IndexName) -> int:
        return self._with_handle(index, lambda collection: collection.count(), missing=0)

    def _indexes(self) -> list[IndexName]:
        names = (index_name(collection.metadata) for collection in self._chroma().list_collections())
        return [name for name in names if name is not None]


def collection_name(index: IndexName) -> str:
    """Chroma allows few characters in a name, so the embedder goes in as a hash; metadata keeps it in full."""
    embedder = hashlib.sha256(f"{index.embedder}/{index.dimension}".encode()).hexdigest()[:12]
    return f"bot-{index.bot_id.hex}-{embedder}"


def index_name(metadata: Any) -> IndexName | None:
    """What `collection_name` hides, from the collection's metadata; None for a collection that is not ours."""
    try:
        return IndexName(UUID(metadata["bot_id"]), str(metadata["embedder"]), int(metadata["dimension"]))
    except (TypeError, KeyError, ValueError):
        return None


def _any_of(chunk_ids: list[str]) -> Any:
    return {"chunk_id": {"$in": chunk_ids}}


def _nearest(collection: ChromaCollection, vector: Vectors, limit: int) -> list[Match]:
    """Ask for more windows until `limit` different chunks are among them, or there are no more."""
    fetch = limit * WINDOWS_PER_CHUNK
    while True:
        result = collection.query(query_embeddings=[vector], n_results=fetch, include=["distances"])
        ids, distances = result["ids"][0], (result["distances"] or [[]])[0]
        best: dict[str, float] = {}
        for found, distance in zip(ids, distances, strict=True):
            best.setdefault(found.rpartition(":")[0], 1.0 - distance)  # nearest first: the first is the best window
        if len(best) >= limit or len(ids) < fetch:
            return [Match(UUID(chunk_id), score) for chunk_id, score in list(best.items())[:limit]]
        fetch *= 4


def _batches(items: Sequence[VectorItem]) -> Iterator[list[VectorItem]]:
    """Groups of about `WINDOWS_PER_WRITE` windows; a chunk's stay together. Chunks without vectors are left out."""
    batch: list[VectorItem] = []
    windows = 0
    for item in items:
        if batch and windows + len(item.vectors) > WINDOWS_PER_WRITE:
            yield batch
            batch, windows = [], 0
        if len(item.vectors):
            batch.append(item)
            windows += len(item.vectors)
    if batch:
        yield batch


@contextmanager
def _domain_errors() -> Generator[None]:
    try:
        yield
    except ChromaError as error:
        if any(sign in str(error).lower() for sign in DAMAGE):
            raise IndexBehindError from error
        raise UnavailableError("The vector store failed. Try again in a moment.") from error
    except (httpx.HTTPError, ConnectionError) as error:
        raise UnavailableError("The vector store cannot be reached. Check CHROMA_URL.") from error
