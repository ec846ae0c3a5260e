"""The section of the Design page about colour, shape and picture."""

from typing import Any

import reflex as rx

from chatbot_saas.components.forms import field, select_field, slider, swatch
from chatbot_saas.components.layout import bot_avatar
from chatbot_saas.pages.bot_form import typed_field
from chatbot_saas.state.design import DesignState

State = DesignState
MODES = {"auto": "As the visitor's device", "light": "Always light", "dark": "Always dark"}
FONTS = {
    "sans": "Plain",
    "system": "Of the visitor's device",
    "serif": "With serifs",
    "rounded": "Rounded",
    "mono": "Typewriter",
}


def look() -> rx.Component:
    return rx.fragment(
        _colour(),
        field(
            "icon",
            "Picture",
            _icon(),
            hint="At the top of the chat. PNG, JPEG or WebP; it is made small here.",
            error=State.errors["icon"],
        ),
        rx.el.div(
            select_field("mode", "Light or dark", MODES, **typed_field("mode")),
            select_field("font", "Font", FONTS, **typed_field("font")),
            class_name="grid grid-cols-[repeat(auto-fit,minmax(216px,1fr))] gap-5",
        ),
        _radius(),
    )


def _colour() -> rx.Component:
    both = rx.el.div(
        swatch(
            "color",
            value=State.draft.color,
            on_change=lambda value: State.change("color", value),  # pyright: ignore[reportCallIssue]
        ),
        rx.input(
            value=State.draft.color,
            on_change=lambda value: State.change("color", value),  # pyright: ignore[reportCallIssue]
            aria_label="Colour as a code",
            aria_invalid=rx.cond(State.errors["color"], "true", "false"),
            spell_check=False,
            size="2",
            class_name="w-32 number",
        ),
        class_name="flex items-center gap-3",
    )
    warned = rx.cond(
        State.colour_warning & (State.errors["color"] == ""),
        rx.el.p(
            rx.icon("triangle-alert", size=14, aria_hidden="true", class_name="shrink-0 mt-0.5"),
            State.colour_warning,
            class_name="field-warning flex gap-1.5",
            role="status",
        ),
    )
    return rx.el.div(
        field(
            "color",
            "Colour",
            both,
            hint=rx.fragment("Of the launcher and the visitor's words. ", State.colour_note),
            error=State.errors["color"],
        ),
        warned,
        class_name="flex flex-col gap-1.5",
    )


def _radius() -> rx.Component:
    return field(
        "radius",
        "Roundness",
        slider(
            "radius",
            value=State.draft.radius,
            on_change=lambda number: State.change("radius", number),  # pyright: ignore[reportCallIssue]
            least=0,
            most=24,
        ),
        hint="Of bubbles: from square to round.",
        error=State.errors["radius"],
        aside=rx.el.output(State.draft.radius, " px", class_name="number text-sm text-[var(--ink-soft)]"),
    )


def _icon() -> rx.Component:
    name = State.draft.name
    choose: Any = rx.call_script("import('/icon.js').then((icons) => icons.choose())", callback=State.take_icon)
    return rx.el.div(
        bot_avatar(rx.cond(name, name, "?"), State.draft.color, size=40, icon=State.draft.icon),
        rx.button(
            rx.cond(State.draft.icon, "Replace", "Choose a picture"),
            on_click=choose,
            variant="soft",
            size="2",
            type="button",
            aria_describedby="icon-note",
        ),
        rx.cond(
            State.draft.icon,
            rx.button(
                "Remove", on_click=State.remove_icon, variant="soft", color_scheme="gray", size="2", type="button"
            ),
        ),
        id="icon",
        role="group",
        aria_label="Icon",
        class_name="flex items-center gap-3",
    )
