"""The playground beside a bot's settings: ask as a visitor would, and see what each answer was made from."""

from typing import Any

import reflex as rx

from chatbot_saas.components.answers import answer_text, citations, retrieved
from chatbot_saas.components.layout import bot_avatar, icon_button, link_button
from chatbot_saas.components.ranked import remarks, sentences
from chatbot_saas.components.saved_tests import save_as_test
from chatbot_saas.components.vars import length, route_parameter
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.schemas.dashboard import PlaygroundTurn
from chatbot_saas.state.bot_form import BotFormState
from chatbot_saas.state.playground import PlaygroundState
from chatbot_saas.state.saved_tests import SavedTestState
from chatbot_saas.state.shell import ShellState


def playground(bot: BotRead) -> rx.Component:
    return rx.el.section(
        rx.el.header(
            rx.el.div(
                rx.heading("Playground", as_="h2", size="3", weight="medium"),
                rx.el.p(
                    rx.cond(BotFormState.dirty, "Answers use the saved settings.", "Ask as a visitor would."),
                    class_name="text-[13px] text-[var(--ink-soft)]",
                ),
            ),
            rx.el.div(
                link_button(
                    "Compare",
                    "/bots/" + route_parameter("bot_id") + "/compare",
                    icon="columns-2",
                    variant="soft",
                    size="1",
                    color_scheme="gray",
                ),
                rx.button(
                    rx.icon("rotate-ccw", size=14, aria_hidden="true"),
                    "New chat",
                    on_click=PlaygroundState.new_chat,
                    variant="soft",
                    color_scheme="gray",
                    size="1",
                    disabled=(length(PlaygroundState.turns) == 0) & (PlaygroundState.question == ""),
                ),
                class_name="flex shrink-0 gap-2",
            ),
            class_name="flex flex-wrap items-start justify-between gap-x-3 gap-y-2 px-4 py-3 "
            "border-b border-[var(--line)]",
        ),
        rx.auto_scroll(
            _welcome(bot),
            rx.foreach(PlaygroundState.turns, lambda turn: _turn(bot, turn)),
            rx.cond(PlaygroundState.question != "", _live(bot)),
            class_name="flex-1 min-h-0 overflow-y-auto flex flex-col gap-5 px-4 py-4",
            role="log",
            aria_label="Chat",
            tab_index=0,
        ),
        rx.cond(ShellState.user.can_write, _ask(), _read_only()),
        class_name="panel flex flex-col h-[640px] xl:h-[calc(100dvh-var(--topbar-height)-48px)] xl:max-h-[860px] "
        "xl:sticky xl:top-[calc(var(--topbar-height)+24px)] overflow-hidden scroll-mt-20",
        aria_label="Playground",
        id="playground",
    )


def latest_turn(bot: BotRead) -> rx.Component:
    """The question that is being answered, or the last one that was."""
    return rx.cond(
        PlaygroundState.question != "",
        _live(bot),
        rx.cond(
            length(PlaygroundState.turns) > 0,
            rx.foreach(PlaygroundState.turns, lambda turn, place: _if_last(bot, turn, place)),
        ),
    )


def _if_last(bot: BotRead, turn: PlaygroundTurn, place: Any) -> rx.Component:
    return rx.cond(place == length(PlaygroundState.turns) - 1, _turn(bot, turn))


def _starter(question: str) -> rx.Component:
    return rx.el.button(
        question, on_click=PlaygroundState.ask({"question": question}), type="button", class_name="starter"
    )


def _said(bot: BotRead, *children: rx.Component) -> rx.Component:
    return rx.el.div(
        bot_avatar(bot.name, bot.color, size=26, icon=bot.icon),
        rx.el.div(*children, class_name="flex flex-col gap-2 min-w-0 flex-1"),
        class_name="flex gap-2.5",
    )


def _asked(question: str | rx.Var[str]) -> rx.Component:
    return rx.el.div(question, class_name="bubble bubble-user self-end whitespace-pre-line")


def _welcome(bot: BotRead) -> rx.Component:
    return _said(
        bot,
        rx.cond(bot.welcome_message, rx.el.div(bot.welcome_message, class_name="bubble bubble-bot w-fit")),
        rx.cond(
            (length(PlaygroundState.turns) == 0) & (PlaygroundState.question == ""),
            rx.cond(
                ShellState.user.can_write & (length(bot.starter_questions) > 0),
                rx.el.div(
                    rx.foreach(bot.starter_questions, _starter),
                    role="group",
                    aria_label="Conversation starters",
                    class_name="flex flex-wrap gap-2",
                ),
            ),
        ),
        rx.cond(
            (length(PlaygroundState.turns) == 0) & (PlaygroundState.question == ""),
            rx.el.p(
                "Below each answer you see which passages were found for it. Nothing found? ",
                rx.link("Add a document", href="/bots/" + route_parameter("bot_id") + "/knowledge", size="1"),
                ".",
                class_name="text-[13px] text-[var(--ink-soft)] max-w-[44ch]",
            ),
        ),
    )


def _turn(bot: BotRead, turn: PlaygroundTurn) -> rx.Component:
    return rx.el.div(
        _asked(turn.question),
        _said(
            bot,
            turn_body(turn, _problem(turn), ask=PlaygroundState.ask),
            rx.el.p(turn.note, class_name="text-xs text-[var(--ink-soft)]"),
        ),
        class_name="flex flex-col gap-4",
    )


def turn_body(turn: PlaygroundTurn, problem: rx.Component, *, ask: Any) -> rx.Component:
    """An answer that was tried, with what the owner should know of it.

    `ask({"question": ...})` asks what the visitor was offered to ask next.
    """
    return rx.fragment(
        rx.cond(
            turn.answer,
            rx.el.div(answer_text(turn.answer), citations(turn.sources), class_name="bubble bubble-bot w-fit"),
        ),
        rx.cond(turn.error, problem),
        rx.cond((turn.error == "") & ~turn.answered, _unanswered()),
        rx.cond(length(turn.choices) > 0, _choices(turn, ask)),
        sentences(turn.unsupported, "Not supported by the sources:"),
        rx.cond(
            turn.fallback,
            rx.el.p(
                "The model did not answer, so the best passage was quoted.",
                class_name="text-[13px] text-[var(--amber-11)]",
            ),
        ),
        remarks(turn.remarks),
        retrieved(turn.passages),
        rx.cond(
            turn.record,
            rx.el.div(
                rx.link(
                    "How was this made?",
                    href=turn.record,
                    size="1",
                    aria_label=rx.cond(turn.question, "How was the answer to “" + turn.question + "” made?", ""),
                ),
                save_as_test(turn.answer_id, SavedTestState.save),
                class_name="flex flex-wrap items-center gap-3",
            ),
        ),
    )


def _choices(turn: PlaygroundTurn, ask: Any) -> rx.Component:
    """Asked at a click, as in the widget."""
    return rx.el.div(
        rx.el.p("Offered to the visitor:", class_name="text-xs text-[var(--ink-soft)] w-full"),
        rx.cond(
            ShellState.user.can_write,
            rx.foreach(
                turn.choices,
                lambda text: rx.el.button(text, on_click=ask({"question": text}), type="button", class_name="starter"),
            ),
            rx.foreach(turn.choices, lambda text: rx.el.span(text, class_name="starter")),
        ),
        role="group",
        aria_label="What the visitor is offered",
        class_name="flex flex-wrap gap-2",
    )


def _problem(turn: PlaygroundTurn) -> rx.Component:
    return rx.el.div(
        rx.el.p(turn.error, class_name="field-error", role="alert"),
        rx.button(
            "Ask again",
            on_click=PlaygroundState.ask({"question": turn.question}),
            variant="soft",
            size="1",
            disabled=PlaygroundState.question != "",
        ),
        class_name="flex flex-col items-start gap-2",
    )


def _unanswered() -> rx.Component:
    return rx.el.p(
        rx.badge("not answered", color_scheme="amber", size="1"),
        " The sources do not hold it. ",
        rx.link("Add a document", href="/bots/" + route_parameter("bot_id") + "/knowledge", size="1"),
        " that does.",
        class_name="text-[13px] text-[var(--ink-soft)]",
    )


def so_far(said: Any) -> rx.Component:
    """What is said of an answer that is being made, or that it will be."""
    typing = rx.el.div(
        rx.el.i(),
        rx.el.i(),
        rx.el.i(),
        rx.el.span("Answering", class_name="visually-hidden"),
        class_name="bubble bubble-bot typing w-fit",
    )
    return rx.cond(said, rx.el.div(answer_text(said), class_name="bubble bubble-bot w-fit"), typing)


def _live(bot: BotRead) -> rx.Component:
    return rx.el.div(
        _asked(PlaygroundState.question),
        _said(bot, so_far(PlaygroundState.answer)),
        class_name="flex flex-col gap-4",
        aria_busy="true",
    )


def asking(state: Any, label: str, words: str, *, button: str, class_name: str = "") -> rx.Component:
    """The form for a question. `state`: one with `question`, the one that is being answered, and `ask`."""
    return rx.form(
        rx.text_area(
            name="question",
            placeholder=words,
            aria_label=label,
            enter_key_submit=True,
            auto_height=True,
            max_length=4000,
            rows="1",
            size="2",
            class_name="flex-1 !min-h-[40px] max-h-40",
        ),
        icon_button("arrow-up", button, icon_size=20, size="3", type="submit", loading=state.question != ""),
        on_submit=state.ask,
        reset_on_submit=True,
        class_name=f"flex items-end gap-2 {class_name}",
    )


def _ask() -> rx.Component:
    return asking(
        PlaygroundState,
        "Question",
        "Ask a question",
        button="Ask",
        class_name="p-3 border-t border-[var(--line)]",
    )


def _read_only() -> rx.Component:
    return rx.el.p(
        "Your role may read, but not ask.",
        class_name="p-4 text-[13px] text-[var(--ink-soft)] border-t border-[var(--line)]",
    )
