"""What visitors get of a bot, what waits for them, and the buttons from one to the other."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.feedback import trouble
from chatbot_saas.components.vars import length, present, route_parameter, shown
from chatbot_saas.pages.rolling_back import roll_back_button, rolled_back
from chatbot_saas.schemas.bot_tests import FailedTest, PublicationRead
from chatbot_saas.state.bot_test_runs import BotTestRunState
from chatbot_saas.state.publication import PublicationState
from chatbot_saas.state.rolling_back import RollBackState
from chatbot_saas.state.shell import ShellState

State = PublicationState


def publish_bar() -> rx.Component:
    return rx.cond(
        State.problem,
        trouble(State.problem, "What is published cannot be shown", State.load),
        rx.cond(
            State.publication,
            _bar(shown(State.publication)),
            rx.el.div(rx.skeleton(height="92px", width="100%"), aria_hidden="true"),
        ),
    )


def _bar(found: PublicationRead) -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.p(_now(found), class_name="text-sm font-medium"),
            rx.el.p(_waits(found), class_name="text-sm text-[var(--ink-soft)] break-words"),
            rx.cond(State.goes_out, _verdict(found)),
            rolled_back(),
            class_name="flex flex-col gap-1 min-w-0 flex-1 basis-[280px]",
        ),
        rx.cond(
            ShellState.user.can_write,
            rx.el.div(_acts(found), class_name="flex flex-wrap items-center gap-2"),
        ),
        aria_label="Publishing",
        class_name="panel flex flex-wrap items-center justify-between gap-4 p-5",
    )


def _now(found: PublicationRead) -> rx.Component:
    return rx.fragment(
        rx.cond(
            found.published_version == 0,
            "Nothing is published yet.",
            rx.fragment(
                rx.cond(found.status == "published", "Visitors get version ", "Paused. Published last: version "),
                rx.el.span(found.published_version, class_name="number"),
                ".",
            ),
        )
    )


def _waits(found: PublicationRead) -> rx.Component:
    settings = f"/bots/{route_parameter('bot_id')}#publishing"
    return rx.fragment(
        rx.cond(
            length(found.pending) > 0,
            rx.fragment("Changed since: ", State.pending_words, "."),
            rx.cond(
                found.status != "published",
                "Version " + found.version.to(str) + " is ready to be published.",  # pyright: ignore
                rx.cond(
                    found.hold_changes,
                    "Nothing waits. Changes are held until you publish them.",
                    rx.fragment(
                        "Changes reach visitors at once. ",
                        rx.link("Hold them until you publish", href=settings, size="2", underline="always"),
                    ),
                ),
            ),
        )
    )


def _verdict(found: PublicationRead) -> rx.Component:
    def line(icon: str, color: str, *words: Any) -> rx.Component:
        return rx.el.p(
            rx.icon(icon, size=15, class_name="shrink-0 mt-[3px]", aria_hidden="true"),
            rx.el.span(*words),
            role="status",
            class_name=f"flex items-start gap-2 text-sm text-[var(--{color}-11)]",
        )

    failing = length(found.failed)
    fails = rx.cond(
        found.published_version == 0,
        line("circle-alert", "amber", format.count(failing, "test"), " failed. You may publish all the same."),
        line(
            "circle-alert",
            "amber",
            "Nothing got worse. What visitors get now fails ",
            format.count(failing, "test"),
            " too.",
        ),
    )
    passes = rx.cond(
        found.run_id,
        line("circle-check", "green", "Its tests pass."),
        line("circle-check", "green", "Visitors know these answers already."),
    )
    return rx.fragment(
        rx.match(
            found.verdict,
            ("no_tests", rx.fragment()),
            ("running", line("loader-circle", "iris", "Its tests are being run.")),
            (
                "regressed",
                line(
                    "trending-down",
                    "red",
                    format.count(length(found.regressed), "answer"),
                    " got worse than what is published.",
                ),
            ),
            (
                "unasked",
                line(
                    "unplug",
                    "amber",
                    "A model did not answer ",
                    format.count(length(found.unasked), "test"),
                    ", so nobody knows what got worse.",
                ),
            ),
            ("clear", rx.cond(failing > 0, fails, passes)),
            line("circle-dashed", "amber", "Its tests were not run with these settings and sources yet."),
        )
    )


def _acts(found: PublicationRead) -> rx.Component:
    may = (found.verdict == "clear") | (found.verdict == "no_tests")
    return rx.fragment(
        rx.cond(
            present(found.previous_version) & (found.status == "published") & ~present(RollBackState.done),
            roll_back_button(found.previous_version, found.version, found.published_version),
        ),
        rx.cond(
            State.goes_out,
            rx.cond(
                may,
                rx.button(rx.icon("rocket", size=16, aria_hidden="true"), "Publish", on_click=State.publish, size="2"),
                rx.fragment(
                    rx.cond(found.verdict != "running", _anyway(found)),
                    rx.cond(
                        (found.verdict == "not_run") | (found.verdict == "unasked"),
                        rx.button(
                            rx.icon("rocket", size=16, aria_hidden="true"),
                            "Run tests and publish",
                            on_click=BotTestRunState.start_and_publish,
                            loading=BotTestRunState.busy,
                            size="2",
                        ),
                    ),
                ),
            ),
        ),
    )


def _anyway(found: PublicationRead) -> rx.Component:
    return rx.alert_dialog.root(
        rx.alert_dialog.trigger(rx.button("Publish anyway", variant="soft", color_scheme="amber", size="2")),
        rx.alert_dialog.content(
            rx.alert_dialog.title("Publish anyway?", size="4"),
            rx.alert_dialog.description(
                rx.match(
                    found.verdict,
                    (
                        "regressed",
                        "Visitors get a wrong answer, or none, where they get a right one now. It is recorded that you "
                        "published all the same.",
                    ),
                    (
                        "unasked",
                        "A model did not answer some tests, so nobody knows what gets worse. It is recorded that you "
                        "published all the same.",
                    ),
                    "The tests were not run with these settings and sources, so nobody knows what gets worse. It is "
                    "recorded that you published all the same.",
                ),
                size="2",
                class_name="text-[var(--ink-soft)]",
            ),
            rx.cond(
                length(found.regressed) > 0,
                rx.el.ul(
                    rx.foreach(found.regressed, _worse),
                    aria_label="Answers that got worse",
                    class_name="mt-4 flex flex-col rounded-lg border border-[var(--line)] max-h-60 overflow-y-auto",
                ),
            ),
            rx.el.div(
                rx.alert_dialog.cancel(rx.button("Cancel", variant="soft", color_scheme="gray", type="button")),
                rx.alert_dialog.action(
                    rx.button("Publish anyway", on_click=State.publish_anyway, color_scheme="red", type="button")
                ),
                class_name="flex justify-end gap-3 pt-5",
            ),
            max_width="480px",
        ),
    )


def _worse(test: FailedTest) -> rx.Component:
    return rx.el.li(
        rx.icon("trending-down", size=14, class_name="shrink-0 mt-[3px] text-[var(--red-11)]", aria_hidden="true"),
        rx.el.span(test.question, class_name="min-w-0 break-words"),
        class_name="row-line flex items-start gap-2 px-3 py-2 text-sm",
    )
