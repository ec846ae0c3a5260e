"""The mark: a speech bubble that carries the dot of a source."""

import reflex as rx

from chatbot_saas.components.tokens import PRODUCT


def mark(size: int = 26) -> rx.Component:
    return rx.el.img(
        src="/logo.svg", alt="", style={"width": f"{size}px", "height": f"{size}px"}, class_name="shrink-0"
    )


def wordmark(*, href: str = "/overview") -> rx.Component:
    return rx.link(
        mark(),
        rx.el.span(PRODUCT, class_name="text-[16px] font-semibold tracking-[-0.015em]"),
        href=href,
        underline="none",
        color="inherit",
        aria_label=f"{PRODUCT}, to the overview",
        class_name="flex items-center gap-2.5 w-fit",
    )


def head() -> list[rx.Component]:
    """What every page's <head> holds; for the composition root."""
    return [
        rx.el.link(rel="icon", type="image/svg+xml", href="/favicon.svg"),
        rx.el.meta(name="robots", content="noindex"),
        rx.el.meta(name="theme-color", content="#5b5bd6"),
        rx.el.script(src="/auth.js", defer=True),
    ]
