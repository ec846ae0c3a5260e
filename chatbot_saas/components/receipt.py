"""A deletion's receipt, to read, to copy and to take along."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.copying import copy_button
from chatbot_saas.schemas.receipts import Receipt

COUNTED = (
    ("rows", "Rows"),
    ("chunks", "Passages"),
    ("vectors", "Vectors"),
    ("blobs", "Stored files"),
    ("cache", "Answers in memory"),
)


def verified_badge(receipt: Receipt) -> rx.Component:
    """A word and a sign, so that colour is never the only one."""
    return rx.cond(
        receipt.verified,
        rx.badge(rx.icon("shield-check", size=13, aria_hidden="true"), "Verified", color_scheme="green", radius="full"),
        rx.badge(
            rx.icon("hourglass", size=13, aria_hidden="true"), "Not verified yet", color_scheme="amber", radius="full"
        ),
    )


def receipt_dialog(
    receipt: Receipt,
    text: Any,
    *,
    is_open: Any,
    on_close: Any,
    on_download: Any,
    trigger: rx.Component | None = None,
) -> rx.Component:
    """`receipt` and its `text` are looked at only while `is_open`. A `trigger` gets the focus back at the end."""
    return rx.dialog.root(
        rx.dialog.trigger(trigger) if trigger is not None else rx.fragment(),
        rx.dialog.content(
            rx.cond(is_open, _content(receipt, text, on_download)),
            max_width="560px",
        ),
        open=is_open,
        on_open_change=on_close,
    )


def _content(receipt: Receipt, text: Any, on_download: Any) -> rx.Component:
    removed: Any = receipt.removed
    return rx.fragment(
        rx.dialog.title("Deletion receipt", size="4"),
        rx.dialog.description(
            rx.el.span(
                rx.el.strong(receipt.title, class_name="font-medium text-[var(--ink)] [overflow-wrap:anywhere]"),
                " · ",
                receipt.kind,
                " · ",
                format.date_time(receipt.deleted_at),
                class_name="text-sm",
            ),
            size="2",
            class_name="text-[var(--ink-soft)]",
        ),
        rx.el.div(verified_badge(receipt), class_name="pt-3"),
        _heading("What was removed"),
        rx.el.dl(
            *[_figure(label, format.number(getattr(removed, name))) for name, label in COUNTED],
            class_name="grid grid-cols-2 sm:grid-cols-5 gap-x-4 gap-y-3",
        ),
        _heading("What was searched afterwards"),
        rx.el.ul(
            rx.foreach(receipt.checked, _check), class_name="flex flex-col gap-1.5 text-[13px] text-[var(--ink-soft)]"
        ),
        _heading("Signature"),
        rx.el.p(
            receipt.signature,
            class_name="font-mono text-xs text-[var(--ink-soft)] break-all",
        ),
        rx.el.div(
            copy_button(text, "Copy", variant="soft"),
            rx.button(
                rx.icon("download", size=15, aria_hidden="true"), "Download", variant="soft", on_click=on_download
            ),
            rx.dialog.close(rx.button("Close", variant="soft", color_scheme="gray", class_name="sm:ml-auto")),
            class_name="flex flex-wrap gap-3 pt-6",
        ),
    )


def _heading(text: str) -> rx.Component:
    return rx.heading(text, as_="h3", size="2", weight="medium", class_name="!pt-5 !pb-2")


def _figure(label: str, value: Any) -> rx.Component:
    return rx.el.div(
        rx.el.dt(label, class_name="text-xs text-[var(--ink-soft)]"),
        rx.el.dd(value, class_name="number text-sm"),
    )


def _check(words: str) -> rx.Component:
    return rx.el.li(
        words,
        class_name="pl-3 border-l-2 border-[var(--line-strong)] [overflow-wrap:anywhere]",
    )
