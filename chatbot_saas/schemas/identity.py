from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from chatbot_saas.schemas.auth import Email as Email
from chatbot_saas.schemas.base import Read, Request, Storable


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("This holds a character that cannot be used.")
    return value


Subject = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
PersonName = Annotated[str, Field(max_length=120), Storable]


class IdentitySecretRequest(Request):
    keep_previous: bool = True
    """Whether the secret before stays good for 24 hours; not where it has leaked."""


class IdentitySecretRead(Read):
    created_at: datetime | None
    """Of the present secret; null where there is none."""
    previous_until: datetime | None
    """How long the one before is still good."""


class IdentitySecretMade(IdentitySecretRead):
    secret: str
    """Shown once."""
