"""Who may go on, and that every run ends: places of each tenant, cancelling, suspending, and what the queue forgot."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from sqlmodel import col

from chatbot_saas.adapters.extraction import process as extraction
from chatbot_saas.adapters.extraction.kinds import Kind
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.settings import Settings
from chatbot_saas.core.tenancy import PlatformAdmin, System
from chatbot_saas.models import Job, Source
from chatbot_saas.schemas.tenants import TenantPatch
from chatbot_saas.services import bots, deletion, intake, jobs, runs, sources, tenants
from chatbot_saas.services.runs import ADMITTED_PER_TENANT, INDEXING
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.worker.process import queues_of_web, work
from tests.conftest import new_database
from tests.factories import files
from tests.factories.gates import held
from tests.factories.jobs import drained, until
from tests.factories.knowledge import add_text, make_bot, settled
from tests.factories.people import Person, sign_up
from tests.factories.runtimes import other_runtime
from tests.factories.statements import counted_statements

NOBODY = System("tests")
PLATFORM = PlatformAdmin(new_id())


@pytest.fixture(scope="module")
async def idle(settings: Settings, server_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Runtime]:
    """A process that takes no jobs, so that they stay as they are put."""
    url = await asyncio.to_thread(new_database, server_url, "idle")
    async with other_runtime(settings, tmp_path_factory.mktemp("idle"), working=False, database_url=url) as rt:
        yield rt


async def add(rt: Runtime, person: Person, bot_id: UUID, folder: Path, count: int) -> list[UUID]:
    """Ids of `count` small files that were just added, in their order."""
    uploads: list[intake.Upload] = []
    for number in range(count):
        path = folder / new_id().hex
        path.write_text(f"The price of number {number} is {number} euros. {path.name}")
        uploads.append(intake.Upload(filename=f"{number}.txt", path=path, size=path.stat().st_size))
    return [source.id for source in await intake.add_files(rt, person.principal, bot_id, uploads)]


async def jobs_of(rt: Runtime, tenant_id: UUID) -> list[Job]:
    async with rt.db.platform(NOBODY) as session:
        query = select(Job).where(col(Job.tenant_id) == tenant_id).order_by(col(Job.id))
        return list((await session.scalars(query)).all())


async def queued(rt: Runtime, task: str = runs.INGEST_SOURCE) -> list[dict[str, Any]]:
    async with rt.db.platform(NOBODY) as session:
        return await rt.jobs.waiting(session, task)


async def queued_of(rt: Runtime, tenant_id: UUID) -> list[str]:
    """Sources in the queue, which may be there twice if something is wrong."""
    return sorted(args["source_id"] for args in await queued(rt) if args["tenant_id"] == str(tenant_id))


async def admit(rt: Runtime, person: Person) -> None:
    async with rt.db.tenant(person.principal) as session:
        await runs.admit(session, rt, person.tenant_id)


async def end(rt: Runtime, person: Person, source_id: UUID, status: str = "ready") -> None:
    async with rt.db.tenant(person.principal) as session:
        source = await session.get_one(Source, source_id, with_for_update=True)
        await runs.end(session, rt, source, status)


async def cancel(rt: Runtime, person: Person, source_id: UUID) -> None:
    async with rt.db.tenant(person.principal) as session:
        await sources.cancel(session, person.principal, source_id, rt)


async def status_of(rt: Runtime, person: Person, status: Any) -> None:
    await tenants.change(rt, PLATFORM, person.tenant_id, TenantPatch(status=status))


def admitted(found: list[Job]) -> list[UUID]:
    return [job.source_id for job in found if job.admitted and job.finished_at is None and job.stage != INDEXING]


# --- places


async def test_a_flood_of_one_tenant_stands_before_nobody(settings: Settings, server_url: str, tmp_path: Path) -> None:
    url = await asyncio.to_thread(new_database, server_url, "flood")
    async with other_runtime(settings, tmp_path / "data", working=False, database_url=url) as rt:
        flooding, other = await sign_up(rt), await sign_up(rt)
        bot, theirs = await make_bot(rt, flooding), await make_bot(rt, other)
        await add(rt, flooding, bot.id, tmp_path, 60)
        [single] = await add(rt, other, theirs.id, tmp_path, 1)
        assert admitted(await jobs_of(rt, other.tenant_id)) == [single], "at once"
        worker = asyncio.create_task(work(rt, queues_of_web(rt.settings)))
        assert (await settled(rt, other, single)).status == "ready"
        [mine] = await jobs_of(rt, other.tenant_id)
        assert mine.started_at
        earlier = [j for j in await jobs_of(rt, flooding.tenant_id) if j.started_at and j.started_at < mine.started_at]
        assert len(earlier) < 10
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_places_are_filled_in_the_order_of_adding(idle: Runtime, tmp_path: Path) -> None:
    person = await sign_up(idle)
    bot = await make_bot(idle, person)
    ids = await add(idle, person, bot.id, tmp_path, 8)
    assert admitted(await jobs_of(idle, person.tenant_id)) == ids[:ADMITTED_PER_TENANT]
    await end(idle, person, ids[1])
    await end(idle, person, ids[3], "failed")
    assert admitted(await jobs_of(idle, person.tenant_id)) == [ids[0], ids[2], ids[4], ids[5]]
    async with idle.db.tenant(person.principal) as session:
        await runs.wait_for_index(session, idle, await session.get_one(Source, ids[0], with_for_update=True))
    assert admitted(await jobs_of(idle, person.tenant_id)) == [ids[2], ids[4], ids[5], ids[6]]


async def test_two_that_admit_at_once_admit_no_more(idle: Runtime, tmp_path: Path) -> None:
    person = await sign_up(idle)
    bot = await make_bot(idle, person)
    ids = await add(idle, person, bot.id, tmp_path, 12)
    await asyncio.gather(*(admit(idle, person) for _ in range(8)), runs.admit_everywhere(idle))
    assert len(admitted(await jobs_of(idle, person.tenant_id))) == ADMITTED_PER_TENANT
    assert await queued_of(idle, person.tenant_id) == sorted(map(str, ids[:ADMITTED_PER_TENANT]))


async def test_all_cancelled_at_once_wait_for_nobody(idle: Runtime, tmp_path: Path) -> None:
    """Each cancel frees a place and fills it with one that is being cancelled, too."""
    person = await sign_up(idle)
    bot = await make_bot(idle, person)
    ids = await add(idle, person, bot.id, tmp_path, 16)
    async with asyncio.timeout(30):
        await asyncio.gather(*(cancel(idle, person, source_id) for source_id in ids))
    found = await jobs_of(idle, person.tenant_id)
    assert {job.status for job in found} == {"cancelled"}
    assert all(job.finished_at for job in found)
    [again] = await add(idle, person, bot.id, tmp_path, 1)
    assert admitted(await jobs_of(idle, person.tenant_id)) == [again], "no place is lost"


async def test_what_is_rolled_back_takes_no_place(idle: Runtime, tmp_path: Path) -> None:
    person = await sign_up(idle)
    bot = await make_bot(idle, person)
    ids = await add(idle, person, bot.id, tmp_path, 5)
    async with idle.db.tenant(person.principal) as session:
        await runs.end(session, idle, await session.get_one(Source, ids[0], with_for_update=True), "ready")
        await session.rollback()  # as a kill before the commit does
    assert admitted(await jobs_of(idle, person.tenant_id)) == ids[:4]
    assert str(ids[4]) not in await queued_of(idle, person.tenant_id)


async def test_a_deleted_source_leaves_its_place(idle: Runtime, tmp_path: Path) -> None:
    person = await sign_up(idle)
    bot, other = await make_bot(idle, person), await make_bot(idle, person)
    ids = await add(idle, person, bot.id, tmp_path, 4)
    waiting = await add(idle, person, other.id, tmp_path, 3)
    await sources.delete(idle, person.principal, ids[0])
    assert admitted(await jobs_of(idle, person.tenant_id)) == [*ids[1:], waiting[0]], "at once"
    await bots.delete(idle, person.principal, bot.id)
    await runs.admit_everywhere(idle)
    assert admitted(await jobs_of(idle, person.tenant_id)) == waiting, "at the worker's next look"


async def test_a_suspended_tenant_has_no_places_until_it_is_resumed(idle: Runtime, tmp_path: Path) -> None:
    person = await sign_up(idle)
    bot = await make_bot(idle, person)
    await runs.mend(idle)  # whatever other tests left behind
    ids = await add(idle, person, bot.id, tmp_path, 7)
    await status_of(idle, person, "suspended")
    await end(idle, person, ids[0])
    await runs.admit_everywhere(idle)
    assert admitted(await jobs_of(idle, person.tenant_id)) == ids[1:4]
    assert await runs.mend(idle) == 0
    await asyncio.gather(status_of(idle, person, "active"), *(end(idle, person, source_id) for source_id in ids[1:3]))
    found = [job for job in await jobs_of(idle, person.tenant_id) if not job.finished_at]
    assert admitted(found) == ids[3:7]
    async with idle.db.platform(NOBODY) as session:
        now = {row.id: row.run for row in (await session.execute(select(col(Source.id), col(Source.run)))).all()}
    assert all(job.run == now[job.source_id] for job in found), "what was enqueued before stops"
    entries = {(args["source_id"], args["run"]) for args in await queued(idle)}
    assert {(str(job.source_id), job.run) for job in found} <= entries


async def test_full_places_are_seen_in_two_statements_by_an_index(idle: Runtime, tmp_path: Path) -> None:
    person = await sign_up(idle)
    bot = await make_bot(idle, person)
    await add(idle, person, bot.id, tmp_path, 5)
    with counted_statements() as sent:
        await admit(idle, person)
    assert len(sent) == 3, "who asks, the lock, the count"
    async with idle.db.platform(NOBODY) as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))  # a small table is read as a whole
        plan = await session.scalars(
            text("EXPLAIN SELECT count(*) FROM jobs WHERE tenant_id = :id AND finished_at IS NULL AND admitted"),
            {"id": person.tenant_id},
        )
    # of few rows both indexes cost the same
    assert re.search("using ix_jobs_(open|tenant_id)", "\n".join(plan.all()))


# --- what the queue forgot


async def test_what_the_queue_lost_is_enqueued_again_once(idle: Runtime, tmp_path: Path) -> None:
    person = await sign_up(idle)
    bot = await make_bot(idle, person)
    await runs.mend(idle)  # whatever other tests left behind
    ids = await add(idle, person, bot.id, tmp_path, 6)
    async with idle.db.tenant(person.principal) as session:
        await runs.wait_for_index(session, idle, await session.get_one(Source, ids[0], with_for_update=True))
    assert await runs.mend(idle) == 1, "nobody enqueued its indexing"
    assert str(bot.id) in [args["bot_id"] for args in await queued(idle, deletion.INDEX_BOT)]
    async with idle.db.platform(NOBODY) as session:
        await session.execute(
            text("DELETE FROM procrastinate_jobs WHERE args->>'tenant_id' = :id"), {"id": str(person.tenant_id)}
        )
    counts = await asyncio.gather(*(runs.mend(idle) for _ in range(3)))
    assert sum(counts) == 5
    assert await runs.mend(idle) == 0
    assert await queued_of(idle, person.tenant_id) == sorted(map(str, ids[1:5]))


async def test_a_run_that_its_source_outlived_ends(idle: Runtime, tmp_path: Path) -> None:
    person = await sign_up(idle)
    bot = await make_bot(idle, person)
    moved, ended, kept = await add(idle, person, bot.id, tmp_path, 3)
    async with idle.db.platform(NOBODY) as session:
        await session.execute(update(Source).where(col(Source.id) == moved).values(run=9))
        await session.execute(update(Source).where(col(Source.id) == ended).values(status="ready"))
        await session.execute(text("DELETE FROM procrastinate_jobs"))
    assert await runs.mend(idle) >= 3
    found = {job.source_id: job for job in await jobs_of(idle, person.tenant_id)}
    assert [found[source_id].status for source_id in (moved, ended, kept)] == ["cancelled", "cancelled", "queued"]


async def test_a_new_run_ends_the_one_before(idle: Runtime, tmp_path: Path) -> None:
    person = await sign_up(idle)
    bot = await make_bot(idle, person)
    [source_id] = await add(idle, person, bot.id, tmp_path, 1)
    async with idle.db.tenant(person.principal) as session:
        source = await session.get_one(Source, source_id, with_for_update=True)
        await runs.begin_again(session, idle, source, "reindex")
    first, second = await jobs_of(idle, person.tenant_id)
    assert (first.status, second.status, second.admitted) == ("cancelled", "queued", True)


# --- cancelling stops work under way


@pytest.mark.parametrize("stage", ["extracting", "chunking", "embedding"])
async def test_work_under_way_stops_though_its_step_never_ends(keyed: Runtime, stage: str) -> None:
    """The step is held for ever, as by a provider that does not answer: the place, and the worker's, are free."""
    person = await sign_up(keyed)
    bot = await make_bot(keyed, person)
    async with held(keyed, stage) as gate:
        source_id = (await add_held(keyed, person, bot.id)).id
        await asyncio.wait_for(gate.reached.wait(), 60)
        await cancel(keyed, person, source_id)
        await drained(keyed)
        assert not gate.open.is_set()
        async with keyed.db.platform(NOBODY) as session:
            kept = await session.scalar(select(func.count()).select_from(Source).where(col(Source.id) == source_id))
        assert kept, "and can be tried again"
    assert len(await keyed.blobs.keys(f"{person.tenant_id}/")) == 1
    [job] = await jobs_of(keyed, person.tenant_id)
    again = await retried(keyed, person, job.id)
    assert (await settled(keyed, person, again)).status == "ready"


async def add_held(rt: Runtime, person: Person, bot_id: UUID) -> Any:
    uploads = [await on_disk(rt, "The warranty lasts five years.")]
    [source] = await intake.add_files(rt, person.principal, bot_id, uploads)
    return source


async def on_disk(rt: Runtime, words: str) -> intake.Upload:
    path = rt.settings.data_dir / f"upload-{new_id().hex}"
    await asyncio.to_thread(path.write_text, words)
    return intake.Upload(filename="a.txt", path=path, size=path.stat().st_size)


async def retried(rt: Runtime, person: Person, job_id: UUID) -> UUID:
    async with rt.db.tenant(person.principal) as session:
        return (await jobs.retry(session, person.principal, job_id, rt)).source_id


async def test_a_reader_that_hangs_is_ended_and_holds_nobody_up(
    keyed: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(extraction._READERS, Kind.PDF, "tests.services.test_runs:hang")
    person = await sign_up(keyed)
    bot = await make_bot(keyed, person)
    uploads = [await on_disk(keyed, ""), await on_disk(keyed, "The warranty lasts five years.")]
    await asyncio.to_thread(uploads[0].path.write_bytes, files.pdf(files.HANDBOOK))
    hanging = intake.Upload("hangs.pdf", uploads[0].path, uploads[0].path.stat().st_size)
    first, second = await intake.add_files(keyed, person.principal, bot.id, [hanging, uploads[1]])
    assert (await settled(keyed, person, second.id)).status == "ready", "others of the same tenant go on"

    async def being_read() -> bool:
        [job, _] = await jobs_of(keyed, person.tenant_id)
        return job.stage == "extracting" and len(keyed.processes.processes()) == 1

    await until(being_read)
    [process] = keyed.processes.processes()
    await cancel(keyed, person, first.id)
    await drained(keyed)

    async def ended() -> bool:
        return process not in keyed.processes.processes()

    await until(ended)  # nothing is read for nobody
    assert (await add_text(keyed, person, bot.id, "It lasts six.", "b.txt")).status == "ready"


def hang(path: str, filename: str) -> None:
    """A reader that never ends. Runs in a worker process."""
    while True:
        pass


async def test_waiting_and_admitted_runs_are_cancelled_before_they_begin(keyed: Runtime, tmp_path: Path) -> None:
    person = await sign_up(keyed)
    bot = await make_bot(keyed, person)
    async with held(keyed, "extracting") as gate:
        ids = await add(keyed, person, bot.id, tmp_path, 6)
        await asyncio.wait_for(gate.reached.wait(), 60)
        await cancel(keyed, person, ids[5])
        assert await queued_of(keyed, person.tenant_id) == sorted(map(str, ids[:4])), "it was never admitted"
        await cancel(keyed, person, ids[0])
        assert str(ids[4]) in await queued_of(keyed, person.tenant_id), "its place is free at once"
    for source_id in ids[1:5]:
        assert (await settled(keyed, person, source_id)).status == "ready"
    await drained(keyed)
    assert {job.status for job in await jobs_of(keyed, person.tenant_id)} == {"succeeded", "cancelled"}
