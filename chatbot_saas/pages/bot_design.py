"""`/bots/[bot_id]/design`: how the chat looks and what it says, beside the chat itself."""

from typing import Any

import reflex as rx

from chatbot_saas.components.feedback import skeleton_panels, trouble
from chatbot_saas.components.vars import negated, route_parameter
from chatbot_saas.pages.bot_form import conflict, save_bar
from chatbot_saas.pages.bot_frame import bot_page
from chatbot_saas.pages.design_conversation import conversation
from chatbot_saas.pages.design_launcher import launcher
from chatbot_saas.pages.design_look import look
from chatbot_saas.pages.design_words import words
from chatbot_saas.state.bot_form import BotFormState
from chatbot_saas.state.design import DesignState
from chatbot_saas.state.shell import ShellState

State = DesignState
SECTIONS = {
    "look": ("Look", look),
    "words": ("Words", words),
    "launcher": ("Launcher", launcher),
    "conversation": ("Conversation", conversation),
}


@bot_page("/design", "Design", on_load=[BotFormState.load])
def bot_design() -> rx.Component:
    return rx.cond(
        State.problem,
        trouble(State.problem, "The design cannot be shown", BotFormState.load),
        rx.el.div(
            rx.cond(State.loaded, _inputs(), rx.el.div(skeleton_panels(1, height="560px"))),
            rx.cond(State.loaded, _preview(), rx.el.div(skeleton_panels(1, height="640px"))),
            class_name="grid gap-6 xl:gap-8 xl:grid-cols-[minmax(0,1fr)_minmax(0,562px)] items-start",
        ),
    )


def _inputs() -> rx.Component:
    return rx.el.div(
        rx.el.a(
            rx.icon("eye", size=16, aria_hidden="true"),
            "See it in the preview below",
            href="#preview",
            class_name="panel xl:hidden flex items-center gap-2 px-4 min-h-11 text-sm text-[var(--accent-11)]",
        ),
        conflict(),
        rx.tabs.root(
            rx.tabs.list(*[_tab(name, title) for name, (title, _) in SECTIONS.items()], size="2"),
            *[_section(name, content()) for name, (_, content) in SECTIONS.items()],
            value=State.section,
            on_change=State.choose_section,
            class_name="panel",
        ),
        save_bar(),
        class_name="flex flex-col gap-5 min-w-0",
    )


def _tab(name: str, title: str) -> rx.Component:
    faulty = rx.cond(
        State.faulty.contains(name),  # pyright: ignore[reportAttributeAccessIssue]
        rx.fragment(
            rx.el.span(class_name="inline-block w-2 h-2 ml-1.5 rounded-full bg-[var(--red-9)]", aria_hidden="true"),
            rx.el.span(", something is wrong here", class_name="visually-hidden"),
        ),
    )
    return rx.tabs.trigger(rx.el.span(title, faulty), value=name)


def _section(name: str, content: rx.Component) -> rx.Component:
    return rx.tabs.content(
        rx.el.fieldset(
            content,
            disabled=negated(ShellState.user.can_write),
            class_name="flex flex-col gap-5 min-w-0 p-5 sm:p-6",
        ),
        value=name,
    )


def _preview() -> rx.Component:
    stage = rx.el.div(
        id="stage",
        custom_attrs={"data-bot": route_parameter("bot_id"), "data-draft": State.preview},
        on_mount=rx.call_script("import('/design.js').then((design) => design.show('stage'))"),
        class_name="stage",
    )
    return rx.el.section(
        rx.el.div(
            rx.heading("Preview", as_="h2", size="3", weight="medium", id="preview"),
            rx.el.div(
                _switch("Device", {"desktop": "Desktop", "phone": "Phone"}, State.phone, State.choose_device),
                _switch("Visitor's colours", {"light": "Light", "dark": "Dark"}, State.dark, State.choose_scheme),
                _switch("Chat", {"closed": "Closed", "open": "Open"}, State.open, State.choose_opened),
                class_name="flex flex-wrap gap-2",
            ),
            class_name="flex flex-wrap items-center justify-between gap-x-4 gap-y-2",
        ),
        stage,
        rx.el.p(
            "The chat itself, with what you have not saved yet. It gives sample answers; real ones are in the "
            "playground, in the settings.",
            class_name="field-hint",
        ),
        aria_labelledby="preview",
        class_name="flex flex-col gap-3 xl:sticky xl:top-[80px] min-w-0",
    )


def _switch(label: str, choices: dict[str, str], second: Any, on_change: Any) -> rx.Component:
    """Two ways; `second` is true for the latter."""
    first, other = choices
    return rx.segmented_control.root(
        *[rx.segmented_control.item(text, value=value) for value, text in choices.items()],
        value=rx.cond(second, other, first),
        on_change=on_change,
        size="1",
        aria_label=label,
    )
