"""From a CSV file to the list, with a look at what it changes. The file's way is the work of assets/questions.js."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.feedback import notice, skeleton_lines
from chatbot_saas.components.vars import length, shown
from chatbot_saas.schemas.questions import PairChange, PairImport
from chatbot_saas.state.question_import import QuestionImportState
from chatbot_saas.state.questions import QuestionsState

State = QuestionImportState


def import_button() -> rx.Component:
    return rx.button(
        rx.icon("upload", size=15, aria_hidden="true"),
        "Import CSV",
        type="button",
        variant="soft",
        color_scheme="gray",
        size="2",
        custom_attrs={"data-choose-csv": ""},
    )


def csv_parts() -> rx.Component:
    """What stands on the page once, wherever the button is."""
    return rx.fragment(
        rx.el.input(
            type="file",
            accept=".csv,.tsv,.txt,text/csv,text/tab-separated-values",
            custom_attrs={"data-csv-input": ""},
            hidden=True,  # the button opens it
        ),
        rx.el.button(
            "A file was chosen",
            type="button",
            on_click=State.begin,
            custom_attrs={"data-csv-chosen": ""},
            tab_index=-1,
            hidden=True,
        ),
        rx.dialog.root(
            rx.dialog.content(
                rx.dialog.title("Import questions", size="4"),
                rx.dialog.description(
                    rx.cond(State.file_name, State.file_name, "Looking at the file…"),
                    size="2",
                    class_name="text-[var(--ink-soft)] break-all",
                ),
                rx.el.div(
                    _wrong(),
                    rx.cond(
                        State.plan,
                        _plan(shown(State.plan)),
                        rx.cond(State.busy, skeleton_lines(4)),
                    ),
                    class_name="flex flex-col gap-4 pt-4",
                ),
                _buttons(),
                max_width="640px",
                on_interact_outside=rx.prevent_default,
            ),
            open=State.opened,
            on_open_change=State.open_dialog,
        ),
    )


def _wrong() -> rx.Component:
    line: Any = lambda words: rx.el.li(words)  # noqa: E731
    return rx.fragment(
        rx.cond(State.problem, notice(State.problem, kind="error")),
        rx.cond(
            length(State.lines) > 0,
            rx.el.div(
                rx.el.p("Nothing was taken. Mend this in the file, then choose it again:", class_name="text-sm"),
                rx.el.ul(
                    rx.foreach(State.lines, line),
                    class_name="flex flex-col gap-1 text-sm text-[var(--red-11)] max-h-64 overflow-y-auto",
                    tab_index=0,
                ),
                role="alert",
                class_name="flex flex-col gap-2",
            ),
        ),
    )


def _plan(plan: PairImport) -> rx.Component:
    return rx.fragment(
        rx.cond(
            QuestionsState.total > 0,
            rx.segmented_control.root(
                rx.segmented_control.item("Add to the list", value="merge"),
                rx.segmented_control.item("Replace the list", value="replace"),
                value=State.mode,
                on_change=State.change_mode,
                size="2",
                aria_label="What becomes of the list",
            ),
        ),
        rx.el.ul(
            _count(plan.added, "new", "green"),
            _count(plan.replaced, "changed", "amber"),
            _count(plan.removed, "removed", "red"),
            _count(plan.unchanged, "as before", "gray"),
            class_name="flex flex-wrap gap-2",
            aria_label="What the file changes",
        ),
        rx.cond(
            length(plan.changes) > 0,
            rx.el.ol(
                rx.foreach(plan.changes, _change),
                aria_label="The changes",
                tab_index=0,
                class_name="flex flex-col max-h-[320px] overflow-y-auto rounded-lg border border-[var(--line)]",
            ),
            rx.cond(
                plan.removed > 0,
                rx.fragment(),
                rx.el.p("The list holds all of this already.", class_name="text-sm text-[var(--ink-soft)]"),
            ),
        ),
        rx.cond(
            plan.added + plan.replaced > length(plan.changes),
            rx.el.p(
                "And ",
                format.number(plan.added + plan.replaced - length(plan.changes)),
                " more.",
                class_name="text-[13px] text-[var(--ink-soft)]",
            ),
        ),
    )


def _count(number: Any, word: str, color: Any) -> rx.Component:
    return rx.cond(
        number > 0,
        rx.el.li(rx.badge(format.number(number), f" {word}", color_scheme=color, variant="soft", size="2")),
    )


def _change(change: PairChange) -> rx.Component:
    return rx.el.li(
        rx.el.p(change.question, class_name="text-sm font-medium break-words"),
        rx.cond(
            change.before,
            rx.el.p(
                rx.el.span("So far: ", class_name="visually-hidden"),
                rx.el.del_(change.before),
                class_name="text-[13px] text-[var(--ink-soft)] line-clamp-2 break-words",
            ),
        ),
        rx.el.p(change.answer, class_name="text-[13px] line-clamp-2 whitespace-pre-line break-words"),
        class_name="row-line flex flex-col gap-0.5 px-3 py-2.5",
    )


def _buttons() -> rx.Component:
    plan: Any = State.plan
    changes = plan & (plan.added + plan.replaced + plan.removed > 0)
    return rx.el.div(
        rx.dialog.close(
            rx.button(rx.cond(changes, "Cancel", "Close"), variant="soft", color_scheme="gray", type="button")
        ),
        rx.cond(plan, rx.fragment(), _another()),
        rx.cond(changes, rx.button("Import", on_click=State.send, loading=State.busy, type="button")),
        class_name="flex flex-wrap justify-end gap-3 pt-6",
    )


def _another() -> rx.Component:
    return rx.button("Choose another file", type="button", variant="soft", custom_attrs={"data-choose-csv": ""})
