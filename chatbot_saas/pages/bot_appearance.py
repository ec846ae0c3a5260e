"""How a bot greets visitors: the part of its settings about looks and first words."""

from typing import Any

import reflex as rx

from chatbot_saas.components.forms import field, form_section, removable_text, text_area
from chatbot_saas.components.layout import bot_avatar
from chatbot_saas.components.vars import length
from chatbot_saas.schemas.bots import MAX_STARTERS
from chatbot_saas.state.bot_form import BotFormState

State = BotFormState


def typed_field(name: str) -> dict[str, Any]:
    """What every field of the draft has: its value, its handler, what is wrong with it."""
    return {
        "value": getattr(State.draft, name),
        "on_change": lambda value: State.change(name, value),  # pyright: ignore[reportCallIssue]
        "error": State.errors[name],
    }


def appearance() -> rx.Component:
    color = rx.el.div(
        rx.el.input(
            id="color",
            type="color",
            value=State.draft.color,
            on_change=lambda value: State.change("color", value).throttle(60),  # pyright: ignore[reportCallIssue]
            class_name="swatch",
        ),
        rx.input(
            value=State.draft.color,
            on_change=lambda value: State.change("color", value),  # pyright: ignore[reportCallIssue]
            aria_label="Colour as a code",
            spell_check=False,
            size="2",
            class_name="w-32 number",
        ),
        class_name="flex items-center gap-3",
    )
    return form_section(
        "Appearance",
        "How the chat greets visitors.",
        text_area(
            "welcome_message",
            "Welcome message",
            hint="The first thing a visitor reads.",
            rows="2",
            **typed_field("welcome_message"),
        ),
        _starters(),
        field("color", "Colour", color, hint="Of the launcher and the visitor's words.", error=State.errors["color"]),
        field("icon", "Icon", _icon(), hint="PNG, JPEG or WebP; it is made small here.", error=State.errors["icon"]),
        id="appearance-section",
    )


def _icon() -> rx.Component:
    name = State.draft.name
    choose: Any = rx.call_script("import('/icon.js').then((icons) => icons.choose())", callback=State.take_icon)
    return rx.el.div(
        bot_avatar(rx.cond(name, name, "?"), State.draft.color, size=40, icon=State.draft.icon),
        rx.button(
            rx.cond(State.draft.icon, "Replace", "Choose a picture"),
            on_click=choose,
            variant="soft",
            size="2",
            type="button",
            aria_describedby="icon-note",
        ),
        rx.cond(
            State.draft.icon,
            rx.button(
                "Remove", on_click=State.remove_icon, variant="soft", color_scheme="gray", size="2", type="button"
            ),
        ),
        id="icon",
        role="group",
        aria_label="Icon",
        class_name="flex items-center gap-3",
    )


def _starters() -> rx.Component:
    questions = State.draft.starter_questions
    rows = rx.el.div(
        rx.foreach(questions, _starter),
        rx.cond(
            length(questions) < MAX_STARTERS,
            rx.button(
                rx.icon("plus", size=14, aria_hidden="true"),
                "Add a question",
                on_click=State.add_starter,
                variant="soft",
                size="2",
                type="button",
                class_name="w-fit",
            ),
        ),
        id="starter_questions",
        role="group",
        aria_label="Conversation starters",
        class_name="flex flex-col gap-2",
    )
    return field(
        "starter_questions",
        "Starter questions",
        rows,
        hint="Buttons under the welcome message, until a visitor writes.",
        error=State.errors["starter_questions"],
    )


def _starter(question: Any, index: Any) -> rx.Component:
    return rx.el.div(
        removable_text(
            question,
            f"Starter {index + 1}",
            lambda text: State.change_starter(index, text),  # pyright: ignore[reportCallIssue]
            State.remove_starter(index),  # pyright: ignore[reportCallIssue]
            most=80,
        ),
        class_name="flex items-center gap-2",
    )
