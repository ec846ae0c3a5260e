"""The panel of the page of API keys about the secret that signs visitors."""

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.copying import shown_once
from chatbot_saas.components.feedback import confirm_dialog, trouble
from chatbot_saas.components.vars import shown
from chatbot_saas.state.identity_secret import LEAKED, REPLACE, IdentitySecretState

State = IdentitySecretState


def identity_secret() -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.heading("Identity secret", as_="h2", size="3", weight="medium", id="identity-title"),
            rx.text(
                "Your server signs with it who a visitor of your website is: a JSON web token by HS256 with sub, the "
                "bot's id as aud, and exp. One for all of your bots.",
                size="2",
                class_name="text-[var(--ink-soft)]",
            ),
            class_name="flex flex-col gap-1",
        ),
        trouble(State.problem, "Whether there is a secret cannot be shown", State.load),
        rx.cond(State.present, rx.cond(shown(State.present).created_at, _there(), _none())),
        _made(),
        id="identity",
        aria_labelledby="identity-title",
        class_name="panel flex flex-col gap-3 p-5 scroll-mt-20",
    )


def _none() -> rx.Component:
    return rx.button(
        rx.icon("key-round", size=15, aria_hidden="true"),
        "Make the secret",
        on_click=State.make(False),  # pyright: ignore[reportCallIssue]
        variant="soft",
        class_name="w-fit",
    )


def _there() -> rx.Component:
    present = shown(State.present)
    return rx.el.div(
        rx.el.p(
            "Made ",
            format.ago(present.created_at),
            rx.cond(
                present.previous_until,
                rx.fragment(". The one before works until ", format.date_time(present.previous_until)),
            ),
            ".",
            class_name="text-sm flex-1 basis-52",
        ),
        rx.el.div(
            confirm_dialog(
                rx.button("Replace", id=REPLACE, variant="soft", size="1", type="button"),
                title="Replace the identity secret?",
                text="You get a new one. The old one works another day, so that you can change your server meanwhile.",
                action="Replace it",
                on_confirm=State.make(False),  # pyright: ignore[reportCallIssue]
                danger=False,
            ),
            confirm_dialog(
                rx.button("It has leaked", id=LEAKED, variant="soft", color_scheme="red", size="1", type="button"),
                title="End the identity secret now?",
                text="You get a new one. The old one ends at once: visitors are not recognised until your server has "
                "the new one.",
                action="End it now",
                on_confirm=State.make(True),  # pyright: ignore[reportCallIssue]
            ),
            class_name="flex gap-2",
        ),
        class_name="flex flex-wrap items-center gap-3 rounded-lg border border-[var(--line)] px-3 py-2.5",
    )


def _made() -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(
            shown_once(
                "Copy the secret now",
                "It is shown only once. Keep it on your server, never in a page.",
                State.made,
                label="The new secret",
                action="Copy secret",
            ),
            max_width="560px",
            on_interact_outside=rx.prevent_default,
        ),
        open=State.made != "",
        on_open_change=State.close,
    )
