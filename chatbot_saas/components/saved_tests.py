"""The button that keeps a question with its answer as a test of the bot."""

from typing import Any

import reflex as rx

SAVING: Any = None
"""The handler that takes an answer's id and keeps a test of it; None as long as there are no tests to keep."""


def save_as_test(answer_id: Any, *, size: Any = "1") -> rx.Component:
    if SAVING is None:
        return rx.fragment()
    return rx.button(
        rx.icon("flask-conical", size=14, aria_hidden="true"),
        "Save as test",
        on_click=SAVING(answer_id),
        variant="soft",
        color_scheme="gray",
        size=size,
        type="button",
    )
