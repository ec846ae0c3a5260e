"""What a visitor asks, how the answer comes, and what can be done with it afterwards."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from chatbot_saas.api import streaming
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import System
from chatbot_saas.models import Message, UsageEvent
from chatbot_saas.services.live import LiveAnswer
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import visit
from tests.api.visitors import QUESTION, Visit, bot, events_in, guest, person, said
from tests.factories.knowledge import HANDBOOK
from tests.factories.people import Person

__all__ = ["bot", "guest", "person"]


async def count(rt: Runtime, person: Person, what: Any, *where: Any) -> int:
    async with rt.db.tenant(person.principal) as session:
        return await session.scalar(select(func.count()).select_from(what).where(*where)) or 0


async def test_a_question_too_long_costs_nothing(rt: Runtime, person: Person, guest: Visit) -> None:
    before = await count(rt, person, UsageEvent), await count(rt, person, Message)
    for message in ("a" * 4_001, "refund? " * 300_000, "", "  \n "):
        answer = await guest.ask(message)
        assert answer.status_code == (413 if len(message) > 1_000_000 else 422), answer.text
    assert (await count(rt, person, UsageEvent), await count(rt, person, Message)) == before
    assert (await guest.ask("refund? " + "a" * 3_990)).status_code == 200
    assert (await guest.ask("返品" * 2_000)).status_code == 200, "characters, not bytes"


async def test_the_same_message_is_answered_once(rt: Runtime, person: Person, guest: Visit) -> None:
    answers = await asyncio.gather(*(guest.ask(client_message_id="m1") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    events = await guest.stream(client_message_id="m1")
    assert said(events) == answers[0].json()["answer"]
    assert await count(rt, person, Message, col(Message.conversation_id) == guest.conversation_id) == 2
    message = answers[0].json()["message_id"]
    spent = await count(rt, person, UsageEvent, col(UsageEvent.message_id) == message, col(UsageEvent.kind) == "chat")
    assert spent == 1
    other = Visit(guest.client, guest.bot_id, *await visit(guest.client, guest.bot_id))
    assert (await other.ask(client_message_id="m1")).json()["message_id"] != message, "ids are a conversation's own"


async def test_a_recorded_stream_holds_only_what_a_visitor_needs(guest: Visit) -> None:
    headers = {**guest.headers, "Accept": "text/event-stream"}
    answer = await guest.client.post(f"/api/public/chat/{guest.bot_id}", json=guest.body(), headers=headers)
    assert answer.headers["x-accel-buffering"] == "no", "a proxy before us holds nothing back"
    assert answer.headers["cache-control"] == "no-cache, no-transform"
    events = events_in(answer.text)
    assert [event.type for event in events][-2:] == ["sources", "done"]
    assert {event.type for event in events} == {"token", "sources", "done"}
    allowed = {"token": {"text"}, "sources": {"sources", "proof"}, "done": {"message_id", "answered"}}
    for event in events:
        assert set(event.data) == allowed[event.type]
    [citation] = events[-2].data["sources"]
    assert set(citation) == {"number", "title", "page", "url", "quote", "start", "link", "attachment"}
    assert citation["quote"] in HANDBOOK
    for private in ("score", "chunk", "Secret", "prompt", "trace", "usage", "tokens", "document_id", str(guest.bot_id)):
        assert private not in answer.text, private
    ids = [int(event.id) for event in events]
    assert ids == sorted(set(ids))


async def test_a_stream_is_taken_up_where_it_broke(guest: Visit) -> None:
    whole = await guest.stream(client_message_id="m1")
    for number in range(len(whole)):
        rest = await guest.stream(client_message_id="m1", last=whole[number].id)
        assert rest == whole[number + 1 :]


async def test_a_stream_is_taken_up_from_the_stored_answer(rt: Runtime, guest: Visit) -> None:
    """Also after a minute, when only the row is left, and in the middle of a piece."""
    whole = await guest.stream(client_message_id="m1")
    rt.answers._answers.clear()
    for last in range(1, len(said(whole))):
        rest = await guest.stream(client_message_id="m1", last=str(last))
        assert said(whole)[:last] + said(rest) == said(whole)
        assert rest[-2:] == whole[-2:]
        assert "reset" not in {event.type for event in rest}


async def test_ids_that_this_answer_never_had_begin_anew(guest: Visit) -> None:
    whole = await guest.stream(client_message_id="m1")
    for last in ("99999999", "12345678901234567890"):
        again = await guest.stream(client_message_id="m1", last=last)
        assert [event.type for event in again] == ["reset", *(event.type for event in whole)]
        assert said(again) == said(whole)
    assert await guest.stream(client_message_id="m1", last="nonsense") == whole


async def test_an_answer_is_made_although_the_visitor_left(rt: Runtime, person: Person, guest: Visit) -> None:
    known = set(rt.answers._answers)
    reading = asyncio.create_task(guest.stream(client_message_id="m1"))
    while not (new := set(rt.answers._answers) - known):  # noqa: ASYNC110
        await asyncio.sleep(0)
    reading.cancel()
    async with asyncio.timeout(10):
        await rt.answers._answers[new.pop()].result(new_id())
    mine = col(Message.conversation_id) == guest.conversation_id
    assert await count(rt, person, Message, mine, col(Message.answered).is_(True)) == 1


async def test_an_answer_whose_maker_died_is_made_anew(rt: Runtime, person: Person, guest: Visit) -> None:
    """What was on the screen of it does not belong to the new one: the stream says so before it begins."""
    first = await guest.stream(client_message_id="m1")
    rt.answers._answers.clear()
    mine = col(Message.conversation_id) == guest.conversation_id, col(Message.role) == "assistant"
    async with rt.db.platform(System("tests")) as session:
        await session.execute(update(Message).where(*mine).values(status="pending", text="", answered=None))
    again = await guest.stream(client_message_id="m1", last=first[0].id)
    assert again[0].type == "reset"
    assert said(again) == said(first)
    assert not {event.id for event in again} & {event.id for event in first}
    assert again[-1].data["message_id"] == first[-1].data["message_id"], "in the same place of the conversation"
    rt.answers._answers.clear()
    rest = await guest.stream(client_message_id="m1", last=again[1].id)
    assert said(again[:2]) + said(rest) == said(first), "the row remembers its ids"
    assert rest[-2:] == again[-2:]


async def test_a_silent_stream_is_kept_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "HEARTBEAT_SECONDS", 0.01)
    live = LiveAnswer(new_id(), new_id())
    response = streaming.event_stream(live)
    lines = response.body_iterator.__aiter__()
    assert await anext(lines) == ": still here\n\n"
    live.emit("token", text="Hello")
    live.emit("done", message_id="m", answered=True)
    rest = [line async for line in lines]
    assert [event.type for event in events_in("".join(map(str, rest)))] == ["token", "done"]


async def test_questions_that_nothing_answers(guest: Visit) -> None:
    answer = (await guest.ask("Who won the chess world championship in 1972?")).json()
    assert answer["answered"] is False
    assert answer["sources"] == []
    assert answer["answer"] == "I could not find an answer to that in my sources."


# --- afterwards


async def test_feedback_on_ones_own_answers(rt: Runtime, person: Person, guest: Visit) -> None:
    answer = (await guest.ask()).json()
    address = f"/api/public/conversation/{guest.conversation_id}/feedback"

    async def rate(message_id: str, rating: Any) -> int:
        body = {"message_id": message_id, "rating": rating}
        return (await guest.client.post(address, json=body, headers=guest.headers)).status_code

    assert await rate(answer["message_id"], 1) == 204
    assert await rate(answer["message_id"], -1) == 204
    transcript = await guest.client.get(address.removesuffix("/feedback"), headers=guest.headers)
    question, rated = transcript.json()["messages"]
    assert (question["text"], rated["rating"]) == (QUESTION, -1)
    assert await rate(question["id"], 1) == 404, "only answers are rated"
    for wrong in (0, 2, "1", None, 1.5):
        assert await rate(answer["message_id"], wrong) == 422


async def test_a_transcript_holds_what_the_widget_showed(guest: Visit) -> None:
    answer = (await guest.ask()).json()
    read = await guest.client.get(f"/api/public/conversation/{guest.conversation_id}", headers=guest.headers)
    [question, given] = read.json()["messages"]
    assert given["text"] == answer["answer"]
    assert given["sources"] == answer["sources"]
    fields = {"id", "role", "text", "status", "answered", "sources", "proof", "rating", "created_at", "attachments"}
    assert set(question) == set(given) == fields
    assert "score" not in read.text


async def test_an_ended_conversation_can_go_on(client: httpx.AsyncClient, person: Person, guest: Visit) -> None:
    await guest.ask()
    address = f"/api/public/conversation/{guest.conversation_id}/end"
    for body in (None, {}):
        assert (await client.post(address, json=body, headers=guest.headers)).status_code == 204
    mine = f"/api/v1/conversations/{guest.conversation_id}"
    assert (await client.get(mine, headers=person.headers)).json()["status"] == "ended"
    await guest.ask("And how long is the warranty?")
    read = (await client.get(mine, headers=person.headers)).json()
    assert (read["status"], read["message_count"], read["first_question"]) == ("open", 4, QUESTION)


async def test_a_deleted_conversation_is_gone(client: httpx.AsyncClient, person: Person, guest: Visit) -> None:
    await guest.ask()
    mine = f"/api/v1/conversations/{guest.conversation_id}"
    assert (await client.delete(mine, headers=person.headers)).json()["removed"]["rows"] == 3
    assert (await client.get(mine, headers=person.headers)).status_code == 404
    assert (await guest.ask()).status_code == 404
