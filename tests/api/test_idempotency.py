"""A POST that is sent again is carried out once: see api.idempotency."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, text, update
from sqlmodel import col

from chatbot_saas.core.tenancy import System
from chatbot_saas.models import IdempotencyKey
from chatbot_saas.services import idempotency
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import api_key
from tests.api.surface import document
from tests.factories.knowledge import make_bot
from tests.factories.people import Person, sign_up

REPLAYED = "Idempotent-Replayed"
FREE = {
    *("/api/v1/auth/signup", "/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/logout"),
    "/api/v1/admin/tenants",  # its owner's address is there only once
    *("/api/v1/admin/jobs/{job_id}/cancel", "/api/v1/admin/jobs/{job_id}/retry"),
    *("/api/v1/receipts/verify", "/api/v1/bots/{bot_id}/embed/check"),  # make nothing
}
"""POSTs of the API that take no key."""


def keyed(person: Person, key: str) -> dict[str, str]:
    return {**person.headers, "Idempotency-Key": key}


async def records(rt: Runtime, person: Person) -> list[IdempotencyKey]:
    async with rt.db.tenant(person.principal) as session:
        return list((await session.scalars(select(IdempotencyKey))).all())


async def names(client: httpx.AsyncClient, person: Person) -> list[str]:
    return [bot["name"] for bot in (await client.get("/api/v1/bots", headers=person.headers)).json()["items"]]


def test_every_post_that_makes_or_costs_something_takes_a_key() -> None:
    without = {
        path
        for path, verbs in document()["paths"].items()
        if path.startswith("/api/v1/")
        and "post" in verbs
        and "Idempotency-Key" not in {parameter["name"] for parameter in verbs["post"].get("parameters", [])}
    }
    assert without == FREE


async def test_the_same_request_is_answered_alike_and_done_once(client: httpx.AsyncClient, owner: Person) -> None:
    first = await client.post("/api/v1/bots", json={"name": "Helper"}, headers=keyed(owner, "make-1"))
    again = await client.post("/api/v1/bots", json={"name": "Helper"}, headers=keyed(owner, "make-1"))
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    other = await client.post("/api/v1/bots", json={"name": "Helper"}, headers=keyed(owner, "make-2"))
    assert other.json()["id"] != first.json()["id"]
    assert await names(client, owner) == ["Helper", "Helper"]


async def test_another_request_under_the_same_key_is_refused(client: httpx.AsyncClient, owner: Person) -> None:
    made = await client.post("/api/v1/bots", json={"name": "Helper"}, headers=keyed(owner, "k"))
    bot = made.json()["id"]
    for path, body in (
        ("/api/v1/bots", {"name": "Other"}),
        ("/api/v1/bots?x=1", {"name": "Helper"}),
        (f"/api/v1/bots/{bot}/test-runs", None),
    ):
        refused = await client.post(path, json=body, headers=keyed(owner, "k"))
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_mismatch"), path
    assert await names(client, owner) == ["Helper"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
async def test_a_key_is_printable_and_short(client: httpx.AsyncClient, owner: Person, key: str) -> None:
    refused = await client.post("/api/v1/bots", json={"name": "Helper"}, headers=keyed(owner, key))
    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_invalid")


async def test_keys_of_other_callers_are_others(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, stranger: Person
) -> None:
    colleague = await sign_up(rt, tenant_id=owner.tenant_id)
    key = {"X-API-Key": await api_key(rt, owner), "Idempotency-Key": "same"}
    forms = [keyed(owner, "same"), keyed(stranger, "same"), keyed(colleague, "same"), key]
    made = [await client.post("/api/v1/bots", json={"name": "Helper"}, headers=headers) for headers in forms]
    assert [answer.status_code for answer in made] == [201] * 4
    assert len({answer.json()["id"] for answer in made}) == 4


async def test_whoever_comes_meanwhile_is_told_to_wait(client: httpx.AsyncClient, owner: Person, rt: Runtime) -> None:
    async def make() -> httpx.Response:
        return await client.post("/api/v1/bots", json={"name": "Helper"}, headers=keyed(owner, "at-once"))

    answers = await asyncio.gather(*(make() for _ in range(8)))
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "idempotency_in_progress"
            assert int(answer.headers["Retry-After"]) >= 1
        else:
            assert answer.status_code == 201
    assert any(answer.status_code == 201 for answer in answers)
    assert await names(client, owner) == ["Helper"]


async def test_a_refusal_is_decided_anew(client: httpx.AsyncClient, owner: Person, rt: Runtime) -> None:
    refused = await client.post("/api/v1/bots", json={"name": ""}, headers=keyed(owner, "mended"))
    assert refused.status_code == 422
    assert await records(rt, owner) == []
    made = await client.post("/api/v1/bots", json={"name": "Helper"}, headers=keyed(owner, "mended"))
    assert made.status_code == 201


async def test_an_error_of_ours_leaves_nothing(
    client: httpx.AsyncClient, owner: Person, rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "finish", broken)
        failed = await client.post("/api/v1/bots", json={"name": "Helper"}, headers=keyed(owner, "k"))
    assert failed.status_code == 500
    assert await names(client, owner) == []  # the row went with the record
    made = await client.post("/api/v1/bots", json={"name": "Helper"}, headers=keyed(owner, "k"))
    assert made.status_code == 201
    assert REPLAYED not in made.headers
    assert await names(client, owner) == ["Helper"]


async def test_an_upload_is_the_same_whatever_its_boundary(client: httpx.AsyncClient, owner: Person) -> None:
    bot = (await client.post("/api/v1/bots", json={"name": "Helper"}, headers=owner.headers)).json()["id"]
    path = f"/api/v1/bots/{bot}/sources"

    async def send(data: bytes) -> httpx.Response:
        return await client.post(path, files={"file": ("a.txt", data, "text/plain")}, headers=keyed(owner, "upload"))

    big = b"Parcels are returned within 30 days." + b" " * 2_200_000  # more than is kept in memory, and little to embed
    first, again, other = await send(big), await send(big), await send(b"Another file.")
    assert first.status_code == 202, first.text
    assert again.headers[REPLAYED] == "true"
    assert again.json() == first.json()
    assert first.json()["items"][0]["size"] == len(big)
    assert other.json()["code"] == "idempotency_mismatch"


async def test_an_answer_is_given_once(client: httpx.AsyncClient, owner: Person, rt: Runtime) -> None:
    bot = await make_bot(rt, owner)
    body = {"bot_id": str(bot.id), "session_id": "s", "message": "How long is the warranty?"}
    first = await client.post("/api/v1/chat", json=body, headers=keyed(owner, "ask"))
    again = await client.post("/api/v1/chat", json=body, headers=keyed(owner, "ask"))
    assert first.status_code == 200, first.text
    assert again.json() == first.json()
    assert again.headers[REPLAYED] == "true"
    stream = {**body, "stream": True}
    one = await client.post("/api/v1/chat", json=stream, headers=keyed(owner, "stream"))
    two = await client.post("/api/v1/chat", json=stream, headers=keyed(owner, "stream"))
    assert one.status_code == two.status_code == 200
    assert REPLAYED not in one.headers
    assert two.headers[REPLAYED] == "true"
    done = [line for line in one.text.splitlines() if '"message_id"' in line]
    assert done
    assert done == [line for line in two.text.splitlines() if '"message_id"' in line]
    found = (await client.get("/api/v1/conversations", headers=owner.headers)).json()["items"]
    assert [conversation["message_count"] for conversation in found] == [4]


async def test_secrets_are_kept_sealed(client: httpx.AsyncClient, owner: Person, rt: Runtime) -> None:
    body = {"name": "key", "scopes": ["chat"]}
    made = await client.post("/api/v1/api-keys", json=body, headers=keyed(owner, "key"))
    again = await client.post("/api/v1/api-keys", json=body, headers=keyed(owner, "key"))
    assert again.json()["key"] == made.json()["key"]
    [record] = await records(rt, owner)
    assert made.json()["key"] not in record.answer
    assert "cb_" not in record.answer


async def test_what_is_deleted_is_not_replayed(client: httpx.AsyncClient, owner: Person, rt: Runtime) -> None:
    made = await client.post("/api/v1/bots", json={"name": "Helper"}, headers=keyed(owner, "k"))
    await client.delete(f"/api/v1/bots/{made.json()['id']}", headers=owner.headers)
    [record] = await records(rt, owner)
    assert record.answer == ""
    again = await client.post("/api/v1/bots", json={"name": "Helper"}, headers=keyed(owner, "k"))
    assert (again.status_code, again.json()["code"]) == (409, "idempotency_forgotten")
    assert await names(client, owner) == []


async def test_after_a_day_a_key_is_new(client: httpx.AsyncClient, owner: Person, rt: Runtime) -> None:
    await client.post("/api/v1/bots", json={"name": "Helper"}, headers=keyed(owner, "k"))
    async with rt.db.tenant(owner.principal) as session:
        await session.execute(update(IdempotencyKey).values(expires_at=text("now()")))
    other = await client.post("/api/v1/bots", json={"name": "Other"}, headers=keyed(owner, "k"))
    assert other.status_code == 201
    async with rt.db.tenant(owner.principal) as session:
        await session.execute(update(IdempotencyKey).values(expires_at=text("now()")))
    await idempotency.forget_expired(rt)
    assert await records(rt, owner) == []


async def test_a_key_that_is_free_again_asks_anew(client: httpx.AsyncClient, owner: Person, rt: Runtime) -> None:
    bot = await make_bot(rt, owner)

    async def ask(message: str, *, stream: bool = False) -> httpx.Response:
        body = {"bot_id": str(bot.id), "session_id": "s", "message": message, "stream": stream}
        return await client.post("/api/v1/chat", json=body, headers=keyed(owner, "day"))

    async def a_day_later() -> None:
        async with rt.db.tenant(owner.principal) as session:
            await session.execute(update(IdempotencyKey).values(expires_at=text("now()")))

    answers: list[httpx.Response] = []
    for message, stream in (("Warranty?", False), ("Returns?", False), ("Returns?", False), ("Returns?", True)):
        answers.append(await ask(message, stream=stream))
        await a_day_later()
    answers.append(await ask("Warranty?", stream=True))
    assert [(answer.status_code, REPLAYED in answer.headers) for answer in answers] == [(200, False)] * 5
    assert len({answer.json()["message_id"] for answer in answers[:3]}) == 3
    found = (await client.get("/api/v1/conversations", headers=owner.headers)).json()["items"]
    assert [conversation["message_count"] for conversation in found] == [10]


async def test_after_an_error_of_ours_the_same_question_goes_on_and_another_is_new(
    client: httpx.AsyncClient, owner: Person, rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await make_bot(rt, owner)

    async def ask(message: str) -> httpx.Response:
        body = {"bot_id": str(bot.id), "session_id": "s", "message": message}
        return await client.post("/api/v1/chat", json=body, headers=keyed(owner, "broken"))

    async def broken(*_: Any) -> None:
        raise RuntimeError("the database is away")

    async def asked_so_far() -> int:
        found = (await client.get("/api/v1/conversations", headers=owner.headers)).json()["items"]
        return found[0]["message_count"]

    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "finish", broken)
        assert (await ask("Warranty?")).status_code == 500
        assert (await ask("Warranty?")).status_code == 500
    assert await asked_so_far() == 2, "the question that was asked is gone on with"
    assert (await ask("Returns?")).status_code == 200
    assert await asked_so_far() == 4
    assert (await ask("Returns?")).headers[REPLAYED] == "true"
    assert (await ask("Warranty?")).json()["code"] == "idempotency_mismatch"


DYING = """
import asyncio, os, signal, sys
from pathlib import Path
from chatbot_saas.api import idempotency as route
from chatbot_saas.core.settings import Settings
from chatbot_saas.services import idempotency
from tests.factories.runtimes import client_of, other_runtime
from tests.conftest import SECRET_KEY

real = idempotency.finish

async def die(rt, session, claim, status, answer):
    await real(rt, session, claim, status, answer)
    os.kill(os.getpid(), signal.SIGKILL)

async def main(url, folder, token, tenant):
    idempotency.finish = die
    settings = Settings(_env_file=None, database_url=url, data_dir=Path(folder), secret_key=SECRET_KEY)
    async with other_runtime(settings, Path(folder), working=False) as rt, client_of(rt) as client:
        headers = {"Authorization": "Bearer " + token, "Idempotency-Key": "dying"}
        print(await client.post("/api/v1/bots", json={"name": "Helper"}, headers=headers))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.kill
async def test_a_process_that_dies_leaves_neither_half_nor_twice(
    client: httpx.AsyncClient, owner: Person, rt: Runtime, database_url: str, tmp_path: Path
) -> None:
    """Killed when the rows and their record are written and not committed yet."""
    token = owner.headers["Authorization"].removeprefix("Bearer ")
    arguments = [sys.executable, "-c", DYING, database_url, str(tmp_path), token, str(owner.tenant_id)]
    child = await asyncio.create_subprocess_exec(*arguments)
    assert await asyncio.wait_for(child.wait(), 90) == -signal.SIGKILL
    assert await names(client, owner) == []
    [record] = await records(rt, owner)
    assert record.status == 0

    async def again() -> httpx.Response:
        return await client.post("/api/v1/bots", json={"name": "Helper"}, headers=keyed(owner, "dying"))

    assert (await again()).json()["code"] == "idempotency_in_progress"
    async with rt.db.platform(System("test")) as session:
        lapsed = update(IdempotencyKey).where(col(IdempotencyKey.id) == record.id)
        await session.execute(lapsed.values(leased_until=text("now()")))
    made = await again()
    assert made.status_code == 201
    assert (await again()).headers[REPLAYED] == "true"
    assert await names(client, owner) == ["Helper"]
    assert UUID(made.json()["id"])
