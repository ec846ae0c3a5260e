import re
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from chatbot_saas.schemas.auth import Email
from chatbot_saas.schemas.base import Read, Request, Storable
from chatbot_saas.schemas.chat import MAX_MESSAGE

_PHONE = re.compile(r"[-+0-9 ()/.]*")
_FEWEST_DIGITS = 5


def _none_if_blank(value: Any) -> Any:
    """A form sends the fields that were left empty, too."""
    return None if isinstance(value, str) and not value.strip() else value


def _one_line(value: str) -> str:
    if not value.strip().isprintable():
        raise ValueError("This holds a character that cannot be used.")
    return value.strip()


def _phone(value: str) -> str:
    value = value.strip()
    if not _PHONE.fullmatch(value) or sum(character.isdigit() for character in value) < _FEWEST_DIGITS:
        raise ValueError("This does not look like a phone number.")
    return value


_Blank = BeforeValidator(_none_if_blank)


LeadKind = Literal["message", "person", "rating"]


class Contact(Request):
    """Who a visitor is, how to reach them, and what they want to know."""

    name: Annotated[Annotated[str, Field(max_length=120), AfterValidator(_one_line)] | None, _Blank] = None
    email: Annotated[Annotated[Email, AfterValidator(_one_line)] | None, _Blank] = None
    phone: Annotated[Annotated[str, Field(max_length=40), AfterValidator(_phone)] | None, _Blank] = None
    company: Annotated[Annotated[str, Field(max_length=120), AfterValidator(_one_line)] | None, _Blank] = None
    message: Annotated[
        Annotated[str, Field(max_length=MAX_MESSAGE), Storable, AfterValidator(str.strip)] | None, _Blank
    ] = None


class LeadCapture(Contact):
    """Without a message it is the visitor's last question."""

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if not self.email and not self.phone:
            raise ValueError("Give an e-mail address or a phone number, so that somebody can answer.")
        return self


class HandoffRequest(Contact):
    """A visitor asks for a person. Who left an address in this conversation before need not tell it again."""


class LeadCaptured(Read):
    id: UUID


class HandoffRead(Read):
    id: UUID
    available: bool
    """Whether somebody is there now."""
    note: str
    """The owner's words about it; empty where there are none."""


class LeadRead(Read):
    """What a visitor left: a message, the wish to talk to a person, or a rating. What was not given is empty."""

    id: UUID
    bot_id: UUID
    bot_name: str
    conversation_id: UUID
    kind: LeadKind
    name: str
    email: str
    phone: str
    company: str
    message: str
    """The comment of a rating."""
    rating: int | None
    """1 to 5."""
    created_at: datetime
