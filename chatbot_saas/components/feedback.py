"""What a page says about itself: loading, nothing here yet, something is wrong, are you sure."""

from typing import Any

import reflex as rx

from chatbot_saas.components.vars import given


def toaster() -> rx.Component:
    """Where toasts appear: below the top bar, where they cover no button. For the composition root."""
    return rx.toast.provider(position="top-center", close_button=True, rich_colors=True, duration=4000, offset="64px")


def skeleton_lines(count: int = 3, *, height: str = "16px") -> rx.Component:
    """Grey lines where text will be."""
    widths = ("100%", "92%", "74%", "86%", "60%")
    return rx.el.div(
        *[rx.skeleton(height=height, width=widths[index % len(widths)]) for index in range(count)],
        class_name="flex flex-col gap-3 w-full",
        aria_hidden="true",
    )


def skeleton_panels(count: int = 4, *, height: str = "96px") -> rx.Component:
    """Grey blocks where panels will be, of the panels' height so that nothing jumps."""
    return rx.fragment(
        *[
            rx.el.div(rx.skeleton(height=height, width="100%"), class_name="w-full", aria_hidden="true")
            for _ in range(count)
        ]
    )


def empty_state(icon: str, title: str, text: str, *actions: rx.Component) -> rx.Component:
    """Nothing here yet: say what belongs here and offer the next step."""
    return rx.el.div(
        rx.el.div(
            rx.icon(icon, size=22, color="var(--accent-11)"),
            class_name="grid place-items-center w-12 h-12 rounded-xl bg-[var(--accent-a3)]",
            aria_hidden="true",
        ),
        rx.heading(title, as_="h2", size="4", weight="medium"),
        rx.text(text, size="2", class_name="max-w-[46ch] text-[var(--ink-soft)]"),
        rx.el.div(*actions, class_name="flex flex-wrap justify-center gap-3 pt-1") if actions else rx.fragment(),
        class_name="panel flex flex-col items-center text-center gap-3 px-6 py-14",
    )


def notice(text: Any, *actions: rx.Component, kind: str = "info", title: Any = "") -> rx.Component:
    """A banner that stays: info, warning or error."""
    icon, color = {
        "info": ("info", "iris"),
        "warning": ("triangle-alert", "amber"),
        "error": ("circle-alert", "red"),
        "success": ("circle-check", "green"),
    }[kind]
    heading = rx.el.strong(title, class_name="block font-semibold") if given(title) else rx.fragment()
    return rx.callout.root(
        rx.callout.icon(rx.icon(icon, size=18, aria_hidden="true")),
        rx.callout.text(heading, text, as_="div"),
        rx.el.div(*actions, class_name="flex flex-wrap gap-2 pt-1") if actions else rx.fragment(),
        color_scheme=color,  # pyright: ignore[reportArgumentType]
        role="alert" if kind == "error" else "status",
        size="1",
    )


def trouble(problem: Any, title: str, on_again: Any) -> rx.Component:
    """Why a page has nothing to show, with another try; nothing while all is well. See state.trouble."""
    again = rx.button("Try again", on_click=on_again, variant="soft", color_scheme="red", size="1")
    return rx.cond(problem, notice(problem, again, kind="error", title=title))


STATUS_COLORS = {
    "published": "green",
    "ready": "green",
    "succeeded": "green",
    "active": "green",
    "paused": "amber",
    "suspended": "amber",
    "failed": "red",
    "draft": "gray",
    "queued": "gray",
    "cancelled": "gray",
    "revoked": "gray",
    "expired": "gray",
}


def status_badge(status: Any, words: Any = None) -> rx.Component:
    """A word and a dot, so that colour is never the only sign. Work under way is blue. `words`: if not the status."""
    color: Any = rx.match(status, *STATUS_COLORS.items(), "iris")
    return rx.badge(
        rx.el.span(class_name="w-1.5 h-1.5 rounded-full bg-current", aria_hidden="true"),
        rx.el.span(status, class_name="capitalize") if words is None else rx.el.span(words),
        color_scheme=color,
        variant="soft",
        radius="full",
        size="1",
        class_name="gap-1.5",
    )


def confirm_dialog(
    trigger: rx.Component,
    *,
    title: Any,
    text: Any,
    action: Any,
    on_confirm: Any,
    danger: bool = True,
    keep: str = "Cancel",
) -> rx.Component:
    """Ask before something that cannot be undone, naming what will happen. `keep` is the way out."""
    return rx.alert_dialog.root(
        rx.alert_dialog.trigger(trigger),
        rx.alert_dialog.content(
            rx.alert_dialog.title(title, size="4"),
            rx.alert_dialog.description(text, size="2", class_name="text-[var(--ink-soft)]"),
            rx.el.div(
                rx.alert_dialog.cancel(rx.button(keep, variant="soft", color_scheme="gray", type="button")),
                rx.alert_dialog.action(
                    rx.button(action, on_click=on_confirm, color_scheme="red" if danger else "iris", type="button")
                ),
                class_name="flex justify-end gap-3 pt-5",
            ),
            max_width="440px",
        ),
    )


def confirm_by_name(
    trigger: rx.Component,
    *,
    title: Any,
    text: Any,
    name: Any,
    typed: Any,
    on_type: Any,
    action: str,
    on_confirm: Any,
    busy: Any = False,
) -> rx.Component:
    """For what takes a lot with it: the button works once the thing's name was typed."""
    return rx.alert_dialog.root(
        rx.alert_dialog.trigger(trigger),
        rx.alert_dialog.content(
            rx.alert_dialog.title(title, size="4"),
            rx.alert_dialog.description(text, size="2", class_name="text-[var(--ink-soft)]"),
            rx.el.label(
                rx.el.span("Type ", rx.el.strong(name), " to confirm", class_name="text-sm"),
                rx.input(
                    value=typed, on_change=on_type, auto_complete="off", spell_check=False, size="3", class_name="mt-2"
                ),
                class_name="block pt-4",
            ),
            rx.el.div(
                rx.alert_dialog.cancel(rx.button("Cancel", variant="soft", color_scheme="gray", type="button")),
                rx.button(
                    action, on_click=on_confirm, disabled=typed != name, loading=busy, color_scheme="red", type="button"
                ),
                class_name="flex justify-end gap-3 pt-5",
            ),
            max_width="460px",
        ),
    )
