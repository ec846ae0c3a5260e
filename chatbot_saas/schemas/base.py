"""What requests and read models share."""

import re
from typing import Annotated, Any, Generic, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

T = TypeVar("T")
MOST_UNKNOWN = 10
"""Unknown fields of an object that are told one by one."""


_HALF = re.compile("[\ud800-\udfff]")


def storable(value: str) -> str:
    """The text, if a database can hold it."""
    # pydantic lets half of a pair of characters through where a text has no other limits
    if "\x00" in value or _HALF.search(value):
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

    @model_validator(mode="before")
    @classmethod
    def _has_few_fields(cls, data: Any) -> Any:
        """An error is made for each unknown field: a megabyte of them kept everybody waiting for a second."""
        fields: dict[Any, Any] = cast(Any, data) if isinstance(data, dict) else {}
        if len(fields) > len(cls.model_fields) + MOST_UNKNOWN:
            raise ValueError("There are too many fields here that are not known.")
        return cast(Any, data)


class PageRead(Read, Generic[T]):
    items: list[T]
    next_cursor: str | None = None


def inlined(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON schema with its references filled in, for a document that does not hold them."""
    schema = model.model_json_schema()
    shared: dict[str, Any] = schema.pop("$defs", {})

    def filled(part: Any) -> Any:
        if isinstance(part, list):
            return [filled(item) for item in cast(list[Any], part)]
        if not isinstance(part, dict):
            return part
        fields = cast(dict[str, Any], part)
        if reference := fields.get("$ref"):
            return filled(shared[str(reference).rpartition("/")[2]])
        return {name: filled(value) for name, value in fields.items()}

    return filled(schema)
