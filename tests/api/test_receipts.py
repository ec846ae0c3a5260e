"""Receipts over HTTP: who sees which, and who can have one checked."""

from typing import Any

import httpx

from chatbot_saas.core.tenancy import Role
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import api_key, cookie
from tests.factories.knowledge import make_bot, make_knowing_bot
from tests.factories.people import Person, make_platform_admin, sign_up

LIST, VERIFY, ADMIN_LIST = "/api/v1/receipts", "/api/v1/receipts/verify", "/api/v1/admin/receipts"


async def listed(client: httpx.AsyncClient, person: Person, address: str = LIST) -> list[dict[str, Any]]:
    answer = await client.get(address, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_a_tenant_sees_its_own_receipts_newest_first(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, stranger: Person
) -> None:
    given: list[dict[str, Any]] = []
    for person in (owner, stranger, owner):
        bot = await make_knowing_bot(rt, person)
        gone = await client.delete(f"/api/v1/bots/{bot.id}", headers=person.headers)
        assert (gone.status_code, gone.json()["verified"]) == (200, True), gone.text
        given.append(gone.json())
    assert await listed(client, owner) == [given[2], given[0]]
    assert await listed(client, stranger) == [given[1]]
    page = await client.get(LIST, params={"limit": 1}, headers=owner.headers)
    rest = await client.get(LIST, params={"cursor": page.json()["next_cursor"]}, headers=owner.headers)
    assert (page.json()["items"], rest.json()["items"]) == ([given[2]], [given[0]])
    foreign = await client.get(LIST, params={"cursor": page.json()["next_cursor"]}, headers=stranger.headers)
    assert foreign.json()["items"] == [], "a cursor of another tenant leads nowhere"


async def test_anybody_with_a_credential_can_have_a_receipt_checked(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, stranger: Person
) -> None:
    bot = await make_bot(rt, owner)
    receipt = (await client.delete(f"/api/v1/bots/{bot.id}", headers=owner.headers)).json()
    viewer = await sign_up(rt, Role.VIEWER, owner.tenant_id)
    admin = await make_platform_admin(rt)
    for headers in (
        owner.headers,
        viewer.headers,
        stranger.headers,
        admin.headers,
        await cookie(rt, owner),
        {"X-API-Key": await api_key(rt, owner)},
    ):
        good = await client.post(VERIFY, json={"receipt": receipt}, headers=headers)
        assert (good.status_code, good.json()) == (200, {"valid": True}), good.text
        bad = await client.post(VERIFY, json={"receipt": {**receipt, "title": "Another"}}, headers=headers)
        assert bad.json() == {"valid": False}
    for body in ({"receipt": {}}, {"receipt": {"signature": ["x"]}}, {"receipt": {"signature": "é"}}):
        assert (await client.post(VERIFY, json=body, headers=owner.headers)).json() == {"valid": False}
    for body in ({}, {"receipt": "x"}, {"receipt": receipt, "more": 1}):
        assert (await client.post(VERIFY, json=body, headers=owner.headers)).status_code == 422


async def test_a_deleted_tenants_receipt_is_the_platforms(
    client: httpx.AsyncClient, rt: Runtime, owner: Person
) -> None:
    admin, gone = await make_platform_admin(rt), await sign_up(rt)
    bot = await make_knowing_bot(rt, gone)
    await client.delete(f"/api/v1/bots/{bot.id}", headers=gone.headers)
    receipt = (await client.delete(f"/api/v1/admin/tenants/{gone.tenant_id}", headers=admin.headers)).json()
    assert (receipt["kind"], receipt["id"], receipt["verified"]) == ("tenant", str(gone.tenant_id), True)
    assert receipt in await listed(client, admin, ADMIN_LIST)
    assert {item["kind"] for item in await listed(client, admin, ADMIN_LIST)} == {"tenant"}
    for person in (owner, admin):
        assert str(gone.tenant_id) not in str(await listed(client, person))
    assert (await client.get(ADMIN_LIST, headers=owner.headers)).status_code == 403
    assert (await client.get(LIST, headers=gone.headers)).status_code == 401
