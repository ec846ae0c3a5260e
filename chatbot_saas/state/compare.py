"""Two versions of the open bot, asked the same. Each side is a chat of its own, so that follow-ups work in both."""

import asyncio
import secrets
from typing import Any

import reflex as rx
from pydantic import ValidationError

from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.bots import BotRead, BotVersionRead
from chatbot_saas.schemas.dashboard import PlaygroundTurn
from chatbot_saas.schemas.workbench import ComparedTurn, VersionChoice
from chatbot_saas.services import bots
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.history import summary_words
from chatbot_saas.state.playground import answered_turn, failed_into_words, question_of
from chatbot_saas.state.session import authorised, route_id
from chatbot_saas.state.validation import problem_words


class CompareState(rx.State):
    choices: list[VersionChoice] = []
    loaded: bool = False
    problem: str = ""
    left: str = ""
    right: str = ""
    """The versions that are compared, by number."""
    turns: list[ComparedTurn] = []
    question: str = ""
    """The one that is being answered; empty when none is."""
    left_said: str = ""
    right_said: str = ""
    _session: str = ""
    _bot_id: str = ""
    _current: int = 0

    @authorised(Scope.BOTS_READ, opens=True)
    async def load(self, principal: Tenant):
        await self._open(principal)

    async def _open(self, principal: Tenant) -> None:
        bot_id = route_id(self, "bot_id")
        if self._bot_id != str(bot_id):
            self.reset()
            self._bot_id = str(bot_id)
        async with get_runtime().db.tenant(principal) as session:
            bot = await bots.get(session, principal, bot_id)
            versions = await bots.versions(session, principal, bot_id)
        self.choices, self.loaded, self._current = version_choices(bot, versions), True, bot.version
        known = [choice.value for choice in self.choices]
        if self.right not in known:
            self.right = str(bot.version)
        if self.left not in known:
            published = str(bot.published_version)
            before = next((value for value in known if value != self.right), self.right)
            self.left = published if published in known and published != self.right else before

    @authorised(Scope.CHAT)
    async def choose(self, principal: Tenant, side: str, version: str):
        """Another version on one side begins both chats anew."""
        if side in ("left", "right") and any(choice.value == version for choice in self.choices):
            setattr(self, side, version)
            self._forget()

    @authorised(Scope.CHAT)
    async def new_chat(self, principal: Tenant):
        self._forget()

    @authorised(Scope.CHAT, background=True)
    async def ask(self, principal: Tenant, form_data: dict[str, Any]):
        try:
            question = question_of(form_data)
        except ValidationError as error:
            yield rx.toast.error(problem_words(error))
            return
        async with self:
            if not self.loaded or self._bot_id != str(route_id(self, "bot_id")):
                await self._open(principal)  # whoever is quick asks before the page is loaded
            if self.question:
                return
            bot_id = route_id(self, "bot_id")
            session = self._session = self._session or secrets.token_urlsafe(12)
            self.question, self.left_said, self.right_said = question, "", ""
            versions = {"left": int(self.left), "right": int(self.right)}
            current = self._current

        async def side(name: str) -> PlaygroundTurn:
            async def show(said: str) -> bool:
                async with self:
                    if self._session == session:
                        setattr(self, f"{name}_said", said)
                    return self._session == session

            version = None if versions[name] == current else versions[name]
            answer = answered_turn(show, principal, bot_id, f"{session} {name}", question, version)
            return await failed_into_words(question, answer)

        left, right = await asyncio.gather(side("left"), side("right"))
        async with self:
            if self._session == session:
                self.turns = [*self.turns, ComparedTurn(question=question, left=left, right=right)]
                self.question = self.left_said = self.right_said = ""

    def _forget(self) -> None:
        self.turns, self.question, self.left_said, self.right_said, self._session = [], "", "", "", ""


def version_choices(bot: BotRead, versions: Any) -> list[VersionChoice]:
    """Newest first, each with what it is and when it was made."""

    def label(version: BotVersionRead) -> str:
        names: list[str] = []
        if version.version == bot.version:
            names.append("current")
        if version.version == bot.published_version:
            names.append("published")
        told = " and ".join(names)
        made = f"{version.created_at:%d %b %Y}"
        return f"{version.version} · {told or made} · {summary_words(version.summary)}"[:90]

    return [VersionChoice(value=str(version.version), label=label(version)) for version in versions]
