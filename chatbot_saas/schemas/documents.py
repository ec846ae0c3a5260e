from datetime import datetime
from uuid import UUID

from chatbot_saas.schemas.base import Read


class DocumentRead(Read):
    """A text of a source: a file has one, a website one for each page."""

    id: UUID
    source_id: UUID
    bot_id: UUID
    title: str
    url: str
    characters: int
    chunks: int
    created_at: datetime
    updated_at: datetime


class PassageRead(Read):
    """A chunk of a document, as it was cut."""

    id: UUID
    ordinal: int
    start: int
    """Offsets in the document's text, in characters. A passage may begin before the one before it ends."""
    end: int
    repeated: int
    """Characters at its beginning that the passage before holds, too."""
    text: str
    tokens: int
    page: int | None
    headings: list[str]
    question: str
    """Of a question with an answer of its own."""
    embedded: bool
