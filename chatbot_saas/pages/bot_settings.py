"""`/bots/[bot_id]`: a bot's settings, and the playground beside them."""

from typing import Any

import reflex as rx

from chatbot_saas.components.feedback import confirm_by_name, confirm_dialog, notice, skeleton_panels, trouble
from chatbot_saas.components.forms import field, form_section, select_field, slider, text_area, text_field
from chatbot_saas.components.layout import icon_button
from chatbot_saas.components.vars import length, negated, shown
from chatbot_saas.pages.bot_answers import finding, trust
from chatbot_saas.pages.bot_form import conflict, save_bar, typed_field, typed_switch
from chatbot_saas.pages.bot_frame import bot_page
from chatbot_saas.pages.playground import playground
from chatbot_saas.schemas.bots import LANGUAGES, BotRead
from chatbot_saas.state.bot import BotState
from chatbot_saas.state.bot_form import BotFormState
from chatbot_saas.state.playground import PlaygroundState
from chatbot_saas.state.shell import ShellState

State = BotFormState


@bot_page("", "Settings", on_load=[BotFormState.load, PlaygroundState.load])
def bot_settings() -> rx.Component:
    return rx.el.div(
        rx.cond(
            State.problem,
            trouble(State.problem, "The settings cannot be shown", State.load),
            rx.cond(
                State.loaded & BotState.bot,  # pyright: ignore[reportOperatorIssue]
                _settings(shown(BotState.bot)),
                rx.el.div(skeleton_panels(3, height="260px"), class_name="flex flex-col gap-5"),
            ),
        ),
        rx.cond(BotState.bot, playground(shown(BotState.bot)), rx.el.div(skeleton_panels(1, height="640px"))),
        class_name="grid gap-6 xl:grid-cols-[minmax(0,1fr)_minmax(400px,0.8fr)] items-start",
    )


def _settings(bot: BotRead) -> rx.Component:
    return rx.el.div(
        rx.el.a(
            rx.icon("message-circle", size=16, aria_hidden="true"),
            "Try it in the playground below",
            href="#playground",
            class_name="panel xl:hidden flex items-center gap-2 px-4 min-h-11 text-sm text-[var(--accent-11)]",
        ),
        rx.cond(
            bot.model_error,
            notice(bot.model_error, kind="error", title="The model does not answer."),
        ),
        conflict(),
        rx.el.fieldset(
            _identity(),
            _behaviour(),
            trust(),
            _model(),
            _websites(),
            _publishing(),
            finding(),
            disabled=negated(ShellState.user.can_write),
            class_name="flex flex-col gap-5 min-w-0",
        ),
        rx.cond(ShellState.user.can_write, rx.fragment(_model_key(bot), _danger(bot))),
        save_bar(),
        class_name="flex flex-col gap-5 min-w-0",
    )


def _identity() -> rx.Component:
    return form_section(
        "Identity",
        "What the bot is called.",
        text_field(
            "name",
            "Name",
            hint="Visitors see it at the top of the chat.",
            auto_complete="off",
            **typed_field("name"),
        ),
        text_field(
            "description",
            "Description",
            hint="For you and your colleagues.",
            auto_complete="off",
            **typed_field("description"),
        ),
        id="identity",
    )


def _behaviour() -> rx.Component:
    return form_section(
        "Behaviour",
        "How it answers. It uses its documents only, whatever is written here.",
        text_area(
            "instructions",
            "Instructions",
            hint="Tone and rules, in plain words. Visitors never see them.",
            placeholder="Answer in two or three friendly sentences. Address customers by “you”.",
            rows="5",
            **typed_field("instructions"),
        ),
        text_area(
            "fallback_text",
            "When the sources do not hold the answer",
            hint="Said word for word.",
            rows="2",
            **typed_field("fallback_text"),
        ),
        rx.el.div(
            select_field(
                "language",
                "Language of its answers",
                LANGUAGES,
                hint="Saving a change reads every source again.",
                **typed_field("language"),
            ),
            text_field(
                "max_tokens",
                "Longest answer",
                hint="In tokens; 100 are about 75 words.",
                input_mode="numeric",
                auto_complete="off",
                **typed_field("max_tokens"),
            ),
            class_name="grid sm:grid-cols-2 gap-5",
        ),
        id="behaviour",
    )


def _model() -> rx.Component:
    return form_section(
        "Model",
        "Which model writes the answers, and how freely.",
        text_field(
            "model",
            "Model",
            hint="Empty: the operator's default.",
            placeholder="Default",
            auto_complete="off",
            spell_check=False,
            **typed_field("model"),
        ),
        text_field(
            "fallback_model",
            "Second model",
            hint="Asked when the first one does not answer. Empty: the operator's, if there is one.",
            placeholder="None",
            auto_complete="off",
            spell_check=False,
            **typed_field("fallback_model"),
        ),
        rx.el.div(
            _slider("temperature", "Temperature", 2.0, "Low is steady, high is inventive."),
            _slider("top_p", "Top-p", 1.0, "Leave at 1 unless you know why.", least=0.05),
            class_name="grid sm:grid-cols-2 gap-5",
        ),
        typed_switch(
            "allow_tools",
            "Take tools from programs",
            "Programs that use the OpenAI-compatible address may bring tools. What a tool returns is in none "
            "of your sources, and is not proved by them.",
        ),
        id="model-section",
    )


def _slider(name: str, label: str, most: float, hint: str, *, least: float = 0.0) -> rx.Component:
    value = getattr(State.draft, name)
    return field(
        name,
        label,
        slider(
            name,
            value=value,
            on_change=lambda number: State.change(name, number),  # pyright: ignore[reportCallIssue]
            least=least,
            most=most,
            step=0.05,
        ),
        hint=hint,
        error=State.errors[name],
        aside=rx.el.output(value.to(float).to_string(), class_name="number text-sm text-[var(--ink-soft)]"),
    )


def _websites() -> rx.Component:
    add = rx.el.div(
        rx.input(
            id="origin",
            value=State.origin_text,
            on_change=State.type_origin,
            on_key_down=_add_on_enter,
            placeholder="https://shop.example",
            auto_complete="off",
            spell_check=False,
            size="2",
            aria_describedby="origin-note",
            class_name="flex-1",
        ),
        rx.button("Add", type="button", on_click=State.add_origin, variant="soft", size="2"),
        class_name="flex gap-2",
    )
    problem = rx.cond(State.origin_error, State.origin_error, State.errors["allowed_origins"])
    return form_section(
        "Websites",
        "Where the chat may appear. On any other website it shows nothing.",
        rx.cond(
            length(State.draft.allowed_origins) > 0,
            rx.el.ul(
                rx.foreach(State.draft.allowed_origins, _origin),
                class_name="flex flex-col rounded-lg border border-[var(--line)]",
                aria_label="Allowed websites",
            ),
            rx.el.p("No website yet.", class_name="text-sm text-[var(--ink-soft)]"),
        ),
        field(
            "origin",
            "Add a website",
            add,
            hint="The address without a path; with www and without are two. https://*.shop.example is every website "
            "below shop.example, and not shop.example itself.",
            error=problem,
        ),
        *_visitors(),
        id="websites",
    )


def _visitors() -> list[rx.Component]:
    """Who may ask there, and what is known of them."""
    return [
        typed_switch(
            "allow_localhost",
            "Also on localhost",
            "On your own machine, at any port, while you build your website.",
        ),
        typed_switch(
            "identity_required",
            "Only signed-in visitors",
            "Your server signs who a visitor is, with the identity secret; nobody else can ask.",
        ),
        rx.link(
            "The secret that your server signs with",
            href="/keys#identity",
            size="2",
            class_name="w-fit -mt-3 ml-[47px]",
        ),
        typed_switch(
            "page_context",
            "Questions know their page",
            "The address and the title of the page where a question is asked go along with it.",
        ),
    ]


def _publishing() -> rx.Component:
    return form_section(
        "Publishing",
        "When visitors get what you change here.",
        rx.el.label(
            rx.switch(
                checked=State.draft.hold_changes,
                on_change=lambda on: State.change("hold_changes", on),  # pyright: ignore[reportCallIssue]
                size="2",
                aria_describedby="hold-note",
            ),
            rx.el.span("Hold changes until I publish", class_name="text-sm font-medium"),
            class_name="flex items-center gap-3 cursor-pointer w-fit min-h-9",
        ),
        rx.el.p(
            "Visitors keep the settings that were published last, while you try others in the playground and against "
            "the bot's tests. Websites, status and the model key always change at once.",
            id="hold-note",
            class_name="field-hint",
        ),
        id="publishing",
    )


def _add_on_enter(key: rx.Var[str]) -> Any:
    return rx.cond(key == "Enter", State.add_origin(), rx.noop())  # pyright: ignore[reportCallIssue]


def _origin(origin: str) -> rx.Component:
    return rx.el.li(
        rx.el.span(origin, class_name="text-sm truncate-line"),
        icon_button(
            "x",
            f"Remove {origin}",
            size="1",
            icon_size=15,
            type="button",
            on_click=State.remove_origin(origin),  # pyright: ignore[reportCallIssue]
            variant="ghost",
            color_scheme="gray",
        ),
        class_name="row-line flex items-center justify-between gap-3 px-3 min-h-10",
    )


def _model_key(bot: BotRead) -> rx.Component:
    stored = rx.el.div(
        rx.icon("key-round", size=16, class_name="text-[var(--ink-soft)]", aria_hidden="true"),
        rx.el.span("Ends in ", rx.el.code(bot.model_key_last4, class_name="number"), class_name="text-sm flex-1"),
        confirm_dialog(
            rx.button("Remove", variant="soft", color_scheme="red", size="1", type="button"),
            title="Remove the key?",
            text="Answers then use the operator's key, or quote the sources if there is none.",
            action="Remove the key",
            on_confirm=State.remove_key,
        ),
        class_name="flex items-center gap-3 rounded-lg border border-[var(--line)] px-3 py-2.5",
    )
    enter = rx.form(
        field(
            "model_key",
            "Key",
            rx.el.div(
                rx.input(
                    id="model_key",
                    name="model_key",
                    type="password",
                    auto_complete="off",
                    placeholder="sk-…",
                    size="2",
                    max_length=300,
                    aria_describedby="model_key-note",
                    class_name="flex-1",
                ),
                rx.button(rx.cond(bot.model_key_last4, "Replace", "Store"), type="submit", variant="soft", size="2"),
                class_name="flex gap-2",
            ),
            hint="Stored encrypted and never shown again.",
        ),
        on_submit=State.save_key,
        reset_on_submit=True,
    )
    return form_section(
        "Own API key",
        "This bot's answers are charged to this key instead of the operator's. Saved at once.",
        rx.cond(bot.model_key_last4, stored),
        enter,
        id="key",
    )


def _danger(bot: BotRead) -> rx.Component:
    return form_section(
        "Delete this bot",
        "Its documents, conversations and usage go with it. This cannot be undone.",
        rx.el.div(
            confirm_by_name(
                rx.button("Delete…", variant="soft", color_scheme="red", type="button"),
                title="Delete this bot?",
                text="Its documents, passages and conversations are removed for good, and it disappears from websites.",
                name=bot.name,
                typed=BotState.delete_name,
                on_type=BotState.type_delete_name,
                action="Delete the bot",
                on_confirm=BotState.delete,
            )
        ),
        id="danger",
        danger=True,
    )
