"""What a visitor can do besides asking: stop, go back, ask for a person, rate, agree; and what the owner gets of it."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from chatbot_saas.adapters.mail import Mail, MailError
from chatbot_saas.core.tenancy import System
from chatbot_saas.models import Conversation, Lead, Message
from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.services import bots, lead_mails
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import Headers, visit
from tests.factories.jobs import until
from tests.factories.knowledge import SHOP, make_bot, make_knowing_bot
from tests.factories.people import Person, sign_up

QUESTION = "How long does a refund take?"
Guest = tuple[str, Headers]


@pytest.fixture
async def bot(rt: Runtime, owner: Person) -> BotRead:
    return await make_bot(rt, owner)


async def settle(rt: Runtime, person: Person, bot: BotRead, **widget: Any) -> BotRead:
    async with rt.db.tenant(person.principal) as session:
        patch = BotPatch.model_validate({"widget": widget})
        return await bots.change(session, person.principal, bot.id, patch, rt)


async def post(client: httpx.AsyncClient, guest: Guest, verb: str, body: Any = None) -> httpx.Response:
    return await client.post(f"/api/public/conversation/{guest[0]}/{verb}", json=body, headers=guest[1])


async def ask(client: httpx.AsyncClient, bot: BotRead, guest: Guest, text: str = QUESTION, **more: Any) -> Any:
    body = {"conversation_id": guest[0], "message": text, **more}
    answer = await client.post(f"/api/public/chat/{bot.id}", json=body, headers=guest[1])
    assert answer.status_code == 200, answer.text
    return answer.json()


async def start(client: httpx.AsyncClient, bot: BotRead, site: str = SHOP, **body: Any) -> httpx.Response:
    return await client.post(f"/api/public/conversation/{bot.id}/start", json=body, headers={"Origin": site})


def guest_of(started: httpx.Response, site: str = SHOP) -> Guest:
    body = started.json()
    return body["conversation_id"], {"Authorization": f"Bearer {body['visitor_token']}", "Origin": site}


async def left(rt: Runtime, person: Person) -> list[Lead]:
    async with rt.db.tenant(person.principal) as session:
        return list((await session.scalars(select(Lead).order_by(col(Lead.id)))).all())


# --- settings


async def test_settings_of_the_window_change_one_by_one(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead
) -> None:
    url = f"/api/v1/bots/{bot.id}"
    await client.patch(url, json={"widget": {"sound": True, "radius": 8}}, headers=owner.headers)
    changed = await client.patch(url, json={"widget": {"font": "serif"}}, headers=owner.headers)
    widget = changed.json()["widget"]
    assert (widget["sound"], widget["radius"], widget["font"], widget["history"]) == (True, 8, "serif", True)
    config = (await client.get(f"/api/public/bot/{bot.id}/config", headers={"Origin": SHOP})).json()
    assert config["theme"]["radius"] == "8px"
    assert config["theme"]["font"] == "serif"
    assert config["early"] is False
    frame = (await client.get(f"/api/public/bot/{bot.id}/frame")).json()
    assert frame["sound"] is True
    assert "notify_emails" not in frame


@pytest.mark.parametrize(
    "wrong",
    [
        {"radius": 99},
        {"language": "xx"},
        {"texts": {"SEND": "x"}},
        {"texts": {"send": "x" * 201}},
        {"notify_emails": ["nobody"]},
        {"lead": {"fields": {"email": "off"}}},
        {"unknown": 1},
    ],
)
async def test_what_is_no_setting_is_refused(
    client: httpx.AsyncClient, owner: Person, bot: BotRead, wrong: dict[str, Any]
) -> None:
    answer = await client.patch(f"/api/v1/bots/{bot.id}", json={"widget": wrong}, headers=owner.headers)
    assert answer.status_code == 422


async def test_words_without_what_is_filled_in_are_refused(
    client: httpx.AsyncClient, owner: Person, bot: BotRead
) -> None:
    answer = await client.patch(
        f"/api/v1/bots/{bot.id}", json={"widget": {"texts": {"wait": "Later."}}}, headers=owner.headers
    )
    assert answer.status_code == 422
    problem = answer.json()
    assert (problem["code"], problem["field"]) == ("invalid", "widget.texts.wait")
    assert problem["detail"] == "Put {n} into “Later.”: the window fills it in."


# --- consent


async def test_a_conversation_begins_with_the_present_consent_only(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead
) -> None:
    await settle(rt, owner, bot, consent={"text": "We keep what you write for a year."})
    refused = await start(client, bot)
    assert (refused.status_code, refused.json()["code"]) == (403, "consent_required")
    assert (await start(client, bot, consent="0123456789ab")).status_code == 403
    version = (await client.get(f"/api/public/bot/{bot.id}/frame")).json()["consent"]["version"]
    begun = await start(client, bot, consent=version)
    assert begun.status_code == 201
    async with rt.db.tenant(owner.principal) as session:
        conversation = await session.get_one(Conversation, UUID(begun.json()["conversation_id"]))
    assert conversation.consent == version
    assert conversation.consented_at is not None
    await settle(rt, owner, bot, consent={"text": "We keep it for two years."})
    assert (await start(client, bot, consent=version)).status_code == 403


# --- earlier conversations


async def test_earlier_conversations_are_the_visitors_own(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead
) -> None:
    first = await start(client, bot)
    key = first.json()["visitor_key"]
    one = guest_of(first)
    await ask(client, bot, one, "the first?")
    two = guest_of(await start(client, bot, visitor_key=key))
    stranger = await visit(client, bot.id)
    await ask(client, bot, stranger, "another's")
    found = await client.get("/api/public/conversations", headers=two[1])
    assert [(item["id"], item["first_question"]) for item in found.json()["items"]] == [(one[0], "the first?")]
    opened = await client.post(f"/api/public/conversation/{one[0]}/open", headers=two[1])
    again = guest_of(opened)
    assert again[0] == one[0]
    read = await client.get(f"/api/public/conversation/{one[0]}", headers=again[1])
    assert read.json()["messages"][0]["text"] == "the first?"
    for other in (stranger[0], str(bot.id)):
        assert (await client.post(f"/api/public/conversation/{other}/open", headers=two[1])).status_code == 404
    mine = await client.get("/api/public/conversations", headers=stranger[1])
    assert [item["first_question"] for item in mine.json()["items"]] == ["another's"]
    await settle(rt, owner, bot, history=False)
    assert (await client.get("/api/public/conversations", headers=two[1])).status_code == 404
    assert (await client.post(f"/api/public/conversation/{one[0]}/open", headers=two[1])).status_code == 404


async def test_a_visitor_key_is_good_for_its_bot_and_website_alone(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead
) -> None:
    other_site = "https://other.example"
    async with rt.db.tenant(owner.principal) as session:
        patch = BotPatch(allowed_origins=[SHOP, other_site])
        await bots.change(session, owner.principal, bot.id, patch, rt)
    first = await start(client, bot)
    await ask(client, bot, guest_of(first), "mine")
    key = first.json()["visitor_key"]
    elsewhere = guest_of(await start(client, bot, other_site, visitor_key=key), other_site)
    assert (await client.get("/api/public/conversations", headers=elsewhere[1])).json()["items"] == []
    another = await make_bot(rt, await sign_up(rt))
    there = guest_of(await start(client, another, visitor_key=key))
    assert (await client.get("/api/public/conversations", headers=there[1])).json()["items"] == []
    for wrong in ("x", key[:-4], first.json()["visitor_token"]):
        new = guest_of(await start(client, bot, visitor_key=wrong))
        assert (await client.get("/api/public/conversations", headers=new[1])).json()["items"] == []
    # and it is no token
    headers = {"Authorization": f"Bearer {key}", "Origin": SHOP}
    assert (await client.get("/api/public/conversations", headers=headers)).status_code == 401


# --- a person, a rating, a reason


async def test_who_asks_for_a_person_is_in_the_list_and_in_the_conversation(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead
) -> None:
    await settle(rt, owner, bot, handoff={"note": "We answer within a day."})
    guest = await visit(client, bot.id)
    unknown = await post(client, guest, "handoff", {})
    assert unknown.status_code == 422
    answer = await post(client, guest, "handoff", {"name": "Anna", "email": "anna@example.com"})
    assert answer.status_code == 201
    assert (answer.json()["available"], answer.json()["note"]) == (False, "We answer within a day.")
    again = await post(client, guest, "handoff", {"message": "Still there?"})  # who it is, is known by now
    assert again.status_code == 201
    found = await client.get("/api/v1/leads", params={"kind": "person"}, headers=owner.headers)
    assert [(item["email"], item["message"]) for item in found.json()["items"]] == [
        ("anna@example.com", "Still there?"),
        ("anna@example.com", ""),
    ]
    none = await client.get("/api/v1/leads", params={"kind": "message"}, headers=owner.headers)
    assert none.json()["items"] == []
    talk = await client.get(f"/api/v1/conversations/{guest[0]}", headers=owner.headers)
    assert talk.json()["handoff_requested_at"]
    await settle(rt, owner, bot, handoff={"enabled": False})
    assert (await post(client, guest, "handoff", {"email": "a@example.com"})).status_code == 404


async def test_a_conversation_has_one_rating_and_the_csv_has_it(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead
) -> None:
    guest = await visit(client, bot.id)
    assert (await post(client, guest, "end")).status_code == 204
    assert await left(rt, owner) == []
    assert (await post(client, guest, "end", {"rating": 6})).status_code == 422
    await post(client, guest, "end", {"rating": 2, "comment": "slow"})
    assert (await post(client, guest, "end", {"rating": 5, "comment": "quick in the end"})).status_code == 204
    [kept] = await left(rt, owner)
    assert (kept.kind, kept.rating, kept.message) == ("rating", 5, "quick in the end")
    file = await client.get("/api/v1/leads.csv", params={"kind": "rating"}, headers=owner.headers)
    assert file.text.strip().endswith(f'"{guest[0]}","rating","","5"')


async def test_thumbs_down_may_say_why(client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead) -> None:
    guest = await visit(client, bot.id)
    answer = await ask(client, bot, guest)
    rated = {"message_id": answer["message_id"], "rating": -1, "reason": " That was last year. "}
    assert (await post(client, guest, "feedback", rated)).status_code == 204
    talk = await client.get(f"/api/v1/conversations/{guest[0]}", headers=owner.headers)
    assert talk.json()["messages"][1]["rating_reason"] == "That was last year."


async def test_the_owners_form_is_demanded(client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead) -> None:
    fields = {"company": "required", "phone": "optional", "email": "optional"}
    await settle(rt, owner, bot, lead={"fields": fields, "when": ["start", "no_answer"]})
    config = (await client.get(f"/api/public/bot/{bot.id}/config", headers={"Origin": SHOP})).json()
    assert config["early"] is True
    guest = await visit(client, bot.id)
    given = {"phone": "+49 30 123456", "message": "Hello"}
    assert (await post(client, guest, "capture-lead", given)).status_code == 422
    assert (await post(client, guest, "capture-lead", given | {"company": "Fern & Oak"})).status_code == 201
    [kept] = await left(rt, owner)
    assert (kept.kind, kept.company) == ("message", "Fern & Oak")


@pytest.mark.parametrize(
    ("said", "person", "message"),
    [
        ("Can I talk to a human please?", True, True),
        ("Kann ich mit einem Menschen sprechen?", True, True),
        ("我要转人工客服", True, True),
        ("Please call me back", False, True),
        ("Ich möchte ein Angebot anfordern", False, True),
        (QUESTION, False, True),  # nothing is known to an empty bot
    ],
)
async def test_what_is_wanted_is_offered(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead, said: str, person: bool, message: bool
) -> None:
    await settle(rt, owner, bot, lead={"when": ["intent", "no_answer"]})
    answer = await ask(client, bot, await visit(client, bot.id), said)
    assert (answer["handoff"], answer["leave_message"]) == (person, message)
    await settle(rt, owner, bot, lead={"when": []}, handoff={"enabled": False})
    answer = await ask(client, bot, await visit(client, bot.id), said)
    assert (answer["handoff"], answer["leave_message"]) == (False, False)


# --- mail


class Postbox:
    """A mailer that fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.sent: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        if self.failures:
            self.failures -= 1
            raise MailError
        self.sent.append(mail)


@pytest.fixture
async def postbox(rt: Runtime) -> AsyncGenerator[Postbox]:
    before, rt.mailer = rt.mailer, Postbox()
    yield rt.mailer
    rt.mailer = before


async def test_the_owner_gets_one_mail_of_each(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead, postbox: Postbox
) -> None:
    await settle(rt, owner, bot, notify_emails=["Owner@Example.com"])
    postbox.failures = 1  # it is tried again
    guest = await visit(client, bot.id)
    given = {"name": "Anna", "email": "anna@example.com", "message": "Do you repair clocks?"}
    for _ in range(3):
        assert (await post(client, guest, "capture-lead", given)).status_code == 201

    async def notified() -> bool:
        [kept] = await left(rt, owner)
        return kept.notified_at is not None

    await until(notified)
    [kept] = await left(rt, owner)
    [mail] = postbox.sent
    assert (mail.to, mail.reply_to) == (("owner@example.com",), "anna@example.com")
    assert "Do you repair clocks?" in mail.text
    assert f"/conversations/{guest[0]}" in mail.text
    assert not await lead_mails.send(rt, owner.tenant_id, kept.id), "once"
    assert len(postbox.sent) == 1


# --- stop


async def test_stop_ends_the_answer_for_its_visitor_only(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    bot = await make_knowing_bot(rt, owner)
    guest, stranger = await visit(client, bot.id), await visit(client, bot.id)
    answer = await ask(client, bot, guest, client_message_id="m1")
    url = f"/api/public/chat/{bot.id}/stop"
    wanted = {"conversation_id": guest[0], "client_message_id": "m1"}
    assert (await client.post(url, json=wanted, headers=stranger[1])).status_code == 404
    wanted["client_message_id"] = "m2"
    assert (await client.post(url, json=wanted, headers=guest[1])).status_code == 404
    wanted["client_message_id"] = "m1"
    assert (await client.post(url, json=wanted, headers=guest[1])).status_code == 204  # it is whole already
    async with rt.db.platform(System("test")) as session:
        row = await session.get_one(Message, UUID(answer["message_id"]))
    assert (row.status, row.text) == ("complete", answer["answer"])
