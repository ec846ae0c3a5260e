"""The pages of jobs, of a tenant and of the platform, event by event."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from chatbot_saas.core.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.settings import Settings
from chatbot_saas.core.tenancy import Role, System
from chatbot_saas.models import AuditEntry, Source
from chatbot_saas.services import auth, runs
from chatbot_saas.services.runtime import Runtime, get_runtime, set_runtime
from chatbot_saas.state import following, lists
from chatbot_saas.state.admin_jobs import AdminJobsState
from chatbot_saas.state.jobs import JobsState
from chatbot_saas.state.session import session_token
from tests.conftest import new_database
from tests.factories.knowledge import make_bot
from tests.factories.people import Person, make_platform_admin, sign_up
from tests.factories.runtimes import other_runtime
from tests.factories.tabs import Tab, open_tab

CHANGES = ("cancel", "retry", "cancel_selected", "retry_selected")


@pytest.fixture(autouse=True)
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "SHORTEST_SECONDS", 0.02)
    monkeypatch.setattr(following, "LONGEST_SECONDS", 0.02)
    monkeypatch.setattr(lists, "POLLS", 3)


@pytest.fixture(scope="module")
async def idle(
    rt: Runtime, settings: Settings, server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Runtime]:
    """A process that takes no jobs, so that they stay as they are put; handlers use it meanwhile."""
    url = await asyncio.to_thread(new_database, server_url, "idle_state")
    async with other_runtime(settings, tmp_path_factory.mktemp("idle"), working=False, database_url=url) as other:
        before = get_runtime()
        set_runtime(other)
        yield other
        set_runtime(before)


@pytest.fixture
async def person(idle: Runtime) -> Person:
    return await sign_up(idle)


async def add(rt: Runtime, person: Person, *titles: str, bot_id: UUID | None = None) -> list[UUID]:
    """Sources whose jobs have been begun; their ids."""
    wanted = bot_id or (await make_bot(rt, person)).id
    ids: list[UUID] = []
    async with rt.db.tenant(person.principal) as session:
        for title in titles:
            source = Source(id=new_id(), tenant_id=person.tenant_id, bot_id=wanted, title=title, blob_key="kept")
            session.add(source)
            await session.flush()
            await runs.begin(session, rt, source, "add")
            ids.append(source.id)
    return ids


async def end(rt: Runtime, person: Person, source_id: UUID, status: str, **why: str) -> None:
    async with rt.db.tenant(person.principal) as session:
        await runs.end(session, rt, await session.get_one(Source, source_id, with_for_update=True), status, **why)


async def loaded(rt: Runtime, person: Person, state: Any = JobsState) -> tuple[Tab, Any]:
    tab = await open_tab(rt, person)
    await tab.run(state.load)
    return tab, await tab.state(state)


def titles(state: Any) -> list[str]:
    return [item.title for item in state.items]


async def test_the_list_searches_filters_and_pages(
    idle: Runtime, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZE", 2)
    first, second, _, _ = await add(idle, person, "alpha", "beta", "gamma", "delta")
    await end(idle, person, first, "failed", code="file_empty", message="The file is empty.")
    await end(idle, person, second, "ready")
    tab, state = await loaded(idle, person)
    assert titles(state) == ["delta", "gamma"]
    await tab.run(JobsState.load_more)
    assert titles(state) == ["delta", "gamma", "beta", "alpha"]
    assert not state.next_cursor
    assert [item.retryable for item in state.items] == [False, False, False, True]
    for status, found in (("failed", ["alpha"]), ("succeeded", ["beta"]), ("open", ["delta", "gamma"])):
        await tab.run(JobsState.change_filter, status)
        assert titles(state) == found
    await tab.run(JobsState.change_filter, "' OR 1=1")
    assert state.status == "all"
    await tab.run(JobsState.change_search, "ALPH")
    assert [(item.title, item.error.message) for item in state.items] == [("alpha", "The file is empty.")]
    await tab.run(JobsState.change_search, "%")
    assert (state.items, state.filtered) == ([], True)
    await tab.run(JobsState.clear_filters)
    assert len(state.items) == 2


async def test_open_jobs_are_followed_to_their_end(idle: Runtime, person: Person) -> None:
    [source_id] = await add(idle, person, "alpha")
    tab, state = await loaded(idle, person)
    assert state.waiting == 1
    events = await tab.run(JobsState.watch)
    assert "data-jobs" in str(events), "the page is asked whether it is still open"
    assert len(await tab.run(JobsState.keep_watching, "open")) == 1
    assert await tab.run(JobsState.keep_watching, "gone") == []
    await end(idle, person, source_id, "ready")
    assert await tab.run(JobsState.watch) == [], "nothing is left to follow"
    assert [item.status for item in state.items] == ["succeeded"]
    assert await tab.run(JobsState.keep_watching, "open") == []


async def test_a_new_watch_ends_the_one_before_and_a_sign_out_all(idle: Runtime, person: Person) -> None:
    await add(idle, person, "alpha")
    tab, _ = await loaded(idle, person)
    first, second = await asyncio.gather(tab.run(JobsState.watch), tab.run(JobsState.watch))
    assert (len(first), len(second)) == (0, 1)
    await auth.close_session(idle, session_token(tab.root))
    with pytest.raises(UnauthenticatedError):
        await tab.run(JobsState.watch)


async def test_what_is_loaded_beyond_the_newest_stays_while_it_is_followed(
    idle: Runtime, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZE", 2)
    monkeypatch.setattr(lists, "MAX_LIMIT", 3)
    await add(idle, person, *"abcde")
    tab, state = await loaded(idle, person)
    await tab.run(JobsState.load_more)
    await tab.run(JobsState.load_more)
    assert titles(state) == list("edcba")
    await add(idle, person, "f")
    await tab.run(JobsState.watch)
    assert titles(state) == list("fedcba")


async def test_cancel_and_retry(idle: Runtime, person: Person) -> None:
    await add(idle, person, "alpha")
    tab, state = await loaded(idle, person)
    told = str(await tab.run(JobsState.cancel, str(state.items[0].id)))
    assert "alpha is cancelled." in told
    assert [(item.status, item.retryable) for item in state.items] == [("cancelled", True)]
    await tab.run(JobsState.retry, str(state.items[0].id))
    assert [(item.status, item.retryable) for item in state.items] == [("queued", False), ("cancelled", False)]


async def test_many_are_cancelled_and_retried_together(idle: Runtime, person: Person) -> None:
    ids = await add(idle, person, *"abcdef")
    await end(idle, person, ids[0], "ready")
    tab, state = await loaded(idle, person)
    await tab.run(JobsState.toggle_all, True)
    assert (len(state.selected), state.stoppable, state.repeatable, state.all_selected) == (5, 5, 0, True)
    await end(idle, person, ids[1], "ready")  # meanwhile
    told = str(await tab.run(JobsState.cancel_selected))
    assert "4 jobs are cancelled." in told
    assert "1 had changed meanwhile" in told
    assert (state.selected, state.busy) == ([], False)
    assert [item.status for item in state.items] == ["cancelled"] * 4 + ["succeeded"] * 2
    await tab.run(JobsState.toggle, str(state.items[0].id), True)
    await tab.run(JobsState.toggle, str(state.items[1].id), True)
    await tab.run(JobsState.toggle, str(state.items[1].id), False)
    await tab.run(JobsState.toggle, str(state.items[5].id), True)
    assert (state.selected, state.repeatable) == ([str(state.items[0].id)], 1), (
        "nothing can be done with one that ended well"
    )
    told = str(await tab.run(JobsState.retry_selected))
    assert "1 job is started again." in told
    assert [item.status for item in state.items][:2] == ["queued", "cancelled"]


async def test_a_viewer_reads_but_changes_nothing(idle: Runtime, person: Person) -> None:
    await add(idle, person, "alpha")
    viewer = await sign_up(idle, Role.VIEWER, person.tenant_id)
    tab, state = await loaded(idle, viewer)
    assert titles(state) == ["alpha"]
    await tab.run(JobsState.toggle_all, True)
    for name in CHANGES:
        arguments = [] if "selected" in name else [str(state.items[0].id)]
        with pytest.raises(ForbiddenError):
            await tab.run(getattr(JobsState, name), *arguments)
    assert not state.busy


async def test_another_tenants_jobs_are_not_there(idle: Runtime, person: Person) -> None:
    word = new_id().hex
    await add(idle, person, word)
    _, theirs = await loaded(idle, person)
    tab, state = await loaded(idle, await sign_up(idle))
    assert state.items == []
    for name in ("cancel", "retry"):
        for wanted in (str(theirs.items[0].id), str(new_id()), "no id", ""):
            with pytest.raises(NotFoundError):
                await tab.run(getattr(JobsState, name), wanted)
    await tab.run(JobsState.toggle, str(theirs.items[0].id), True)
    assert state.selected == []
    assert word not in tab.sent()


async def test_administrators_see_and_change_the_jobs_of_all(idle: Runtime, person: Person) -> None:
    word = new_id().hex
    await add(idle, person, f"{word} one", f"{word} two")
    other = await sign_up(idle)
    await add(idle, other, f"{word} three")
    tab, state = await loaded(idle, await make_platform_admin(idle), AdminJobsState)
    await tab.run(AdminJobsState.change_search, word)
    assert {(item.tenant_id, item.tenant_name) for item in state.items} == {
        (tenant, f"Tenant {tenant.hex[-6:]}") for tenant in (person.tenant_id, other.tenant_id)
    }
    await tab.run(AdminJobsState.cancel, str(state.items[0].id))
    await tab.run(AdminJobsState.toggle_all, True)
    told = str(await tab.run(AdminJobsState.cancel_selected))
    assert "2 jobs are cancelled." in told
    assert {item.status for item in state.items} == {"cancelled"}
    await tab.run(AdminJobsState.toggle_all, True)
    await tab.run(AdminJobsState.retry_selected)
    assert sorted(item.status for item in state.items) == ["cancelled"] * 3 + ["queued"] * 3
    await tab.run(AdminJobsState.change_search, f"Tenant {other.tenant_id.hex[-6:]}")
    assert {item.tenant_id for item in state.items} == {other.tenant_id}
    with pytest.raises(NotFoundError):
        await tab.run(AdminJobsState.cancel, str(new_id()))


async def test_others_see_no_jobs_of_the_platform(idle: Runtime, person: Person) -> None:
    await add(idle, person, "alpha")
    tab, state = await loaded(idle, person, AdminJobsState)
    assert (state.items, state.loaded) == ([], False)
    for name in ("load_more", "clear_filters", "watch", *CHANGES):
        arguments = [str(new_id())] if name in ("cancel", "retry") else []
        with pytest.raises(ForbiddenError):
            await tab.run(getattr(AdminJobsState, name), *arguments)


async def test_what_an_administrator_did_is_in_the_tenants_audit(idle: Runtime, person: Person) -> None:
    from_admin = await make_platform_admin(idle)
    await add(idle, person, "alpha")
    tab, state = await loaded(idle, from_admin, AdminJobsState)
    await tab.run(AdminJobsState.change_search, person.tenant_id.hex[-6:])
    await tab.run(AdminJobsState.cancel, str(state.items[0].id))
    async with idle.db.platform(System("tests")) as session:
        entry = await session.scalar(
            select(col(AuditEntry.user_id)).where(
                col(AuditEntry.tenant_id) == person.tenant_id, col(AuditEntry.action) == "source.cancel"
            )
        )
    assert entry == from_admin.user_id
