"""`/conversations/[conversation_id]/answers/[message_id]`: how one answer was made."""

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.answers import answer_text, citations
from chatbot_saas.components.copying import copy_button
from chatbot_saas.components.feedback import skeleton_lines, skeleton_panels, trouble
from chatbot_saas.components.layout import link_button, page_header
from chatbot_saas.components.ranked import chevron, facts, folding, ranked_passages, remarks, sentences, time_bars
from chatbot_saas.components.saved_tests import save_as_test
from chatbot_saas.components.vars import length, route_parameter, shown
from chatbot_saas.pages.not_found import not_found
from chatbot_saas.pages.shell import dashboard_page
from chatbot_saas.schemas.recordings import PromptMessage, PromptPart
from chatbot_saas.schemas.workbench import CallView, FlightView
from chatbot_saas.state.flight import FlightState
from chatbot_saas.state.saved_tests import SavedTestState

ROLES = {"system": "Instructions and passages", "user": "Visitor", "assistant": "Bot"}


@dashboard_page(
    "/conversations/[conversation_id]/answers/[message_id]",
    "How it was made",
    section="/conversations",
    on_load=[FlightState.load],
    crumbs=[
        ("Conversations", "/conversations"),
        ("Conversation", "/conversations/" + route_parameter("conversation_id")),
    ],
)
def flight() -> rx.Component:
    state = FlightState
    return rx.cond(
        state.missing,
        not_found("There is no such answer", link_button("All conversations", "/conversations")),
        rx.cond(
            state.problem,
            trouble(state.problem, "The record cannot be shown", state.load),
            rx.cond(
                state.record,
                _record(shown(state.record)),
                rx.el.div(
                    skeleton_lines(2, height="24px"),
                    skeleton_panels(3, height="140px"),
                    class_name="flex flex-col gap-5",
                ),
            ),
        ),
    )


def _record(record: FlightView) -> rx.Component:
    return rx.el.div(
        page_header(
            rx.cond(record.question, record.question, "An answer"),
            rx.fragment(
                rx.link(record.bot_name, href="/bots/" + record.bot_id, underline="always"),
                " · ",
                format.date_time(record.created_at),
            ),
            save_as_test(record.answer_id, SavedTestState.save, size="2"),
        ),
        _answer(record),
        _section("Figures", facts(record.facts, "Figures"), time_bars(record.bars)),
        _passages(record),
        _prompt(record),
        _calls(record),
        _settings(record),
        class_name="flex flex-col gap-7",
    )


def _heading(title: str, *aside: rx.Component) -> rx.Component:
    return rx.el.div(
        rx.heading(title, as_="h2", size="3", weight="medium"),
        *aside,
        class_name="flex flex-wrap items-center justify-between gap-3 min-h-8",
    )


def _section(title: str, *content: rx.Component) -> rx.Component:
    return rx.el.section(
        _heading(title),
        rx.el.div(*content, class_name="panel flex flex-col gap-6 px-5 py-5"),
        aria_label=title,
        class_name="flex flex-col gap-2",
    )


def _answer(record: FlightView) -> rx.Component:
    return rx.el.section(
        rx.el.div(answer_text(record.answer), citations(record.sources), class_name="bubble bubble-bot w-fit"),
        rx.el.p(
            rx.icon(
                rx.cond(record.answered, "circle-check", "circle-help"),
                size=16,
                class_name="shrink-0 mt-0.5",
                aria_hidden="true",
            ),
            record.outcome,
            class_name="flex items-start gap-2 text-sm",
        ),
        remarks(record.notes),
        sentences(record.unsupported, "Not supported by the sources:"),
        sentences(record.withheld, "Written by the model, but shown to nobody, because nothing supports it:"),
        aria_label="The answer",
        class_name="flex flex-col gap-3",
    )


def _passages(record: FlightView) -> rx.Component:
    return rx.el.section(
        _heading("Passages"),
        rx.cond(
            length(record.passages) > 0,
            ranked_passages(record.passages, "Passages, best first"),
            rx.el.p(
                "No passage was found, or none was looked for.",
                class_name="panel px-5 py-4 text-sm text-[var(--ink-soft)]",
            ),
        ),
        aria_label="Passages",
        class_name="flex flex-col gap-2",
    )


def _prompt(record: FlightView) -> rx.Component:
    exact = rx.cond(
        record.exact,
        rx.badge(rx.icon("check", size=12, aria_hidden="true"), "exact, to the letter", color_scheme="green", size="1"),
        rx.badge("without what was deleted or changed", color_scheme="amber", size="1"),
    )
    return rx.el.section(
        rx.cond(
            length(record.prompt) > 0,
            rx.fragment(
                _heading(
                    "Prompt",
                    rx.el.div(
                        exact,
                        copy_button(record.prompt_text, "Copy all", variant="soft", size="1"),
                        class_name="flex flex-wrap items-center gap-3",
                    ),
                ),
                rx.el.ol(rx.foreach(record.prompt, _message), aria_label="Messages", class_name="panel flex flex-col"),
            ),
            rx.fragment(
                _heading("Prompt"),
                rx.el.p(
                    "No prompt was kept: no model was asked, or the answer is older than this record.",
                    class_name="panel px-5 py-4 text-sm text-[var(--ink-soft)]",
                ),
            ),
        ),
        aria_label="Prompt",
        class_name="flex flex-col gap-2",
    )


def _message(message: PromptMessage) -> rx.Component:
    return rx.el.li(
        rx.el.details(
            rx.el.summary(
                chevron(),
                rx.match(message.role, *ROLES.items(), message.role),
                rx.el.code(message.role, class_name="text-xs text-[var(--ink-soft)] font-mono ml-1"),
                class_name="flex items-center gap-1.5 text-sm font-medium w-fit min-h-6",
            ),
            rx.el.pre(
                rx.foreach(message.parts, _part),
                tab_index=0,
                class_name="mt-2 text-[13px] leading-[21px] font-mono whitespace-pre-wrap [overflow-wrap:anywhere] "
                "max-h-[560px] overflow-y-auto",
            ),
            open=True,
        ),
        class_name="row-line px-4 sm:px-5 py-3.5",
    )


def _part(part: PromptPart) -> rx.Component:
    return rx.cond(
        part.passage > 0,
        rx.el.mark(
            part.text,
            title=rx.cond(part.missing, "The text of this passage is gone", f"Passage {part.passage}"),
            class_name=rx.cond(
                part.missing,
                "rounded bg-[var(--amber-a4)] text-[var(--ink)]",
                "rounded bg-[var(--accent-a3)] text-[var(--ink)]",
            ),
        ),
        rx.el.span(part.text),
    )


def _calls(record: FlightView) -> rx.Component:
    return rx.el.section(
        _heading("Calls to models"),
        rx.cond(
            length(record.calls) > 0,
            rx.el.ol(rx.foreach(record.calls, _call), aria_label="Calls", class_name="panel flex flex-col"),
            rx.el.p("No model was called.", class_name="panel px-5 py-4 text-sm text-[var(--ink-soft)]"),
        ),
        aria_label="Calls to models",
        class_name="flex flex-col gap-2",
    )


def _call(call: CallView) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(call.kind, class_name="text-sm font-medium"),
            rx.el.span(call.model, class_name="text-[13px] text-[var(--ink-soft)] [overflow-wrap:anywhere]"),
            rx.match(
                call.outcome,
                ("ok", rx.fragment()),
                ("failed", rx.badge("failed", color_scheme="red", size="1")),
                rx.badge(call.outcome, color_scheme="gray", size="1"),
            ),
            class_name="flex flex-wrap items-center gap-x-3 gap-y-1",
        ),
        rx.el.span(call.figures, class_name="number text-[13px] text-[var(--ink-soft)]"),
        class_name="row-line flex flex-col md:flex-row md:items-center justify-between gap-x-6 gap-y-1 px-5 py-3",
    )


def _settings(record: FlightView) -> rx.Component:
    return rx.el.section(
        _heading("What the bot was set to"),
        rx.el.div(
            rx.el.p(record.version, class_name="number text-sm [overflow-wrap:anywhere]"),
            rx.cond(
                length(record.settings) > 0,
                folding(
                    "All settings",
                    rx.el.dl(
                        rx.foreach(
                            record.settings,
                            lambda item: rx.el.div(
                                rx.el.dt(item.label, class_name="text-[13px] text-[var(--ink-soft)] sm:w-44 shrink-0"),
                                rx.el.dd(
                                    item.value, class_name="text-[13px] whitespace-pre-wrap [overflow-wrap:anywhere]"
                                ),
                                class_name="flex flex-col sm:flex-row gap-x-4",
                            ),
                        ),
                        class_name="flex flex-col gap-2.5 pt-3",
                    ),
                ),
                rx.el.p("The settings of that version are not known.", class_name="text-[13px] text-[var(--ink-soft)]"),
            ),
            class_name="panel flex flex-col gap-2 px-5 py-4",
        ),
        aria_label="Settings at that time",
        class_name="flex flex-col gap-2",
    )
