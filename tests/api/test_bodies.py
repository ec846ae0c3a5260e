"""Long bodies: nothing is taken in before it is known that its sender may send it; and what is sent twice at once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from chatbot_saas.api import idempotency
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Role, Scope, System
from chatbot_saas.models import IdempotencyKey, IdentitySecret, Source, TenantRow
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import Headers, api_key
from tests.api.surface import Operation, operations
from tests.factories.knowledge import make_bot, settled
from tests.factories.people import Person, sign_up

FORM = "multipart/form-data; boundary=x"
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
LONG = {
    ("POST", "/api/v1/bots/{bot_id}/sources", FORM),
    ("POST", "/api/v1/bots/{bot_id}/sources", "application/json"),
    ("POST", "/api/v1/bots/{bot_id}/pairs.csv", "text/csv"),
    ("PUT", "/api/v1/sources/{source_id}/pairs.csv", "text/csv"),
    ("PATCH", "/api/v1/sources/{source_id}", "application/json"),
}
"""All that may be longer than a megabyte."""


class Sent:
    """A body that tells how much of it was taken."""

    def __init__(self, head: bytes = HEAD, line: bytes = b"Parcels are returned within 30 days.\n" * 1000) -> None:
        self.head, self.line, self.parts = head, line, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.head
        for _ in range(64):
            self.parts += 1
            yield self.line
        yield b"\r\n--x--\r\n"


async def make_place(rt: Runtime, client: httpx.AsyncClient, person: Person) -> dict[str, UUID]:
    """A bot of the person's, with a source."""
    bot = await make_bot(rt, person)
    body = {"type": "text", "title": "Notes", "text": "Some notes."}
    added = await client.post(f"/api/v1/bots/{bot.id}/sources", headers=person.headers, json=body)
    source_id = UUID(added.json()["items"][0]["id"])
    await settled(rt, person, source_id)
    return {"bot_id": bot.id, "source_id": source_id}


@pytest.fixture(scope="module")
async def refused(rt: Runtime, client: httpx.AsyncClient) -> list[tuple[Headers, dict[str, Any], int]]:
    """Who may not, where, and how that is said."""
    owner, stranger, halted = [await sign_up(rt) for _ in range(3)]
    mine, theirs, stopped = [await make_place(rt, client, person) for person in (owner, stranger, halted)]
    async with rt.db.platform(System("tests")) as session:
        suspended = update(TenantRow).where(col(TenantRow.id) == halted.tenant_id).values(status="suspended")
        await session.execute(suspended)
    viewer = await sign_up(rt, Role.VIEWER, owner.tenant_id)
    other_bot = await make_bot(rt, owner)
    return [
        ({"Authorization": "Bearer nobody"}, mine, 401),
        (halted.headers, stopped, 403),
        (viewer.headers, mine, 403),
        ({"X-API-Key": await api_key(rt, owner, [Scope.SOURCES_READ])}, mine, 403),
        ({"X-API-Key": await api_key(rt, owner, bot_ids=[other_bot.id])}, mine, 404),
        (owner.headers, theirs, 404),
        (owner.headers, {"bot_id": new_id(), "source_id": new_id()}, 404),
        (owner.headers, {"bot_id": "nonsense", "source_id": "nonsense"}, 422),
    ]


@pytest.mark.parametrize(("method", "path", "kind"), sorted(LONG))
@pytest.mark.parametrize("key", ["", "upload"])
async def test_nothing_is_taken_in_before_its_sender_may_send_it(
    client: httpx.AsyncClient, refused: Any, method: str, path: str, kind: str, key: str
) -> None:
    for headers, ids, status in refused:
        sent = Sent(b"")
        given = {**headers, "Content-Type": kind, **({"Idempotency-Key": key} if key else {})}
        answer = await client.request(method, path.format(**ids), headers=given, content=aiter(sent))
        assert answer.status_code == status, (headers, answer.text)
        assert sent.parts <= 1, (status, sent.parts)


SHORT = [one for one in operations() if one.body and not one.public and "/auth/" not in one.path and not one.upload]
"""All with a JSON body that somebody must be known for."""


@pytest.mark.parametrize("operation", SHORT, ids=str)
async def test_no_body_is_taken_in_before_its_sender_is_known(client: httpx.AsyncClient, operation: Operation) -> None:
    ids = dict.fromkeys(operation.path_ids, new_id())
    for headers in ({}, {"Authorization": "Bearer nobody"}, {"X-API-Key": "cb_nobody"}):
        sent = Sent(b"{", b" " * 10_000)
        given = {**headers, "Content-Type": "application/json"}
        answer = await client.request(operation.method, operation.url(**ids), headers=given, content=aiter(sent))
        assert (answer.status_code, sent.parts) == (401, 0), (headers, answer.text)


async def test_an_administrators_body_is_for_administrators(client: httpx.AsyncClient, owner: Person) -> None:
    sent = Sent(b"{", b" " * 10_000)
    given = {**owner.headers, "Content-Type": "application/json"}
    answer = await client.post("/api/v1/admin/tenants", headers=given, content=aiter(sent))
    assert (answer.status_code, sent.parts) == (403, 0)


async def test_an_upload_with_a_key_is_bounded(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await make_bot(rt, owner)
    monkeypatch.setattr(idempotency, "MAX_REQUEST_BYTES", 100_000)
    sent = Sent()
    headers = {**owner.headers, "Content-Type": FORM, "Idempotency-Key": "long"}
    answer = await client.post(f"/api/v1/bots/{bot.id}/sources", headers=headers, content=aiter(sent))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    async with rt.db.tenant(owner.principal) as session:
        assert (await session.scalars(select(IdempotencyKey))).all() == []
    again = await client.post(
        f"/api/v1/bots/{bot.id}/sources",
        headers={**owner.headers, "Idempotency-Key": "long"},
        files={"file": ("a.txt", b"Short.", "text/plain")},
    )
    assert again.status_code == 202, "the key is free"


async def test_an_upload_that_is_clicked_twice_is_one(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)

    async def send() -> httpx.Response:
        headers = {**owner.headers, "Content-Type": FORM, "Idempotency-Key": "twice"}
        sent = Sent(line=b" " * 36_999 + b"\n")  # as long, and no text: its vectors would take minutes
        return await client.post(f"/api/v1/bots/{bot.id}/sources", headers=headers, content=aiter(sent))

    answers = await asyncio.gather(*(send() for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {202, 409}, [answer.text for answer in answers]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_in_progress"}
    assert len({answer.text for answer in answers if answer.status_code == 202}) == 1
    async with rt.db.tenant(owner.principal) as session:
        assert await session.scalar(select(func.count()).select_from(Source)) == 1


async def test_a_secret_that_is_asked_for_twice_is_made_once(
    client: httpx.AsyncClient, rt: Runtime, owner: Person
) -> None:
    async def make() -> httpx.Response:
        headers = {**owner.headers, "Idempotency-Key": "secret"}
        return await client.post("/api/v1/identity-secret", json={}, headers=headers)

    answers = await asyncio.gather(*(make() for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.text for answer in answers if answer.status_code == 201}) == 1
    async with rt.db.tenant(owner.principal) as session:
        assert await session.scalar(select(func.count()).select_from(IdentitySecret)) == 1
