"""`/bots/from-website`: the address, what is found there, and the review. What follows is in pages/first_answer.py."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.feedback import notice
from chatbot_saas.components.layout import link_button
from chatbot_saas.components.steps import WEBSITE_STEPS, finding, step_title, steps
from chatbot_saas.pages.shell import dashboard_page
from chatbot_saas.pages.website_review import review
from chatbot_saas.schemas.bots import LANGUAGES
from chatbot_saas.state.website_bot import WebsiteBotState

State = WebsiteBotState


@dashboard_page(
    "/bots/from-website",
    "From your website",
    section="/bots",
    on_load=[WebsiteBotState.load],
    crumbs=[("Bots", "/bots")],
)
def website_bot() -> rx.Component:
    return rx.el.div(
        steps(WEBSITE_STEPS, rx.match(State.step, ("looking", 1), ("review", 2), 0)),
        rx.match(State.step, ("looking", _looking()), ("review", review()), _address()),
        class_name=rx.cond(
            State.step == "review",
            "flex flex-col gap-7 w-full max-w-[1040px] mx-auto",
            "flex flex-col gap-7 w-full max-w-[680px] mx-auto",
        ),
    )


def _address() -> rx.Component:
    return rx.fragment(
        rx.el.header(
            rx.heading(
                "Your website knows the answers", as_="h1", size="8", weight="bold", class_name="tracking-[-0.03em]"
            ),
            rx.text(
                "Tell us its address. We read what is on it and make a bot that answers from it, in its colours and "
                "with its name.",
                size="3",
                class_name="text-[var(--ink-soft)] max-w-[56ch]",
            ),
            class_name="flex flex-col gap-3 pt-2 sm:pt-6",
        ),
        _address_form(),
        _promises(),
        rx.el.p(
            "No website, or not that one? ",
            rx.link("Start from documents", href="/bots/new", size="2"),
            class_name="text-sm text-[var(--ink-soft)]",
        ),
    )


def _address_form() -> rx.Component:
    return rx.form(
        rx.el.label("Address of your website", html_for="address", class_name="text-sm font-medium"),
        rx.el.div(
            rx.input(
                rx.input.slot(rx.icon("globe", size=18, aria_hidden="true")),
                id="address",
                name="address",
                value=State.address,
                on_change=State.change_address,
                placeholder="www.example.com",
                auto_focus=True,
                auto_complete="url",
                auto_capitalize="none",
                spell_check=False,
                input_mode="url",
                size="3",
                aria_describedby="address-note",
                aria_invalid=rx.cond(State.problem, "true", "false"),
                class_name="w-full sm:w-auto sm:flex-1 !h-12 !text-[16px]",
            ),
            rx.button(
                "Look at it",
                rx.icon("arrow-right", size=17, aria_hidden="true"),
                type="submit",
                size="4",
                class_name="!h-12",
            ),
            class_name="flex flex-col sm:flex-row gap-3",
        ),
        rx.cond(
            State.problem,
            _problem(),
            rx.el.p(
                "The first page is fine. Nothing is made before you say so.",
                class_name="field-hint",
                id="address-note",
            ),
        ),
        on_submit=lambda _: State.start(),  # pyright: ignore[reportArgumentType, reportCallIssue]
        reset_on_submit=False,
        class_name="panel flex flex-col gap-3 p-5 sm:p-6",
    )


def _problem() -> rx.Component:
    return rx.el.div(
        notice(
            State.problem,
            rx.cond(
                State.needs_documents,
                link_button("Upload documents instead", "/bots/new", variant="soft", size="1", icon="upload"),
                rx.button("Try again", type="submit", variant="soft", color_scheme="red", size="1"),
            ),
            kind="error",
            title=rx.cond(State.needs_documents, "There is no text to read", "That did not work"),
        ),
        id="address-note",
    )


def _promises() -> rx.Component:
    def promise(icon: str, text: str) -> rx.Component:
        return rx.el.li(
            rx.icon(icon, size=17, color="var(--accent-11)", class_name="shrink-0 mt-0.5", aria_hidden="true"),
            text,
            class_name="flex gap-2.5 text-sm text-[var(--ink-soft)]",
        )

    return rx.el.ul(
        promise("timer", "An answer in about a minute"),
        promise("quote", "Each answer names its page"),
        promise("shield-check", "Public pages only; robots.txt is kept to"),
        class_name="grid sm:grid-cols-3 gap-3",
    )


def _looking() -> rx.Component:
    seen: Any = State.seen
    read = seen.step != "address"
    looked = (seen.step == "pages") | (seen.step == "done")
    done = seen.step == "done"
    return rx.fragment(
        step_title("Looking at your website", rx.el.span(State.host, class_name="break-all")),
        rx.el.section(
            rx.el.ul(
                finding(
                    "Name", rx.el.span(seen.name, dir="auto", class_name="truncate-line"), done=read, waiting=False
                ),
                finding("Language", _language(seen.language), done=read, waiting=~read),
                finding("Colour and icon", _look_of(seen), done=looked, waiting=~read),
                finding("Pages", _count(), done=done, waiting=~looked),
            ),
            aria_label="What was found",
            aria_live="polite",
            class_name="panel overflow-hidden",
        ),
        rx.el.div(
            rx.button("Stop", on_click=State.back, variant="soft", color_scheme="gray", size="2", type="button"),
        ),
    )


def _language(code: Any) -> rx.Component:
    known = [(name, text) for name, text in LANGUAGES.items() if name != "auto"]
    return rx.el.span(rx.match(code, *known, "Your visitors' own"))


def _look_of(seen: Any) -> rx.Component:
    return rx.el.span(
        rx.cond(
            seen.icon,
            rx.el.img(src=seen.icon, alt="Icon", class_name="appear w-7 h-7 rounded-md object-cover bg-white"),
        ),
        rx.cond(
            seen.color,
            rx.el.span(
                class_name="appear w-7 h-7 rounded-md border border-[var(--line)]", style={"background": seen.color}
            ),
        ),
        rx.cond(seen.color, rx.el.span(seen.color, class_name="number font-normal text-[var(--ink-soft)]")),
        rx.cond((seen.color == "") & (seen.icon == "") & (seen.step != "appearance"), rx.el.span("None of its own")),
        class_name="flex items-center gap-2 -my-1",
    )


def _count() -> rx.Component:
    return rx.el.span(rx.cond(State.found > 0, format.count(State.found, "page"), "Searching…"), class_name="number")
