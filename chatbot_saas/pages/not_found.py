"""The page for an address that leads nowhere, and the same words for what is not there or not for this person."""

import reflex as rx

from chatbot_saas.components.brand import wordmark
from chatbot_saas.components.feedback import empty_state
from chatbot_saas.components.layout import link_button
from chatbot_saas.components.tokens import PRODUCT


def not_found(title: str = "There is no such page", *actions: rx.Component) -> rx.Component:
    """Inside the frame."""
    return empty_state(
        "search-x",
        title,
        "It may have been deleted, or the address is not complete.",
        *(actions or (link_button("To the overview", "/overview"),)),
    )


@rx.page(route="404", title=f"Not found · {PRODUCT}")
def missing_page() -> rx.Component:
    return rx.el.main(
        rx.el.div(wordmark(), class_name="absolute top-6 left-6"),
        rx.el.div(
            rx.el.p("404", class_name="number text-[13px] font-semibold tracking-[0.14em] text-[var(--accent-11)]"),
            rx.heading("There is no such page", as_="h1", size="7", class_name="tracking-[-0.02em]"),
            rx.text(
                "The address may be incomplete, or what was here has been deleted.",
                size="3",
                class_name="text-[var(--ink-soft)]",
            ),
            rx.el.div(
                link_button("To the overview", "/overview", size="3"),
                link_button("All bots", "/bots", variant="soft", size="3"),
                class_name="flex flex-wrap justify-center gap-3 pt-3",
            ),
            class_name="flex flex-col items-center text-center gap-3 max-w-[46ch]",
        ),
        class_name="shell relative grid place-items-center px-6",
    )
