"""`/bots/[bot_id]/retrieval`: what a question finds, with which scores, and why it does not find the rest."""

from typing import Any

import reflex as rx

from chatbot_saas.components.feedback import empty_state, notice, skeleton_panels, status_badge, trouble
from chatbot_saas.components.layout import link_button
from chatbot_saas.components.ranked import facts, folding, passage_words, ranked_passages, score
from chatbot_saas.components.table import search_box
from chatbot_saas.components.vars import length, route_parameter, shown
from chatbot_saas.pages.bot_frame import bot_page
from chatbot_saas.schemas.inspection import KnowledgeChoice, Surroundings
from chatbot_saas.schemas.workbench import InspectionView, OutsidePassage, RankedPassage, WhyNotView
from chatbot_saas.state.retrieval import RetrievalState
from chatbot_saas.state.shell import ShellState


@bot_page("/retrieval", "Retrieval", on_load=[RetrievalState.load])
def retrieval() -> rx.Component:
    state = RetrievalState
    return rx.el.div(
        _ask(),
        rx.el.p(
            rx.cond(state.busy, "Searching", rx.cond(state.found, shown(state.found).title, "")),
            role="status",
            class_name="visually-hidden",
        ),
        rx.cond(state.ask_problem, notice(state.ask_problem, kind="error", title="That could not be searched")),
        rx.cond(
            state.busy,
            rx.el.div(skeleton_panels(3, height="110px"), class_name="flex flex-col gap-4"),
            rx.cond(
                state.found,
                _found(shown(state.found)),
                rx.cond(
                    state.ask_problem,
                    rx.fragment(),
                    empty_state(
                        "text-search",
                        "Look into the search",
                        "Type a question as a visitor would. You see every passage that is looked at, its ranks by "
                        "meaning and by words, and which of them an answer would be made from.",
                    ),
                ),
            ),
        ),
        class_name="flex flex-col gap-6",
    )


def _ask() -> rx.Component:
    return rx.cond(
        ShellState.user.can_write,
        rx.form(
            rx.el.label("A visitor's question", html_for="question", class_name="text-sm font-medium"),
            rx.el.div(
                rx.input(
                    id="question",
                    name="question",
                    placeholder="How long does a refund take?",
                    max_length=4000,
                    auto_complete="off",
                    size="3",
                    class_name="flex-1 min-w-0",
                ),
                rx.button("Search", type="submit", loading=RetrievalState.busy, size="3"),
                class_name="flex items-center gap-3",
            ),
            on_submit=RetrievalState.ask,
            class_name="flex flex-col gap-1.5 max-w-[760px]",
        ),
        notice("Your role may read, but not try questions."),
    )


def _found(found: InspectionView) -> rx.Component:
    return rx.fragment(
        rx.cond(found.problem, notice(found.problem, kind="warning")),
        _verdict(found),
        rx.el.section(
            rx.el.div(
                rx.heading("Passages", as_="h2", size="3", weight="medium"),
                rx.el.p("In the prompt: ", found.budget, class_name="number text-[13px] text-[var(--ink-soft)]"),
                class_name="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1",
            ),
            rx.cond(
                length(found.passages) > 0,
                ranked_passages(found.passages, "Passages, best first", extra=_in_document),
                empty_state(
                    "search-x",
                    "Nothing was found",
                    "No passage is close to the question, and none holds a word of it.",
                    link_button("Add a document", _knowledge()),
                ),
            ),
            aria_label="Passages",
            class_name="flex flex-col gap-2",
        ),
        _why_not(),
    )


def _knowledge() -> Any:
    return "/bots/" + route_parameter("bot_id") + "/knowledge"


def _verdict(found: InspectionView) -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.icon(
                rx.match(found.decision, ("answer", "circle-check"), ("pair", "message-square-quote"), "circle-help"),
                size=20,
                class_name=rx.cond(
                    (found.decision == "refuse") | (found.decision == "clarify"),
                    "shrink-0 mt-0.5 text-[var(--amber-11)]",
                    "shrink-0 mt-0.5 text-[var(--green-11)]",
                ),
                aria_hidden="true",
            ),
            rx.el.div(
                rx.heading(found.title, as_="h2", size="3", weight="medium"),
                rx.el.p(found.reason, class_name="text-sm text-[var(--ink-soft)]"),
                class_name="flex flex-col gap-0.5",
            ),
            class_name="flex items-start gap-3",
        ),
        facts(found.conditions, "What was measured"),
        rx.el.p(
            rx.cond(found.words, rx.fragment("Words that are looked for: ", found.words), ""),
            class_name="text-[13px] text-[var(--ink-soft)] [overflow-wrap:anywhere]",
        ),
        aria_label="Decision",
        class_name="panel flex flex-col gap-4 px-5 py-5",
    )


def _in_document(passage: RankedPassage) -> rx.Component:
    """The passage with what stands around it, read when it is asked for."""
    around: Any = RetrievalState.around
    is_open = around.contains(passage.id)
    return rx.el.div(
        rx.el.button(
            rx.icon(
                "chevron-right",
                size=14,
                aria_hidden="true",
                class_name=rx.cond(is_open, "rotate-90 transition-transform", "transition-transform"),
            ),
            "In its document",
            type="button",
            on_click=RetrievalState.toggle_around(passage.id),
            aria_expanded=rx.cond(is_open, "true", "false"),
            class_name="inline-flex items-center gap-1 min-h-6 w-fit text-[13px] text-[var(--ink-soft)] "
            "hover:text-[var(--ink)] cursor-pointer",
        ),
        rx.cond(is_open, _around(around[passage.id].to(Surroundings))),
    )


def _around(shown_in: Surroundings) -> rx.Component:
    return passage_words(
        rx.el.span(shown_in.before, class_name="text-[var(--ink-soft)]"),
        rx.el.mark(shown_in.text, class_name="rounded bg-[var(--accent-a3)] text-[var(--ink)]"),
        rx.el.span(shown_in.after, class_name="text-[var(--ink-soft)]"),
    )


def _why_not() -> rx.Component:
    state = RetrievalState
    return rx.el.section(
        rx.el.div(
            rx.heading("Why not?", as_="h2", size="3", weight="medium"),
            rx.el.p(
                "Choose a document that you expected, and see what keeps it out.",
                class_name="text-[13px] text-[var(--ink-soft)]",
            ),
        ),
        rx.el.div(
            rx.el.div(
                search_box("Search documents", state.search, state.change_search.debounce(250)),
                rx.cond(
                    state.problem,
                    trouble(state.problem, "The documents cannot be shown", state.load),
                    _choices(),
                ),
                class_name="flex flex-col gap-2 md:w-80 shrink-0 [&_.rt-TextFieldRoot]:w-full",
            ),
            rx.el.div(
                rx.cond(
                    state.why_busy,
                    skeleton_panels(2, height="90px"),
                    rx.cond(
                        state.why,
                        _why(shown(state.why)),
                        rx.el.p(
                            "Nothing chosen yet.", class_name="text-sm text-[var(--ink-soft)] px-1 py-2 hidden md:block"
                        ),
                    ),
                ),
                aria_live="polite",
                class_name="flex flex-col gap-3 flex-1 min-w-0",
            ),
            class_name="flex flex-col md:flex-row gap-5",
        ),
        aria_label="Why not?",
        class_name="flex flex-col gap-3",
    )


def _choices() -> rx.Component:
    state = RetrievalState
    return rx.cond(
        length(state.choices) > 0,
        rx.el.ul(
            rx.foreach(state.choices, _choice),
            aria_label="Documents",
            class_name="panel flex flex-col max-h-[320px] overflow-y-auto",
        ),
        rx.cond(
            state.choices_loaded,
            rx.el.p(
                rx.cond(state.search, "No document matches.", "This bot has no documents yet."),
                class_name="panel px-4 py-3 text-sm text-[var(--ink-soft)]",
            ),
            skeleton_panels(3, height="40px"),
        ),
    )


def _choice(item: KnowledgeChoice) -> rx.Component:
    document: Any = item.document_id
    key: Any = rx.cond(document, document.to(str), item.source_id.to(str))  # pyright: ignore[reportAttributeAccessIssue]
    chosen = RetrievalState.choice == key
    return rx.el.li(
        rx.el.button(
            rx.el.span(item.title, class_name="truncate-line text-left min-w-0"),
            rx.cond(item.status != "ready", status_badge(item.status)),
            type="button",
            on_click=RetrievalState.ask_why(key),
            aria_pressed=rx.cond(chosen, "true", "false"),
            class_name="flex items-center justify-between gap-3 w-full px-4 py-2.5 text-sm cursor-pointer "
            + rx.cond(chosen, "bg-[var(--accent-a3)]", "hover:bg-[var(--gray-a2)]").to(str),
        ),
        class_name="row-line",
    )


def _why(why: WhyNotView) -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.link(why.title, href=why.href, color="inherit", underline="hover", class_name="font-medium"),
            rx.el.p(why.verdict, class_name="text-sm"),
            class_name="flex flex-col gap-0.5 [overflow-wrap:anywhere]",
        ),
        rx.cond(
            length(why.passages) > 0,
            rx.el.ol(
                rx.foreach(why.passages, _outside),
                aria_label="Its best passages",
                class_name="panel flex flex-col",
            ),
        ),
    )


def _outside(passage: OutsidePassage) -> rx.Component:
    return rx.el.li(
        rx.el.ul(
            rx.foreach(passage.reasons, lambda reason: rx.el.li(reason, class_name="text-sm")),
            class_name="flex flex-col gap-1",
        ),
        rx.el.dl(
            score("Meaning", passage.meaning, passage.meaning_rank),
            _plain("Rank by words", passage.words_rank),
            _plain("Shared words", rx.cond(passage.shared, passage.shared, "none")),
            class_name="grid grid-cols-2 sm:grid-cols-3 gap-x-5 gap-y-2",
        ),
        folding(
            rx.fragment("The passage", rx.cond(passage.page, rx.fragment(", page ", passage.page))),
            passage_words(passage.text),
        ),
        class_name="row-line flex flex-col gap-2.5 px-4 sm:px-5 py-4",
    )


def _plain(label: str, value: Any) -> rx.Component:
    return rx.el.div(
        rx.el.dt(label, class_name="text-xs text-[var(--ink-soft)]"),
        rx.el.dd(value, class_name="number text-xs [overflow-wrap:anywhere]"),
    )
