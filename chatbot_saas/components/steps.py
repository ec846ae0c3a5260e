"""Where one is on a way of several steps, for the eye and for the ear."""

from typing import Any

import reflex as rx

WEBSITE_STEPS = ("Address", "First look", "Review", "Reading", "First answer")
"""From a website's address to a bot."""


def steps(labels: tuple[str, ...], current: Any) -> rx.Component:
    """`current` counts from 0; a number, or a Var that is one. Changes are announced."""
    at = rx.Var.create(current).to(int)
    said: Any = rx.match(
        at, *((place, f"Step {place + 1} of {len(labels)}: {text}") for place, text in enumerate(labels)), ""
    )
    return rx.el.nav(
        rx.el.ol(
            *[_step(place, text, at, last=place == len(labels) - 1) for place, text in enumerate(labels)],
            class_name="flex items-center gap-1.5 sm:gap-2",
        ),
        rx.el.p(said, role="status", class_name="visually-hidden"),
        aria_label="Steps",
    )


def _step(place: int, text: str, at: Any, *, last: bool) -> rx.Component:
    done, here = at > place, at == place
    dot = rx.el.span(
        rx.cond(done, rx.icon("check", size=13, aria_hidden="true"), str(place + 1)),
        class_name=rx.cond(
            done,
            "step-dot bg-[var(--accent-a4)] text-[var(--accent-11)]",
            rx.cond(
                here, "step-dot bg-[var(--accent-9)] text-white", "step-dot bg-[var(--gray-a3)] text-[var(--ink-soft)]"
            ),
        ),
    )
    # a phone has room for the name of the present one only
    name = rx.el.span(
        text,
        class_name=rx.cond(
            here,
            "text-[13px] font-medium whitespace-nowrap",
            "hidden md:inline text-[13px] text-[var(--ink-soft)] whitespace-nowrap",
        ),
    )
    line = (
        rx.fragment()
        if last
        else rx.el.span(class_name="flex-1 min-w-3 h-px bg-[var(--line-strong)]", aria_hidden="true")
    )
    return rx.el.li(
        dot,
        name,
        line,
        aria_current=rx.cond(here, "step", "false"),
        class_name="flex items-center gap-2 " + ("" if last else "flex-1"),
    )


def finding(label: str, value: Any, *, done: Any, waiting: Any) -> rx.Component:
    """A line of what is being found out: a spinner that becomes a tick; `waiting` before its turn."""
    mark = rx.cond(
        done,
        rx.el.span(
            rx.icon("check", size=14, aria_hidden="true"),
            class_name="appear grid place-items-center w-6 h-6 rounded-full bg-[var(--green-a4)] "
            "text-[var(--green-11)]",
        ),
        rx.cond(
            waiting,
            rx.el.span(class_name="w-6 h-6 rounded-full border-2 border-[var(--gray-a5)]"),
            rx.el.span(rx.spinner(size="2"), class_name="grid place-items-center w-6 h-6"),
        ),
    )
    return rx.el.li(
        rx.el.span(mark, aria_hidden="true", class_name="shrink-0"),
        rx.el.span(label, class_name="text-sm text-[var(--ink-soft)] w-28 sm:w-36 shrink-0"),
        rx.el.span(
            rx.cond(waiting, rx.fragment(), value),
            class_name="flex items-center gap-2 text-sm font-medium min-w-0 min-h-6",
        ),
        class_name="row-line flex items-center gap-3 px-5 py-3 min-h-[52px]",
    )


FOCUS = "document.querySelector('[data-step-title]')?.focus({preventScroll: true})"
"""For the keyboard and the ear: a new step begins at its title."""


def step_title(title: Any, text: Any) -> rx.Component:
    return rx.el.header(
        rx.heading(
            title,
            as_="h1",
            size="7",
            weight="bold",
            class_name="tracking-[-0.025em] break-words !outline-none",
            tab_index=-1,
            custom_attrs={"data-step-title": ""},
            on_mount=rx.call_script(FOCUS),
        ),
        rx.text(text, size="3", class_name="text-[var(--ink-soft)] max-w-[58ch]"),
        class_name="flex flex-col gap-2",
    )
