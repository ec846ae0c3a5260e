"""What requests and read models share."""

from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

T = TypeVar("T")


def storable(value: str) -> str:
    """The text, if a database can hold it."""
    if "\x00" in value:
        raise ValueError("This holds a character that cannot be used.")
    return value


Storable = AfterValidator(storable)
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), Storable]


class Read(BaseModel):
    """A frozen model that pages and the API may show."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Request(BaseModel):
    """A request body. Unknown fields are refused: a typing mistake must not look like success."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class PageRead(Read, Generic[T]):
    items: list[T]
    next_cursor: str | None = None
