from typing import Any

import reflex as rx

from chatbot_saas.schemas.dashboard import BotLink


def bot_filter(bots: Any, value: Any, on_change: Any, *, everything: str) -> rx.Component:
    """Of which bot a list shows things; `everything` is the value for all of them."""
    return rx.select.root(
        rx.select.trigger(aria_label="Bot", class_name="w-full sm:w-44"),
        rx.select.content(rx.select.item("All bots", value=everything), rx.foreach(bots, _choice), position="popper"),
        value=value,
        on_change=on_change,
        size="2",
    )


def _choice(bot: BotLink) -> rx.Component:
    return rx.select.item(bot.name, value=bot.id.to(str))  # pyright: ignore[reportAttributeAccessIssue]
