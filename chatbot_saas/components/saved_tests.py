"""The dialog that keeps a question with its answer as a test of the bot."""

from typing import Any

import reflex as rx


def save_as_test(answer_id: Any, on_save: Any, *, size: Any = "1") -> rx.Component:
    """`on_save`: a handler that takes the form, with the fields `answer_id` and `facts`."""
    return rx.dialog.root(
        rx.dialog.trigger(
            rx.button(
                rx.icon("flask-conical", size=14, aria_hidden="true"),
                "Save as test",
                variant="soft",
                color_scheme="gray",
                size=size,
                type="button",
            )
        ),
        rx.dialog.content(
            rx.dialog.title("Save as a test"),
            rx.dialog.description("The question is asked again whenever you run the bot's tests.", size="2"),
            rx.form(
                # in a field, since a form's handler knows nothing of the row of a list that the form stands in
                rx.el.input(type="hidden", name="answer_id", value=answer_id),
                rx.el.label("What the answer must say", html_for="facts", class_name="text-sm font-medium"),
                rx.text_area(
                    id="facts",
                    name="facts",
                    rows="4",
                    placeholder="30 days | a month\nfree of charge",
                    aria_describedby="facts-note",
                ),
                rx.el.p(
                    "One fact a line; “|” stands between two ways to say it. Empty: the bot must not answer.",
                    id="facts-note",
                    class_name="field-hint",
                ),
                rx.el.div(
                    rx.dialog.close(rx.button("Cancel", variant="soft", color_scheme="gray", type="button")),
                    rx.dialog.close(rx.button("Save", type="submit")),
                    class_name="flex justify-end gap-3 pt-2",
                ),
                on_submit=on_save,
                class_name="flex flex-col gap-2 pt-4",
            ),
            max_width="480px",
        ),
    )
