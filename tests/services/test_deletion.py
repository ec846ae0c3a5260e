"""Deletions and their receipts: what is counted is what was there, and `verified` is said only when it is so."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlmodel import SQLModel, col

from chatbot_saas.core.errors import ConflictError, NotFoundError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.paging import PageRequest
from chatbot_saas.core.tenancy import PlatformAdmin, System
from chatbot_saas.models import AuditEntry, Document
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.schemas.sources import SiteSource, TextSource
from chatbot_saas.services import (
    audit,
    bots,
    chat,
    conversations,
    documents,
    erasure,
    intake,
    receipts,
    recorder,
    sources,
    tenants,
)
from chatbot_saas.services.proof import Target
from chatbot_saas.services.runtime import Runtime
from tests.factories.deletions import OFFER, WARRANTY, kept, two_texts, without_vectors
from tests.factories.gates import Gate, Held
from tests.factories.jobs import drained
from tests.factories.knowledge import add_text, make_bot, settled
from tests.factories.people import Person, sign_up
from tests.factories.runtimes import client_of
from tests.factories.sites import Site, page, site
from tests.factories.stores import chunks_of, is_gone, rows_of, vectors_of


@pytest.fixture
async def person(keyed: Runtime) -> Person:
    return await sign_up(keyed)


async def test_a_deleted_source_is_gone_from_everywhere(keyed: Runtime, person: Person) -> None:
    bot, stays, source = await two_texts(keyed, person)
    async with client_of(keyed) as client:
        gone = await client.delete(f"/api/v1/sources/{source.id}", headers=person.headers)
        assert gone.status_code == 200, gone.text
        hits = await client.post(f"/api/v1/bots/{bot.id}/search", json={"query": "zanzibar"}, headers=person.headers)
        assert "zanzibar" not in hits.text
        assert (await client.get(f"/api/v1/sources/{source.id}", headers=person.headers)).status_code == 404
    receipt = Receipt.model_validate(gone.json())
    assert (receipt.id, receipt.kind, receipt.title, receipt.verified) == (source.id, "source", "gone", True)
    removed = receipt.removed
    assert (removed.chunks, removed.vectors, removed.blobs, removed.cache) == (1, 1, 1, 0)
    assert removed.rows >= 3
    assert {words.partition(":")[0] for words in receipt.checked} == {
        "Database",
        "Kept answers",
        "Vectors",
        "Stored files",
        "Search",
    }
    assert receipt.checked[-1] == "Search: the words and vectors of 1 passage of it find nothing of it."
    assert receipts.is_genuine(keyed, gone.json())
    assert "zanzibar" not in gone.text, "a receipt stays, so it holds nothing of what was deleted"
    await is_gone(keyed, source.id, bot.id)
    assert await vectors_of(keyed, bot.id) == {chunk.id for chunk in await chunks_of(keyed, stays.id)}
    assert len(await keyed.blobs.keys(f"{person.tenant_id}/")) == 1
    assert await kept(keyed, person) == [receipt]


async def test_a_deleted_bot_is_gone_from_everywhere(keyed: Runtime, person: Person) -> None:
    bot = await make_bot(keyed, person)
    await add_text(keyed, person, bot.id, WARRANTY, "a.txt")
    live, _ = await chat.ask_in_playground(keyed, person.principal, bot.id, "s", "How long is the warranty?")
    async for _ in live.follow():
        pass
    there = await rows_of(keyed, bot_id=bot.id)
    receipt = await bots.delete(keyed, person.principal, bot.id)
    assert receipt.verified, receipt
    billed, told = there.pop("usage_events"), there.pop("events")
    assert receipt.removed.rows == 1 + sum(there.values())
    assert (receipt.removed.chunks, receipt.removed.vectors, receipt.removed.blobs) == (1, 1, 1)
    assert receipt.removed.cache == 1
    assert keyed.answers.get(live.question_id) is None
    left = await rows_of(keyed, bot_id=bot.id)
    assert left.pop("events") == told + 1, "that it was deleted is told, too; events hold ids and go within the hour"
    assert set(left.values()) == {0}
    assert billed, "the bill stays, without the bot"
    assert bot.id not in {index.bot_id for index in await keyed.vectors.indexes()}
    assert await keyed.blobs.keys(f"{person.tenant_id}/") == []
    await drained(keyed)
    assert await kept(keyed, person) == [receipt]
    with pytest.raises(NotFoundError):
        await chat.search(keyed, person.principal, bot.id, "warranty", 3)


async def test_a_file_on_its_way_to_a_deleted_bot_is_not_kept(keyed: Runtime, person: Person) -> None:
    bot = await make_bot(keyed, person)
    gate, real = Gate(), keyed.blobs
    keyed.blobs = cast(Any, Held(real, "put", gate))
    try:
        adding = asyncio.create_task(
            intake.add(keyed, person.principal, bot.id, TextSource(type="text", title="Late", text=WARRANTY))
        )
        await asyncio.wait_for(gate.reached.wait(), 30)
        await bots.delete(keyed, person.principal, bot.id)
        gate.open.set()
        with pytest.raises(NotFoundError):
            await adding
    finally:
        keyed.blobs = real
    assert await real.keys(f"{person.tenant_id}/{bot.id}/") == []


async def test_a_deleted_conversation_is_gone(keyed: Runtime, person: Person) -> None:
    bot = await make_bot(keyed, person)
    live, answer_id = await chat.ask_in_playground(keyed, person.principal, bot.id, "s", "My secret illness?")
    async for _ in live.follow():
        pass
    async with keyed.db.tenant(person.principal) as session:
        [talk] = (await conversations.list_page(session, person.principal, PageRequest(), channel="playground")).items
    receipt = await conversations.delete(keyed, person.principal, talk.id)
    assert (receipt.kind, receipt.verified, receipt.removed.rows, receipt.removed.cache) == ("conversation", True, 3, 1)
    assert receipt.title.startswith("Conversation of 20"), "not its first question"
    assert "secret" not in receipt.model_dump_json()
    assert keyed.answers.get(live.question_id) is None
    async with keyed.db.tenant(person.principal) as session:
        with pytest.raises(NotFoundError):
            await recorder.flight(session, person.principal, answer_id)
    await drained(keyed)
    assert await kept(keyed, person) == [receipt]


async def test_a_deleted_tenant_is_gone_and_its_receipt_stays_with_the_platform(keyed: Runtime, person: Person) -> None:
    bot, _, _ = await two_texts(keyed, person)
    other = await sign_up(keyed)
    theirs = await make_bot(keyed, other)
    await add_text(keyed, other, theirs.id, WARRANTY, "a.txt")
    admin = PlatformAdmin(new_id())
    receipt = await tenants.delete(keyed, admin, person.tenant_id)
    assert (receipt.kind, receipt.id, receipt.verified) == ("tenant", person.tenant_id, True), receipt
    assert (receipt.removed.chunks, receipt.removed.vectors, receipt.removed.blobs) == (2, 2, 2)
    async with keyed.db.platform(System("tests")) as session:
        for name, table in SQLModel.metadata.tables.items():
            owner = table.c.get("tenant_id", table.c["id"])
            assert not await session.scalar(select(func.count()).where(owner == person.tenant_id)), name
        users = SQLModel.metadata.tables["users"]
        assert not await session.scalar(select(func.count()).where(users.c.id == person.user_id))
    assert bot.id not in {index.bot_id for index in await keyed.vectors.indexes()}
    assert await keyed.blobs.keys(f"{person.tenant_id}/") == []
    assert len(await vectors_of(keyed, theirs.id)) == 1
    assert len(await keyed.blobs.keys(f"{other.tenant_id}/")) == 1
    await drained(keyed)
    newest = (await receipts.list_deleted_tenants(keyed, admin, PageRequest(limit=1))).items
    assert newest == [receipt]
    assert await kept(keyed, other) == []


# --- one document of several


@pytest.fixture
async def web() -> AsyncIterator[Site]:
    async with site() as made:
        yield made


async def pages_of(rt: Runtime, source_id: UUID) -> dict[str, Document]:
    """By the path of their address."""
    async with rt.db.platform(System("tests")) as session:
        found = (await session.scalars(select(Document).where(col(Document.source_id) == source_id))).all()
    return {urlsplit(document.url).path: document for document in found}


async def test_one_page_of_a_source_is_deleted_and_stays_away(keyed: Runtime, person: Person, web: Site) -> None:
    bot = await make_bot(keyed, person)
    web.pages = {"/": page("Shop", WARRANTY, links=["/offer"]), "/offer": page("Offer", OFFER)}
    body = SiteSource.model_validate({"type": "site", "url": web.url})
    source = await settled(keyed, person, (await intake.add(keyed, person.principal, bot.id, body)).id)
    offer = (await pages_of(keyed, source.id))["/offer"]
    async with client_of(keyed) as client:
        gone = await client.delete(f"/api/v1/documents/{offer.id}", headers=person.headers)
        assert gone.json()["verified"], gone.text
        assert (gone.json()["kind"], gone.json()["title"]) == ("document", offer.title)
        assert gone.json()["removed"] == {"rows": 2, "chunks": 1, "vectors": 1, "blobs": 0, "cache": 0}
        assert (await client.delete(f"/api/v1/documents/{offer.id}", headers=person.headers)).status_code == 404
        left = (await client.get(f"/api/v1/sources/{source.id}", headers=person.headers)).json()
        assert left["chunks"] == 1, "the source's figures follow"
        [last] = (await pages_of(keyed, source.id)).values()
        refused = await client.delete(f"/api/v1/documents/{last.id}", headers=person.headers)
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        assert "Delete the source instead" in refused.json()["detail"]
    assert await vectors_of(keyed, bot.id) == {chunk.id for chunk in await chunks_of(keyed, source.id)}
    async with keyed.db.tenant(person.principal) as session:
        await sources.reindex(session, person.principal, source.id, keyed)
    with pytest.raises(ConflictError, match="being processed"):
        await documents.delete(keyed, person.principal, last.id)
    await settled(keyed, person, source.id)
    assert set(await pages_of(keyed, source.id)) == {"/"}, "a refresh does not bring it back"


async def test_a_late_job_leaves_alone_what_came_back(keyed: Runtime, person: Person) -> None:
    """The same words at the same address have the same ids, so a page that is read again could lose its vectors."""
    bot, stays, _ = await two_texts(keyed, person)
    ids = tuple(chunk.id for chunk in await chunks_of(keyed, stays.id))
    [document] = (await pages_of(keyed, stays.id)).values()
    target = Target(
        kind="document", id=document.id, title="x", tenant_id=person.tenant_id, bot_ids=(bot.id,), chunk_ids=ids
    )
    await erasure.finish(keyed, new_id(), Target.from_job(json.loads(json.dumps(target.as_job()))))
    assert set(ids) <= await vectors_of(keyed, bot.id)


# --- receipts


async def test_a_changed_receipt_is_not_genuine(keyed: Runtime, person: Person) -> None:
    _, _, source = await two_texts(keyed, person)
    receipt = (await sources.delete(keyed, person.principal, source.id)).model_dump(mode="json")
    assert receipts.is_genuine(keyed, dict(reversed(receipt.items()))), "the order of the fields is no matter"
    changes: list[dict[str, Any]] = [
        {"verified": False},
        {"verified": 1},
        {"title": receipt["title"] + " "},
        {"removed": {**receipt["removed"], "rows": 9}},
        {"removed": {**receipt["removed"], "chunks": 1.0}},
        {"more": 1},
        {"signature": ""},
        {"signature": None},
        {"signature": "hmac-sha256:" + "0" * 64},
        {"signature": "\ud800"},
        {"title": "\ud800"},
        {"title": float("nan")},
        {"checked": []},
    ]
    for change in changes:
        assert not receipts.is_genuine(keyed, {**receipt, **change}), change
    for name in receipt:
        assert not receipts.is_genuine(keyed, {key: value for key, value in receipt.items() if key != name}), name
    assert not receipts.is_genuine(keyed, {})


async def test_the_audit_shows_a_deletion_once(keyed: Runtime, person: Person) -> None:
    _, _, source = await two_texts(keyed, person)
    async with without_vectors(keyed):
        await sources.delete(keyed, person.principal, source.id)
    await drained(keyed)
    async with keyed.db.tenant(person.principal) as session:
        entries = (await audit.list_page(session, person.principal, PageRequest(), search="source.delete")).items
        [entry] = entries
        assert (entry.about, entry.has_receipt, entry.who) == ("gone", True, person.email)
        assert (await receipts.get(session, person.principal, entry.id)).verified
        count = select(func.count()).where(col(AuditEntry.target_id) == source.id)
        rows = await session.scalar(count.where(col(AuditEntry.action) == "source.delete"))
    assert rows == 3, "the rows went, it could not be searched, it was searched: only ever added"
    async with keyed.db.tenant((await sign_up(keyed)).principal) as session:
        with pytest.raises(NotFoundError):
            await receipts.get(session, person.principal, entry.id)
