"""`/bots` and `/bots/new`."""

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.feedback import empty_state, skeleton_panels, status_badge, trouble
from chatbot_saas.components.forms import select_field, text_area, text_field
from chatbot_saas.components.layout import bot_avatar, link_button, page_header
from chatbot_saas.components.vars import length
from chatbot_saas.pages.shell import dashboard_page
from chatbot_saas.schemas.bots import LANGUAGES, BotListItem
from chatbot_saas.state.bots import BotsState, NewBotState
from chatbot_saas.state.shell import ShellState


def new_bot_button() -> rx.Component:
    return rx.cond(ShellState.user.can_write, link_button("New bot", "/bots/new", icon="plus"))


def from_website() -> rx.Component:
    """The quickest way to a bot, for those who have a website."""
    return rx.link(
        rx.el.span(
            rx.icon("globe", size=20, color="var(--accent-11)"),
            class_name="grid place-items-center w-11 h-11 rounded-xl bg-[var(--accent-a3)] shrink-0",
            aria_hidden="true",
        ),
        rx.el.span(
            rx.el.span("From your website", class_name="block font-medium text-[15px]"),
            rx.el.span(
                "Give us its address: a bot that answers from its pages, in about a minute.",
                class_name="block text-[13px] text-[var(--ink-soft)]",
            ),
            class_name="flex-1 min-w-0",
        ),
        rx.icon("arrow-right", size=18, class_name="shrink-0 text-[var(--ink-soft)]", aria_hidden="true"),
        href="/bots/from-website",
        underline="none",
        class_name="panel panel-link !flex items-center gap-4 px-5 py-4",
    )


@dashboard_page("/bots", "Bots", section="/bots", on_load=[BotsState.load])
def bots() -> rx.Component:
    return rx.fragment(
        page_header("Bots", "Each bot answers from its own documents.", new_bot_button()),
        _filters(),
        trouble(BotsState.problem, "The bots cannot be shown", BotsState.load),
        rx.cond(
            BotsState.loaded,
            rx.cond(length(BotsState.items) > 0, _list(), _nothing()),
            rx.cond(
                BotsState.problem,
                rx.fragment(),
                rx.el.div(skeleton_panels(4, height="84px"), class_name="flex flex-col gap-3"),
            ),
        ),
    )


def _filters() -> rx.Component:
    def choice(text: str, value: str) -> rx.Component:
        return rx.segmented_control.item(text, value=value)

    return rx.el.div(
        rx.input(
            rx.input.slot(rx.icon("search", size=16, aria_hidden="true")),
            placeholder="Search by name or description",
            aria_label="Search bots",
            value=BotsState.search,
            on_change=BotsState.change_search,
            type="search",
            size="2",
            class_name="w-full sm:w-80",
        ),
        rx.segmented_control.root(
            choice("All", "all"),
            choice("Draft", "draft"),
            choice("Published", "published"),
            choice("Paused", "paused"),
            value=BotsState.status,
            on_change=BotsState.change_filter,
            size="2",
            aria_label="Status",
            class_name="w-full sm:w-auto",
        ),
        class_name="flex flex-col sm:flex-row gap-3",
    )


def _list() -> rx.Component:
    return rx.el.div(
        rx.el.ul(rx.foreach(BotsState.items, _row), class_name="flex flex-col gap-3", aria_label="Bots"),
        rx.cond(
            BotsState.next_cursor != "",
            rx.button(
                "Load more", on_click=BotsState.load_more, variant="soft", color_scheme="gray", class_name="mt-4"
            ),
        ),
        class_name="flex flex-col items-center [&>ul]:w-full",
    )


def _row(bot: BotListItem) -> rx.Component:
    return rx.el.li(
        rx.link(
            rx.el.div(
                bot_avatar(bot.name, bot.color, size=40),
                rx.el.div(
                    rx.el.div(
                        rx.el.span(bot.name, class_name="font-medium text-[15px] truncate-line"),
                        status_badge(bot.status),
                        class_name="flex items-center gap-2.5 min-w-0",
                    ),
                    rx.el.p(
                        rx.cond(bot.description, bot.description, "No description yet"),
                        class_name="text-[13px] text-[var(--ink-soft)] truncate-line",
                    ),
                    class_name="min-w-0 flex-1",
                ),
                class_name="flex items-center gap-4 min-w-0 flex-1",
            ),
            rx.el.dl(
                _figure("Sources", format.number(bot.source_count)),
                _figure("Conversations", format.number(bot.conversation_count)),
                _figure("Updated", format.ago(bot.updated_at), wide=True),
                class_name="flex flex-wrap gap-x-5 gap-y-2 sm:gap-x-8 pl-14 sm:pl-0 shrink-0",
            ),
            href=f"/bots/{bot.id}",
            underline="none",
            class_name="panel panel-link !flex flex-col sm:flex-row sm:items-center gap-3 sm:gap-6 px-4 py-4 sm:px-5",
        )
    )


def _figure(label: str, value: rx.Component | rx.Var[str], *, wide: bool = False) -> rx.Component:
    return rx.el.div(
        rx.el.dt(label, class_name="text-xs text-[var(--ink-soft)]"),
        rx.el.dd(value, class_name="number text-sm whitespace-nowrap"),
        class_name="sm:w-[104px]" if wide else "",
    )


def _nothing() -> rx.Component:
    return rx.cond(
        BotsState.filtered,
        empty_state(
            "search-x",
            "No bot matches",
            "Try another word, or another status.",
            rx.button("Clear the filters", on_click=BotsState.clear_filters, variant="soft"),
        ),
        empty_state(
            "bot",
            "Make your first bot",
            "Give it the address of your website, or add documents, and ask it something. It takes a few minutes until "
            "it answers there.",
            rx.cond(
                ShellState.user.can_write,
                link_button("Make it from your website", "/bots/from-website", icon="globe"),
            ),
            rx.cond(ShellState.user.can_write, link_button("Start from documents", "/bots/new", variant="soft")),
        ),
    )


@dashboard_page("/bots/new", "New bot", section="/bots", on_load=[NewBotState.load], crumbs=[("Bots", "/bots")])
def new_bot() -> rx.Component:
    state = NewBotState
    return rx.el.div(
        page_header("New bot", "Begin with your website, or with a name. Everything can be changed later."),
        from_website(),
        rx.form(
            text_field(
                "name",
                "Name",
                value=state.name,
                on_change=state.change_name,
                error=state.errors.get("name", ""),
                hint="Visitors see it at the top of the chat.",
                placeholder="Shop helper",
                auto_focus=True,
                auto_complete="off",
                max_length=200,
            ),
            text_area(
                "description",
                "What is it for?",
                value=state.description,
                on_change=state.change_description,
                error=state.errors.get("description", ""),
                hint="For you and your colleagues. Visitors do not see it.",
                placeholder="Answers questions about orders, delivery and returns",
                rows="2",
            ),
            select_field(
                "language",
                "Language of its answers",
                LANGUAGES,
                value=state.language,
                on_change=state.change_language,
            ),
            rx.el.div(
                rx.button("Create bot", type="submit", size="3", loading=state.creating),
                link_button("Cancel", "/bots", variant="ghost", size="3", color_scheme="gray"),
                class_name="flex items-center gap-6",
            ),
            on_submit=lambda _: state.create(),  # pyright: ignore[reportArgumentType]
            reset_on_submit=False,
            class_name="panel flex flex-col gap-5 p-5 sm:p-6",
        ),
        _next_steps(),
        class_name="flex flex-col gap-6 w-full max-w-[640px] mx-auto",
    )


def _next_steps() -> rx.Component:
    steps = ("Name it", "Add a document", "Try it", "Put it on your website")
    return rx.el.ol(
        *[
            rx.el.li(
                rx.el.span(
                    str(number),
                    class_name="grid place-items-center w-5 h-5 rounded-full text-[11px] font-semibold "
                    + ("bg-[var(--accent-9)] text-white" if number == 1 else "bg-[var(--gray-a4)]"),
                ),
                text,
                class_name="flex items-center gap-2",
            )
            for number, text in enumerate(steps, start=1)
        ],
        class_name="flex flex-wrap gap-x-6 gap-y-2 text-[13px] text-[var(--ink-soft)]",
        aria_label="The way to your website",
    )
