"""`/conversations` and `/conversations/[conversation_id]`: what visitors asked and what they heard."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.answers import answer_text, citations, retrieved
from chatbot_saas.components.bot_filter import bot_filter
from chatbot_saas.components.buttons import download_link
from chatbot_saas.components.feedback import (
    confirm_dialog,
    empty_state,
    notice,
    skeleton_lines,
    skeleton_panels,
    trouble,
)
from chatbot_saas.components.layout import link_button, page_header
from chatbot_saas.components.leads import contact, reachable
from chatbot_saas.components.ranked import remarks, sentences
from chatbot_saas.components.table import Column, data_table, in_short, load_more, search_box, table_row
from chatbot_saas.components.vars import length, shown
from chatbot_saas.pages.not_found import not_found
from chatbot_saas.pages.shell import dashboard_page
from chatbot_saas.schemas.attachments import SentFile
from chatbot_saas.schemas.chat import ConversationListItem, ConversationRead, OwnerMessage
from chatbot_saas.schemas.dashboard import PlaygroundTurn
from chatbot_saas.schemas.leads import LeadRead
from chatbot_saas.state.conversations import CHANNELS, ConversationsState, ConversationState
from chatbot_saas.state.lists import ALL_BOTS
from chatbot_saas.state.shell import ShellState

COLUMNS = (
    Column("First question"),
    Column("Bot", phone=False),
    Column("From", phone=False),
    Column("Messages", right=True, phone=False),
    Column("Last message"),
)


@dashboard_page("/conversations", "Conversations", section="/conversations", on_load=[ConversationsState.load])
def conversation_list() -> rx.Component:
    state = ConversationsState
    return rx.fragment(
        page_header("Conversations", "What visitors asked, and what they were told."),
        _filters(),
        trouble(state.problem, "The conversations cannot be shown", state.load),
        rx.cond(
            state.loaded,
            rx.cond(
                length(state.items) > 0,
                data_table("Conversations", COLUMNS, rx.foreach(state.items, _row)),
                _nothing(),
            ),
            rx.cond(state.problem, rx.fragment(), skeleton_panels(4, height="56px")),
        ),
        load_more(state.next_cursor != "", state.load_more),
    )


def _filters() -> rx.Component:
    state = ConversationsState
    return rx.el.div(
        search_box("Search in messages", state.search, state.change_search),
        bot_filter(state.bots, state.bot_id, state.change_bot, everything=ALL_BOTS),
        rx.select.root(
            rx.select.trigger(aria_label="Channel", class_name="w-full sm:w-40"),
            rx.select.content(
                *[rx.select.item(text, value=value) for value, text in CHANNELS.items()], position="popper"
            ),
            value=state.channel,
            on_change=state.change_channel,
            size="2",
        ),
        rx.el.label(
            rx.switch(checked=state.unanswered, on_change=state.change_unanswered, size="1"),
            "Unanswered only",
            class_name="flex items-center gap-2 text-sm cursor-pointer min-h-8",
        ),
        class_name="flex flex-col sm:flex-row sm:flex-wrap sm:items-center gap-3",
    )


def _row(item: ConversationListItem) -> rx.Component:
    return table_row(
        COLUMNS,
        item.id,
        rx.el.div(
            rx.link(
                rx.cond(item.first_question, item.first_question, "(no question)"),
                href=f"/conversations/{item.id}",
                color="inherit",
                underline="hover",
                # the whole row leads on, and is still one link
                class_name="!block font-medium truncate-line after:absolute after:inset-0",
            ),
            in_short(item.bot_name, _origin(item), format.count(item.message_count, "message")),
            class_name="min-w-0",
        ),
        rx.el.span(item.bot_name, class_name="inline-block max-w-[180px] truncate-line align-bottom"),
        rx.el.span(
            _origin(item), class_name="text-[var(--ink-soft)] inline-block max-w-[220px] truncate-line align-bottom"
        ),
        rx.el.span(format.number(item.message_count), class_name="number"),
        rx.el.span(format.ago(item.last_message_at), class_name="text-[var(--ink-soft)]"),
    )


def _origin(item: ConversationListItem) -> Any:
    """The website without its scheme, or the channel."""
    website = rx.Var.create(item.origin).to(str).split("//")[-1]
    return rx.match(
        item.channel,
        ("api", "API"),
        ("playground", "Playground"),
        rx.cond(item.origin, website, "Website"),
    )


def _nothing() -> rx.Component:
    state = ConversationsState
    return rx.cond(
        state.filtered,
        empty_state(
            "search-x",
            "No conversation matches",
            "Try another word, or fewer filters.",
            rx.button("Clear the filters", on_click=state.clear_filters, variant="soft"),
        ),
        empty_state(
            "messages-square",
            "Nobody has asked anything yet",
            "As soon as a visitor of your website asks a bot, the conversation appears here, with the sources of each "
            "answer. Your own tries in the playground are under their own channel.",
            link_button("Put a bot on your website", "/bots"),
        ),
    )


@dashboard_page(
    "/conversations/[conversation_id]",
    "Conversation",
    section="/conversations",
    on_load=[ConversationState.load],
    crumbs=[("Conversations", "/conversations")],
)
def conversation() -> rx.Component:
    state = ConversationState
    return rx.cond(
        state.missing,
        not_found("There is no such conversation", link_button("All conversations", "/conversations")),
        rx.cond(
            state.problem,
            trouble(state.problem, "The conversation cannot be shown", state.load),
            rx.cond(
                state.conversation,
                _transcript(shown(state.conversation)),
                rx.el.div(
                    skeleton_lines(2, height="24px"),
                    skeleton_panels(3, height="84px"),
                    class_name="flex flex-col gap-5 max-w-[760px]",
                ),
            ),
        ),
    )


def _transcript(talk: ConversationRead) -> rx.Component:
    return rx.el.div(
        page_header(
            rx.cond(talk.first_question, talk.first_question, "Conversation"),
            rx.fragment(
                rx.link(talk.bot_name, href=f"/bots/{talk.bot_id}"),
                " · ",
                _origin(talk),
                " · ",
                format.date_time(talk.created_at),
                " · ",
                format.count(talk.message_count, "message"),
            ),
            rx.cond(ShellState.user.can_write, _delete()),
        ),
        rx.cond(
            length(ConversationState.left) > 0,
            rx.el.ul(
                rx.foreach(ConversationState.left, _left), aria_label="Left messages", class_name="flex flex-col gap-3"
            ),
        ),
        rx.el.ol(
            rx.foreach(talk.messages, _message),
            aria_label="Messages",
            class_name="panel flex flex-col gap-6 px-4 py-6 sm:px-6",
        ),
        class_name="flex flex-col gap-6 w-full max-w-[820px]",
    )


def _delete() -> rx.Component:
    return confirm_dialog(
        rx.button(rx.icon("trash-2", size=15, aria_hidden="true"), "Delete", variant="soft", color_scheme="red"),
        title="Delete this conversation?",
        text="All of its messages and files are removed, also what was left for a person. This cannot be undone.",
        action="Delete",
        on_confirm=ConversationState.delete,
    )


def _left(item: LeadRead) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.match(
                item.kind,
                ("person", _left_icon("user-round")),
                ("rating", _left_icon("star")),
                _left_icon("mail"),
            ),
            rx.el.strong(
                rx.cond(item.name, item.name, "The visitor"),
                rx.match(
                    item.kind,
                    ("person", " wants to talk to a person"),
                    ("rating", f" rated the conversation {item.rating} of 5"),
                    " left a message",
                ),
                class_name="font-medium min-w-0 break-words",
            ),
            rx.el.span(format.date_time(item.created_at), class_name="text-xs text-[var(--ink-soft)]"),
            class_name="flex flex-wrap items-center gap-x-2 gap-y-1",
        ),
        rx.cond(item.message, rx.el.p(item.message, class_name="whitespace-pre-wrap break-words")),
        rx.cond(reachable(item), rx.el.div(contact(item), class_name="flex flex-wrap gap-x-4 gap-y-1 min-w-0")),
        class_name="panel flex flex-col gap-2 px-4 py-4 sm:px-6 text-sm",
    )


def _left_icon(name: str) -> rx.Component:
    return rx.icon(name, size=16, aria_hidden="true", class_name="text-[var(--accent-11)] shrink-0")


def _message(message: OwnerMessage) -> rx.Component:
    return rx.cond(message.role == "user", _question(message), _answer(message))


def _question(message: OwnerMessage) -> rx.Component:
    return rx.el.li(
        rx.el.span("Visitor: ", class_name="visually-hidden"),
        rx.el.div(message.text, class_name="bubble bubble-user whitespace-pre-wrap"),
        rx.cond(
            length(message.attachments) > 0,
            rx.el.ul(
                rx.foreach(message.attachments, _file),
                aria_label="Files",
                class_name="flex flex-wrap justify-end gap-1.5 max-w-full",
            ),
        ),
        rx.el.div(format.date_time(message.created_at), class_name="text-xs text-[var(--ink-soft)]"),
        class_name="flex flex-col items-end gap-1.5",
    )


def _file(file: SentFile) -> rx.Component:
    address = f"/api/v1/conversations/{shown(ConversationState.conversation).id}/attachments/{file.id}"
    return rx.el.li(download_link(file.name, address, file.name), class_name="min-w-0 max-w-full break-words")


def _answer(message: OwnerMessage) -> rx.Component:
    return rx.el.li(
        rx.el.span("Bot: ", class_name="visually-hidden"),
        rx.el.div(
            rx.match(
                message.status,
                ("failed", rx.el.em("No answer could be made.", class_name="text-[var(--ink-soft)]")),
                ("pending", rx.el.em("The answer is being made…", class_name="text-[var(--ink-soft)]")),
                answer_text(message.text),
            ),
            citations(message.sources),
            class_name="bubble bubble-bot",
        ),
        rx.el.div(
            format.date_time(message.created_at),
            rx.cond(
                message.answered == False,  # noqa: E712 - a Var, compared in the browser
                rx.badge("not in the sources", color_scheme="amber", size="1"),
            ),
            rx.match(
                message.rating,
                (1, _rating("thumbs-up", "Rated helpful", "green")),
                (-1, _rating("thumbs-down", "Rated not helpful", "red")),
                rx.fragment(),
            ),
            class_name="flex flex-wrap items-center gap-2 text-xs text-[var(--ink-soft)]",
        ),
        rx.cond(message.status == "complete", _how(message)),
        class_name="flex flex-col items-start gap-1.5",
    )


def _rating(icon: str, text: str, color: Any) -> rx.Component:
    return rx.badge(rx.icon(icon, size=12, aria_hidden="true"), text, color_scheme=color, size="1")


def _how(message: OwnerMessage) -> rx.Component:
    """How the answer was made, read when it is asked for."""
    key: Any = message.id.to(str)  # pyright: ignore[reportAttributeAccessIssue]
    traces: Any = ConversationState.traces
    is_open = traces.contains(key)
    return rx.el.div(
        rx.el.button(
            rx.icon(
                "chevron-right",
                size=14,
                aria_hidden="true",
                class_name=rx.cond(is_open, "rotate-90 transition-transform", "transition-transform"),
            ),
            "How this answer was made",
            type="button",
            on_click=ConversationState.toggle_trace(key),
            aria_expanded=rx.cond(is_open, "true", "false"),
            class_name="inline-flex items-center gap-1 min-h-6 text-[13px] text-[var(--ink-soft)] "
            "hover:text-[var(--ink)] cursor-pointer",
        ),
        rx.cond(is_open, _trace(traces[key].to(PlaygroundTurn))),
        class_name="w-full max-w-[640px]",
    )


def _trace(trace: PlaygroundTurn) -> rx.Component:
    return rx.el.div(
        rx.el.p(trace.note, class_name="text-[13px] text-[var(--ink-soft)]"),
        rx.cond(
            trace.fallback,
            notice("The model did not answer, so the best passage was quoted instead.", kind="warning"),
        ),
        rx.cond(
            length(trace.passages) > 0,
            retrieved(trace.passages),
            rx.el.p("No passage was found for this question.", class_name="text-[13px] text-[var(--ink-soft)]"),
        ),
        sentences(trace.unsupported, "Not supported by the sources:"),
        remarks(trace.remarks),
        rx.link("The full record: prompt, scores, times and price", href=trace.record, size="1", class_name="w-fit"),
        class_name="flex flex-col gap-2 mt-1.5 ml-[6px] pl-4 border-l-2 border-[var(--line-strong)]",
    )
