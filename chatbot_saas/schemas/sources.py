from datetime import datetime
from typing import Literal
from uuid import UUID

from chatbot_saas.schemas.base import Read

SourceStatus = Literal["queued", "extracting", "chunking", "embedding", "ready", "failed", "cancelled"]
ACTIVE = ("queued", "extracting", "chunking", "embedding")


class SourceError(Read):
    code: str
    message: str
    """What went wrong and what to do, for the customer."""


class SourceRead(Read):
    id: UUID
    bot_id: UUID
    type: str
    title: str
    filename: str
    media_type: str
    size: int
    status: SourceStatus
    progress: float
    """0 to 1."""
    chunks: int
    tokens: int
    attempts: int
    error: SourceError | None
    created_at: datetime
    updated_at: datetime

    @property
    def active(self) -> bool:
        return self.status in ACTIVE


class DeletedRead(Read):
    id: UUID
    removed: dict[str, int]
    """How many rows, chunks, vectors and blobs were removed."""
