"""`/bots/[bot_id]/tests`: questions whose answers are known, asked before something is published."""

from typing import Any

import reflex as rx

from chatbot_saas.components.buttons import row_button
from chatbot_saas.components.feedback import confirm_dialog, empty_state, skeleton_panels, trouble
from chatbot_saas.components.forms import field
from chatbot_saas.components.table import Column, data_table, in_short, load_more, search_box, table_row
from chatbot_saas.components.vars import length, negated
from chatbot_saas.pages.bot_frame import bot_page
from chatbot_saas.pages.bot_test_run import latest_run, outcome_badge
from chatbot_saas.pages.publication import publish_bar
from chatbot_saas.schemas.bot_tests import BotTestRead
from chatbot_saas.state.bot_test_runs import MARKER, BotTestRunState
from chatbot_saas.state.bot_tests import ORIGINS, OUTCOMES, BotTestsState
from chatbot_saas.state.publication import PublicationState
from chatbot_saas.state.rolling_back import RollBackState
from chatbot_saas.state.shell import ShellState

COLUMNS = (
    Column("Question and what its answer must hold"),
    Column("Origin", phone=False),
    Column("Outcome"),
    Column("In use", right=True),
    Column("Actions", hidden_label=True, right=True),
)
State = BotTestsState


@bot_page(
    "/tests", "Tests", on_load=[PublicationState.load, RollBackState.load, BotTestsState.load, BotTestRunState.load]
)
def tests() -> rx.Component:
    return rx.el.div(
        publish_bar(),
        latest_run(),
        trouble(State.problem, "The tests cannot be shown", State.load),
        rx.cond(
            State.loaded,
            rx.cond((length(State.items) > 0) | State.filtered, _list(), _nothing()),
            rx.cond(State.problem, rx.fragment(), skeleton_panels(3, height="72px")),
        ),
        _dialog(),
        custom_attrs={MARKER: ""},
        class_name="flex flex-col gap-6",
    )


def _write_button(**props: Any) -> rx.Component:
    return rx.button(
        rx.icon("plus", size=16, aria_hidden="true"), "Write one", on_click=State.open_new, size="2", **props
    )


def _suggest_button(**props: Any) -> rx.Component:
    return rx.button(
        rx.icon("sparkles", size=16, aria_hidden="true"),
        "Suggest from your sources",
        on_click=State.suggest,
        loading=State.suggesting,
        size="2",
        **props,
    )


def _nothing() -> rx.Component:
    return empty_state(
        "flask-conical",
        "Know that it answers right",
        "Write the questions that matter with the facts that their answers must hold. They are asked before you "
        "publish a change, and you see which answers got better or worse.",
        rx.cond(
            ShellState.user.can_write,
            rx.fragment(_suggest_button(), _write_button(variant="soft")),
        ),
    )


def _list() -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.div(
                search_box("Search tests", State.search, State.change_search, placeholder="Search questions and facts"),
                class_name="flex-1 min-w-[180px] [&>*]:!w-full",
            ),
            _choice("Outcome", OUTCOMES, State.outcome, State.change_outcome),
            _choice("Origin", ORIGINS, State.origin, State.change_origin),
            rx.cond(
                ShellState.user.can_write,
                rx.el.div(
                    _suggest_button(variant="soft"),
                    _write_button(variant="soft"),
                    _run_button(),
                    class_name="flex flex-wrap items-center gap-2",
                ),
            ),
            class_name="flex flex-wrap items-center gap-3",
        ),
        rx.cond(
            length(State.items) > 0,
            data_table("Tests", COLUMNS, rx.foreach(State.items, _row)),
            empty_state(
                "search-x",
                "No test matches",
                "Try another word, or another outcome.",
                rx.button("Clear the filters", on_click=State.clear_filters, variant="soft"),
            ),
        ),
        load_more(State.next_cursor != "", State.load_more),
        aria_label="Tests",
        class_name="flex flex-col gap-4",
    )


def _run_button() -> rx.Component:
    return rx.button(
        rx.icon("play", size=16, aria_hidden="true"),
        "Run tests",
        on_click=BotTestRunState.start,
        loading=BotTestRunState.busy,
        disabled=BotTestRunState.running,
        size="2",
    )


def _choice(label: str, choices: dict[str, str], value: Any, on_change: Any) -> rx.Component:
    return rx.select.root(
        rx.select.trigger(aria_label=label, class_name="w-full sm:w-44"),
        rx.select.content(*[rx.select.item(text, value=key) for key, text in choices.items()], position="popper"),
        value=value,
        on_change=on_change,
        size="2",
    )


def _row(test: BotTestRead) -> rx.Component:
    test_id: Any = rx.Var.create(test.id).to(str)
    origin: Any = rx.match(test.origin, *((key, text) for key, text in ORIGINS.items() if key != "all"), "Written")
    actions = rx.el.div(
        row_button("pencil", "Edit", f"Edit {test.question}", on_click=State.open_test(test_id)),
        confirm_dialog(
            row_button("trash-2", "Delete", f"Delete {test.question}"),
            title="Delete this test?",
            text=f"“{test.question}” goes with its answers in all runs.",
            action="Delete",
            on_confirm=State.delete(test_id),
        ),
        class_name="flex items-center justify-end gap-2",
    )
    return table_row(
        COLUMNS,
        test_id,
        rx.el.div(
            rx.el.p(test.question, class_name="font-medium whitespace-normal break-words"),
            rx.cond(
                test.expectation == "refusal",
                rx.el.p("Must not be answered", class_name="text-[13px] text-[var(--ink-soft)]"),
                rx.el.ul(rx.foreach(test.facts, _fact), class_name="flex flex-wrap gap-1.5"),
            ),
            in_short(origin),
            class_name=rx.cond(
                test.enabled,
                "flex flex-col gap-1.5 min-w-0 text-left",
                "flex flex-col gap-1.5 min-w-0 text-left opacity-60",
            ),
        ),
        rx.el.span(origin, class_name="text-[var(--ink-soft)]"),
        outcome_badge(test.outcome),
        rx.switch(
            checked=test.enabled,
            on_change=lambda on: State.enable(test_id, on),
            disabled=negated(ShellState.user.can_write),
            size="1",
            aria_label=f"In use: {test.question}",
        ),
        rx.cond(ShellState.user.can_write, actions),
    )


def _fact(fact: str) -> rx.Component:
    return rx.el.li(
        fact,
        class_name="rounded-md px-1.5 text-[13px] leading-5 bg-[var(--gray-a3)] text-[var(--ink-soft)] "
        "whitespace-normal [overflow-wrap:anywhere]",
    )


def _dialog() -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(_form(), max_width="600px", on_interact_outside=rx.prevent_default),
        open=State.editing,
        on_open_change=State.open_form,
    )


def _form() -> rx.Component:
    expectation = rx.radio_group.root(
        rx.el.div(
            rx.el.label(rx.radio_group.item(value="facts"), "The answer holds certain facts"),
            rx.el.label(rx.radio_group.item(value="refusal"), "The bot must not answer it"),
            class_name="flex flex-col gap-2 text-sm [&>label]:flex [&>label]:items-center [&>label]:gap-2 "
            "[&>label]:min-h-8 [&>label]:cursor-pointer",
        ),
        value=rx.cond(State.refusal, "refusal", "facts"),
        on_change=State.change_expectation,
        aria_label="What is right",
    )
    return rx.form(
        rx.dialog.title(rx.cond(State.test_id, "Change this test", "New test"), size="4"),
        rx.dialog.description(
            "The bot is asked this question on each run, without a conversation before it.",
            size="2",
            class_name="text-[var(--ink-soft)] pb-4",
        ),
        rx.el.div(
            _text("question", "Question", State.form_question, "As a visitor would ask it.", rows="2", most=1000),
            expectation,
            rx.cond(
                negated(State.refusal),
                _text(
                    "facts",
                    "Facts that the answer must hold",
                    State.form_facts,
                    "One a line. Either of two is written “30 days | a month”. Case, accents and the way of writing "
                    "a number do not matter.",
                    rows="4",
                    most=2500,
                ),
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
