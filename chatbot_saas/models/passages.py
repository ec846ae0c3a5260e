from sqlalchemy import ARRAY, Text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field

from chatbot_saas.models.base import Row


class PassageRow(Row):
    """What the tables of passages share: of documents, and of visitors' files."""

    ordinal: int
    start: int
    """Offsets in the whole text, in characters; `text` is exactly that span."""
    end: int
    text: str = Field(sa_type=Text)
    tokens: int
    page: int | None = None
    """The page on which the passage begins, where there are pages."""
    pages: list[list[int]] = Field(default_factory=list, sa_type=JSONB)
    """[page number, offset in this passage] of the pages that begin within it."""
    headings: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))  # pyright: ignore[reportArgumentType]
    search: str = Field(sa_type=TSVECTOR)
    """Tokens of our own making: see services.lexical."""
    embedding: bytes | None = None
    """float32, shape (windows, dimension), rows of length 1; null until it is embedded."""
    embedder: str = Field(default="", max_length=100)
