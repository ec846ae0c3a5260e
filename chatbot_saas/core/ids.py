"""Identifiers: UUIDv7, so that keys sort by time of creation."""

from uuid import UUID, uuid5

import uuid_utils


def new_id() -> UUID:
    return UUID(int=uuid_utils.uuid7().int)


def derived_id(namespace: UUID, name: str) -> UUID:
    """The same id for the same parts: what is written twice after a crash lands on the same row."""
    return uuid5(namespace, name)
