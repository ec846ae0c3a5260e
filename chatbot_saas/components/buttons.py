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


def download_link(text: str, href: Any, filename: str) -> rx.Component:
    """A file of the API, which the browser asks for with its cookie."""
    return rx.el.a(
        rx.icon("download", size=15, aria_hidden="true"),
        text,
        href=href,
        download=filename,
        custom_attrs={"reloadDocument": True},  # else the router looks for a page of this name
        class_name="inline-flex items-center gap-1.5 min-h-8 px-3 rounded-md text-sm font-medium "
        "text-[var(--gray-a11)] bg-[var(--gray-a3)] hover:bg-[var(--gray-a4)]",
    )
