"""How a bot answers: how sure it must be, what it may link to, and how its passages are found."""

from typing import Any

import reflex as rx

from chatbot_saas.components.forms import field, form_section, slider, switch_field, text_area, text_field
from chatbot_saas.pages.bot_form import typed_field
from chatbot_saas.state.bot_form import BotFormState

State = BotFormState
MODES = {
    "strict": ("Strict", "Says only what a sentence of the sources proves. Asks back or declines more often."),
    "balanced": ("Balanced", "Answers where the sources most likely hold it, and marks what they do not prove."),
    "helpful": ("Helpful", "Answers also where the sources hold only a part, and says what is missing."),
}


def trust() -> rx.Component:
    return form_section(
        "Trust",
        "What an answer may say, and where it may lead.",
        field(
            "answer_mode",
            "How sure an answer must be",
            rx.radio_cards.root(
                *[
                    rx.radio_cards.item(
                        rx.el.span(
                            rx.el.span(name, class_name="text-sm font-medium"),
                            rx.el.span(text, class_name="text-[13px] leading-5 text-[var(--ink-soft)]"),
                            class_name="flex flex-col gap-1 w-full self-start text-left whitespace-normal",
                        ),
                        value=mode,
                    )
                    for mode, (name, text) in MODES.items()
                ],
                id="answer_mode",
                value=State.draft.answer_mode,
                on_value_change=lambda mode: State.change("answer_mode", mode),  # pyright: ignore[reportCallIssue]
                columns=rx.breakpoints(initial="1", sm="3"),
                aria_label="How sure an answer must be",
            ),
            error=State.errors["answer_mode"],
        ),
        text_area(
            "link_hosts",
            "Links",
            hint="Answers may link to your websites and to those you gave as knowledge. Others, one a line: "
            "shop.example or *.shop.example.",
            rows="2",
            spell_check=False,
            **typed_field("link_hosts"),
        ),
        id="trust",
    )


def finding() -> rx.Component:
    return form_section(
        "Finding passages",
        "Nobody needs to touch this. The Retrieval tab shows what a change does.",
        rx.el.div(
            _number("passage_limit", "Passages for an answer", "At most; 1 to 20."),
            _number("passage_tokens", "Length of all passages", "In tokens, at most; 200 to 16,000."),
            class_name="grid sm:grid-cols-2 gap-5",
        ),
        _weight(),
        switch_field(
            "rerank",
            "Use the reranker",
            checked=State.draft.rerank,
            on_change=lambda on: State.change("rerank", on),  # pyright: ignore[reportCallIssue]
            hint="Where the operator has set one up, it orders the passages.",
        ),
        _number(
            "chunk_tokens",
            "Length of a passage",
            "In tokens, about; 200 to 1,000. Saving a change reads every source again.",
        ),
        id="finding",
    )


def _number(name: str, label: str, hint: str) -> rx.Component:
    return text_field(name, label, hint=hint, input_mode="numeric", auto_complete="off", **typed_field(name))


def _weight() -> rx.Component:
    automatic = State.draft.vector_weight.is_none()  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]
    value: Any = State.draft.vector_weight

    def change(to: Any) -> Any:
        return State.change("vector_weight", to)  # pyright: ignore[reportCallIssue]

    return field(
        "vector_weight",
        "Meaning beside words",
        rx.cond(
            automatic,
            rx.el.div(
                rx.el.span("Automatic", class_name="text-sm"),
                rx.button("Set it", on_click=change(0.5), variant="soft", size="1", type="button", id="vector_weight"),
                class_name="flex items-center gap-3 min-h-8",
            ),
            rx.el.div(
                slider("vector_weight", value=value.to(float), on_change=change, least=0, most=1, step=0.05),
                rx.el.output(value.to(float).to_string(), class_name="number text-sm text-[var(--ink-soft)]"),
                rx.button("Automatic", on_click=change(None), variant="soft", size="1", type="button"),
                class_name="flex items-center gap-3",
            ),
        ),
        hint="Automatic: by how well the embedder knows the question's language. 0 counts words only, 1 meaning only.",
        error=State.errors["vector_weight"],
    )
