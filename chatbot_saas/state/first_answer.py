"""A bot that was just made of a website: its pages are read, questions are found, and it gives its first answer.

All of it is in the database and in the page's address: whoever comes back finds what there is.
"""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import reflex as rx
from pydantic import ValidationError

from chatbot_saas.core.errors import DomainError, NotFoundError
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.bots import MAX_STARTERS, BotPatch
from chatbot_saas.schemas.onboarding import ReadingProgress, StarterDraft
from chatbot_saas.schemas.sources import ACTIVE
from chatbot_saas.services import bots, onboarding, sources, starters
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.bot import BotState, read_bot
from chatbot_saas.state.following import following, still_open
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.playground import PlaygroundState
from chatbot_saas.state.session import authorised, identity_of, route_id
from chatbot_saas.state.trouble import NotLoadedError, told
from chatbot_saas.state.validation import problems_of

log = get_logger(__name__)
POLLS = 30
"""After so many the page must say that it is still open: the server cannot know when a tab went."""
MARKER = "data-first-answer"


class FirstAnswerState(rx.State):
    progress: ReadingProgress = ReadingProgress()
    phase: str = ""
    """reading, asking (questions are looked for), ready, failed or empty; nothing before it is known."""
    questions: list[str] = []
    saved: list[str] = []
    error: str = ""
    problem: str = ""
    _bot: str = ""
    _follow: int = 0
    """Counts the followers: an older one stops."""

    @rx.var
    def dirty(self) -> bool:
        return self.questions != self.saved

    @rx.var
    def room(self) -> bool:
        return len(self.questions) < MAX_STARTERS

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE, opens=True)
    async def load(self, principal: Tenant):
        bot_id = str(route_id(self, "bot_id"))
        if self._bot != bot_id:
            self._bot, self.phase, self.error = bot_id, "", ""
            self.questions, self.saved, self.progress = [], [], ReadingProgress()
        try:
            await self._read(principal)
        except NotFoundError:
            return None  # the bot's own state says so
        return FirstAnswerState.follow if self.phase in ("reading", "asking") else None

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE, background=True)
    async def follow(self, principal: Tenant):
        """Show how far the reading is; when it is through, find questions and ask the first one."""
        async with self:
            self._follow += 1
            mine, bot_id = self._follow, route_id(self, "bot_id")
        try:
            async for event in self._to_the_end(principal, bot_id, mine):
                yield event
        except Exception as error:
            async with self:
                with told(self):
                    raise error

    async def _to_the_end(self, principal: Tenant, bot_id: UUID, mine: int) -> AsyncGenerator[Any]:
        with following(principal.tenant_id) as pause:
            for _ in range(POLLS):
                principal = (await identity_of(self)).acting_tenant  # a sign-out stops it
                try:
                    progress = await onboarding.reading(get_runtime(), principal, bot_id)
                except NotFoundError:
                    return  # the bot was deleted meanwhile
                async with self:
                    if self._follow != mine or self._bot != str(bot_id):
                        return
                    self._show(progress)
                    phase = self.phase
                if phase != "reading":
                    break
                await pause()
            else:
                yield still_open(MARKER, FirstAnswerState.keep_following)
                return
        if phase != "asking":
            return
        await _settle(principal, bot_id)
        bot = await read_bot(principal, bot_id)
        found = list(bot.starter_questions)
        async with self:
            if self._follow != mine or self._bot != str(bot_id):
                return
            self.questions, self.saved, self.phase = found, list(found), "ready"
            (await self.get_state(BotState)).bot = bot
            playground = await self.get_state(PlaygroundState)
            first = not playground.turns and not playground.question
        if found and first:
            yield PlaygroundState.ask({"question": found[0]})

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE)
    async def keep_following(self, principal: Tenant, page: str):
        return FirstAnswerState.follow if page == "open" else None

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE)
    async def retry(self, principal: Tenant):
        """Read the website again, after it failed or was cancelled."""
        rt = get_runtime()
        if not self.progress.source_id:
            return None
        async with rt.db.tenant(principal) as session:
            await sources.reindex(session, principal, uuid_of(self.progress.source_id), rt)
        await self._read(principal)
        return FirstAnswerState.follow

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE)
    async def change_question(self, principal: Tenant, index: int, text: str):
        if isinstance(index, int) and 0 <= index < len(self.questions):
            self.questions = [str(text)[:500] if at == index else said for at, said in enumerate(self.questions)]
            self.error = _problem(self.questions)

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE)
    async def remove_question(self, principal: Tenant, index: int):
        if isinstance(index, int):
            self.questions = [said for at, said in enumerate(self.questions) if at != index]
            self.error = _problem(self.questions)

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE)
    async def add_question(self, principal: Tenant):
        if len(self.questions) < MAX_STARTERS:
            self.questions = [*self.questions, ""]

    @authorised(Scope.BOTS_WRITE, Scope.SOURCES_WRITE)
    async def save_questions(self, principal: Tenant):
        """Only where the bot's own were read: none would replace them."""
        if self.phase != "ready" or self._bot != str(route_id(self, "bot_id")):
            raise NotLoadedError
        kept = [question.strip() for question in self.questions if question.strip()]
        self.error = _problem(kept)
        if self.error:
            return None
        rt = get_runtime()
        async with rt.db.tenant(principal) as session:
            patch = BotPatch(starter_questions=kept)
            bot = await bots.change(session, principal, route_id(self, "bot_id"), patch, rt)
        (await self.get_state(BotState)).bot = bot
        self.questions, self.saved = list(bot.starter_questions), list(bot.starter_questions)
        return rx.toast.success("Saved.")

    async def _read(self, principal: Tenant) -> None:
        self._show(await onboarding.reading(get_runtime(), principal, route_id(self, "bot_id")))

    def _show(self, progress: ReadingProgress) -> None:
        self.progress = progress
        if not progress.source_id:
            self.phase = "empty"
        elif progress.status in ACTIVE:
            self.phase = "reading"
        elif progress.status == "ready":
            self.phase = "ready" if self.phase == "ready" else "asking"
        else:
            self.phase = "failed"


async def _settle(principal: Tenant, bot_id: UUID) -> None:
    """Give the bot its starter questions. Where none can be found, that must not hide a bot that works."""
    try:
        await starters.settle(get_runtime(), principal, bot_id)
    except DomainError as error:
        log.warning("starters_failed", code=error.code, bot_id=str(bot_id))
    except Exception as error:
        log.error("starters_crashed", exc_info=error)


def _problem(questions: list[str]) -> str:
    try:
        StarterDraft(starter_questions=[question for question in questions if question.strip()])
    except ValidationError as error:
        return problems_of(error).get("starter_questions", "")
    return ""
