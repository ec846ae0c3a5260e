"""The section of the Design page about what the chat says of its own accord."""

from typing import Any

import reflex as rx

from chatbot_saas.components.forms import field, removable_text, select_field, text_area
from chatbot_saas.components.vars import length
from chatbot_saas.pages.bot_form import typed_field
from chatbot_saas.schemas.bots import MAX_STARTERS
from chatbot_saas.schemas.design import WidgetText
from chatbot_saas.state.design import DesignState

State = DesignState
LANGUAGES = {
    "bot": "That of the bot's answers",
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "it": "Italian",
    "pt": "Portuguese",
    "nl": "Dutch",
    "pl": "Polish",
    "tr": "Turkish",
    "ru": "Russian",
    "ar": "Arabic",
    "he": "Hebrew",
    "zh": "Chinese",
    "ja": "Japanese",
}


def words() -> rx.Component:
    return rx.fragment(
        text_area(
            "welcome_message",
            "Welcome message",
            hint="The first thing a visitor reads.",
            rows="2",
            **typed_field("welcome_message"),
        ),
        _starters(),
        select_field(
            "interface_language",
            "Language of the window",
            LANGUAGES,
            hint="Of its buttons and forms.",
            **typed_field("interface_language"),
        ),
        _texts(),
    )


def _texts() -> rx.Component:
    search = rx.input(
        rx.input.slot(rx.icon("search", size=15, aria_hidden="true")),
        value=State.search,
        on_change=State.look_for,
        placeholder="Search, such as “send” or “person”",
        aria_label="Search the window's words",
        size="2",
        type="search",
    )
    found = rx.cond(
        length(State.texts) > 0,
        rx.el.ul(rx.foreach(State.texts, _text), class_name="word-list", aria_label="Words of the window", tab_index=0),
        rx.el.p("No word of the window has that in it.", class_name="text-sm text-[var(--ink-soft)] py-2"),
    )
    return rx.el.section(
        rx.el.div(
            rx.heading("Every word of the window", as_="h2", size="2", weight="medium", id="texts-title"),
            rx.el.span(
                rx.cond(State.replaced > 0, rx.fragment(State.replaced, " replaced"), "none replaced"),
                class_name="number text-[13px] text-[var(--ink-soft)]",
            ),
            class_name="flex items-baseline justify-between gap-3",
        ),
        rx.el.p("Yours in place of ours. Empty: ours.", class_name="field-hint"),
        search,
        rx.cond(State.errors["texts"], rx.el.p(State.errors["texts"], class_name="field-error", role="alert")),
        found,
        aria_labelledby="texts-title",
        class_name="flex flex-col gap-2 pt-1",
    )


def _text(text: WidgetText) -> rx.Component:
    return rx.el.li(
        rx.el.label(text.english, html_for="text-" + text.key, class_name="text-[13px] text-[var(--ink-soft)] min-w-0"),
        rx.el.div(
            rx.input(
                id="text-" + text.key,
                value=text.own,
                placeholder=text.ours,
                on_change=lambda own: State.change_text(text.key, own),  # pyright: ignore[reportCallIssue]
                max_length=200,
                dir="auto",
                size="2",
            ),
            rx.cond(text.note, rx.el.p(text.note, class_name="field-warning pt-1", role="status")),
            class_name="min-w-0",
        ),
        key=text.key,  # what is being typed stays in its row when the search takes others away
        class_name="row-line grid grid-cols-1 sm:grid-cols-2 gap-x-4 gap-y-1 items-center px-3 py-2",
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
