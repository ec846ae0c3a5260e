"""`/bots/[bot_id]/knowledge`: what a bot answers from. Uploads are the work of assets/upload.js."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.buttons import row_button
from chatbot_saas.components.feedback import confirm_dialog, empty_state, notice, skeleton_panels, trouble
from chatbot_saas.components.layout import link_button
from chatbot_saas.components.receipt import receipt_dialog
from chatbot_saas.components.sources import (
    is_active,
    is_web,
    kind_label,
    pages_in_short,
    refresh_menu,
    refreshed,
    source_sign,
    source_status,
)
from chatbot_saas.components.table import Column, data_table, load_more, search_box, table_row
from chatbot_saas.components.vars import length, present, route_parameter, shown
from chatbot_saas.pages.bot_frame import bot_page
from chatbot_saas.pages.knowledge_add import add_panel, edit_text_dialog
from chatbot_saas.schemas.dashboard import SourceView
from chatbot_saas.state.bot import BotState
from chatbot_saas.state.knowledge import COPIED, KINDS, STATUSES, KnowledgeState
from chatbot_saas.state.shell import ShellState
from chatbot_saas.state.source_acts import REFRESH_CHOICES

COLUMNS = (
    Column("Source"),
    Column("Holds", right=True, phone=False),
    Column("Status", width="md:min-w-[136px]"),
    Column("Updated"),
    Column("Actions", hidden_label=True, right=True),
)


@bot_page("/knowledge", "Knowledge", on_load=[KnowledgeState.load])
def knowledge() -> rx.Component:
    state = KnowledgeState
    return rx.el.div(
        rx.cond(ShellState.user.can_write, add_panel()),
        rx.el.ul(custom_attrs={"data-uploads": ""}, aria_label="Uploads", hidden=True, class_name="panel"),
        trouble(state.problem, "The documents cannot be shown", state.load),
        rx.cond(present(state.receipt), _receipt(), rx.cond(state.any_ready, _next_step())),
        rx.cond(
            state.loaded,
            rx.cond((length(state.items) > 0) | state.filtered, _sources(), _nothing()),
            rx.cond(state.problem, rx.fragment(), skeleton_panels(3, height="64px")),
        ),
        _called_by_uploads("data-uploaded", "Show new documents", state.refresh),
        _called_by_uploads(
            "data-copied", "Show what is there already", rx.call_script(COPIED, callback=state.show_copy)
        ),
        rx.el.p(state.said, role="status", class_name="visually-hidden"),
        custom_attrs={"data-knowledge": route_parameter("bot_id")},
        on_mount=rx.call_script("import('/upload.js').then((uploads) => uploads.mount())"),
        class_name="flex flex-col gap-5",
    )


def _called_by_uploads(mark: str, text: str, on_click: Any) -> rx.Component:
    """A script has no other way to the page's State."""
    return rx.el.button(text, type="button", on_click=on_click, custom_attrs={mark: ""}, tab_index=-1, hidden=True)


def _receipt() -> rx.Component:
    """Of the last deletion, until it is dismissed."""
    state = KnowledgeState
    receipt = shown(shown(state.receipt).receipt)
    return rx.el.section(
        rx.icon("shield-check", size=18, color="var(--green-11)", class_name="shrink-0 mt-0.5", aria_hidden="true"),
        rx.el.p(
            rx.el.strong(receipt.title, " is deleted. ", class_name="font-medium [overflow-wrap:anywhere]"),
            rx.cond(
                receipt.verified,
                "It was searched for again, and nothing of it is left.",
                "A job clears the last of it; the audit says when that is done.",
            ),
            class_name="text-sm flex-1 min-w-[min(100%,260px)]",
        ),
        rx.el.div(
            receipt_dialog(
                receipt,
                shown(state.receipt).text,
                is_open=state.reading_receipt,
                on_close=state.open_receipt,
                on_download=state.download_receipt,
                trigger=rx.button("Show the receipt", variant="soft", color_scheme="gray", size="1"),
            ),
            rx.button("Dismiss", on_click=state.dismiss_receipt, variant="soft", color_scheme="gray", size="1"),
            class_name="flex gap-2 max-sm:pl-[30px]",
        ),
        aria_label="Deletion",
        class_name="panel flex flex-wrap items-start gap-x-3 gap-y-2 px-4 py-3",
    )


def _next_step() -> rx.Component:
    """A newcomer has not published yet: lead on to the playground."""
    bot: Any = BotState.bot
    return rx.cond(
        bot & (bot.status == "draft"),
        notice(
            "Ask it something that your documents answer. When you like what it says, put it on your website.",
            link_button("Try it", "/bots/" + route_parameter("bot_id"), variant="soft", size="1", icon="play"),
            link_button(
                "Embed", "/bots/" + route_parameter("bot_id") + "/embed", variant="soft", size="1", icon="code"
            ),
            kind="success",
            title="Your bot can answer now",
        ),
    )


def _nothing() -> rx.Component:
    return empty_state(
        "file-plus-2",
        "Add the first document",
        "A handbook, your website, your terms of delivery: whatever you would look in to answer a customer. "
        "It is read, cut into passages and indexed within seconds, and every answer names where it came from.",
        rx.cond(
            ShellState.user.can_write,
            rx.button(
                rx.icon("upload", size=16, aria_hidden="true"),
                "Choose files",
                type="button",
                custom_attrs={"data-choose-files": ""},
            ),
        ),
    )


def _filter(label: str, choices: dict[str, str], value: Any, on_change: Any) -> rx.Component:
    return rx.select.root(
        rx.select.trigger(aria_label=label, class_name="w-full sm:w-36"),
        rx.select.content(*[rx.select.item(text, value=key) for key, text in choices.items()], position="popper"),
        value=value,
        on_change=on_change,
        size="2",
    )


def _sources() -> rx.Component:
    state = KnowledgeState
    return rx.el.section(
        rx.el.div(
            search_box("Search documents", state.search, state.change_search, placeholder="Search by title or address"),
            rx.el.div(
                _filter("Type", KINDS, state.kind, state.change_kind),
                _filter("Status", STATUSES, state.status, state.change_filter),
                class_name="grid grid-cols-2 sm:flex gap-3",
            ),
            class_name="flex flex-col sm:flex-row gap-3",
        ),
        rx.cond(
            length(state.items) > 0,
            data_table("Documents", COLUMNS, rx.foreach(state.items, _row)),
            empty_state(
                "search-x",
                "No document matches",
                "Try another word, another type or another status.",
                rx.button("Clear the filters", on_click=state.clear_filters, variant="soft"),
            ),
        ),
        load_more(state.next_cursor != "", state.load_more),
        aria_label="Documents",
        class_name="flex flex-col gap-4",
    )


def _row(source: SourceView) -> rx.Component:
    return table_row(
        COLUMNS,
        source.id,
        _title(source),
        rx.el.div(
            rx.cond(
                (source.type == "site") & ((source.pages > 0) | is_active(source)),
                rx.el.span(pages_in_short(source), class_name="block"),
            ),
            rx.el.span(
                rx.cond(source.chunks > 0, format.count(source.chunks, "passage"), "–"),
                class_name=rx.cond(source.type == "site", "block text-[13px] text-[var(--ink-soft)]", "block"),
            ),
            class_name="number",
        ),
        source_status(source),
        refreshed(source),
        rx.cond(ShellState.user.can_write, _actions(source)),
    )


def _title(source: SourceView) -> rx.Component:
    size = rx.cond(source.size > 0, format.size(source.size), "")
    name = rx.cond((source.filename != source.title) & (source.type == "file"), f"{source.filename} · {size}", size)
    about = rx.cond(is_web(source), rx.cond(source.url == source.title, "", source.url), name)
    return rx.el.div(
        source_sign(source),
        rx.el.div(
            rx.link(
                source.title,
                href=_address(source),
                title=source.title,
                color_scheme="gray",
                high_contrast=True,
                underline="hover",
                class_name="block font-medium truncate-line",
            ),
            rx.el.p(
                kind_label(source),
                rx.cond(about != "", rx.fragment(" · ", about)),
                class_name="text-[13px] text-[var(--ink-soft)] truncate-line",
            ),
            rx.cond(
                source.error,
                rx.el.p(shown(source.error).message, class_name="field-error whitespace-normal max-w-[60ch] pt-0.5"),
            ),
            rx.cond(
                source.id.to(str) == KnowledgeState.highlighted,  # pyright: ignore[reportAttributeAccessIssue]
                rx.el.p(
                    rx.icon("copy-check", size=13, aria_hidden="true"),
                    "You have this already.",
                    custom_attrs={"data-highlighted": ""},
                    class_name="flex items-center gap-1.5 text-[13px] font-medium text-[var(--accent-11)] pt-0.5",
                ),
            ),
            rx.cond(
                source.chunks > 0,
                rx.el.p(
                    rx.cond(source.type == "site", rx.fragment(pages_in_short(source), " · ")),
                    format.count(source.chunks, "passage"),
                    class_name="md:hidden number text-[13px] text-[var(--ink-soft)]",
                ),
            ),
            class_name="min-w-0 flex-1",
        ),
        class_name="flex items-start gap-3 min-w-0 text-left",
    )


def _address(source: SourceView) -> Any:
    """Questions have a tab of their own, where they are changed."""
    own = f"/bots/{source.bot_id}/knowledge/{source.id}"
    return rx.cond(source.type == "qa", f"/bots/{source.bot_id}/questions", own)


def _actions(source: SourceView) -> rx.Component:
    state = KnowledgeState
    again = rx.button(
        rx.icon("rotate-cw", size=13, aria_hidden="true"),
        "Try again",
        on_click=state.reindex(source.id),  # pyright: ignore[reportCallIssue]
        variant="soft",
        size="1",
        aria_label=f"Try {source.title} again",
    )
    cancel = rx.button(
        "Cancel",
        on_click=state.cancel(source.id),  # pyright: ignore[reportCallIssue]
        variant="soft",
        color_scheme="gray",
        size="1",
        aria_label=f"Cancel {source.title}",
    )
    return rx.el.div(
        rx.cond(
            is_active(source),
            cancel,
            rx.fragment(
                rx.cond(source.retryable, again, rx.cond(source.status == "ready", _read_again(source))),
                rx.cond(source.type == "text", _edit(source)),
                rx.cond(
                    is_web(source),
                    refresh_menu(
                        source,
                        REFRESH_CHOICES,
                        lambda value: state.change_refresh(source.id, value),  # pyright: ignore[reportCallIssue]
                    ),
                ),
            ),
        ),
        confirm_dialog(
            row_button("trash-2", "Delete", f"Delete {source.title}"),
            title=f"Delete {source.title}?",
            text=delete_words(source),
            action="Delete",
            on_confirm=state.delete(source.id),  # pyright: ignore[reportCallIssue]
        ),
        class_name="flex items-center justify-end gap-1.5",
    )


def _read_again(source: SourceView) -> rx.Component:
    return rx.cond(
        is_web(source),
        row_button(
            "rotate-cw",
            "Refresh now",
            f"Refresh {source.title} now",
            on_click=KnowledgeState.reindex(source.id),  # pyright: ignore[reportCallIssue]
        ),
        rx.cond(
            source.type == "file",
            row_button(
                "rotate-cw",
                "Re-index",
                f"Re-index {source.title}",
                on_click=KnowledgeState.reindex(source.id),  # pyright: ignore[reportCallIssue]
            ),
        ),
    )


def _edit(source: SourceView) -> rx.Component:
    return edit_text_dialog(source.id, row_button("pencil", "Edit the text", f"Edit the text of {source.title}"))


_GONE = ", and the bot no longer answers from them. This cannot be undone."


def delete_words(source: Any) -> Any:
    return rx.match(
        source.type,
        ("site", "All its pages, their texts and their passages are removed" + _GONE),
        ("url", "The page, its text and its passages are removed" + _GONE),
        ("text", "The text and its passages are removed" + _GONE),
        ("qa", "All its questions and answers are removed" + _GONE),
        "The file, its text and its passages are removed" + _GONE,
    )
