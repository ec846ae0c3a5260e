"""Ids that a browser sends."""

from uuid import UUID

from chatbot_saas.core.errors import NotFoundError


def uuid_of(value: object) -> UUID:
    """What is no id is not found, as another tenant's is."""
    try:
        return UUID(str(value))
    except ValueError as error:
        raise NotFoundError from error
