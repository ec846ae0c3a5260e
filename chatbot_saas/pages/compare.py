"""`/bots/[bot_id]/compare`: the same question to two versions of a bot, side by side."""

from typing import Any

import reflex as rx

from chatbot_saas.components.feedback import empty_state, notice, skeleton_panels, trouble
from chatbot_saas.components.vars import length, negated, route_parameter
from chatbot_saas.pages.bot_frame import bot_page
from chatbot_saas.pages.playground import asking, so_far, turn_body
from chatbot_saas.schemas.dashboard import PlaygroundTurn
from chatbot_saas.schemas.workbench import ComparedTurn, VersionChoice
from chatbot_saas.state.compare import CompareState
from chatbot_saas.state.shell import ShellState

_SIDES = "grid grid-cols-1 md:grid-cols-2 gap-4"


@bot_page("", "Compare versions", below="/compare", on_load=[CompareState.load])
def compare() -> rx.Component:
    state = CompareState
    return rx.el.div(
        _head(),
        rx.cond(
            state.loaded,
            rx.fragment(
                rx.el.div(
                    _version("left", "First version", state.left),
                    _version("right", "Second version", state.right),
                    class_name=_SIDES,
                ),
                rx.cond(
                    ShellState.user.can_write,
                    asking(state, "Question to both versions", "Ask both", button="Ask both"),
                    notice("Your role may read, but not ask."),
                ),
                rx.el.div(
                    rx.foreach(state.turns, _turn),
                    rx.cond(state.question != "", _live()),
                    role="log",
                    aria_label="Comparison",
                    class_name="flex flex-col-reverse gap-8",
                ),
                rx.cond((length(state.turns) == 0) & (state.question == ""), _nothing()),
            ),
            rx.cond(
                state.problem,
                trouble(state.problem, "The versions cannot be shown", state.load),
                skeleton_panels(2, height="72px"),
            ),
        ),
        class_name="flex flex-col gap-5",
    )


def _head() -> rx.Component:
    state = CompareState
    return rx.el.div(
        rx.el.div(
            rx.link(
                rx.icon("arrow-left", size=15, aria_hidden="true"),
                "Settings and playground",
                href="/bots/" + route_parameter("bot_id"),
                underline="none",
                color_scheme="gray",
                class_name="flex items-center gap-1.5 w-fit text-sm text-[var(--ink-soft)]",
            ),
            rx.heading("Compare versions", as_="h2", size="4", weight="medium"),
            class_name="flex flex-col gap-1",
        ),
        rx.button(
            rx.icon("rotate-ccw", size=14, aria_hidden="true"),
            "New chat",
            on_click=state.new_chat,
            variant="soft",
            color_scheme="gray",
            disabled=(length(state.turns) == 0) & (state.question == ""),
        ),
        class_name="flex flex-wrap items-end justify-between gap-3",
    )


def _version(side: str, label: str, value: Any) -> rx.Component:
    def choice(item: VersionChoice) -> rx.Component:
        return rx.select.item(item.label, value=item.value)

    return rx.el.div(
        rx.el.label(label, html_for=f"{side}-version", class_name="text-sm font-medium"),
        rx.select.root(
            rx.select.trigger(id=f"{side}-version", class_name="w-full"),
            rx.select.content(rx.foreach(CompareState.choices, choice), position="popper"),
            value=value,
            on_change=CompareState.choose(side),  # pyright: ignore[reportCallIssue]
            size="2",
            disabled=negated(ShellState.user.can_write) | (CompareState.question != ""),
        ),
        class_name="flex flex-col gap-1.5 min-w-0",
    )


def _nothing() -> rx.Component:
    return empty_state(
        "columns-2",
        "Ask both the same",
        "The question goes to both versions at once. You see their answers side by side, with times, tokens, price and "
        "the passages that each was made from.",
    )


def _asked(question: Any) -> rx.Component:
    return rx.el.div(question, class_name="bubble bubble-user w-fit whitespace-pre-line")


def _turn(turn: ComparedTurn) -> rx.Component:
    return rx.el.article(
        _asked(turn.question),
        rx.el.div(_side("First version", turn.left), _side("Second version", turn.right), class_name=_SIDES),
        class_name="flex flex-col gap-3",
    )


def _side(name: str, turn: PlaygroundTurn) -> rx.Component:
    return rx.el.section(
        rx.el.p(name, class_name="text-xs font-medium text-[var(--ink-soft)] md:sr-only"),
        turn_body(turn, rx.el.p(turn.error, class_name="field-error", role="alert"), ask=CompareState.ask),
        rx.cond(
            turn.whole,
            rx.el.dl(
                _figure("First word", turn.first_word),
                _figure("Whole answer", turn.whole),
                _figure("Tokens", turn.tokens),
                _figure("Price", turn.cost),
                class_name="grid grid-cols-2 gap-x-4 gap-y-2 pt-3 mt-auto border-t border-[var(--line)]",
            ),
        ),
        aria_label=name,
        class_name="panel flex flex-col gap-2.5 p-4 min-w-0",
    )


def _figure(label: str, value: Any) -> rx.Component:
    return rx.el.div(
        rx.el.dt(label, class_name="text-xs text-[var(--ink-soft)]"),
        rx.el.dd(value, class_name="number text-[13px] [overflow-wrap:anywhere]"),
    )


def _live() -> rx.Component:
    def side(name: str, said: Any) -> rx.Component:
        return rx.el.section(
            rx.el.p(name, class_name="text-xs font-medium text-[var(--ink-soft)] md:sr-only"),
            so_far(said),
            aria_label=name,
            class_name="panel flex flex-col gap-2.5 p-4 min-w-0",
        )

    return rx.el.article(
        _asked(CompareState.question),
        rx.el.div(
            side("First version", CompareState.left_said),
            side("Second version", CompareState.right_said),
            class_name=_SIDES,
        ),
        aria_busy="true",
        class_name="flex flex-col gap-3",
    )
