"""`kill -9` of the web process and of a worker at random instants, while files, texts and re-indexes are processed.

Nothing is lost, nothing is there twice, and every job ends without help. The seed is logged: SOAK_SEED repeats the
instants, though not what the machine was doing at them; SOAK_KILLS changes how many there are.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from chatbot_saas.adapters.vectors import IndexName
from chatbot_saas.adapters.vectors.factory import vector_store
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.settings import Settings
from chatbot_saas.core.tenancy import Scope, System
from chatbot_saas.models import Chunk, Document, Job, Source, UsageEvent
from chatbot_saas.schemas.api_keys import ApiKeyCreate
from chatbot_saas.services import api_keys, jobs
from chatbot_saas.services.runtime import Runtime
from tests.factories import files
from tests.factories.jobs import drained, until
from tests.factories.knowledge import make_bot
from tests.factories.people import Person, sign_up
from tests.servers import free_port
from tests.stub_model import running_stub
from tests.worker.places import Place, answers, place_for

pytestmark = pytest.mark.kill
log = get_logger(__name__)
FEW, MANY = 5, 200
BACKLOG = 16
"""Open jobs beyond which nothing more is sent."""
PROSE = files.prose(120_000)
START_SECONDS, END_SECONDS = 300, 600


@pytest.fixture(scope="module")
def stub_url() -> Iterator[str]:
    with running_stub() as url:
        yield url


@dataclass
class Member:
    """A process that is started again as soon as it is killed."""

    place: Place
    silence: str
    """Seconds after which it takes others for dead."""
    arguments: tuple[str, ...]
    kills: int = 0

    def start(self) -> None:
        self.up = self.place.folder / f"up-{self.arguments[0]}"
        self.up.unlink(missing_ok=True)
        self.process = self.place.start(*self.arguments, TEST_QUICK=self.silence, TEST_UP=str(self.up))

    async def kill(self) -> None:
        assert self.process.poll() is None, f"{self.arguments} ended by itself:\n{self.place}"
        self.process.kill()
        await asyncio.to_thread(self.process.wait)
        self.place.running.remove(self.process)
        self.kills += 1
        self.start()


@dataclass
class Customer:
    """Sends files and texts, and has some read again, for as long as it is let; repeats what got no answer."""

    api: httpx.AsyncClient
    bot_id: UUID
    chance: random.Random
    sent: dict[str, str] = field(default_factory=dict)
    """Each text by its name."""
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        while not self.enough.is_set():
            opened = (await self._call("GET", "/api/v1/jobs?status=open&limit=100")).json()["items"]
            if len(opened) >= BACKLOG:
                await asyncio.sleep(0.1)
            elif self.chance.random() < 0.3 and self.sent:
                await self._read_again()
            else:
                await self._add()

    async def _add(self) -> None:
        name = f"note {len(self.sent)}.txt"
        size = self.chance.choice([200, 2_000, 8_000, 120_000])
        self.sent[name] = text = f"This is {name} of {self.bot_id}.\n\n{PROSE[:size]}"
        address = f"/api/v1/bots/{self.bot_id}/sources"
        if self.chance.random() < 0.3:
            await self._call("POST", address, json={"type": "text", "title": name, "text": text})
        else:
            await self._call("POST", address, files={"file": (name, text.encode())})

    async def _read_again(self) -> None:
        page = (await self._call("GET", f"/api/v1/bots/{self.bot_id}/sources?status=ready&limit=50")).json()["items"]
        if page:
            await self._call("POST", f"/api/v1/sources/{self.chance.choice(page)['id']}/reindex")

    async def _call(self, method: str, address: str, **body: object) -> httpx.Response:
        while True:
            try:
                answer = await self.api.request(method, address, **body)  # type: ignore[arg-type]
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code < 500:
                assert answer.status_code in (200, 202, 409), answer.text
                return answer
            await asyncio.sleep(0.05)


async def key_of(rt: Runtime, person: Person) -> str:
    async with rt.db.tenant(person.principal) as session:
        request = ApiKeyCreate(name="soak", scopes=[Scope.SOURCES_READ, Scope.SOURCES_WRITE])
        return (await api_keys.create(session, person.principal, request)).key


async def soak(place: Place, rt: Runtime, kills: int, seed: int) -> dict[str, float]:
    chance = random.Random(seed)
    log.info("soak_begins", seed=seed, kills=kills)
    port = free_port()
    silence = "4" if kills <= FEW else "8"  # a busy machine keeps a process waiting for seconds
    members = [Member(place, silence, ("serve", str(port))), Member(place, silence, ("assist",))]
    people = [await sign_up(rt) for _ in range(2)]
    started = time.monotonic()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as first:
        for member in members:
            member.start()
        await until(lambda: answers(first), START_SECONDS)
        customers: list[Customer] = []
        for person in people:
            bot = await make_bot(rt, person)
            key = {"X-API-Key": await key_of(rt, person)}
            api = httpx.AsyncClient(base_url=first.base_url, headers=key, timeout=20)
            customers.append(Customer(api, bot.id, random.Random(chance.random())))
        async with asyncio.TaskGroup() as group:
            for customer in customers:
                group.create_task(customer.run())
            for _ in range(kills):
                await asyncio.sleep(chance.uniform(0.1, 1.0))
                victim = chance.choice(members)
                if chance.random() < 0.8:  # the others die while they start
                    await until(lambda: up(victim), START_SECONDS)  # noqa: B023 - awaited at once
                    await asyncio.sleep(chance.uniform(0.0, 0.6))
                await victim.kill()
            for customer in customers:
                customer.enough.set()
        killed = time.monotonic() - started
        await until(lambda: all_ended(rt), END_SECONDS)
        await drained(rt, END_SECONDS)
        told = {"seconds of killing": killed, "seconds to the end": time.monotonic() - started - killed}
        told["given up"] = await retry_given_up(rt, people)
        for customer in customers:
            await customer.api.aclose()
    await place.stop()
    for person, customer in zip(people, customers, strict=True):
        for name, count in (await looked_at(place, rt, person, customer)).items():
            told[name] = told.get(name, 0) + count
    return told | {f"kills of {member.arguments[0]}": member.kills for member in members}


async def up(member: Member) -> bool:
    return member.up.exists()


async def all_ended(rt: Runtime) -> bool:
    async with rt.db.platform(System("tests")) as session:
        return await session.scalar(select(col(Job.id)).where(col(Job.finished_at).is_(None)).limit(1)) is None


async def retry_given_up(rt: Runtime, people: list[Person]) -> int:
    """What saw MAX_DEATHS workers die is given up, and its owner told so: nothing else may have failed."""
    async with rt.db.platform(System("tests")) as session:
        failed = (await session.scalars(select(Job).where(col(Job.status) == "failed"))).all()
    for job in failed:
        assert job.error_code in ("internal", "index_unavailable"), job.error
    by_tenant = {person.tenant_id: person.principal for person in people}
    for job in failed:
        await jobs.retry_many(rt, by_tenant[job.tenant_id], [job.id])
    await until(lambda: all_ended(rt), END_SECONDS)
    await drained(rt, END_SECONDS)
    return len(failed)


async def looked_at(place: Place, rt: Runtime, person: Person, customer: Customer) -> dict[str, int]:
    """Compare what was sent with the rows, the vectors, the blobs and the bill."""
    async with rt.db.platform(System("tests")) as session:

        async def mine(table: Any) -> list[Any]:
            return list((await session.scalars(select(table).where(table.tenant_id == person.tenant_id))).all())

        sources, documents, chunks = await mine(Source), await mine(Document), await mine(Chunk)
        ran, billed = await mine(Job), sum(event.input_tokens for event in await mine(UsageEvent))
    assert len(sources) == len(customer.sent), "each that was sent, once"
    assert {source.status for source in sources} <= {"ready"}
    assert {job.status for job in ran} <= {"succeeded", "failed"}
    assert Counter(document.source_id for document in documents) == Counter(source.id for source in sources)
    assert {squeezed(document.text) for document in documents} == {squeezed(text) for text in customer.sent.values()}
    for source in sources:
        own = sorted((chunk for chunk in chunks if chunk.source_id == source.id), key=lambda chunk: chunk.ordinal)
        assert [chunk.ordinal for chunk in own] == list(range(source.chunks))
    assert all(chunk.indexed and chunk.embedding for chunk in chunks)
    store = vector_store("", place.settings.data_dir)
    index = IndexName(customer.bot_id, rt.embedder.name, rt.embedder.dimension)
    assert await store.chunk_ids(index) == {chunk.id for chunk in chunks}
    assert await store.count(index) == len(chunks), "a vector is there twice"
    await store.close()
    assert {source.blob_key for source in sources} <= set(await rt.blobs.keys(f"{person.tenant_id}/"))
    expected = sum(len(chunk.text) // 4 + 1 for chunk in chunks)
    assert billed >= expected
    return {
        "sources": len(sources),
        "jobs": len(ran),
        "jobs begun twice or more": sum(job.attempts > 1 for job in ran),
        "passages": len(chunks),
        "tokens billed twice": billed - expected,
    }


def squeezed(text: str) -> str:
    return " ".join(text.split())


async def one(settings: Settings, server_url: str, stub_url: str, folder: Path, kills: int) -> None:
    seed = int(os.environ.get("SOAK_SEED", "0")) or random.randrange(1, 1_000_000)
    async with place_for(settings, server_url, stub_url, folder, f"soak{kills}") as (place, rt):
        try:
            told = await soak(place, rt, kills, seed)
        except BaseException:
            log.error("soak_failed", processes=str(place))
            raise
    log.info("soak_ended", seed=seed, **told)
    assert told["kills of serve"] + told["kills of assist"] == kills
    assert told["tokens billed twice"] == 0, told


async def test_a_few_kills(settings: Settings, server_url: str, stub_url: str, tmp_path: Path) -> None:
    await one(settings, server_url, stub_url, tmp_path, FEW)


@pytest.mark.soak
async def test_many_kills(settings: Settings, server_url: str, stub_url: str, tmp_path: Path) -> None:
    await one(settings, server_url, stub_url, tmp_path, int(os.environ.get("SOAK_KILLS", MANY)))
