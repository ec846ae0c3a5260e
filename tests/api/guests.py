"""Visitors who give files in a conversation."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import Headers, visit
from tests.factories.knowledge import make_bot
from tests.factories.people import Person

BILL = b"""Bill 4711 of the waterworks

The amount due is 812.40 euros. Pay it by 14 March to account DE02.
Your meter is replaced on 3 May between 8 and 10 o'clock by Mr. Blum.
"""


class Guest:
    """A visitor in one conversation."""

    def __init__(self, client: httpx.AsyncClient, bot_id: UUID, conversation_id: str, headers: Headers) -> None:
        self.client, self.bot_id, self.conversation_id, self.headers = client, bot_id, conversation_id, headers

    @property
    def url(self) -> str:
        return f"/api/public/conversation/{self.conversation_id}/attachments"

    async def give(self, data: bytes = BILL, name: str = "bill.txt", **headers: str) -> httpx.Response:
        given = {**self.headers, **headers}
        return await self.client.post(self.url, headers=given, files={"file": (name, data)})

    async def given(self, data: bytes = BILL, name: str = "bill.txt") -> dict[str, Any]:
        answer = await self.give(data, name)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def take_back(self, attachment_id: object) -> httpx.Response:
        return await self.client.delete(f"{self.url}/{attachment_id}", headers=self.headers)

    async def ask(self, message: str = "What is the amount due?", *files: object, **more: Any) -> httpx.Response:
        body = {"conversation_id": self.conversation_id, "message": message, **more}
        body |= {"attachments": [str(file) for file in files]} if files else {}
        return await self.client.post(f"/api/public/chat/{self.bot_id}", json=body, headers=self.headers)

    async def said(self) -> list[dict[str, Any]]:
        answer = await self.client.get(f"/api/public/conversation/{self.conversation_id}", headers=self.headers)
        return answer.json()["messages"]


async def guest_of(client: httpx.AsyncClient, bot: BotRead) -> Guest:
    return Guest(client, bot.id, *await visit(client, bot.id))


@pytest.fixture
async def bot(rt: Runtime, owner: Person) -> BotRead:
    """One that takes files, and knows nothing."""
    return await make_bot(rt, owner, widget={"attachments": True})


@pytest.fixture
async def guest(client: httpx.AsyncClient, bot: BotRead) -> Guest:
    return await guest_of(client, bot)
