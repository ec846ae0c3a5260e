from typing import Any

import reflex as rx


def row_button(icon: str, title: str, label: Any, **props: Any) -> rx.Component:
    """A quiet button of a table's row: an icon with a tip for the mouse. `label` also names the row, for the ear."""
    return rx.icon_button(
        rx.icon(icon, aria_hidden="true"),
        variant="ghost",
        color_scheme="gray",
        size="2",
        title=title,
        aria_label=label,
        class_name="!m-0 [&_svg]:w-4 [&_svg]:h-4",  # Radix's own sizes are made for buttons that stand alone
        **props,
    )
