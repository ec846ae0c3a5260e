"""Stopping an answer, in whichever process it is made.

A website's next request may reach another process than the one that answers. So a stop that nobody here understands is
told to all, by PostgreSQL's LISTEN: whoever makes the answer ends it. One that is lost costs the rest of an answer.
"""

from contextlib import aclosing
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chatbot_saas.adapters.notices import heard, ids
from chatbot_saas.services.runtime import Runtime

CHANNEL = "chatbot_stops"


async def stop(rt: Runtime, session: AsyncSession, question_id: UUID) -> None:
    """End the answer to this question where it is. One that is whole already stays as it is."""
    if not rt.answers.stop(question_id) and rt.settings.redis_url:
        await session.execute(text("SELECT pg_notify(:channel, :id)"), {"channel": CHANNEL, "id": str(question_id)})


async def listen(rt: Runtime) -> None:
    """Stop what is made here and was stopped elsewhere. Returns at once where there is one process only."""
    if not rt.settings.redis_url:
        return
    async with aclosing(heard(rt.db.listen, CHANNEL)) as payloads:
        async for payload in payloads:
            for question_id in ids(payload) if payload else ():
                rt.answers.stop(question_id)
