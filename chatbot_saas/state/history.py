"""The versions of the open bot, and going back to one."""

import reflex as rx

from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.bots import BotRead, BotVersionRead
from chatbot_saas.schemas.dashboard import BotVersionView, SettingChange
from chatbot_saas.services import bots
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.bot_draft import LABELS, shown
from chatbot_saas.state.design_draft import WHOLES, full, place_of, value_at
from chatbot_saas.state.session import authorised, route_id

NAMES = {**LABELS, "qa_threshold": "Q&A threshold"}
"""Settings whose changes are told; not all of them stand on the Settings page."""


class HistoryState(rx.State):
    versions: list[BotVersionView] = []
    loaded: bool = False
    problem: str = ""

    @authorised(Scope.BOTS_READ, opens=True)
    async def load(self, principal: Tenant):
        self.loaded = False
        self.versions = []
        yield
        await self._read(principal)
        self.loaded = True

    @authorised(Scope.BOTS_READ)
    async def refresh(self, principal: Tenant):
        """Where it is shown."""
        if self.loaded:
            await self._read(principal)

    async def _read(self, principal: Tenant) -> None:
        bot_id = route_id(self, "bot_id")
        async with get_runtime().db.tenant(principal) as session:
            bot = await bots.get(session, principal, bot_id)
            versions = await bots.versions(session, principal, bot_id)
        self.versions = [version_view(version, bot) for version in versions]


def version_view(version: BotVersionRead, bot: BotRead) -> BotVersionView:
    then, now = full(version.settings), bot.model_dump()
    return BotVersionView(
        version=version.version,
        summary=summary_words(version.summary),
        author=version.author,
        created_at=version.created_at,
        current=version.version == bot.version,
        changes=[
            SettingChange(label=label, then=shown(name, value_at(then, name)), now=shown(name, value_at(now, name)))
            for name, label in NAMES.items()
            if place_of(name)[0] in then and value_at(then, name) != value_at(now, name)
        ],
    )


def summary_words(summary: str) -> str:
    """`color, model_key` as people call it."""
    names = {**NAMES, **WHOLES, "status": "status", "model_key": "model key"}
    parts = summary.split(", ")
    if all(part in names for part in parts):
        return "Changed " + ", ".join(_in_a_sentence(names[part]) for part in parts)
    return summary[:1].upper() + summary[1:]


def _in_a_sentence(label: str) -> str:
    return label if label.startswith("Q&A") else label[0].lower() + label[1:]
