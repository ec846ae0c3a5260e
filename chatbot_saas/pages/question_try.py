"""The panel in which an owner tries which of the questions another one is taken for."""

import reflex as rx

from chatbot_saas.components.feedback import skeleton_lines, trouble
from chatbot_saas.components.forms import field, line_form, slider
from chatbot_saas.components.vars import length, negated
from chatbot_saas.schemas.questions import CandidateView
from chatbot_saas.state.question_try import LEAST, MOST, QuestionTryState
from chatbot_saas.state.shell import ShellState

State = QuestionTryState


def try_panel() -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.heading("Try a question", as_="h2", size="3", weight="medium", id="try-title"),
            rx.el.p(
                "See which of your answers a visitor would get, and why.", class_name="text-sm text-[var(--ink-soft)]"
            ),
            class_name="flex flex-col gap-1",
        ),
        rx.cond(ShellState.user.can_write, _ask(), _read_only()),
        rx.cond(State.verdict, _result()),
        rx.cond(
            State.problem,
            trouble(State.problem, "What counts as close enough cannot be shown", State.load),
            rx.cond(State.loaded, _threshold(), skeleton_lines(2)),
        ),
        aria_labelledby="try-title",
        class_name="panel flex flex-col gap-5 p-5 xl:sticky xl:top-[calc(var(--topbar-height)+24px)]",
    )


def _read_only() -> rx.Component:
    return rx.el.p("Your role may read, but not ask.", class_name="text-[13px] text-[var(--ink-soft)]")


def _ask() -> rx.Component:
    return line_form(
        action="Try",
        on_submit=State.ask,
        busy=State.trying,
        problem=State.ask_problem,
        name="query",
        placeholder="When are you open?",
        aria_label="A visitor's question",
        auto_complete="off",
        max_length=4000,
    )


def _result() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.match(
                State.verdict,
                ("exact", _verdict("circle-check", "Your answer is given: these are the same words.", good=True)),
                ("meaning", _verdict("circle-check", "Your answer is given: it means the same.", good=True)),
                ("below", _verdict("circle-minus", "The model answers: nothing is close enough.")),
                _verdict("circle-minus", "The model answers: there is nothing to compare with yet."),
            ),
            role="status",
        ),
        rx.cond(
            length(State.candidates) > 0,
            rx.el.ol(
                rx.foreach(State.candidates, _candidate),
                aria_label="Closest questions",
                class_name="flex flex-col gap-2",
            ),
        ),
        class_name="flex flex-col gap-3",
    )


def _verdict(icon: str, words: str, *, good: bool = False) -> rx.Component:
    color = "text-[var(--green-11)]" if good else "text-[var(--amber-11)]"
    return rx.el.p(
        rx.icon(icon, size=16, class_name="shrink-0 mt-0.5", aria_hidden="true"),
        rx.el.span(words),
        class_name=f"flex gap-2 text-sm font-medium {color}",
    )


def _candidate(pair: CandidateView) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(pair.question, class_name="text-[13px] font-medium break-words min-w-0 flex-1"),
            rx.el.span(pair.share, "%", class_name="number text-[13px] text-[var(--ink-soft)]"),
            class_name="flex items-baseline justify-between gap-3",
        ),
        rx.el.div(rx.el.span(style={"width": f"{pair.share}%"}), class_name="score-bar", aria_hidden="true"),
        rx.cond(pair.note, rx.el.p(pair.note, class_name="text-xs text-[var(--amber-11)]")),
        rx.cond(
            pair.wins,
            rx.el.p(
                pair.answer,
                class_name="text-[13px] leading-5 whitespace-pre-line break-words max-h-40 overflow-y-auto",
                tab_index=0,
            ),
        ),
        class_name=rx.cond(
            pair.wins,
            "flex flex-col gap-1.5 rounded-lg border border-[var(--green-a7)] px-3 py-2.5",
            "flex flex-col gap-1.5 rounded-lg border border-[var(--line)] px-3 py-2.5",
        ),
    )


def _threshold() -> rx.Component:
    return rx.el.div(
        field(
            "threshold",
            "Close enough from",
            slider(
                "threshold",
                value=State.threshold,
                on_change=State.move,
                least=LEAST,
                most=MOST,
                disabled=negated(ShellState.user.can_write),
                aria_label="How alike is close enough, in percent",
            ),
            hint="Higher: only questions that mean nearly the same. At 100% only the same words count.",
            aside=rx.el.output(State.threshold, "% alike", class_name="number text-sm text-[var(--ink-soft)]"),
        ),
        rx.cond(
            State.changed & ShellState.user.can_write,  # pyright: ignore[reportOperatorIssue]
            rx.el.div(
                rx.button("Save", on_click=State.save, size="2"),
                rx.button(
                    f"Back to {State.saved}%", on_click=State.put_back, variant="soft", color_scheme="gray", size="2"
                ),
                class_name="flex gap-2",
            ),
        ),
        class_name="flex flex-col gap-3 pt-4 border-t border-[var(--line)]",
    )
