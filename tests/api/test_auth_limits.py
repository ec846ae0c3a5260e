"""How often an address or an account may try."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from chatbot_saas.core import security
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.settings import Settings
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import visit
from tests.factories.knowledge import SHOP, make_bot
from tests.factories.people import PASSWORD, Person
from tests.factories.runtimes import client_of, other_runtime


@pytest.fixture
async def limited(settings: Settings, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runtime]:
    """With its own counters, at zero. Tries are counted here, and a wrong one is looked at quickly for once."""
    monkeypatch.setattr("chatbot_saas.core.security._UNKNOWN_ACCOUNT", security.hash_password("nobody's", rounds=4))
    async with other_runtime(settings, tmp_path, working=False, rate_limit_enabled=True) as limited:
        yield limited


def is_limited(answer: httpx.Response) -> bool:
    wait = int(answer.headers.get("retry-after", 0))
    assert answer.status_code != 429 or (wait >= 1 and answer.headers["ratelimit"] == f'"default";r=0;t={wait}')
    return answer.status_code == 429


async def wrong(client: httpx.AsyncClient, email: str) -> httpx.Response:
    return await client.post("/api/v1/auth/login", json={"email": email, "password": "wrong password"})


async def test_ten_wrong_passwords_lock_an_account(limited: Runtime, owner: Person) -> None:
    """And an address without one just the same, or the lock would tell which there are."""
    unknown = f"{new_id().hex}@example.com"
    locked: dict[str, dict[str, Any]] = {}
    for number, email in enumerate((owner.email, unknown)):
        async with client_of(limited, f"203.0.113.{number}") as client:
            for _ in range(10):
                assert (await wrong(client, email)).status_code == 401
            answer = await wrong(client, email)
            assert is_limited(answer), answer.text
            locked[email] = {**answer.json(), "request_id": "", "after": answer.headers["retry-after"]}
            if email == owner.email:
                right = {"email": email, "password": PASSWORD}
                assert is_limited(await client.post("/api/v1/auth/login", json=right)), "the right one is locked too"
    assert locked[owner.email] == locked[unknown]


async def statuses(client: httpx.AsyncClient, count: int, forwarded: str = "") -> list[int]:
    """Of `count` tries to start a conversation, each as if it had come from another address (`{n}`)."""
    found: list[int] = []
    for number in range(count):
        headers = {"X-Forwarded-For": forwarded.format(n=number)} if forwarded else {}
        answer = await client.post(f"/api/public/conversation/{new_id()}/start", headers=headers)
        found.append(429 if is_limited(answer) else answer.status_code)
    return found


def stops_after(limit: int, found: list[int]) -> bool:
    """`limit` tries pass, and soon none: the sliding window lets one or two more pass where a minute ends meanwhile."""
    return 429 not in found[:limit] and 429 in found[limit : limit + 5]


async def test_sign_ins_are_limited_for_each_address(limited: Runtime) -> None:
    async with client_of(limited) as client:
        answers = await asyncio.gather(*(wrong(client, f"{number}@example.com") for number in range(25)))
    assert stops_after(20, sorted(answer.status_code for answer in answers))
    assert any(is_limited(answer) for answer in answers)


async def test_an_invented_forwarding_changes_nothing(limited: Runtime) -> None:
    async with client_of(limited) as client:
        assert stops_after(20, await statuses(client, 25, "198.51.100.{n}"))


async def test_an_ipv6_network_counts_as_one_address(limited: Runtime) -> None:
    seen: list[int] = []
    for number in range(25):
        async with client_of(limited, f"2001:db8:1:2::{number:x}") as client:
            seen += await statuses(client, 1)
    assert stops_after(20, seen)
    async with client_of(limited, "2001:db8:1:3::1") as client:
        assert await statuses(client, 1) == [404]


async def test_a_configured_proxy_is_believed(settings: Settings, tmp_path: Any) -> None:
    changes = {"rate_limit_enabled": True, "trusted_proxies": "203.0.113.0/24"}
    async with other_runtime(settings, tmp_path, working=False, **changes) as limited, client_of(limited) as client:
        assert await statuses(client, 25, "8.8.8.8, 198.51.100.{n}") == [404] * 25
        # what a visitor wrote in front of the proxy's own words is not believed
        assert stops_after(20, await statuses(client, 25, "198.51.101.{n}, 198.51.100.200"))


async def test_questions_are_limited_for_each_visitor_address(limited: Runtime, owner: Person) -> None:
    bot = await make_bot(limited, owner)
    async with client_of(limited) as client:
        conversation_id, visitor = await visit(client, bot.id)
        body = {"conversation_id": conversation_id, "message": "refund?"}
        answers = [await client.post(f"/api/public/chat/{bot.id}", json=body, headers=visitor) for _ in range(25)]
    assert stops_after(20, [answer.status_code for answer in answers])
    refused = next(answer for answer in answers if is_limited(answer))
    assert refused.headers["access-control-allow-origin"] == SHOP, "so that the widget can read when to try again"
    assert "Retry-After" in refused.headers["access-control-expose-headers"]
