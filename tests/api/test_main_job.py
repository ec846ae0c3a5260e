"""The main job over HTTP: sign up, make a bot, upload a file, ask, and be asked by a visitor."""

import httpx

from chatbot_saas.core.ids import new_id
from tests.factories.jobs import until
from tests.factories.knowledge import HANDBOOK, SHOP

OWN = "http://localhost:3000"


async def ready(client: httpx.AsyncClient, source_id: str, headers: dict[str, str]) -> dict[str, object]:
    async def read() -> dict[str, object]:
        return (await client.get(f"/api/v1/sources/{source_id}", headers=headers)).json()

    async def ended() -> bool:
        return (await read())["status"] in ("ready", "failed", "cancelled")

    await until(ended)
    return await read()


async def test_from_sign_up_to_a_visitors_answer(client: httpx.AsyncClient) -> None:
    signed_up = await client.post(
        "/api/v1/auth/signup",
        json={"email": f"Ada-{new_id().hex}@Example.com", "password": "a long password", "tenant_name": "Ada's shop"},
    )
    assert signed_up.status_code == 201, signed_up.text
    headers = {"Authorization": f"Bearer {signed_up.json()['access_token']}"}

    created = await client.post("/api/v1/bots", json={"name": "Helper"}, headers=headers)
    assert created.status_code == 201, created.text
    bot_id = created.json()["id"]
    assert created.json()["status"] == "draft"

    uploaded = await client.post(
        f"/api/v1/bots/{bot_id}/sources", files={"file": ("handbook.md", HANDBOOK, "text/markdown")}, headers=headers
    )
    assert uploaded.status_code == 202, uploaded.text
    source = await ready(client, uploaded.json()["items"][0]["id"], headers)
    assert source["status"] == "ready", source
    assert source["chunks"] == 1

    found = await client.post(f"/api/v1/bots/{bot_id}/search", json={"query": "refund"}, headers=headers)
    assert "5 working days" in found.json()["items"][0]["text"]

    key = await client.post("/api/v1/api-keys", json={"name": "site", "scopes": ["chat"]}, headers=headers)
    assert key.status_code == 201, key.text
    answered = await client.post(
        "/api/v1/chat",
        json={"bot_id": bot_id, "session_id": "s1", "message": "How long does a refund take?"},
        headers={"X-API-Key": key.json()["key"]},
    )
    assert answered.status_code == 200, answered.text
    body = answered.json()
    assert body["answered"] is True
    assert "5 working days" in body["answer"]
    assert body["sources"][0]["quote"] in HANDBOOK
    assert body["usage"]["model"]

    published = await client.patch(
        f"/api/v1/bots/{bot_id}", json={"status": "published", "allowed_origins": [SHOP + "/"]}, headers=headers
    )
    assert published.status_code == 200, published.text
    assert published.json()["allowed_origins"] == [SHOP]

    refused = await client.post(
        f"/api/public/conversation/{bot_id}/start",
        headers={"Origin": OWN},
        json={"parent_origin": "https://evil.example"},
    )
    assert refused.status_code == 403
    assert refused.json()["code"] == "origin_not_allowed"

    started = await client.post(
        f"/api/public/conversation/{bot_id}/start", headers={"Origin": OWN}, json={"parent_origin": SHOP}
    )
    assert started.status_code == 201, started.text
    visit = started.json()
    chat = {"conversation_id": visit["conversation_id"], "message": "Do you deliver abroad?", "client_message_id": "m1"}
    visitor = {"Authorization": f"Bearer {visit['visitor_token']}", "Origin": OWN}
    first = await client.post(f"/api/public/chat/{bot_id}", json=chat, headers=visitor)
    assert first.status_code == 200, first.text
    assert "do not deliver abroad" in first.json()["answer"]
    told = {"message_id", "answer", "answered", "sources", "proof", "choices", "leave_message", "handoff", "stopped"}
    assert set(first.json()) == told
    again = await client.post(f"/api/public/chat/{bot_id}", json=chat, headers=visitor)
    assert again.json() == first.json()

    stranger = await client.post(
        f"/api/public/chat/{bot_id}",
        json={**chat, "message": "Who won the chess world championship?", "client_message_id": "m2"},
        headers=visitor,
    )
    assert stranger.json()["answered"] is False
    assert stranger.json()["sources"] == []

    async with client.stream(
        "POST",
        f"/api/public/chat/{bot_id}",
        json={**chat, "message": "How long is the warranty?", "client_message_id": "m3"},
        headers={**visitor, "Accept": "text/event-stream"},
    ) as stream:
        text = "".join([part async for part in stream.aiter_text()])
    assert "event: token" in text
    assert "event: sources" in text
    assert "event: done" in text
    transcript = await client.get(f"/api/public/conversation/{visit['conversation_id']}", headers=visitor)
    assert len(transcript.json()["messages"]) == 6
