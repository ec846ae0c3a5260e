"""`/bots/[bot_id]/knowledge/[source_id]`: one source with all that is known of it."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.buttons import row_button
from chatbot_saas.components.feedback import confirm_dialog, empty_state, notice, skeleton_panels, status_badge
from chatbot_saas.components.layout import link_button
from chatbot_saas.components.passages import passage_list
from chatbot_saas.components.sources import is_active, is_web, kind_label, source_sign, source_status
from chatbot_saas.components.table import Column, data_table, load_more, search_box, table_row
from chatbot_saas.components.vars import length, negated, present, route_parameter, shown
from chatbot_saas.pages.bot_frame import bot_page
from chatbot_saas.pages.knowledge import delete_words
from chatbot_saas.pages.knowledge_add import edit_text_dialog
from chatbot_saas.schemas.dashboard import SourceView
from chatbot_saas.schemas.jobs import JobRead
from chatbot_saas.schemas.sources import WebPageRead
from chatbot_saas.state.shell import ShellState
from chatbot_saas.state.source import MARKER, STATUSES, SourceState
from chatbot_saas.state.source_acts import BY_HAND, REFRESH_CHOICES

PAGE_COLUMNS = (
    Column("Page"),
    Column("Status", width="md:min-w-[112px]"),
    Column("Last read"),
    Column("Actions", hidden_label=True, right=True),
)
JOB_KINDS = {"add": "Added", "reindex": "Read again", "refresh": "Refreshed"}
JOB_STATUSES = {
    "queued": "Waiting",
    "running": "In progress",
    "succeeded": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
PAGE_COLORS = {"ready": "ready", "failed": "failed", "waiting": "waiting"}


@bot_page("/knowledge", "Source", below="/[source_id]", on_load=[SourceState.load])
def source() -> rx.Component:
    state = SourceState
    return rx.el.div(
        _back(),
        rx.cond(
            state.problem,
            notice(
                state.problem,
                rx.button("Try again", on_click=state.load, variant="soft", color_scheme="red", size="1"),
                kind="error",
                title="The source cannot be shown",
            ),
        ),
        rx.cond(
            state.missing,
            empty_state(
                "search-x",
                "There is no such source",
                "It may have been deleted, or the address is not complete.",
                link_button("All knowledge of this bot", _knowledge()),
            ),
            rx.cond(
                present(state.source),
                _source(shown(state.source)),
                rx.cond(state.problem, rx.fragment(), skeleton_panels(3, height="96px")),
            ),
        ),
        rx.el.p(state.said, role="status", class_name="visually-hidden"),
        custom_attrs={MARKER: ""},
        class_name="flex flex-col gap-6",
    )


def _knowledge() -> Any:
    return "/bots/" + route_parameter("bot_id") + "/knowledge"


def _back() -> rx.Component:
    return rx.link(
        rx.icon("arrow-left", size=15, aria_hidden="true"),
        "All knowledge",
        href=_knowledge(),
        underline="none",
        color_scheme="gray",
        class_name="flex items-center gap-1.5 w-fit text-sm text-[var(--ink-soft)] -mb-2",
    )


def _source(source: SourceView) -> rx.Component:
    is_site = source.type == "site"
    return rx.fragment(
        _header(source),
        rx.cond(
            source.error,
            notice(shown(source.error).message, *_error_actions(source), kind="error", title=_error_title(source)),
        ),
        _facts(source),
        rx.cond(is_site, _pages(), rx.cond((source.chunks > 0) | is_active(source), _passages(source))),
        _history(),
    )


def _header(source: SourceView) -> rx.Component:
    return rx.el.header(
        rx.el.div(
            source_sign(source, size=44),
            rx.el.div(
                rx.heading(source.title, as_="h2", size="5", class_name="tracking-[-0.01em] [overflow-wrap:anywhere]"),
                rx.el.p(
                    rx.cond(
                        is_web(source),
                        rx.link(
                            source.url,
                            rx.icon("external-link", size=13, class_name="inline ml-1", aria_hidden="true"),
                            href=source.url,
                            is_external=True,
                            underline="hover",
                            rel="noopener noreferrer nofollow",
                            class_name="[overflow-wrap:anywhere]",
                        ),
                        kind_label(source),
                    ),
                    class_name="text-sm text-[var(--ink-soft)]",
                ),
                class_name="flex flex-col gap-0.5 min-w-0",
            ),
            class_name="flex items-start gap-4 min-w-0",
        ),
        rx.cond(ShellState.user.can_write, _actions(source)),
        class_name="flex flex-col md:flex-row md:items-start justify-between gap-4",
    )


def _actions(source: SourceView) -> rx.Component:
    state = SourceState

    def button(icon: str, text: Any, **props: Any) -> rx.Component:
        return rx.button(
            rx.icon(icon, size=15, aria_hidden="true"), text, variant="soft", color_scheme="gray", size="2", **props
        )

    return rx.el.div(
        rx.cond(
            is_active(source),
            button("circle-x", "Cancel", on_click=state.cancel),
            rx.fragment(
                rx.cond(source.type == "text", edit_text_dialog(source.id, button("pencil", "Edit text"))),
                rx.cond(
                    (source.status == "ready") | source.retryable,
                    button(
                        "rotate-cw",
                        rx.cond(source.retryable, "Try again", rx.cond(is_web(source), "Refresh now", "Read it again")),
                        on_click=state.reindex,
                    ),
                ),
            ),
        ),
        confirm_dialog(
            button("trash-2", "Delete"),
            title=f"Delete {source.title}?",
            text=delete_words(source),
            action="Delete",
            on_confirm=state.delete,
        ),
        class_name="flex flex-wrap items-center gap-2 shrink-0",
    )


def _error_title(source: SourceView) -> Any:
    return rx.cond(source.chunks > 0, "It could not be refreshed; what was known stays", "It could not be read")


def _error_actions(source: SourceView) -> tuple[rx.Component, ...]:
    return (
        rx.cond(
            (source.type == "file") & ~source.retryable,
            link_button("Add another file", _knowledge(), variant="soft", size="1", color_scheme="red"),
        ),
    )


def _facts(source: SourceView) -> rx.Component:
    return rx.el.dl(
        _fact("Status", source_status(source)),
        rx.cond(
            source.type == "site",
            _fact(
                "Pages",
                format.number(source.pages),
                rx.fragment(
                    rx.cond(source.pages_failed > 0, rx.el.span(source.pages_failed, " failed ")),
                    rx.cond(source.pages_left_out > 0, rx.el.span(source.pages_left_out, " left out or gone")),
                ),
            ),
        ),
        _fact(
            "Passages",
            format.number(source.chunks),
            rx.cond(source.tokens > 0, format.count(source.tokens, "token"), ""),
        ),
        rx.cond(is_web(source), _schedule(source), _fact("Size", format.size(source.size))),
        _fact("Added", format.ago(source.created_at)),
        class_name="panel grid grid-cols-2 md:flex md:flex-wrap gap-x-10 gap-y-5 px-5 py-4",
    )


def _fact(label: str, value: Any, note: Any = "") -> rx.Component:
    return rx.el.div(
        rx.el.dt(label, class_name="text-[13px] text-[var(--ink-soft)]"),
        rx.el.dd(value, class_name="number text-sm min-h-[22px] flex items-center"),
        rx.el.dd(note, class_name="number text-[13px] text-[var(--ink-soft)]") if not isinstance(note, str) else None,
        class_name="flex flex-col gap-0.5 [&_.items-end]:items-start",
    )


def _schedule(source: SourceView) -> rx.Component:
    state = SourceState
    choice = rx.select.root(
        rx.select.trigger(aria_label="Read it again", variant="ghost"),
        rx.select.content(
            *[rx.select.item(text, value=value) for value, text in REFRESH_CHOICES.items()], position="popper"
        ),
        value=rx.cond(source.refresh == "", BY_HAND, source.refresh),
        on_change=state.change_refresh,
        disabled=negated(ShellState.user.can_write),
        size="2",
    )
    return _fact(
        "Refreshed",
        choice,
        rx.fragment(
            rx.cond(source.refreshed_at, format.ago(source.refreshed_at), "not read yet"),
            rx.cond(source.next_refresh_at, rx.fragment(" · next ", format.ago(source.next_refresh_at))),
        ),
    )


def _heading(text: str, note: str = "") -> rx.Component:
    return rx.el.div(
        rx.heading(text, as_="h3", size="3", weight="medium"),
        rx.el.p(note, class_name="text-[13px] text-[var(--ink-soft)]") if note else rx.fragment(),
        class_name="flex flex-col gap-0.5",
    )


def _passages(source: SourceView) -> rx.Component:
    state = SourceState
    return rx.el.section(
        _heading("What the bot knows of it", "Word for word, as it is searched and quoted."),
        rx.cond(
            state.loaded,
            rx.cond(
                is_active(source) & (length(state.passages) == 0),
                skeleton_panels(2, height="120px"),
                passage_list(state.passages, more=state.passages_cursor != "", on_more=state.more_passages),
            ),
        ),
        aria_label="Passages of this source",
        class_name="flex flex-col gap-3",
    )


def _pages() -> rx.Component:
    state = SourceState
    return rx.el.section(
        _heading("Pages"),
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


def _history() -> rx.Component:
    state = SourceState
    return rx.cond(
        length(state.jobs) > 0,
        rx.el.section(
            _heading("History"),
            rx.el.ol(rx.foreach(state.jobs, _job), class_name="panel flex flex-col", aria_label="Jobs, newest first"),
            load_more(state.jobs_cursor != "", state.more_jobs),
            aria_label="History of this source",
            class_name="flex flex-col gap-3",
        ),
    )


def _job(job: JobRead) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(rx.match(job.kind, *JOB_KINDS.items(), job.kind), class_name="text-sm w-24 shrink-0"),
            status_badge(
                rx.cond(job.status == "succeeded", "ready", job.status),
                rx.match(job.status, *JOB_STATUSES.items(), job.status),
            ),
            rx.el.span(
                format.ago(job.created_at),
                rx.cond(
                    present(job.finished_at) & present(job.started_at),
                    rx.fragment(" · took ", format.duration(job.started_at, job.finished_at)),
                ),
                class_name="number text-[13px] text-[var(--ink-soft)]",
            ),
            class_name="flex flex-wrap items-center gap-x-4 gap-y-1",
        ),
        rx.cond(job.error, rx.el.p(shown(job.error).message, class_name="field-error pt-1 max-w-[80ch]")),
        key=job.id,
        class_name="row-line px-5 py-3",
    )
