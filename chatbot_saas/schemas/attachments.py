from uuid import UUID

from chatbot_saas.schemas.base import Read


class SentFile(Read):
    """A file that was sent with a message."""

    id: UUID
    name: str
    size: int
    """Bytes."""


class AttachmentRead(SentFile):
    """A file that was read, and waits to be sent with a message."""

    characters: int
    """Of the text that was read from it."""
