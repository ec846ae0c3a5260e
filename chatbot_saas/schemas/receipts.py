from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from chatbot_saas.schemas.base import Read, Request

Kind = Literal["document", "source", "bot", "conversation", "tenant"]


class Removed(Read):
    """How many there were, counted before they went."""

    rows: int = 0
    chunks: int = 0
    vectors: int = 0
    blobs: int = 0
    """Stored files."""
    cache: int = 0
    """Answers that were kept in memory or in Redis."""


class Receipt(Read):
    """What one deletion removed, and whether a search afterwards found nothing of it."""

    id: UUID
    """Of what was deleted."""
    kind: Kind
    title: str
    removed: Removed
    verified: bool
    """False while something of it may still be there; a job then completes the deletion and a new receipt says so."""
    checked: list[str]
    """What was searched, and what was found."""
    deleted_at: datetime
    signature: str


class ReceiptCheck(Request):
    receipt: dict[str, Any]
    """A receipt just as it was received."""


class ReceiptChecked(Read):
    valid: bool
    """Whether it was issued here, and is unchanged."""
