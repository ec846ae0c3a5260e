"""Rows without a version of their own are told apart by when they were changed, which the database keeps."""

from datetime import datetime

from chatbot_saas.core.errors import PreconditionFailedError

_MICROSECONDS = 1_000_000


def revision(updated_at: datetime) -> int:
    """The ETag of a row that was changed at that time."""
    return round(updated_at.timestamp() * _MICROSECONDS)


def require_unchanged(updated_at: datetime, expected: int | None) -> None:
    """Of a row that is locked. Raises PreconditionFailedError where somebody changed it since `expected` was read."""
    if expected is not None and expected != revision(updated_at):
        raise PreconditionFailedError(current_version=revision(updated_at))
