"""The latest run of a bot's tests: how far it is, and its answers beside those that visitors get now."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.feedback import notice, trouble
from chatbot_saas.components.vars import length, shown
from chatbot_saas.schemas.bot_tests import AnswerPart, BotTestRunRead, FactView, ResultView, SideView
from chatbot_saas.state.bot_test_runs import BotTestRunState
from chatbot_saas.state.shell import ShellState

State = BotTestRunState
_OUTCOMES = {
    "passed": ("circle-check", "green", "Passed"),
    "failed": ("circle-x", "amber", "Failed"),
    "regressed": ("trending-down", "red", "Got worse"),
    "unasked": ("unplug", "amber", "Not asked"),
    "not_run": ("circle-dashed", "gray", "Not run"),
}


def outcome_badge(outcome: Any) -> rx.Component:
    """A picture and a word, so that colour is never the only sign."""

    def badge(key: str) -> rx.Component:
        icon, color, words = _OUTCOMES[key]
        return rx.badge(
            rx.icon(icon, size=13, aria_hidden="true"),
            words,
            color_scheme=color,  # pyright: ignore[reportArgumentType]
            variant="soft",
            radius="full",
            size="1",
        )

    return rx.fragment(
        rx.match(outcome, *((key, badge(key)) for key in _OUTCOMES if key != "not_run"), badge("not_run"))
    )


def latest_run() -> rx.Component:
    """Nothing before the first run."""
    return rx.cond(
        State.problem,
        trouble(State.problem, "The latest run cannot be shown", State.load),
        rx.cond(State.run, _run(shown(State.run))),
    )


def _run(run: BotTestRunRead) -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.div(
                rx.heading("Latest run", as_="h2", size="3", weight="medium"),
                rx.el.p(
                    "Version ",
                    run.version,
                    rx.cond(
                        (run.baseline_version > 0) & (run.baseline_version != run.version),
                        rx.fragment(", beside version ", run.baseline_version, " that is published"),
                    ),
                    " · ",
                    format.ago(run.created_at),
                    class_name="text-[13px] text-[var(--ink-soft)] number",
                ),
                class_name="flex flex-col gap-0.5 min-w-0",
            ),
            rx.cond(
                State.running & ShellState.user.can_write,
                rx.button("Cancel", on_click=State.cancel, variant="soft", color_scheme="gray", size="1"),
            ),
            class_name="flex items-start justify-between gap-4",
        ),
        rx.cond(State.running, _progress(run), _summary(run)),
        class_name="panel flex flex-col gap-4 p-5",
        aria_label="Latest run",
    )


def _progress(run: BotTestRunRead) -> rx.Component:
    share: Any = rx.cond(run.total > 0, run.done * 100 / run.total, 0)
    return rx.el.div(
        rx.progress(value=rx.Var.create(share).to(int), size="2", aria_label="Progress of the run"),
        rx.el.p(
            rx.cond(
                run.status == "queued",
                "Waiting to begin.",
                rx.fragment(run.done, " of ", run.total, " answered, ", run.passed, " passed."),
            ),
            rx.cond(
                run.publish,
                rx.el.span(" It publishes at its end, if nothing gets worse. You may close this page."),
            ),
            role="status",
            class_name="text-[13px] text-[var(--ink-soft)] number",
        ),
        class_name="flex flex-col gap-2",
    )


def _summary(run: BotTestRunRead) -> rx.Component:
    return rx.fragment(
        rx.match(
            run.status,
            ("failed", notice(run.error, kind="error", title="The run broke off.")),
            ("cancelled", notice("It was cancelled before its end, so it does not count for publishing.")),
            rx.fragment(),
        ),
        rx.cond(
            run.publish_problem,
            notice(run.publish_problem, kind="warning", title="It did not publish at its end."),
        ),
        rx.cond(
            (run.unasked > 0) & (run.publish_problem == ""),
            notice(
                rx.fragment(
                    "A model did not answer ",
                    format.count(run.unasked, "test"),
                    ", so nobody knows whether anything got worse. Run the tests again.",
                ),
                kind="warning",
            ),
        ),
        rx.el.p(
            rx.el.strong(run.passed, " of ", run.total, class_name="text-[22px] leading-8 font-semibold number"),
            rx.el.span(" passed", class_name="text-sm"),
            rx.cond(
                run.regressions > 0,
                rx.el.span(
                    rx.icon("trending-down", size=15, aria_hidden="true"),
                    run.regressions,
                    " got worse",
                    class_name="inline-flex items-center gap-1.5 text-sm font-medium text-[var(--red-11)] pl-3",
                ),
            ),
            rx.cond(
                run.published,
                rx.el.span(
                    rx.icon("rocket", size=15, aria_hidden="true"),
                    "Published at its end",
                    class_name="inline-flex items-center gap-1.5 text-sm font-medium text-[var(--green-11)] pl-3",
                ),
            ),
            class_name="flex flex-wrap items-baseline gap-x-1.5",
        ),
        rx.cond(
            length(State.results) > 0,
            rx.fragment(
                rx.cond(
                    length(State.shown_results) > 0,
                    rx.el.ul(
                        rx.foreach(State.shown_results, _result),
                        class_name="flex flex-col -mx-5",
                        aria_label="Answers of the run",
                    ),
                ),
                rx.cond(State.passed_count > 0, _toggle()),
            ),
        ),
    )


def _toggle() -> rx.Component:
    return rx.button(
        rx.cond(State.show_passed, "Hide those that passed", rx.fragment("Show ", State.passed_count, " that passed")),
        on_click=State.toggle_passed,
        variant="soft",
        color_scheme="gray",
        size="1",
        aria_expanded=State.show_passed,
        class_name="self-start",
    )


def _result(result: ResultView) -> rx.Component:
    return rx.el.li(
        rx.el.details(
            rx.el.summary(
                rx.icon(
                    "chevron-right",
                    size=14,
                    class_name="chevron transition-transform shrink-0 mt-1",
                    aria_hidden="true",
                ),
                rx.el.span(result.question, class_name="flex-1 min-w-0 break-words"),
                outcome_badge(result.outcome),
                class_name="flex items-start gap-2 text-sm font-medium min-h-9",
            ),
            rx.el.div(
                rx.el.div(
                    _side("This version", result.candidate, result),
                    rx.cond(result.compared, _side("Published", result.baseline, result, before=True)),
                    class_name=rx.cond(result.compared, "grid md:grid-cols-2 gap-3", "grid gap-3"),
                ),
                class_name="pt-3",
            ),
            open=result.outcome == "regressed",
        ),
        key=rx.Var.create(result.test_id).to(str),
        class_name="row-line px-5 py-3",
    )


def _side(name: str, side: SideView, result: ResultView, *, before: bool = False) -> rx.Component:
    """One answer. `before`: it is the published version's."""
    return rx.el.section(
        rx.el.div(
            rx.el.h3(name, class_name="text-[13px] font-medium"),
            outcome_badge(side.outcome),
            class_name="flex items-center justify-between gap-2",
        ),
        rx.el.p(
            rx.foreach(side.parts, _part),
            class_name="text-sm leading-[22px] whitespace-pre-wrap [overflow-wrap:anywhere] max-h-72 overflow-y-auto",
        ),
        _expected(side, result, before=before),
        rx.cond(side.note, rx.el.p(side.note, class_name="text-[13px] text-[var(--amber-11)]")),
        rx.cond(
            length(side.sources) > 0,
            rx.el.p(
                "From ",
                side.sources.join("; "),  # pyright: ignore
                class_name="text-[13px] text-[var(--ink-soft)] break-words",
            ),
        ),
        aria_label=f"{name}: {result.question}",
        class_name="flex flex-col gap-2.5 rounded-lg border border-[var(--line)] p-4 min-w-0",
    )


def _expected(side: SideView, result: ResultView, *, before: bool) -> rx.Component:
    """What the answer holds of what it must hold."""

    def words(text: str) -> rx.Component:
        return rx.el.p(text, class_name="text-[13px] text-[var(--ink-soft)]")

    def fact(item: FactView) -> rx.Component:
        held = item.held_before if before else item.held
        return rx.el.li(rx.cond(held, _fact("check", "green", "holds", item), _fact("x", "red", "missing", item)))

    return rx.fragment(
        rx.cond(
            result.refusal,
            rx.cond(side.answered, words("Answered, though it must not be."), words("Not answered, as it should be.")),
            rx.fragment(
                rx.cond(side.answered, rx.fragment(), words("The bot said that its sources do not hold it.")),
                rx.el.ul(rx.foreach(result.facts, fact), class_name="flex flex-wrap gap-1.5"),
            ),
        )
    )


def _fact(icon: str, color: str, word: str, item: FactView) -> rx.Component:
    return rx.badge(
        rx.icon(icon, size=12, aria_hidden="true"),
        rx.el.span(word, ": ", item.text, class_name="whitespace-normal [overflow-wrap:anywhere]"),
        color_scheme=color,  # pyright: ignore[reportArgumentType]
        variant="soft",
        size="1",
    )


def _part(part: AnswerPart) -> rx.Component:
    return rx.cond(
        part.differs,
        rx.el.mark(part.text, class_name="rounded-sm bg-[var(--amber-a4)] text-[var(--ink)]"),
        rx.el.span(part.text),
    )
