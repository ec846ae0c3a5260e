"""`/bots/[bot_id]/knowledge/[source_id]`: one source with all that is known of it."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.feedback import confirm_dialog, empty_state, notice, skeleton_panels, status_badge, trouble
from chatbot_saas.components.layout import link_button
from chatbot_saas.components.passages import passage_list
from chatbot_saas.components.sources import is_active, is_web, kind_label, source_sign, source_status
from chatbot_saas.components.table import load_more
from chatbot_saas.components.vars import length, negated, present, route_parameter, shown
from chatbot_saas.pages.bot_frame import bot_page
from chatbot_saas.pages.knowledge import delete_words
from chatbot_saas.pages.knowledge_add import edit_text_dialog
from chatbot_saas.pages.source_pages import page_list, part_heading
from chatbot_saas.schemas.dashboard import SourceView
from chatbot_saas.schemas.jobs import JobRead
from chatbot_saas.state.shell import ShellState
from chatbot_saas.state.source import MARKER, SourceState
from chatbot_saas.state.source_acts import BY_HAND, REFRESH_CHOICES

JOB_KINDS = {"add": "Added", "reindex": "Read again", "refresh": "Refreshed"}
JOB_STATUSES = {
    "queued": "Waiting",
    "running": "In progress",
    "succeeded": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}


@bot_page("/knowledge", "Source", below="/[source_id]", on_load=[SourceState.load])
def source() -> rx.Component:
    state = SourceState
    return rx.el.div(
        _back(),
        trouble(state.problem, "The source cannot be shown", state.load),
        rx.cond(
            state.missing,
            empty_state(
                "search-x",
                "There is no such source",
                "It may have been deleted, or the address is not complete.",
                link_button("All knowledge of this bot", _knowledge()),
            ),
            rx.cond(
                present(state.source) & state.loaded,
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
        rx.cond(is_site, page_list(), rx.cond((source.chunks > 0) | is_active(source), _passages(source))),
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
                    rx.cond(
                        source.pages_left_out > 0,
                        rx.el.span(
                            rx.cond(source.pages_failed > 0, "· ", ""), source.pages_left_out, " left out or gone"
                        ),
                    ),
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


def _passages(source: SourceView) -> rx.Component:
    state = SourceState
    return rx.el.section(
        part_heading("What the bot knows of it", "Word for word, as it is searched and quoted."),
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


def _history() -> rx.Component:
    state = SourceState
    return rx.cond(
        length(state.jobs) > 0,
        rx.el.section(
            part_heading("History"),
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
