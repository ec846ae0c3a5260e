"""What the pages of one bot share: header with status and publish button, and the tabs."""

from collections.abc import Callable, Sequence
from typing import Any

import reflex as rx

from chatbot_saas.components.feedback import empty_state, skeleton_lines, status_badge, trouble
from chatbot_saas.components.layout import bot_avatar, link_button
from chatbot_saas.components.vars import route_parameter, shown
from chatbot_saas.pages.shell import dashboard_page
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.state.bot import BotState
from chatbot_saas.state.shell import ShellState

TABS = (
    ("Settings", ""),
    ("Design", "/design"),
    ("Knowledge", "/knowledge"),
    ("Q&A", "/questions"),
    ("Retrieval", "/retrieval"),
    ("Tests", "/tests"),
    ("Embed", "/embed"),
    ("History", "/history"),
)


def bot_page(
    tab: str, title: str, *, below: str = "", on_load: Sequence[Any] = ()
) -> Callable[[Callable[[], rx.Component]], Callable[[], rx.Component]]:
    """Register the page of a bot's tab: `tab` is what follows /bots/[bot_id]. BotState.load runs first.

    `below`: what follows the tab's own address, for a page of one thing that the tab lists.
    """

    def decorate(content: Callable[[], rx.Component]) -> Callable[[], rx.Component]:
        def page() -> rx.Component:
            return bot_frame(tab, content(), [BotState.load, *on_load])

        page.__name__ = content.__name__
        page.__module__ = content.__module__
        dashboard_page(
            f"/bots/[bot_id]{tab}{below}",
            title,
            section="/bots",
            on_load=[BotState.load, *on_load],
            crumbs=[("Bots", "/bots"), (_bot_name(), _bot_path("")), *_tab_crumb(tab if below else "")],
            wide=tab in ("", "/design"),
        )(page)
        return content

    return decorate


def _tab_crumb(tab: str) -> list[tuple[Any, Any]]:
    return [(text, _bot_path(path)) for text, path in TABS if tab and path == tab]


def _bot_name() -> Any:
    return rx.cond(BotState.bot & (BotState.problem == ""), shown(BotState.bot).name, "…")  # pyright: ignore[reportOperatorIssue]


def _bot_path(tab: str) -> Any:
    """Of the address rather than of what was loaded, so that the tabs work at once."""
    return "/bots/" + route_parameter("bot_id") + tab


def bot_frame(tab: str, content: rx.Component, again: Sequence[Any]) -> rx.Component:
    """`again`: what opens the bot and the page of the tab."""
    return rx.fragment(
        rx.cond(
            BotState.missing,
            empty_state(
                "search-x",
                "There is no such bot",
                "It may have been deleted, or the address is not complete.",
                link_button("All bots", "/bots"),
            ),
            rx.cond(
                BotState.problem,
                rx.fragment(
                    rx.el.h1("The bot", class_name="visually-hidden"),
                    _tabs(tab),
                    trouble(BotState.problem, "The bot cannot be shown", again),
                ),
                rx.fragment(
                    rx.cond(BotState.bot, _header(shown(BotState.bot)), _header_skeleton()),
                    _tabs(tab),
                    content,
                ),
            ),
        )
    )


def _header_skeleton() -> rx.Component:
    return rx.el.div(
        rx.el.h1("Loading the bot", class_name="visually-hidden"),
        rx.skeleton(width="44px", height="44px"),
        rx.el.div(skeleton_lines(2, height="14px"), class_name="w-64"),
        class_name="flex items-center gap-4 min-h-[52px]",
    )


def _header(bot: BotRead) -> rx.Component:
    return rx.el.header(
        rx.el.div(
            bot_avatar(bot.name, bot.color, size=44, icon=bot.icon),
            rx.el.div(
                rx.el.div(
                    rx.heading(bot.name, as_="h1", size="6", class_name="tracking-[-0.02em] break-words min-w-0"),
                    status_badge(bot.status),
                    rx.cond(
                        bot.hold_changes
                        & (bot.status == "published")  # pyright: ignore[reportOperatorIssue]
                        & (bot.version != bot.published_version),
                        _held_back(),
                    ),
                    class_name="flex flex-wrap items-center gap-x-3 gap-y-1",
                ),
                rx.text(
                    rx.cond(bot.description, bot.description, "No description yet"),
                    size="2",
                    class_name="text-[var(--ink-soft)] line-clamp-2 sm:truncate-line",
                ),
                class_name="min-w-0",
            ),
            class_name="flex items-center gap-4 min-w-0",
        ),
        rx.cond(ShellState.user.can_write, _publish(bot)),
        class_name="flex flex-wrap items-center justify-between gap-4 min-h-[52px]",
    )


def _held_back() -> rx.Component:
    """Opens the page where changes are published."""
    return rx.link(
        rx.badge("changes not published", color_scheme="amber", variant="soft", radius="full", size="1"),
        href=_bot_path("/tests"),
        underline="none",
    )


def _publish(bot: BotRead) -> rx.Component:
    return rx.cond(
        bot.status == "published",
        rx.button(
            rx.icon("pause", size=16, aria_hidden="true"),
            "Pause",
            on_click=BotState.change_status("paused"),
            variant="soft",
            color_scheme="gray",
            size="2",
        ),
        rx.button(
            rx.icon("rocket", size=16, aria_hidden="true"),
            rx.cond(bot.status == "paused", "Publish again", "Publish"),
            on_click=BotState.change_status("published"),
            size="2",
        ),
    )


def _tabs(active: str) -> rx.Component:
    def tab(text: str, path: str) -> rx.Component:
        here: dict[str, Any] = {"aria_current": "page"} if path == active else {}
        return rx.el.li(rx.link(text, href=_bot_path(path), underline="none", class_name="tab-link", **here))

    return rx.el.nav(
        rx.el.ul(*[tab(text, path) for text, path in TABS], class_name="flex flex-wrap gap-x-5 sm:gap-x-6"),
        aria_label="Parts of this bot",
        class_name="border-b border-[var(--line)] -mt-2",
    )
