"""Chooses the vector store from the settings."""

from pathlib import Path

from chatbot_saas.adapters.vectors import VectorStore
from chatbot_saas.adapters.vectors.chroma import ChromaVectors
from chatbot_saas.adapters.vectors.engines import ChromaFolder, ChromaServer


def vector_store(url: str, data_dir: Path) -> VectorStore:
    """The Chroma server at `url` (`CHROMA_URL`), or the folder `data_dir`/vectors that this process then owns.

    Nothing is opened before the first use, so that this costs no time at the start. Raises `InvalidError` for a bad
    URL and `UnavailableError` when another process owns the folder.
    """
    return ChromaVectors(ChromaServer(url) if url else ChromaFolder(data_dir / "vectors"))
