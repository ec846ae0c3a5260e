"""`/bots/[bot_id]/embed`: from a bot that answers to a bot on a website."""

from typing import Any

import reflex as rx

from chatbot_saas.components.copying import code_block
from chatbot_saas.components.feedback import skeleton_panels, trouble
from chatbot_saas.components.layout import link_button
from chatbot_saas.components.vars import length, route_parameter, shown
from chatbot_saas.pages.bot_frame import bot_page
from chatbot_saas.pages.embed_doctor import doctor
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.schemas.embed import Snippet
from chatbot_saas.state.bot import BotState
from chatbot_saas.state.embed import EmbedState
from chatbot_saas.state.shell import ShellState


def _bot_id() -> Any:
    return route_parameter("bot_id")


@bot_page("/embed", "Embed", on_load=[EmbedState.load])
def embed() -> rx.Component:
    return rx.cond(
        BotState.bot,
        rx.el.div(
            rx.el.div(
                _steps(shown(BotState.bot)),
                doctor(),
                class_name="flex flex-col gap-5 min-w-0",
            ),
            _preview(shown(BotState.bot)),
            class_name="grid grid-cols-1 lg:grid-cols-[minmax(0,1fr)_372px] gap-8 items-start",
        ),
        rx.el.div(skeleton_panels(3, height="150px"), class_name="flex flex-col gap-5"),
    )


def _steps(bot: BotRead) -> rx.Component:
    return rx.el.ol(
        _publish_step(bot),
        _websites_step(bot),
        _step(
            3,
            "Put it into your website",
            None,
            "The page loads less than 3 kB, the rest comes at the first click.",
            rx.cond(
                EmbedState.problem,
                trouble(EmbedState.problem, "The lines cannot be shown", EmbedState.load),
                rx.fragment(
                    _ways(),
                    rx.cond(
                        EmbedState.way,
                        _way(shown(EmbedState.way)),  # pyright: ignore[reportArgumentType]
                    ),
                ),
            ),
        ),
        class_name="flex flex-col gap-4",
    )


def _publish_step(bot: BotRead) -> rx.Component:
    published = bot.status == "published"
    return _step(
        1,
        "Publish the bot",
        published,
        rx.cond(
            published,
            "Published. It answers visitors of the websites below.",
            rx.cond(
                bot.status == "paused",
                "It is paused: visitors are told so. Publish it again when you are ready.",
                "A draft answers only here in the dashboard.",
            ),
        ),
        rx.cond(
            ~published & ShellState.user.can_write,  # pyright: ignore[reportOperatorIssue]
            rx.button(
                rx.icon("rocket", size=15, aria_hidden="true"),
                "Publish now",
                on_click=BotState.change_status("published"),
                class_name="w-fit",
            ),
        ),
    )


def _websites_step(bot: BotRead) -> rx.Component:
    allowed = length(bot.allowed_origins) > 0
    settings = "/bots/" + _bot_id() + "#websites"
    return _step(
        2,
        "Name the websites it may appear on",
        allowed,
        rx.cond(
            allowed,
            "Every other website shows nothing, and says why in its console.",
            rx.cond(
                bot.allow_localhost,
                "None yet but those on your own machine: until you add one, the line below shows nothing elsewhere.",
                "None yet: until you add one, the line below shows nothing outside of this dashboard.",
            ),
        ),
        rx.cond(
            allowed,
            rx.el.ul(
                rx.foreach(bot.allowed_origins, _origin),
                aria_label="Allowed websites",
                class_name="flex flex-wrap gap-2",
            ),
        ),
        rx.cond(
            allowed,
            link_button("Change the websites", settings, variant="soft", class_name="w-fit"),
            link_button("Add a website", settings, variant="soft", class_name="w-fit"),
        ),
    )


def _step(number: int, title: str, done: Any, text: Any, *content: rx.Component) -> rx.Component:
    """`done` None: nobody here can know."""
    waiting = rx.el.span(
        str(number),
        class_name="grid place-items-center w-7 h-7 rounded-full bg-[var(--accent-a3)] text-[var(--accent-11)] "
        "text-[13px] font-semibold shrink-0",
        aria_hidden="true",
    )
    mark = waiting
    if done is not None:
        mark = rx.cond(
            done,
            rx.el.span(
                rx.icon("check", size=15, aria_hidden="true"),
                rx.el.span("Done", class_name="visually-hidden"),
                class_name="grid place-items-center w-7 h-7 rounded-full bg-[var(--green-a4)] text-[var(--green-11)] "
                "shrink-0",
            ),
            waiting,
        )
    return rx.el.li(
        mark,
        rx.el.div(
            rx.el.div(
                rx.heading(title, as_="h2", size="3", weight="medium"),
                rx.text(text, size="2", class_name="text-[var(--ink-soft)]"),
                class_name="flex flex-col gap-1",
            ),
            *content,
            class_name="flex flex-col gap-3 min-w-0 flex-1",
        ),
        class_name="panel flex gap-4 p-5",
    )


def _ways() -> rx.Component:
    return rx.el.div(
        rx.foreach(
            EmbedState.ways,
            lambda way: rx.el.button(
                way.title,
                type="button",
                aria_pressed=EmbedState.chosen == way.name,
                on_click=EmbedState.choose(way.name),
                class_name="choice-chip",
            ),
        ),
        role="group",
        aria_label="What your website is made with",
        class_name="flex flex-wrap gap-2",
    )


def _way(way: Snippet) -> rx.Component:
    return rx.el.div(
        rx.text(way.note, size="2", class_name="text-[var(--ink-soft)]"),
        code_block(way.code, label="For your website: " + way.title, action="Copy"),
        class_name="flex flex-col gap-2",
    )


def _origin(origin: Any) -> rx.Component:
    return rx.el.li(
        rx.badge(
            rx.icon("globe", size=12, aria_hidden="true"),
            origin,
            variant="surface",
            color_scheme="gray",
            size="2",
            class_name="max-w-full break-all !whitespace-normal",
        )
    )


def _preview(bot: BotRead) -> rx.Component:
    """The real frame, by a path of our own origin, under whatever address the dashboard was opened."""
    path = "/widget/v1/frame?bot_id=" + _bot_id()
    return rx.el.section(
        rx.el.div(
            rx.heading("Preview", as_="h2", size="3", weight="medium", id="preview"),
            rx.cond(
                bot.status == "published",
                rx.link(
                    "On a sample page",
                    rx.icon("external-link", size=14, aria_hidden="true"),
                    href="/widget/v1/demo?bot_id=" + _bot_id(),
                    is_external=True,
                    size="2",
                    class_name="!inline-flex items-center gap-1.5",
                ),
            ),
            class_name="flex items-baseline justify-between gap-3 w-full max-w-[372px]",
        ),
        rx.el.div(
            rx.cond(
                bot.status == "published",
                rx.el.iframe(src=path, title="Preview of the chat", loading="lazy"),
                rx.el.div(
                    rx.el.div(
                        rx.icon("message-circle-off", size=24, aria_hidden="true"),
                        rx.el.p("Publish the bot to see the chat here, as visitors will.", class_name="text-sm"),
                        rx.link("See how it will look", href="/bots/" + _bot_id() + "/design", size="2"),
                        class_name="h-full flex flex-col items-center justify-center gap-3 px-10 text-center "
                        "text-[var(--ink-soft)]",
                    )
                ),
            ),
            class_name="phone",
        ),
        rx.cond(
            bot.status == "published",
            rx.el.p(
                "What you ask here counts as a conversation of this website.",
                class_name="text-[13px] text-[var(--ink-soft)]",
            ),
        ),
        aria_labelledby="preview",
        class_name="flex flex-col items-center gap-3 lg:sticky lg:top-[80px]",
    )
