from datetime import datetime
from typing import Literal
from uuid import UUID

from chatbot_saas.schemas.base import Read
from chatbot_saas.schemas.sources import SourceError, SourceType

JobStatus = Literal["queued", "running", "succeeded", "failed", "cancelled"]
JobKind = Literal["add", "reindex", "refresh"]
OPEN = ("queued", "running")


class JobRead(Read):
    id: UUID
    kind: JobKind
    status: JobStatus
    stage: str
    """queued, extracting, chunking, embedding, indexing or done."""
    progress: float
    """0 to 1."""
    attempts: int
    source_id: UUID
    source_type: SourceType
    title: str
    bot_id: UUID
    bot_name: str
    error: SourceError | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    retryable: bool
    """It failed or was cancelled, and no later job of its source exists."""

    @property
    def open(self) -> bool:
        return self.status in OPEN


class BulkRead(Read):
    """What became of jobs that were cancelled or retried together."""

    done: int
    passed_over: int
    """Ended meanwhile, were deleted, or are read again already."""


class AdminJobRead(JobRead):
    tenant_id: UUID
    tenant_name: str
