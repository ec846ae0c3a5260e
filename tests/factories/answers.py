"""Asking a bot whose model is the stub, and what was asked of that and billed."""

from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select
from sqlmodel import col

from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import System
from chatbot_saas.models import UsageEvent
from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.schemas.chat import ChatAnswer, ChatRequestBody
from chatbot_saas.services import bots, chat
from chatbot_saas.services.live import LiveAnswer
from chatbot_saas.services.runtime import Runtime
from tests.factories.people import Person

QUESTION = "How long does a refund take?"


async def use(rt: Runtime, person: Person, bot: BotRead, **changes: Any) -> BotRead:
    async with rt.db.tenant(person.principal) as session:
        return await bots.change(session, person.principal, bot.id, BotPatch(**changes), rt)


async def begin(
    rt: Runtime, person: Person, bot: BotRead, question: str = QUESTION, session_id: str = ""
) -> tuple[LiveAnswer, UUID]:
    body = ChatRequestBody(bot_id=bot.id, session_id=session_id or new_id().hex, message=question)
    return await chat.ask_with_key(rt, person.principal, body)


async def ask(rt: Runtime, person: Person, bot: BotRead, question: str = QUESTION, session_id: str = "") -> ChatAnswer:
    live, conversation_id = await begin(rt, person, bot, question, session_id)
    return await live.result(conversation_id)


async def spent(rt: Runtime, message_id: UUID, kind: str = "chat") -> list[UsageEvent]:
    async with rt.db.platform(System("tests")) as session:
        query = select(UsageEvent).where(col(UsageEvent.message_id) == message_id, col(UsageEvent.kind) == kind)
        return list((await session.scalars(query.order_by(col(UsageEvent.id)))).all())


async def owners_view(rt: Runtime, person: Person, bot: BotRead) -> BotRead:
    async with rt.db.tenant(person.principal) as session:
        return await bots.get(session, person.principal, bot.id)


async def last_request(stub_url: str) -> dict[str, Any]:
    async with httpx.AsyncClient() as http:
        return (await http.get(stub_url.removesuffix("/v1") + "/last")).json()
