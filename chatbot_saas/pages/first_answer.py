"""`/bots/[bot_id]/start`: a bot of a website reads its pages, gets its first questions, and answers one."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.feedback import empty_state, notice, skeleton_lines, trouble
from chatbot_saas.components.forms import removable_text
from chatbot_saas.components.layout import bot_avatar, link_button
from chatbot_saas.components.steps import WEBSITE_STEPS, step_title, steps
from chatbot_saas.components.vars import length, route_parameter, shown
from chatbot_saas.pages.playground import latest_turn
from chatbot_saas.pages.shell import dashboard_page
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.state.bot import BotState
from chatbot_saas.state.first_answer import FirstAnswerState
from chatbot_saas.state.playground import PlaygroundState

State = FirstAnswerState
OPENING = [BotState.load, PlaygroundState.load, FirstAnswerState.load]


@dashboard_page(
    "/bots/[bot_id]/start",
    "First answer",
    section="/bots",
    on_load=OPENING,
    crumbs=[("Bots", "/bots")],
)
def first_answer() -> rx.Component:
    missing = empty_state(
        "search-x",
        "There is no such bot",
        "It may have been deleted, or the address is not complete.",
        link_button("All bots", "/bots"),
    )
    return rx.el.div(
        rx.cond(
            BotState.missing,
            missing,
            rx.cond(
                BotState.problem,
                trouble(BotState.problem, "The bot cannot be shown", OPENING),
                rx.cond(BotState.bot, _content(shown(BotState.bot)), skeleton_lines(4)),
            ),
        ),
        class_name="w-full max-w-[720px] mx-auto",
    )


def _bot_path(tab: str = "") -> Any:
    return "/bots/" + route_parameter("bot_id") + tab


def _content(bot: BotRead) -> rx.Component:
    answered = length(PlaygroundState.turns) > 0
    return rx.el.div(
        steps(WEBSITE_STEPS, rx.cond(State.phase != "ready", 3, rx.cond(answered, 5, 4))),
        rx.el.div(
            bot_avatar(bot.name, bot.color, size=52, icon=bot.icon),
            rx.match(
                rx.cond(State.problem, "unknown", State.phase),
                ("unknown", step_title("Your bot", rx.el.span(bot.name, dir="auto"))),
                ("ready", step_title("Your bot answers", rx.el.span(bot.name, dir="auto"))),
                ("failed", step_title("The pages could not be read", rx.el.span(bot.name, dir="auto"))),
                ("empty", step_title("There is no website to read", rx.el.span(bot.name, dir="auto"))),
                step_title("Reading your pages", rx.el.span(bot.name, dir="auto")),
            ),
            class_name="flex items-start gap-4 min-w-0",
        ),
        rx.cond(
            State.problem,
            trouble(State.problem, "Its pages and questions cannot be shown", State.load),
            rx.fragment(
                rx.match(
                    State.phase,
                    ("failed", _failed()),
                    ("empty", _empty()),
                    ("", skeleton_lines(3)),
                    _reading(),
                ),
                rx.cond((State.phase == "asking") | (State.phase == "ready"), _questions()),
                rx.cond(State.phase == "ready", rx.fragment(_answer(bot), _next())),
            ),
        ),
        custom_attrs={"data-first-answer": ""},
        class_name="flex flex-col gap-6",
    )


def _reading() -> rx.Component:
    progress: Any = State.progress
    figures = rx.el.span(
        format.number(progress.pages),
        " of ",
        format.count(progress.known, "page"),
        rx.cond(progress.passages > 0, rx.fragment(" · ", format.count(progress.passages, "passage"))),
        class_name="number text-sm text-[var(--ink-soft)]",
    )
    under_way = rx.el.div(
        rx.el.div(
            rx.el.p(
                rx.cond(
                    progress.status == "queued",
                    "Waiting for its turn",
                    rx.cond(progress.status == "embedding", "Learning what they say", "Reading"),
                ),
                class_name="text-sm font-medium",
            ),
            figures,
            class_name="flex items-baseline justify-between gap-3",
            role="status",
        ),
        rx.progress(
            value=rx.Var.create(progress.progress * 100).to(int), size="2", aria_label="Progress of the reading"
        ),
        rx.el.ul(
            rx.foreach(
                progress.newest,
                lambda title: rx.el.li(
                    rx.icon("check", size=14, color="var(--green-11)", class_name="shrink-0", aria_hidden="true"),
                    rx.el.span(title, dir="auto", class_name="truncate-line"),
                    class_name="flex items-center gap-2 text-[13px] text-[var(--ink-soft)]",
                ),
            ),
            aria_label="Read last",
            class_name="flex flex-col gap-1.5 min-h-[66px]",
        ),
        rx.el.p(
            "You may leave this page: the reading goes on, and you find it here again.",
            class_name="field-hint",
        ),
        class_name="panel flex flex-col gap-4 p-5 sm:p-6",
    )
    done = rx.el.p(
        rx.icon("circle-check", size=18, color="var(--green-11)", class_name="shrink-0", aria_hidden="true"),
        rx.el.span(
            format.count(progress.ready, "page"),
            " read, ",
            format.count(progress.passages, "passage"),
            " to answer from",
            class_name="flex-1 min-w-0",
        ),
        rx.link("See them", href=_bot_path("/knowledge"), size="2", class_name="whitespace-nowrap"),
        role="status",
        class_name="panel number flex items-center gap-2.5 px-5 py-3.5 text-sm",
    )
    return rx.cond(State.phase == "reading", under_way, done)


def _failed() -> rx.Component:
    progress: Any = State.progress
    return notice(
        rx.cond(progress.error, progress.error, "The reading was stopped before its end."),
        rx.button("Try again", on_click=State.retry, variant="soft", color_scheme="red", size="1"),
        link_button("Upload documents instead", _bot_path("/knowledge"), variant="soft", size="1", icon="upload"),
        kind="error",
        title="No page could be read",
    )


def _empty() -> rx.Component:
    return notice(
        "This bot has no website yet. Add one, or any document, on its Knowledge page.",
        link_button("Add knowledge", _bot_path("/knowledge"), variant="soft", size="1", icon="plus"),
        title="Nothing to read",
    )


def _questions() -> rx.Component:
    found = rx.fragment(
        rx.cond(
            length(State.questions) > 0,
            rx.el.ul(rx.foreach(State.questions, _question), class_name="flex flex-col gap-2"),
            rx.el.p(
                "No question of these pages stands out. Write one or two that your visitors ask.",
                class_name="text-sm text-[var(--ink-soft)]",
            ),
        ),
        rx.cond(State.error, rx.el.p(State.error, class_name="field-error", role="alert")),
        rx.el.div(
            rx.cond(
                State.room,
                rx.button(
                    rx.icon("plus", size=14, aria_hidden="true"),
                    "Add a question",
                    on_click=State.add_question,
                    variant="ghost",
                    size="2",
                    type="button",
                    class_name="!m-0",
                ),
            ),
            rx.cond(
                State.dirty,
                rx.button(
                    "Save questions", on_click=State.save_questions, size="2", class_name="ml-auto", type="button"
                ),
            ),
            class_name="flex items-center gap-3 min-h-8",
        ),
    )
    return rx.el.section(
        rx.el.div(
            rx.heading("Questions to begin with", as_="h2", size="3", weight="medium"),
            rx.el.p(
                rx.cond(
                    State.phase == "ready",
                    "Visitors see them as buttons. Each is one that your bot can answer.",
                    "Trying which questions your pages answer…",
                ),
                role="status",
                class_name="text-sm text-[var(--ink-soft)]",
            ),
            class_name="flex flex-col gap-1",
        ),
        rx.cond(State.phase == "ready", found, skeleton_lines(4, height="36px")),
        aria_label="Questions to begin with",
        class_name="panel flex flex-col gap-4 p-5 sm:p-6",
    )


def _question(question: Any, index: Any) -> rx.Component:
    return rx.el.li(
        removable_text(
            question,
            f"Question {index + 1}",
            lambda text: State.change_question(index, text),  # pyright: ignore[reportCallIssue]
            State.remove_question(index),  # pyright: ignore[reportCallIssue]
            most=80,
        ),
        class_name="flex items-center gap-2",
    )


def _answer(bot: BotRead) -> rx.Component:
    return rx.cond(
        (length(PlaygroundState.turns) > 0) | (PlaygroundState.question != ""),
        rx.el.section(
            rx.heading("Its first answer", as_="h2", size="3", weight="medium"),
            latest_turn(bot),
            aria_label="First answer",
            role="log",
            class_name="panel flex flex-col gap-4 p-5 sm:p-6",
        ),
    )


def _next() -> rx.Component:
    return rx.el.div(
        link_button("Try it", _bot_path() + "#playground", icon="message-circle", size="3"),
        link_button("Put it on your website", _bot_path("/embed"), icon="code", size="3", variant="soft"),
        link_button("Open settings", _bot_path(), icon="settings", size="3", variant="soft", color_scheme="gray"),
        class_name="flex flex-col sm:flex-row flex-wrap gap-3 [&>*]:max-sm:w-full",
    )
