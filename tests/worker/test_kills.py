"""`kill -9` at every stage of ingestion, and in the middle of an answer: what is left goes on by itself, once."""

import asyncio
import contextlib
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select
from sqlmodel import col

from chatbot_saas.adapters.jobs import STALLED_SECONDS
from chatbot_saas.adapters.vectors import IndexName
from chatbot_saas.adapters.vectors.factory import vector_store
from chatbot_saas.core.settings import Settings
from chatbot_saas.core.tenancy import System
from chatbot_saas.models import Chunk, Message, Source, UsageEvent
from chatbot_saas.schemas.sources import SourceRead
from chatbot_saas.services import sources
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.worker.process import RESCUE_SECONDS
from tests.factories import files
from tests.factories.jobs import drained, until
from tests.factories.knowledge import HANDBOOK, SHOP, make_bot, settled
from tests.factories.people import Person, sign_up
from tests.servers import free_port, is_alive
from tests.stub_model import running_stub
from tests.worker.places import Place, add, answers, children_of, place_for, reached
from tests.worker.process_under_test import STAGES

pytestmark = pytest.mark.kill
LARGE = files.prose(700_000)  # two batches of passages
SILENCE = "8"
"""Seconds after which a worker is taken for dead here; outside it is more, which nothing but this file waits for."""


@pytest.fixture(scope="module")
def stub_url() -> Iterator[str]:
    with running_stub() as url:
        yield url


@dataclass(frozen=True)
class Outcome:
    source: SourceRead
    chunks: list[Chunk]
    vectors: Counter[UUID]
    calls: int
    tokens: int
    orphans: list[int]
    log: str


async def killed_at(place: Place, rt: Runtime, stage: str) -> Outcome:
    person = await sign_up(rt)
    bot = await make_bot(rt, person)
    source = await add(rt, person, bot.id, place.folder, LARGE)
    first = place.start(TEST_HOLD=stage, TEST_QUICK=SILENCE)
    await reached(place, first)
    children = children_of(first.pid)
    first.send_signal(signal.SIGKILL)
    await asyncio.to_thread(first.wait)
    place.start(TEST_QUICK=SILENCE)
    source = await settled(rt, person, source.id, 240)
    await drained(rt)
    await place.stop()

    async def gone() -> bool:
        return not any(is_alive(child) for child in children)

    with contextlib.suppress(TimeoutError):
        await until(gone, 10)
    async with rt.db.platform(System("tests")) as session:
        chunks = list((await session.scalars(select(Chunk).order_by(col(Chunk.ordinal)))).all())
        bill = select(func.count(), func.coalesce(func.sum(UsageEvent.input_tokens), 0))
        calls, tokens = (await session.execute(bill)).one()
    store = vector_store("", place.settings.data_dir)
    index = IndexName(bot.id, rt.embedder.name, rt.embedder.dimension)
    vectors = Counter(dict.fromkeys(await store.chunk_ids(index), 1))
    total = await store.count(index)
    await store.close()
    assert total == len(vectors), "a vector is there twice"
    left = [child for child in children if is_alive(child)]
    return Outcome(source, chunks, vectors, calls, tokens, left, str(place))


@pytest.fixture(scope="module")
async def outcomes(
    settings: Settings, server_url: str, stub_url: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Outcome]:
    """All the stages side by side, since each waits for its dead worker to be noticed."""

    async def one(stage: str) -> Outcome:
        folder = tmp_path_factory.mktemp("kill")
        async with place_for(settings, server_url, stub_url, folder, stage) as (place, rt):
            return await killed_at(place, rt, stage)

    return dict(zip(STAGES, await asyncio.gather(*(one(stage) for stage in STAGES)), strict=True))


@pytest.mark.parametrize("stage", STAGES)
async def test_a_killed_worker_is_followed_by_another(outcomes: dict[str, Outcome], stage: str) -> None:
    outcome = outcomes[stage]
    assert outcome.source.status == "ready", outcome.log
    assert outcome.source.attempts == (1 if "index" in stage else 2), "indexing is a job of its own"
    assert STALLED_SECONDS + RESCUE_SECONDS < 60, "taken up within a minute; how long it then takes is the machine's"
    assert len(outcome.chunks) == outcome.source.chunks > 100
    assert [chunk.ordinal for chunk in outcome.chunks] == list(range(len(outcome.chunks)))
    assert len({chunk.text for chunk in outcome.chunks}) == len(outcome.chunks), "no chunk twice"
    assert outcome.vectors == Counter({chunk.id: 1 for chunk in outcome.chunks}), "no vector twice, none missing"
    assert all(chunk.indexed for chunk in outcome.chunks)
    assert outcome.orphans == [], "its own child processes went with it"


@pytest.mark.parametrize("stage", STAGES)
async def test_nothing_is_paid_for_twice(outcomes: dict[str, Outcome], stage: str) -> None:
    """Each batch leaves its bill together with its vectors, so what was in flight is neither stored nor billed."""
    batches = -(-len(outcomes[stage].chunks) // 100)
    assert batches >= 2
    assert outcomes[stage].calls == batches, outcomes[stage].log


async def test_a_file_that_kills_its_worker_every_time(
    settings: Settings, server_url: str, stub_url: str, tmp_path: Path
) -> None:
    async with place_for(settings, server_url, stub_url, tmp_path, "poison") as (place, rt):
        person = await sign_up(rt)
        bot = await make_bot(rt, person)
        source = await add(rt, person, bot.id, tmp_path, HANDBOOK)
        for _ in range(3):
            victim = place.start(TEST_DIE="extracting", TEST_QUICK="3", TEST_DEATHS="3")
            assert await asyncio.to_thread(victim.wait, 90) == -signal.SIGKILL, str(place)
            assert (await current(rt, person, source.id)).active
        place.start(TEST_QUICK="3", TEST_DEATHS="3")
        ended = await settled(rt, person, source.id, 60)
        assert ended.error, str(place)
        assert (ended.status, ended.error.code, ended.attempts) == ("failed", "internal", 3)
        assert "Try again" in ended.error.message
        assert ended.chunks == 0
        # and its worker lives: what comes next is read
        good = await add(rt, person, bot.id, tmp_path, HANDBOOK)
        assert (await settled(rt, person, good.id)).status == "ready", str(place)
        async with rt.db.tenant(person.principal) as session:
            await sources.reindex(session, person.principal, source.id, rt)
        assert (await settled(rt, person, source.id)).status == "ready", "tried again by hand, without what killed it"


async def current(rt: Runtime, person: Person, source_id: UUID) -> SourceRead:
    async with rt.db.tenant(person.principal) as session:
        return await sources.get(session, person.principal, source_id)


async def test_a_worker_that_is_told_to_stop_hands_over(
    settings: Settings, server_url: str, stub_url: str, tmp_path: Path
) -> None:
    """Any number of restarts: they are nobody's fault, so they use up no attempt that leads to giving up."""
    async with place_for(settings, server_url, stub_url, tmp_path, "restarts") as (place, rt):
        person = await sign_up(rt)
        bot = await make_bot(rt, person)
        source = await add(rt, person, bot.id, tmp_path, HANDBOOK)
        for _ in range(4):
            place.reached.unlink(missing_ok=True)
            worker = place.start(TEST_HOLD="extracting")
            await reached(place, worker)
            started = time.monotonic()
            await place.stop()
            assert time.monotonic() - started < 15, str(place)
            assert (await current(rt, person, source.id)).active
        place.start()
        assert (await settled(rt, person, source.id)).status == "ready", str(place)


# --- in the middle of an answer


async def test_an_answer_survives_the_process_that_made_it(
    settings: Settings, server_url: str, stub_url: str, tmp_path: Path
) -> None:
    async with place_for(settings, server_url, stub_url, tmp_path, "serve") as (place, rt):
        person = await sign_up(rt)
        bot = await make_bot(rt, person, model="stub-paced")
        await add(rt, person, bot.id, tmp_path, HANDBOOK)
        port = free_port()
        server = place.start("serve", str(port))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            await until(lambda: answers(client), 60)
            await until(lambda: all_ready(rt, person), 60)
            started = await client.post(f"/api/public/conversation/{bot.id}/start", headers={"Origin": SHOP})
            visit = started.json()
            headers = {
                "Authorization": f"Bearer {visit['visitor_token']}",
                "Origin": SHOP,
                "Accept": "text/event-stream",
            }
            body = {
                "conversation_id": visit["conversation_id"],
                "message": "How long does a refund take?",
                "client_message_id": "m1",
            }
            seen: list[tuple[str, str, dict[str, Any]]] = []
            with contextlib.suppress(httpx.TransportError):
                async with client.stream("POST", f"/api/public/chat/{bot.id}", json=body, headers=headers) as stream:
                    async for event in events(stream):
                        seen.append(event)
                        if len(seen) == 4:
                            server.send_signal(signal.SIGKILL)
            await asyncio.to_thread(server.wait)
            assert {kind for _, kind, _ in seen} == {"token"}, "killed in the middle"
            place.start("serve", str(port))
            await until(lambda: answers(client), 60)
            again = {**headers, "Last-Event-ID": seen[-1][0]}
            async with client.stream("POST", f"/api/public/chat/{bot.id}", json=body, headers=again) as stream:
                after = [event async for event in events(stream)]
            kinds = [kind for _, kind, _ in after]
            assert kinds[0] == "reset", "what was on the screen belongs to an answer that nobody finished"
            assert kinds[-2:] == ["sources", "done"]
            text = "".join(data["text"] for _, kind, data in after if kind == "token")
            plain = await client.post(f"/api/public/chat/{bot.id}", json=body, headers={**headers, "Accept": "*/*"})
            assert plain.json()["answer"] == text
            assert text.startswith("According to")
        async with rt.db.platform(System("tests")) as session:
            said = (await session.scalars(select(Message).order_by(col(Message.id)))).all()
        assert [(message.role, message.status) for message in said] == [("user", "complete"), ("assistant", "complete")]


async def all_ready(rt: Runtime, person: Person) -> bool:
    async with rt.db.tenant(person.principal) as session:
        return set((await session.scalars(select(col(Source.status)))).all()) == {"ready"}


async def events(stream: httpx.Response) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
    """(id, type, data) as they come."""
    fields: dict[str, str] = {}
    async for line in stream.aiter_lines():
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield fields["id"], fields["event"], json.loads(fields["data"])
            fields = {}
