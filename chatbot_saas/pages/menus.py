"""The bot switcher and the person's menu of the frame."""

from typing import Any

import reflex as rx
from reflex.style import color_mode, set_color_mode

from chatbot_saas.components.layout import bot_avatar
from chatbot_saas.components.vars import length
from chatbot_saas.schemas.dashboard import BotLink
from chatbot_saas.state.shell import ShellState


def bot_switcher() -> rx.Component:
    """Jump to a bot by typing a part of its name."""
    return rx.popover.root(
        rx.popover.trigger(
            rx.el.button(
                rx.icon("search", size=16, class_name="text-[var(--ink-soft)]", aria_hidden="true"),
                rx.el.span("Go to a bot", class_name="flex-1 text-sm text-[var(--ink-soft)]"),
                rx.icon("chevrons-up-down", size=15, class_name="text-[var(--ink-soft)]", aria_hidden="true"),
                type="button",
                class_name="side-button boxed !min-h-9",
            )
        ),
        rx.popover.content(
            rx.input(
                rx.input.slot(rx.icon("search", size=16, aria_hidden="true")),
                placeholder="Search bots",
                aria_label="Search bots",
                value=ShellState.bot_search,
                on_change=ShellState.search_bots,
                auto_focus=True,
                size="2",
            ),
            rx.el.ul(
                rx.foreach(ShellState.bots, _switcher_row),
                class_name="flex flex-col gap-0.5 pt-2",
                aria_label="Bots",
            ),
            rx.cond(
                length(ShellState.bots) == 0,
                rx.el.p("No bot by this name.", class_name="px-2 py-3 text-sm text-[var(--ink-soft)]"),
            ),
            rx.cond(
                ShellState.user.can_write,
                rx.popover.close(
                    rx.link(
                        rx.icon("plus", size=16, aria_hidden="true"),
                        "New bot",
                        href="/bots/new",
                        underline="none",
                        class_name="nav-link mt-1 border-t border-[var(--line)] !rounded-t-none",
                    )
                ),
            ),
            side="bottom",
            align="start",
            width="288px",
            size="1",
        ),
        on_open_change=ShellState.open_switcher,
    )


def _switcher_row(bot: BotLink) -> rx.Component:
    return rx.el.li(
        rx.popover.close(
            rx.link(
                bot_avatar(bot.name, bot.color, size=22),
                rx.el.span(bot.name, class_name="flex-1 truncate-line"),
                rx.el.span(bot.status, class_name="text-xs text-[var(--ink-soft)] capitalize"),
                href=f"/bots/{bot.id}",
                underline="none",
                class_name="nav-link",
            )
        )
    )


def user_menu(*, compact: bool = False, class_name: str = "") -> rx.Component:
    user = ShellState.user
    who = rx.el.span(
        user.initials,
        class_name="grid place-items-center w-8 h-8 rounded-full bg-[var(--accent-a4)] text-[var(--accent-11)] "
        "text-xs font-semibold shrink-0",
        aria_hidden="true",
    )
    words = rx.el.span(
        rx.el.span("Your account: ", class_name="visually-hidden"),
        rx.el.span(
            rx.cond(user.tenant_name, user.tenant_name, "Platform"),
            class_name="block text-sm font-medium truncate-line",
        ),
        rx.el.span(user.email, class_name="block text-xs text-[var(--ink-soft)] truncate-line"),
        class_name="flex-1 min-w-0",
    )
    button = (
        rx.el.button(
            who, type="button", aria_label="Your account", class_name=f"rounded-full cursor-pointer {class_name}"
        )
        if compact
        else rx.el.button(
            who,
            words,
            rx.icon("chevrons-up-down", size=15, class_name="text-[var(--ink-soft)]", aria_hidden="true"),
            type="button",
            class_name=f"side-button {class_name}",
        )
    )
    return rx.popover.root(
        rx.popover.trigger(button),
        rx.popover.content(
            rx.el.div(
                rx.el.p(user.email, class_name="text-sm font-medium break-all"),
                rx.el.p(
                    rx.cond(user.tenant_name, f"{user.tenant_name} · ", ""),
                    rx.cond(user.role, user.role, "platform administrator"),
                    class_name="text-xs text-[var(--ink-soft)]",
                ),
                class_name="pb-3",
            ),
            _color_modes(),
            rx.el.button(
                rx.icon("log-out", size=16, aria_hidden="true"),
                "Sign out",
                type="button",
                on_click=rx.call_script("window.dashboardSignOut()"),
                class_name="nav-link w-full cursor-pointer mt-2",
            ),
            side="bottom" if compact else "top",
            align="end" if compact else "start",
            width="300px",
            size="1",
        ),
    )


def _color_modes() -> rx.Component:
    def choice(value: str, label: str, icon: str) -> rx.Component:
        return rx.segmented_control.item(
            rx.el.span(
                rx.icon(icon, size=14, aria_hidden="true"), label, class_name="flex items-center gap-1.5 text-xs"
            ),
            value=value,
        )

    on_change: Any = set_color_mode
    return rx.el.div(
        rx.el.span("Appearance", class_name="visually-hidden", id="appearance"),
        rx.segmented_control.root(
            choice("light", "Light", "sun"),
            choice("dark", "Dark", "moon"),
            choice("system", "System", "monitor"),
            value=color_mode,
            on_change=on_change,
            size="1",
            width="100%",
            aria_labelledby="appearance",
        ),
    )
