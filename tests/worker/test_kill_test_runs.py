"""`kill -9` in the middle of a run of a bot's tests: another worker goes on, and nothing is answered twice."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from chatbot_saas.core.settings import Settings
from chatbot_saas.core.tenancy import System
from chatbot_saas.models import BotTestResult, UsageEvent
from chatbot_saas.schemas.bot_tests import BotTestCreate, BotTestRunDetail
from chatbot_saas.services import bot_test_runs, bot_tests
from tests.factories.jobs import until
from tests.factories.knowledge import HANDBOOK, make_bot, settled
from tests.factories.people import sign_up
from tests.stub_model import running_stub
from tests.worker.places import add, place_for, reached

pytestmark = pytest.mark.kill
QUESTIONS = [
    "How long does a refund take?",
    "What does the delivery of furniture cost?",
    "How long is the warranty on the frame?",
    "Do you deliver abroad?",
    "Does the warranty cover rust?",
]


@pytest.fixture(scope="module")
def stub_url() -> Iterator[str]:
    with running_stub() as url:
        yield url


async def test_a_killed_run_goes_on_and_answers_nothing_twice(
    settings: Settings, server_url: str, stub_url: str, tmp_path: Path
) -> None:
    async with place_for(settings, server_url, stub_url, tmp_path, "test run") as (place, rt):
        person = await sign_up(rt)
        bot = await make_bot(rt, person)
        source = await add(rt, person, bot.id, tmp_path, HANDBOOK)
        first = place.start(TEST_HOLD="answering tests")
        assert (await settled(rt, person, source.id, 120)).status == "ready", str(place)
        async with rt.db.tenant(person.principal) as session:
            for question in QUESTIONS:
                wanted = BotTestCreate(question=question, facts=["cited passage"])
                await bot_tests.create(session, person.principal, bot.id, wanted)
            run = await bot_test_runs.start(session, person.principal, bot.id, rt)

        async def seen() -> BotTestRunDetail:
            async with rt.db.tenant(person.principal) as session:
                return await bot_test_runs.get(session, person.principal, run.id)

        async def two_are_there() -> bool:
            return len((await seen()).results) == 2

        await reached(place, first)
        await until(two_are_there)
        first.send_signal(signal.SIGKILL)
        await asyncio.to_thread(first.wait)
        kept = {result.test_id: result.candidate for result in (await seen()).results}
        place.start(TEST_QUICK="3")

        async def ended() -> bool:
            return not (await seen()).active

        await until(ended, 120)
        done = await seen()
        assert (done.status, done.done, done.passed) == ("done", 5, 5), str(place)
        again = {result.test_id: result.candidate for result in done.results}
        assert all(again[test_id] == answer for test_id, answer in kept.items())
        async with rt.db.platform(System("tests")) as session:
            rows = await session.scalar(select(func.count()).select_from(BotTestResult))
            asked = select(func.count()).select_from(UsageEvent).where(col(UsageEvent.kind) == "chat")
            assert (rows, await session.scalar(asked)) == (5, 5), "what was in flight had not been asked yet"
