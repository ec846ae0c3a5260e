"""How a source is shown wherever it appears: its sign, its type, its status, what it holds, when it is refreshed."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.buttons import row_button
from chatbot_saas.components.feedback import status_badge

STAGES = {
    "queued": "Waiting",
    "extracting": "Reading",
    "chunking": "Cutting",
    "embedding": "Embedding",
    "ready": "Ready",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
_FILES = {
    "application/pdf": "PDF",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PowerPoint",
    "application/vnd.oasis.opendocument.text": "OpenDocument",
    "application/epub+zip": "E-book",
    "application/rtf": "RTF",
    "application/json": "JSON",
    "text/csv": "CSV",
    "text/plain": "Text file",
    "text/markdown": "Markdown",
    "text/html": "HTML",
}
_KINDS = {"url": "Web page", "site": "Website", "text": "Text", "qa": "Questions"}
_SIGNS = {"url": "link", "site": "globe", "text": "text", "qa": "message-circle-question"}
_REFRESHED = {"hourly": "Every hour", "daily": "Every day", "weekly": "Every week"}


def is_active(source: Any) -> Any:
    return (source.status != "ready") & (source.status != "failed") & (source.status != "cancelled")


def is_web(source: Any) -> Any:
    return (source.type == "url") | (source.type == "site")


def kind_label(source: Any) -> Any:
    """A file by what it is, and until that is known by its name."""
    file = rx.match(
        source.media_type, *_FILES.items(), rx.Var.create(source.filename).to(str).split(".")[-1].to(str).upper()
    )
    return rx.match(source.type, *_KINDS.items(), file)


def source_sign(source: Any, *, size: int = 36) -> rx.Component:
    """A tile with the type's picture."""
    picture = rx.match(
        source.type, *[(kind, rx.icon(icon, size=17)) for kind, icon in _SIGNS.items()], rx.icon("file-text", size=17)
    )
    return rx.el.span(
        picture,
        class_name="grid place-items-center shrink-0 rounded-lg bg-[var(--gray-a3)] text-[var(--gray-11)]",
        style={"width": f"{size}px", "height": f"{size}px"},
        aria_hidden="true",
    )


def source_status(source: Any) -> rx.Component:
    """What it is at, and how far."""
    return rx.el.div(
        status_badge(source.status, rx.match(source.status, *STAGES.items(), source.status)),
        rx.cond(
            is_active(source),
            rx.progress(
                value=rx.Var.create(source.progress * 100).to(int),
                size="1",
                aria_label=f"Progress of {source.title}",
                class_name="w-[120px]",
            ),
        ),
        class_name="flex flex-col items-end md:items-start gap-2",
    )


def pages_in_short(source: Any) -> Any:
    """`18 pages`; while it is read `7 of 20 pages`."""
    known = source.pages + source.pages_waiting + source.pages_failed + source.pages_left_out
    return rx.cond(
        is_active(source) & (source.pages_waiting > 0),
        f"{format.number(source.pages)} of {format.count(known, 'page')}",
        format.count(source.pages, "page"),
    )


def refreshed(source: Any) -> rx.Component:
    """The schedule of a web source with its last and next time; of others when they were added or written anew."""
    soft = "text-[var(--ink-soft)]"
    return rx.cond(
        is_web(source),
        rx.el.span(
            rx.el.span(rx.match(source.refresh, *_REFRESHED.items(), "By hand"), class_name="block"),
            rx.el.span(
                rx.cond(source.refreshed_at, format.ago(source.refreshed_at), "not read yet"),
                rx.cond(source.next_refresh_at, rx.fragment(" · next ", format.ago(source.next_refresh_at))),
                class_name=f"block text-[13px] {soft}",
            ),
            class_name="inline-block number",
        ),
        rx.el.span(format.ago(source.updated_at), class_name=f"{soft} number"),
    )


def refresh_menu(source: Any, choices: dict[str, str], on_choose: Any) -> rx.Component:
    """Change the schedule. `choices`: the values that `on_choose(value)` gets, and what the person reads."""
    now = rx.cond(source.refresh == "", next(iter(choices)), source.refresh)
    return rx.menu.root(
        rx.menu.trigger(row_button("calendar-clock", "When it is refreshed", f"When {source.title} is refreshed")),
        rx.menu.content(
            *[
                rx.menu.item(
                    rx.icon(
                        "check",
                        size=14,
                        aria_hidden="true",
                        class_name=rx.cond(now == value, "opacity-100", "opacity-0"),
                    ),
                    text,
                    rx.cond(now == value, rx.el.span("(as now)", class_name="visually-hidden")),
                    on_select=on_choose(value),
                )
                for value, text in choices.items()
            ],
            align="end",
        ),
    )
