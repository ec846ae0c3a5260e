"""`/messages`: what visitors left: messages, wishes to talk to a person, ratings."""

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.bot_filter import bot_filter
from chatbot_saas.components.buttons import download_link, row_button
from chatbot_saas.components.feedback import confirm_dialog, empty_state, skeleton_panels, trouble
from chatbot_saas.components.layout import link_button, page_header
from chatbot_saas.components.leads import contact, reachable, who
from chatbot_saas.components.table import Column, data_table, in_short, load_more, search_box, table_row
from chatbot_saas.components.vars import length
from chatbot_saas.pages.shell import dashboard_page
from chatbot_saas.schemas.leads import LeadRead
from chatbot_saas.state.leads import EVERYTHING, LeadsState
from chatbot_saas.state.lists import ALL_BOTS
from chatbot_saas.state.shell import ShellState

COLUMNS = (
    Column("Message"),
    Column("Contact"),
    Column("Bot", phone=False),
    Column("Left", phone=False),
    Column("Delete", hidden_label=True, right=True),
)


@dashboard_page("/messages", "Messages", section="/messages", on_load=[LeadsState.load])
def messages() -> rx.Component:
    state = LeadsState
    return rx.fragment(
        page_header(
            "Messages",
            "What visitors left: messages, the wish to talk to a person, and ratings.",
            rx.cond(length(state.items) > 0, download_link("Export CSV", state.export, "messages.csv")),
        ),
        rx.el.div(
            search_box("Search messages", state.search, state.change_search, placeholder="Name, contact or message"),
            _kind_filter(),
            bot_filter(state.bots, state.bot_id, state.change_bot, everything=ALL_BOTS),
            class_name="flex flex-col sm:flex-row sm:flex-wrap sm:items-center gap-3",
        ),
        trouble(state.problem, "The messages cannot be shown", state.load),
        rx.cond(
            state.loaded,
            rx.cond(
                length(state.items) > 0,
                data_table("Messages", COLUMNS, rx.foreach(state.items, _row)),
                _nothing(),
            ),
            rx.cond(state.problem, rx.fragment(), skeleton_panels(4, height="76px")),
        ),
        load_more(state.next_cursor != "", state.load_more),
    )


def _kind_filter() -> rx.Component:
    choices = ((EVERYTHING, "Everything"), ("message", "Messages"), ("person", "Wants a person"), ("rating", "Ratings"))
    return rx.select.root(
        rx.select.trigger(aria_label="Kind", class_name="w-full sm:w-44"),
        rx.select.content(*(rx.select.item(label, value=value) for value, label in choices), position="popper"),
        value=LeadsState.kind,
        on_change=LeadsState.change_kind,
        size="2",
    )


def _row(item: LeadRead) -> rx.Component:
    return table_row(
        COLUMNS,
        item.id,
        rx.el.div(
            rx.link(
                who(item),
                href=f"/conversations/{item.conversation_id}",
                title="Open the conversation",
                color="inherit",
                underline="hover",
                class_name="!block w-fit max-w-full font-medium truncate-line",
            ),
            rx.match(
                item.kind,
                ("person", rx.badge("Wants a person", color_scheme="amber", class_name="w-fit")),
                ("rating", rx.badge(f"Rated {item.rating} of 5", color_scheme="gray", class_name="w-fit")),
                rx.fragment(),
            ),
            rx.el.p(
                item.message,
                class_name="max-h-48 overflow-y-auto whitespace-pre-line break-words text-[var(--ink-soft)]",
            ),
            in_short(item.bot_name, format.ago(item.created_at)),
            class_name="flex flex-col gap-0.5 min-w-0 text-left",
        ),
        rx.cond(
            reachable(item),
            rx.el.div(
                contact(item), class_name="flex flex-col items-end md:items-start md:w-max max-w-[240px] min-w-0"
            ),
        ),
        rx.el.span(item.bot_name, class_name="inline-block max-w-[140px] truncate-line align-bottom"),
        rx.el.span(format.ago(item.created_at), class_name="text-[var(--ink-soft)]"),
        rx.cond(
            ShellState.user.can_write,
            confirm_dialog(
                row_button("trash-2", "Delete", f"Delete the message of {who(item)}"),
                title="Delete this message?",
                text="The message and the contact are removed; the conversation stays. This cannot be undone.",
                action="Delete",
                on_confirm=LeadsState.delete(item.id),
            ),
        ),
    )


def _nothing() -> rx.Component:
    state = LeadsState
    return rx.cond(
        state.filtered,
        empty_state(
            "search-x",
            "No message matches",
            "Try another word, or another bot.",
            rx.button("Clear the filters", on_click=state.clear_filters, variant="soft"),
        ),
        empty_state(
            "mail",
            "Nobody has left a message yet",
            "Where a bot cannot answer, a visitor can leave an e-mail address and a message. They appear here, with "
            "the conversation they come from.",
            link_button("See the conversations", "/conversations", variant="soft"),
        ),
    )
