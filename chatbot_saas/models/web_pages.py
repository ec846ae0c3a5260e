from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from chatbot_saas.models.base import Row, moment, reference


class WebPage(Row, table=True):
    """An address of a web source: what is known of it, and whether this run has been there."""

    __tablename__ = "web_pages"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (UniqueConstraint("source_id", "url"),)

    tenant_id: UUID = reference("tenants")
    bot_id: UUID = reference("bots")
    source_id: UUID = reference("sources", index=False)
    url: str = Field(sa_type=Text)
    """Normalised; for a page that names a canonical address, that."""
    title: str = Field(default="", max_length=300)
    depth: int = 0
    status: str = Field(default="waiting", max_length=20)
    """waiting, ready, skipped, failed or gone."""
    run: int = 0
    """The source's run that was here last."""
    etag: str = Field(default="", sa_type=Text)
    last_modified: str = Field(default="", sa_type=Text)
    sha256: bytes | None = None
    """Of the text that was taken."""
    links: list[str] = Field(default_factory=list, sa_type=JSONB)
    """Where it led, for the runs in which it is not modified."""
    failures: int = 0
    """In a row."""
    error_code: str = Field(default="", max_length=60)
    error: str = Field(default="", sa_type=Text)
    fetched_at: datetime | None = moment()
    missing_since: datetime | None = moment()
