"""The embedding model that needs no key: all-MiniLM-L6-v2 through onnxruntime, on one thread a session.

The model reads 256 tokens. A longer text becomes several overlapping windows of equal length, each a vector of its own.
Documents are work for a processor, so they go to another process; a query (some milliseconds) goes to a thread here.
"""

# onnxruntime is untyped:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from chatbot_saas.adapters.embeddings import Embedded, Vectors
from chatbot_saas.adapters.model_files import MINILM, MODEL_FILE, TOKENIZER_FILE, minilm_dir
from chatbot_saas.adapters.processes import MIB, WorkerPool

DIMENSION = 384
WINDOW = 254  # the 256 that the model was trained to read, less the marks of beginning and end
OVERLAP = 32
ROWS = 4  # windows computed at once; more only spill out of the processor's cache (measured: 16 is a fifth slower)
QUERY_CHARACTERS = 4_000
MEMORY = 1024 * MIB  # address space; 150 MB of it are used
TIMEOUT = 300.0  # seconds for one portion of documents, which normally takes less than one
PORTION = 6_000
"""Bytes of text in one job of the process: some 1,500 tokens of any language. Tenants take turns between portions, so a
single line waits for no more than this of another's thousand pages."""


class OfflineEmbedder:
    name = MINILM
    dimension = DIMENSION
    batch_size = 16  # a batch takes some seconds, after which a caller can report progress or stop

    def __init__(self, models_dir: Path, processes: WorkerPool | None = None) -> None:
        """Without `processes`, documents share one thread of this process with each other, not with queries."""
        self._folder = str(minilm_dir(models_dir))
        self._processes = processes
        self._queries = ThreadPoolExecutor(1, "embed-query")
        self._documents = ThreadPoolExecutor(1, "embed-documents")

    async def embed_documents(self, texts: Sequence[str]) -> Embedded:
        started = time.perf_counter()
        if self._processes:
            done = await self._in_portions(self._processes, texts)
        else:
            loop = asyncio.get_running_loop()
            done = await loop.run_in_executor(self._documents, embed_texts, self._folder, list(texts))
        return self._embedded(*done, started)

    async def _in_portions(self, processes: WorkerPool, texts: Sequence[str]) -> tuple[list[Vectors], int]:
        job = f"{__name__}:{embed_packed.__name__}"
        vectors: list[Vectors] = []
        tokens = 0
        for portion in portions(texts):
            packed = await processes.run(job, self._folder, portion, timeout=TIMEOUT, memory=MEMORY)
            rows, count = unpacked(*packed)
            vectors += rows
            tokens += count
        return vectors, tokens

    async def embed_query(self, text: str) -> Embedded:
        started = time.perf_counter()
        loop = asyncio.get_running_loop()
        done = await loop.run_in_executor(self._queries, embed_beginning, self._folder, text)
        return self._embedded(*done, started)

    def _embedded(self, vectors: list[Vectors], tokens: int, started: float) -> Embedded:
        return Embedded(vectors, tokens, self.name, time.perf_counter() - started, "offline")

    async def close(self) -> None:
        self._queries.shutdown(wait=False, cancel_futures=True)
        self._documents.shutdown(wait=False, cancel_futures=True)


class Encoder:
    """The model in memory: about 60 MB, made at the first use in a process."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # an arena keeps the largest batch's memory for ever
        self._session = onnxruntime.InferenceSession(folder / MODEL_FILE, options, providers=["CPUExecutionProvider"])
        self._begin, self._end = self._tokenizer.encode("").ids  # the marks that the tokenizer puts around any text

    def tokens(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def vectors(self, windows: Sequence[Sequence[int]]) -> Vectors:
        """(windows, 384) in the order given; computed by length, so that little is wasted on padding."""
        result = np.empty((len(windows), DIMENSION), dtype=np.float32)
        order = sorted(range(len(windows)), key=lambda index: len(windows[index]))
        for first in range(0, len(order), ROWS):
            rows = order[first : first + ROWS]
            width = len(windows[rows[-1]]) + 2
            ids = np.zeros((len(rows), width), dtype=np.int64)
            mask = np.zeros_like(ids)
            for row, index in enumerate(rows):
                marked = [self._begin, *windows[index], self._end]
                ids[row, : len(marked)] = marked
                mask[row, : len(marked)] = 1
            result[rows] = np.asarray(self._session.run(["vectors"], {"ids": ids, "mask": mask})[0])
        return result


@cache
def encoder(folder: str) -> Encoder:
    return Encoder(Path(folder))


def embed_texts(folder: str, texts: list[str]) -> tuple[list[Vectors], int]:
    """For each text an array (windows, 384); and the number of tokens computed, overlaps included."""
    model = encoder(folder)
    split = [windows(model.tokens(text)) for text in texts]
    flat = [window for parts in split for window in parts]
    rows = model.vectors(flat)
    ends = np.cumsum([len(parts) for parts in split])
    return np.split(rows, ends[:-1]) if split else [], sum(len(window) + 2 for window in flat)


def portions(texts: Sequence[str]) -> list[list[str]]:
    """The texts in their order, together as long as fits into PORTION; a longer one is alone."""
    parts: list[list[str]] = []
    room = 0
    for text in texts:
        size = len(text.encode())
        if not parts or size > room:
            parts.append([])
            room = PORTION
        parts[-1].append(text)
        room -= size
    return parts


def embed_packed(folder: str, texts: list[str]) -> tuple[bytes, list[int], int]:
    """`embed_texts` with a result of plain values, which is all that is accepted from a process."""
    vectors, tokens = embed_texts(folder, texts)
    return b"".join(rows.tobytes() for rows in vectors), [len(rows) for rows in vectors], tokens


def unpacked(raw: bytes, counts: list[int], tokens: int) -> tuple[list[Vectors], int]:
    rows = np.frombuffer(raw, dtype=np.float32).reshape(-1, DIMENSION)
    return np.split(rows, np.cumsum(counts)[:-1]) if counts else [], tokens


def embed_beginning(folder: str, text: str) -> tuple[list[Vectors], int]:
    model = encoder(folder)
    window = model.tokens(text[:QUERY_CHARACTERS])[:WINDOW]
    return [model.vectors([window])], len(window) + 2


def windows(tokens: list[int]) -> list[list[int]]:
    """Equal parts of at most WINDOW tokens that overlap by OVERLAP or a little more and cover every token."""
    if len(tokens) <= WINDOW:
        return [tokens]
    count = -(-(len(tokens) - OVERLAP) // (WINDOW - OVERLAP))
    length = -(-(len(tokens) + (count - 1) * OVERLAP) // count)
    starts = [round(number * (len(tokens) - length) / (count - 1)) for number in range(count)]
    return [tokens[start : start + length] for start in starts]
