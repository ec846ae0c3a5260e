"""Deletions while a store is away or an indexing job is under way: completed in the end, and verified only then."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from chatbot_saas.adapters import jobs
from chatbot_saas.core.errors import NotFoundError, UnavailableError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.paging import PageRequest
from chatbot_saas.core.tenancy import PlatformAdmin
from chatbot_saas.models import Source
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.services import (
    erasure,
    receipts,
    sources,
    tenants,
)
from chatbot_saas.services.runtime import Runtime
from tests.factories.deletions import WARRANTY, kept, two_texts, without_vectors
from tests.factories.gates import held
from tests.factories.jobs import drained, until
from tests.factories.knowledge import add_text, make_bot
from tests.factories.people import Person, sign_up
from tests.factories.stores import chunks_of, is_gone, vectors_of


@pytest.fixture
async def person(keyed: Runtime) -> Person:
    return await sign_up(keyed)


async def test_what_cannot_be_searched_now_is_not_called_verified(keyed: Runtime, person: Person) -> None:
    bot, _, source = await two_texts(keyed, person)
    async with without_vectors(keyed):
        receipt = await sources.delete(keyed, person.principal, source.id)
        assert not receipt.verified
        assert any("does not own the vector index" in words for words in receipt.checked), receipt.checked
        assert receipts.is_genuine(keyed, receipt.model_dump(mode="json"))
        assert await kept(keyed, person) == [receipt]
    await drained(keyed)
    [final] = await kept(keyed, person)
    assert final.verified
    assert (final.deleted_at, final.removed.rows) == (receipt.deleted_at, receipt.removed.rows)
    assert (final.removed.vectors, final.removed.blobs) == (1, 1), "as the job found them"
    await is_gone(keyed, source.id, bot.id)


async def test_vectors_that_an_indexing_job_writes_late_are_removed(keyed: Runtime, person: Person) -> None:
    """It read the rows before they went, and writes their vectors after they were cleared."""
    bot, _, _ = await two_texts(keyed, person)
    async with held(keyed, "indexing") as gate:
        adding = asyncio.create_task(add_text(keyed, person, bot.id, "Late words.", "late.txt"))
        await asyncio.wait_for(gate.reached.wait(), 60)
        async with keyed.db.tenant(person.principal) as session:
            late = await session.scalar(select(col(Source.id)).where(col(Source.filename) == "late.txt"))
        assert late
        [chunk] = await chunks_of(keyed, late)
        receipt = await sources.delete(keyed, person.principal, late)
        assert not receipt.verified
        assert any("indexing job of the bot is under way" in words for words in receipt.checked), receipt.checked
        gate.open.set()
        with pytest.raises(NotFoundError):
            await adding
        await drained(keyed)
    assert chunk.id not in await vectors_of(keyed, bot.id)
    [final] = await kept(keyed, person)
    assert (final.verified, final.removed.vectors) == (True, 1), "what was written late is counted"


async def test_a_deletion_that_died_after_its_rows_went_is_completed(
    keyed: Runtime, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, _, source = await two_texts(keyed, person)

    async def die(*_: Any) -> Receipt:
        raise ZeroDivisionError

    monkeypatch.setattr(erasure, "_at_once", die)
    monkeypatch.setattr(erasure, "AT_ONCE_SECONDS", 0.2)
    with pytest.raises(ZeroDivisionError):
        await sources.delete(keyed, person.principal, source.id)
    [draft] = await kept(keyed, person)
    assert draft.removed.vectors == 1
    await drained(keyed)
    [final] = await kept(keyed, person)
    assert (final.verified, final.removed) == (True, draft.removed)
    await is_gone(keyed, source.id, bot.id)


async def test_the_job_tries_until_nothing_is_left(
    keyed: Runtime, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More often than jobs that give up."""
    monkeypatch.setattr(jobs, "LONGEST_WAIT_SECONDS", 0)
    _, _, source = await two_texts(keyed, person)
    real, tries = keyed.blobs.delete, 0

    async def refuse(key: str) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise UnavailableError("The file store cannot be reached now.")
        await real(key)

    keyed.blobs.delete = refuse
    try:
        receipt = await sources.delete(keyed, person.principal, source.id)
        assert not receipt.verified
        assert any("cannot be reached" in words for words in receipt.checked)

        async def verified() -> bool:
            return (await kept(keyed, person))[0].verified

        await until(verified)
    finally:
        keyed.blobs.delete = real
    assert tries >= 4
    assert await keyed.blobs.keys(f"{person.tenant_id}/") != []


async def test_a_deleted_tenants_receipt_waits_for_its_bots_indexing(
    keyed: Runtime, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No lock keeps its job behind those of its bots."""
    monkeypatch.setattr(jobs, "LONGEST_WAIT_SECONDS", 0)
    bot = await make_bot(keyed, person)
    async with held(keyed, "indexing") as gate:
        adding = asyncio.create_task(add_text(keyed, person, bot.id, WARRANTY, "late.txt"))
        await asyncio.wait_for(gate.reached.wait(), 60)
        admin = PlatformAdmin(new_id())
        assert not (await tenants.delete(keyed, admin, person.tenant_id)).verified
        gate.open.set()
        with pytest.raises(NotFoundError):
            await adding
        await drained(keyed)
    assert bot.id not in {index.bot_id for index in await keyed.vectors.indexes()}
    [final] = (await receipts.list_deleted_tenants(keyed, admin, PageRequest(limit=1))).items
    assert (final.id, final.verified, final.removed.vectors) == (person.tenant_id, True, 1)
