"""The review of a bot that is to be made of a website: its name and looks, and the pages that it reads."""

from typing import Any

import reflex as rx

from chatbot_saas.components.forms import field, select_field, swatch, text_area, text_field
from chatbot_saas.components.layout import bot_avatar
from chatbot_saas.components.steps import step_title
from chatbot_saas.pages.found_pages import found_pages
from chatbot_saas.schemas.bots import LANGUAGES
from chatbot_saas.state.site_preview import SitePreviewState
from chatbot_saas.state.website_bot import WebsiteBotState

State = WebsiteBotState


def review() -> rx.Component:
    return rx.fragment(
        step_title(
            rx.fragment("This is what we found"),
            "Change what you like. Everything can be changed later, too.",
        ),
        rx.el.div(
            rx.form(
                _looks(),
                _pages(),
                _confirm(),
                on_submit=lambda _: State.make(),  # pyright: ignore[reportArgumentType, reportCallIssue]
                reset_on_submit=False,
                class_name="flex flex-col gap-5 min-w-0",
            ),
            rx.el.aside(
                _preview(),
                aria_label="Preview",
                class_name="order-first lg:order-none lg:sticky lg:top-[calc(var(--topbar-height)+24px)]",
            ),
            class_name="grid gap-6 lg:grid-cols-[minmax(0,1fr)_340px] items-start",
        ),
    )


def _common(name: str) -> dict[str, Any]:
    return {
        "value": State.draft[name],
        "on_change": lambda value: State.change(name, value),  # pyright: ignore[reportCallIssue]
        "error": State.errors.get(name, ""),
    }


def _looks() -> rx.Component:
    return rx.el.section(
        text_field(
            "name",
            "Name",
            hint="Visitors see it at the top of the chat.",
            auto_complete="off",
            dir="auto",
            **_common("name"),
        ),
        text_area(
            "welcome_message",
            "Welcome message",
            hint="The first thing that a visitor reads.",
            rows="2",
            dir="auto",
            **_common("welcome_message"),
        ),
        rx.el.div(
            field("color", "Colour", _color(), error=State.errors.get("color", "")),
            field("icon", "Icon", _icon(), error=State.errors.get("icon", "")),
            select_field("language", "Language", LANGUAGES, **_common("language")),
            class_name="grid sm:grid-cols-[auto_auto_minmax(0,1fr)] gap-x-6 gap-y-5",
        ),
        aria_label="Name and looks",
        class_name="panel flex flex-col gap-5 p-5 sm:p-6",
    )


def _color() -> rx.Component:
    return rx.el.div(
        swatch(
            "color",
            value=State.draft["color"],
            on_change=lambda value: State.change("color", value),  # pyright: ignore[reportCallIssue]
        ),
        rx.el.span(State.draft["color"], class_name="number text-sm text-[var(--ink-soft)]"),
        class_name="flex items-center gap-3 h-10",
    )


def _icon() -> rx.Component:
    return rx.el.div(
        bot_avatar(_name(), State.draft["color"], size=36, icon=State.icon),
        rx.cond(
            State.icon,
            rx.button(
                "Remove",
                on_click=State.remove_icon,
                variant="soft",
                color_scheme="gray",
                size="1",
                type="button",
            ),
            rx.cond(
                State.seen.icon,
                rx.button(
                    "Use it again",
                    on_click=State.restore_icon,
                    variant="soft",
                    color_scheme="gray",
                    size="1",
                    type="button",
                ),
                rx.el.span("The first letter", class_name="text-sm text-[var(--ink-soft)]"),
            ),
        ),
        id="icon",
        role="group",
        aria_label="Icon",
        class_name="flex items-center gap-3 h-10",
    )


def _name() -> Any:
    name = State.draft["name"]
    return rx.cond(name, name, "?")


def _pages() -> rx.Component:
    state = SitePreviewState
    return rx.el.section(
        rx.el.div(
            rx.heading("Pages that it reads", as_="h2", size="3", weight="medium"),
            rx.el.p(
                rx.cond(
                    state.chosen < state.found,
                    "Only the chosen pages are read.",
                    "All of them, and those that you add to your website later.",
                ),
                class_name="text-sm text-[var(--ink-soft)]",
            ),
            class_name="flex flex-col gap-1",
        ),
        found_pages(),
        rx.cond(
            State.errors.get("urls", ""), rx.el.p(State.errors.get("urls", ""), class_name="field-error", role="alert")
        ),
        rx.el.label(
            rx.switch(checked=State.weekly, on_change=State.change_weekly, size="2"),
            rx.el.span("Look for changes once a week", class_name="text-sm"),
            class_name="flex items-center gap-3 cursor-pointer w-fit min-h-9",
        ),
        class_name="panel flex flex-col gap-4 p-5 sm:p-6",
    )


def _confirm() -> rx.Component:
    return rx.el.div(
        rx.button(
            "Make my bot",
            rx.icon("arrow-right", size=17, aria_hidden="true"),
            type="submit",
            size="3",
            loading=State.making,
        ),
        rx.button("Another address", on_click=State.back, variant="soft", color_scheme="gray", size="3", type="button"),
        class_name="flex flex-wrap items-center gap-3",
    )


def _preview() -> rx.Component:
    """How the chat will greet a visitor."""
    color = State.draft["color"]
    return rx.el.div(
        rx.el.div(
            bot_avatar(_name(), "rgb(255 255 255 / 22%)", size=36, icon=State.icon),
            rx.el.div(
                rx.el.p(
                    State.draft["name"], dir="auto", class_name="font-semibold text-[15px] leading-5 truncate-line"
                ),
                rx.el.p("Online", class_name="text-xs opacity-85"),
                class_name="min-w-0",
            ),
            class_name="flex items-center gap-3 px-4 py-3.5 text-white",
            style={"background": color},
        ),
        rx.el.div(
            rx.el.p(
                State.draft["welcome_message"], dir="auto", class_name="bubble bubble-bot w-fit whitespace-pre-line"
            ),
            rx.el.div(
                rx.el.span(
                    "A question of your visitors",
                    class_name="bubble w-fit self-end text-white",
                    style={"background": color},
                ),
                rx.el.span(
                    "The answer, with the page that it is from",
                    class_name="bubble bubble-bot w-fit text-[var(--ink-soft)]",
                ),
                class_name="hidden lg:flex flex-col gap-3",
            ),
            class_name="flex flex-col gap-3 p-4 lg:min-h-[250px]",
        ),
        class_name="panel overflow-hidden !shadow-[var(--shadow-float)]",
        aria_hidden="true",
    )
