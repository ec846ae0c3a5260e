"""Files that visitors give in a conversation: taken, taken back, sent, shown, downloaded, and whose they are."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import Headers, visit
from tests.factories.knowledge import make_bot
from tests.factories.people import Person

EVIL = "https://evil.example"
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
    return await make_bot(rt, owner, widget={"attachments": True})


@pytest.fixture
async def guest(client: httpx.AsyncClient, bot: BotRead) -> Guest:
    return await guest_of(client, bot)


async def test_a_file_is_read_and_sent_with_a_message(client: httpx.AsyncClient, owner: Person, guest: Guest) -> None:
    file = await guest.given()
    assert file == {"id": file["id"], "name": "bill.txt", "size": len(BILL), "characters": len(BILL.decode().strip())}
    answer = await guest.ask("What is the amount due?", file["id"])
    assert answer.status_code == 200, answer.text
    question = (await guest.said())[0]
    assert question["attachments"] == [{"id": file["id"], "name": "bill.txt", "size": len(BILL)}]
    assert "attachments" in (await guest.said())[1]

    shown = await client.get(f"/api/v1/conversations/{guest.conversation_id}", headers=owner.headers)
    assert shown.json()["messages"][0]["attachments"] == question["attachments"]
    address = f"/api/v1/conversations/{guest.conversation_id}/attachments/{file['id']}"
    loaded = await client.get(address, headers=owner.headers)
    assert loaded.content == BILL
    assert loaded.headers["content-disposition"] == "attachment; filename*=UTF-8''bill.txt"
    assert loaded.headers["content-type"] == "application/octet-stream"
    assert loaded.headers["x-content-type-options"] == "nosniff"


async def test_the_same_file_has_the_same_id_while_it_waits(rt: Runtime, guest: Guest) -> None:
    both = await asyncio.gather(guest.given(), guest.given(name="copy.txt"))
    assert both[0]["id"] == both[1]["id"] == (await guest.given())["id"]
    stored = [key for key in await rt.blobs.keys() if guest.conversation_id in key]
    assert [key.rpartition("/")[2] for key in stored] == [both[0]["id"]]


async def test_a_file_is_taken_back_until_it_is_sent(rt: Runtime, guest: Guest) -> None:
    file, other = await guest.given(), await guest.given(b"Another text.", "other.txt")
    assert (await guest.take_back(other["id"])).status_code == 204
    assert (await guest.take_back(other["id"])).status_code == 404
    assert [key for key in await rt.blobs.keys() if other["id"] in key] == []
    assert (await guest.ask("What is due?", file["id"])).status_code == 200
    assert (await guest.take_back(file["id"])).status_code == 404
    assert (await guest.ask("And with that one?", other["id"])).json()["code"] == "attachment_not_found"


async def test_a_file_is_sent_once_and_a_retry_is_the_same_message(guest: Guest) -> None:
    file = await guest.given()
    first = await guest.ask("What is due?", file["id"], client_message_id="m1")
    again = await guest.ask("What is due?", file["id"], client_message_id="m1")
    assert first.json() == again.json()
    other = await guest.ask("What is due?", file["id"], client_message_id="m2")
    assert (other.status_code, other.json()["code"]) == (422, "attachment_not_found")
    assert len(await guest.said()) == 2, "a refused question leaves nothing"


async def test_the_answer_is_made_from_the_file_and_so_is_the_next(guest: Guest) -> None:
    file = await guest.given()
    answer = (await guest.ask("What is the amount due?", file["id"])).json()
    assert answer["answered"], answer
    assert "812.40" in answer["answer"]
    [source] = answer["sources"]
    assert (source["title"], source["url"], source["attachment"]) == ("bill.txt", None, True)
    assert source["quote"] in BILL.decode()
    assert all(sentence["supported"] for sentence in answer["proof"])
    address = f"/api/public/conversation/{guest.conversation_id}/messages/{answer['message_id']}/sources/1"
    opened = (await guest.client.get(address, headers=guest.headers)).json()
    assert opened["attachment"] and opened["title"] == "bill.txt"
    assert opened["before"] + opened["quote"] + opened["after"] in BILL.decode()
    later = (await guest.ask("When is the meter replaced?")).json()
    assert "3 May" in later["answer"] and later["sources"][0]["attachment"]
