"""A list of rows: a table where there is room, and one block for each row on a phone. It is a table to a screen reader
in both shapes, which is why the roles are written out: other `display` values would take them away."""

from dataclasses import dataclass
from typing import Any

import reflex as rx


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    right: bool = False
    """Numbers stand right."""
    hidden_label: bool = False
    """For the column of buttons: only a screen reader hears its name."""
    width: str = ""
    """A Tailwind class, e.g. `md:w-32`."""
    phone: bool = True
    """Whether a phone shows it; what it does not show as a line of its own, the first cell tells in short."""


def data_table(label: str, columns: tuple[Column, ...], rows: rx.Component) -> rx.Component:
    """`rows` is an rx.foreach whose function returns `table_row`."""

    def heading(column: Column) -> rx.Component:
        text = rx.el.span(column.label, class_name="visually-hidden") if column.hidden_label else column.label
        return rx.el.th(
            text,
            role="columnheader",
            scope="col",
            class_name=f"px-4 py-2.5 font-medium whitespace-nowrap {_side(column)} {column.width}",
        )

    return rx.el.div(
        rx.el.table(
            rx.el.thead(
                rx.el.tr(*[heading(column) for column in columns], role="row"),
                role="rowgroup",
                class_name="hidden md:table-header-group text-[13px] text-[var(--ink-soft)] bg-[var(--surface-sunken)]",
            ),
            rx.el.tbody(rows, role="rowgroup", class_name="block md:table-row-group"),
            role="table",
            aria_label=label,
            class_name="block md:table w-full border-collapse text-sm",
        ),
        class_name="panel overflow-hidden",
    )


def table_row(columns: tuple[Column, ...], key: Any, *cells: Any) -> rx.Component:
    """As many cells as columns; the first one names the row.

    `key` is the row's id: without it the open dialog of a row that is deleted would pass to the next one.
    """

    def cell(index: int, column: Column, content: Any) -> rx.Component:
        side = "" if index == 0 else "ml-auto text-right"
        name = "" if index == 0 or column.hidden_label else column.label
        return rx.el.td(
            rx.el.span(name, class_name="md:hidden text-[var(--ink-soft)] text-[13px] shrink-0", aria_hidden="true")
            if name
            else rx.fragment(),
            rx.el.div(content, class_name=f"min-w-0 {side} {_inner_side(column)}"),
            role="cell",
            class_name=("flex" if column.phone else "hidden")
            + " md:table-cell items-center justify-between gap-4 md:px-4 md:py-3 align-middle "
            + (
                "pb-1 md:pb-3 md:max-w-0 md:w-full "
                if index == 0
                else "whitespace-nowrap max-md:has-[>div:empty]:hidden "
            ),
        )

    return rx.el.tr(
        *[cell(index, column, content) for index, (column, content) in enumerate(zip(columns, cells, strict=True))],
        role="row",
        key=rx.Var.create(key).to(str),
        class_name="row-line relative flex flex-col gap-1.5 md:table-row px-4 py-4 md:p-0 md:hover:bg-[var(--gray-a2)]",
    )


def in_short(*parts: Any) -> rx.Component:
    """What a phone shows under a row's name, for the columns that it leaves out."""
    words: list[Any] = []
    for part in parts:
        words += [rx.el.span(" · ", aria_hidden="true"), part] if words else [part]
    return rx.el.p(*words, class_name="md:hidden text-[13px] text-[var(--ink-soft)] whitespace-normal")


def _side(column: Column) -> str:
    return "text-right" if column.right else "text-left"


def _inner_side(column: Column) -> str:
    return "md:text-right" if column.right else "md:text-left"


def load_more(shown: Any, on_click: Any) -> rx.Component:
    """Below a list that has another page."""
    return rx.cond(
        shown,
        rx.el.div(
            rx.button("Load more", on_click=on_click, variant="soft", color_scheme="gray"),
            class_name="flex justify-center",
        ),
    )


def search_box(label: str, value: Any, on_change: Any, *, placeholder: str = "") -> rx.Component:
    return rx.input(
        rx.input.slot(rx.icon("search", size=16, aria_hidden="true")),
        placeholder=placeholder or label,
        aria_label=label,
        value=value,
        on_change=on_change,
        type="search",
        size="2",
        class_name="w-full sm:w-80",
    )
