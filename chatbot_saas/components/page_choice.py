"""The pages that a search of a website found, to choose from: a live list with its filter and its count."""

from typing import Any

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.schemas.dashboard import PageChoice


def page_choice(
    *,
    pages: Any,
    found: Any,
    chosen: Any,
    matching: Any,
    more: Any,
    words: Any,
    searching: Any,
    stopped: Any,
    on_words: Any,
    on_all: Any,
    on_toggle: Any,
    on_more: Any,
    on_stop: Any,
) -> rx.Component:
    """`pages`: list of PageChoice, with `more` of them behind a button; `matching` of the `found` pass the filter.

    Handlers: on_words(text), on_all(on), on_toggle(index, on), on_more(), on_stop(). While it is on the page it has the
    attribute `data-page-choice`, by which a search asks whether somebody still looks.
    """
    return rx.el.section(
        rx.el.div(
            _count(found, chosen, searching, stopped),
            rx.cond(
                searching,
                rx.button("Stop", on_click=on_stop, variant="soft", color_scheme="gray", size="1", type="button"),
            ),
            class_name="flex items-center justify-between gap-3 min-h-8",
        ),
        rx.cond(found > 0, _list(pages, matching, more, words, on_words, on_all, on_toggle, on_more)),
        aria_label="Pages of the website",
        custom_attrs={"data-page-choice": ""},
        class_name="flex flex-col gap-3",
    )


def _count(found: Any, chosen: Any, searching: Any, stopped: Any) -> rx.Component:
    return rx.el.p(
        rx.cond(searching, rx.spinner(size="1")),
        rx.cond(
            found > 0,
            rx.el.span(
                rx.el.strong(format.number(chosen), class_name="font-semibold"),
                rx.cond(searching, " of ", " chosen of "),
                format.count(found, "page"),
                rx.cond(searching, " so far", rx.cond(stopped, ", stopped before the end", "")),
            ),
            rx.el.span(
                rx.cond(searching, "Reading the sitemap and the first page…", rx.cond(stopped, "Stopped.", "")),
            ),
        ),
        role="status",
        class_name="number flex items-center gap-2 text-sm min-w-0",
    )


def _list(
    pages: Any, matching: Any, more: Any, words: Any, on_words: Any, on_all: Any, on_toggle: Any, on_more: Any
) -> rx.Component:
    def quiet(text: Any, on: bool) -> rx.Component:
        return rx.button(text, on_click=on_all(on), variant="ghost", size="2", type="button", class_name="!m-0")

    return rx.el.div(
        rx.el.div(
            rx.input(
                rx.input.slot(rx.icon("search", size=15, aria_hidden="true")),
                placeholder="Filter by title or address",
                aria_label="Filter the pages",
                value=words,
                on_change=on_words,
                type="search",
                size="2",
                class_name="flex-1 min-w-0",
            ),
            quiet(rx.cond(words != "", "All of these", "All"), True),
            quiet(rx.cond(words != "", "None of these", "None"), False),
            class_name="flex items-center gap-2 px-3 py-2 border-b border-[var(--line)]",
        ),
        rx.cond(
            matching > 0,
            rx.el.ul(
                rx.foreach(pages, lambda page: _page(page, on_toggle)),
                rx.cond(
                    more > 0,
                    rx.el.li(
                        rx.button(
                            format.count(more, "more page"),
                            on_click=on_more,
                            variant="ghost",
                            color_scheme="gray",
                            size="2",
                            type="button",
                            class_name="!m-0",
                        ),
                        class_name="flex justify-center py-2",
                    ),
                ),
                tab_index=0,
                aria_label="Found pages",
                class_name="relative max-h-[252px] overflow-y-auto overscroll-contain py-1",
            ),
            rx.el.p("No page matches these words.", class_name="px-3 py-6 text-center text-sm text-[var(--ink-soft)]"),
        ),
        # a long title must not make the dialog wider than the screen
        class_name="rounded-lg border border-[var(--line)] overflow-hidden [contain:inline-size]",
    )


def _page(page: PageChoice, on_toggle: Any) -> rx.Component:
    return rx.el.li(
        rx.el.label(
            rx.checkbox(checked=page.chosen, on_change=lambda on: on_toggle(page.index, on), size="2"),
            rx.el.span(
                rx.cond(
                    page.title,
                    rx.el.span(
                        rx.el.span(page.title, class_name="block text-sm truncate-line"),
                        rx.el.span(page.path, class_name="block text-xs text-[var(--ink-soft)] truncate-line"),
                    ),
                    rx.el.span(page.path, class_name="block text-sm truncate-line"),
                ),
                title=page.url,
                class_name="flex-1 min-w-0",
            ),
            rx.el.span(page.via, class_name="text-xs text-[var(--ink-soft)] shrink-0"),
            class_name="flex items-center gap-3 px-3 py-1.5 cursor-pointer hover:bg-[var(--gray-a2)]",
        ),
        key=page.url,
    )
