"""What pyright cannot know: on a class, a State's attribute is a Var of the annotated type."""

from typing import Any, TypeVar

import reflex as rx

T = TypeVar("T")


def shown(value: T | None) -> T:
    """A value that may be None, used below an `rx.cond` on it."""
    return value  # type: ignore[return-value]


def present(value: Any) -> Any:
    """Whether a Var is not None."""
    return value.is_not_none()


def length(items: Any) -> Any:
    return items.length()


def route_parameter(name: str) -> Any:
    """Of the page's address, known before anything is loaded."""
    params: Any = rx.State.rx_router_page.params
    return params[name].to(str)


def negated(flag: Any) -> Any:
    """`not` of a Var: pyright reads ~ on a bool as a number."""
    return ~flag


def given(text: Any) -> bool:
    """A Var is known in the browser only, so it counts as given."""
    return isinstance(text, rx.Var) or bool(text)
