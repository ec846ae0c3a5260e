"""`/overview`: what happened today, and the first steps for a newcomer."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.feedback import skeleton_panels, trouble
from chatbot_saas.components.layout import link_button, page_header, stat
from chatbot_saas.components.vars import shown
from chatbot_saas.pages.bots import new_bot_button
from chatbot_saas.pages.shell import dashboard_page
from chatbot_saas.schemas.usage import OverviewRead
from chatbot_saas.state.overview import OverviewState
from chatbot_saas.state.shell import ShellState

_CARDS = (
    "grid grid-cols-2 lg:grid-cols-5 gap-3 sm:gap-4 "
    "[&>*:last-child:nth-child(odd)]:col-span-2 lg:[&>*:last-child:nth-child(odd)]:col-span-1"
)
"""Cards of one width in all rows. In two columns an odd one out takes both."""


@dashboard_page("/overview", "Overview", section="/overview", on_load=[OverviewState.load])
def overview() -> rx.Component:
    return rx.fragment(
        page_header(
            "Overview", rx.cond(ShellState.user.tenant_name, ShellState.user.tenant_name, " "), new_bot_button()
        ),
        trouble(OverviewState.problem, "The figures cannot be shown", OverviewState.load),
        rx.cond(
            OverviewState.counts,
            _content(shown(OverviewState.counts)),
            rx.cond(
                OverviewState.problem,
                rx.fragment(),
                rx.el.div(
                    skeleton_panels(5, height="122px"),
                    skeleton_panels(3, height="122px"),
                    class_name=_CARDS,
                ),
            ),
        ),
    )


def _content(counts: OverviewRead) -> rx.Component:
    return rx.fragment(
        rx.cond(OverviewState.steps_left, _first_steps(counts)),
        rx.el.section(
            rx.el.h2("Today", class_name="text-base font-medium"),
            rx.el.dl(
                stat("Answers", format.number(counts.answers_today), "given since midnight UTC", icon="message-circle"),
                stat(
                    "Not answered",
                    format.number(counts.unanswered_today),
                    rx.cond(counts.unanswered_today == 0, "nothing missing", "the sources did not hold it"),
                    icon="circle-help",
                ),
                stat(
                    "Tokens",
                    format.number(counts.input_tokens_today + counts.output_tokens_today),
                    rx.fragment(
                        format.number(counts.input_tokens_today),
                        " in, ",
                        format.number(counts.output_tokens_today),
                        " out",
                    ),
                    icon="activity",
                ),
                stat("Cost", format.money(counts.cost_today_usd), "at list prices", icon="wallet"),
                stat(
                    "Tokens saved",
                    format.number(counts.saved_tokens_today),
                    "by answers that were there already",
                    icon="piggy-bank",
                ),
                class_name=_CARDS,
            ),
            class_name="flex flex-col gap-3",
        ),
        rx.el.section(
            rx.el.h2("In all", class_name="text-base font-medium"),
            rx.el.dl(
                stat(
                    "Bots",
                    format.number(counts.bots),
                    rx.fragment(format.number(counts.published_bots), " published"),
                    icon="bot",
                ),
                stat("Documents", format.number(counts.documents), "indexed", icon="file-text"),
                stat("Conversations", format.number(counts.conversations), "with visitors", icon="messages-square"),
                class_name=_CARDS,
            ),
            class_name="flex flex-col gap-3",
        ),
    )


def _first_steps(counts: OverviewRead) -> rx.Component:
    bot = OverviewState.first_bot_path
    done_bot, done_document, done_try = counts.bots > 0, counts.documents > 0, OverviewState.tried
    return rx.el.section(
        rx.el.div(
            rx.heading("Get your first answer", as_="h2", size="4", weight="medium"),
            rx.text("Four steps from here to your website.", size="2", class_name="text-[var(--ink-soft)]"),
            class_name="px-5 pt-5 pb-3",
        ),
        rx.el.ol(
            _step(
                "Make a bot",
                "From your website's address, or from documents.",
                done_bot,
                "/bots/from-website",
                "Make a bot",
                enabled=True,
            ),
            _step(
                "Add a document",
                "PDF, Word, text or HTML. It is read and indexed in seconds.",
                done_document,
                bot + "/knowledge",
                "Add a document",
                enabled=done_bot,
            ),
            _step(
                "Try it",
                "Ask it something that the document answers.",
                done_try,
                bot,
                "Open the playground",
                enabled=done_document,
            ),
            _step(
                "Publish and embed",
                "One line of HTML on your website.",
                counts.published_bots > 0,
                bot + "/embed",
                "Get the line",
                enabled=done_document,
            ),
        ),
        class_name="panel pb-2",
        aria_label="First steps",
    )


def _step(title: str, text: str, done: Any, href: Any, action: str, *, enabled: Any) -> rx.Component:
    mark = rx.cond(
        done,
        rx.el.span(
            rx.icon("check", size=14, aria_hidden="true"),
            rx.el.span("Done", class_name="visually-hidden"),
            class_name="grid place-items-center w-6 h-6 rounded-full bg-[var(--green-9)] text-white shrink-0",
        ),
        rx.el.span(class_name="w-6 h-6 rounded-full border-2 border-[var(--gray-a6)] shrink-0", aria_hidden="true"),
    )
    return rx.el.li(
        mark,
        rx.el.div(
            rx.el.div(
                rx.el.p(
                    title,
                    class_name=rx.cond(
                        done, "text-sm font-medium text-[var(--ink-soft)] line-through", "text-sm font-medium"
                    ),
                ),
                rx.el.p(text, class_name="text-[13px] text-[var(--ink-soft)]"),
                class_name="flex-1 min-w-0",
            ),
            rx.cond(
                done,
                rx.fragment(),
                rx.cond(enabled, link_button(action, href, variant="soft"), rx.fragment()),
            ),
            class_name="flex flex-1 flex-col items-start gap-2 min-w-0 sm:flex-row sm:items-center sm:gap-4",
        ),
        class_name="row-line flex items-center gap-4 px-5 py-3.5 min-h-[68px]",
    )
