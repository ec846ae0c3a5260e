"""A text as it was cut into passages: what a bot knows of it, word for word."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.feedback import empty_state
from chatbot_saas.components.table import load_more
from chatbot_saas.components.vars import length
from chatbot_saas.schemas.dashboard import PassageText


def passage_list(passages: Any, *, more: Any, on_more: Any) -> rx.Component:
    """`passages`: list of PassageText, and whether there are `more`."""
    return rx.cond(
        length(passages) > 0,
        rx.el.div(
            rx.el.ol(rx.foreach(passages, _passage), aria_label="Passages", class_name="panel flex flex-col"),
            load_more(more, on_more),
            class_name="flex flex-col gap-4",
        ),
        empty_state("text-search", "No passages yet", "They are here as soon as the text was read."),
    )


def _passage(passage: PassageText) -> rx.Component:
    return rx.el.li(
        rx.el.p(
            rx.el.span("Passage ", passage.number, class_name="font-medium text-[var(--ink)]"),
            rx.cond(passage.page, rx.el.span("page ", passage.page)),
            rx.cond(passage.headings, rx.el.span(passage.headings, class_name="truncate-line min-w-0")),
            rx.cond(
                passage.searchable,
                rx.fragment(),
                rx.badge("not searchable yet", color_scheme="iris", variant="soft", size="1"),
            ),
            rx.el.span(format.count(passage.tokens, "token"), class_name="sm:ml-auto"),
            class_name="number flex flex-wrap items-center gap-x-3 gap-y-0.5 text-[13px] text-[var(--ink-soft)]",
        ),
        rx.cond(
            passage.question,
            rx.el.p(passage.question, class_name="text-sm font-medium pt-1.5 [overflow-wrap:anywhere]"),
        ),
        rx.el.p(
            rx.cond(
                passage.repeated,
                rx.el.span(
                    passage.repeated,
                    class_name="text-[var(--gray-a9)]",
                    title="Repeated from the passage before, so that no sentence loses its context",
                ),
            ),
            passage.text,
            class_name="text-sm leading-[22px] pt-1.5 whitespace-pre-wrap [overflow-wrap:anywhere] max-w-[86ch]",
        ),
        key=passage.id,
        class_name="row-line px-5 py-4",
    )
