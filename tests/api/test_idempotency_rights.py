"""A kept answer is for whoever may still see it."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, update
from sqlmodel import col

from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Role, Scope, System
from chatbot_saas.models import ApiKey, IdempotencyKey, Membership
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import Headers, api_key
from tests.api.surface import Operation, code_of, document, operations
from tests.api.test_rights import NEEDS
from tests.factories.knowledge import make_bot
from tests.factories.people import Person, sign_up

KEYED = [
    operation
    for operation in operations()
    if operation.method == "POST"
    and "Idempotency-Key" in {p["name"] for p in document()["paths"][operation.path]["post"].get("parameters", [])}
]
BOTS = "/api/v1/bots"
API_KEYS = "/api/v1/api-keys"


async def cut(rt: Runtime, person: Person, **values: Any) -> None:
    """Change what the tenant's newest API key may."""
    async with rt.db.platform(System("tests")) as session:
        mine = col(ApiKey.tenant_id) == person.tenant_id
        newest = select(col(ApiKey.id)).where(mine).order_by(col(ApiKey.id).desc()).limit(1)
        await session.execute(update(ApiKey).where(col(ApiKey.id).in_(newest)).values(**values))


async def keyed(rt: Runtime, person: Person, *scopes: Scope, bot_ids: list[UUID] | None = None) -> Headers:
    key = await api_key(rt, person, list(scopes) or None, bot_ids)
    return {"X-API-Key": key, "Idempotency-Key": new_id().hex}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, code_of(answer)


async def test_who_may_no_longer_gets_no_kept_answer(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    headers = await keyed(rt, owner, Scope.BOTS_READ, Scope.BOTS_WRITE)
    assert (await client.post(BOTS, json={"name": "Helper"}, headers=headers)).status_code == 201
    await cut(rt, owner, scopes=["bots:read"])
    assert refusal(await client.post(BOTS, json={"name": "Helper"}, headers=headers)) == (403, "forbidden")


async def test_a_lower_role_gets_no_kept_answer(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    colleague = await sign_up(rt, Role.ADMIN, owner.tenant_id)
    headers = {**colleague.headers, "Idempotency-Key": "k"}
    body = {"name": "key", "scopes": ["chat"]}
    made = await client.post(API_KEYS, json=body, headers=headers)
    assert made.status_code == 201
    async with rt.db.platform(System("tests")) as session:
        mine = col(Membership.user_id) == colleague.user_id
        await session.execute(update(Membership).where(mine).values(role=Role.MEMBER))
    again = await client.post(API_KEYS, json=body, headers=headers)
    assert refusal(again) == (403, "forbidden")
    assert made.json()["key"] not in again.text


async def test_a_key_that_could_do_more_is_not_shown_again(
    client: httpx.AsyncClient, rt: Runtime, owner: Person
) -> None:
    """The right to make keys is left, and the key that was made has a right that its maker has lost."""
    headers = await keyed(rt, owner, Scope.KEYS_WRITE, Scope.LEADS_READ)
    body = {"name": "key", "scopes": ["leads:read"]}
    made = await client.post(API_KEYS, json=body, headers=headers)
    assert made.status_code == 201, made.text
    async with rt.db.platform(System("tests")) as session:
        maker = (col(ApiKey.tenant_id) == owner.tenant_id) & (col(ApiKey.name) == "test")
        await session.execute(update(ApiKey).where(maker).values(scopes=["keys:write"]))
    again = await client.post(API_KEYS, json=body, headers=headers)
    assert refusal(again) == (409, "idempotency_forgotten")
    assert made.json()["key"] not in again.text


async def test_answers_about_bots_out_of_reach_are_not_given(
    client: httpx.AsyncClient, rt: Runtime, owner: Person
) -> None:
    one, two = await make_bot(rt, owner), await make_bot(rt, owner)
    headers = await keyed(rt, owner, bot_ids=[one.id, two.id])
    test = {"question": "How long is the warranty?", "facts": ["5 years"]}

    async def ask(bot: Any, key: str) -> httpx.Response:
        body = {"bot_id": str(bot.id), "session_id": "s", "message": "How long is the warranty?"}
        return await client.post("/api/v1/chat", json=body, headers={**headers, "Idempotency-Key": key})

    async def add(bot: Any, key: str) -> httpx.Response:
        return await client.post(f"{BOTS}/{bot.id}/tests", json=test, headers={**headers, "Idempotency-Key": key})

    assert [(await ask(one, "ask-1")).status_code, (await ask(two, "ask-2")).status_code] == [200, 200]
    assert [(await add(one, "add-1")).status_code, (await add(two, "add-2")).status_code] == [201, 201]
    await cut(rt, owner, bot_ids=[one.id])
    assert (await add(one, "add-1")).headers["Idempotent-Replayed"] == "true", "this bot is still in reach"
    assert refusal(await add(two, "add-2")) == (404, "not_found")
    assert refusal(await ask(two, "ask-2")) == (409, "idempotency_forgotten")
    assert refusal(await ask(one, "ask-1")) == (409, "idempotency_forgotten"), "it may have been about either"


async def test_more_rights_than_before_do_no_harm(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    headers = await keyed(rt, owner, Scope.CHAT, bot_ids=[bot.id])
    body = {"bot_id": str(bot.id), "session_id": "s", "message": "How long is the warranty?"}
    first = await client.post("/api/v1/chat", json=body, headers=headers)
    await cut(rt, owner, bot_ids=None, scopes=["chat", "bots:read"])
    again = await client.post("/api/v1/chat", json=body, headers=headers)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")


async def test_a_secret_that_is_shown_once_is_kept_sealed(
    client: httpx.AsyncClient, rt: Runtime, owner: Person
) -> None:
    headers = {**owner.headers, "Idempotency-Key": "secret"}
    made = await client.post("/api/v1/identity-secret", json={}, headers=headers)
    again = await client.post("/api/v1/identity-secret", json={}, headers=headers)
    assert again.json() == made.json()
    async with rt.db.tenant(owner.principal) as session:
        record = (await session.scalars(select(IdempotencyKey))).one()
    assert record.answer.startswith("v1:")
    assert made.json()["secret"] not in record.answer


@pytest.mark.parametrize("operation", KEYED, ids=str)
async def test_rights_are_asked_before_a_key_is_looked_at(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, operation: Operation
) -> None:
    """Whatever a route needs, and whatever stands in the body: who may not is told so, and leaves no record."""
    scopes = [scope for scope in Scope if scope.value != NEEDS[str(operation)]]
    bot = await make_bot(rt, owner)
    ids = {**{name: new_id() for name in operation.path_ids}, "bot_id": bot.id, "version": 1}
    headers = await keyed(rt, owner, *scopes)
    answer = await client.post(operation.url(**ids), headers=headers, json=operation.example(**ids))
    assert answer.status_code == 403, answer.text
    if "bot_id" in operation.path_ids:
        away = {**await keyed(rt, owner, bot_ids=[(await make_bot(rt, owner)).id])}
        answer = await client.post(operation.url(**ids), headers=away, json=operation.example(**ids))
        assert refusal(answer) == (404, "not_found")
    async with rt.db.tenant(owner.principal) as session:
        assert (await session.scalars(select(IdempotencyKey))).all() == []
