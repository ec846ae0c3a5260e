"""The section of the Design page about what visitors can do and are asked."""

from typing import Any

import reflex as rx

from chatbot_saas.components.forms import select_field, text_area, text_field
from chatbot_saas.pages.bot_form import typed_field, typed_switch
from chatbot_saas.state.design import DesignState

State = DesignState
RATINGS = {"off": "Not at all", "thumbs": "With a thumb", "stars": "With one to five stars"}
USES = {"off": "Off", "optional": "Asked", "required": "Needed"}
FIELDS = {
    "lead_name": "Name",
    "lead_email": "E-mail",
    "lead_phone": "Phone",
    "lead_company": "Company",
    "lead_message": "Message",
}
MOMENTS = {
    "start": "Before the first message",
    "intent": "When somebody asks to be contacted",
    "no_answer": "Where the bot has no answer",
}


def conversation() -> rx.Component:
    return rx.fragment(
        _group(
            "The conversation",
            typed_switch("history", "Earlier conversations", "Visitors can open theirs again, in the menu."),
            typed_switch(
                "follow_ups",
                "Questions to ask next",
                "Under an answer: of your questions with answers, and of the starter questions.",
            ),
            typed_switch("sound", "A tone for answers", "Visitors can turn it on in the menu."),
            typed_switch(
                "attachments",
                "Visitors may attach files",
                "Such as a bill, up to 5 MB: answers in that conversation may cite it. Pictures are not read.",
            ),
            select_field("rating", "Rated when it ends", RATINGS, **typed_field("rating")),
        ),
        _group(
            "Consent",
            text_area(
                "consent_text",
                "Text",
                hint="Read before the first message; links as [text](https://…). Empty: nobody is asked.",
                placeholder="We keep this conversation for 90 days. [Privacy](https://shop.example/privacy)",
                rows="3",
                **typed_field("consent_text"),
            ),
            rx.cond(
                State.draft.consent_text != "",
                typed_switch("consent_required", "It must be accepted", "Off: it is only shown."),
            ),
        ),
        _group("The form for a message", _fields(), _moments(), _skip()),
        _group(
            "People",
            typed_switch("handoff", "Talk to a person", "Visitors can ask for one."),
            rx.cond(
                State.draft.handoff,
                text_field(
                    "handoff_note",
                    "Said after it was asked for",
                    placeholder="We answer on weekdays from 9 to 17 h.",
                    auto_complete="off",
                    **typed_field("handoff_note"),
                ),
            ),
            text_area(
                "notify_emails",
                "Who gets a mail",
                hint="Of messages and of wishes for a person. Addresses, one a line; five at most.",
                rows="2",
                spell_check=False,
                dir="ltr",
                **typed_field("notify_emails"),
            ),
        ),
    )


def _group(title: str, *fields: rx.Component) -> rx.Component:
    return rx.el.div(
        rx.heading(title, as_="h2", size="2", weight="medium"),
        *fields,
        role="group",
        aria_label=title,
        class_name="flex flex-col gap-4 border-t border-[var(--line)] pt-5 first:border-0 first:pt-0",
    )


def _fields() -> rx.Component:
    def row(name: str, label: str) -> rx.Component:
        chosen = getattr(State.draft, name)
        return rx.el.div(
            rx.el.span(label, class_name="text-sm"),
            rx.segmented_control.root(
                *[rx.segmented_control.item(text, value=use) for use, text in USES.items()],
                value=chosen,
                on_change=lambda use: State.change(name, use),  # pyright: ignore[reportCallIssue]
                size="1",
                aria_label=label,
            ),
            class_name="row-line flex flex-wrap items-center justify-between gap-x-4 gap-y-1 px-3 py-2",
        )

    rows = rx.el.div(
        *[row(name, label) for name, label in FIELDS.items()],
        id="lead_email",
        role="group",
        aria_label="Fields",
        class_name="rounded-lg border border-[var(--line)]",
    )
    return rx.el.div(
        rows,
        rx.cond(
            State.errors["lead_email"], rx.el.p(State.errors["lead_email"], class_name="field-error", role="alert")
        ),
        class_name="flex flex-col gap-1.5",
    )


def _moments() -> rx.Component:
    def choice(moment: str, text: str) -> Any:
        return rx.el.label(
            rx.checkbox(
                aria_label=text,
                checked=State.draft.lead_when.contains(moment),  # pyright: ignore[reportAttributeAccessIssue]
                on_change=lambda on: State.change_moment(moment, on),  # pyright: ignore[reportCallIssue]
            ),
            text,
            class_name="flex items-center gap-3 text-sm min-h-7 cursor-pointer w-fit",
        )

    return rx.el.fieldset(
        rx.el.legend("Shown", class_name="text-sm font-medium pb-1.5"),
        *[choice(moment, text) for moment, text in MOMENTS.items()],
    )


def _skip() -> rx.Component:
    return rx.cond(
        State.draft.lead_when.contains("start"),  # pyright: ignore[reportAttributeAccessIssue]
        typed_switch("lead_may_skip", "It may be skipped", "Visitors can write without having filled it in."),
    )
