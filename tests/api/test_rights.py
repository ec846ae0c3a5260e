"""Who may do what: every scope, role and form of credential against every route, as written down here."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlmodel import col

from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Role, Scope, System
from chatbot_saas.models import ApiKey, LoginSession, Membership
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import Headers, api_key, cookie, visit
from tests.api.surface import Operation, code_of, operations
from tests.factories.knowledge import SHOP, make_bot
from tests.factories.people import Person, make_platform_admin, sign_up

pytestmark = pytest.mark.no_cover  # other tests reach the same lines; to count them here doubles the time
NEEDS = {
    "GET /api/v1/bots": "bots:read",
    "POST /api/v1/bots": "bots:write",
    "GET /api/v1/bots/{bot_id}": "bots:read",
    "PATCH /api/v1/bots/{bot_id}": "bots:write",
    "DELETE /api/v1/bots/{bot_id}": "bots:write",
    "GET /api/v1/bots/{bot_id}/versions": "bots:read",
    "POST /api/v1/bots/{bot_id}/versions/{version}/restore": "bots:write",
    "POST /api/v1/bots/{bot_id}/search": "chat",
    "GET /api/v1/bots/{bot_id}/sources": "sources:read",
    "POST /api/v1/bots/{bot_id}/sources": "sources:write",
    "GET /api/v1/sources/{source_id}": "sources:read",
    "DELETE /api/v1/sources/{source_id}": "sources:write",
    "DELETE /api/v1/documents/{document_id}": "sources:write",
    "GET /api/v1/documents/{document_id}": "sources:read",
    "GET /api/v1/documents/{document_id}/passages": "sources:read",
    "GET /api/v1/sources/{source_id}/documents": "sources:read",
    "POST /api/v1/sources/{source_id}/reindex": "sources:write",
    "POST /api/v1/sources/{source_id}/cancel": "sources:write",
    "POST /api/v1/bots/{bot_id}/sources/preview": "sources:write",
    "PATCH /api/v1/sources/{source_id}": "sources:write",
    "GET /api/v1/sources/{source_id}/pages": "sources:read",
    "GET /api/v1/sources/{source_id}/pairs": "sources:read",
    "GET /api/v1/sources/{source_id}/pairs.csv": "sources:read",
    "PUT /api/v1/sources/{source_id}/pairs.csv": "sources:write",
    "POST /api/v1/bots/{bot_id}/pairs.csv": "sources:write",
    "POST /api/v1/bots/{bot_id}/pairs/match": "chat",
    "GET /api/v1/jobs": "sources:read",
    "GET /api/v1/jobs/{job_id}": "sources:read",
    "POST /api/v1/jobs/{job_id}/cancel": "sources:write",
    "POST /api/v1/jobs/{job_id}/retry": "sources:write",
    "GET /api/v1/bots/{bot_id}/tests": "bots:read",
    "POST /api/v1/bots/{bot_id}/tests": "bots:write",
    "POST /api/v1/bots/{bot_id}/tests/suggest": "bots:write",
    "GET /api/v1/tests/{test_id}": "bots:read",
    "PATCH /api/v1/tests/{test_id}": "bots:write",
    "DELETE /api/v1/tests/{test_id}": "bots:write",
    "GET /api/v1/bots/{bot_id}/test-runs": "bots:read",
    "POST /api/v1/bots/{bot_id}/test-runs": "bots:write",
    "GET /api/v1/test-runs/{run_id}": "bots:read",
    "POST /api/v1/test-runs/{run_id}/cancel": "bots:write",
    "GET /api/v1/bots/{bot_id}/publication": "bots:read",
    "POST /api/v1/bots/{bot_id}/publish": "bots:write",
    "POST /api/v1/chat": "chat",
    "GET /api/openai/v1/models": "chat",
    "GET /api/openai/v1/models/{model}": "chat",
    "POST /api/openai/v1/chat/completions": "chat",
    "GET /api/v1/conversations": "conversations:read",
    "GET /api/v1/conversations/{conversation_id}": "conversations:read",
    "GET /api/v1/conversations/{conversation_id}/attachments/{attachment_id}": "conversations:read",
    "DELETE /api/v1/conversations/{conversation_id}": "conversations:write",
    "GET /api/v1/leads": "leads:read",
    "GET /api/v1/leads.csv": "leads:read",
    "GET /api/v1/leads/{lead_id}": "leads:read",
    "DELETE /api/v1/leads/{lead_id}": "leads:write",
    "GET /api/v1/usage": "usage:read",
    "GET /api/v1/messages/{message_id}/record": "conversations:read",
    "POST /api/v1/bots/{bot_id}/search/explain": "chat",
    "POST /api/v1/bots/{bot_id}/embed/check": "bots:write",
    "GET /api/v1/api-keys": "keys:write",
    "POST /api/v1/api-keys": "keys:write",
    "DELETE /api/v1/api-keys/{key_id}": "keys:write",
    "GET /api/v1/identity-secret": "keys:write",
    "POST /api/v1/identity-secret": "keys:write",
}
USERS_ONLY = {"GET /api/v1/me"}
OWNERS_ONLY = {"GET /api/v1/receipts"}
ANY_CREDENTIAL = {"POST /api/v1/receipts/verify"}
SOME_READING = {"GET /api/v1/events"}
"""Each of these rights opens a part of what it tells: see tests/api/test_events.py."""
TOLD_OF = {"bots:read", "sources:read", "conversations:read", "leads:read"}
ADMINS_ONLY = {str(o) for o in operations() if "/admin/" in o.path}
FOR_ANYBODY = {str(o) for o in operations() if "/auth/" in o.path or "/health" in o.path}
MAY_READ = {"bots:read", "sources:read", "conversations:read", "leads:read", "usage:read"}
MAY_WORK = {"bots:write", "sources:write", "conversations:write", "leads:write", "chat"}
ROLES = {
    Role.VIEWER: MAY_READ,
    Role.MEMBER: MAY_READ | MAY_WORK,
    Role.ADMIN: MAY_READ | MAY_WORK | {"keys:write"},
    Role.OWNER: MAY_READ | MAY_WORK | {"keys:write"},
}
BY_NAME = {str(o): o for o in operations()}


def test_every_route_says_who_may_use_it() -> None:
    public = {str(o) for o in operations() if o.public}
    others = USERS_ONLY | OWNERS_ONLY | SOME_READING | ANY_CREDENTIAL | ADMINS_ONLY | FOR_ANYBODY
    assert set(NEEDS) | others | public == set(BY_NAME)
    assert {scope.value for scope in Scope} == MAY_READ | MAY_WORK | {"keys:write"}


async def send(client: httpx.AsyncClient, operation: Operation, headers: Headers) -> httpx.Response:
    """A request about things that do not exist: what is allowed ends as 404, or makes something new."""
    nothing: dict[str, Any] = dict.fromkeys((*operation.path_ids, "bot_id", "conversation_id"), new_id())
    nothing |= {"version": 1}
    if operation.upload:
        files = {"file": ("notes.txt", b"Some notes.", "text/plain")}
        return await client.request(operation.method, operation.url(**nothing), headers=headers, files=files)
    if operation.csv:
        return await client.request(operation.method, operation.url(**nothing), headers=headers, content=b"A?,B\n")
    return await client.request(
        operation.method, operation.url(**nothing), headers=headers, json=operation.example(**nothing)
    )


def is_refused(answer: httpx.Response, needed: str) -> bool:
    if answer.status_code != 403:
        assert answer.status_code in (200, 201, 202, 204, 404), answer.text
        return False
    assert code_of(answer) == "forbidden"
    assert f"the right {needed}," in answer.text
    assert "error" in answer.json() or answer.json()["required_scope"] == needed, "OpenAI's shape has no place for it"
    return True


@pytest.fixture(scope="module")
async def person(rt: Runtime) -> Person:
    return await sign_up(rt)


@pytest.mark.parametrize("scope", list(Scope))
async def test_a_scope_opens_its_routes_and_no_other(
    client: httpx.AsyncClient, rt: Runtime, person: Person, scope: Scope
) -> None:
    """Every scope at every route, each time in another of a key's forms, so that every route meets every form as well:
    what reads a key knows nothing of routes.
    """
    key = await api_key(rt, person, [scope])
    forms = itertools.cycle(
        ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}, {"Authorization": f"bearer {key}"})
    )
    for _ in range(list(Scope).index(scope) % 3):
        next(forms)
    expected = dict.fromkeys(USERS_ONLY | ADMINS_ONLY, 401) | dict.fromkeys(OWNERS_ONLY, 403)
    expected |= dict.fromkeys(ANY_CREDENTIAL, 200) | dict.fromkeys(SOME_READING, 200 if scope in TOLD_OF else 403)
    for name, needed in sorted(NEEDS.items()):
        form = next(forms)
        answer = await send(client, BY_NAME[name], form)
        assert is_refused(answer, needed) == (needed != scope), (name, form, answer.text)
    for name, status in sorted(expected.items()):
        form = next(forms)
        assert (await send(client, BY_NAME[name], form)).status_code == status, (name, form)


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_opens_its_routes_and_no_other(
    client: httpx.AsyncClient, rt: Runtime, person: Person, role: Role
) -> None:
    colleague = await sign_up(rt, role, person.tenant_id)
    for form in (colleague.headers, await cookie(rt, colleague)):
        for name, needed in NEEDS.items():
            answer = await send(client, BY_NAME[name], form)
            assert is_refused(answer, needed) == (needed not in ROLES[role]), (name, answer.text)
        for name in USERS_ONLY | ANY_CREDENTIAL | SOME_READING:
            assert (await send(client, BY_NAME[name], form)).status_code == 200
        for name in OWNERS_ONLY:
            expected = 200 if role in (Role.OWNER, Role.ADMIN) else 403
            assert (await send(client, BY_NAME[name], form)).status_code == expected, name
        for name in ADMINS_ONLY:
            assert (await send(client, BY_NAME[name], form)).status_code == 403, name


async def test_a_key_wins_over_what_is_sent_beside_it(client: httpx.AsyncClient, rt: Runtime, person: Person) -> None:
    """Nobody borrows a cookie's or a token's rights for a key."""
    weak = {"X-API-Key": await api_key(rt, person, [Scope.USAGE_READ])}
    for strong in (person.headers, await cookie(rt, person)):
        assert (await client.get("/api/v1/bots", headers={**strong, **weak})).status_code == 403
    wrong = {**await cookie(rt, person), "Authorization": "Bearer wrong"}
    assert (await client.get("/api/v1/bots", headers=wrong)).status_code == 401


async def test_revoked_and_expired_keys_are_nothing(client: httpx.AsyncClient, rt: Runtime, person: Person) -> None:
    revoked, expired, kept = [await api_key(rt, person) for _ in range(3)]
    listed = (await client.get("/api/v1/api-keys", headers=person.headers)).json()["items"]
    by_prefix = {item["prefix"]: item["id"] for item in listed}
    gone = await client.delete(f"/api/v1/api-keys/{by_prefix[revoked[:10]]}", headers=person.headers)
    assert gone.status_code == 204
    async with rt.db.platform(System("tests")) as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        await session.execute(update(ApiKey).where(col(ApiKey.prefix) == expired[:10]).values(expires_at=past))
    for key, status in ((revoked, 401), (expired, 401), (kept, 200), (kept[:-1], 401), (kept + "x", 401)):
        for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
            answer = await client.get("/api/v1/bots", headers=headers)
            assert answer.status_code == status, answer.text
    again = (await client.get("/api/v1/api-keys", headers=person.headers)).json()["items"]
    assert next(item for item in again if item["prefix"] == revoked[:10])["revoked_at"]
    assert next(item for item in again if item["prefix"] == kept[:10])["last_used_at"]


async def test_a_key_is_shown_once_and_kept_as_a_hash(client: httpx.AsyncClient, rt: Runtime, person: Person) -> None:
    made = await client.post("/api/v1/api-keys", json={"name": "n", "scopes": ["chat"]}, headers=person.headers)
    key = made.json()["key"]
    assert key not in (await client.get("/api/v1/api-keys", headers=person.headers)).text
    async with rt.db.tenant(person.principal) as session:
        row = await session.get_one(ApiKey, made.json()["id"])
    assert key[12:] not in str(row.model_dump())
    assert len(row.key_hash) == 32
    past = {"name": "n", "scopes": ["chat"], "expires_at": "2020-01-01T00:00:00Z"}
    assert (await client.post("/api/v1/api-keys", json=past, headers=person.headers)).status_code == 422


async def test_an_expired_session_is_nothing(client: httpx.AsyncClient, rt: Runtime) -> None:
    person = await sign_up(rt)
    headers = await cookie(rt, person)
    assert (await client.get("/api/v1/me", headers=headers)).status_code == 200
    async with rt.db.platform(System("tests")) as session:
        mine = col(LoginSession.user_id) == person.user_id
        await session.execute(update(LoginSession).where(mine).values(expires_at=datetime.now(UTC)))
    assert (await client.get("/api/v1/me", headers=headers)).status_code == 401


async def test_suspension_stops_everything_at_once_and_resuming_starts_it(
    client: httpx.AsyncClient, rt: Runtime
) -> None:
    person, admin = await sign_up(rt), await make_platform_admin(rt)
    bot = await make_bot(rt, person)
    key = await api_key(rt, person)
    conversation_id, visitor = await visit(client, bot.id)
    site = {"Origin": SHOP}
    talk = {"conversation_id": conversation_id, "message": "refund?"}
    tries: list[tuple[str, str, Headers, Any, set[int]]] = [
        ("GET", "/api/v1/bots", {"X-API-Key": key}, None, {403}),
        ("GET", "/api/v1/bots", {"Authorization": f"Bearer {key}"}, None, {403}),
        ("POST", "/api/v1/chat", {"X-API-Key": key}, {"bot_id": str(bot.id), "session_id": "s", "message": "?"}, {403}),
        ("GET", "/api/v1/me", person.headers, None, {403}),
        ("GET", "/api/v1/bots", person.headers, None, {403}),
        ("GET", "/api/v1/bots", await cookie(rt, person), None, {403}),
        ("GET", f"/api/public/bot/{bot.id}/config", site, None, {404}),
        ("POST", f"/api/public/conversation/{bot.id}/start", site, {}, {404}),
        ("POST", f"/api/public/chat/{bot.id}", visitor, talk, {404}),
        ("GET", f"/api/public/conversation/{conversation_id}", visitor, None, {404}),
        ("POST", f"/api/public/conversation/{conversation_id}/end", visitor, None, {404}),
        ("GET", f"/widget/frame?bot_id={bot.id}", {}, None, {404}),
    ]

    async def statuses() -> list[int]:
        return [
            (await client.request(method, path, headers=headers, json=body)).status_code
            for method, path, headers, body, _ in tries
        ]

    assert all(status < 300 for status in await statuses())
    address = f"/api/v1/admin/tenants/{person.tenant_id}"
    done = await client.patch(address, json={"status": "suspended"}, headers=admin.headers)
    assert done.json()["status"] == "suspended"
    for (method, path, *_, expected), status in zip(tries, await statuses(), strict=True):
        assert status in expected, (method, path, status)
    refresh = {"refresh_token": person.refresh_token}
    assert (await client.post("/api/v1/auth/refresh", json=refresh)).status_code == 403
    await client.patch(address, json={"status": "active"}, headers=admin.headers)
    assert all(status < 300 for status in await statuses())
    assert (await client.post("/api/v1/auth/refresh", json=refresh)).status_code == 200


async def test_a_role_counts_as_it_is_now(client: httpx.AsyncClient, rt: Runtime) -> None:
    """Not as it was when the token was made; who is removed has no tenant any more."""
    owner = await sign_up(rt)
    colleague = await sign_up(rt, Role.MEMBER, owner.tenant_id)
    headers = [colleague.headers, await cookie(rt, colleague)]
    membership = col(Membership.user_id) == colleague.user_id
    async with rt.db.platform(System("tests")) as session:
        await session.execute(update(Membership).where(membership).values(role="viewer"))
    for form in headers:
        assert (await client.post("/api/v1/bots", json={"name": "n"}, headers=form)).status_code == 403
        assert (await client.get("/api/v1/bots", headers=form)).status_code == 200
    async with rt.db.platform(System("tests")) as session:
        await session.execute(Membership.__table__.delete().where(membership))  # type: ignore[attr-defined]
    for form in headers:
        assert (await client.get("/api/v1/bots", headers=form)).status_code == 403
        assert (await client.get("/api/v1/me", headers=form)).json()["tenant"] is None
