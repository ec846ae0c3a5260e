"""The one place where knowledge is added: files by a drop zone, the rest by a dialog each."""

from typing import Any

import reflex as rx

from chatbot_saas.adapters.extraction.kinds import ENDINGS
from chatbot_saas.components import format
from chatbot_saas.components.feedback import notice
from chatbot_saas.components.forms import field, select_field, text_area, text_field
from chatbot_saas.components.vars import length
from chatbot_saas.pages.found_pages import found_pages
from chatbot_saas.schemas.sources import MAX_TEXT
from chatbot_saas.state.knowledge_add import AddState
from chatbot_saas.state.site_preview import DEPTHS, SitePreviewState
from chatbot_saas.state.source_acts import REFRESH_CHOICES

FILES = "PDF, Word, Excel, PowerPoint, EPUB, CSV, HTML, Markdown or text, up to 25 MB each."


def add_panel() -> rx.Component:
    """Drop files, or choose what else to add."""
    return rx.el.section(
        rx.el.div(
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
                rx.el.p(FILES, class_name="text-[13px] text-[var(--ink-soft)]", id="drop-zone-hint"),
                rx.el.p(
                    custom_attrs={"data-upload-live": ""},
                    aria_live="polite",
                    class_name="text-[13px] text-[var(--red-11)] empty:hidden",
                ),
                class_name="min-w-0",
            ),
            class_name="flex items-center gap-4 min-w-0",
        ),
        rx.el.div(
            _page_dialog(),
            _site_dialog(),
            _text_dialog(),
            class_name="grid grid-cols-3 sm:flex gap-2 sm:shrink-0 max-lg:pt-4 max-lg:border-t border-[var(--line)]",
        ),
        rx.el.input(
            type="file",
            multiple=True,
            accept=",".join(ENDINGS),
            custom_attrs={"data-file-input": ""},
            hidden=True,  # the button opens it
        ),
        aria_label="Add documents",
        class_name="drop-zone flex flex-col lg:flex-row lg:items-center justify-between gap-4 px-5 py-5",
    )


def _choice(icon: str, text: str) -> rx.Component:
    return rx.button(
        rx.icon(icon, size=15, aria_hidden="true", class_name="shrink-0"),
        text,
        type="button",
        variant="surface",
        color_scheme="gray",
        size="2",
        class_name="max-sm:!px-2 max-sm:!gap-1.5 whitespace-nowrap",
    )


def _dialog(name: str, trigger: rx.Component, content: rx.Component, *, width: str = "520px") -> rx.Component:
    """Closing asks nothing: what was typed is short, but a click beside it must not lose it."""
    return rx.dialog.root(
        rx.dialog.trigger(trigger),
        rx.dialog.content(content, max_width=width, on_interact_outside=rx.prevent_default),
        open=AddState.dialog == name,
        on_open_change=lambda is_open: AddState.open_dialog(name, is_open),  # pyright: ignore[reportCallIssue]
    )


def _heading(title: Any, text: Any) -> rx.Component:
    return rx.fragment(
        rx.dialog.title(title, size="4", class_name="!mb-1"),
        rx.dialog.description(text, size="2", class_name="text-[var(--ink-soft)] !mb-5"),
    )


def _footer(*actions: rx.Component) -> rx.Component:
    return rx.el.div(
        rx.dialog.close(rx.button("Cancel", variant="soft", color_scheme="gray", type="button")),
        *actions,
        class_name="flex flex-wrap justify-end gap-3 pt-6",
    )


def _change(field: str) -> Any:
    return lambda value: AddState.change(field, value)  # pyright: ignore[reportCallIssue]


def _page_dialog() -> rx.Component:
    state = AddState
    form = rx.el.form(
        _heading("Add a web page", "Its main text is read; menus and footers are left out."),
        rx.el.div(
            text_field(
                "page-url",
                "Address",
                value=state.url,
                on_change=_change("url"),
                error=state.errors.get("url", ""),
                hint="One page, or a file at an address.",
                placeholder="https://www.example.com/prices",
                auto_complete="url",
                input_mode="url",
                auto_focus=True,
            ),
            select_field(
                "page-refresh",
                "Read it again",
                REFRESH_CHOICES,
                value=state.refresh,
                on_change=_change("refresh"),
                hint="A page that has not changed costs nothing.",
            ),
            class_name="flex flex-col gap-5",
        ),
        _footer(rx.button("Add page", type="submit", loading=state.busy)),
        on_submit=[rx.prevent_default, state.add_page],
        no_validate=True,
    )
    return _dialog("page", _choice("link", "Web page"), form)


def _text_dialog() -> rx.Component:
    return _dialog(
        "text", _choice("text", "Text"), _text_form("Add a text", "Add text", AddState.add_text), width="720px"
    )


def edit_text_dialog(source_id: Any, trigger: rx.Component) -> rx.Component:
    """The text of one source, to be written anew."""
    return rx.dialog.root(
        rx.dialog.trigger(trigger),
        rx.dialog.content(
            _text_form("Edit the text", "Save", AddState.save_text),
            max_width="720px",
            on_interact_outside=rx.prevent_default,
        ),
        open=AddState.editing == rx.Var.create(source_id).to(str),
        on_open_change=lambda is_open: AddState.open_text(source_id, is_open),  # pyright: ignore[reportCallIssue]
    )


def _text_form(title: str, action: str, on_submit: Any) -> rx.Component:
    """Its fields keep what is typed to themselves until they are sent: a long text does not travel with each pause."""
    state = AddState
    return rx.el.form(
        _heading(title, "For what is written nowhere else: a note, a house rule, this week's offer."),
        rx.el.div(
            field(
                "text-title",
                "Title",
                rx.input(
                    id="text-title",
                    name="title",
                    default_value=state.title,
                    size="3",
                    auto_complete="off",
                    auto_focus=True,
                    aria_describedby="text-title-note",
                    aria_invalid=rx.cond(state.errors.get("title", ""), "true", "false"),
                ),
                hint="Answers name it as their source.",
                error=state.errors.get("title", ""),
            ),
            field(
                "text-text",
                "Text",
                rx.text_area(
                    id="text-text",
                    name="text",
                    default_value=state.text,
                    rows="12",
                    size="3",
                    resize="vertical",
                    aria_describedby="text-text-note",
                    aria_invalid=rx.cond(state.errors.get("text", ""), "true", "false"),
                ),
                error=state.errors.get("text", ""),
                aside=rx.el.span(
                    rx.el.span(format.number(length(state.text)), custom_attrs={"data-counts": "text-text"}),
                    f" of {MAX_TEXT:,} characters",
                    class_name="number text-[13px] text-[var(--ink-soft)]",
                ),
            ),
            class_name="flex flex-col gap-5",
        ),
        _footer(rx.button(action, type="submit", loading=state.busy)),
        on_submit=[rx.prevent_default, on_submit],
        on_mount=rx.call_script("import('/counter.js')"),
        no_validate=True,
    )


def _site_dialog() -> rx.Component:
    state = SitePreviewState
    content = rx.el.div(
        _heading("Add a website", "Look which pages it has and choose among them, or take all of it."),
        rx.el.form(
            _site_fields(),
            on_submit=[rx.prevent_default, state.find],
            no_validate=True,
            class_name="flex flex-col gap-5",
        ),
        rx.cond(state.problem, rx.el.div(notice(state.problem, kind="warning"), class_name="pt-5")),
        rx.cond(
            state.searching | (state.found > 0),
            rx.el.div(found_pages(), class_name="pt-5"),
            # a search asks for this mark whether somebody still looks
            rx.el.span(custom_attrs={"data-page-choice": ""}, hidden=True),
        ),
        _site_footer(),
    )
    return _dialog("site", _choice("globe", "Website"), content, width="760px")


def _site_change(field: str) -> Any:
    return lambda value: SitePreviewState.change(field, value)  # pyright: ignore[reportCallIssue]


def _site_fields() -> rx.Component:
    state = SitePreviewState
    return rx.fragment(
        rx.el.div(
            rx.el.div(
                text_field(
                    "site-url",
                    "Address",
                    value=state.url,
                    on_change=_site_change("url"),
                    error=state.errors.get("url", ""),
                    hint="Where it begins, or its sitemap.",
                    placeholder="https://www.example.com",
                    auto_complete="url",
                    input_mode="url",
                    auto_focus=True,
                ),
                class_name="flex-1 min-w-0",
            ),
            rx.button(
                rx.icon("search", size=16, aria_hidden="true"),
                "Find pages",
                type="submit",
                size="3",
                loading=state.searching,
                variant=rx.cond(state.found > 0, "soft", "solid"),
                class_name="sm:mt-[26px]",
            ),
            class_name="flex flex-col sm:flex-row sm:items-start gap-3",
        ),
        _site_limits(),
        _patterns(),
    )


def _site_limits() -> rx.Component:
    state = SitePreviewState
    return rx.el.div(
        select_field(
            "site-depth",
            "How deep",
            DEPTHS,
            value=state.depth,
            on_change=_site_change("depth"),
            error=state.errors.get("depth", ""),
        ),
        text_field(
            "site-max-pages",
            "Pages at most",
            value=state.max_pages,
            on_change=_site_change("max_pages"),
            error=state.errors.get("max_pages", ""),
            input_mode="numeric",
            auto_complete="off",
        ),
        rx.el.div(
            select_field(
                "site-refresh",
                "Read it again",
                REFRESH_CHOICES,
                value=state.refresh,
                on_change=_site_change("refresh"),
            ),
            class_name="col-span-2 sm:col-span-1",
        ),
        class_name="grid grid-cols-2 sm:grid-cols-3 gap-4",
    )


def _patterns() -> rx.Component:
    state = SitePreviewState

    def area(field: str, label: str, example: str) -> rx.Component:
        return text_area(
            f"site-{field}",
            label,
            value=getattr(state, field),
            on_change=_site_change(field),
            hint="One pattern a line.",
            error=state.errors.get(field, ""),
            placeholder=example,
            rows="2",
            spell_check=False,
        )

    return rx.el.details(
        rx.el.summary(
            rx.icon("chevron-right", size=14, class_name="chevron transition-transform", aria_hidden="true"),
            "Only some parts of it",
            class_name="flex items-center gap-1 text-[13px] text-[var(--ink-soft)] hover:text-[var(--ink)] w-fit",
        ),
        rx.el.div(
            area("include", "Only pages like", "/help/*"),
            area("exclude", "But not", "/blog/*"),
            class_name="grid sm:grid-cols-2 gap-4 pt-3",
        ),
    )


def _site_footer() -> rx.Component:
    state = SitePreviewState
    return rx.el.div(
        rx.el.p(
            rx.cond(
                state.found > 0,
                "Chosen pages stay exactly these. The whole site takes new pages, too, each time it is read again.",
                "Find pages to choose among them. Or take the whole site: new pages then come by themselves.",
            ),
            class_name="text-[13px] text-[var(--ink-soft)]",
        ),
        rx.el.div(
            rx.dialog.close(
                rx.button("Cancel", variant="soft", color_scheme="gray", type="button", class_name="max-sm:order-last")
            ),
            rx.button(
                "Take the whole site",
                type="button",
                variant="soft",
                on_click=AddState.add_site(True),  # pyright: ignore[reportCallIssue]
                disabled=(state.url == "") | state.searching,
                loading=AddState.busy,
            ),
            rx.cond(
                state.found > 0,
                rx.button(
                    "Take the ",
                    rx.cond(state.chosen == 1, "chosen page", f"{format.number(state.chosen)} chosen pages"),
                    type="button",
                    on_click=AddState.add_site(False),  # pyright: ignore[reportCallIssue]
                    disabled=(state.chosen == 0) | state.searching,
                    loading=AddState.busy,
                ),
            ),
            class_name="flex flex-col sm:flex-row sm:justify-end gap-3",
        ),
        class_name="flex flex-col gap-4 pt-5 mt-5 border-t border-[var(--line)]",
    )
