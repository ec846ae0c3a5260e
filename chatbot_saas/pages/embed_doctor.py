"""The panel that looks at a customer's page and says why the chat does not show there."""

import reflex as rx

from chatbot_saas.components.copying import code_block
from chatbot_saas.components.forms import line_form
from chatbot_saas.components.vars import shown
from chatbot_saas.schemas.embed import EmbedCheck, EmbedReport
from chatbot_saas.state.embed import EmbedState
from chatbot_saas.state.shell import ShellState

State = EmbedState


def doctor() -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.heading("Does it show?", as_="h2", size="3", weight="medium", id="doctor-title"),
            rx.text(
                "Give the address of a page that should have the chat. It is looked at as a visitor's browser would, "
                "and you read what to change.",
                size="2",
                class_name="text-[var(--ink-soft)]",
            ),
            class_name="flex flex-col gap-1",
        ),
        rx.cond(
            ShellState.user.can_write,
            _ask(),
            rx.el.p("Your role may read, but not check pages.", class_name="text-[13px] text-[var(--ink-soft)]"),
        ),
        rx.el.div(
            rx.cond(State.checking, rx.el.p("Looking at the page …", class_name="text-sm text-[var(--ink-soft)]")),
            rx.cond(State.report, _report(shown(State.report))),
            role="status",
        ),
        aria_labelledby="doctor-title",
        id="doctor",
        class_name="panel flex flex-col gap-4 p-5",
    )


def _ask() -> rx.Component:
    return line_form(
        action="Check",
        on_submit=State.check,
        busy=State.checking,
        problem=State.check_problem,
        name="url",
        placeholder="https://shop.example/contact",
        aria_label="Address of your page",
        auto_complete="url",
        input_mode="url",
        max_length=2000,
    )


def _report(report: EmbedReport) -> rx.Component:
    return rx.el.div(
        rx.match(
            report.works,
            (True, _verdict("circle-check", "The chat shows on this page.", "text-[var(--green-11)]")),
            (False, _verdict("circle-x", "The chat does not show on this page yet.", "text-[var(--red-11)]")),
            _verdict("circle-help", "This cannot be told for sure from here.", "text-[var(--amber-11)]"),
        ),
        rx.el.ul(rx.foreach(report.checks, _check), aria_label="What was looked at", class_name="flex flex-col gap-3"),
        class_name="flex flex-col gap-4",
    )


def _verdict(icon: str, words: str, color: str) -> rx.Component:
    return rx.el.p(
        rx.icon(icon, size=18, class_name="shrink-0 mt-0.5", aria_hidden="true"),
        rx.el.span(words),
        class_name=f"flex gap-2 text-[15px] font-medium {color}",
    )


def _check(check: EmbedCheck) -> rx.Component:
    def mark(icon: str, said: str, color: str) -> rx.Component:
        return rx.fragment(
            rx.icon(icon, size=16, class_name=f"shrink-0 mt-0.5 {color}", aria_hidden="true"),
            rx.el.span(said, class_name="visually-hidden"),
        )

    return rx.el.li(
        rx.match(
            check.state,
            ("ok", mark("check", "Well: ", "text-[var(--green-11)]")),
            ("problem", mark("x", "Problem: ", "text-[var(--red-11)]")),
            ("advice", mark("lightbulb", "Advice: ", "text-[var(--amber-11)]")),
            mark("circle-help", "Not sure: ", "text-[var(--amber-11)]"),
        ),
        rx.el.div(
            rx.el.p(check.says, class_name="text-sm break-words"),
            rx.cond(check.fix, rx.el.p(check.fix, class_name="text-sm text-[var(--ink-soft)] break-words")),
            rx.cond(
                check.code,
                rx.el.div(code_block(check.code, label="What to put there", variant="soft"), class_name="pt-1"),
            ),
            class_name="flex flex-col gap-1 min-w-0 flex-1",
        ),
        class_name="flex gap-2.5",
    )
