"""Text that people take elsewhere: a block of code and the button that copies it, by assets/copy.js."""

from typing import Any

import reflex as rx

LOAD = "import('/copy.js')"
"""A module runs once, however often it is asked for."""


def copy_button(text: Any, label: str = "Copy", *, variant: Any = "solid", size: Any = "2") -> rx.Component:
    """Copies `text`; says so in the button and to a screen reader."""
    return rx.button(
        rx.el.span(
            rx.icon("copy", size=15, aria_hidden="true"),
            label,
            class_name="inline-flex items-center gap-2 group-data-[copied]:hidden",
        ),
        rx.el.span(
            rx.icon("check", size=15, aria_hidden="true"),
            "Copied",
            class_name="hidden items-center gap-2 group-data-[copied]:inline-flex",
            aria_hidden="true",
        ),
        type="button",
        variant=variant,
        size=size,
        custom_attrs={"data-copy": text},
        class_name="group shrink-0",
        on_mount=rx.call_script(LOAD),
    )


def code_block(text: Any, *, label: str, action: str = "Copy", variant: Any = "solid") -> rx.Component:
    """`text` to read and to copy; long lines wrap, so that nothing hides behind a scroll bar."""
    return rx.el.div(
        rx.el.pre(
            rx.el.code(text, class_name="font-mono whitespace-pre-wrap [overflow-wrap:anywhere]"),
            class_name="flex-1 min-w-0 text-[13px] leading-6 text-[var(--gray-12)]",
            tab_index=0,
            role="region",
            aria_label=label,
        ),
        copy_button(text, action, variant=variant),
        class_name="flex flex-col sm:flex-row items-stretch sm:items-start gap-3 p-3 pl-4 rounded-lg "
        "border border-[var(--line)] bg-[var(--surface-sunken)]",
    )


def shown_once(title: str, text: str, secret: Any, *, label: str, action: str) -> rx.Component:
    """The inside of a dialog with a secret that nobody can read again."""
    return rx.el.div(
        rx.dialog.title(title, size="4"),
        rx.dialog.description(text, size="2", class_name="text-[var(--ink-soft)]"),
        rx.el.div(code_block(secret, label=label, action=action), class_name="pt-4"),
        rx.el.div(rx.dialog.close(rx.button("Done", type="button")), class_name="flex justify-end pt-5"),
    )
