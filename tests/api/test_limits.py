"""Rate limits and where a key works from, as callers see them."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from chatbot_saas.adapters.rate_limits import WindowLimiter
from chatbot_saas.core.errors import TooManyRequestsError
from chatbot_saas.core.settings import Settings
from chatbot_saas.core.tenancy import Scope
from chatbot_saas.services.runtime import Runtime
from tests.factories.knowledge import make_bot
from tests.factories.people import Person, make_platform_admin
from tests.factories.runtimes import client_of, other_runtime
from tests.redis_server import running_redis, start_redis

BOTS = "/api/v1/bots"


@pytest.fixture(scope="module")
async def limited(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Runtime]:
    folder = tmp_path_factory.mktemp("limited")
    async with other_runtime(settings, folder, working=False, rate_limit_enabled=True) as rt:
        yield rt


async def make_key(client: httpx.AsyncClient, person: Person, **fields: object) -> httpx.Response:
    body = {"name": "key", "scopes": [scope.value for scope in Scope], **fields}
    return await client.post("/api/v1/api-keys", json=body, headers=person.headers)


async def test_every_answer_tells_what_is_left(limited: Runtime, owner: Person) -> None:
    async with client_of(limited) as client:
        first = await client.get(BOTS, headers=owner.headers)
        second = await client.get(BOTS, headers=owner.headers)
        missing = await client.get(f"{BOTS}/{owner.tenant_id}", headers=owner.headers)
        unknown = await client.get(BOTS, headers={"X-API-Key": "cb_unknown"})
        bot = await make_bot(limited, owner)
        public = await client.get(f"/api/public/bot/{bot.id}/config", headers={"Origin": "https://shop.example"})
        profile = await client.get("/api/v1/me", headers=owner.headers)
    assert first.headers["RateLimit-Policy"] == '"default";q=1000;w=60'
    left = [int(re.fullmatch(r'"default";r=(\d+);t=\d+', answer.headers["RateLimit"])[1]) for answer in (first, second)]  # type: ignore[index]
    assert left == [999, 998]
    assert missing.status_code == 404
    assert unknown.status_code == 401
    for answer in (missing, unknown, public, profile):
        assert "RateLimit" in answer.headers, answer.url
    assert "RateLimit" in public.headers["Access-Control-Expose-Headers"]


async def test_a_key_has_a_limit_of_its_own(limited: Runtime, owner: Person) -> None:
    async with client_of(limited) as client:
        key = (await make_key(client, owner, requests_per_minute=3)).json()["key"]
        answers = [await client.get(BOTS, headers={"X-API-Key": key}) for _ in range(4)]
        others = await client.get(BOTS, headers=owner.headers)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    refused = answers[-1]
    assert refused.json()["code"] == "rate_limited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit"].startswith('"default";r=0;t=')
    assert '"default";q=3;w=60' in refused.headers["RateLimit-Policy"]
    assert '"tenant";r=' in answers[0].headers["RateLimit"]
    assert others.status_code == 200


async def test_a_tenant_has_the_limit_that_it_was_given(limited: Runtime, owner: Person) -> None:
    admin = await make_platform_admin(limited)
    async with client_of(limited) as client:
        path = f"/api/v1/admin/tenants/{owner.tenant_id}"
        changed = await client.patch(path, json={"requests_per_minute": 2}, headers=admin.headers)
        assert changed.json()["requests_per_minute"] == 2
        key = (await make_key(client, owner)).json()["key"]
        answers = [await client.get(BOTS, headers={"X-API-Key": key}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]  # the making of the key counts, too


async def test_guesses_are_slowed_down(limited: Runtime, owner: Person) -> None:
    async with client_of(limited, "198.51.100.77") as client:
        for _ in range(60):
            assert (await client.get(BOTS, headers={"X-API-Key": "cb_guess"})).status_code == 401
        assert (await client.get(BOTS, headers={"X-API-Key": "cb_guess"})).status_code == 429
        assert (await client.get(BOTS, headers=owner.headers)).status_code == 200


async def test_a_visitors_address_asks_twenty_times_a_minute(limited: Runtime, owner: Person) -> None:
    bot = await make_bot(limited, owner)
    path = f"/api/public/conversation/{bot.id}/start"
    async with client_of(limited, "2001:db8::1") as one, client_of(limited, "2001:db8::2") as same_network:
        headers = {"Origin": "https://shop.example"}
        answers = [await one.post(path, headers=headers) for _ in range(20)]
        refused = await same_network.post(path, headers=headers)
    assert {answer.status_code for answer in answers} == {201}
    assert refused.status_code == 429
    assert '"default";q=20;w=60' in refused.headers["RateLimit-Policy"]


@pytest.mark.parametrize(
    ("allowed", "address", "status"),
    [
        (["203.0.113.0/24"], "203.0.113.9", 200),
        (["203.0.113.0/24"], "::ffff:203.0.113.9", 200),
        (["203.0.113.0/24"], "203.0.114.9", 403),
        (["2001:db8::/32", "192.0.2.1"], "2001:db8:1::9", 200),
        (["2001:db8::/32", "192.0.2.1"], "2001:db9::9", 403),
        (["0.0.0.0/0"], "2001:db8::9", 403),
    ],
)
async def test_a_key_works_from_its_addresses_only(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, allowed: list[str], address: str, status: int
) -> None:
    key = (await make_key(client, owner, allowed_addresses=allowed)).json()["key"]
    for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
        async with client_of(rt, address) as there:
            answer = await there.get(BOTS, headers={**headers, "X-Forwarded-For": "203.0.113.9, 192.0.2.1"})
        assert answer.status_code == status
        if status == 403:
            assert answer.json()["code"] == "address_not_allowed"


async def test_behind_a_proxy_its_word_counts(settings: Settings, owner: Person, tmp_path: Path) -> None:
    async with other_runtime(settings, tmp_path, working=False, trusted_proxies="10.0.0.0/8") as behind:
        async with client_of(behind, "10.0.0.1") as client:
            key = (await make_key(client, owner, allowed_addresses=["203.0.113.9"])).json()["key"]
            there = await client.get(BOTS, headers={"X-API-Key": key, "X-Forwarded-For": "203.0.113.9"})
            elsewhere = await client.get(BOTS, headers={"X-API-Key": key, "X-Forwarded-For": "203.0.113.8"})
            lied = await client.get(BOTS, headers={"X-API-Key": key, "X-Forwarded-For": "203.0.113.9, 203.0.113.8"})
        assert [answer.status_code for answer in (there, elsewhere, lied)] == [200, 403, 403]


async def test_a_key_makes_no_key_that_works_elsewhere(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    made = await make_key(client, owner, allowed_addresses=["203.0.113.0/24"])
    headers = {"X-API-Key": made.json()["key"]}
    body = {"name": "child", "scopes": ["chat"]}
    wider = await client.post("/api/v1/api-keys", json={**body, "allowed_addresses": ["::/0"]}, headers=headers)
    same = await client.post("/api/v1/api-keys", json=body, headers=headers)
    assert wider.status_code == 403
    assert same.json()["allowed_addresses"] == ["203.0.113.0/24"]


@pytest.mark.parametrize("address", ["nowhere", "203.0.113.0/33", "", "1.2.3.4/24/8"])
async def test_an_address_must_be_one(client: httpx.AsyncClient, owner: Person, address: str) -> None:
    assert (await make_key(client, owner, allowed_addresses=[address])).status_code == 422


async def test_two_processes_count_together_to_the_last_request(settings: Settings, tmp_path: Path) -> None:
    with running_redis() as redis:
        changes = {"rate_limit_enabled": True, "redis_url": redis.url}
        async with (
            other_runtime(settings, tmp_path / "a", working=False, **changes) as one,
            other_runtime(settings, tmp_path / "b", working=False, **changes) as two,
        ):

            async def hit(rt: Runtime) -> bool:
                try:
                    await rt.limiter.hit("bot", "together", 100)
                except TooManyRequestsError:
                    return False
                return True

            taken: list[bool] = []
            for _ in range(20):  # as many at once as a loaded machine still answers in time
                taken += await asyncio.gather(*(hit(rt) for _ in range(4) for rt in (one, two)))
    assert sum(taken) == 100


async def test_without_redis_each_process_counts_for_itself() -> None:
    with running_redis() as redis:
        limiter = WindowLimiter(redis.url)
        await limiter.hit("bot", "b", 2)
        port = redis.port
    for _ in range(2):
        await limiter.hit("bot", "b", 2)
    with pytest.raises(TooManyRequestsError):
        await limiter.hit("bot", "b", 2)
    again = start_redis(port)
    try:
        limiter._asked_again_at = 0.0
        await limiter.hit("bot", "b", 2)
        await limiter.check()
    finally:
        again.stop()
        await limiter.close()
