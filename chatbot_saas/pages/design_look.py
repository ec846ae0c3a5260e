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
        _bubble(),
        rx.el.div(
            field(
                "icon",
                "Logo",
                _picture("icon", "Logo", State.draft.icon),
                hint="At the top of the chat. PNG, JPEG or WebP; it is made small here.",
                error=State.errors["icon"],
            ),
            field(
                "avatar",
                "Avatar",
                _picture("avatar", "Avatar", State.draft.avatar, State.draft.icon),
                hint="Beside answers. Without one, the logo.",
                error=State.errors["avatar"],
            ),
            class_name="grid grid-cols-[repeat(auto-fit,minmax(216px,1fr))] gap-5",
        ),
        rx.el.div(
            select_field("mode", "Light or dark", MODES, **typed_field("mode")),
            select_field("font", "Font", FONTS, **typed_field("font")),
            class_name="grid grid-cols-[repeat(auto-fit,minmax(216px,1fr))] gap-5",
        ),
        _radius(),
    )


def _picked(name: str, value: Any, shown: Any, label: str, *more: rx.Component) -> rx.Component:
    """A colour, picked or typed. `shown`: in the swatch, which is never empty."""
    return rx.el.div(
        swatch(
            name,
            value=shown,
            on_change=lambda value: State.change(name, value),  # pyright: ignore[reportCallIssue]
        ),
        rx.input(
            value=value,
            on_change=lambda value: State.change(name, value),  # pyright: ignore[reportCallIssue]
            aria_label=label,
            aria_invalid=rx.cond(State.errors[name], "true", "false"),
            spell_check=False,
            size="2",
            class_name="w-32 number",
        ),
        *more,
        class_name="flex items-center gap-3",
    )


def _bubble() -> rx.Component:
    back = rx.cond(
        State.draft.bubble,
        rx.button(
            "Remove",
            on_click=State.change("bubble", ""),  # pyright: ignore[reportCallIssue]
            aria_label="Remove the colour of the visitor's words",
            variant="soft",
            color_scheme="gray",
            size="2",
            type="button",
        ),
    )
    shown = rx.cond(State.draft.bubble, State.draft.bubble, State.draft.color)
    return field(
        "bubble",
        "Colour of the visitor's words",
        _picked("bubble", State.draft.bubble, shown, "Colour of the visitor's words as a code", back),
        hint=rx.fragment("Empty: the colour above. ", State.bubble_note),
        error=State.errors["bubble"],
    )


def _colour() -> rx.Component:
    both = _picked("color", State.draft.color, State.draft.color, "Colour as a code")
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
            hint=rx.fragment("Of the launcher, the buttons and the visitor's words. ", State.colour_note),
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


def _picture(name: str, label: str, own: Any, otherwise: Any = "") -> rx.Component:
    """`otherwise`: the picture that is shown without an own one."""
    bot = State.draft.name
    choose: Any = rx.call_script(
        "import('/icon.js').then((icons) => icons.choose())",
        callback=lambda address: State.take_picture(name, address),  # pyright: ignore[reportCallIssue]
    )
    return rx.el.div(
        bot_avatar(rx.cond(bot, bot, "?"), State.draft.color, size=40, icon=rx.cond(own, own, otherwise)),
        rx.button(
            rx.cond(own, "Replace", "Choose a picture"),
            on_click=choose,
            variant="soft",
            size="2",
            type="button",
            aria_describedby=f"{name}-note",
        ),
        rx.cond(
            own,
            rx.button(
                "Remove",
                on_click=State.remove_picture(name),  # pyright: ignore[reportCallIssue]
                variant="soft",
                color_scheme="gray",
                size="2",
                type="button",
            ),
        ),
        id=name,
        role="group",
        aria_label=label,
        class_name="flex items-center gap-3",
    )
