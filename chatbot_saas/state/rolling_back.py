"""Going back to an earlier version by one click, and taking that back."""

import time
from typing import Any

import reflex as rx

from chatbot_saas.core.errors import InvalidError, PreconditionFailedError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.bot_tests import RolledBack
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.services import bots, publishing
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.bot import BotState, read_bot
from chatbot_saas.state.history import HistoryState
from chatbot_saas.state.publication import PublicationState
from chatbot_saas.state.session import authorised, route_id

DOUBLE_CLICK_SECONDS = 1.0
"""So soon after a roll back nobody has read what it did: a click then was meant for what stood there before."""


class RollBackState(rx.State):
    done: RolledBack | None = None
    """The last roll back of this tab, while it can be undone."""
    _bot: str = ""
    _at: float = 0.0

    @authorised(Scope.BOTS_READ, opens=True)
    async def load(self, principal: Tenant):
        """What was done to another bot, or was changed since, is not undone here."""
        bot_state = await self.get_state(BotState)
        bot = bot_state.bot
        if self.done and (bot is None or str(bot.id) != self._bot or bot.version != self.done.version):
            self.done = None

    @authorised(Scope.BOTS_WRITE)
    async def roll_back(self, principal: Tenant, version: int, seen: int, published: int):
        """`seen` and `published` are the versions that the button was drawn for: a second click does nothing, nor does
        the click on a page that shows what is past."""
        if any(isinstance(number, bool) or not isinstance(number, int) for number in (version, seen, published)):
            raise InvalidError("Choose a version of the list.")
        bot_id, done = route_id(self, "bot_id"), self.done
        if done and self._bot == str(bot_id):
            again = (done.back_to, done.version_before) == (version, seen)
            if again or time.time() - self._at < DOUBLE_CLICK_SECONDS:
                return rx.toast.info(f"Version {done.back_to} is back already. Nothing was done twice.")
        bot_state = await self.get_state(BotState)
        try:
            async with get_runtime().db.tenant(principal) as session:
                bot = await bots.roll_back(
                    session,
                    principal,
                    bot_id,
                    version,
                    get_runtime(),
                    expected_version=seen,
                    expected_published=published,
                )
        except PreconditionFailedError:
            bot_state.bot = bot = await read_bot(principal, bot_id)
            self.done = None
            return [_stale("Not rolled back.", bot, published), *_look_again()]
        bot_state.bot, self._bot, self._at = bot, str(bot_id), time.time()
        live = bot.status == "published"
        self.done = RolledBack(
            back_to=version, version=bot.version, live=live, version_before=seen, published_before=published
        )
        return _look_again()

    @authorised(Scope.BOTS_WRITE)
    async def undo(self, principal: Tenant):
        bot_id, done = route_id(self, "bot_id"), self.done
        if done is None or self._bot != str(bot_id):
            return rx.toast.info("There is nothing to undo any more.")
        bot_state = await self.get_state(BotState)
        self.done = None
        try:
            async with get_runtime().db.tenant(principal) as session:
                bot_state.bot = await publishing.undo(session, principal, bot_id, get_runtime(), done)
        except PreconditionFailedError:
            bot_state.bot = bot = await read_bot(principal, bot_id)
            return [_stale("Not undone.", bot, done.version if done.live else done.published_before), *_look_again()]
        words = f"Version {done.published_before} is published again." if done.live else "The settings are back."
        return [rx.toast.success("Undone.", description=words), *_look_again()]


def _look_again() -> list[Any]:
    return [PublicationState.load, HistoryState.refresh]


def _stale(title: str, bot: BotRead, published: int) -> Any:
    """`published`: what was thought to be."""
    words = f"Version {bot.published_version} was published meanwhile."
    if bot.published_version == published:
        words = f"The bot was changed meanwhile: it is at version {bot.version} now."
    return rx.toast.error(title, description=f"{words} Look at it, then choose again.")
