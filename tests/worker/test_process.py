"""The worker goes on by itself when the database was away, and when others took it for dead."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from chatbot_saas.adapters import jobs
from chatbot_saas.core.settings import Settings
from chatbot_saas.core.tenancy import System
from chatbot_saas.services import runs
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.worker import process
from tests.conftest import new_database
from tests.factories.jobs import until
from tests.factories.knowledge import add_text, make_bot
from tests.factories.people import sign_up
from tests.factories.runtimes import other_runtime

NOBODY = System("tests")
PRUNED = "DELETE FROM procrastinate_workers"
CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"""


@pytest.fixture
async def own(
    settings: Settings, server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Runtime]:
    """A process with a database of its own, which takes jobs and looks often whether others lost some."""
    monkeypatch.setattr(process, "RESCUE_SECONDS", 0.2)
    monkeypatch.setattr(process, "AGAIN_SECONDS", 0.1)
    monkeypatch.setattr(jobs, "HEARTBEAT_SECONDS", 0.2)
    url = await asyncio.to_thread(new_database, server_url, "worker")
    async with other_runtime(settings, tmp_path, database_url=url) as rt:
        yield rt


@pytest.mark.parametrize("trouble", [PRUNED, CUT], ids=["pruned", "cut"])
async def test_jobs_are_taken_after_trouble_with_the_database(own: Runtime, server_url: str, trouble: str) -> None:
    person = await sign_up(own)
    bot = await make_bot(own, person)
    assert (await add_text(own, person, bot.id, "It lasts five years.", "a.txt")).status == "ready"
    async with own.db.platform(NOBODY) as session:
        await session.execute(text(trouble))
    for number in range(2):
        await recovered(own)
        ended = await add_text(own, person, bot.id, f"It lasts {number} years.", f"{number}.txt")
        assert ended.status == "ready"


async def recovered(rt: Runtime) -> None:
    """The pool's connections that were cut have been replaced."""

    async def fine() -> bool:
        try:
            async with rt.db.platform(NOBODY) as session:
                await session.execute(text("SELECT 1"))
            return True
        except Exception:
            return False

    await until(fine)


async def test_one_process_rescues_at_a_time(own: Runtime) -> None:
    async with runs.alone(own, "a test") as first, runs.alone(own, "a test") as second:
        assert (first, second) == (True, False)
    async with runs.alone(own, "a test") as third:
        assert third


async def test_a_worker_is_dead_when_it_was_silent_twice(own: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "RESCUE_SECONDS", 3600.0)
    await asyncio.sleep(0.5)  # the loop's last look with the short pause
    async with own.db.platform(NOBODY) as session:
        await session.execute(
            text(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, status, args) "
                "VALUES ('nobody', 'orphan', 'doing', '{}')"
            )
        )
    seen: list[str] = []

    async def give_up(task: str, _: object) -> None:
        seen.append(task)

    async def status() -> str:
        async with own.db.platform(NOBODY) as session:
            found = await session.scalar(text("SELECT status FROM procrastinate_jobs WHERE task_name = 'orphan'"))
        return str(found)

    await own.jobs.rescue(give_up)
    assert await status() == "doing", "it may be heard of yet"
    await own.jobs.rescue(give_up)
    assert await status() == "todo"
    async with own.db.platform(NOBODY) as session:
        again = "UPDATE procrastinate_jobs SET status = 'doing', attempts = :most WHERE task_name = 'orphan'"
        await session.execute(text(again), {"most": jobs.MAX_DEATHS - 1})
    await own.jobs.rescue(give_up)
    await own.jobs.rescue(give_up)
    assert (await status(), seen) == ("failed", ["orphan"])


async def test_a_cancellation_that_is_lost_is_repeated(own: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[str] = []

    async def deaf(_: object, queues: list[str], concurrency: int) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        lost.extend(queues)
        await asyncio.sleep(3600)

    monkeypatch.setattr(process, "STOP_SECONDS", 0.1)
    monkeypatch.setattr(process.tasks, "register", lambda *_: None)  # the fixture's own worker has done so
    monkeypatch.setattr(type(own.jobs), "work", deaf)
    working = asyncio.create_task(process.work(own, ["ingest"]))
    await asyncio.sleep(0.2)
    working.cancel()
    async with asyncio.timeout(20):
        await asyncio.gather(working, return_exceptions=True)
    assert working.cancelled()
    assert sorted(lost) == ["ingest", "mail"]
