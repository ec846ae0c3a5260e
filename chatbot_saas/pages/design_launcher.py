"""The section of the Design page about the chat while it is closed."""

import reflex as rx

from chatbot_saas.components.forms import select_field, text_area, text_field
from chatbot_saas.pages.bot_form import typed_field
from chatbot_saas.state.design import DesignState

State = DesignState
CORNERS = {
    "top-left": "Top left",
    "top-right": "Top right",
    "bottom-left": "Bottom left",
    "bottom-right": "Bottom right",
}
ICONS = {"bubble": "A speech bubble", "question": "A question mark", "none": "None, only the label"}


def launcher() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            _corner(),
            rx.el.div(
                _pixels("offset_x", "From the side"),
                _pixels("offset_y", "From top or bottom"),
                class_name="grid grid-cols-[repeat(auto-fit,minmax(136px,1fr))] gap-4",
            ),
            class_name="grid grid-cols-[auto_minmax(0,1fr)] gap-x-6 gap-y-5",
        ),
        rx.el.div(
            select_field("launcher_icon", "Icon", ICONS, **typed_field("launcher_icon")),
            text_field(
                "launcher_label",
                "Label",
                hint="A word or two beside the icon.",
                placeholder="None",
                max_length=24,
                auto_complete="off",
                **typed_field("launcher_label"),
            ),
            class_name="grid grid-cols-[repeat(auto-fit,minmax(216px,1fr))] gap-5",
        ),
        rx.el.div(
            text_area(
                "launcher_message",
                "Message beside it",
                hint="Shown once in a visitor's session. Empty: none.",
                placeholder="Questions about your order? Ask me.",
                rows="2",
                **typed_field("launcher_message"),
            ),
            text_field(
                "launcher_delay",
                "After",
                hint="Seconds on the page.",
                input_mode="numeric",
                auto_complete="off",
                **typed_field("launcher_delay"),
            ),
            class_name="grid 2xl:grid-cols-[minmax(0,1fr)_112px] gap-5",
        ),
        text_area(
            "hidden_pages",
            "Pages without it",
            hint="One a line. /checkout/* is /checkout and all below it.",
            placeholder="/checkout/*",
            rows="2",
            spell_check=False,
            dir="ltr",
            **typed_field("hidden_pages"),
        ),
    )


def _pixels(name: str, label: str) -> rx.Component:
    return text_field(name, label, hint="Pixels.", input_mode="numeric", auto_complete="off", **typed_field(name))


def _corner() -> rx.Component:
    """A picture of a page with a button in each corner."""
    places = {
        "top-left": "top-2 left-2",
        "top-right": "top-2 right-2",
        "bottom-left": "bottom-2 left-2",
        "bottom-right": "bottom-2 right-2",
    }
    buttons = [
        rx.el.button(
            type="button",
            aria_label=text,
            aria_pressed=State.draft.corner == corner,
            on_click=State.change("corner", corner),  # pyright: ignore[reportCallIssue]
            class_name="corner-choice absolute " + places[corner],
        )
        for corner, text in CORNERS.items()
    ]
    picture = rx.el.div(
        *buttons,
        id="corner",
        role="group",
        aria_label="Corner",
        class_name="relative w-[144px] h-[92px] rounded-lg border border-[var(--line-strong)] "
        "bg-[var(--surface-sunken)]",
    )
    return rx.el.div(
        rx.el.p("Corner", class_name="text-sm font-medium", aria_hidden="true"),
        picture,
        class_name="flex flex-col gap-1.5",
    )
