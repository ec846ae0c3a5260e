"""Vectors as bytes in the database's rows, and the exact search over them: numpy only.

This answers while an index is behind or being rebuilt. The scores are those of the index, without its approximation.
"""

from collections.abc import Sequence
from uuid import UUID

import numpy as np
import numpy.typing as npt

from chatbot_saas.adapters.vectors import DimensionError, Match, Vectors

STORED = np.dtype("<f4")  # little-endian whatever the machine: a dump may be restored elsewhere


def pack(vectors: npt.NDArray[np.floating]) -> bytes:
    """(windows, dimension) or (dimension,) to float32 bytes in C order: 4 x windows x dimension of them."""
    return np.ascontiguousarray(vectors, dtype=STORED).tobytes()


def unpack(data: bytes | memoryview, dimension: int) -> Vectors:
    """What `pack` made, as (windows, dimension); read-only and without a copy. Raises `DimensionError`."""
    flat = np.frombuffer(data, dtype=STORED)
    if dimension < 1 or flat.size % dimension:
        raise DimensionError(f"{flat.size} stored numbers do not make vectors of dimension {dimension}.")
    return flat.reshape(-1, dimension)


def exact_search(query: Vectors, rows: Sequence[tuple[UUID, bytes, int]], limit: int) -> list[Match]:
    """The `limit` rows nearest to `query`, best first; a row's score is its best window's cosine similarity.

    `query` has shape (dimension,) or (1, dimension); each row is (chunk id, packed vectors, dimension). Both are
    normalised already. Rows without a vector are left out. Raises `DimensionError` when a row's dimension is another.
    """
    wanted = np.asarray(query, dtype=np.float32).reshape(-1)
    filled = [(chunk_id, data, dimension) for chunk_id, data, dimension in rows if data]
    if limit < 1 or not filled:
        return []
    for _, data, dimension in filled:
        if dimension != wanted.size or len(data) % (4 * dimension):
            raise DimensionError(f"A row has vectors of dimension {dimension}, the question has {wanted.size}.")
    # One product over all windows at once: a product per row costs ten times as much for small rows.
    scores = unpack(b"".join(data for _, data, _ in filled), wanted.size) @ wanted
    windows = np.fromiter((len(data) for _, data, _ in filled), dtype=np.intp) // (4 * wanted.size)
    best = np.maximum.reduceat(scores, np.concatenate(([0], np.cumsum(windows)[:-1])))
    order: list[int] = np.argsort(-best, kind="stable")[:limit].tolist()
    return [Match(filled[position][0], float(best[position])) for position in order]
