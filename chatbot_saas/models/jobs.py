from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field

from chatbot_saas.models.base import Row, moment, reference


class Job(Row, table=True):
    """One run of a source's ingestion, as its tenant sees it; the queue's own rows are behind no policy."""

    __tablename__ = "jobs"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        UniqueConstraint("source_id", "run"),
        Index("ix_jobs_open", "tenant_id", "id", postgresql_where=text("finished_at IS NULL")),
    )

    tenant_id: UUID = reference("tenants")
    bot_id: UUID = reference("bots")
    source_id: UUID = reference("sources", index=False)
    kind: str = Field(max_length=20)
    """add, reindex or refresh."""
    run: int
    status: str = Field(default="queued", max_length=20)
    """queued, running, succeeded, failed or cancelled."""
    stage: str = Field(default="queued", max_length=20)
    """queued, extracting, chunking, embedding, indexing or done."""
    progress: float = 0.0
    attempts: int = 0
    admitted: bool = False
    """Whether it was handed to the queue; a few of each tenant are at a time."""
    error_code: str = Field(default="", max_length=60)
    error: str = Field(default="", sa_type=Text)
    started_at: datetime | None = moment()
    finished_at: datetime | None = moment()
