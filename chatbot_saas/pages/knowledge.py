"""`/bots/[bot_id]/knowledge`: the documents that a bot answers from. Uploads are the work of assets/upload.js."""

from typing import Any

import reflex as rx

from chatbot_saas.adapters.extraction.kinds import ENDINGS
from chatbot_saas.components import format
from chatbot_saas.components.buttons import row_button
from chatbot_saas.components.feedback import confirm_dialog, empty_state, notice, skeleton_panels, status_badge
from chatbot_saas.components.layout import link_button
from chatbot_saas.components.table import Column, data_table, in_short, load_more, search_box, table_row
from chatbot_saas.components.vars import length, route_parameter
from chatbot_saas.pages.bot_frame import bot_page
from chatbot_saas.schemas.sources import SourceRead
from chatbot_saas.state.bot import BotState
from chatbot_saas.state.knowledge import KnowledgeState
from chatbot_saas.state.shell import ShellState

STATUS_CHOICES = {
    "all": "All",
    "active": "In progress",
    "ready": "Ready",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
COLUMNS = (
    Column("Title"),
    Column("Type", phone=False),
    Column("Size", right=True, phone=False),
    Column("Passages", right=True, phone=False),
    Column("Status", width="md:min-w-[150px]"),
    Column("Updated"),
    Column("Actions", hidden_label=True, right=True),
)


@bot_page("/knowledge", "Knowledge", on_load=[KnowledgeState.load])
def knowledge() -> rx.Component:
    state = KnowledgeState
    return rx.el.div(
        rx.cond(ShellState.user.can_write, _drop_zone()),
        rx.el.ul(custom_attrs={"data-uploads": ""}, aria_label="Uploads", hidden=True, class_name="panel"),
        rx.cond(state.problem, notice(state.problem, _again(), kind="error", title="The documents cannot be shown")),
        rx.cond(state.any_ready, _next_step()),
        rx.cond(
            state.loaded,
            rx.cond((length(state.items) > 0) | state.filtered, _sources(), _nothing()),
            rx.cond(state.problem, rx.fragment(), skeleton_panels(3, height="64px")),
        ),
        rx.el.button(
            "Show new documents",
            type="button",
            on_click=state.refresh,
            custom_attrs={"data-uploaded": ""},
            tab_index=-1,
            hidden=True,
        ),
        custom_attrs={"data-knowledge": route_parameter("bot_id")},
        on_mount=rx.call_script("import('/upload.js').then((uploads) => uploads.mount())"),
        class_name="flex flex-col gap-5",
    )


def _again() -> rx.Component:
    return rx.button("Try again", on_click=KnowledgeState.load, variant="soft", color_scheme="red", size="1")


def _drop_zone() -> rx.Component:
    return rx.el.section(
        rx.icon("upload", size=22, color="var(--accent-11)", class_name="shrink-0", aria_hidden="true"),
        rx.el.div(
            rx.el.p(
                rx.el.span("Drop files here, or ", class_name="hidden sm:inline"),
                rx.el.button(
                    "choose files",
                    type="button",
                    custom_attrs={"data-choose-files": ""},
                    class_name="font-medium text-[var(--accent-11)] underline underline-offset-2 cursor-pointer "
                    "max-sm:first-letter:uppercase max-sm:inline-block",
                ),
                class_name="text-[15px]",
            ),
            rx.el.p(
                "PDF, Word, Excel, PowerPoint, EPUB, CSV, HTML, Markdown or text, up to 25 MB each. Several at once are"
                " fine.",
                class_name="text-[13px] text-[var(--ink-soft)]",
                id="drop-zone-hint",
            ),
            rx.el.p(
                custom_attrs={"data-upload-live": ""},
                aria_live="polite",
                class_name="text-[13px] text-[var(--red-11)] empty:hidden",
            ),
            class_name="min-w-0",
        ),
        rx.el.input(
            type="file",
            multiple=True,
            accept=",".join(ENDINGS),
            custom_attrs={"data-file-input": ""},
            hidden=True,  # the button opens it
        ),
        aria_label="Add documents",
        class_name="drop-zone flex items-center gap-4 px-5 py-6",
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
        "A handbook, a price list, your terms of delivery: whatever you would look in to answer a customer. "
        "It is read, cut into passages and indexed within seconds, and every answer names the page it came from.",
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


def _sources() -> rx.Component:
    state = KnowledgeState
    return rx.el.section(
        rx.el.div(
            search_box("Search documents", state.search, state.change_search, placeholder="Search by title"),
            rx.select.root(
                rx.select.trigger(aria_label="Status", class_name="w-full sm:w-40"),
                rx.select.content(
                    *[rx.select.item(text, value=value) for value, text in STATUS_CHOICES.items()], position="popper"
                ),
                value=state.status,
                on_change=state.change_filter,
                size="2",
            ),
            class_name="flex flex-col sm:flex-row gap-3",
        ),
        rx.cond(
            length(state.items) > 0,
            data_table("Documents", COLUMNS, rx.foreach(state.items, _row)),
            empty_state(
                "search-x",
                "No document matches",
                "Try another word, or another status.",
                rx.button("Clear the filters", on_click=state.clear_filters, variant="soft"),
            ),
        ),
        load_more(state.next_cursor != "", state.load_more),
        aria_label="Documents",
        class_name="flex flex-col gap-4",
    )


def _row(source: SourceRead) -> rx.Component:
    active = _active(source)
    return table_row(
        COLUMNS,
        source.id,
        _title(source),
        rx.el.span(_kind(source), class_name="text-[var(--ink-soft)]"),
        rx.el.span(format.size(source.size), class_name="number"),
        rx.el.span(rx.cond(source.chunks > 0, format.number(source.chunks), "–"), class_name="number"),
        rx.el.div(
            status_badge(source.status),
            rx.cond(
                active,
                rx.progress(
                    value=rx.Var.create(source.progress * 100).to(int),
                    size="1",
                    aria_label=f"Progress of {source.title}",
                    class_name="w-[130px]",
                ),
            ),
            class_name="flex flex-col items-end md:items-start gap-2",
        ),
        rx.el.span(format.ago(source.updated_at), class_name="text-[var(--ink-soft)] number"),
        rx.cond(ShellState.user.can_write, _actions(source, active)),
    )


def _active(source: SourceRead) -> Any:
    status: Any = source.status
    return (status != "ready") & (status != "failed") & (status != "cancelled")


def _kind(source: SourceRead) -> Any:
    """By what the file is, and until that is known by its name."""
    return rx.match(
        source.media_type,
        ("application/pdf", "PDF"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Word"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Excel"),
        ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "PowerPoint"),
        ("application/vnd.oasis.opendocument.text", "OpenDocument"),
        ("application/epub+zip", "EPUB"),
        ("application/rtf", "RTF"),
        ("application/json", "JSON"),
        ("text/csv", "CSV"),
        ("text/plain", "Text"),
        ("text/markdown", "Markdown"),
        ("text/html", "HTML"),
        rx.Var.create(source.filename).to(str).split(".")[-1].upper(),
    )


def _title(source: SourceRead) -> rx.Component:
    return rx.el.div(
        rx.el.p(source.title, class_name="font-medium truncate-line", title=source.title),
        rx.cond(
            source.error,
            rx.el.p(
                source.error.message,  # pyright: ignore[reportOptionalMemberAccess]
                class_name="field-error whitespace-normal max-w-[60ch]",
            ),
            rx.cond(
                source.title != source.filename,
                rx.el.p(source.filename, class_name="text-[13px] text-[var(--ink-soft)] truncate-line"),
            ),
        ),
        in_short(_kind(source), format.size(source.size), format.count(source.chunks, "passage")),
        class_name="min-w-0 text-left",
    )


def _actions(source: SourceRead, active: Any) -> rx.Component:
    failed = (source.status == "failed") | (source.status == "cancelled")
    return rx.el.div(
        rx.cond(
            active,
            rx.button(
                "Cancel",
                on_click=KnowledgeState.cancel(source.id),
                variant="soft",
                color_scheme="gray",
                size="1",
                aria_label=f"Cancel {source.title}",
            ),
            rx.cond(
                failed,
                rx.button(
                    rx.icon("rotate-cw", size=13, aria_hidden="true"),
                    "Try again",
                    on_click=KnowledgeState.reindex(source.id),
                    variant="soft",
                    size="1",
                    aria_label=f"Try {source.title} again",
                ),
                row_button(
                    "rotate-cw",
                    "Re-index",
                    f"Re-index {source.title}",
                    on_click=KnowledgeState.reindex(source.id),
                ),
            ),
        ),
        confirm_dialog(
            row_button("trash-2", "Delete", f"Delete {source.title}"),
            title=f"Delete {source.title}?",
            text="The file, its text and its passages are removed, and the bot no longer answers from them. "
            "This cannot be undone.",
            action="Delete",
            on_confirm=KnowledgeState.delete(source.id),
        ),
        class_name="flex items-center justify-end gap-2",
    )
