"""Signing up, in and out; tokens and cookies; limits and lockout; what a foreign website gets."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from chatbot_saas.core import security
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.settings import Settings
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import cookie, visit
from tests.api.surface import operations
from tests.factories.knowledge import SHOP, make_bot
from tests.factories.people import PASSWORD, Person
from tests.factories.runtimes import client_of, other_runtime

EVIL = "https://evil.example"


def account() -> dict[str, str]:
    return {"email": f"{new_id().hex}@example.com", "password": "a long password", "tenant_name": "Shop"}


async def whoami(client: httpx.AsyncClient, token: str) -> int:
    return (await client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})).status_code


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/api/v1/auth/refresh", json={"refresh_token": token})


@pytest.fixture
async def pair(client: httpx.AsyncClient, owner: Person) -> dict[str, str]:
    answer = await client.post("/api/v1/auth/login", json={"email": owner.email, "password": PASSWORD})
    assert answer.status_code == 200
    return answer.json()


async def test_sign_up_makes_a_tenant_and_its_owner(client: httpx.AsyncClient) -> None:
    form = account()
    made = await client.post("/api/v1/auth/signup", json={**form, "email": form["email"].upper()})
    assert made.status_code == 201
    assert made.json() | {"access_token": "", "refresh_token": ""} == {
        "access_token": "", "refresh_token": "", "token_type": "bearer", "expires_in": 900,
    }  # fmt: skip
    me = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {made.json()['access_token']}"})
    assert me.json()["email"] == form["email"]
    assert me.json()["tenant"]["name"] == "Shop"
    assert me.json()["tenant"]["role"] == "owner"
    assert me.json()["is_platform_admin"] is False
    again = await client.post("/api/v1/auth/signup", json=form)
    assert (again.status_code, again.json()["code"]) == (409, "email_taken")
    both = await asyncio.gather(*(client.post("/api/v1/auth/signup", json=twice) for twice in [account()] * 2))
    assert sorted(answer.status_code for answer in both) == [201, 409], "at the same time, too"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "no address"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": "a" * 250 + "@example.com"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "a" * 201}, "password"),
        ({"tenant_name": "  "}, "tenant_name"),
    ],
)
async def test_sign_up_says_what_is_wrong(client: httpx.AsyncClient, changes: dict[str, str], field: str) -> None:
    answer = await client.post("/api/v1/auth/signup", json={**account(), **changes})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert "password" not in str(answer.json()["errors"][0]["message"]) or field == "password"


async def test_a_refresh_token_works_once(client: httpx.AsyncClient, pair: dict[str, str]) -> None:
    second = await refresh(client, pair["refresh_token"])
    assert second.status_code == 200
    assert second.json()["refresh_token"] != pair["refresh_token"]
    assert await whoami(client, second.json()["access_token"]) == 200
    stolen = await refresh(client, pair["refresh_token"])
    assert stolen.status_code == 401
    assert (await refresh(client, second.json()["refresh_token"])).status_code == 401, "the family ended"
    for token in (pair["access_token"], second.json()["access_token"]):
        assert await whoami(client, token) == 401


async def test_two_uses_of_a_refresh_token_at_once(client: httpx.AsyncClient, pair: dict[str, str]) -> None:
    answers = await asyncio.gather(*(refresh(client, pair["refresh_token"]) for _ in range(4)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses in ([200, 401, 401, 401], [401, 401, 401, 401])
    for answer in answers:
        if answer.status_code == 200:
            assert (await refresh(client, answer.json()["refresh_token"])).status_code == 401
            assert await whoami(client, answer.json()["access_token"]) == 401


async def test_other_sign_ins_live_on(client: httpx.AsyncClient, owner: Person, pair: dict[str, str]) -> None:
    await client.post("/api/v1/auth/logout", json={"refresh_token": pair["refresh_token"]})
    assert await whoami(client, owner.access_token) == 200


async def test_logout_ends_the_sign_in_with_all_its_tokens(client: httpx.AsyncClient, pair: dict[str, str]) -> None:
    second = (await refresh(client, pair["refresh_token"])).json()
    out = await client.post("/api/v1/auth/logout", json={"refresh_token": second["refresh_token"]})
    assert out.status_code == 204
    for tokens in (pair, second):
        assert await whoami(client, tokens["access_token"]) == 401
        assert (await refresh(client, tokens["refresh_token"])).status_code == 401
    for token in ("unknown", second["refresh_token"]):
        assert (await client.post("/api/v1/auth/logout", json={"refresh_token": token})).status_code == 204


async def test_a_wrong_login_tells_nothing(client: httpx.AsyncClient, owner: Person) -> None:
    async def answer(email: str) -> dict[str, Any]:
        given = await client.post("/api/v1/auth/login", json={"email": email, "password": "wrong password"})
        assert given.status_code == 401
        return {**given.json(), "request_id": ""}

    assert await answer(owner.email) == await answer(f"{new_id().hex}@example.com")


def test_an_unknown_account_takes_as_long_as_a_known_one() -> None:
    def took(hashed: str | None) -> float:
        started = time.process_time()
        assert not security.verify_password("wrong", hashed)
        return time.process_time() - started

    known = security.hash_password("right")
    assert 0.3 < min(took(None) for _ in range(3)) / min(took(known) for _ in range(3)) < 3


def test_a_password_counts_to_its_last_character() -> None:
    """bcrypt itself reads 72 bytes."""
    hashed = security.hash_password("a" * 72 + "b", rounds=4)
    assert security.verify_password("a" * 72 + "b", hashed)
    assert not security.verify_password("a" * 72 + "c", hashed)
    assert not security.verify_password("a" * 72, hashed)


# --- tokens


def forged(rt: Runtime, person: Person, *, key: str = "", algorithm: str = "HS256", **claims: Any) -> str:
    """The person's own access token, changed."""
    own = jwt.decode(person.access_token, options={"verify_signature": False})
    payload = {name: value for name, value in {**own, **claims}.items() if value is not None}
    return jwt.encode(payload, "" if algorithm == "none" else key or rt.secret_key, algorithm=algorithm)


async def test_only_our_own_access_tokens_open(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    assert await whoami(client, forged(rt, owner)) == 200, "the forger's tool works"
    past = datetime.now(UTC) - timedelta(seconds=1)
    for token in (
        forged(rt, owner, algorithm="none"),
        forged(rt, owner, key="another secret that is long enough"),
        forged(rt, owner, algorithm="HS384"),
        forged(rt, owner, aud="visitor"),
        forged(rt, owner, aud=["visitor", "other"]),
        forged(rt, owner, typ="visitor"),
        forged(rt, owner, iss="somebody"),
        forged(rt, owner, exp=past),
        forged(rt, owner, exp=None),
        forged(rt, owner, aud=None),
        forged(rt, owner, fam=str(new_id())),
        owner.access_token[:-3] + "abc",
        owner.access_token.rpartition(".")[0] + ".",
        owner.refresh_token,
    ):
        assert await whoami(client, token) == 401, token


async def test_tokens_are_good_for_one_thing(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    conversation_id, visitor = await visit(client, bot.id)
    for path in ("/api/v1/me", "/api/v1/bots", "/api/v1/admin/tenants"):
        assert (await client.get(path, headers=visitor)).status_code == 401
    as_visitor = {**owner.headers, "Origin": SHOP}
    assert (await client.get(f"/api/public/conversation/{conversation_id}", headers=as_visitor)).status_code == 401
    session = (await cookie(rt, owner))["Cookie"].partition("=")[2]
    assert await whoami(client, session) == 401, "a cookie's value is no bearer token"
    assert (
        await client.get("/api/v1/me", headers={"Cookie": f"chatbot_session={owner.access_token}"})
    ).status_code == 401


# --- the dashboard's cookie


async def test_signing_in_to_the_dashboard_sets_a_cookie_that_scripts_cannot_read(
    client: httpx.AsyncClient, rt: Runtime, owner: Person
) -> None:
    login = {"email": owner.email, "password": PASSWORD}
    own = {"Origin": rt.settings.public_origin}
    for origin in ({}, {"Origin": EVIL}, {"Origin": "null"}, {"Origin": rt.settings.public_origin + ".evil.example"}):
        refused = await client.post("/api/dashboard/sign-in", json=login, headers=origin)
        assert refused.status_code == 403, origin
        assert "set-cookie" not in refused.headers
    done = await client.post("/api/dashboard/sign-in", json=login, headers=own)
    assert (done.status_code, done.content) == (204, b"")
    value, *attributes = done.headers["set-cookie"].split("; ")
    assert {a.lower() for a in attributes} == {"httponly", "max-age=1209600", "path=/", "samesite=lax"}
    signed_in = {"Cookie": value}
    client.cookies.clear()
    assert (await client.get("/api/v1/me", headers=signed_in)).status_code == 200
    out = await client.post("/api/dashboard/sign-out", headers={**signed_in, "Origin": EVIL})
    assert out.status_code == 403
    assert (await client.get("/api/v1/me", headers=signed_in)).status_code == 200
    out = await client.post("/api/dashboard/sign-out", headers={**signed_in, **own})
    assert out.status_code == 204
    client.cookies.clear()
    assert (await client.get("/api/v1/me", headers=signed_in)).status_code == 401


@pytest.mark.parametrize(
    "operation",
    [o for o in operations() if o.method != "GET" and o.path.startswith("/api/v1/") and "/auth/" not in o.path],
    ids=str,
)
async def test_a_foreign_page_changes_nothing_with_the_cookie(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, operation: Any
) -> None:
    sent = (await cookie(rt, owner))["Cookie"]
    nothing = dict.fromkeys((*operation.path_ids, "bot_id"), new_id()) | {"version": 1}
    for headers in ({"Cookie": sent}, {"Cookie": sent, "Origin": EVIL}, {"Cookie": sent, "Origin": "null"}):
        answer = await client.request(
            operation.method, operation.url(**nothing), headers=headers, json=operation.example(**nothing)
        )
        assert (answer.status_code, answer.json().get("reason")) == (403, "foreign_origin"), answer.text


# --- other websites, headers


async def test_a_foreign_website_never_gets_credentials(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    for method in ("GET", "OPTIONS"):
        for path in ("/api/v1/me", "/api/v1/bots", "/api/health", f"/api/public/bot/{bot.id}/config", "/metrics"):
            for origin in (EVIL, SHOP, "null", rt.settings.public_origin):
                headers = {**(await cookie(rt, owner)), "Origin": origin, "Access-Control-Request-Method": "GET"}
                answer = await client.request(method, path, headers=headers)
                assert "access-control-allow-credentials" not in answer.headers, (method, path, origin)
                if not path.startswith("/api/public/"):
                    assert "access-control-allow-origin" not in answer.headers, (method, path, origin)


async def test_preflight_on_public_routes(client: httpx.AsyncClient) -> None:
    answer = await client.options(
        f"/api/public/chat/{new_id()}",
        headers={
            "Origin": SHOP,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,last-event-id",
        },
    )
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == SHOP
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert {"authorization", "content-type", "last-event-id"} <= set(allowed.split(", "))
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "origin" in answer.headers["vary"].lower()
    refused = await client.options("/api/v1/chat", headers={"Origin": SHOP, "Access-Control-Request-Method": "POST"})
    assert "access-control-allow-origin" not in refused.headers


async def test_what_runs_on_websites_may_be_loaded_by_them(client: httpx.AsyncClient) -> None:
    """Scripts that a page of another origin imports; the frame's own files it may not read."""
    for name, allowed in (("chatbot-widget.js", "*"), ("panel.js", "*"), ("frame.js", None)):
        for folder in ("/widget", "/widget/v1"):
            answer = await client.get(f"{folder}/{name}", headers={"Origin": SHOP})
            assert answer.headers.get("access-control-allow-origin") == allowed, (folder, name)


async def test_every_answer_has_a_request_id(client: httpx.AsyncClient) -> None:
    given = await client.get("/api/health", headers={"X-Request-Id": "trace-12345"})
    assert given.headers["x-request-id"] == "trace-12345"
    for odd in ("short", "x" * 65, "<script>alert(1)</script>", "a b c d e f"):
        answer = await client.get("/api/v1/me", headers={"X-Request-Id": odd})
        assert answer.headers["x-request-id"] != odd
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_headers_that_protect(client: httpx.AsyncClient) -> None:
    for path in ("/api/health", "/api/v1/me", "/api/docs", "/api/openapi.json", "/widget/chatbot-widget.js"):
        answer = await client.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["referrer-policy"] == "same-origin", path
        assert "strict-transport-security" not in answer.headers, "not over plain http"
    assert "frame-ancestors 'none'" in (await client.get("/api/docs")).headers["content-security-policy"]


async def test_behind_tls(settings: Settings, rt: Runtime, owner: Person, tmp_path: Any) -> None:
    async with (
        other_runtime(settings, tmp_path, working=False, public_url="https://chat.example.com") as secure,
        client_of(secure) as https,
    ):
        assert "max-age=" in (await https.get("/api/health")).headers["strict-transport-security"]
        login = {"email": owner.email, "password": PASSWORD}
        own = {"Origin": "https://chat.example.com"}
        done = await https.post("/api/dashboard/sign-in", json=login, headers=own)
        assert "Secure" in done.headers["set-cookie"].split("; ")
        downgraded = {"Origin": "http://chat.example.com"}
        assert (await https.post("/api/dashboard/sign-in", json=login, headers=downgraded)).status_code == 403
