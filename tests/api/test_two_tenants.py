"""Two tenants, every route of the OpenAPI document, every verb, every form of credential: with the other's ids."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import pytest
from sqlalchemy import TextClause, func, select, text
from sqlmodel import SQLModel, col

from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Scope, System
from chatbot_saas.models import Document, Job, Message, Source
from chatbot_saas.schemas.bot_tests import BotTestCreate
from chatbot_saas.services import bot_test_runs, bot_tests
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import Headers, api_key, every_form, visit
from tests.api.surface import Operation, code_of, operations
from tests.factories.jobs import drained
from tests.factories.knowledge import make_bot, make_knowing_bot
from tests.factories.people import Person, sign_up

pytestmark = pytest.mark.no_cover  # other tests reach the same lines; to count them here doubles the time
TENANT_ROUTES = [o for o in operations() if o.path.startswith(("/api/v1/", "/api/openai/")) and "/auth/" not in o.path]
ADMIN_ROUTES = [o for o in TENANT_ROUTES if "/admin/" in o.path]
WITH_PATH_IDS = [o for o in TENANT_ROUTES if o.path_ids and o not in ADMIN_ROUTES]
PUBLIC_ROUTES = [o for o in operations() if o.public]
FOR_ANYBODY = {
    "GET /api/public/bot/{bot_id}/config",
    "GET /api/public/bot/{bot_id}/frame",
    "POST /api/public/conversation/{bot_id}/start",
}
"""A published bot is public: its appearance and a new conversation."""
NO_IDS = {"number"}
"""Parameters that say which one within an answer: 1 is the first of everybody's."""
VOLATILE = ["updated_at", "last_used_at"]


@dataclass(frozen=True)
class Side:
    """A tenant, one id of each kind in it, and every form of its credentials."""

    person: Person
    ids: dict[str, Any]
    forms: dict[str, Headers]
    visitor: Headers


async def make_side(rt: Runtime, client: httpx.AsyncClient) -> Side:
    person = await sign_up(rt)
    bot = await make_knowing_bot(rt, person, widget={"attachments": True})
    forms = await every_form(rt, person)
    conversation_id, visitor = await visit(client, bot.id)
    address, file = f"/api/public/conversation/{conversation_id}/attachments", {"file": ("bill.txt", b"It is due.")}
    given = (await client.post(address, headers=visitor, files=file)).json()["id"]
    body = {"conversation_id": conversation_id, "message": "How long does a refund take?", "attachments": [given]}
    asked = await client.post(f"/api/public/chat/{bot.id}", json=body, headers=visitor)
    assert asked.json()["answered"], asked.text
    lead = {"email": "visitor@example.com"}
    left = await client.post(f"/api/public/conversation/{conversation_id}/capture-lead", json=lead, headers=visitor)
    keys = (await client.get("/api/v1/api-keys", headers=person.headers)).json()["items"]
    async with rt.db.tenant(person.principal) as session:
        source_id = await session.scalar(select(col(Source.id)))
        document_id = await session.scalar(select(col(Document.id)))
        job_id = await session.scalar(select(col(Job.id)))
        wanted = BotTestCreate(question="How long does a refund take?", facts=["5 working days"])
        test = await bot_tests.create(session, person.principal, bot.id, wanted)
        run = await bot_test_runs.start(session, person.principal, bot.id, rt)
    await drained(rt)
    ids = {
        "bot_id": bot.id,
        "bot_ids": bot.id,
        "model": bot.id,
        "source_id": source_id,
        "document_id": document_id,
        "job_id": job_id,
        "conversation_id": conversation_id,
        "message_id": asked.json()["message_id"],
        "attachment_id": given,
        "attachments": given,
        "test_id": test.id,
        "run_id": run.id,
        "lead_id": left.json()["id"],
        "key_id": keys[0]["id"],
        "number": 1,
        "tenant_id": person.tenant_id,
    }
    return Side(person, ids, forms, visitor)


@pytest.fixture(scope="module")
async def me(rt: Runtime, client: httpx.AsyncClient) -> Side:
    return await make_side(rt, client)


@pytest.fixture(scope="module")
async def victim(rt: Runtime, client: httpx.AsyncClient) -> Side:
    return await make_side(rt, client)


@cache
def _all_rows() -> TextClause:
    """One statement instead of one a table: it is asked before and after each case."""
    tables = SQLModel.metadata.tables.items()
    return text(
        " UNION ALL ".join(
            f"SELECT '{name}', (to_jsonb(t) - ARRAY{VOLATILE})::text FROM {name} t"
            f" WHERE {'tenant_id' if 'tenant_id' in table.c else 'id'} = :tenant_id"
            for name, table in tables
        )
    )


async def everything_of(rt: Runtime, side: Side) -> set[tuple[str, str]]:
    """All rows of a tenant, with their values, and what else is stored for it."""
    async with rt.db.platform(System("tests")) as session:
        rows = await session.execute(_all_rows(), {"tenant_id": side.person.tenant_id})
        found = {(str(table), str(row)) for table, row in rows}
    found |= {
        ("index", str(await rt.vectors.chunk_ids(index)))
        for index in await rt.vectors.indexes()
        if index.bot_id == side.ids["bot_id"]
    }
    return found | {("blob", key) for key in await rt.blobs.keys(f"{side.person.tenant_id}/")}


async def send(
    client: httpx.AsyncClient, operation: Operation, headers: Headers, ids: dict[str, Any], **changes: Any
) -> httpx.Response:
    """A request that would be accepted if the ids were one's own."""
    if operation.upload:
        files = {"file": ("notes.txt", b"Some notes.", "text/plain")}
        return await client.request(operation.method, operation.url(**ids), headers=headers, files=files)
    if operation.csv:
        return await client.request(operation.method, operation.url(**ids), headers=headers, content=b"A?,B\n")
    body = operation.example(**ids)
    if body is not None:
        body |= changes
    return await client.request(operation.method, operation.url(**ids), headers=headers, json=body)


def test_every_route_is_looked_at() -> None:
    others = [o for o in operations() if "/auth/" in o.path or "/health" in o.path]
    assert {str(o) for o in [*TENANT_ROUTES, *PUBLIC_ROUTES, *others]} == {str(o) for o in operations()}
    assert len(WITH_PATH_IDS) > 10
    assert {name for o in operations() for name in o.path_ids} == {
        "bot_id", "source_id", "document_id", "job_id", "conversation_id", "lead_id", "key_id", "tenant_id", "version",
        "test_id", "run_id", "message_id", "attachment_id", "number", "model",
    }  # fmt: skip


@pytest.mark.parametrize("operation", WITH_PATH_IDS, ids=str)
async def test_anothers_id_in_the_path(
    client: httpx.AsyncClient, rt: Runtime, me: Side, victim: Side, operation: Operation
) -> None:
    before = await everything_of(rt, victim)
    answers = {name: await send(client, operation, headers, victim.ids) for name, headers in me.forms.items()}
    for name, answer in answers.items():
        may = not name.startswith("viewer") and (not name.startswith("member") or "api-keys" not in operation.path)
        assert answer.status_code == 404 or not may, (name, answer.text)
        assert answer.status_code in (403, 404), (name, answer.text)
    missing = await send(client, operation, me.forms["X-API-Key"], {name: new_id() for name in victim.ids})
    theirs, never = answers["X-API-Key"].json(), missing.json()
    told = ("error", "code", "detail")
    assert [theirs.get(name) for name in told] == [never.get(name) for name in told], "it tells that the other exists"
    assert await everything_of(rt, victim) == before


@pytest.mark.parametrize("operation", [o for o in TENANT_ROUTES if o.fields(format="uuid")], ids=str)
async def test_anothers_id_in_the_body(
    client: httpx.AsyncClient, rt: Runtime, me: Side, victim: Side, operation: Operation
) -> None:
    before = await everything_of(rt, victim)
    for field in operation.fields(format="uuid"):
        bodies = [field.holding(str(victim.ids[field.name]))]
        if field.in_list:
            bodies.append({field.name: [str(me.ids[field.name]), str(victim.ids[field.name])]})
        for name in ("X-API-Key", "bearer key", "owner token", "owner cookie"):
            for body in bodies:
                answer = await send(client, operation, me.forms[name], me.ids, **body)
                assert answer.status_code == 404, (name, body, answer.text)
    assert await everything_of(rt, victim) == before


@pytest.mark.parametrize(
    ("operation", "name"),
    [(o, p["name"]) for o in TENANT_ROUTES for p in o.query if p["name"].endswith("_id")],
    ids=str,
)
async def test_anothers_id_in_the_query(
    client: httpx.AsyncClient, me: Side, victim: Side, operation: Operation, name: str
) -> None:
    for form in ("X-API-Key", "owner token", "owner cookie"):
        mine = await client.get(operation.url(**me.ids), params={name: str(me.ids[name])}, headers=me.forms[form])
        assert str(me.ids[name]) in mine.text or str(me.ids["conversation_id"]) in mine.text, mine.text
        theirs = await client.get(operation.url(**me.ids), params={name: str(victim.ids[name])}, headers=me.forms[form])
        assert theirs.status_code == 404, theirs.text


@pytest.mark.parametrize("operation", [o for o in TENANT_ROUTES if o.method == "GET" and not o.path_ids], ids=str)
async def test_lists_hold_only_ones_own(
    client: httpx.AsyncClient, me: Side, victim: Side, operation: Operation
) -> None:
    answer = await client.get(operation.path, headers=me.person.headers)
    for name in victim.ids.keys() - NO_IDS:
        assert str(victim.ids[name]) not in answer.text, name


@pytest.mark.parametrize("operation", PUBLIC_ROUTES, ids=str)
async def test_a_visitor_token_reaches_one_conversation(
    client: httpx.AsyncClient, rt: Runtime, me: Side, victim: Side, operation: Operation
) -> None:
    before = await everything_of(rt, victim)
    for name in operation.path_ids:
        if str(operation) in FOR_ANYBODY or name in NO_IDS:
            continue
        answer = await send(client, operation, me.visitor, {**me.ids, name: victim.ids[name]})
        assert answer.status_code == 404, answer.text
    for field in operation.fields(format="uuid"):
        answer = await send(client, operation, me.visitor, me.ids, **field.holding(str(victim.ids[field.name])))
        assert answer.status_code == 404, (field.name, answer.text)
    assert await everything_of(rt, victim) == before


async def test_a_visitor_reaches_no_other_visitor_of_the_same_bot(client: httpx.AsyncClient, me: Side) -> None:
    other_id, other = await visit(client, me.ids["bot_id"])
    read = await client.get(f"/api/public/conversation/{me.ids['conversation_id']}", headers=other)
    assert read.status_code == 404
    body = {"message_id": me.ids["message_id"], "rating": -1}
    rated = await client.post(f"/api/public/conversation/{other_id}/feedback", json=body, headers=other)
    assert rated.status_code == 404


async def test_the_right_ids_do_work(client: httpx.AsyncClient, rt: Runtime, me: Side) -> None:
    """What makes the 404s above mean something: the same requests with one's own ids are answered."""
    for operation in sorted(WITH_PATH_IDS, key=lambda o: o.method != "GET"):  # a cancel takes a document away
        if operation.method == "DELETE":
            continue
        answer = await send(client, operation, me.forms["X-API-Key"], me.ids)
        if operation.body == "PreviewRequest":
            assert answer.json()["code"] == "web_unreachable", "the example's website does not exist"
            continue
        assert answer.status_code in (200, 201, 202, 409), (str(operation), answer.text)
    async with rt.db.tenant(me.person.principal) as session:
        assert (await session.scalar(select(func.count()).select_from(Message)) or 0) >= 2
    kinds = {kind for kind, _ in await everything_of(rt, me)}
    assert len(kinds) > 15, "what is compared above is not empty"
    assert {"chunks", "index", "blob"} <= kinds


@pytest.mark.parametrize("operation", ADMIN_ROUTES, ids=str)
async def test_administration_is_closed_to_tenants(
    client: httpx.AsyncClient, rt: Runtime, me: Side, victim: Side, operation: Operation
) -> None:
    before = await everything_of(rt, victim)
    for name, headers in me.forms.items():
        answer = await send(client, operation, headers, victim.ids)
        assert answer.status_code in (401, 403), (name, answer.text)
    assert (await send(client, operation, {}, victim.ids)).status_code == 401
    assert await everything_of(rt, victim) == before


@pytest.mark.parametrize(
    "operation", [o for o in operations() if "/auth/" not in o.path and "health" not in o.path], ids=str
)
async def test_without_a_credential_there_is_nothing(
    client: httpx.AsyncClient, victim: Side, operation: Operation
) -> None:
    if str(operation) in FOR_ANYBODY:
        return
    wrong = ["", "cb_wrong", "wrong", "a.b.c", "\xff\xfe", "x" * 5000]
    for token in wrong:
        headers = {b"Authorization": b"Bearer " + token.encode("latin-1")} if token else {}
        answer = await client.request(
            operation.method, operation.url(**victim.ids), headers=headers, json=operation.example(**victim.ids)
        )
        assert answer.status_code == 401, (token[:10], answer.text)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert code_of(answer) == ("invalid_api_key" if operation.for_openai else "unauthenticated")


async def test_a_key_bound_to_a_bot_sees_no_other(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    known, other = await make_bot(rt, owner), await make_bot(rt, owner)
    key = {"X-API-Key": await api_key(rt, owner, bot_ids=[known.id])}
    await visit(client, other.id)
    listed = await client.get("/api/v1/bots", headers=key)
    assert [bot["id"] for bot in listed.json()["items"]] == [str(known.id)]
    assert (await client.get(f"/api/v1/bots/{known.id}", headers=key)).status_code == 200
    for operation in WITH_PATH_IDS:
        if "bot_id" in operation.path_ids:
            answer = await send(client, operation, key, {"bot_id": other.id})
            assert answer.status_code == 404, (str(operation), answer.text)
    asked = await client.post(
        "/api/v1/chat", json={"session_id": "s", "message": "refund?", "bot_id": str(other.id)}, headers=key
    )
    assert asked.status_code == 404
    asked = await client.post("/api/v1/chat", json={"session_id": "s", "message": "refund?"}, headers=key)
    assert asked.status_code == 200, "the only bot need not be named"
    assert (await client.post("/api/v1/bots", json={"name": "New"}, headers=key)).status_code == 403
    listed = await client.get("/api/v1/conversations", headers=key)
    assert {talk["bot_id"] for talk in listed.json()["items"]} == {str(known.id)}
    filtered = await client.get("/api/v1/conversations", params={"bot_id": str(other.id)}, headers=key)
    assert filtered.status_code == 404


async def test_a_bound_key_governs_no_wider_key(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    known, other = await make_bot(rt, owner), await make_bot(rt, owner)
    await api_key(rt, owner)
    await api_key(rt, owner, bot_ids=[other.id])
    key = {"X-API-Key": await api_key(rt, owner, bot_ids=[known.id])}
    keys = (await client.get("/api/v1/api-keys", headers=owner.headers)).json()["items"]
    assert len(keys) == 3
    listed = (await client.get("/api/v1/api-keys", headers=key)).json()["items"]
    assert [item["bot_ids"] for item in listed] == [[str(known.id)]]
    for item in keys:
        if item["bot_ids"] != [str(known.id)]:
            assert (await client.delete(f"/api/v1/api-keys/{item['id']}", headers=key)).status_code == 404
    made = await client.post("/api/v1/api-keys", json={"name": "child", "scopes": ["chat"]}, headers=key)
    assert made.json()["bot_ids"] == [str(known.id)], "a child reaches no further than its parent"
    wide = await client.post(
        "/api/v1/api-keys", json={"name": "c", "scopes": ["chat"], "bot_ids": [str(other.id)]}, headers=key
    )
    assert wide.status_code == 404


async def test_a_key_gives_no_scope_that_it_lacks(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    key = {"X-API-Key": await api_key(rt, owner, [Scope.KEYS_WRITE])}
    body = {"name": "child", "scopes": ["keys:write", "bots:write"]}
    assert (await client.post("/api/v1/api-keys", json=body, headers=key)).status_code == 403
