"""`/jobs`: what is being read and indexed, and what became of it. The administrator's page is laid out here too."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.buttons import row_button
from chatbot_saas.components.feedback import confirm_dialog, empty_state, notice, skeleton_panels, status_badge, trouble
from chatbot_saas.components.layout import link_button, page_header
from chatbot_saas.components.table import Column, data_table, in_short, load_more, search_box, table_row
from chatbot_saas.components.vars import length
from chatbot_saas.pages.shell import dashboard_page
from chatbot_saas.schemas.jobs import JobRead
from chatbot_saas.state.jobs import MARKER, STATUSES, JobsState
from chatbot_saas.state.shell import ShellState

COLUMNS = (
    Column("Source"),
    Column("Bot", phone=False),
    Column("What", phone=False),
    Column("Status", width="md:min-w-[160px]"),
    Column("Started", phone=False),
    Column("Took", right=True, phone=False),
    Column("Actions", hidden_label=True, right=True),
)
STAGES = {
    "queued": "Waiting",
    "extracting": "Reading",
    "chunking": "Cutting into passages",
    "embedding": "Embedding",
    "indexing": "Indexing",
}
KINDS = {"add": "Added", "reindex": "Read again", "refresh": "Refreshed"}
TYPES = {"file": "file", "url": "page", "site": "website", "text": "text", "qa": "questions"}
PATIENCE = "A few are worked on at a time. The others follow by themselves, also when this page is closed."


@dashboard_page("/jobs", "Jobs", section="/jobs", on_load=[JobsState.load])
def jobs() -> rx.Component:
    return job_list(
        JobsState,
        COLUMNS,
        _row,
        title="Jobs",
        text="Each time that a source is added, read again or refreshed: how far it is, and how it ended.",
        search="Search by title",
        nothing=empty_state(
            "list-checks",
            "Nothing has been read yet",
            "When you add a document or a website to a bot, you can follow it here until it is ready.",
            link_button("Go to your bots", "/bots", icon="bot"),
        ),
        can_change=ShellState.user.can_write,
    )


def _row(job: JobRead) -> rx.Component:
    return job_row(
        JobsState,
        COLUMNS,
        job,
        rx.link(
            job.bot_name,
            href=f"/bots/{job.bot_id}/knowledge",
            underline="hover",
            color_scheme="gray",
            class_name="text-[var(--ink-soft)] truncate-line block max-w-[160px]",
        ),
        short=job.bot_name,
        can_change=ShellState.user.can_write,
    )


def job_list(
    state: Any,
    columns: tuple[Column, ...],
    row: Any,
    *,
    title: str,
    text: str,
    search: str,
    nothing: rx.Component,
    can_change: Any,
) -> rx.Component:
    """The page. `row` lays out one job; `can_change` is whether there are buttons."""
    return rx.el.div(
        page_header(title, text),
        _filters(state, search),
        trouble(state.problem, "The jobs cannot be shown", state.load),
        rx.cond(state.waiting > 0, notice(PATIENCE, title="Some wait for their turn")),
        rx.cond(
            state.loaded,
            rx.cond(
                length(state.items) > 0,
                rx.el.section(
                    rx.cond(can_change, rx.cond(state.any_selectable, _bulk(state))),
                    data_table(title, columns, rx.foreach(state.items, row)),
                    aria_label=title,
                    class_name="flex flex-col gap-3",
                ),
                rx.cond(state.filtered, _no_match(state), nothing),
            ),
            rx.cond(state.problem, rx.fragment(), skeleton_panels(4, height="64px")),
        ),
        load_more(state.next_cursor != "", state.load_more),
        custom_attrs={MARKER: ""},
        class_name="flex flex-col gap-6",
    )


def _filters(state: Any, search: str) -> rx.Component:
    return rx.el.div(
        search_box("Search jobs", state.search, state.change_search, placeholder=search),
        rx.select.root(
            rx.select.trigger(aria_label="Status", class_name="w-full sm:w-40"),
            rx.select.content(
                *[rx.select.item(label, value=value) for value, label in STATUSES.items()], position="popper"
            ),
            value=state.status,
            on_change=state.change_filter,
            size="2",
        ),
        class_name="flex flex-col sm:flex-row gap-3",
    )


def _no_match(state: Any) -> rx.Component:
    clear = rx.button("Clear the filters", on_click=state.clear_filters, variant="soft")
    return empty_state("search-x", "No job matches", "Try another word, or another status.", clear)


def _bulk(state: Any) -> rx.Component:
    """Select all that are shown, and what can be done with the selected ones."""
    return rx.el.div(
        rx.el.label(
            rx.checkbox(checked=state.all_selected, on_change=state.toggle_all, size="2"),
            rx.cond(
                length(state.selected) > 0,
                rx.el.span(format.number(length(state.selected)), " selected"),
                "Select all shown",
            ),
            class_name="flex items-center gap-3 text-sm min-h-9 cursor-pointer",
        ),
        rx.el.div(
            rx.cond(state.stoppable > 0, _bulk_cancel(state)),
            rx.cond(state.repeatable > 0, _bulk_retry(state)),
            class_name="flex flex-wrap items-center gap-2",
        ),
        rx.el.p(
            rx.cond(length(state.selected) > 0, f"{format.count(length(state.selected), 'job')} selected", ""),
            aria_live="polite",
            class_name="visually-hidden",
        ),
        class_name="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 px-4 min-h-9",
    )


def _bulk_cancel(state: Any) -> rx.Component:
    jobs_ = format.count(state.stoppable, "job")
    return confirm_dialog(
        rx.button("Cancel ", jobs_, variant="soft", color_scheme="red", size="2", loading=state.busy),
        title=f"Cancel {jobs_}?",
        text="What is being read stops within seconds, and nothing of it is left half-indexed. "
        "What was uploaded is kept: you can try again at any time.",
        action=f"Cancel {jobs_}",
        keep="Keep them",
        on_confirm=state.cancel_selected,
    )


def _bulk_retry(state: Any) -> rx.Component:
    jobs_ = format.count(state.repeatable, "job")
    return confirm_dialog(
        rx.button("Try ", jobs_, " again", variant="soft", size="2", loading=state.busy),
        title=f"Try {jobs_} again?",
        text="Their sources are read from the beginning. What is embedded already is not paid for twice.",
        action="Try again",
        on_confirm=state.retry_selected,
        danger=False,
    )


def job_row(
    state: Any, columns: tuple[Column, ...], job: Any, *places: Any, short: Any, can_change: Any
) -> rx.Component:
    """`places`: the cells between the source and what is done with it. `short` tells them on a phone."""
    open_ = (job.status == "queued") | (job.status == "running")
    return table_row(
        columns,
        job.id,
        _source(state, job, open_ | job.retryable, short, can_change),
        *places,
        rx.el.span(rx.match(job.kind, *KINDS.items(), job.kind), class_name="text-[var(--ink-soft)]"),
        _status(job, open_),
        rx.el.span(
            rx.cond(job.started_at, format.ago(job.started_at), "–"), class_name="text-[var(--ink-soft)] number"
        ),
        rx.el.span(rx.cond(job.started_at, format.duration(job.started_at, job.finished_at), "–"), class_name="number"),
        rx.cond(can_change, _actions(state, job, open_)),
    )


def _source(state: Any, job: Any, selectable: Any, short: Any, can_change: Any) -> rx.Component:
    return rx.el.div(
        rx.cond(
            can_change,
            rx.checkbox(
                checked=state.selected.contains(job.id.to(str)),
                on_change=lambda on: state.toggle(job.id, on),
                disabled=~selectable,
                size="2",
                aria_label=f"Select {job.title}",
                class_name="mt-0.5 shrink-0",
            ),
        ),
        rx.el.div(
            rx.el.p(job.title, class_name="font-medium truncate-line", title=job.title),
            rx.cond(
                job.error,
                rx.el.p(job.error.message, class_name="field-error whitespace-normal max-w-[60ch]"),
                rx.el.p(
                    rx.match(job.source_type, *TYPES.items(), job.source_type),
                    class_name="text-[13px] text-[var(--ink-soft)] capitalize hidden md:block",
                ),
            ),
            in_short(
                short,
                rx.match(job.kind, *KINDS.items(), job.kind),
                rx.cond(
                    job.started_at,
                    rx.fragment(format.ago(job.started_at), " · ", format.duration(job.started_at, job.finished_at)),
                    "not started",
                ),
            ),
            class_name="min-w-0 flex-1",
        ),
        class_name="flex items-start gap-3 min-w-0 text-left",
    )


def _status(job: Any, open_: Any) -> rx.Component:
    words = rx.cond(
        open_,
        rx.match(job.stage, *STAGES.items(), job.stage),
        rx.match(job.status, ("succeeded", "Done"), ("failed", "Failed"), "Cancelled"),
    )
    return rx.el.div(
        rx.el.div(
            status_badge(rx.cond(open_, job.stage, job.status), words),
            rx.cond(
                job.attempts > 1,
                rx.el.span("attempt ", job.attempts, class_name="text-[13px] text-[var(--ink-soft)] whitespace-nowrap"),
            ),
            class_name="flex flex-wrap items-center gap-2 justify-end md:justify-start",
        ),
        rx.cond(
            job.status == "running",
            rx.progress(
                value=(job.progress * 100).to(int),
                size="1",
                aria_label=f"Progress of {job.title}",
                class_name="w-[130px]",
            ),
        ),
        class_name="flex flex-col items-end md:items-start gap-2",
    )


def _actions(state: Any, job: Any, open_: Any) -> rx.Component:
    return rx.cond(
        open_,
        row_button("circle-x", "Cancel", f"Cancel {job.title}", on_click=state.cancel(job.id)),
        rx.cond(
            job.retryable,
            row_button("rotate-cw", "Try again", f"Try {job.title} again", on_click=state.retry(job.id)),
        ),
    )
