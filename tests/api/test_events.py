"""What happens in a tenant: told to who may know it, once each, in order, and to nobody else."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlmodel import col

from chatbot_saas.core.settings import Settings
from chatbot_saas.core.tenancy import Scope, System
from chatbot_saas.models import EventRow
from chatbot_saas.schemas.bots import BotCreate, BotPatch
from chatbot_saas.services import bots, chat, events
from chatbot_saas.services.events import Place
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import Headers, api_key, cookie, visit
from tests.factories.knowledge import add_text, make_bot
from tests.factories.people import Person, sign_up
from tests.factories.runtimes import other_runtime
from tests.factories.sockets import listening

PATH = "/api/v1/events"
Event = dict[str, Any]


@pytest.fixture(scope="module")
async def address(rt: Runtime) -> AsyncIterator[str]:
    async with listening(rt) as url:
        yield url


class Reader:
    """One open stream."""

    def __init__(self, answer: httpx.Response) -> None:
        self.headers = answer.headers
        self._lines = answer.aiter_lines()
        self.last_id = ""

    async def next(self, seconds: float = 30) -> Event:
        """The next event, heartbeats passed over."""
        found: Event = {}
        async with asyncio.timeout(seconds):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if line and name:
                    found[name] = value
                elif "event" in found:
                    self.last_id = found["id"]
                    return {"type": found["event"], **json.loads(found["data"])}
                else:
                    found = {}
        raise EOFError

    async def until(self, wanted: Callable[[Event], bool]) -> list[Event]:
        """All events up to the wanted one, with it."""
        found: list[Event] = []
        while not found or not wanted(found[-1]):
            found.append(await self.next())
        return found


@asynccontextmanager
async def following(address: str, headers: Headers, **more: str) -> AsyncIterator[Reader]:
    async with (
        httpx.AsyncClient(base_url=address, timeout=60) as http,
        http.stream("GET", PATH, headers={"Accept": "text/event-stream", **headers, **more}) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        reader = Reader(answer)
        first = await reader.next()
        assert first["type"] in ("ready", "reset")
        reader.first = first["type"]  # type: ignore[attr-defined]
        yield reader


async def polled(client: httpx.AsyncClient, headers: Headers, after: str = "") -> dict[str, Any]:
    answer = await client.get(PATH, headers=headers, params={"after": after})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def all_after(client: httpx.AsyncClient, headers: Headers, after: str) -> list[Event]:
    return (await settled(client, headers, after))[0]


async def here(client: httpx.AsyncClient, headers: Headers) -> str:
    """Behind all that has happened: the stream's own "now" lies before any transaction that is open on the server."""
    return (await settled(client, headers, (await polled(client, headers))["last_id"]))[1]


async def settled(client: httpx.AsyncClient, headers: Headers, after: str) -> tuple[list[Event], str]:
    """All events and the last one's place, once nothing is held back any more."""
    found: list[Event] = []
    while True:
        page = await polled(client, headers, after)
        found += page["items"]
        after = page["last_id"]
        if not page["more"]:
            return found, after
        await asyncio.sleep(0.05)


async def test_a_bots_life_is_told(address: str, client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    stranger = await sign_up(rt)
    begun = await here(client, stranger.headers)
    for form in (owner.headers, await cookie(rt, owner), {"X-API-Key": await api_key(rt, owner)}):
        async with following(address, form) as reader:
            assert reader.headers["content-type"].startswith("text/event-stream")
            assert reader.headers["x-accel-buffering"] == "no"
            bot = await make_bot(rt, owner)
            made = await reader.until(lambda event: event.get("status") == "published")
            assert [event["type"] for event in made] == ["bot.changed"] * len(made)
            assert made[-1]["bot_id"] == str(bot.id)
    async with following(address, owner.headers) as reader:
        source = await add_text(rt, owner, bot.id)
        told = await reader.until(lambda event: event.get("status") == "ready")
        progress = [event["progress"] for event in told if event["type"] == "job.progress"]
        assert progress == sorted(progress)
        assert {event["type"] for event in told} <= {"source.status", "job.progress", "bot.changed"}
        conversation_id, visitor = await visit(client, bot.id)
        body = {"conversation_id": conversation_id, "message": "How long does a refund take?"}
        assert (await client.post(f"/api/public/chat/{bot.id}", json=body, headers=visitor)).json()["answered"]
        talk = await reader.until(lambda event: event.get("role") == "assistant")
        assert [event["type"] for event in talk if event["type"] != "job.progress" and "conversation_id" in event] == [
            "message.created", "conversation.started", "message.created",
        ]  # fmt: skip
        assert talk[-1]["channel"] == "widget"
        assert "refund" not in json.dumps(talk), "no text that anybody wrote"
        lead = {"email": "visitor@example.com"}
        path = f"/api/public/conversation/{conversation_id}/capture-lead"
        left = await client.post(path, json=lead, headers=visitor)
        assert (await reader.next())["lead_id"] == left.json()["id"]
        await client.delete(f"/api/v1/bots/{bot.id}", headers=owner.headers)
        gone = await reader.until(lambda event: event["type"].endswith(".deleted"))
        assert gone[-1]["type"] == "bot.deleted", "not one by one what went with it"
    assert source.id
    assert (await polled(client, stranger.headers, begun))["items"] == []


async def test_what_the_owner_tries_is_not_told(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    place = await here(client, owner.headers)
    live, _ = await chat.ask_in_playground(rt, owner.principal, bot.id, "s", "Refund?")
    async for _ in live.follow():
        pass
    assert await all_after(client, owner.headers, place) == []


async def test_who_may_know_what(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    one, other = await make_bot(rt, owner), await make_bot(rt, owner)
    place = await here(client, owner.headers)
    for bot in (one, other):
        conversation_id, visitor = await visit(client, bot.id)
        path = f"/api/public/conversation/{conversation_id}/capture-lead"
        left = await client.post(path, json={"email": "v@example.com", "message": "Call me."}, headers=visitor)
        assert left.status_code == 201, left.text
        async with rt.db.tenant(owner.principal) as session:
            await bots.change(session, owner.principal, bot.id, BotPatch(description="Changed"), rt)
    for scope in (Scope.LEADS_READ, Scope.BOTS_READ):
        key = {"X-API-Key": await api_key(rt, owner, [scope])}
        found = await all_after(client, key, place)
        assert {event["type"] for event in found} == {"lead.created" if scope is Scope.LEADS_READ else "bot.changed"}
        assert {event["data"]["bot_id"] for event in found} == {str(one.id), str(other.id)}
    bound = {"X-API-Key": await api_key(rt, owner, bot_ids=[one.id])}
    assert {event["data"]["bot_id"] for event in await all_after(client, bound, place)} == {str(one.id)}
    nobody = {"X-API-Key": await api_key(rt, owner, [Scope.CHAT])}
    for accept in ("application/json", "text/event-stream"):
        assert (await client.get(PATH, headers={**nobody, "Accept": accept})).status_code == 403


async def fail_after_a_change(rt: Runtime, person: Person) -> None:
    async with rt.db.tenant(person.principal) as session:
        await bots.create(session, person.principal, BotCreate(name="Never"))
        raise ZeroDivisionError


async def test_what_is_rolled_back_never_happened(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    place = await here(client, owner.headers)
    with pytest.raises(ZeroDivisionError):
        await fail_after_a_change(rt, owner)
    kept = await make_bot(rt, owner, published=False)
    assert [event["data"]["bot_id"] for event in await all_after(client, owner.headers, place)] == [str(kept.id)]


async def test_what_commits_late_is_not_lost(address: str, client: httpx.AsyncClient, rt: Runtime) -> None:
    """An older transaction that ends after a younger one: neither is passed over nor told twice."""
    owner = await sign_up(rt)
    async with following(address, owner.headers) as reader:
        async with rt.db.tenant(owner.principal) as session:
            early = await bots.create(session, owner.principal, BotCreate(name="Early"))
            late = await make_bot(rt, owner, published=False)
            with pytest.raises(TimeoutError):
                await reader.next(1)
        names = {str(early.id): "early", str(late.id): "late"}
    async with following(address, owner.headers, **{"Last-Event-ID": reader.last_id}) as again:
        assert again.first == "ready"  # type: ignore[attr-defined]
        assert [names[(await again.next())["bot_id"]] for _ in range(2)] == ["early", "late"]


async def test_a_stream_is_taken_up_without_loss_or_doubles(
    address: str, client: httpx.AsyncClient, rt: Runtime
) -> None:
    owner = await sign_up(rt)
    place = await here(client, owner.headers)
    made: list[str] = []

    async def make() -> None:
        for _ in range(6):
            found = await asyncio.gather(*(make_bot(rt, owner, published=False) for _ in range(5)))
            made.extend(str(bot.id) for bot in found)

    making = asyncio.create_task(make())
    heard: list[str] = []
    last_id = place
    while len(heard) < 30:
        async with following(address, owner.headers, **{"Last-Event-ID": last_id}) as reader:
            for _ in range(min(7, 30 - len(heard))):  # and leave in the middle
                heard.append((await reader.next())["bot_id"])
            last_id = reader.last_id
    await making
    assert sorted(heard) == sorted(made)
    assert [event["data"]["bot_id"] for event in await all_after(client, owner.headers, place)] == heard
    assert await all_after(client, owner.headers, last_id) == []


async def test_an_id_that_is_too_old_or_unknown(address: str, client: httpx.AsyncClient, owner: Person) -> None:
    now = Place.of((await polled(client, owner.headers))["last_id"])
    assert now
    for unknown in (
        str(Place(now.transaction_id, 0, now.seconds - 3700)),
        str(Place(now.transaction_id + 10**9, 0, now.seconds)),
        "x",
        "9" * 50,
        "1.2",
    ):
        assert (await polled(client, owner.headers, unknown))["reset"], unknown
        async with following(address, owner.headers, **{"Last-Event-ID": unknown}) as reader:
            assert reader.first == "reset"  # type: ignore[attr-defined]
    assert not (await polled(client, owner.headers, str(now)))["reset"]


async def test_two_processes(
    address: str, settings: Settings, owner: Person, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("other")
    async with other_runtime(settings, folder, working=False) as other, following(address, owner.headers) as reader:
        await asyncio.sleep(0.5)  # it listens by then, and looks by itself only every three seconds
        async with asyncio.timeout(2):
            bot = await make_bot(other, owner, published=False)
            assert (await reader.next())["bot_id"] == str(bot.id)


async def test_a_revoked_key_ends_its_stream(
    address: str, client: httpx.AsyncClient, rt: Runtime, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "RECHECK_SECONDS", 0.2)
    key = await api_key(rt, owner)
    async with following(address, {"X-API-Key": key}) as reader:
        listed = (await client.get("/api/v1/api-keys", headers=owner.headers)).json()["items"]
        [key_id] = [item["id"] for item in listed if key.startswith(item["prefix"])]
        await client.delete(f"/api/v1/api-keys/{key_id}", headers=owner.headers)
        ended = await reader.next(5)
        assert (ended["type"], ended["code"]) == ("end", "unauthenticated")
        with pytest.raises(EOFError):
            await reader.next(5)
    async with asyncio.timeout(5):
        while rt.notices.watching(owner.tenant_id):  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.05)


async def test_a_quiet_stream_is_kept_open(address: str, owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "RECHECK_SECONDS", 0.1)
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.2)
    async with httpx.AsyncClient(base_url=address) as http, http.stream("GET", PATH, headers=owner.headers) as answer:
        seen = ""
        async with asyncio.timeout(10):
            async for text in answer.aiter_text():
                seen += text
                if seen.count(": still here") >= 2:
                    break


async def test_streams_are_bounded(address: str, rt: Runtime, owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_STREAMS", 1)
    async with following(address, owner.headers), httpx.AsyncClient(base_url=address) as http:
        refused = await http.get(PATH, headers=owner.headers)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert refused.headers["retry-after"]
        async with following(address, (await sign_up(rt)).headers):
            pass  # another account's are its own


async def test_old_events_go(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    await make_bot(rt, owner, published=False)
    mine = col(EventRow.tenant_id) == owner.tenant_id
    async with rt.db.platform(System("tests")) as session:
        await session.execute(
            update(EventRow).where(mine).values(created_at=col(EventRow.created_at) - 3 * events.KEPT)
        )
    await events.forget_old(rt)
    async with rt.db.platform(System("tests")) as session:
        assert await session.scalar(EventRow.__table__.select().where(mine)) is None  # type: ignore[attr-defined]
