"""Platform administrators: tenants made, renamed, suspended, deleted; and what is kept of it."""

import httpx
from sqlalchemy import select
from sqlmodel import col

from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import System
from chatbot_saas.models import AuditEntry, User
from chatbot_saas.services import tenants, usage
from chatbot_saas.services.runtime import Runtime
from tests.factories.knowledge import make_bot, make_knowing_bot
from tests.factories.people import Person, make_platform_admin

ADDRESS = "/api/v1/admin/tenants"


async def test_a_tenants_life(client: httpx.AsyncClient, rt: Runtime) -> None:
    admin = await make_platform_admin(rt)
    form = {"name": "Harbour Bikes", "owner_email": f"{new_id().hex}@example.com", "owner_password": "a long password"}
    made = await client.post(ADDRESS, json=form, headers=admin.headers)
    assert made.status_code == 201, made.text
    tenant = made.json()
    assert (tenant["owner_email"], tenant["users"], tenant["bots"]) == (form["owner_email"], 1, 0)
    again = await client.post(ADDRESS, json=form, headers=admin.headers)
    assert (again.status_code, again.json()["code"]) == (409, "email_taken")

    login = {"email": form["owner_email"], "password": form["owner_password"]}
    signed_in = await client.post("/api/v1/auth/login", json=login)
    headers = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
    assert (await client.post("/api/v1/bots", json={"name": "Bot"}, headers=headers)).status_code == 201

    mine = f"{ADDRESS}/{tenant['id']}"
    renamed = await client.patch(mine, json={"name": "Bikes"}, headers=admin.headers)
    assert (renamed.json()["name"], renamed.json()["bots"]) == ("Bikes", 1)
    found = await client.get(ADDRESS, params={"search": form["owner_email"][:20]}, headers=admin.headers)
    assert [item["id"] for item in found.json()["items"]] == [tenant["id"]], "by the owner's address, too"
    assert (await client.get(mine, headers=admin.headers)).json() == renamed.json()

    assert (await client.delete(mine, headers=admin.headers)).status_code == 200
    assert (await client.get(mine, headers=admin.headers)).status_code == 404
    assert (await client.delete(mine, headers=admin.headers)).status_code == 404
    assert (await client.get("/api/v1/bots", headers=headers)).status_code == 401
    assert (await client.post("/api/v1/auth/login", json=login)).status_code == 401

    async with rt.db.platform(System("tests")) as session:
        mine = select(col(AuditEntry.action)).where(col(AuditEntry.target_id) == tenant["id"])
        entries = list(await session.scalars(mine.order_by(col(AuditEntry.created_at))))
        assert entries == ["tenant.create", "tenant.rename", *["tenant.delete"] * 2], "it went, and was searched for"


async def test_who_is_in_another_tenant_too_is_kept(client: httpx.AsyncClient, rt: Runtime) -> None:
    """So is an administrator whose own tenant is deleted."""
    admin = await make_platform_admin(rt)
    other = await make_platform_admin(rt)
    gone = await client.delete(f"{ADDRESS}/{other.tenant_id}", headers=admin.headers)
    assert gone.status_code == 200
    async with rt.db.platform(System("tests")) as session:
        assert await session.get(User, other.user_id)


async def test_the_first_administrator_is_made_from_the_command_line(rt: Runtime, owner: Person) -> None:
    email = f"{new_id().hex}@example.com"
    assert await tenants.make_admin(rt, email, "a long password") is True
    assert await tenants.make_admin(rt, owner.email, "another password") is False, "an account that is there is raised"
    async with rt.db.platform(System("tests")) as session:
        query = select(col(User.is_platform_admin)).where(col(User.email).in_([email, owner.email]))
        assert list(await session.scalars(query)) == [True, True]


async def test_the_overview_counts_ones_own(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    bot = await make_knowing_bot(rt, owner)
    await make_bot(rt, owner, published=False)
    for question in ("How long does a refund take?", "Who won the chess world championship?"):
        body = {"bot_id": str(bot.id), "session_id": "s", "message": question}
        assert (await client.post("/api/v1/chat", json=body, headers=owner.headers)).status_code == 200
    async with rt.db.tenant(owner.principal) as session:
        shown = await usage.overview(session, owner.principal)
    assert (shown.bots, shown.published_bots, shown.documents, shown.conversations) == (2, 1, 1, 1)
    assert (shown.answers_today, shown.unanswered_today) == (2, 1)
    assert shown.input_tokens_today > 0
    assert shown.cost_today_usd == 0, "offline models cost nothing"
