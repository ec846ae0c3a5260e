"""What got lost, or was left behind: found, mended and reported; and a state that is in order stays as it is."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import col

from chatbot_saas.adapters.vectors import IndexName, VectorItem
from chatbot_saas.adapters.vectors.exact import unpack
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import System
from chatbot_saas.models import AuditEntry, Chunk, Source
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.schemas.sources import SiteSource, SourceRead
from chatbot_saas.services import intake, sweep
from chatbot_saas.services.runtime import Runtime
from tests.factories.jobs import drained
from tests.factories.knowledge import add_text, make_bot, settled
from tests.factories.people import Person, sign_up
from tests.factories.sites import page, site
from tests.factories.stores import chunks_of, is_whole, vectors_of

TEXT = "".join(f"## Part {n}\n\n{f'Word{n} tells something of its own kind. ' * 60}\n\n" for n in range(6))


@pytest.fixture
async def person(keyed: Runtime) -> Person:
    return await sign_up(keyed)


@pytest.fixture
async def tidy(keyed: Runtime) -> Runtime:
    """Without what other tests left behind."""
    await drained(keyed)
    await sweep.sweep(keyed)
    await drained(keyed)
    return keyed


@pytest.fixture
async def bot(tidy: Runtime, person: Person) -> BotRead:
    return await make_bot(tidy, person)


@pytest.fixture
async def source(tidy: Runtime, person: Person, bot: BotRead) -> SourceRead:
    return await add_text(tidy, person, bot.id, TEXT, "a.txt")


@pytest.fixture
async def index(tidy: Runtime, bot: BotRead) -> AsyncIterator[IndexName]:
    yield IndexName(bot.id, tidy.embedder.name, tidy.embedder.dimension)
    assert (await sweep.sweep(tidy)).in_order, "what was found is mended"


async def vectors_for(rt: Runtime, chunk: Chunk, chunk_id: UUID) -> VectorItem:
    return VectorItem(chunk_id, unpack(chunk.embedding or b"", rt.embedder.dimension))


async def old_file(rt: Runtime, key: str, content: Path) -> None:
    """As if it was stored yesterday."""
    await rt.blobs.put(key, content)
    yesterday = time.time() - 86_400
    await asyncio.to_thread(os.utime, rt.settings.data_dir / "blobs" / key, (yesterday, yesterday))


async def test_a_state_that_is_in_order_stays_as_it_is(tidy: Runtime, source: SourceRead, index: IndexName) -> None:
    report = await sweep.sweep(tidy)
    assert report.in_order, report
    assert report.indexes >= 1
    assert report.passages >= source.chunks
    assert report.files == report.sources >= 1
    await is_whole(tidy, source)


async def test_an_index_without_a_bot_is_removed(tidy: Runtime, source: SourceRead, index: IndexName) -> None:
    [chunk, *_] = await chunks_of(tidy, source.id)
    stray = IndexName(new_id(), index.embedder, index.dimension)
    former = IndexName(index.bot_id, "a former embedder", index.dimension)
    for name in (stray, former):
        await tidy.vectors.upsert(name, [await vectors_for(tidy, chunk, new_id())])
    report = await sweep.sweep(tidy)
    assert (report.orphan_indexes, report.orphan_vectors, report.missing_vectors) == (2, 0, 0)
    assert not {stray, former} & set(await tidy.vectors.indexes())
    await is_whole(tidy, source)


async def test_vectors_without_a_row_are_removed(tidy: Runtime, source: SourceRead, index: IndexName) -> None:
    chunks = await chunks_of(tidy, source.id)
    await tidy.vectors.upsert(index, [await vectors_for(tidy, chunks[0], new_id()) for _ in range(3)])
    assert (await sweep.sweep(tidy)).orphan_vectors == 3
    assert await vectors_of(tidy, index.bot_id) == {chunk.id for chunk in chunks}


async def test_vectors_that_the_index_lost_are_written_again(
    tidy: Runtime, person: Person, source: SourceRead, index: IndexName
) -> None:
    chunks = await chunks_of(tidy, source.id)
    assert len(chunks) > 2
    await tidy.vectors.delete(index, [chunks[0].id, chunks[1].id])
    assert (await sweep.sweep(tidy)).missing_vectors == 2
    await drained(tidy)
    await is_whole(tidy, await settled(tidy, person, source.id))


async def test_an_index_that_is_lost_as_a_whole_is_made_again(
    tidy: Runtime, person: Person, source: SourceRead, index: IndexName
) -> None:
    """As after a backup without the indexes was brought back."""
    await tidy.vectors.drop(index)
    assert (await sweep.sweep(tidy)).missing_vectors == source.chunks
    await drained(tidy)
    await is_whole(tidy, await settled(tidy, person, source.id))


async def test_a_website_of_several_documents(tidy: Runtime, person: Person, bot: BotRead, index: IndexName) -> None:
    async with site() as web:
        web.pages = {
            "/": page("Shop", "We sell bicycles.", links=["/a", "/b"]),
            "/a": page("Parcels", "Parcels are sent on Mondays."),
            "/b": page("Refunds", "A refund takes 5 working days."),
        }
        body = SiteSource.model_validate({"type": "site", "url": web.url})
        source = await settled(tidy, person, (await intake.add(tidy, person.principal, bot.id, body)).id)
    chunks = await chunks_of(tidy, source.id)
    assert len({chunk.document_id for chunk in chunks}) == 3
    assert (await sweep.sweep(tidy)).in_order, "pages have no stored file, and lack none"
    stray = await vectors_for(tidy, chunks[0], new_id())
    await tidy.vectors.delete(index, [chunks[1].id])
    await tidy.vectors.upsert(index, [stray])
    report = await sweep.sweep(tidy)
    assert (report.orphan_vectors, report.missing_vectors) == (1, 1)
    await drained(tidy)
    assert await vectors_of(tidy, bot.id) == {chunk.id for chunk in chunks}


async def test_files_without_a_source_are_removed_when_no_upload_can_be_theirs(
    tidy: Runtime, person: Person, source: SourceRead, index: IndexName, tmp_path: Path
) -> None:
    content = tmp_path / "blob"
    content.write_text("text")
    old, young = (f"{person.tenant_id}/{index.bot_id}/{new_id()}" for _ in range(2))
    await old_file(tidy, old, content)
    await tidy.blobs.put(young, content)
    assert (await sweep.sweep(tidy)).orphan_files == 1
    assert not await tidy.blobs.exists(old)
    assert await tidy.blobs.exists(young), "its row may follow"
    await tidy.blobs.delete(young)
    await is_whole(tidy, source)


async def test_a_missing_file_is_told(tidy: Runtime, person: Person, source: SourceRead) -> None:
    async with tidy.db.platform(System("tests")) as session:
        key = (await session.get_one(Source, source.id)).blob_key
    await tidy.blobs.delete(key)
    report = await sweep.sweep(tidy)
    assert (report.missing_files, report.in_order) == (1, False)
    [told] = report.told
    assert (told.source_id, told.tenant_id, told.title) == (source.id, person.tenant_id, source.title)
    await is_whole(tidy, await settled(tidy, person, source.id))
    async with tidy.db.platform(System("tests")) as session:
        await session.execute(update(Source).where(col(Source.id) == source.id).values(blob_key=""))


async def test_what_lost_its_job_is_taken_up(tidy: Runtime, person: Person, source: SourceRead) -> None:
    async with tidy.db.platform(System("tests")) as session:
        await session.execute(update(Chunk).where(col(Chunk.source_id) == source.id).values(indexed=False))
        await session.execute(update(Source).where(col(Source.id) == source.id).values(status="embedding"))
    report = await sweep.sweep(tidy)
    assert report.waiting == 1
    assert report.in_order, "that is work under way, perhaps"
    await is_whole(tidy, await settled(tidy, person, source.id))


async def test_a_sweep_that_is_asked_for_reports_in_the_audit(tidy: Runtime) -> None:
    entry_id = new_id()
    assert await sweep.report_of(tidy, entry_id) is None
    await sweep.ask(tidy, entry_id)
    await drained(tidy)
    report = await sweep.report_of(tidy, entry_id)
    assert report
    assert report.in_order
    async with tidy.db.platform(System("tests")) as session:
        entry = await session.get_one(AuditEntry, entry_id)
    assert (entry.action, entry.tenant_id, entry.details["by"]) == ("platform.sweep", None, "sweep")
