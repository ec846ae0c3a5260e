"""Somebody who may use every route, and sends to it what nobody should."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from chatbot_saas.core.ids import new_id
from chatbot_saas.services.passages import document_id
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import Headers, visit
from tests.api.surface import Operation
from tests.factories.knowledge import make_bot, settled
from tests.factories.people import Person, make_platform_admin


@pytest.fixture(scope="module")
async def admin(rt: Runtime) -> Person:
    """May use every route: owner of a tenant and platform administrator."""
    return await make_platform_admin(rt)


@pytest.fixture(scope="module")
async def ids(rt: Runtime, client: httpx.AsyncClient, admin: Person) -> dict[str, Any]:
    bot = await make_bot(rt, admin)
    conversation_id, _ = await visit(client, bot.id)
    body = {"type": "text", "title": "Notes", "text": "Some notes."}
    added = await client.post(f"/api/v1/bots/{bot.id}/sources", headers=admin.headers, json=body)
    source_id = UUID(added.json()["items"][0]["id"])
    await settled(rt, admin, source_id)
    return {
        "bot_id": bot.id,
        "source_id": source_id,
        "document_id": document_id(source_id),
        "conversation_id": conversation_id,
        "message_id": new_id(),
        "tenant_id": admin.tenant_id,
    }


@pytest.fixture(scope="module")
async def visitor(client: httpx.AsyncClient, ids: dict[str, Any]) -> Headers:
    ids["conversation_id"], headers = await visit(client, ids["bot_id"])
    return headers


class Sender:
    """Sends to one operation as somebody who may use it."""

    def __init__(self, client: httpx.AsyncClient, headers: Headers, ids: dict[str, Any], operation: Operation) -> None:
        self.client, self.headers, self.operation = client, headers, operation
        missing = {name: new_id() for name in operation.path_ids if name not in ids}
        self.ids = {**ids, **missing}
        self.url = operation.url(**self.ids)

    async def __call__(self, changes: dict[str, Any]) -> httpx.Response:
        return await self.raw(json.dumps({**(self.operation.example(**self.ids) or {}), **changes}).encode())

    async def raw(self, content: bytes | AsyncIterator[bytes], **headers: str) -> httpx.Response:
        given = {**self.headers, "Content-Type": "application/json", **headers}
        return await self.client.request(self.operation.method, self.url, headers=given, content=content)


@pytest.fixture
def sender(
    client: httpx.AsyncClient, admin: Person, visitor: Headers, ids: dict[str, Any], operation: Operation
) -> Sender:
    return Sender(client, visitor if operation.public else admin.headers, ids, operation)


def is_problem(answer: httpx.Response, *statuses: int) -> bool:
    body = answer.json()
    if "error" in body:  # in OpenAI's shape, which knows no 422
        shape, error = {"message", "type", "param", "code"}, body["error"]
        told = answer.headers["x-request-id"] and error["message"] and error["code"]
        expected = {400 if status == 422 else status for status in statuses}
        return answer.status_code in expected and error.keys() == shape and bool(told)
    shape = {"type", "title", "status", "code", "detail", "request_id"}
    return (
        answer.status_code in statuses
        and answer.headers["content-type"] == "application/problem+json"
        and shape <= body.keys()
        and body["status"] == answer.status_code
        and body["request_id"] == answer.headers["x-request-id"]
        and bool(body["detail"])
    )
