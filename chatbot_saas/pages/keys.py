"""`/keys`: API keys for integrators."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.copying import code_block, shown_once
from chatbot_saas.components.feedback import confirm_dialog, empty_state, skeleton_panels, status_badge, trouble
from chatbot_saas.components.forms import field, select_field, text_area, text_field
from chatbot_saas.components.layout import page_header
from chatbot_saas.components.table import Column, data_table, load_more, search_box, table_row
from chatbot_saas.components.vars import length
from chatbot_saas.pages.identity_secret import identity_secret
from chatbot_saas.pages.shell import dashboard_page
from chatbot_saas.schemas.api_keys import ApiKeyRead
from chatbot_saas.schemas.dashboard import BotLink
from chatbot_saas.state.identity_secret import IdentitySecretState
from chatbot_saas.state.keys import LIVES, SCOPES, KeysState
from chatbot_saas.state.shell import ShellState

COLUMNS = (
    Column("Name"),
    Column("Key"),
    Column("May"),
    Column("Last used"),
    Column("Status"),
    Column("Actions", hidden_label=True, right=True),
)


@dashboard_page("/keys", "API keys", section="/keys", on_load=[KeysState.load, IdentitySecretState.load])
def keys() -> rx.Component:
    return rx.cond(
        ShellState.loaded & ~ShellState.user.can_manage_keys,  # pyright: ignore[reportOperatorIssue]
        empty_state(
            "lock",
            "API keys are for owners and administrators",
            "Ask one of them for a key, or for another role.",
        ),
        _content(),
    )


def _content() -> rx.Component:
    state = KeysState
    return rx.fragment(
        page_header("API keys", "For programs of your own: ask bots, upload documents, read conversations.", _new()),
        rx.cond(
            (length(state.items) > 0) | (state.search != ""),
            search_box("Search keys", state.search, state.change_search, placeholder="Search by name or prefix"),
        ),
        trouble(state.problem, "The keys cannot be shown", state.load),
        rx.cond(
            state.loaded,
            rx.cond(
                length(state.items) > 0, data_table("API keys", COLUMNS, rx.foreach(state.items, _row)), _nothing()
            ),
            rx.cond(state.problem, rx.fragment(), skeleton_panels(2, height="56px")),
        ),
        load_more(state.next_cursor != "", state.load_more),
        identity_secret(),
        _example(),
        _dialog(),
    )


def _new() -> rx.Component:
    return rx.button(
        rx.icon("plus", size=16, aria_hidden="true"), "New key", on_click=KeysState.open_dialog(True), size="2"
    )


def _nothing() -> rx.Component:
    return rx.cond(
        KeysState.search != "",
        empty_state("search-x", "No key matches", "Search by a part of its name, or by how it begins."),
        empty_state(
            "key-round",
            "No key yet",
            "A key lets a program of yours ask a bot or feed it documents. The widget on your website needs none.",
            _new(),
        ),
    )


def _row(key: ApiKeyRead) -> rx.Component:
    expired = key.expires_at & (rx.Var.create(key.expires_at).to(str) < KeysState.now)
    status = rx.cond(key.revoked_at, "revoked", rx.cond(expired, "expired", "active"))
    return table_row(
        COLUMNS,
        key.id,
        rx.el.div(
            rx.el.p(key.name, class_name="font-medium truncate-line"),
            rx.el.p(
                rx.cond(
                    key.bot_ids,
                    rx.fragment(length(key.bot_ids), " of your bots"),
                    "All bots",
                ),
                rx.cond(key.expires_at, rx.fragment(" · until ", format.date_time(key.expires_at))),
                rx.cond(key.requests_per_minute, rx.fragment(" · ", key.requests_per_minute, " a minute")),
                rx.cond(
                    length(key.allowed_addresses) > 0,
                    rx.fragment(" · from ", key.allowed_addresses.join(", ")),  # pyright: ignore[reportAttributeAccessIssue]
                ),
                class_name="text-[13px] text-[var(--ink-soft)] truncate-line",
            ),
            class_name="min-w-0 text-left",
        ),
        rx.el.code(key.prefix, "…", class_name="text-[13px] font-mono"),
        rx.el.div(
            rx.foreach(key.scopes, _scope),
            class_name="flex flex-wrap justify-end md:justify-start gap-1 max-w-[260px] whitespace-normal",
        ),
        rx.el.span(
            rx.cond(key.last_used_at, format.ago(key.last_used_at), "never"), class_name="text-[var(--ink-soft)]"
        ),
        status_badge(status),
        rx.cond(
            key.revoked_at,
            rx.fragment(),
            confirm_dialog(
                rx.button("Revoke", variant="soft", color_scheme="gray", size="1", aria_label=f"Revoke {key.name}"),
                title=f"Revoke {key.name}?",
                text="Every program that uses this key stops working at once. A revoked key cannot be brought back.",
                action="Revoke",
                on_confirm=KeysState.revoke(key.id),
            ),
        ),
    )


def _scope(scope: Any) -> rx.Component:
    return rx.badge(scope, variant="surface", color_scheme="gray", size="1", class_name="font-mono")


def _example() -> rx.Component:
    command = (
        "curl " + KeysState.public_url + "/api/v1/chat \\\n"
        '  -H "X-API-Key: YOUR-KEY" -H "Content-Type: application/json" \\\n'
        '  -d \'{"bot_id": "YOUR-BOT-ID", "session_id": "customer-42", "message": "When are you open?"}\''
    )
    return rx.el.section(
        rx.el.div(
            rx.heading("Ask a bot from a program", as_="h2", size="3", weight="medium", id="example"),
            rx.link("API documentation", href="/api/docs", size="2", is_external=True),
            class_name="flex items-baseline justify-between gap-3",
        ),
        rx.text(
            "The same session_id continues the same conversation. The answer comes with its sources.",
            size="2",
            class_name="text-[var(--ink-soft)]",
        ),
        code_block(command, label="An example with curl", variant="soft"),
        aria_labelledby="example",
        class_name="panel flex flex-col gap-3 p-5",
    )


def _dialog() -> rx.Component:
    state = KeysState
    return rx.dialog.root(
        rx.dialog.content(
            rx.cond(state.created_key != "", _created(), _form()),
            max_width="560px",
            on_interact_outside=rx.prevent_default,
        ),
        open=state.creating,
        on_open_change=state.open_dialog,
    )


def _created() -> rx.Component:
    return shown_once(
        "Copy the key now",
        "It is shown only once: we keep no copy that could be read.",
        KeysState.created_key,
        label="The new key",
        action="Copy key",
    )


def _form() -> rx.Component:
    state = KeysState
    return rx.el.form(
        rx.dialog.title("New API key", size="4"),
        rx.dialog.description(
            "Give it as little as the program needs.", size="2", class_name="text-[var(--ink-soft)] pb-4"
        ),
        rx.el.div(
            text_field(
                "key-name",
                "Name",
                value=state.name,
                on_change=state.change_name,
                error=state.errors.get("name", ""),
                hint="Where it is used, so that you know it again.",
                placeholder="Shop backend",
                auto_complete="off",
                auto_focus=True,
            ),
            _choices("What it may do", [_scope_choice(scope, text) for scope, text in SCOPES.items()], "scopes"),
            field(
                "reach",
                "Which bots",
                rx.segmented_control.root(
                    rx.segmented_control.item("All bots", value="all"),
                    rx.segmented_control.item("Only some", value="some"),
                    value=rx.cond(state.some_bots, "some", "all"),
                    on_change=state.change_reach,
                    size="2",
                    id="reach",
                    aria_label="Which bots",
                ),
                error=state.errors.get("bot_ids", ""),
            ),
            rx.cond(state.some_bots, _choices("Bots", [rx.foreach(state.bots, _bot_choice)], "")),
            select_field("life", "Expires", LIVES, value=state.life, on_change=state.change_life),
            *_bounds(),
            class_name="flex flex-col gap-5",
        ),
        rx.el.div(
            rx.dialog.close(rx.button("Cancel", variant="soft", color_scheme="gray", type="button")),
            rx.button("Create key", type="submit"),
            class_name="flex justify-end gap-3 pt-6",
        ),
        on_submit=[rx.prevent_default, state.create],
    )


def _bounds() -> list[rx.Component]:
    """From where, and how often."""
    return [
        text_area(
            "addresses",
            "Works only from (optional)",
            value=KeysState.addresses,
            on_change=KeysState.change_addresses,
            error=KeysState.errors.get("allowed_addresses", ""),
            hint="Addresses or networks of your servers, one a line, such as 203.0.113.0/24. Empty: everywhere.",
            rows="2",
            dir="ltr",
            spell_check=False,
        ),
        text_field(
            "per-minute",
            "Requests a minute (optional)",
            value=KeysState.per_minute,
            on_change=KeysState.change_per_minute,
            error=KeysState.errors.get("requests_per_minute", ""),
            hint="Empty: as many as your account has.",
            input_mode="numeric",
            auto_complete="off",
        ),
    ]


def _choices(legend: str, choices: list[Any], error: str) -> rx.Component:
    return rx.el.fieldset(
        rx.el.legend(legend, class_name="text-sm font-medium pb-2"),
        rx.el.div(
            *choices,
            class_name="flex flex-col max-h-[232px] overflow-y-auto rounded-lg border border-[var(--line)] py-1",
        ),
        rx.el.p(KeysState.errors.get(error, ""), class_name="field-error pt-1.5", role="alert") if error else None,
    )


def _choice(control: rx.Component, *text: Any) -> rx.Component:
    return rx.el.label(
        control,
        *text,
        class_name="flex items-center gap-3 px-3 py-1.5 text-sm cursor-pointer hover:bg-[var(--gray-a2)]",
    )


def _scope_choice(scope: Any, text: str) -> rx.Component:
    return _choice(
        rx.checkbox(
            aria_label=text,
            checked=KeysState.scopes.contains(scope.value),  # pyright: ignore[reportAttributeAccessIssue]
            on_change=lambda on: KeysState.toggle_scope(scope.value, on),  # pyright: ignore[reportCallIssue]
        ),
        rx.el.span(text, class_name="flex-1"),
        rx.el.code(scope.value, class_name="text-xs text-[var(--ink-soft)] font-mono"),
    )


def _bot_choice(bot: BotLink) -> rx.Component:
    key: Any = bot.id.to(str)  # pyright: ignore[reportAttributeAccessIssue]
    return _choice(
        rx.checkbox(
            aria_label=bot.name,
            checked=KeysState.bot_ids.contains(key),  # pyright: ignore[reportAttributeAccessIssue]
            on_change=lambda on: KeysState.toggle_bot(key, on),  # pyright: ignore[reportCallIssue]
        ),
        rx.el.span(bot.name, class_name="truncate-line"),
    )
