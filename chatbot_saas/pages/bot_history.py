"""`/bots/[bot_id]/history`: who changed what, and the way back."""

import reflex as rx

from chatbot_saas.components import format
from chatbot_saas.components.feedback import skeleton_panels, trouble
from chatbot_saas.components.vars import length, shown
from chatbot_saas.pages.bot_frame import bot_page
from chatbot_saas.pages.rolling_back import roll_back_button, rolled_back
from chatbot_saas.schemas.dashboard import BotVersionView, SettingChange
from chatbot_saas.state.bot import BotState
from chatbot_saas.state.history import HistoryState
from chatbot_saas.state.rolling_back import RollBackState
from chatbot_saas.state.shell import ShellState


@bot_page("/history", "History", on_load=[HistoryState.load, RollBackState.load])
def bot_history() -> rx.Component:
    state = HistoryState
    return rx.cond(
        state.loaded,
        rx.el.div(
            rolled_back(),
            rx.el.ol(
                rx.foreach(state.versions, _version),
                class_name="panel flex flex-col",
                aria_label="Versions, newest first",
            ),
            class_name="flex flex-col",
        ),
        rx.cond(
            state.problem,
            trouble(state.problem, "The versions cannot be shown", state.load),
            rx.el.div(skeleton_panels(3, height="72px"), class_name="flex flex-col gap-3"),
        ),
    )


def _version(version: BotVersionView) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.div(
                    rx.el.span("Version ", version.version, class_name="number text-sm font-medium"),
                    rx.cond(version.current, rx.badge("current", color_scheme="green", size="1")),
                    class_name="flex items-center gap-2",
                ),
                rx.el.p(version.summary, class_name="text-sm break-words"),
                rx.el.p(
                    rx.cond(version.author, version.author, "through the API"),
                    " · ",
                    format.date_time(version.created_at),
                    class_name="text-[13px] text-[var(--ink-soft)] break-words",
                ),
                class_name="flex flex-col gap-0.5 min-w-0 flex-1",
            ),
            rx.cond((length(version.changes) > 0) & ShellState.user.can_write, _roll_back(version)),
            class_name="flex items-start justify-between gap-4",
        ),
        rx.cond(~version.current, _difference(version)),
        class_name="row-line px-5 py-4",
    )


def _roll_back(version: BotVersionView) -> rx.Component:
    bot = shown(BotState.bot)
    return rx.cond(BotState.bot, roll_back_button(version.version, bot.version, bot.published_version, size="1"))


def _difference(version: BotVersionView) -> rx.Component:
    return rx.cond(
        length(version.changes) > 0,
        rx.el.details(
            rx.el.summary(
                rx.icon("chevron-right", size=14, class_name="chevron transition-transform", aria_hidden="true"),
                "Compared with now (",
                length(version.changes),
                ")",
                class_name="flex items-center gap-1 text-[13px] text-[var(--ink-soft)] hover:text-[var(--ink)] w-fit",
            ),
            rx.el.dl(rx.foreach(version.changes, _change), class_name="flex flex-col gap-3 pt-3"),
            class_name="pt-2",
        ),
        rx.el.p("The same settings as now.", class_name="pt-2 text-[13px] text-[var(--ink-soft)]"),
    )


def _change(change: SettingChange) -> rx.Component:
    def side(name: str, text: str, color: str) -> rx.Component:
        return rx.el.dd(
            rx.el.span(name, class_name="block text-[11px] text-[var(--ink-soft)]"),
            rx.el.span(text, class_name="whitespace-pre-wrap break-words"),
            class_name=f"rounded-md px-3 py-2 text-[13px] bg-[var(--{color}-a2)] max-h-48 overflow-y-auto",
        )

    return rx.el.div(
        rx.el.dt(change.label, class_name="text-[13px] font-medium pb-1"),
        rx.el.div(
            side("then", change.then, "red"), side("now", change.now, "green"), class_name="grid sm:grid-cols-2 gap-2"
        ),
    )
