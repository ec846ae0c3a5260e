"""The pieces that pages are laid out with."""

from typing import Any

import reflex as rx

from chatbot_saas.components.vars import given


def page_header(title: Any, text: Any = "", *actions: rx.Component, badge: rx.Component | None = None) -> rx.Component:
    """The page's one h1, what the page is for, and its main action."""
    return rx.el.header(
        rx.el.div(
            rx.el.div(
                rx.heading(title, as_="h1", size="6", weight="bold", class_name="tracking-[-0.02em] break-words"),
                badge if badge is not None else rx.fragment(),
                class_name="flex flex-wrap items-center gap-3 min-w-0",
            ),
            rx.text(text, size="2", class_name="text-[var(--ink-soft)] max-w-[70ch]") if given(text) else rx.fragment(),
            class_name="flex flex-col gap-1 min-w-0",
        ),
        rx.el.div(*actions, class_name="flex flex-wrap items-center gap-2") if actions else rx.fragment(),
        class_name="flex flex-wrap items-start justify-between gap-4",
    )


def stat(label: str, value: Any, note: Any = "", *, icon: str = "") -> rx.Component:
    """One number with its name; inside a <dl>."""
    return rx.el.div(
        rx.el.dt(
            rx.icon(icon, size=15, aria_hidden="true") if icon else rx.fragment(),
            label,
            class_name="flex items-center gap-2 text-[13px] text-[var(--ink-soft)]",
        ),
        rx.el.dd(value, class_name="number text-[22px] sm:text-[26px] leading-8 font-semibold tracking-[-0.02em]"),
        rx.el.dd(note, class_name="text-[13px] text-[var(--ink-soft)] min-h-[18px]"),
        class_name="panel flex flex-col gap-1.5 p-4 sm:p-5",
    )


def link_button(text: str, href: Any, *, icon: str = "", variant: str = "solid", size: str = "2", **props: Any) -> Any:
    """A link that looks like a button: it can be opened in a new tab."""
    return rx.button(
        rx.link(
            rx.icon(icon, size=16, aria_hidden="true") if icon else rx.fragment(),
            text,
            href=href,
            underline="none",
            _hover={},
        ),
        as_child=True,
        variant=variant,  # pyright: ignore[reportArgumentType]
        size=size,  # pyright: ignore[reportArgumentType]
        **props,
    )


def icon_button(icon: str, label: str, *, size: str = "2", icon_size: int = 16, **props: Any) -> rx.Component:
    """A button with a picture only; `label` is what a screen reader says."""
    picture = rx.icon(icon, aria_hidden="true")
    button = rx.icon_button(picture, size=size, aria_label=label, **props)  # pyright: ignore[reportArgumentType]
    picture.size = icon_size  # pyright: ignore[reportAttributeAccessIssue] - the button made it twice as large
    return button


def bot_avatar(name: Any, color: Any, *, size: int = 28, icon: Any = "") -> rx.Component:
    """The bot's icon, a data: address, or its colour with its first letter."""
    if not isinstance(icon, rx.Var):
        return _letter(name, color, size)
    picture = rx.el.img(
        src=icon,
        alt="",
        class_name="shrink-0 rounded-lg object-cover bg-white ring-1 ring-[var(--line)]",
        style={"width": f"{size}px", "height": f"{size}px"},
    )
    return rx.cond(icon, picture, _letter(name, color, size))


def _letter(name: Any, color: Any, size: int) -> rx.Component:
    return rx.el.span(
        rx.Var.create(name).to(str)[0].upper(),
        class_name="grid place-items-center shrink-0 rounded-lg text-white font-semibold select-none",
        style={
            "background": color,
            "width": f"{size}px",
            "height": f"{size}px",
            "fontSize": f"{size // 2 - 1}px",
            "textShadow": "0 0 2px rgb(0 0 0 / 45%)",
        },
        aria_hidden="true",
    )
