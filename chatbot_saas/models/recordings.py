from uuid import UUID

from sqlalchemy import ARRAY, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from chatbot_saas.models.base import Row, reference


class RecordedPassage(Row, table=True):
    """A chunk as an answer was made from it; its id is the chunk's, which follows from what the chunk holds.

    It outlives a change of the document, so that answers of long ago still open, and goes when the document is deleted.
    """

    __tablename__ = "recorded_passages"  # pyright: ignore[reportAssignmentType]

    tenant_id: UUID = reference("tenants")
    bot_id: UUID = reference("bots")
    document_id: UUID = reference("documents")
    title: str = Field(max_length=300)
    url: str = Field(default="", sa_type=Text)
    headings: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))  # pyright: ignore[reportArgumentType]
    page: int | None = None
    pages: list[list[int]] = Field(default_factory=list, sa_type=JSONB)
    """[page number, offset in this chunk] of the pages that begin within it."""
    start: int
    """Offsets in the document's text as it was."""
    end: int
    text: str = Field(sa_type=Text)
    question: str = Field(default="", sa_type=Text)
