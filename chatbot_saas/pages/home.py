"""`/`: leads on to where the person's work is, or to the sign-in page."""

import reflex as rx

from chatbot_saas.components.brand import mark
from chatbot_saas.components.feedback import trouble
from chatbot_saas.components.tokens import PRODUCT
from chatbot_saas.state.overview import HomeState


@rx.page(route="/", title=PRODUCT, on_load=HomeState.enter)
def home() -> rx.Component:
    return rx.el.main(
        rx.cond(
            HomeState.problem,
            trouble(HomeState.problem, "This page cannot be shown", HomeState.enter),
            rx.fragment(mark(40), rx.el.span("Loading…", class_name="visually-hidden", role="status")),
        ),
        class_name="shell grid place-items-center px-4",
    )
