"""`/audit`: who changed what, and when."""

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.feedback import empty_state, skeleton_panels, trouble
from chatbot_saas.components.layout import page_header
from chatbot_saas.components.receipt import receipt_dialog
from chatbot_saas.components.table import Column, data_table, in_short, load_more, search_box, table_row
from chatbot_saas.components.vars import length, present, shown
from chatbot_saas.pages.shell import dashboard_page
from chatbot_saas.schemas.audit import AuditRead
from chatbot_saas.state.audit import AuditState

COLUMNS = (
    Column("What"),
    Column("Who", phone=False),
    Column("When", phone=False),
    Column("Receipt", hidden_label=True, right=True),
)


@dashboard_page("/audit", "Audit", section="/audit", on_load=[AuditState.load])
def audit() -> rx.Component:
    state = AuditState
    return rx.cond(
        state.forbidden,
        empty_state("lock", "The audit is for owners and administrators", "Ask one of them what you want to know."),
        rx.fragment(
            page_header("Audit", "Every change in this account: who made it, and when. Entries cannot be changed."),
            search_box("Search actions", state.search, state.change_search, placeholder="Search, e.g. deleted"),
            trouble(state.problem, "The entries cannot be shown", state.load),
            rx.cond(
                state.loaded,
                rx.cond(
                    length(state.items) > 0,
                    data_table("Changes", COLUMNS, rx.foreach(state.items, _row)),
                    empty_state("search-x", "No entry matches", "Try a part of an action: published, deleted, key."),
                ),
                rx.cond(state.problem, rx.fragment(), skeleton_panels(5, height="48px")),
            ),
            load_more(state.next_cursor != "", state.load_more),
            receipt_dialog(
                shown(state.receipt).receipt,
                shown(state.receipt).text,
                is_open=present(state.receipt),
                on_close=lambda _: state.open_receipt(""),  # pyright: ignore[reportCallIssue]
                on_download=state.download_receipt,
            ),
        ),
    )


def _row(entry: AuditRead) -> rx.Component:
    return table_row(
        COLUMNS,
        entry.id,
        rx.el.div(
            rx.el.p(entry.label, class_name="font-medium truncate-line", title=entry.action),
            rx.cond(
                entry.about,
                rx.el.p(entry.about, class_name="text-[13px] text-[var(--ink-soft)] truncate-line", title=entry.about),
            ),
            in_short(entry.who, format.date_time(entry.created_at)),
            class_name="min-w-0 text-left",
        ),
        rx.el.span(entry.who, class_name="inline-block max-w-[240px] truncate-line align-bottom"),
        rx.el.span(format.date_time(entry.created_at), class_name="text-[var(--ink-soft)] number"),
        rx.cond(
            entry.has_receipt,
            rx.button(
                rx.icon("receipt-text", size=13, aria_hidden="true"),
                "Receipt",
                on_click=AuditState.open_receipt(entry.id),
                variant="soft",
                color_scheme="gray",
                size="1",
                aria_label=f"Receipt of {entry.label}: {entry.about}",
            ),
        ),
    )
