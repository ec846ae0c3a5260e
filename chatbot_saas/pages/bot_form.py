"""What the pages that edit a bot share: fields of the draft, the bar that saves it, others' changes."""

from typing import Any

import reflex as rx

from chatbot_saas.components.feedback import notice
from chatbot_saas.components.forms import switch_field
from chatbot_saas.state.bot_form import BotFormState

State = BotFormState


def typed_field(name: str) -> dict[str, Any]:
    """What every field of the draft has: its value, its handler, what is wrong with it."""
    return {
        "value": getattr(State.draft, name),
        "on_change": lambda value: State.change(name, value),  # pyright: ignore[reportCallIssue]
        "error": State.errors[name],
    }


def typed_switch(name: str, label: str, hint: str) -> rx.Component:
    return switch_field(
        name,
        label,
        checked=getattr(State.draft, name),
        on_change=lambda on: State.change(name, on),  # pyright: ignore[reportCallIssue]
        hint=hint,
    )


def conflict() -> rx.Component:
    return rx.cond(
        State.conflict,
        notice(State.conflict, kind="warning", title="Somebody else changed this bot meanwhile."),
    )


def save_bar() -> rx.Component:
    return rx.cond(
        State.dirty,
        rx.el.div(
            rx.el.p(
                rx.cond(State.blocked, "Mend the marked fields to save.", "Unsaved changes"),
                class_name="text-sm font-medium flex-1",
                role="status",
            ),
            rx.button("Discard", on_click=State.discard, variant="soft", color_scheme="gray", type="button"),
            rx.button("Save", on_click=State.save, loading=State.saving, disabled=State.blocked, type="button"),
            custom_attrs={"data-unsaved": ""},
            on_mount=rx.call_script("import('/unsaved.js')"),
            class_name="save-bar float flex items-center gap-3 px-4 py-3",
        ),
    )
