"""From a file to passages that are found: refusals, re-indexing, cancelling, deleting, suspending, sweeping."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from chatbot_saas.core.errors import UnavailableError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import PlatformAdmin, System
from chatbot_saas.models import UsageEvent
from chatbot_saas.schemas.sources import SourceRead
from chatbot_saas.schemas.tenants import TenantPatch
from chatbot_saas.services import chat, deletion, sources, sweep, tenants
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.worker import tasks
from tests.factories import files
from tests.factories.gates import STAGES, held
from tests.factories.jobs import drained, until
from tests.factories.knowledge import add_text, make_bot, settled
from tests.factories.people import Person, sign_up
from tests.factories.runtimes import client_of
from tests.factories.stores import chunks_of, is_gone, is_whole, vectors_of

LARGE = files.prose(150_000)
ONE_BATCH = [stage for stage in STAGES if "batches" not in stage]


@pytest.fixture
async def person(keyed: Runtime) -> Person:
    return await sign_up(keyed)


# --- what is there


async def embedded_tokens(rt: Runtime, bot_id: UUID) -> tuple[int, int]:
    """(calls, tokens) on the bill of a bot's embeddings."""
    async with rt.db.platform(System("tests")) as session:
        query = select(func.count(), func.coalesce(func.sum(UsageEvent.input_tokens), 0)).where(
            col(UsageEvent.bot_id) == bot_id, col(UsageEvent.kind) == "embedding"
        )
        calls, tokens = (await session.execute(query)).one()
        return calls, tokens


# --- what people do


async def upload(
    rt: Runtime, person: Person, bot_id: UUID, content: str | bytes, filename: str = "a.txt"
) -> SourceRead:
    async with client_of(rt) as client:
        data = content.encode() if isinstance(content, str) else content
        sent = await client.post(
            f"/api/v1/bots/{bot_id}/sources", headers=person.headers, files={"file": (filename, data)}
        )
    assert sent.status_code == 202, sent.text
    return SourceRead.model_validate(sent.json()["items"][0])


async def act(rt: Runtime, person: Person, what: Callable[..., Any], source_id: UUID) -> Any:
    async with rt.db.tenant(person.principal) as session:
        return await what(session, person.principal, source_id, rt)


# --- files that cannot be read

BAD: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "nothing in it": ("a.pdf", lambda: b"", "file_empty"),
    "white space": ("a.txt", lambda: b" \n\t\n", "file_no_text"),
    "a scan": ("a.pdf", files.pdf_without_text, "file_no_text"),
    "a password": ("a.pdf", files.encrypted_pdf, "file_encrypted"),
    "cut off": ("a.pdf", files.truncated_pdf, "file_truncated"),
    "a Word file cut off": ("a.docx", lambda: files.word()[:9000], "file_truncated"),
    "damaged": ("a.docx", files.damaged_word, "file_damaged"),
    "a PDF bomb": ("a.pdf", files.pdf_bomb, "file_bomb"),
    "a zip bomb": ("a.docx", files.word_bomb, "file_bomb"),
    "5,001 pages": ("a.pdf", files.long_pdf, "file_too_many_pages"),
    "a picture": ("a.pdf", lambda: files.PNG, "file_mislabelled"),
    "a program": ("a.txt", lambda: files.ELF, "file_mislabelled"),
    "an archive": ("a.docx", files.zip_archive, "file_mislabelled"),
    "another type": ("a.exe", lambda: files.WINDOWS_PROGRAM, "type_unsupported"),
}


@pytest.fixture(scope="module")
async def refused(keyed: Runtime) -> tuple[Person, dict[str, SourceRead]]:
    """All the bad files in one upload, with a good one between them."""
    person = await sign_up(keyed)
    bot = await make_bot(keyed, person)
    contents = {**BAD, "good": ("good.txt", lambda: b"The refund takes 5 working days.", "")}
    made = [(name, await asyncio.to_thread(make)) for name, make, _ in contents.values()]
    async with client_of(keyed) as client:
        sent = await client.post(
            f"/api/v1/bots/{bot.id}/sources", headers=person.headers, files=[("file", file) for file in made]
        )
    assert sent.status_code == 202, sent.text
    ids = [UUID(item["id"]) for item in sent.json()["items"]]
    ended = await asyncio.gather(*(settled(keyed, person, source_id, 240) for source_id in ids))
    return person, dict(zip(contents, ended, strict=True))


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_file_says_what_is_wrong(
    keyed: Runtime, refused: tuple[Person, dict[str, SourceRead]], name: str
) -> None:
    person, ended = refused
    async with client_of(keyed) as client:
        told = (await client.get(f"/api/v1/sources/{ended[name].id}", headers=person.headers)).json()
        assert told["status"] == "failed"
        assert told["error"]["code"] == BAD[name][2]
        assert len(told["error"]["message"]) > 30, "what is wrong and what to do"
        assert told["error"]["message"].count(".") >= 1
        for internal in ("Traceback", "Error(", "/tmp", "0x"):
            assert internal not in told["error"]["message"]
    assert (told["chunks"], told["progress"]) == (0, 0)
    await is_gone(keyed, ended[name].id, ended[name].bot_id)


async def test_bad_files_harm_no_good_one(keyed: Runtime, refused: tuple[Person, dict[str, SourceRead]]) -> None:
    person, ended = refused
    good = ended["good"]
    await is_whole(keyed, good)
    assert await vectors_of(keyed, good.bot_id) == {chunk.id for chunk in await chunks_of(keyed, good.id)}
    assert await chat.search(keyed, person.principal, good.bot_id, "refund", 3)


async def test_a_file_over_the_limit(keyed: Runtime, person: Person) -> None:
    bot = await make_bot(keyed, person)
    large = b"a" * (25 * 1024 * 1024 + 1)
    async with client_of(keyed) as client:
        address = f"/api/v1/bots/{bot.id}/sources"
        alone = await client.post(address, headers=person.headers, files={"file": ("large.txt", large)})
        assert (alone.status_code, alone.json()["code"]) == (413, "too_large")
        row = (await client.get(f"/api/v1/sources/{alone.json()['source_id']}", headers=person.headers)).json()
        assert (row["status"], row["error"]["code"]) == ("failed", "file_too_large")
        assert "25 MB" in row["error"]["message"]
        both = [("file", ("large.txt", large)), ("file", ("small.txt", b"The refund takes 5 days."))]
        sent = await client.post(address, headers=person.headers, files=both)
        assert [item["status"] for item in sent.json()["items"]] == ["failed", "queued"]
        again = await client.post(f"/api/v1/sources/{row['id']}/reindex", headers=person.headers)
        assert again.status_code == 409, "there is nothing to read again"
    assert (await settled(keyed, person, UUID(sent.json()["items"][1]["id"]))).status == "ready"
    assert len(await keyed.blobs.keys(f"{person.tenant_id}/")) == 1


@pytest.mark.parametrize(
    ("text", "encoding", "question"),
    [
        ("Das Geschäft öffnet um neun Uhr und schließt um sechs.", "latin-1", "Geschäft öffnet"),
        (files.JAPANESE, "shift_jis", "返品"),
    ],
)
async def test_texts_of_other_encodings(
    keyed: Runtime, person: Person, text: str, encoding: str, question: str
) -> None:
    bot = await make_bot(keyed, person)
    source = await add_text(keyed, person, bot.id, text.encode(encoding), "text.txt")
    await is_whole(keyed, source)
    [hit, *_] = await chat.search(keyed, person.principal, bot.id, question, 3)
    assert question.split()[0] in hit.text


# --- again


async def test_reading_again_embeds_nothing_that_is_unchanged(keyed: Runtime, person: Person) -> None:
    bot = await make_bot(keyed, person)
    source = await add_text(keyed, person, bot.id, LARGE, "a.txt")
    await is_whole(keyed, source)
    before, bill = await chunks_of(keyed, source.id), await embedded_tokens(keyed, bot.id)
    assert bill[1] > 10_000
    await act(keyed, person, sources.reindex, source.id)
    await is_whole(keyed, await settled(keyed, person, source.id))
    after = await chunks_of(keyed, source.id)
    assert [(c.id, c.embedding) for c in after] == [(c.id, c.embedding) for c in before]
    assert await embedded_tokens(keyed, bot.id) == bill


async def test_reading_again_embeds_what_changed(keyed: Runtime, person: Person, tmp_path: Path) -> None:
    bot = await make_bot(keyed, person)
    source = await add_text(keyed, person, bot.id, LARGE, "a.txt")
    before, bill = await chunks_of(keyed, source.id), await embedded_tokens(keyed, bot.id)
    changed = tmp_path / "changed"
    changed.write_text(LARGE + "\n\nThe zanzibar guarantee lasts eleven years.")
    [key] = await keyed.blobs.keys(f"{person.tenant_id}/{bot.id}/")
    await keyed.blobs.put(key, changed)
    await act(keyed, person, sources.reindex, source.id)
    source = await settled(keyed, person, source.id)
    await is_whole(keyed, source)
    after = await chunks_of(keyed, source.id)
    fresh = {chunk.id for chunk in after} - {chunk.id for chunk in before}
    assert 1 <= len(fresh) <= 2, "the end of the document"
    calls, tokens = await embedded_tokens(keyed, bot.id)
    assert calls == bill[0] + 1
    assert tokens - bill[1] < bill[1] / 10
    await drained(keyed)
    assert await vectors_of(keyed, bot.id) == {chunk.id for chunk in after}, "the old end is in no index"
    assert "eleven years" in (await chat.search(keyed, person.principal, bot.id, "zanzibar guarantee", 3))[0].text


# --- in the middle


@pytest.mark.parametrize("stage", STAGES)
async def test_cancelling_at_each_stage_leaves_nothing(keyed: Runtime, person: Person, stage: str) -> None:
    bot = await make_bot(keyed, person)
    kept = await add_text(keyed, person, bot.id, "The refund takes 5 working days.", "kept.txt")
    async with held(keyed, stage) as gate:
        source = await upload(keyed, person, bot.id, files.prose(2_000_000) if "batches" in stage else LARGE)
        await asyncio.wait_for(gate.reached.wait(), 60)
        cancelled = await act(keyed, person, sources.cancel, source.id)
        assert (cancelled.status, cancelled.chunks) == ("cancelled", 0)
        assert await chunks_of(keyed, source.id) == [], "not found from this moment on"
    await is_gone(keyed, source.id, bot.id)
    assert (await settled(keyed, person, source.id)).status == "cancelled"
    await is_whole(keyed, kept)
    if "batches" not in stage:
        await act(keyed, person, sources.reindex, source.id)
        await is_whole(keyed, await settled(keyed, person, source.id))


@pytest.mark.parametrize("stage", ONE_BATCH)
async def test_deleting_at_each_stage_leaves_nothing(keyed: Runtime, person: Person, stage: str) -> None:
    bot = await make_bot(keyed, person)
    async with held(keyed, stage) as gate:
        source = await upload(keyed, person, bot.id, LARGE)
        await asyncio.wait_for(gate.reached.wait(), 60)
        await sources.delete(keyed, person.principal, source.id)
    await is_gone(keyed, source.id, bot.id)
    assert await vectors_of(keyed, bot.id) == set()
    assert await keyed.blobs.keys(f"{person.tenant_id}/") == []


async def test_cancelling_before_anybody_began(keyed: Runtime, person: Person) -> None:
    bot = await make_bot(keyed, person)
    source = await upload(keyed, person, bot.id, LARGE)
    await act(keyed, person, sources.cancel, source.id)
    await is_gone(keyed, source.id, bot.id)
    assert await embedded_tokens(keyed, bot.id) == (0, 0)


@pytest.mark.parametrize("stage", ONE_BATCH)
async def test_a_suspended_tenants_jobs_stop_and_go_on(keyed: Runtime, person: Person, stage: str) -> None:
    admin, bot = PlatformAdmin(new_id()), await make_bot(keyed, person)

    async def set_status(status: Any) -> None:
        await tenants.change(keyed, admin, person.tenant_id, TenantPatch(status=status))

    async with held(keyed, stage) as gate:
        source = await upload(keyed, person, bot.id, LARGE)
        await asyncio.wait_for(gate.reached.wait(), 60)
        await set_status("suspended")
    await drained(keyed)
    stopped = await settled_or_not(keyed, person, source.id)
    assert stopped.active, stopped
    bill = await embedded_tokens(keyed, bot.id)
    if stage in ("extracting", "chunking"):
        assert (await chunks_of(keyed, source.id), bill) == ([], (0, 0))
    await set_status("active")
    await is_whole(keyed, await settled(keyed, person, source.id))
    calls, tokens = await embedded_tokens(keyed, bot.id)
    expected = sum(chunk.tokens for chunk in await chunks_of(keyed, source.id))
    assert tokens < 2.5 * expected, "at most the batch in flight is paid for twice"
    assert calls <= bill[0] + 3


async def settled_or_not(rt: Runtime, person: Person, source_id: UUID) -> SourceRead:
    async with rt.db.tenant(person.principal) as session:
        return await sources.get(session, person.principal, source_id)


async def test_resuming_at_once_runs_nothing_twice(keyed: Runtime, person: Person) -> None:
    """The old job has not noticed the suspension when the new one begins."""
    admin, bot = PlatformAdmin(new_id()), await make_bot(keyed, person)
    async with held(keyed, "extracting") as gate:
        source = await upload(keyed, person, bot.id, LARGE)
        await asyncio.wait_for(gate.reached.wait(), 60)
        for status in ("suspended", "active"):
            await tenants.change(keyed, admin, person.tenant_id, TenantPatch.model_validate({"status": status}))
    await drained(keyed)
    await is_whole(keyed, await settled(keyed, person, source.id))
    calls, _ = await embedded_tokens(keyed, bot.id)
    assert calls == 1


# --- what got lost


async def test_an_index_that_stays_away_is_said_and_mended(keyed: Runtime, person: Person) -> None:
    class Away:
        def __init__(self, part: Any) -> None:
            self._part = part

        def __getattr__(self, name: str) -> Any:
            if name in ("upsert", "query"):
                return self.refuse
            return getattr(self._part, name)

        async def refuse(self, *_: Any) -> None:
            raise UnavailableError

    bot = await make_bot(keyed, person)
    real, keyed.vectors = keyed.vectors, Away(keyed.vectors)  # type: ignore[assignment]
    try:
        source = await upload(keyed, person, bot.id, "The warranty lasts 5 years.")

        async def embedded() -> bool:
            return (await settled_or_not(keyed, person, source.id)).progress >= 0.98

        await until(embedded)
        await tasks.stalled(keyed, deletion.INDEX_BOT, {"tenant_id": str(person.tenant_id), "bot_id": str(bot.id)})
        failed = await settled(keyed, person, source.id)
        assert failed.error
        assert (failed.status, failed.error.code, failed.chunks) == ("failed", "index_unavailable", 1)
        [hit] = await chat.search(keyed, person.principal, bot.id, "How long is the warranty?", 3)
        assert hit.vector_score, "found by its row meanwhile"
    finally:
        keyed.vectors = real
    await sweep.sweep(keyed)
    await drained(keyed)
    mended = await settled_or_not(keyed, person, source.id)
    assert mended.error is None
    await is_whole(keyed, mended)
