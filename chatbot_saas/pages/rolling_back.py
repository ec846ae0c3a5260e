"""The button that goes back to an earlier version at once, and what the page says then."""

from typing import Any

import reflex as rx

from chatbot_saas.components.vars import shown
from chatbot_saas.state.rolling_back import RollBackState
from chatbot_saas.state.shell import ShellState

State = RollBackState


def roll_back_button(version: Any, seen: Any, published: Any, size: Any = "2") -> rx.Component:
    """`seen` and `published`: the bot's version and the published one, as the page shows them."""
    return rx.button(
        rx.icon("history", size=15, aria_hidden="true"),
        "Roll back",
        variant="soft",
        color_scheme="gray",
        size=size,
        title=f"To the settings of version {version}, at once. You can undo it.",
        on_click=State.roll_back(version, seen, published),  # pyright: ignore[reportCallIssue]
    )


def rolled_back() -> rx.Component:
    done = shown(State.done)
    words = rx.cond(
        done.live, f"Version {done.back_to} is published again", f"The settings of version {done.back_to} are back"
    )
    return rx.el.div(
        rx.cond(
            State.done,
            rx.fragment(
                rx.icon("history", size=15, class_name="shrink-0", aria_hidden="true"),
                rx.el.span(words, f", as version {done.version}."),
                rx.cond(
                    ShellState.user.can_write,
                    rx.button("Undo", on_click=State.undo, variant="outline", color_scheme="gray", size="1"),
                ),
            ),
        ),
        role="status",
        class_name="flex flex-wrap items-center gap-2 text-sm text-[var(--green-11)] [&:not(:empty)]:py-1",
    )
