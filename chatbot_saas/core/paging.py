"""Cursor paging: a page holds `limit` items and the cursor of the next one. Lists run newest first, by id (UUIDv7)."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from chatbot_saas.core.errors import InvalidError

T = TypeVar("T")
MAX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class PageRequest:
    limit: int = 20
    cursor: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MAX_LIMIT:
            raise InvalidError(f"limit must be from 1 to {MAX_LIMIT}.")

    @property
    def after(self) -> UUID | None:
        """The id of the last row of the page before."""
        if not self.cursor:
            return None
        try:
            return UUID(bytes=base64.urlsafe_b64decode(self.cursor + "=="))
        except ValueError as error:
            raise InvalidError("cursor is not one that a list of ours returned.") from error


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: list[T]
    next_cursor: str | None


def cursor_for(row_id: UUID) -> str:
    return base64.urlsafe_b64encode(row_id.bytes).decode().rstrip("=")


def page_of(items: Sequence[T], ids: Sequence[UUID], limit: int) -> Page[T]:
    """`items` were asked for with limit + 1, so that one more tells that there is a next page."""
    more = len(items) > limit
    return Page(items=list(items[:limit]), next_cursor=cursor_for(ids[limit - 1]) if more else None)
