"""Visitors whose website has signed who they are."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from sqlalchemy import update
from sqlmodel import col

from chatbot_saas.core.tenancy import System
from chatbot_saas.models import IdentitySecret
from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.services import bots
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import api_key, own_origin
from tests.factories.knowledge import SHOP, make_knowing_bot
from tests.factories.people import Person, sign_up
from tests.samples import samples

ADDRESS = "/api/v1/identity-secret"
QUESTION = "How long does a refund take?"


@pytest.fixture(scope="module")
async def person(rt: Runtime) -> Person:
    return await sign_up(rt)


@pytest.fixture(scope="module")
async def bot(rt: Runtime, person: Person) -> BotRead:
    return await make_knowing_bot(rt, person)


@pytest.fixture
async def secret(client: httpx.AsyncClient, person: Person) -> str:
    made = await client.post(ADDRESS, json={"keep_previous": False}, headers=person.headers)
    assert made.status_code == 201
    return made.json()["secret"]


def signed(secret: str, bot: BotRead, *, minutes: float = 30, **claims: Any) -> str:
    exp = datetime.now(UTC) + timedelta(minutes=minutes)
    body = {"sub": "customer-7", "aud": str(bot.id), "exp": exp, **claims}
    return jwt.encode({k: v for k, v in body.items() if v is not None}, secret, algorithm="HS256")


async def begin(client: httpx.AsyncClient, bot: BotRead, identity: str | None) -> httpx.Response:
    body = {"identity": identity} if identity is not None else {}
    return await client.post(f"/api/public/conversation/{bot.id}/start", json=body, headers={"Origin": SHOP})


async def ask(client: httpx.AsyncClient, bot: BotRead, started: dict[str, Any], **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {started['visitor_token']}", "Origin": SHOP}
    body = {"conversation_id": started["conversation_id"], "message": QUESTION, **more}
    return await client.post(f"/api/public/chat/{bot.id}", json=body, headers=headers)


async def require(rt: Runtime, person: Person, bot: BotRead, *, required: bool) -> None:
    async with rt.db.tenant(person.principal) as session:
        await bots.change(session, person.principal, bot.id, BotPatch(identity_required=required), rt)


async def test_who_is_known_goes_on_on_another_device(
    client: httpx.AsyncClient, person: Person, bot: BotRead, secret: str
) -> None:
    token = signed(secret, bot, name="Ada", email="ada@example.com")
    first = (await begin(client, bot, token)).json()
    assert (await ask(client, bot, first)).status_code == 200
    second = (await begin(client, bot, signed(secret, bot))).json()
    assert second["conversation_id"] == first["conversation_id"]
    other = (await begin(client, bot, signed(secret, bot, sub="customer-8"))).json()
    nobody = (await begin(client, bot, None)).json()
    assert len({first["conversation_id"], other["conversation_id"], nobody["conversation_id"]}) == 3
    headers = {"Authorization": f"Bearer {other['visitor_token']}"}
    read = await client.get(f"/api/public/conversation/{first['conversation_id']}", headers=headers)
    assert read.status_code == 404, "customer-8 does not read what customer-7 said"
    shown = (await client.get(f"/api/v1/conversations/{first['conversation_id']}", headers=person.headers)).json()
    assert shown["visitor_sub"] == "customer-7"
    await client.post(
        f"/api/public/conversation/{first['conversation_id']}/end",
        headers={"Authorization": f"Bearer {first['visitor_token']}"},
    )
    third = (await begin(client, bot, token)).json()
    assert third["conversation_id"] != first["conversation_id"], "what was ended is not taken up"


async def test_tabs_that_open_at_once_have_one_conversation(
    client: httpx.AsyncClient, bot: BotRead, secret: str
) -> None:
    token = signed(secret, bot, sub="customer-with-tabs")
    started = await asyncio.gather(*[begin(client, bot, token) for _ in range(5)])
    assert len({one.json()["conversation_id"] for one in started}) == 1


async def test_what_is_not_good_is_told_in_words(client: httpx.AsyncClient, bot: BotRead, secret: str) -> None:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    unsigned = f"{head}.{signed(secret, bot).split('.')[1]}."
    for token, word in {
        signed("x" * 40, bot): "not signed with",
        signed(secret, bot, minutes=-2): "expired",
        signed(secret, bot, minutes=25 * 60): "24 hours",
        signed(secret, bot, aud=str(uuid4())): "another bot",
        signed(secret, bot, aud=None): "not good",
        signed(secret, bot, exp=None): "not good",
        signed(secret, bot, sub=None): "not good",
        signed(secret, bot, sub=""): "not good",
        signed(secret, bot, sub="x" * 201): "not good",
        signed(secret, bot, email="nonsense"): "not good",
        signed(secret, bot, name=7): "not good",
        unsigned: "not good",
        "nonsense": "not good",
    }.items():
        answer = await begin(client, bot, token)
        assert (answer.status_code, answer.json()["code"]) == (401, "identity_invalid"), token
        assert word in answer.json()["detail"], (word, answer.json()["detail"])
    assert (await begin(client, bot, signed(secret, bot, minutes=-0.5))).status_code == 201, "clocks may differ"
    assert (await begin(client, bot, "x" * 5000)).status_code == 422


@pytest.mark.parametrize("algorithm", ["RS256", "HS512", "ES256", "None", ""])
async def test_no_other_signature_is_taken_whatever_the_header_says(
    client: httpx.AsyncClient, bot: BotRead, secret: str, algorithm: str
) -> None:
    _, claims, mark = signed(secret, bot).split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode()).decode().rstrip("=")
    answer = await begin(client, bot, f"{head}.{claims}.{mark}")
    assert (answer.status_code, answer.json()["code"]) == (401, "identity_invalid")


async def test_where_it_is_required_every_route_asks_for_it(
    client: httpx.AsyncClient, rt: Runtime, person: Person, bot: BotRead, secret: str
) -> None:
    nobody = (await begin(client, bot, None)).json()
    answered = (await ask(client, bot, nobody)).json()
    known = (await begin(client, bot, signed(secret, bot, sub="customer-9"))).json()
    await require(rt, person, bot, required=True)
    try:
        refused = [await begin(client, bot, None), await ask(client, bot, nobody)]
        mine = f"/api/public/conversation/{nobody['conversation_id']}"
        headers = {"Authorization": f"Bearer {nobody['visitor_token']}"}
        rated = {"message_id": answered["message_id"], "rating": 1}
        refused += [
            await client.get(mine, headers=headers),
            await client.get(f"{mine}/messages/{answered['message_id']}/sources/1", headers=headers),
            await client.post(f"{mine}/feedback", json=rated, headers=headers),
            await client.post(f"{mine}/capture-lead", json={"email": "a@example.com"}, headers=headers),
            await client.post(f"{mine}/end", headers=headers),
        ]
        assert [(a.status_code, a.json()["code"]) for a in refused] == [(401, "identity_required")] * len(refused)
        assert (await ask(client, bot, known)).status_code == 200
        assert (await begin(client, bot, signed(secret, bot))).status_code == 201
    finally:
        await require(rt, person, bot, required=False)


async def test_a_new_secret_leaves_the_old_one_a_day(
    client: httpx.AsyncClient, rt: Runtime, person: Person, bot: BotRead, secret: str
) -> None:
    made = (await client.post(ADDRESS, json={}, headers=person.headers)).json()
    assert made["secret"] != secret
    read = (await client.get(ADDRESS, headers=person.headers)).json()
    assert set(read) == {"created_at", "previous_until"}
    until = datetime.fromisoformat(read["previous_until"])
    assert timedelta(hours=23) < until - datetime.now(UTC) <= timedelta(hours=24)
    for each in (secret, made["secret"]):
        assert (await begin(client, bot, signed(each, bot))).status_code == 201
    async with rt.db.platform(System("tests")) as session:
        late = datetime.now(UTC) - timedelta(seconds=1)
        old = col(IdentitySecret.expires_at).is_not(None)
        await session.execute(update(IdentitySecret).where(old).values(expires_at=late))
    assert (await begin(client, bot, signed(secret, bot))).status_code == 401
    leaked = (await client.post(ADDRESS, json={"keep_previous": False}, headers=person.headers)).json()
    assert leaked["previous_until"] is None
    assert (await begin(client, bot, signed(made["secret"], bot))).status_code == 401


async def test_the_secret_is_encrypted_and_for_whoever_governs_keys(
    client: httpx.AsyncClient, rt: Runtime, person: Person, bot: BotRead, secret: str
) -> None:
    async with rt.db.platform(System("tests")) as session:
        row = await session.scalar(IdentitySecret.__table__.select().with_only_columns(col(IdentitySecret.secret)))
    assert row.startswith("v1:")
    assert secret not in row
    bound = await api_key(rt, person, bot_ids=[bot.id])
    assert (await client.get(ADDRESS, headers={"X-API-Key": bound})).status_code == 403
    assert (await client.post(ADDRESS, json={}, headers=own_origin(rt))).status_code == 401


async def test_the_sample_of_the_documentation_signs_what_is_taken(
    client: httpx.AsyncClient, bot: BotRead, secret: str
) -> None:
    [sample] = samples("docs/identity.md", "python")
    names: dict[str, Any] = {}
    exec(sample, names)
    customer = {"id": "customer-70", "name": "Ada", "email": "ada@example.com"}
    assert (await begin(client, bot, names["identity_for"](customer, secret, str(bot.id)))).status_code == 201


async def test_a_signature_is_believed_no_longer_than_it_says(
    client: httpx.AsyncClient, bot: BotRead, secret: str
) -> None:
    started = (await begin(client, bot, signed(secret, bot, minutes=5))).json()
    assert 0 < started["expires_in"] <= 6 * 60
    headers = {"Authorization": f"Bearer {started['visitor_token']}", "Origin": SHOP}
    again = await client.post(f"/api/public/conversation/{started['conversation_id']}/open", json={}, headers=headers)
    assert again.status_code == 200, again.text
    assert 0 < again.json()["expires_in"] <= started["expires_in"]


async def test_a_secret_that_leaked_ends_what_was_signed_with_it(
    client: httpx.AsyncClient, rt: Runtime, person: Person, bot: BotRead, secret: str
) -> None:
    nobody = (await begin(client, bot, None)).json()
    known = (await begin(client, bot, signed(secret, bot, sub="customer-11"))).json()
    assert (await ask(client, bot, known)).status_code == 200
    mine = f"/api/public/conversation/{known['conversation_id']}"
    headers = {"Authorization": f"Bearer {known['visitor_token']}", "Origin": SHOP}
    reopened = (await client.post(f"{mine}/open", headers=headers)).json()

    softly = (await client.post(ADDRESS, json={}, headers=person.headers)).json()["secret"]
    later = (await begin(client, bot, signed(softly, bot, sub="customer-12"))).json()
    for started in (known, reopened, later, nobody):
        assert (await ask(client, bot, started)).status_code == 200, "the one before is good for a day"

    await client.post(ADDRESS, json={"keep_previous": False}, headers=person.headers)
    for started in (known, reopened, later):
        refused = await ask(client, bot, started)
        assert (refused.status_code, refused.json()["code"]) == (401, "identity_invalid")
    rest = [
        await client.get(mine, headers=headers),
        await client.get("/api/public/conversations", headers=headers),
        await client.post(f"{mine}/open", headers=headers),
        await client.post(f"{mine}/capture-lead", json={"email": "a@example.com"}, headers=headers),
        await client.post(f"{mine}/end", headers=headers),
        await client.post(
            f"/api/public/chat/{bot.id}/stop",
            json={"conversation_id": known["conversation_id"], "client_message_id": "m"},
            headers=headers,
        ),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in rest] == [(401, "identity_invalid")] * len(rest)
    assert (await ask(client, bot, nobody)).status_code == 200, "who was never signed goes on"


async def test_when_the_old_secret_ends_so_do_its_visitors(
    client: httpx.AsyncClient, rt: Runtime, person: Person, bot: BotRead, secret: str
) -> None:
    known = (await begin(client, bot, signed(secret, bot))).json()
    await client.post(ADDRESS, json={}, headers=person.headers)
    assert (await ask(client, bot, known)).status_code == 200
    async with rt.db.platform(System("tests")) as session:
        late = datetime.now(UTC) - timedelta(seconds=1)
        old = col(IdentitySecret.expires_at).is_not(None)
        await session.execute(update(IdentitySecret).where(old).values(expires_at=late))
    assert (await ask(client, bot, known)).status_code == 401


async def test_odd_times_are_refused_and_never_crash(client: httpx.AsyncClient, bot: BotRead, secret: str) -> None:
    """More of them in tests/services/test_identity_claims.py."""
    later = int((datetime.now(UTC) + timedelta(minutes=5)).timestamp())
    for claims in ({"exp": str(later)}, {"exp": 1e400}, {"exp": True}, {"exp": []}, {"nbf": "x"}, {"iat": "x"}):
        answer = await begin(client, bot, signed(secret, bot, **claims))
        assert (answer.status_code, answer.json()["code"]) == (401, "identity_invalid"), (claims, answer.text)
