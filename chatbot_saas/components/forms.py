"""Fields: a label for each, a hint below, and what is wrong in words while it is typed."""

from typing import Any

import reflex as rx

from chatbot_saas.components.layout import icon_button

SETTLED_MS = 60
"""How long what slides must rest until it is told."""


def field(
    name: str, label: str, control: rx.Component, *, hint: Any = "", error: Any = "", aside: Any = None
) -> rx.Component:
    """`control` must have id=name. The error takes the hint's place, so that nothing below moves."""
    below = rx.cond(
        error,
        rx.el.p(error, class_name="field-error", id=f"{name}-note", role="alert"),
        rx.el.p(hint, class_name="field-hint", id=f"{name}-note"),
    )
    return rx.el.div(
        rx.el.div(
            rx.el.label(label, html_for=name, class_name="text-sm font-medium"),
            aside if aside is not None else rx.fragment(),
            class_name="flex items-baseline justify-between gap-3",
        ),
        control,
        below,
        class_name="flex flex-col gap-1.5",
    )


def text_field(
    name: str,
    label: str,
    *,
    value: Any,
    on_change: Any,
    hint: Any = "",
    error: Any = "",
    aside: Any = None,
    **props: Any,
) -> rx.Component:
    control = rx.input(
        id=name,
        name=name,
        value=value,
        on_change=on_change,
        size="3",
        aria_describedby=f"{name}-note",
        aria_invalid=rx.cond(error, "true", "false"),
        **props,
    )
    return field(name, label, control, hint=hint, error=error, aside=aside)


def text_area(
    name: str,
    label: str,
    *,
    value: Any,
    on_change: Any,
    hint: Any = "",
    error: Any = "",
    aside: Any = None,
    rows: str = "3",
    **props: Any,
) -> rx.Component:
    control = rx.text_area(
        id=name,
        name=name,
        value=value,
        on_change=on_change,
        rows=rows,
        size="3",
        resize="vertical",
        aria_describedby=f"{name}-note",
        aria_invalid=rx.cond(error, "true", "false"),
        **props,
    )
    return field(name, label, control, hint=hint, error=error, aside=aside)


def select_field(
    name: str, label: str, choices: dict[str, str], *, value: Any, on_change: Any, hint: Any = "", error: Any = ""
) -> rx.Component:
    """`choices` maps values to what the person reads."""
    control = rx.select.root(
        rx.select.trigger(id=name, aria_describedby=f"{name}-note", class_name="w-full"),
        rx.select.content(*[rx.select.item(text, value=key) for key, text in choices.items()], position="popper"),
        value=value,
        on_change=on_change,
        size="3",
    )
    return field(name, label, control, hint=hint, error=error)


def slider(
    name: str, *, value: Any, on_change: Any, least: float, most: float, step: float = 1, **props: Any
) -> rx.Component:
    """A number by sliding. The browser's own: it is named by the field's label, which Radix gives to no thumb."""
    return _settling(
        name, "range my-1.5", value=value, on_change=on_change, type="range", min=least, max=most, step=step, **props
    )


def swatch(name: str, *, value: Any, on_change: Any) -> rx.Component:
    """A colour by the browser's own picker."""
    return _settling(name, "swatch", value=value, on_change=on_change, type="color")


def _settling(name: str, class_name: str, **props: Any) -> rx.Component:
    """It moves at once; where it stops for a moment is told, so that no last step is lost."""
    control = rx.el.input(id=name, aria_describedby=f"{name}-note", class_name=class_name, **props)
    return rx.debounce_input(control, debounce_timeout=SETTLED_MS)


def switch_field(name: str, label: str, *, checked: Any, on_change: Any, hint: str) -> rx.Component:
    """Its label is beside it, and so is the hint; both switch it."""
    return rx.el.label(
        rx.switch(checked=checked, on_change=on_change, id=name),
        rx.el.span(
            rx.el.span(label, class_name="text-sm font-medium"),
            rx.el.span(hint, class_name="block text-[13px] text-[var(--ink-soft)]"),
        ),
        class_name="flex items-start gap-3",
        html_for=name,
    )


def line_form(*, action: str, on_submit: Any, busy: Any, problem: Any, **props: Any) -> rx.Component:
    """One line to type and a button; `problem` below says why it was not taken. `props` are the input's."""
    return rx.form(
        rx.el.div(
            rx.input(size="2", class_name="flex-1 min-w-0", **props),
            rx.button(action, type="submit", variant="soft", size="2", loading=busy),
            class_name="flex gap-2",
        ),
        rx.cond(problem, rx.el.p(problem, class_name="field-error pt-1.5", role="alert")),
        on_submit=on_submit,
    )


def form_section(title: str, text: str, *fields: rx.Component, id: str = "", danger: bool = False) -> rx.Component:
    """A panel of fields under a heading that says what they are for."""
    return rx.el.section(
        rx.el.div(
            rx.heading(title, as_="h2", size="3", weight="medium", id=f"{id}-title" if id else ""),
            rx.text(text, size="2", class_name="text-[var(--ink-soft)]"),
            class_name="flex flex-col gap-1",
        ),
        rx.el.div(*fields, class_name="flex flex-col gap-5"),
        id=id,
        aria_labelledby=f"{id}-title" if id else "",
        class_name="panel flex flex-col gap-5 p-5 sm:p-6 scroll-mt-20" + (" danger-zone" if danger else ""),
    )


def removable_text(value: Any, label: Any, on_change: Any, on_remove: Any, *, most: int) -> rx.Component:
    """One of a list of short texts, with a button that takes it away; `label` is its name for the ear."""
    return rx.fragment(
        rx.input(
            value=value,
            on_change=on_change,
            aria_label=label,
            max_length=most,
            dir="auto",
            size="2",
            class_name="flex-1 min-w-0",
        ),
        icon_button(
            "x",
            f"Remove {label}",
            on_click=on_remove,
            variant="ghost",
            color_scheme="gray",
            size="2",
            type="button",
            class_name="!m-0",
        ),
    )
