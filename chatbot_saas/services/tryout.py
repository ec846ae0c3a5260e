"""Answers a question as a version of a bot would, for tests: nothing of it is a conversation, its usage is recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chatbot_saas.adapters.llm import Usage
from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.chat import Citation
from chatbot_saas.services import bots, published
from chatbot_saas.services.live import LiveAnswer
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.services.turns import Turn, make_answer, view


@dataclass(frozen=True, slots=True)
class Tried:
    text: str
    answered: bool
    citations: list[Citation]
    trace: dict[str, Any]
    usages: list[tuple[Usage, str]]
    """Each call to the chat model with its outcome."""


async def try_out(rt: Runtime, principal: Tenant, bot_id: UUID, question: str, *, version: int | None = None) -> Tried:
    """Without a history. `version`: with the settings of that one instead of the bot's present ones."""
    principal.require(Scope.CHAT)
    async with rt.db.tenant(principal) as session:
        bot = await bots.load(session, principal, bot_id)
        settings: Mapping[str, Any] | None = {}
        if version is not None and version != bot.version:
            settings = await published.settings_of(session, bot_id, version)
    if settings is None:
        raise NotFoundError("There is no such version of this bot.")
    bot = published.with_settings(bot, settings)
    question_id, answer_id = new_id(), new_id()
    # no message has this id, so that the turn stores nothing but its usage
    turn = Turn(
        principal=principal,
        bot=view(bot),
        conversation_id=new_id(),
        question_id=question_id,
        answer_id=answer_id,
        question=question,
        history=[],
        live=LiveAnswer(question_id, answer_id),
    )
    await make_answer(rt, turn)
    return Tried(turn.text, turn.answered, turn.citations, turn.trace, turn.usages)
