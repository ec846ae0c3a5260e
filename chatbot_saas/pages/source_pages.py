"""The pages of a website, on the page of their source: what became of each, and what the bot knows of it."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.buttons import row_button
from chatbot_saas.components.feedback import confirm_dialog, empty_state, status_badge
from chatbot_saas.components.passages import passage_list
from chatbot_saas.components.table import Column, data_table, load_more, search_box, table_row
from chatbot_saas.components.vars import length, present, shown
from chatbot_saas.schemas.sources import WebPageRead
from chatbot_saas.state.shell import ShellState
from chatbot_saas.state.source import STATUSES, SourceState

PAGE_COLUMNS = (
    Column("Page"),
    Column("Status", width="md:min-w-[112px]"),
    Column("Last read"),
    Column("Actions", hidden_label=True, right=True),
)


def part_heading(text: str, note: str = "") -> rx.Component:
    return rx.el.div(
        rx.heading(text, as_="h3", size="3", weight="medium"),
        rx.el.p(note, class_name="text-[13px] text-[var(--ink-soft)]") if note else rx.fragment(),
        class_name="flex flex-col gap-0.5",
    )


def page_list() -> rx.Component:
    state = SourceState
    return rx.el.section(
        part_heading("Pages"),
        rx.cond(
            (length(state.items) > 0) | state.filtered,
            rx.fragment(
                rx.el.div(
                    search_box("Search pages", state.search, state.change_search, placeholder="By title or address"),
                    rx.select.root(
                        rx.select.trigger(aria_label="Status", class_name="w-full sm:w-40"),
                        rx.select.content(
                            *[rx.select.item(text, value=value) for value, text in STATUSES.items()],
                            position="popper",
                        ),
                        value=state.status,
                        on_change=state.change_filter,
                        size="2",
                    ),
                    class_name="flex flex-col sm:flex-row gap-3",
                ),
                rx.cond(
                    length(state.items) > 0,
                    data_table("Pages", PAGE_COLUMNS, rx.foreach(state.items, _page)),
                    empty_state(
                        "search-x",
                        "No page matches",
                        "Try another word, or another status.",
                        rx.button("Clear the filters", on_click=state.clear_filters, variant="soft"),
                    ),
                ),
                load_more(state.next_cursor != "", state.load_more),
            ),
            empty_state("globe", "No page yet", "They are listed here as they are found and read."),
        ),
        aria_label="Pages of this website",
        class_name="flex flex-col gap-3",
    )


def _page(page: WebPageRead) -> rx.Component:
    name = rx.cond(page.title, page.title, page.url)
    return table_row(
        PAGE_COLUMNS,
        page.id,
        rx.el.div(
            rx.cond(page.title, rx.el.p(page.title, class_name="font-medium truncate-line", title=page.title)),
            rx.link(
                page.url,
                href=page.url,
                is_external=True,
                underline="hover",
                color_scheme="gray",
                rel="noopener noreferrer nofollow",
                class_name="block text-[13px] text-[var(--ink-soft)] truncate-line",
            ),
            rx.cond(
                page.error,
                rx.el.p(
                    shown(page.error).message,
                    class_name=rx.cond(
                        page.status == "failed",
                        "field-error whitespace-normal max-w-[70ch]",
                        "field-hint whitespace-normal max-w-[70ch]",
                    ),
                ),
            ),
            class_name="min-w-0 text-left",
        ),
        rx.el.div(
            status_badge(
                rx.match(page.status, ("ready", "ready"), ("failed", "failed"), ("waiting", "waiting"), "draft"),
                rx.match(page.status, *[item for item in STATUSES.items() if item[0] != "all"], page.status),
            ),
            rx.cond(
                page.failures > 1,
                rx.el.p(page.failures, " times in a row", class_name="number text-[13px] text-[var(--ink-soft)] pt-1"),
            ),
        ),
        rx.el.span(
            rx.cond(page.fetched_at, format.ago(page.fetched_at), "–"), class_name="number text-[var(--ink-soft)]"
        ),
        rx.cond(present(page.document_id), _page_actions(page, name)),
    )


def _page_actions(page: WebPageRead, name: Any) -> rx.Component:
    state = SourceState
    return rx.el.div(
        _page_dialog(page, row_button("text-search", "What the bot knows of it", f"What the bot knows of {name}")),
        rx.cond(
            ShellState.user.can_write,
            confirm_dialog(
                row_button("trash-2", "Delete", f"Delete {name}"),
                title=f"Delete {name}?",
                text="The page's text and its passages are removed, and refreshes leave it out from now on.",
                action="Delete",
                on_confirm=state.delete_page(page.document_id),  # pyright: ignore[reportCallIssue]
            ),
        ),
        class_name="flex items-center justify-end gap-1.5",
    )


def _page_dialog(page: WebPageRead, trigger: rx.Component) -> rx.Component:
    state = SourceState
    document: Any = rx.Var.create(page.document_id).to(str)
    return rx.dialog.root(
        rx.dialog.trigger(trigger),
        rx.dialog.content(
            rx.dialog.title(page.title, size="4", class_name="!mb-1"),
            rx.dialog.description(
                page.url, size="2", class_name="!mb-4 text-[var(--ink-soft)] [overflow-wrap:anywhere]"
            ),
            passage_list(state.passages, more=state.passages_cursor != "", on_more=state.more_passages),
            rx.el.div(
                rx.dialog.close(rx.button("Close", variant="soft", color_scheme="gray")),
                class_name="flex justify-end pt-5",
            ),
            max_width="760px",
        ),
        open=state.reading & (state.document == document),
        on_open_change=lambda is_open: state.open_document(page.document_id, is_open),  # pyright: ignore[reportCallIssue]
    )
