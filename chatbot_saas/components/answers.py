"""An answer as people read it: safe markdown, its sources, and what was retrieved for it."""

from typing import Any

import reflex as rx

from chatbot_saas.components.vars import length
from chatbot_saas.schemas.chat import Citation
from chatbot_saas.schemas.dashboard import PassageView

# A document may hold anything, so an answer may too: no raw HTML, no image is loaded, links open apart.
_MARKDOWN = {
    **{f"h{level}": lambda text: rx.el.p(text, class_name="font-semibold") for level in range(1, 7)},
    "p": lambda text: rx.el.p(text),
    "ul": lambda text: rx.el.ul(text),
    "ol": lambda text: rx.el.ol(text),
    "li": lambda text: rx.el.li(text),
    "a": lambda text: rx.el.a(text, target="_blank", rel="noopener noreferrer nofollow"),
    "code": lambda text: rx.el.code(text),
    "pre": lambda text, **_: rx.el.pre(text),
    "img": lambda _: rx.el.span("[image]"),
}


def answer_text(text: Any) -> rx.Component:
    return rx.el.div(
        rx.markdown(
            text,
            component_map=_MARKDOWN,
            use_raw=False,
            use_math=False,
            use_katex=False,
            use_unwrap_images=False,
        ),
        class_name="answer-text",
    )


def citations(sources: Any) -> rx.Component:
    """The numbered sources under an answer, each with its verbatim quote."""
    return rx.cond(
        length(sources) > 0,
        rx.el.ol(rx.foreach(sources, _citation), class_name="flex flex-col gap-1 pt-2", aria_label="Sources"),
    )


def _citation(source: Citation) -> rx.Component:
    return rx.el.li(
        rx.el.details(
            rx.el.summary(
                rx.el.span(
                    source.number,
                    class_name="grid place-items-center min-w-[18px] h-[18px] px-1 rounded bg-[var(--accent-a3)] "
                    "text-[var(--accent-11)] text-[11px] font-semibold",
                ),
                rx.el.span(source.title, class_name="truncate-line"),
                _page(source.page),
                class_name="flex items-center gap-2 text-[13px] text-[var(--ink-soft)] hover:text-[var(--ink)] w-fit "
                "max-w-full",
            ),
            rx.el.blockquote(
                source.quote,
                class_name="mt-1.5 ml-[26px] pl-3 border-l-2 border-[var(--accent-a6)] text-[13px] leading-5 "
                "whitespace-pre-line",
            ),
            rx.cond(
                source.link,
                rx.el.a(
                    "Open the page at this place",
                    href=rx.Var.create(source.link).to(str),
                    target="_blank",
                    rel="noopener noreferrer nofollow",
                    class_name="ml-[26px] text-[13px] underline",
                ),
            ),
        )
    )


def _page(page: Any) -> rx.Component:
    return rx.cond(page, rx.el.span("page ", page, class_name="whitespace-nowrap"))


def retrieved(passages: Any) -> rx.Component:
    """What was found for the answer, best first, with the reasons why."""
    return rx.cond(
        length(passages) > 0,
        rx.el.details(
            rx.el.summary(
                rx.icon("chevron-right", size=14, class_name="chevron transition-transform", aria_hidden="true"),
                "What was retrieved (",
                length(passages),
                ")",
                class_name="flex items-center gap-1 text-[13px] text-[var(--ink-soft)] hover:text-[var(--ink)] w-fit",
            ),
            rx.el.ol(rx.foreach(passages, _passage), class_name="flex flex-col gap-2 pt-2"),
        ),
    )


def _passage(passage: PassageView) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(passage.title, class_name="text-[13px] font-medium truncate-line"),
            rx.el.span(_page(passage.page), class_name="text-xs text-[var(--ink-soft)]"),
            rx.cond(passage.cited, rx.badge("cited", size="1", color_scheme="green", class_name="ml-auto")),
            class_name="flex items-center gap-2",
        ),
        rx.cond(
            passage.headings,
            rx.el.p(passage.headings, class_name="text-xs text-[var(--ink-soft)] truncate-line"),
        ),
        rx.el.dl(
            _score("Meaning", passage.vector),
            _score("Words", passage.lexical),
            _score("Covered", passage.coverage),
            class_name="grid grid-cols-3 gap-3 pt-1.5",
        ),
        rx.el.details(
            rx.el.summary(
                rx.icon("chevron-right", size=12, class_name="chevron transition-transform", aria_hidden="true"),
                "Passage",
                class_name="flex items-center gap-1 text-xs text-[var(--ink-soft)] hover:text-[var(--ink)] w-fit",
            ),
            rx.el.p(
                passage.text,
                class_name="mt-1.5 text-[13px] leading-5 whitespace-pre-line max-h-64 overflow-y-auto",
                tab_index=0,
            ),
            class_name="pt-1.5",
        ),
        class_name="rounded-lg border border-[var(--line)] px-3 py-2.5",
    )


def _score(label: str, share: Any) -> rx.Component:
    shown = rx.cond(share == None, "–", f"{share}%")  # noqa: E711 - a Var, compared in the browser
    width = rx.cond(share == None, "0%", f"{share}%")  # noqa: E711
    return rx.el.div(
        rx.el.div(
            rx.el.dt(label, class_name="text-[11px] text-[var(--ink-soft)]"),
            rx.el.dd(shown, class_name="number text-[11px]"),
            class_name="flex justify-between",
        ),
        rx.el.div(rx.el.span(style={"width": width}), class_name="score-bar", aria_hidden="true"),
    )
