"""Kept answers of two processes over one database: what one changes is not answered as before by the other."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from chatbot_saas.adapters.cache import MemoryCache, RedisCache
from chatbot_saas.core.settings import Settings
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.services import sources
from chatbot_saas.services.runtime import Runtime
from tests.conftest import new_database
from tests.factories.answers import ask, use
from tests.factories.knowledge import HANDBOOK, add_text, make_bot
from tests.factories.people import Person, sign_up
from tests.factories.runtimes import other_runtime
from tests.redis_server import RedisServer

Two = tuple[Runtime, Runtime]


@pytest.fixture(scope="module", params=["memory", "redis"])
async def processes(
    request: pytest.FixtureRequest,
    settings: Settings,
    server_url: str,
    redis_server: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Two]:
    """The one with the jobs, and another that answers: with caches of their own, or with one in Redis."""
    changes: dict[str, Any] = {
        "database_url": await asyncio.to_thread(new_database, server_url, f"processes_{request.param}"),
        "redis_url": redis_server.url if request.param == "redis" else "",
        "answer_cache_seconds": 1800,
    }
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    async with (
        other_runtime(settings, one, **changes) as first,
        other_runtime(settings, other, working=False, **changes) as second,
    ):
        for rt in (first, second):
            assert isinstance(rt.cache, RedisCache if request.param == "redis" else MemoryCache)
            if isinstance(rt.cache, RedisCache):
                rt.cache.patience = 5.0  # this is no test of a slow machine
        yield first, second


async def told(rt: Runtime, person: Person, bot: BotRead) -> tuple[str, bool]:
    """The answer, and whether it was a kept one."""
    answer = await ask(rt, person, bot)
    return answer.answer, answer.usage is not None and answer.usage.saved_tokens > 0


async def kept_by_both(processes: Two, person: Person, bot: BotRead) -> str:
    answer = ""
    for rt in processes:
        await told(rt, person, bot)
        answer, kept = await told(rt, person, bot)
        assert kept
    return answer


async def test_an_answer_is_kept_where_the_cache_is(processes: Two) -> None:
    one, other = processes
    person = await sign_up(one)
    bot = await make_bot(one, person)
    await add_text(one, person, bot.id)
    assert (await told(one, person, bot))[1] is False
    assert (await told(other, person, bot))[1] is isinstance(other.cache, RedisCache)
    assert (await told(other, person, bot))[1] is True


async def test_settings_that_one_changes_count_for_the_others_next_answer(processes: Two) -> None:
    one, other = processes
    person = await sign_up(one)
    bot = await make_bot(one, person)
    await add_text(one, person, bot.id)
    for changing, answering in ((one, other), (other, one)):
        await kept_by_both(processes, person, bot)
        await use(changing, person, bot, instructions=f"Be brief. {changing.cache}")
        assert (await told(answering, person, bot))[1] is False


async def test_knowledge_that_one_changes_is_what_the_other_answers_next(processes: Two) -> None:
    one, other = processes
    person = await sign_up(one)
    bot = await make_bot(one, person)
    before = await add_text(one, person, bot.id)
    assert "5 working days" in await kept_by_both(processes, person, bot)
    await sources.delete(one, person.principal, before.id)
    answer, kept = await told(other, person, bot)
    assert not kept
    assert "5 working days" not in answer
    await add_text(one, person, bot.id, HANDBOOK.replace("5 working days", "9 working days"), "new.md")
    answer, kept = await told(other, person, bot)
    assert not kept
    assert "9 working days" in answer
