"""What pydantic says, as words beside a field."""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

_WORDS = {
    "string_too_short": "This cannot be empty.",
    "string_too_long": "At most {max_length} characters.",
    "greater_than_equal": "At least {ge}.",
    "greater_than": "More than {gt}.",
    "less_than_equal": "At most {le}.",
    "float_parsing": "This is not a number.",
    "float_type": "This is not a number.",
    "int_parsing": "This is not a whole number.",
    "int_from_float": "This is not a whole number.",
    "int_type": "This is not a whole number.",
    "too_long": "At most {max_length} entries.",
}


def _first(place: tuple[int | str, ...]) -> str:
    return str(place[0]) if place else ""


def problems_of(error: ValidationError, name_of: Callable[[tuple[int | str, ...]], str] = _first) -> dict[str, str]:
    """The first problem of each field, by the field's name; `name_of` tells it from the problem's place."""
    found: dict[str, str] = {}
    for problem in error.errors():
        found.setdefault(name_of(problem["loc"]), _words(problem))
    return found


def _words(problem: Any) -> str:
    words = _WORDS.get(problem["type"])
    if words is None:
        return str(problem["msg"]).removeprefix("Value error, ")
    context: dict[str, Any] = problem.get("ctx", {})
    return words.format(
        **{name: f"{value:g}" if isinstance(value, float) else value for name, value in context.items()}
    )


def problem_words(error: ValidationError) -> str:
    """All of it in one line, for a value that is not one of several fields."""
    return " ".join(_words(problem) for problem in error.errors())
