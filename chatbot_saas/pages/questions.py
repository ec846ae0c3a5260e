"""`/bots/[bot_id]/questions`: questions that the bot answers in its owner's own words."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.buttons import download_link, row_button
from chatbot_saas.components.feedback import confirm_dialog, empty_state, notice, skeleton_panels, status_badge, trouble
from chatbot_saas.components.forms import field
from chatbot_saas.components.layout import icon_button
from chatbot_saas.components.table import Column, data_table, load_more, search_box, table_row
from chatbot_saas.components.vars import length, route_parameter
from chatbot_saas.pages.bot_frame import bot_page
from chatbot_saas.pages.question_import import csv_parts, import_button
from chatbot_saas.pages.question_try import try_panel
from chatbot_saas.schemas.questions import PairView
from chatbot_saas.schemas.sources import SourceRead
from chatbot_saas.state.question_try import QuestionTryState
from chatbot_saas.state.questions import QuestionsState
from chatbot_saas.state.shell import ShellState

COLUMNS = (Column("Question and answer"), Column("Actions", hidden_label=True, right=True))
State = QuestionsState


@bot_page("/questions", "Questions and answers", on_load=[QuestionsState.load, QuestionTryState.load])
def questions() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            trouble(State.problem, "The list cannot be shown", State.load),
            rx.cond(
                State.loaded,
                rx.cond((State.total > 0) | (length(State.lists) > 1), _list(), _nothing()),
                rx.cond(State.problem, rx.fragment(), skeleton_panels(3, height="72px")),
            ),
            class_name="flex flex-col gap-4 min-w-0",
        ),
        try_panel(),
        _dialog(),
        csv_parts(),
        custom_attrs={"data-questions": route_parameter("bot_id"), "data-list": State.chosen},
        on_mount=rx.call_script("import('/questions.js')"),
        class_name="grid gap-6 xl:grid-cols-[minmax(0,1fr)_380px] items-start",
    )


def _add_button() -> rx.Component:
    return rx.button(rx.icon("plus", size=16, aria_hidden="true"), "Add a question", on_click=State.open_new, size="2")


def _nothing() -> rx.Component:
    return rx.fragment(
        _undo(),
        empty_state(
            "messages-square",
            "Answer in your own words",
            "Write the questions that visitors ask most, with the answer they should get. Whoever asks one of them, "
            "or means the same, gets your answer word for word instead of the model's.",
            rx.cond(ShellState.user.can_write, rx.fragment(_add_button(), import_button())),
        ),
    )


def _list() -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.div(
                search_box("Search questions", State.search, State.change_search),
                class_name="flex-1 min-w-[180px] [&>*]:!w-full",
            ),
            rx.cond(length(State.lists) > 1, _choose_list()),
            rx.el.div(
                rx.cond(ShellState.user.can_write, import_button()),
                rx.cond(State.total > 0, _export()),
                rx.cond(ShellState.user.can_write, _add_button()),
                class_name="flex flex-wrap items-center gap-2",
            ),
            class_name="flex flex-wrap items-center gap-3",
        ),
        _status(),
        _undo(),
        rx.cond(
            length(State.items) > 0,
            rx.fragment(
                data_table("Questions and answers", COLUMNS, rx.foreach(State.items, _row)),
                load_more(State.found > length(State.items), State.show_more),
            ),
            rx.cond(
                State.search,
                empty_state("search-x", "No question matches", "Try another word; answers are searched too."),
                empty_state("messages-square", "This list is empty", "Add a question, or choose another list."),
            ),
        ),
        rx.el.p(
            rx.cond(
                State.search,
                rx.fragment(State.found, " of ", format.count(State.total, "question")),
                format.count(State.total, "question"),
            ),
            role="status",
            class_name="text-[13px] text-[var(--ink-soft)] number",
        ),
        aria_label="Questions and answers",
        class_name="flex flex-col gap-4",
    )


def _choose_list() -> rx.Component:
    return rx.select.root(
        rx.select.trigger(aria_label="List", class_name="max-w-[240px]"),
        rx.select.content(rx.foreach(State.lists, _list_choice), position="popper"),
        value=State.chosen,
        on_change=State.choose_list,
        size="2",
    )


def _list_choice(source: SourceRead) -> rx.Component:
    key: Any = rx.Var.create(source.id).to(str)
    return rx.select.item(source.title, value=key)


def _export() -> rx.Component:
    return download_link("Export", "/api/v1/sources/" + State.chosen + "/pairs.csv", "questions.csv")


def _status() -> rx.Component:
    """Nothing while all is well."""
    again = rx.button("Read it again", on_click=State.read_again, variant="soft", size="1")
    return rx.fragment(
        rx.match(
            State.list_status,
            ("ready", rx.fragment()),
            ("", rx.fragment()),
            ("failed", notice(State.list_problem, again, kind="error", title="This list could not be read")),
            (
                "cancelled",
                notice("Reading it was stopped, so visitors do not get these answers.", again, kind="warning"),
            ),
            rx.el.p(
                status_badge(State.list_status),
                rx.el.span("Being read. Visitors get what is new in a few seconds."),
                role="status",
                class_name="flex items-center gap-2 text-[13px] text-[var(--ink-soft)]",
            ),
        )
    )


def _undo() -> rx.Component:
    return rx.cond(
        State.undo_words,
        rx.el.div(
            rx.el.p("Deleted: “", State.undo_words, "”", class_name="flex-1 min-w-0 text-sm truncate-line"),
            rx.button("Undo", on_click=State.undo, variant="soft", size="1"),
            icon_button(
                "x",
                "Dismiss",
                size="1",
                icon_size=15,
                on_click=State.dismiss_undo,
                variant="ghost",
                color_scheme="gray",
            ),
            role="status",
            class_name="panel flex items-center gap-3 px-4 py-2.5",
        ),
    )


def _row(pair: PairView) -> rx.Component:
    actions = rx.el.div(
        row_button("pencil", "Edit", f"Edit {pair.question}", on_click=State.open_pair(pair.number)),
        confirm_dialog(
            row_button("trash-2", "Delete", f"Delete {pair.question}"),
            title="Delete this question?",
            text=f"“{pair.question}” is then answered by the model again. You can undo it while you stay on this page.",
            action="Delete",
            on_confirm=State.delete(pair.number),
        ),
        class_name="flex items-center justify-end gap-2",
    )
    return table_row(
        COLUMNS,
        f"{pair.number} {pair.question}",
        rx.el.div(
            rx.el.p(pair.question, class_name="font-medium break-words"),
            rx.el.p(
                pair.answer,
                class_name="text-[var(--ink-soft)] whitespace-normal break-words line-clamp-3 md:line-clamp-2",
            ),
            class_name="flex flex-col gap-0.5 min-w-0 text-left",
        ),
        rx.cond(ShellState.user.can_write, actions),
    )


def _dialog() -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(_form(), max_width="600px", on_interact_outside=rx.prevent_default),
        open=State.editing,
        on_open_change=State.open_form,
    )


def _form() -> rx.Component:
    return rx.form(
        rx.dialog.title(rx.cond(State.is_new, "New question", "Change this question"), size="4"),
        rx.dialog.description(
            "Visitors who ask it, or mean the same, get your answer word for word.",
            size="2",
            class_name="text-[var(--ink-soft)] pb-4",
        ),
        rx.cond(State.conflict, rx.el.div(notice(State.conflict, kind="warning"), class_name="pb-4")),
        rx.el.div(
            _text("question", "Question", State.form_question, "As a visitor would ask it.", rows="2", most=500),
            _text(
                "answer",
                "Answer",
                State.form_answer,
                "Lists, **bold** and [links](https://…) may be used.",
                rows="7",
                most=4000,
            ),
            class_name="flex flex-col gap-5",
        ),
        rx.el.div(
            rx.dialog.close(rx.button("Cancel", variant="soft", color_scheme="gray", type="button")),
            rx.button("Save", type="submit", loading=State.saving),
            class_name="flex justify-end gap-3 pt-6",
        ),
        on_submit=State.save,
    )


def _text(name: str, label: str, value: Any, hint: str, *, rows: str, most: int) -> rx.Component:
    control = rx.text_area(
        id=name,
        name=name,
        default_value=value,
        rows=rows,
        max_length=most,
        size="3",
        resize="vertical",
        aria_describedby=f"{name}-note",
        aria_invalid=rx.cond(State.errors[name], "true", "false"),
        auto_focus=name == "question",
    )
    return field(name, label, control, hint=hint, error=State.errors[name])
