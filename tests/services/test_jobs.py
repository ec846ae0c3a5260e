"""What a tenant is told of its jobs, and what it may do with them."""

import asyncio
from uuid import UUID, uuid4

import httpx
import pytest

from chatbot_saas.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from chatbot_saas.core.paging import PageRequest
from chatbot_saas.core.tenancy import PlatformAdmin, Role, System
from chatbot_saas.models import Job, Source
from chatbot_saas.schemas.jobs import JobRead
from chatbot_saas.services import jobs, sources
from chatbot_saas.services.runtime import Runtime
from tests.factories.gates import held
from tests.factories.knowledge import add_text, make_bot, settled
from tests.factories.people import Person, make_platform_admin, sign_up
from tests.factories.statements import counted_statements

NEWEST = PageRequest(limit=100)


async def listed(rt: Runtime, person: Person, **wanted: str) -> list[JobRead]:
    async with rt.db.tenant(person.principal) as session:
        return (await jobs.list_page(session, person.principal, NEWEST, **wanted)).items  # pyright: ignore[reportArgumentType]


async def test_a_job_tells_its_way_from_adding_to_its_end(keyed: Runtime) -> None:
    person = await sign_up(keyed)
    bot = await make_bot(keyed, person, name="Helper")
    good = await add_text(keyed, person, bot.id, "It lasts five years.", "good.txt")
    bad = await add_text(keyed, person, bot.id, b"\x7fELF", "bad.pdf")
    failed, done = await listed(keyed, person)
    assert (done.source_id, done.status, done.stage, done.progress, done.attempts) == (
        good.id,
        "succeeded",
        "done",
        1,
        1,
    )
    assert (done.kind, done.source_type, done.bot_name, done.title) == ("add", "file", "Helper", "good")
    assert done.error is None
    assert done.started_at
    assert done.finished_at
    assert done.created_at <= done.started_at <= done.finished_at
    assert failed.error
    assert (failed.source_id, failed.status, failed.progress) == (bad.id, "failed", 0)
    assert (failed.error.code, len(failed.error.message) > 30) == ("file_mislabelled", True)
    assert (failed.retryable, done.retryable) == (True, False)
    async with keyed.db.tenant(person.principal) as session:
        again = await jobs.retry(session, person.principal, failed.id, keyed)
        assert await jobs.get(session, person.principal, failed.id) == failed.model_copy(update={"retryable": False})
    assert (again.kind, again.source_id, again.open) == ("reindex", bad.id, True)
    assert (await settled(keyed, person, bad.id)).status == "failed"
    assert [job.retryable for job in await listed(keyed, person, status="failed")] == [True, False]


async def test_an_open_job_is_cancelled_and_an_ended_one_is_not(keyed: Runtime) -> None:
    person = await sign_up(keyed)
    bot = await make_bot(keyed, person)
    ended = await add_text(keyed, person, bot.id, "It lasts five years.", "a.txt")
    async with held(keyed, "extracting") as gate:
        adding = asyncio.create_task(add_text(keyed, person, bot.id, "It costs five euros.", "b.txt"))
        await asyncio.wait_for(gate.reached.wait(), 60)
        [job] = await listed(keyed, person, status="open")
        async with keyed.db.tenant(person.principal) as session:
            with pytest.raises(ConflictError):
                await jobs.retry(session, person.principal, job.id, keyed)
            cancelled = await jobs.cancel(session, person.principal, job.id, keyed)
        assert (cancelled.status, cancelled.stage, cancelled.retryable) == ("cancelled", "done", True)
        assert cancelled.finished_at
        assert (await adding).status == "cancelled"
    async with keyed.db.tenant(person.principal) as session:
        for done in await listed(keyed, person):
            with pytest.raises(ConflictError):
                await jobs.cancel(session, person.principal, done.id, keyed)
        assert (await sources.get(session, person.principal, ended.id)).status == "ready"


async def test_many_at_once_pass_over_what_cannot_be(keyed: Runtime) -> None:
    person, stranger = await sign_up(keyed), await sign_up(keyed)
    bot, theirs = await make_bot(keyed, person), await make_bot(keyed, stranger)
    await add_text(keyed, stranger, theirs.id, b"\x7fELF", "bad.pdf")
    await add_text(keyed, person, bot.id, b"\x7fELF", "bad.pdf")
    await add_text(keyed, person, bot.id, "It lasts five years.", "good.txt")
    mine, foreign = await listed(keyed, person), await listed(keyed, stranger)
    wanted = [*(job.id for job in [*mine, *foreign]), uuid4()]
    assert (await jobs.cancel_many(keyed, person.principal, wanted)).model_dump() == {"done": 0, "passed_over": 4}
    found = await jobs.retry_many(keyed, person.principal, [job.id for job in mine if job.retryable] * 2)
    assert (found.done, found.passed_over) == (1, 0)
    assert [job.status for job in await listed(keyed, stranger)] == ["failed"]
    with pytest.raises(InvalidError):
        await jobs.cancel_many(keyed, person.principal, [uuid4() for _ in range(jobs.MAX_BULK + 1)])
    viewer = await sign_up(keyed, Role.VIEWER, person.tenant_id)
    for many in (jobs.cancel_many, jobs.retry_many):
        with pytest.raises(ForbiddenError):
            await many(keyed, viewer.principal, wanted)


async def test_an_administrator_acts_inside_the_jobs_tenant(keyed: Runtime) -> None:
    person = await sign_up(keyed)
    bot = await make_bot(keyed, person)
    await add_text(keyed, person, bot.id, b"\x7fELF", "bad.pdf")
    [failed] = await listed(keyed, person)
    admin = PlatformAdmin((await make_platform_admin(keyed)).user_id)
    again = await jobs.retry_for_admin(keyed, admin, failed.id)
    assert (await settled(keyed, person, again.source_id)).status == "failed"
    found = await jobs.retry_many_for_admin(keyed, admin, [failed.id, again.id])
    assert (found.done, found.passed_over) == (1, 1), "the newer one; its source is then read already"
    with pytest.raises(NotFoundError):
        await jobs.cancel_for_admin(keyed, admin, uuid4())


async def add_rows(rt: Runtime, person: Person, bot_id: UUID, count: int, word: str) -> None:
    async with rt.db.platform(System("tests")) as session:
        owned = {"tenant_id": person.tenant_id, "bot_id": bot_id}
        rows = [Source(**owned, title=f"{word} {n}", status="failed") for n in range(count)]
        session.add_all(rows)
        await session.flush()
        session.add_all(
            Job(**owned, source_id=row.id, kind="add", run=1, status="failed", error_code="x", error="y")
            for row in rows
        )


@pytest.mark.parametrize("address", ["/api/v1/jobs", "/api/v1/admin/jobs"])
async def test_statements_do_not_grow_with_rows(rt: Runtime, client: httpx.AsyncClient, address: str) -> None:
    person, word = await make_platform_admin(rt), uuid4().hex
    bot = await make_bot(rt, person)
    counts: list[int] = []
    for more, rows in ((3, 3), (57, 60)):
        await add_rows(rt, person, bot.id, more, word)
        query = {"limit": "100", "search": word}
        await client.get(address, params=query, headers=person.headers)
        with counted_statements() as sent:
            answer = await client.get(address, params=query, headers=person.headers)
        assert len(answer.json()["items"]) == rows, answer.text
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 6


async def test_pages_hold_every_job_once_newest_first(rt: Runtime, client: httpx.AsyncClient, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    await add_rows(rt, owner, bot.id, 20, "a")
    seen: list[str] = []
    query = {"limit": "7"}
    while True:
        page = (await client.get("/api/v1/jobs", params=query, headers=owner.headers)).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert len(seen) == 20
    assert seen == sorted(set(seen), reverse=True)
