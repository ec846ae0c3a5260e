"""Texts to vectors. The port; `factory.make_embedder` chooses the implementation."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

# onnxruntime, which modules of this package import, would otherwise keep a database about its use in the home folder
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Embedded:
    vectors: list[Vectors]
    """One array (windows, dimension) for each text; every row has length one."""
    input_tokens: int
    model: str
    seconds: float
    provider: str
    """"offline" or "openai"."""


class Embedder(Protocol):
    """An index records `name` and `dimension`, and is only ever queried with the embedder that filled it.

    Both methods raise `adapters.llm.ModelError`.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def batch_size(self) -> int:
        """How many texts a caller should hand over at once; at most 100."""
        ...

    async def embed_documents(self, texts: Sequence[str]) -> Embedded:
        """Cover each text whole, by as many windows as it needs."""
        ...

    async def embed_query(self, text: str) -> Embedded:
        """One text of which only the beginning that fits is read: `vectors[0]` has shape (1, dimension)."""
        ...

    async def close(self) -> None: ...
