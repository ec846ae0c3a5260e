"""A website's visitor, with what their browser gets to see."""

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.services import bots
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import Headers, visit
from tests.factories.knowledge import make_knowing_bot
from tests.factories.people import Person, sign_up

EVIL = "https://evil.example"

QUESTION = "How long does a refund take?"


@dataclass(frozen=True)
class Shown:
    """One server-sent event."""

    id: str
    type: str
    data: dict[str, Any]


def events_in(text: str) -> list[Shown]:
    found: list[Shown] = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
        if fields:
            found.append(Shown(fields.get("id", ""), fields["event"], json.loads(fields["data"])))
    return found


def said(events: list[Shown]) -> str:
    return "".join(event.data["text"] for event in events if event.type == "token")


@dataclass
class Visit:
    client: httpx.AsyncClient
    bot_id: Any
    conversation_id: str
    headers: Headers

    def body(self, message: str = QUESTION, **more: Any) -> dict[str, Any]:
        return {"conversation_id": self.conversation_id, "message": message, **more}

    async def ask(self, message: str = QUESTION, **more: Any) -> httpx.Response:
        return await self.client.post(
            f"/api/public/chat/{self.bot_id}", json=self.body(message, **more), headers=self.headers
        )

    async def stream(self, message: str = QUESTION, last: str = "", **more: Any) -> list[Shown]:
        headers = {**self.headers, "Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
        answer = await self.client.post(
            f"/api/public/chat/{self.bot_id}", json=self.body(message, **more), headers=headers
        )
        assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
        assert answer.headers["cache-control"] == "no-cache, no-transform"
        return events_in(answer.text)


@pytest.fixture(scope="module")
async def person(rt: Runtime) -> Person:
    return await sign_up(rt)


@pytest.fixture(scope="module")
async def bot(rt: Runtime, person: Person) -> BotRead:
    return await make_knowing_bot(rt, person, instructions="Secret instructions.")


@pytest.fixture
async def guest(client: httpx.AsyncClient, bot: BotRead) -> Visit:
    conversation_id, headers = await visit(client, bot.id)
    return Visit(client, bot.id, conversation_id, headers)


async def set_status(rt: Runtime, person: Person, bot: BotRead, status: str) -> None:
    async with rt.db.tenant(person.principal) as session:
        patch = BotPatch.model_validate({"status": status})
        await bots.change(session, person.principal, bot.id, patch, rt)
