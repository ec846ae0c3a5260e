"""What a visitor's browser can do, and what it gets to see."""

import asyncio
import base64
import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from chatbot_saas.api import streaming
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import System
from chatbot_saas.models import Message, UsageEvent
from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.services import bots
from chatbot_saas.services.live import LiveAnswer
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import Headers, visit
from tests.factories.knowledge import HANDBOOK, SHOP, make_bot, make_knowing_bot
from tests.factories.people import Person, sign_up
from tests.factories.sites import png

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


# --- where a conversation may begin


@pytest.mark.parametrize(
    ("origin", "parent", "status"),
    [
        (SHOP, None, 201),
        (SHOP, EVIL, 201),  # what a page says of itself beside its Origin does not count
        ("own", SHOP, 201),
        ("own", SHOP + "/", 201),
        ("own", "own", 201),  # our own demo page
        ("own", EVIL, 403),
        ("own", None, 403),
        ("own", "", 403),
        ("own", "null", 403),
        ("own", "nonsense", 403),
        ("own", "https://shop.example.evil.example", 403),
        ("own", "https://evil.example#https://shop.example", 403),
        ("own", "https://shop.example@evil.example", 403),
        ("own", "http://shop.example", 403),
        ("own", "https://shop.example:8443", 403),
        (EVIL, None, 403),
        (EVIL, SHOP, 403),
        (None, None, 403),
        (None, SHOP, 403),
        ("null", SHOP, 403),
        ("http://shop.example", None, 403),
        ("https://sub.shop.example", None, 403),
        ("https://shop.example.evil.example", None, 403),
    ],
)
async def test_where_a_conversation_may_begin(
    client: httpx.AsyncClient, rt: Runtime, bot: BotRead, origin: str | None, parent: str | None, status: int
) -> None:
    own = rt.settings.public_origin
    headers = {"Origin": own if origin == "own" else origin} if origin else {}
    body = {} if parent is None else {"parent_origin": own if parent == "own" else parent}
    answer = await client.post(f"/api/public/conversation/{bot.id}/start", headers=headers, json=body)
    assert answer.status_code == status, answer.text
    if status == 201:
        assert set(answer.json()) == {"conversation_id", "visitor_token", "expires_in", "person", "visitor_key"}
        assert answer.json()["expires_in"] == 24 * 3600
    else:
        assert answer.json()["code"] == "origin_not_allowed"


async def test_appearance_is_for_allowed_websites(client: httpx.AsyncClient, bot: BotRead) -> None:
    address = f"/api/public/bot/{bot.id}/config"
    shown = await client.get(address, headers={"Origin": SHOP})
    names = {"id", "name", "welcome_message", "starter_questions", "language", "theme", "icon", "early"}
    assert set(shown.json()) == names | {"launcher", "page"}
    assert len(shown.content) < 1000
    assert (await client.get(address)).status_code == 200
    refused = await client.get(address, headers={"Origin": EVIL})
    assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
    assert refused.headers["access-control-allow-origin"] == EVIL, "so that the loader can say why"


async def test_appearance_is_one_small_answer_that_browsers_keep(
    client: httpx.AsyncClient, rt: Runtime, person: Person
) -> None:
    launcher = {
        "corner": "top-left",
        "x": 32,
        "label": "Ask us anything",
        "message": "Not sure which plant fits your window? Tell us about your room, and we suggest three of them.",
        "hidden": ["/checkout/*", "/account/*", "/legal", "/de/kasse/*", "/fr/commande/*", "*/print", "/jobs/*"],
    }
    bot = await make_bot(
        rt,
        person,
        welcome_message="Hello and welcome to Fern & Oak! I know our plants, delivery times, returns and care notes. "
        "I answer in a moment, at any hour, and where I do not know something I pass your question on to a person.",
        starter_questions=[f"How do I look after my {name} in winter?" for name in ("fern", "olive", "fig", "ivy")],
        launcher=launcher,
    )
    address = f"/api/public/bot/{bot.id}/config"
    shown = await client.get(address, headers={"Origin": SHOP, "Accept-Encoding": "gzip"})
    assert shown.headers["content-encoding"] == "gzip"
    assert int(shown.headers["content-length"]) <= 1024
    assert shown.json()["launcher"] == {**launcher, "delay": 5}
    assert shown.headers["cache-control"] == "no-cache"
    again = await client.get(address, headers={"Origin": SHOP, "If-None-Match": shown.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["access-control-allow-origin"] == SHOP


@pytest.mark.parametrize(
    "wrong",
    [
        *({"corner": "middle"}, {"x": -1}, {"y": 201}, {"icon": "x"}, {"label": "x" * 25}, {"message": "x" * 161}),
        *({"delay": 601}, {"hidden": ["checkout"]}, {"hidden": ["/a?b"]}, {"hidden": ["/a"] * 11}, {"size": 3}),
    ],
)
async def test_a_launcher_that_cannot_be_is_refused(
    client: httpx.AsyncClient, person: Person, bot: BotRead, wrong: dict[str, Any]
) -> None:
    answer = await client.patch(f"/api/v1/bots/{bot.id}", json={"launcher": wrong}, headers=person.headers)
    assert answer.status_code == 422


async def test_context_is_small(guest: Visit) -> None:
    assert (await guest.ask(context={"cart": [1, 2], "plan": "pro"})).status_code == 200
    for wrong in ({"x": "y" * 2048}, {"x": "\x00"}, [1], "text"):
        assert (await guest.ask(context=wrong)).status_code == 422
    assert (await guest.ask(page={"url": "/" * 501})).status_code == 422


async def test_the_icon_is_a_picture_and_nothing_else(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    picture = png(10, 125, 108)
    address = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    bot = await make_bot(rt, owner, icon=address)
    version = (await client.get(f"/api/public/bot/{bot.id}/config")).json()["icon"]
    answer = await client.get(f"/widget/icon/{bot.id}?v={version}")
    assert (answer.content, answer.headers["content-type"]) == (picture, "image/png")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    again = await client.get(f"/widget/icon/{bot.id}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")
    for known in (await make_bot(rt, owner), await make_bot(rt, owner, icon=address, published=False)):
        assert (await client.get(f"/widget/icon/{known.id}")).status_code == 404
    assert (await client.get(f"/widget/icon/{uuid4()}")).status_code == 404
    script = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>").decode()
    large = base64.b64encode(png(1, 2, 3) + bytes(40_000)).decode()
    wide = base64.b64encode(png(1, 2, 3, 600)).decode()
    for wrong in (
        f"data:image/svg+xml;base64,{script}",
        f"data:image/png;base64,{script}",
        f"data:image/png;base64,{large}",
        f"data:image/png;base64,{wide}",
        "https://evil.example/i.png",
    ):
        refused = await client.patch(f"/api/v1/bots/{bot.id}", json={"icon": wrong}, headers=owner.headers)
        assert refused.status_code == 422, wrong
    for questions in ([""], ["x" * 81], ["Why?"] * 7):
        body = {"starter_questions": questions}
        refused = await client.patch(f"/api/v1/bots/{bot.id}", json=body, headers=owner.headers)
        assert refused.status_code == 422, questions


async def test_drafts_are_missing_and_pauses_are_said(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    conversation_id, headers = await visit(client, bot.id)
    visitor = Visit(client, bot.id, conversation_id, headers)

    async def statuses() -> list[tuple[int, str]]:
        answers = [
            await client.get(f"/api/public/bot/{bot.id}/config"),
            await client.post(f"/api/public/conversation/{bot.id}/start", headers={"Origin": SHOP}),
            await visitor.ask(),
            await client.get(f"/api/public/conversation/{conversation_id}", headers=headers),
            await client.post(f"/api/public/conversation/{conversation_id}/end", headers=headers),
        ]
        return [(answer.status_code, answer.json()["code"]) for answer in answers]

    await set_status(rt, owner, bot, "paused")
    assert set(await statuses()) == {(403, "bot_paused")}
    await set_status(rt, owner, bot, "draft")
    assert set(await statuses()) == {(404, "not_found")}
    assert (await client.get(f"/widget/frame?bot_id={bot.id}")).status_code == 404
    await set_status(rt, owner, bot, "published")
    assert (await visitor.ask()).status_code == 200


async def test_a_token_is_bound_to_bot_conversation_and_website(
    client: httpx.AsyncClient, rt: Runtime, person: Person, guest: Visit
) -> None:
    other = await make_bot(rt, person)
    for where in (EVIL, "https://sub.shop.example"):
        answer = await client.post(
            f"/api/public/chat/{guest.bot_id}", json=guest.body(), headers={**guest.headers, "Origin": where}
        )
        assert (answer.status_code, answer.json()["reason"]) == (403, "foreign_origin")
    assert (await Visit(client, other.id, guest.conversation_id, guest.headers).ask()).status_code == 404
    another, _ = await visit(client, guest.bot_id)
    assert (await Visit(client, guest.bot_id, another, guest.headers).ask()).status_code == 404
    own = {**guest.headers, "Origin": rt.settings.public_origin}
    assert (await Visit(client, guest.bot_id, guest.conversation_id, own).ask()).status_code == 200, "from our frame"


async def test_a_website_that_is_taken_off_the_list_is_out_at_once(
    client: httpx.AsyncClient, rt: Runtime, owner: Person
) -> None:
    bot = await make_bot(rt, owner)
    conversation_id, headers = await visit(client, bot.id)
    async with rt.db.tenant(owner.principal) as session:
        await bots.change(session, owner.principal, bot.id, BotPatch(allowed_origins=[]), rt)
    assert (await Visit(client, bot.id, conversation_id, headers).ask()).status_code == 403
    read = await client.get(f"/api/public/conversation/{conversation_id}", headers=headers)
    assert read.status_code == 403


async def test_the_frame_may_be_framed_by_the_bots_websites(client: httpx.AsyncClient, bot: BotRead) -> None:
    page = await client.get(f"/widget/frame?bot_id={bot.id}")
    policy = page.headers["content-security-policy"]
    [ancestors] = re.findall(r"frame-ancestors ([^;]*)", policy)
    assert ancestors.split() == ["'self'", SHOP]
    assert "script-src 'self';" in policy
    assert "x-frame-options" not in page.headers


# --- asking


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
