"""Lists: paging, searching, and a number of statements that does not grow with the rows."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from chatbot_saas.core.db import Database
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.settings import Settings
from chatbot_saas.core.tenancy import System, Tenant
from chatbot_saas.models import (
    ApiKey,
    AuditEntry,
    Bot,
    BotTest,
    BotTestResult,
    BotTestRun,
    Chunk,
    Conversation,
    Document,
    Lead,
    Membership,
    Message,
    Source,
    TenantRow,
    User,
)
from chatbot_saas.schemas.receipts import Receipt, Removed
from chatbot_saas.services import events
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import visit
from tests.factories.jobs import until
from tests.factories.knowledge import make_bot, make_knowing_bot
from tests.factories.people import Person, make_platform_admin, sign_up
from tests.factories.runtimes import client_of, other_runtime
from tests.factories.statements import counted_statements

MANY = 60
EVENTS = "/api/v1/events"


async def fill(rt: Runtime, person: Person, count: int) -> Any:
    """`count` of everything that has a list, in the person's tenant. Returns the id of a bot that has sources."""
    tenant, first = person.tenant_id, new_id()
    async with rt.db.platform(System("tests")) as session:
        session.add_all(
            Bot(id=first if n == 0 else new_id(), tenant_id=tenant, name=f"Bot {n:03}", status="published")
            for n in range(count)
        )
        await session.flush()
        for n in range(count):
            talk, source, document = new_id(), new_id(), new_id()
            owned: dict[str, Any] = {"tenant_id": tenant, "bot_id": first}
            session.add(ApiKey(tenant_id=tenant, name=f"Key {n}", prefix="cb_", key_hash=talk.bytes, scopes=["chat"]))
            session.add(receipt_entry(tenant, talk))
            session.add(Source(id=source, **owned, title=f"Source {n:03}", status="ready"))
            session.add(
                Conversation(id=talk, **owned, channel="widget", message_count=2, first_question=f"Why {n:03}?")
            )
            test, run = new_id(), new_id()
            session.add(BotTest(id=test, **owned, question=f"Why {n:03}?", facts=["because"]))
            session.add(BotTestRun(id=run, **owned, version=1, status="done"))
            await session.flush()
            session.add(
                BotTestResult(**owned, run_id=run, test_id=test, side="candidate", question="Why?", passed=n % 2 == 0)
            )
            session.add(Document(id=document, **owned, source_id=source, title="Document", text="text"))
            session.add(Lead(**owned, conversation_id=talk, email=f"visitor{n:03}@example.com", message=f"Why {n:03}?"))
            session.add_all(
                Message(**owned, conversation_id=talk, role=role, text=f"Why {n:03}?") for role in ("user", "assistant")
            )
            await session.flush()
            session.add(
                Chunk(
                    **owned,
                    source_id=source,
                    document_id=document,
                    ordinal=0,
                    start=0,
                    end=4,
                    text="text",
                    tokens=1,
                    search="'text':1",
                )
            )
    return first


def receipt_entry(tenant_id: UUID, deleted_id: UUID) -> AuditEntry:
    receipt = Receipt(
        id=deleted_id,
        kind="conversation",
        title="Conversation",
        removed=Removed(rows=1),
        verified=True,
        checked=[],
        deleted_at=datetime.now(UTC),
        signature="",
    )
    details = {"receipt": receipt.model_dump(mode="json")}
    return AuditEntry(tenant_id=tenant_id, action="conversation.delete", target_id=deleted_id, details=details)


async def fill_tenants(rt: Runtime, count: int) -> str:
    """`count` tenants with an owner and a bot each. Returns a word that their names share."""
    word = new_id().hex
    async with rt.db.platform(System("tests")) as session:
        for n in range(count):
            tenant, user = new_id(), new_id()
            session.add_all(
                [
                    TenantRow(id=tenant, name=f"{word} {n:03}"),
                    User(id=user, email=f"{user.hex}@example.com", password_hash="x"),
                ]
            )
            await session.flush()
            session.add_all(
                [Membership(tenant_id=tenant, user_id=user, role="owner"), Bot(tenant_id=tenant, name="Bot")]
            )
    return word


LISTS = ["bots", "sources", "conversations", "leads", "api-keys", "tenants", "receipts", "tests", "test-runs"]
OF_A_BOT = {"sources", "tests", "test-runs"}


def address(name: str, bot_id: Any) -> str:
    if name in OF_A_BOT:
        return f"/api/v1/bots/{bot_id}/{name}"
    return "/api/v1/admin/tenants" if name == "tenants" else f"/api/v1/{name}"


@pytest.fixture(scope="module")
async def few(rt: Runtime) -> tuple[Person, Any, str]:
    person = await make_platform_admin(rt)
    return person, await fill(rt, person, 3), await fill_tenants(rt, 3)


@pytest.fixture(scope="module")
async def many(rt: Runtime) -> tuple[Person, Any, str]:
    person = await make_platform_admin(rt)
    return person, await fill(rt, person, MANY), await fill_tenants(rt, MANY)


@pytest.mark.parametrize("name", LISTS)
async def test_statements_do_not_grow_with_rows(client: httpx.AsyncClient, few: Any, many: Any, name: str) -> None:
    counts: list[int] = []
    for (person, bot_id, word), rows in ((few, 3), (many, MANY)):
        query = {"limit": 100, **({"search": word} if name == "tenants" else {})}
        await client.get(address(name, bot_id), params=query, headers=person.headers)
        with counted_statements() as sent:
            answer = await client.get(address(name, bot_id), params=query, headers=person.headers)
        assert len(answer.json()["items"]) == rows, answer.text
        counts.append(len(sent))
    assert counts[0] == counts[1]
    assert counts[0] <= 8, "who asks, whether they may, the list; each with its SET LOCAL"


async def test_a_visitors_earlier_conversations_cost_as_much_as_one(client: httpx.AsyncClient, rt: Runtime) -> None:
    counts: list[int] = []
    for rows in (1, 30):
        person = await sign_up(rt)
        bot = await make_bot(rt, person)
        conversation_id, visitor = await visit(client, bot.id)
        async with rt.db.platform(System("tests")) as session:
            talk = await session.get_one(Conversation, UUID(conversation_id))
            owned = {name: getattr(talk, name) for name in ("tenant_id", "bot_id", "channel", "origin", "visitor_id")}
            session.add_all(
                Conversation(**owned, message_count=2, first_question=f"Why {n}?", last_message_at=datetime.now(UTC))
                for n in range(rows)
            )
        with counted_statements() as sent:
            answer = await client.get("/api/public/conversations", headers=visitor)
        assert len(answer.json()["items"]) == rows, answer.text
        counts.append(len(sent))
    assert counts[0] == counts[1]
    assert counts[0] <= 6, "the tenant, the bot, the conversation and the list, with their SET LOCAL"


async def test_events_cost_as_much_as_one(client: httpx.AsyncClient, rt: Runtime) -> None:
    """A page of them, and the beginning of a stream."""
    pages: list[int] = []
    streams: list[int] = []
    for rows in (1, 30):
        person = await sign_up(rt)
        start = (await client.get(EVENTS, headers=person.headers)).json()["last_id"]
        async with rt.db.platform(System("tests")) as session:
            session.add_all(Bot(tenant_id=person.tenant_id, name=f"Bot {n}") for n in range(rows))

        async def are_told(start: str = start, person: Person = person, rows: int = rows) -> bool:
            answer = await client.get(EVENTS, params={"after": start}, headers=person.headers)
            return len(answer.json()["items"]) == rows

        await until(are_told)  # an older transaction of anybody holds them back until it ends
        with counted_statements() as sent:
            answer = await client.get(EVENTS, params={"after": start}, headers=person.headers)
        assert len(answer.json()["items"]) == rows, answer.text
        pages.append(len(sent))

        async def again(person: Person = person) -> Tenant:
            return person.principal

        with counted_statements() as sent:
            async with aclosing(events.follow(rt, person.principal, start, again)) as stream:
                told = [await anext(stream), await anext(stream)]
        assert [len(batch) for batch in told] == [1, rows]
        streams.append(len(sent))
    assert pages[0] == pages[1]
    assert pages[0] <= 4, "who asks, where the reader is, and the events"
    assert streams == [2, 2], "where the reader is, and the events"


@pytest.mark.parametrize("name", LISTS)
async def test_pages_hold_every_row_once_newest_first(client: httpx.AsyncClient, many: Any, name: str) -> None:
    person, bot_id, word = many
    query: dict[str, Any] = {"limit": 17, **({"search": word} if name == "tenants" else {})}
    seen: list[str] = []
    pages = 0
    while True:
        page = (await client.get(address(name, bot_id), params=query, headers=person.headers)).json()
        seen += [item["id"] for item in page["items"]]
        pages += 1
        if page["next_cursor"] is None:
            break
        assert len(page["items"]) == 17
        query["cursor"] = page["next_cursor"]
    assert pages == 4
    assert len(seen) == MANY
    assert seen == sorted(set(seen), reverse=True)


@pytest.mark.parametrize(
    ("name", "search", "expected"),
    [
        ("bots", "bot 01", 10),
        ("bots", "%", 0),
        ("bots", "_", 0),
        ("sources", "SOURCE 059", 1),
        ("sources", "\\", 0),
        ("conversations", "why 02", 10),
        ("tests", "why 02", 10),
        ("tests", "BECAUSE", MANY),
        ("tests", "%", 0),
        ("conversations", "nothing of the kind", 0),
        ("leads", "VISITOR01", 10),
        ("leads", "why 02", 10),
        ("leads", "_", 0),
    ],
)
async def test_searching(client: httpx.AsyncClient, many: Any, name: str, search: str, expected: int) -> None:
    person, bot_id, _ = many
    answer = await client.get(address(name, bot_id), params={"search": search, "limit": 100}, headers=person.headers)
    assert len(answer.json()["items"]) == expected


async def test_filters(client: httpx.AsyncClient, many: Any) -> None:
    person, bot_id, word = many

    async def found(name: str, **query: Any) -> int:
        params = {"limit": 100, **query}
        answer = await client.get(address(name, bot_id), params=params, headers=person.headers)
        return len(answer.json()["items"]) if answer.status_code == 200 else -answer.status_code

    assert await found("bots", status="published") == MANY
    assert await found("bots", status="draft") == 0
    assert await found("bots", status="nonsense") == -422
    assert await found("sources", status="failed") == 0
    assert await found("conversations", unanswered=True) == 0
    assert await found("tests", outcome="passed") == await found("tests", outcome="failed") == MANY // 2
    assert await found("tests", outcome="regressed") == await found("tests", origin="source") == 0
    assert await found("tests", origin="nonsense") == -422
    assert await found("tenants", search=word, status="suspended") == 0
    for limit in (0, -1, 101):
        assert await found("bots", limit=limit) == -422


# --- one connection is enough: nothing holds one while it waits for another


@pytest.fixture
async def narrow(settings: Settings, tmp_path: Any) -> AsyncIterator[Runtime]:
    """A process with a single connection for tenants and a single one for the platform."""
    async with other_runtime(settings, tmp_path, working=False) as rt:
        await rt.db.close()
        rt.db = Database(settings.database_url, rt.secret_key, pool_size=1, platform_pool_size=1)
        try:
            yield rt
        finally:
            await rt.db.close()


async def test_no_request_holds_a_connection_while_it_waits_for_another(narrow: Runtime, rt: Runtime) -> None:
    person = await make_platform_admin(rt)
    bot = await make_knowing_bot(rt, person)
    other = await make_bot(rt, person)
    conversation_id, visitor = "", {}
    async with client_of(narrow) as client:
        conversation_id, visitor = await visit(client, bot.id)
        talk = {"conversation_id": conversation_id, "message": "How long does a refund take?"}
        asked = await client.post(f"/api/public/chat/{bot.id}", json=talk, headers=visitor)
        rating = {"message_id": asked.json()["message_id"], "rating": 1}
        own = person.headers
        tries: list[tuple[str, str, dict[str, str], Any]] = [
            ("GET", "/api/v1/me", own, None),
            ("GET", f"/api/v1/bots/{bot.id}/versions", own, None),
            ("PATCH", f"/api/v1/bots/{bot.id}", own, {"description": "new"}),
            ("POST", f"/api/v1/bots/{bot.id}/search", own, {"query": "refund"}),
            ("GET", f"/api/v1/conversations?bot_id={bot.id}", own, None),
            ("GET", f"/api/v1/conversations/{conversation_id}", own, None),
            ("POST", "/api/v1/api-keys", own, {"name": "n", "scopes": ["chat"], "bot_ids": [str(bot.id)]}),
            ("GET", "/api/v1/admin/tenants", own, None),
            ("GET", f"/api/public/bot/{bot.id}/config", visitor, None),
            ("GET", f"/api/public/conversation/{conversation_id}", visitor, None),
            ("POST", f"/api/public/conversation/{conversation_id}/feedback", visitor, rating),
            ("POST", f"/api/public/conversation/{conversation_id}/end", visitor, None),
            ("DELETE", f"/api/v1/bots/{other.id}", own, None),
            ("DELETE", f"/api/v1/conversations/{conversation_id}", own, None),
            ("GET", "/api/health/ready", {}, None),
        ]
        for method, path, headers, body in tries:
            answer = await client.request(method, path, headers=headers, json=body)
            assert answer.status_code < 300 or "ready" in path, (path, answer.text)
        files = {"file": ("notes.txt", b"Some notes.", "text/plain")}
        uploaded = await client.post(f"/api/v1/bots/{bot.id}/sources", headers=own, files=files)
        assert uploaded.status_code == 202
