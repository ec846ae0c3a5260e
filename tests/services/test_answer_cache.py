"""Kept answers: under what, for whom not, and gone with what they follow from. In memory and in Redis."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from chatbot_saas.adapters.cache import RedisCache
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.settings import Settings
from chatbot_saas.core.tenancy import System, Tenant
from chatbot_saas.models import Bot, Conversation, Message
from chatbot_saas.schemas.bots import BotPatch
from chatbot_saas.schemas.sources import QaSource, QuestionPair, SourcePatch
from chatbot_saas.services import answer_cache, bots, conversations, intake, pairs, sources
from chatbot_saas.services.answer_cache import AnswerKey, KeptAnswer
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.services.turns import view
from tests.conftest import new_database
from tests.factories.knowledge import add_text, make_bot, settled
from tests.factories.people import Person, sign_up
from tests.factories.runtimes import other_runtime
from tests.redis_server import RedisServer

ASKED = "What does the zanzibar offer cost?"
SECRET = "The zanzibar offer costs 7 euros."
ANSWER = KeptAnswer(
    text=f"{SECRET} [1]",
    answered=True,
    citations=[{"number": 1, "title": "Offers", "page": None, "url": None, "quote": SECRET, "chunk_id": "kept as is"}],
    choices=["And in winter?"],
    model="m",
    provider="p",
    input_tokens=900,
    output_tokens=30,
)


@pytest.fixture(scope="module", params=["memory", "redis"])
async def caching(
    request: pytest.FixtureRequest,
    settings: Settings,
    server_url: str,
    redis_server: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Runtime]:
    """A process with a worker and a database of its own, over either cache."""
    url = await asyncio.to_thread(new_database, server_url, f"caching_{request.param}")
    redis_url = redis_server.url if request.param == "redis" else ""
    changes: dict[str, Any] = {"database_url": url, "redis_url": redis_url, "answer_cache_seconds": 1800}
    folder: Path = tmp_path_factory.mktemp("caching")
    async with other_runtime(settings, folder, **changes) as rt:
        if isinstance(rt.cache, RedisCache):
            rt.cache.patience = 5.0  # this is no test of a slow machine
        yield rt


@dataclass(frozen=True)
class Asked:
    """An answer that was made and stored."""

    principal: Tenant
    answer_id: UUID
    conversation_id: UUID


async def row_of(rt: Runtime, principal: Tenant, bot_id: UUID) -> Bot:
    async with rt.db.tenant(principal) as session:
        return await session.get_one(Bot, bot_id)


async def key_of(rt: Runtime, person: Person, bot_id: UUID, question: str = ASKED, language: str = "en") -> AnswerKey:
    return answer_cache.key(rt, await row_of(rt, person.principal, bot_id), question, language)


async def asked(rt: Runtime, person: Person, bot_id: UUID) -> Asked:
    made = Asked(person.principal, new_id(), new_id())
    about = {"tenant_id": person.tenant_id, "bot_id": bot_id}
    async with rt.db.tenant(person.principal) as session:
        session.add(Conversation(id=made.conversation_id, channel="widget", **about))
        await session.flush()
        session.add(Message(id=made.answer_id, conversation_id=made.conversation_id, role="assistant", **about))
    return made


async def keep(rt: Runtime, person: Person, key: AnswerKey) -> Asked:
    made = await asked(rt, person, key.bot_id)
    await answer_cache.keep(rt, person.principal, key, ANSWER, made.answer_id)
    return made


async def test_the_same_question_gets_the_kept_answer(caching: Runtime) -> None:
    person = await sign_up(caching)
    bot = await make_bot(caching, person)
    key = await key_of(caching, person, bot.id)
    assert await answer_cache.lookup(caching, key) is None
    await keep(caching, person, key)
    again = await key_of(caching, person, bot.id, "  what does the ZANZIBAR offer cost ")
    kept = await answer_cache.lookup(caching, again)
    assert kept == ANSWER
    assert kept.saved_tokens == 930
    assert kept.cited()[0].quote == SECRET
    for other in (
        await key_of(caching, person, bot.id, "What does the offer cost?"),
        await key_of(caching, person, bot.id, language="de"),
    ):
        assert await answer_cache.lookup(caching, other) is None
    await caching.cache.set(str(key), b'{"format": 0}', 60)
    assert await answer_cache.lookup(caching, key) is None


async def test_another_tenants_bot_never_gets_it(caching: Runtime) -> None:
    owner, stranger = await sign_up(caching), await sign_up(caching)
    one, other = await make_bot(caching, owner), await make_bot(caching, stranger)
    await keep(caching, owner, await key_of(caching, owner, one.id))
    assert await answer_cache.lookup(caching, await key_of(caching, stranger, other.id)) is None
    row = await row_of(caching, owner.principal, one.id)
    forged = row.model_copy(update={"tenant_id": stranger.tenant_id})
    assert await answer_cache.lookup(caching, answer_cache.key(caching, forged, ASKED, "en")) is None
    # who may not see the bot's row cannot keep an answer of it either
    key = await key_of(caching, owner, one.id, "Another question?")
    made = await asked(caching, owner, one.id)
    await answer_cache.keep(caching, stranger.principal, key, ANSWER, made.answer_id)
    assert await answer_cache.lookup(caching, key) is None


async def test_a_change_of_the_settings_makes_another_key(caching: Runtime) -> None:
    person = await sign_up(caching)
    bot = await make_bot(caching, person)
    before = await key_of(caching, person, bot.id)
    await keep(caching, person, before)
    async with caching.db.tenant(person.principal) as session:
        await bots.change(session, person.principal, bot.id, BotPatch(instructions="Rhyme."), caching)
    after = await key_of(caching, person, bot.id)
    assert str(after) != str(before)
    assert await answer_cache.lookup(caching, after) is None


async def version_of(rt: Runtime, person: Person, bot_id: UUID) -> int:
    return (await row_of(rt, person.principal, bot_id)).knowledge_version


async def test_what_is_never_held_back_makes_another_key_in_the_same_version(caching: Runtime) -> None:
    """A bot that holds its changes goes on answering by its published version, with the key and origins of now."""
    person = await sign_up(caching)
    bot = view(await row_of(caching, person.principal, (await make_bot(caching, person)).id))
    keys = [
        answer_cache.key(caching, now, ASKED, "en")
        for now in (bot, replace(bot, model_key="sealed"), replace(bot, allowed_origins=["https://other.example"]))
    ]
    assert len({str(key) for key in keys}) == 3


async def test_every_change_of_the_knowledge_raises_its_version(caching: Runtime) -> None:
    person = await sign_up(caching)
    bot = await make_bot(caching, person)
    principal, seen = person.principal, [0]

    async def rises(what: str) -> None:
        seen.append(await version_of(caching, person, bot.id))
        assert seen[-1] > seen[-2], what

    source = await add_text(caching, person, bot.id, SECRET, "offers.txt")
    await rises("a file was read")
    async with caching.db.tenant(principal) as session:
        await sources.reindex(session, principal, source.id, caching)
    await settled(caching, person, source.id)
    await rises("it was read again")
    questions = await intake.add(
        caching, principal, bot.id, QaSource(type="qa", title="Q", pairs=[QuestionPair(question="a?", answer="b")])
    )
    await settled(caching, person, questions.id)
    await rises("questions were added")
    before, after = QuestionPair(question="a?", answer="b"), QuestionPair(question="a?", answer="c")
    await pairs.replace(caching, principal, questions.id, before, after)
    await settled(caching, person, questions.id)
    await rises("an answer was changed")
    await intake.change(caching, principal, questions.id, SourcePatch(title="Better"))
    await settled(caching, person, questions.id)
    await rises("a list was renamed, as its citations are")
    await sources.delete(caching, principal, source.id)
    await rises("a source was deleted")


async def test_a_run_that_is_cancelled_or_fails_raises_the_version(caching: Runtime) -> None:
    person = await sign_up(caching)
    bot = await make_bot(caching, person)
    async with caching.db.tenant(person.principal) as session:
        source = sources.Source(
            tenant_id=person.tenant_id, bot_id=bot.id, title="s", status="embedding", blob_key="none"
        )
        session.add(source)
    async with caching.db.tenant(person.principal) as session:
        await sources.cancel(session, person.principal, source.id, caching)
    assert await version_of(caching, person, bot.id) == 1


async def test_a_deleted_source_is_in_no_kept_answer(caching: Runtime, redis_server: RedisServer) -> None:
    person = await sign_up(caching)
    bot = await make_bot(caching, person)
    source = await add_text(caching, person, bot.id, SECRET, "offers.txt")
    key = await key_of(caching, person, bot.id)
    await keep(caching, person, key)
    receipt = await sources.delete(caching, person.principal, source.id)
    assert receipt.verified, receipt.checked
    assert receipt.removed.cache == 1
    assert "Kept answers: none from before is left." in receipt.checked
    assert await answer_cache.lookup(caching, key) is None
    if caching.settings.redis_url:
        assert not [name for name in redis_server.everything() if str(bot.id).encode() in name]
    # an answer that was being made meanwhile is not kept after all
    await keep(caching, person, key)
    assert await caching.cache.keys(f"answer:{bot.id}:") == []


async def test_a_deleted_bot_or_conversation_takes_its_kept_answers_along(caching: Runtime) -> None:
    person = await sign_up(caching)
    bot = await make_bot(caching, person)
    key = await key_of(caching, person, bot.id)
    made = await keep(caching, person, key)
    receipt = await conversations.delete(caching, person.principal, made.conversation_id)
    assert receipt.verified
    assert receipt.removed.cache == 1
    assert await answer_cache.lookup(caching, key) is None
    await answer_cache.keep(caching, person.principal, key, ANSWER, made.answer_id)
    assert await answer_cache.lookup(caching, key) is None  # its message is gone
    await keep(caching, person, key)
    receipt = await bots.delete(caching, person.principal, bot.id)
    assert receipt.verified, receipt.checked
    assert receipt.removed.cache == 1
    await answer_cache.keep(caching, person.principal, key, ANSWER, made.answer_id)
    assert await caching.cache.keys(f"answer:{bot.id}:") == []


async def test_what_is_left_over_is_found(caching: Runtime) -> None:
    """The search of a receipt would see an answer from before."""
    person = await sign_up(caching)
    bot = await make_bot(caching, person)
    key = await key_of(caching, person, bot.id)
    await keep(caching, person, key)
    assert await answer_cache.outdated(caching, person.tenant_id, [bot.id]) == 0
    await caching.cache.set(str(replace(key, knowledge_version=-1)), b"x", 60)
    assert await answer_cache.outdated(caching, person.tenant_id, [bot.id]) == 1
    async with caching.db.platform(System("tests")) as session:
        await session.delete(await session.get_one(Bot, bot.id))
    assert await answer_cache.outdated(caching, person.tenant_id, [bot.id]) == 2
    assert await answer_cache.drop(caching, [bot.id]) == 2


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({}, True),
        ({"complete": False}, False),
        ({"answered": False}, False),
        ({"fallback": True}, False),
        ({"clarifying": True}, False),
        ({"from_pair": True}, False),
    ],
)
def test_what_is_kept(told: dict[str, bool], kept: bool) -> None:
    assert answer_cache.may_keep(**{"complete": True, "answered": True, **told}) is kept


def test_who_is_given_a_kept_answer() -> None:
    assert answer_cache.may_look(ASKED, identified=False, stands_alone=True)
    assert not answer_cache.may_look(ASKED, identified=True, stands_alone=True)
    assert not answer_cache.may_look(ASKED, identified=False, stands_alone=False)
    assert not answer_cache.may_look("?!", identified=False, stands_alone=True)
