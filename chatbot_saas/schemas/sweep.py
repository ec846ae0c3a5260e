from uuid import UUID

from pydantic import BaseModel

from chatbot_saas.schemas.base import Read


class MissingFile(Read):
    """A source whose stored file is gone: what was read from it stays, but it cannot be read again."""

    source_id: UUID
    tenant_id: UUID
    title: str


class SweepReport(BaseModel):
    """What one comparison of rows, vector indexes and stored files looked at, and what it found."""

    indexes: int = 0
    """Compared, with the `passages` that their rows say are in them."""
    passages: int = 0
    files: int = 0
    """Stored, compared with the `sources` and `attachments` that name one."""
    sources: int = 0
    attachments: int = 0
    waiting: int = 0
    """Bots with passages that are not indexed yet: their indexing was queued again."""
    orphan_indexes: int = 0
    """Removed: of bots that are gone, or of embedders that are no longer used."""
    orphan_vectors: int = 0
    """Passages that no row names; removed."""
    missing_vectors: int = 0
    """Passages that their index had lost; indexed again."""
    orphan_files: int = 0
    """Removed: neither a source nor an attachment names them."""
    unsent_files: int = 0
    """Removed: visitors gave them, and did not send them within a day."""
    missing_files: int = 0
    """Of sources. Only told: see `told`."""
    missing_attachments: int = 0
    """Files of visitors that are gone: what was read from them stays, but they cannot be downloaded."""
    told: list[MissingFile] = []

    @property
    def in_order(self) -> bool:
        return not (
            self.orphan_indexes
            or self.orphan_vectors
            or self.missing_vectors
            or self.orphan_files
            or self.missing_files
            or self.missing_attachments
        )
