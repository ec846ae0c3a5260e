"""`/admin/tenants`: the platform's customers, for its administrators. To others there is no such page."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.buttons import row_button
from chatbot_saas.components.feedback import (
    confirm_by_name,
    confirm_dialog,
    empty_state,
    skeleton_panels,
    status_badge,
    trouble,
)
from chatbot_saas.components.forms import field, text_field
from chatbot_saas.components.layout import page_header
from chatbot_saas.components.receipt import receipt_dialog, verified_badge
from chatbot_saas.components.table import Column, data_table, in_short, load_more, search_box, table_row
from chatbot_saas.components.vars import length, present, shown
from chatbot_saas.pages.not_found import not_found
from chatbot_saas.pages.shell import dashboard_page
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.schemas.tenants import TenantRead
from chatbot_saas.state.shell import ShellState
from chatbot_saas.state.tenants import TenantsState

COLUMNS = (
    Column("Tenant"),
    Column("Status"),
    Column("Bots", right=True, phone=False),
    Column("Documents", right=True, phone=False),
    Column("Conversations", right=True, phone=False),
    Column("Created", phone=False),
    Column("Actions", hidden_label=True, right=True),
)

DELETED_COLUMNS = (
    Column("Tenant"),
    Column("Receipt"),
    Column("Deleted"),
    Column("Actions", hidden_label=True, right=True),
)


@dashboard_page("/admin/tenants", "Tenants", section="/admin/tenants", on_load=[TenantsState.load])
def tenants() -> rx.Component:
    return rx.cond(
        ShellState.loaded,
        rx.cond(ShellState.user.is_platform_admin, _content(), not_found()),
        skeleton_panels(4, height="56px"),
    )


def _content() -> rx.Component:
    state = TenantsState
    return rx.fragment(
        page_header("Tenants", "The customers of this platform.", _create()),
        rx.el.div(
            search_box("Search tenants", state.search, state.change_search, placeholder="Search by name or e-mail"),
            rx.segmented_control.root(
                rx.segmented_control.item("All", value="all"),
                rx.segmented_control.item("Active", value="active"),
                rx.segmented_control.item("Suspended", value="suspended"),
                value=state.status,
                on_change=state.change_filter,
                size="2",
                aria_label="Status",
                class_name="w-full sm:w-auto",
            ),
            class_name="flex flex-col sm:flex-row gap-3",
        ),
        trouble(state.problem, "The tenants cannot be shown", state.load),
        rx.cond(
            state.loaded,
            rx.cond(length(state.items) > 0, data_table("Tenants", COLUMNS, rx.foreach(state.items, _row)), _nothing()),
            rx.cond(state.problem, rx.fragment(), skeleton_panels(4, height="56px")),
        ),
        load_more(state.next_cursor != "", state.load_more),
        rx.cond(length(state.deleted) > 0, _deleted()),
        _rename_dialog(),
    )


def _deleted() -> rx.Component:
    """What is left of deleted tenants: that they are gone."""
    state = TenantsState
    return rx.el.section(
        rx.heading("Deleted tenants", as_="h2", size="3", weight="medium"),
        data_table("Deleted tenants", DELETED_COLUMNS, rx.foreach(state.deleted, _deleted_row)),
        receipt_dialog(
            shown(state.receipt).receipt,
            shown(state.receipt).text,
            is_open=present(state.receipt),
            on_close=lambda _: state.open_receipt(""),  # pyright: ignore[reportCallIssue]
            on_download=state.download_receipt,
        ),
        aria_label="Deleted tenants",
        class_name="flex flex-col gap-3 pt-4",
    )


def _deleted_row(receipt: Receipt) -> rx.Component:
    return table_row(
        DELETED_COLUMNS,
        receipt.id,
        rx.el.p(receipt.title, class_name="font-medium truncate-line text-left"),
        verified_badge(receipt),
        rx.el.span(format.date_time(receipt.deleted_at), class_name="text-[var(--ink-soft)] number"),
        rx.button(
            rx.icon("receipt-text", size=13, aria_hidden="true"),
            "Receipt",
            on_click=TenantsState.open_receipt(receipt.id),
            variant="soft",
            color_scheme="gray",
            size="1",
            aria_label=f"Receipt of {receipt.title}",
        ),
    )


def _nothing() -> rx.Component:
    return rx.cond(
        TenantsState.filtered,
        empty_state("search-x", "No tenant matches", "Try another word, or another status."),
        empty_state("building-2", "No tenant yet", "Create one, or send people the address of the sign-up page."),
    )


def _row(tenant: TenantRead) -> rx.Component:
    return table_row(
        COLUMNS,
        tenant.id,
        rx.el.div(
            rx.el.p(tenant.name, class_name="font-medium truncate-line"),
            rx.el.p(
                tenant.owner_email,
                rx.cond(tenant.users > 1, rx.fragment(" and ", format.number(tenant.users - 1), " more")),
                class_name="text-[13px] text-[var(--ink-soft)] truncate-line",
            ),
            in_short(
                format.count(tenant.bots, "bot"),
                format.count(tenant.documents, "document"),
                format.count(tenant.conversations, "conversation"),
            ),
            class_name="min-w-0 text-left",
        ),
        status_badge(tenant.status),
        rx.el.span(format.number(tenant.bots), class_name="number"),
        rx.el.span(format.number(tenant.documents), class_name="number"),
        rx.el.span(format.number(tenant.conversations), class_name="number"),
        rx.el.span(format.ago(tenant.created_at), class_name="text-[var(--ink-soft)]"),
        _actions(tenant),
    )


def _actions(tenant: TenantRead) -> rx.Component:
    state = TenantsState

    return rx.el.div(
        row_button("pencil", "Rename", f"Rename {tenant.name}", on_click=state.open_rename(tenant.id, tenant.name)),
        rx.cond(
            tenant.status == "suspended",
            row_button("play", "Resume", f"Resume {tenant.name}", on_click=state.resume(tenant.id)),
            confirm_dialog(
                row_button("pause", "Suspend", f"Suspend {tenant.name}"),
                title=f"Suspend {tenant.name}?",
                text="Its people are signed out, and its keys, jobs and widgets stop at once. Nothing is deleted: "
                "you can resume it at any time.",
                action="Suspend",
                on_confirm=state.suspend(tenant.id),
            ),
        ),
        confirm_by_name(
            row_button("trash-2", "Delete", f"Delete {tenant.name}", on_click=state.begin_delete),
            title=f"Delete {tenant.name}?",
            text="All of its bots, documents and conversations are removed, and its people can no longer sign in. "
            "This cannot be undone.",
            name=tenant.name,
            typed=state.typed,
            on_type=state.type_name,
            action="Delete tenant",
            on_confirm=state.delete(tenant.id),
        ),
        class_name="flex items-center justify-end gap-1",
    )


def _create() -> rx.Component:
    state = TenantsState

    def plain(name: str, label: str, hint: str, **props: Any) -> rx.Component:
        """A field that the browser keeps: what was typed stays when the server refuses it."""
        return field(
            name,
            label,
            rx.input(id=name, name=name, size="3", auto_complete="off", aria_describedby=f"{name}-note", **props),
            hint=hint,
            error=state.errors.get(name, ""),
        )

    def checked(name: str) -> dict[str, Any]:
        return {"on_change": lambda value: state.check(name, value)}  # pyright: ignore[reportCallIssue]

    return rx.dialog.root(
        rx.dialog.trigger(rx.button(rx.icon("plus", size=16, aria_hidden="true"), "New tenant", size="2")),
        rx.dialog.content(
            rx.dialog.title("New tenant", size="4"),
            rx.dialog.description(
                "A customer and the person who owns the account.", size="2", class_name="text-[var(--ink-soft)] pb-4"
            ),
            rx.form(
                rx.el.div(
                    plain("name", "Name", "The company or team.", auto_focus=True, **checked("name")),
                    plain(
                        "owner_email", "Owner's e-mail", "They sign in with it.", type="email", **checked("owner_email")
                    ),
                    plain(
                        "owner_password",
                        "First password",
                        "At least 10 characters. Hand it over on a safe way.",
                        type="password",
                    ),
                    class_name="flex flex-col gap-5",
                ),
                rx.el.div(
                    rx.dialog.close(rx.button("Cancel", variant="soft", color_scheme="gray", type="button")),
                    rx.button("Create tenant", type="submit"),
                    class_name="flex justify-end gap-3 pt-6",
                ),
                on_submit=state.create,
                reset_on_submit=False,
                custom_attrs={"noValidate": True},
            ),
            max_width="480px",
        ),
        open=state.creating,
        on_open_change=state.open_create,
    )


def _rename_dialog() -> rx.Component:
    state = TenantsState
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Rename tenant", size="4"),
            rx.dialog.description(
                "Its people see the name in their dashboard.", size="2", class_name="text-[var(--ink-soft)] pb-4"
            ),
            rx.el.form(
                text_field(
                    "new-name",
                    "Name",
                    value=state.new_name,
                    on_change=state.change_name,
                    error=state.errors.get("name", ""),
                    auto_complete="off",
                ),
                rx.el.div(
                    rx.dialog.close(rx.button("Cancel", variant="soft", color_scheme="gray", type="button")),
                    rx.button("Rename", type="submit"),
                    class_name="flex justify-end gap-3 pt-6",
                ),
                on_submit=[rx.prevent_default, state.rename],
            ),
            max_width="440px",
        ),
        open=state.renaming != "",
        on_open_change=lambda _: state.open_rename("", ""),  # pyright: ignore[reportCallIssue]
    )
