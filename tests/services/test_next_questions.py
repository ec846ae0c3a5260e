"""What can be asked after an answer: questions that the bot knows, none of them twice."""

import pytest

from chatbot_saas.core.ids import new_id
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.schemas.chat import ChatAnswer, ChatRequestBody
from chatbot_saas.schemas.sources import QuestionPair
from chatbot_saas.services import chat
from chatbot_saas.services.runtime import Runtime
from tests.factories.knowledge import make_knowing_bot
from tests.factories.people import Person, sign_up
from tests.factories.questions import add_pairs

REFUND = "How long does a refund take?"
STARTERS = ["How long does a refund take", "Do you ship abroad?", "May I return a plant?", "Where is the shop?"]
RELATED = QuestionPair(question="Who pays the refund of a gift?", answer="Our office in Ghent does.")
OTHER = QuestionPair(question="Is there a car park?", answer="Behind the shop, for two hours.")


@pytest.fixture(scope="module")
async def person(rt: Runtime) -> Person:
    return await sign_up(rt)


async def ask(rt: Runtime, person: Person, bot: BotRead, question: str, session: str, message: str = "") -> ChatAnswer:
    body = ChatRequestBody(bot_id=bot.id, session_id=session, message=question, client_message_id=message or None)
    live, conversation_id = await chat.ask_with_key(rt, person.principal, body)
    return await live.result(conversation_id)


async def test_three_questions_that_were_not_asked_follow_an_answer(rt: Runtime, person: Person) -> None:
    bot = await make_knowing_bot(rt, person, starter_questions=STARTERS)
    session = new_id().hex
    first = await ask(rt, person, bot, REFUND, session, "one")
    assert (first.answered, first.leave_message) == (True, False)
    assert first.choices == STARTERS[1:], "the first one was asked, in other signs"
    assert (await ask(rt, person, bot, REFUND, session, "one")).choices == first.choices, "told again alike"
    await ask(rt, person, bot, "May I return a plant?", session)
    assert (await ask(rt, person, bot, REFUND, session)).choices == [STARTERS[1], STARTERS[3]]


async def test_pairs_that_are_near_come_first_and_what_was_just_said_not_at_all(rt: Runtime, person: Person) -> None:
    bot = await make_knowing_bot(rt, person, starter_questions=STARTERS, qa_threshold=0.99)
    await add_pairs(rt, person, bot.id, [OTHER, RELATED])
    answer = await ask(rt, person, bot, REFUND, new_id().hex)
    assert answer.answered
    assert RELATED.answer not in answer.answer
    assert answer.choices == [RELATED.question, *STARTERS[1:3]]
    same = await ask(rt, person, bot, RELATED.question, new_id().hex)
    assert same.answer == RELATED.answer
    assert same.choices == STARTERS[:3]


async def test_an_owner_may_not_want_them_and_a_bot_that_declines_has_none(rt: Runtime, person: Person) -> None:
    bot = await make_knowing_bot(rt, person, starter_questions=STARTERS, widget={"follow_ups": False})
    assert (await ask(rt, person, bot, REFUND, new_id().hex)).choices == []
    bot = await make_knowing_bot(rt, person, starter_questions=STARTERS)
    declined = await ask(rt, person, bot, "Who painted the Night Watch?", new_id().hex)
    assert (declined.answered, declined.choices) == (False, [])
