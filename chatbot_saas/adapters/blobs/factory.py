"""Chooses the store of uploaded files from the settings."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from chatbot_saas.adapters.blobs import BlobStore
from chatbot_saas.adapters.blobs.folder import FolderBlobs
from chatbot_saas.adapters.blobs.remote import open_remote


def blob_store(url: str, data_dir: Path) -> BlobStore:
    """The store for BLOB_URL: empty or a `file:` address is a folder, anything else is opened by fsspec."""
    if not url:
        return FolderBlobs(data_dir / "blobs")
    if url.startswith("file:"):
        return FolderBlobs(Path(unquote(urlsplit(url).path)))
    return open_remote(url)
