"""Files that visitors give in a conversation: taken, taken back, sent, shown, downloaded, and whose they are."""

import asyncio

import httpx

from chatbot_saas.services.runtime import Runtime
from tests.api.guests import BILL, Guest, bot, guest
from tests.factories.people import Person

__all__ = ["bot", "guest"]


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
    assert (other.status_code, other.json()["code"]) == (404, "attachment_not_found")
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
    assert (opened["attachment"], opened["title"]) == (True, "bill.txt")
    assert opened["before"] + opened["quote"] + opened["after"] in BILL.decode()
    later = (await guest.ask("When is the meter replaced?")).json()
    assert "3 May" in later["answer"]
    assert later["sources"][0]["attachment"]
