"""Passages with what was measured of them, and the facts around an answer."""

from typing import Any

import reflex as rx

from chatbot_saas.components.vars import length
from chatbot_saas.schemas.workbench import Bar, Fact, RankedPassage

_SUMMARY = "flex items-center gap-1 text-[13px] text-[var(--ink-soft)] hover:text-[var(--ink)] w-fit min-h-6"


def chevron() -> rx.Component:
    return rx.icon("chevron-right", size=14, class_name="chevron transition-transform", aria_hidden="true")


def folding(title: Any, *content: Any, open: bool = False) -> rx.Component:
    """Something to open and to close."""
    return rx.el.details(
        rx.el.summary(chevron(), title, class_name=_SUMMARY),
        *content,
        open=open,
    )


def score(label: str, value: Any, place: Any) -> rx.Component:
    """A share of 100 as a bar, and its rank; inside a <dl>."""
    missing = value == None  # noqa: E711 - a Var, compared in the browser
    return rx.el.div(
        rx.el.dt(label, class_name="text-xs text-[var(--ink-soft)]"),
        rx.el.dd(
            rx.cond(place, rx.el.span(place, class_name="text-[var(--ink-soft)] mr-1.5")),
            rx.cond(missing, "–", f"{value}%"),
            class_name="number text-xs text-right",
        ),
        rx.el.dd(
            rx.el.span(style={"width": rx.cond(missing, "0%", f"{value}%")}),
            class_name="score-bar col-span-2",
            aria_hidden="true",
        ),
        class_name="grid grid-cols-[1fr_auto] gap-x-2 gap-y-1",
    )


def ranked_passages(passages: Any, label: str, extra: Any = None) -> rx.Component:
    """A list of RankedPassage, best first. `extra`: what stands below each, made from it."""

    def row(passage: RankedPassage) -> rx.Component:
        return _passage(passage, extra(passage) if extra else rx.fragment())

    return rx.el.ol(rx.foreach(passages, row), aria_label=label, class_name="panel flex flex-col")


def _passage(passage: RankedPassage, extra: rx.Component) -> rx.Component:
    return rx.el.li(
        _name(passage),
        rx.cond(passage.note, _fate(passage)),
        rx.el.dl(
            score("Meaning", passage.meaning, passage.meaning_rank),
            score("Words", passage.words, passage.words_rank),
            score("Words covered", passage.covered, ""),
            rx.el.div(
                rx.el.dt("Together", class_name="text-xs text-[var(--ink-soft)]"),
                rx.el.dd(passage.fused, class_name="number text-xs"),
                class_name="flex justify-between gap-2",
            ),
            class_name="grid grid-cols-2 sm:grid-cols-4 gap-x-5 gap-y-2",
        ),
        rx.cond(passage.text, folding("The passage", passage_words(passage.text))),
        extra,
        class_name="row-line flex flex-col gap-2.5 px-4 sm:px-5 py-4",
    )


def passage_words(*text: Any) -> rx.Component:
    """The words of a document, as they are."""
    return rx.el.p(
        *text,
        tab_index=0,
        class_name="mt-1.5 pl-3 border-l-2 border-[var(--line-strong)] text-[13px] leading-[21px] "
        "whitespace-pre-wrap [overflow-wrap:anywhere] max-w-[86ch] max-h-80 overflow-y-auto",
    )


def _name(passage: RankedPassage) -> rx.Component:
    used = passage.mark == "prompt"
    return rx.el.div(
        rx.el.span(
            passage.number,
            class_name="number grid place-items-center shrink-0 min-w-6 h-6 px-1.5 rounded-md text-xs font-semibold "
            + rx.cond(
                used,
                "bg-[var(--accent-a3)] text-[var(--accent-11)]",
                "bg-[var(--gray-a3)] text-[var(--ink-soft)]",
            ).to(str),
        ),
        rx.el.div(
            rx.cond(
                passage.href,
                rx.link(passage.title, href=passage.href, color="inherit", underline="hover", class_name="font-medium"),
                rx.el.span(passage.title, class_name="font-medium"),
            ),
            rx.cond(
                passage.page, rx.el.span(" · page ", passage.page, class_name="text-[13px] text-[var(--ink-soft)]")
            ),
            rx.cond(
                passage.headings,
                rx.el.p(passage.headings, class_name="text-[13px] text-[var(--ink-soft)] truncate-line"),
            ),
            class_name="text-sm min-w-0 flex-1 [overflow-wrap:anywhere]",
        ),
        rx.cond(passage.cited, rx.badge("cited", size="1", color_scheme="green")),
        class_name="flex items-start gap-3",
    )


def _fate(passage: RankedPassage) -> rx.Component:
    icon = rx.match(passage.mark, ("gone", "circle-slash"), ("out", "circle-minus"), "info")
    return rx.el.p(
        rx.icon(icon, size=14, class_name="shrink-0 mt-[3px]", aria_hidden="true"),
        passage.note,
        class_name="flex items-start gap-1.5 text-[13px] leading-5 "
        + rx.cond(passage.mark == "gone", "text-[var(--amber-11)]", "text-[var(--ink-soft)]").to(str),
    )


def facts(items: Any, label: str) -> rx.Component:
    """A list of Fact in a row."""

    def fact(item: Fact) -> rx.Component:
        return rx.el.div(
            rx.el.dt(item.label, class_name="text-[13px] text-[var(--ink-soft)]"),
            rx.el.dd(item.value, class_name="number text-sm font-medium [overflow-wrap:anywhere]"),
            rx.cond(item.note, rx.el.dd(item.note, class_name="number text-[13px] text-[var(--ink-soft)]")),
            class_name="flex flex-col gap-0.5 min-w-0",
        )

    return rx.el.dl(
        rx.foreach(items, fact),
        aria_label=label,
        class_name="grid grid-cols-2 sm:grid-cols-3 md:grid-cols-4 gap-x-8 gap-y-4",
    )


def time_bars(items: Any) -> rx.Component:
    """A list of Bar: times from the question on."""

    def bar(item: Bar) -> rx.Component:
        return rx.el.div(
            rx.el.dt(item.label, class_name="text-[13px] text-[var(--ink-soft)] w-28 shrink-0"),
            rx.el.div(
                rx.el.span(
                    style={"width": f"{item.share}%"}, class_name="block h-2 rounded-full bg-[var(--accent-9)] min-w-1"
                ),
                class_name="flex-1 h-2 rounded-full bg-[var(--gray-a3)]",
                aria_hidden="true",
            ),
            rx.el.dd(item.time, class_name="number text-[13px] w-16 text-right shrink-0"),
            class_name="flex items-center gap-3",
        )

    return rx.cond(
        length(items) > 0,
        rx.el.dl(rx.foreach(items, bar), aria_label="Times since the question", class_name="flex flex-col gap-2"),
        rx.el.p("No times were kept.", class_name="text-[13px] text-[var(--ink-soft)]"),
    )


def sentences(items: Any, title: str) -> rx.Component:
    """Sentences that nothing supports, marked as such."""
    return rx.cond(
        length(items) > 0,
        rx.el.div(
            rx.el.p(
                rx.icon("shield-alert", size=14, class_name="shrink-0 mt-[3px]", aria_hidden="true"),
                title,
                class_name="flex items-start gap-1.5 text-[13px] font-medium text-[var(--amber-11)]",
            ),
            rx.el.ul(
                rx.foreach(
                    items,
                    lambda text: rx.el.li(
                        rx.el.mark(text, class_name="bg-[var(--amber-a3)] text-[var(--ink)] rounded px-1"),
                        class_name="text-[13px] leading-5",
                    ),
                ),
                class_name="flex flex-col gap-1 pl-5",
            ),
            class_name="flex flex-col gap-1",
        ),
    )


def remarks(items: Any) -> rx.Component:
    """Short lines below an answer."""
    return rx.foreach(
        items,
        lambda text: rx.el.p(
            rx.icon("info", size=14, class_name="shrink-0 mt-[3px]", aria_hidden="true"),
            text,
            class_name="flex items-start gap-1.5 text-[13px] text-[var(--ink-soft)]",
        ),
    )
