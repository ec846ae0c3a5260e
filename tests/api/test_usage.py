"""What calls to models came to: by day and kind, of those whom the caller may know."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from chatbot_saas.core.tenancy import Scope, System
from chatbot_saas.models import UsageEvent
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import api_key
from tests.factories.knowledge import make_bot
from tests.factories.people import Person

TODAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


async def called(rt: Runtime, person: Person, bot_id: UUID, days_ago: int = 0, **more: Any) -> None:
    fields: dict[str, Any] = {
        "kind": "chat",
        "provider": "openai",
        "model": "m",
        "input_tokens": 10,
        "output_tokens": 2,
    }
    fields |= {"cost_usd": Decimal("0.25"), "created_at": TODAY - timedelta(days=days_ago)} | more
    async with rt.db.platform(System("tests")) as session:
        session.add(UsageEvent(tenant_id=person.tenant_id, bot_id=bot_id, **fields))


async def usage(client: httpx.AsyncClient, headers: dict[str, str], **query: Any) -> dict[str, Any]:
    return (await client.get("/api/v1/usage", params=query, headers=headers)).raise_for_status().json()


async def test_calls_are_told_by_day_and_kind(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    for _ in range(2):
        await called(rt, owner, bot.id)
    await called(rt, owner, bot.id, outcome="failed", cost_usd=None)
    await called(rt, owner, bot.id, 1, kind="cache", saved_tokens=40, input_tokens=0, output_tokens=0, cost_usd=0)
    await called(rt, owner, bot.id, 29)
    await called(rt, owner, bot.id, 30)
    told = await usage(client, owner.headers)
    assert (told["since"], told["until"]) == (f"{TODAY - timedelta(days=29):%F}", f"{TODAY:%F}")
    assert [(item["day"], item["kind"]) for item in told["items"]] == [
        (f"{TODAY - timedelta(days=ago):%F}", kind) for ago, kind in ((0, "chat"), (1, "cache"), (29, "chat"))
    ]
    first, second, _ = told["items"]
    assert first == {
        "day": f"{TODAY:%F}",
        "kind": "chat",
        "calls": 3,
        "failed": 1,
        "input_tokens": 30,
        "output_tokens": 6,
        "saved_tokens": 0,
        "cost_usd": 0.5,
        "unpriced": 1,
    }
    assert second["saved_tokens"] == 40
    month_ago = f"{TODAY - timedelta(days=30):%F}"
    [only] = (await usage(client, owner.headers, since=month_ago, until=month_ago))["items"]
    assert only["day"] == month_ago


async def test_each_knows_of_their_own(client: httpx.AsyncClient, rt: Runtime, owner: Person, stranger: Person) -> None:
    one, other = await make_bot(rt, owner), await make_bot(rt, owner)
    await called(rt, owner, one.id)
    await called(rt, owner, other.id)
    assert (await usage(client, stranger.headers))["items"] == []
    [item] = (await usage(client, owner.headers, bot_id=one.id))["items"]
    assert item["calls"] == 1
    bound = {"X-API-Key": await api_key(rt, owner, [Scope.USAGE_READ], bot_ids=[one.id])}
    [item] = (await usage(client, bound))["items"]
    assert item["calls"] == 1
    for headers in (bound, stranger.headers):
        refused = await client.get("/api/v1/usage", params={"bot_id": str(other.id)}, headers=headers)
        assert refused.status_code == 404, refused.text


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-02-01", "2026-01-31"),
        ("2024-01-01", "2026-01-31"),
        ("9999-12-31", None),
        ("0001-01-01", None),
        ("9999-12-31", "9999-12-31"),
    ],
)
async def test_odd_days_are_refused_in_words(
    client: httpx.AsyncClient, owner: Person, since: str, until: str | None
) -> None:
    query = {"since": since, **({"until": until} if until else {})}
    refused = await client.get("/api/v1/usage", params=query, headers=owner.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid"), refused.text
    assert "1 to 366 days" in refused.text


async def test_the_first_days_there_are_hold_nothing(client: httpx.AsyncClient, owner: Person) -> None:
    told = await usage(client, owner.headers, until="0001-01-05")
    assert (told["since"], told["items"]) == ("0001-01-01", [])
