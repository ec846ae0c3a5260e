"""A visitor's stop reaches the process that answers them, whichever got it."""

import asyncio
from dataclasses import replace

from chatbot_saas.core.ids import new_id
from chatbot_saas.models import Message
from chatbot_saas.schemas.chat import ChatRequestBody
from chatbot_saas.services import chat, stops
from chatbot_saas.services.live import LiveAnswers
from chatbot_saas.services.runtime import Runtime
from tests.factories.knowledge import make_knowing_bot
from tests.factories.people import sign_up


def one_of_several(rt: Runtime) -> Runtime:
    """Another process beside: the same database, other answers. Redis is named, and not needed for this."""
    settings = rt.settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    return replace(rt, settings=settings, answers=LiveAnswers())


async def test_an_answer_is_stopped_by_a_process_that_does_not_make_it(keyed: Runtime) -> None:
    person = await sign_up(keyed)
    bot = await make_knowing_bot(keyed, person, model="stub-paced")
    makes, hears = one_of_several(keyed), one_of_several(keyed)
    listening = asyncio.create_task(stops.listen(makes))
    body = ChatRequestBody(bot_id=bot.id, session_id=new_id().hex, message="How long does a refund take?")
    live, conversation_id = await chat.ask_with_key(makes, person.principal, body)
    await anext(live.follow())
    # what is told before the channel is heard is lost: a visitor would click again
    while not live.stopped and not live.finished:
        async with hears.db.tenant(person.principal) as session:
            await stops.stop(hears, session, live.question_id)
        await asyncio.sleep(0.05)
    answer = await live.result(conversation_id)
    assert answer.stopped
    async with keyed.db.tenant(person.principal) as session:
        row = await session.get_one(Message, live.answer_id)
    assert (row.status, row.text) == ("complete", answer.answer)
    listening.cancel()


async def test_where_there_is_one_process_nobody_listens(keyed: Runtime) -> None:
    await asyncio.wait_for(stops.listen(keyed), 1)
