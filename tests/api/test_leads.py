"""What visitors leave: kept once, read by its tenant only, and gone with its conversation."""

import asyncio
import csv
import io
import logging
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from chatbot_saas.api.public import LEADS_PER_MINUTE
from chatbot_saas.core.errors import ForbiddenError, NotFoundError
from chatbot_saas.core.paging import PageRequest
from chatbot_saas.core.settings import Settings
from chatbot_saas.core.tenancy import Role, Scope
from chatbot_saas.models import AuditEntry, Lead
from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.services import bots, conversations, leads
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import Headers, api_key, visit
from tests.factories.knowledge import make_bot
from tests.factories.people import Person, sign_up
from tests.factories.runtimes import client_of, other_runtime
from tests.factories.statements import counted_statements

ANNA = {"name": "Anna Example", "email": "Anna@Example.com", "message": "Do you repair clocks?"}
QUESTION = "Who repairs clocks?"


@pytest.fixture
async def bot(rt: Runtime, owner: Person) -> BotRead:
    return await make_bot(rt, owner)


async def leave(client: httpx.AsyncClient, guest: tuple[str, Headers], **given: object) -> httpx.Response:
    conversation_id, headers = guest
    return await client.post(f"/api/public/conversation/{conversation_id}/capture-lead", json=given, headers=headers)


async def ask(client: httpx.AsyncClient, bot: BotRead, guest: tuple[str, Headers]) -> None:
    body = {"conversation_id": guest[0], "message": QUESTION}
    assert (await client.post(f"/api/public/chat/{bot.id}", json=body, headers=guest[1])).status_code == 200


async def kept(rt: Runtime, person: Person) -> list[Lead]:
    async with rt.db.tenant(person.principal) as session:
        return list((await session.scalars(select(Lead).order_by(col(Lead.id)))).all())


async def test_a_message_is_kept_once(client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead) -> None:
    guest = await visit(client, bot.id)
    answers = await asyncio.gather(*(leave(client, guest, **ANNA, phone="") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    [lead] = await kept(rt, owner)
    assert {answer.json()["id"] for answer in answers} == {str(lead.id)}
    assert (lead.name, lead.email, lead.message) == ("Anna Example", "anna@example.com", ANNA["message"])
    assert (lead.bot_id, lead.conversation_id, lead.phone) == (bot.id, UUID(guest[0]), "")
    assert (await leave(client, guest, **{**ANNA, "message": "And watches?"})).json()["id"] != str(lead.id)
    other = await visit(client, bot.id)
    assert (await leave(client, other, **ANNA)).json()["id"] != str(lead.id), "of another conversation"
    assert len(await kept(rt, owner)) == 3


async def test_without_a_message_it_is_the_last_question(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead
) -> None:
    guest = await visit(client, bot.id)
    refused = await leave(client, guest, email="a@b.example")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid"), "nothing was asked yet"
    await ask(client, bot, guest)
    for message in ("", "  \n", None):
        assert (await leave(client, guest, phone="+49 (30) 123-45", message=message)).status_code == 201
    [lead] = await kept(rt, owner)
    assert (lead.message, lead.phone, lead.email) == (QUESTION, "+49 (30) 123-45", "")


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"name": "Anna", "message": "Call me"},
        {"email": "", "phone": " "},
        {"email": "anna"},
        {"email": "a b@example.com"},
        {"email": "anna\x01@example.com"},
        {"phone": "call me"},
        {"phone": "123"},
        {"phone": "1" * 41},
        {"email": "a@b.example", "name": "x" * 121},
        {"email": "a@b.example", "name": "Anna\nBcc: x@y.example"},
        {"email": "a@b.example", "message": "x" * 4001},
        {"email": "a@b.example", "message": "x\x00"},
        {"email": "a@b.example", "message": "x", "bot_id": "x"},
    ],
)
async def test_what_cannot_be_answered_is_refused(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead, wrong: dict[str, str]
) -> None:
    answer = await leave(client, await visit(client, bot.id), **wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert await kept(rt, owner) == []


async def test_only_where_the_visitor_is_and_while_the_bot_is_there(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead
) -> None:
    conversation_id, headers = await visit(client, bot.id)
    elsewhere, _ = await visit(client, bot.id)
    assert (await leave(client, (elsewhere, headers), **ANNA)).status_code == 404
    foreign = {**headers, "Origin": "https://evil.example"}
    assert (await leave(client, (conversation_id, foreign), **ANNA)).status_code == 403
    assert (await leave(client, (conversation_id, {}), **ANNA)).status_code == 401
    for patch, status in ({"status": "paused"}, 403), ({"status": "published", "allowed_origins": []}, 403):
        async with rt.db.tenant(owner.principal) as session:
            await bots.change(session, owner.principal, bot.id, BotPatch.model_validate(patch), rt)
        assert (await leave(client, (conversation_id, headers), **ANNA)).status_code == status
    assert await kept(rt, owner) == []


async def test_an_address_leaves_five_in_a_minute(
    settings: Settings, tmp_path: Path, rt: Runtime, owner: Person, bot: BotRead
) -> None:
    async with (
        other_runtime(settings, tmp_path, working=False, rate_limit_enabled=True) as limited,
        client_of(limited) as client,
    ):
        guest = await visit(client, bot.id)
        for _ in range(LEADS_PER_MINUTE):
            assert (await leave(client, guest, **ANNA)).status_code == 201
        refused = await leave(client, guest, **{**ANNA, "message": "More"})
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert int(refused.headers["retry-after"]) > 0
    assert len(await kept(rt, owner)) == 1


async def test_two_tenants(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, stranger: Person, bot: BotRead
) -> None:
    lead_id = UUID((await leave(client, await visit(client, bot.id), **ANNA)).json()["id"])
    async with rt.db.tenant(stranger.principal) as session:
        page = await leads.list_page(session, stranger.principal, PageRequest())
        assert page.items == []
        with pytest.raises(NotFoundError):
            await leads.list_page(session, stranger.principal, PageRequest(), bot_id=bot.id)
        with pytest.raises(NotFoundError):
            await leads.get(session, stranger.principal, lead_id)
        with pytest.raises(NotFoundError):
            await leads.delete(session, stranger.principal, lead_id)
    text = b"".join([part async for part in leads.export(rt, stranger.principal)]).decode()
    assert text.count("\n") == 1, "the names of the columns only"
    with pytest.raises(NotFoundError):
        await anext(leads.export(rt, stranger.principal, bot_id=bot.id))
    async with rt.db.tenant(owner.principal) as session:
        assert (await leads.get(session, owner.principal, lead_id)).bot_name == bot.name


async def test_reading_and_deleting_are_rights_of_their_own(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead
) -> None:
    lead_id = UUID((await leave(client, await visit(client, bot.id), **ANNA)).json()["id"])
    viewer = (await sign_up(rt, Role.VIEWER, owner.tenant_id)).principal
    async with rt.db.tenant(viewer) as session:
        assert len((await leads.list_page(session, viewer, PageRequest())).items) == 1
        with pytest.raises(ForbiddenError):
            await leads.delete(session, viewer, lead_id)
    asking = {"X-API-Key": await api_key(rt, owner, [Scope.CONVERSATIONS_READ])}
    for path in ("/api/v1/leads", "/api/v1/leads.csv", f"/api/v1/leads/{lead_id}"):
        assert (await client.get(path, headers=asking)).json()["required_scope"] == "leads:read"


async def test_a_key_bound_to_a_bot_reaches_no_other_bots_messages(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead
) -> None:
    other = await make_bot(rt, owner, name="Other")
    lead_id = (await leave(client, await visit(client, bot.id), **ANNA)).json()["id"]
    known = (await leave(client, await visit(client, other.id), **ANNA)).json()["id"]
    key = {"X-API-Key": await api_key(rt, owner, bot_ids=[other.id])}
    listed = (await client.get("/api/v1/leads", headers=key)).json()["items"]
    assert [item["id"] for item in listed] == [known]
    assert (await client.get("/api/v1/leads", params={"bot_id": str(bot.id)}, headers=key)).status_code == 404
    assert (await client.get(f"/api/v1/leads/{lead_id}", headers=key)).status_code == 404
    assert (await client.delete(f"/api/v1/leads/{lead_id}", headers=key)).status_code == 404
    assert (await client.get("/api/v1/leads.csv", headers=key)).text.count("anna@example.com") == 1
    assert len(await kept(rt, owner)) == 2


async def test_a_deletion_is_in_the_audit_without_what_was_said(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead
) -> None:
    lead_id = (await leave(client, await visit(client, bot.id), **ANNA)).json()["id"]
    for status in (204, 404):
        assert (await client.delete(f"/api/v1/leads/{lead_id}", headers=owner.headers)).status_code == status
    assert await kept(rt, owner) == []
    async with rt.db.tenant(owner.principal) as session:
        query = select(AuditEntry).where(col(AuditEntry.action) == "lead.delete")
        [entry] = (await session.scalars(query)).all()
    assert str(entry.target_id) == lead_id
    assert entry.user_id == owner.user_id
    told = str(entry.details).lower()
    assert not any(word in told for word in ("anna", "clock"))


async def test_a_deleted_conversation_takes_its_messages_along(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead
) -> None:
    guest = await visit(client, bot.id)
    await ask(client, bot, guest)
    await leave(client, guest, **ANNA)
    receipt = await conversations.delete(rt, owner.principal, UUID(guest[0]))
    assert (receipt.removed.rows, receipt.verified) == (4, True), "itself, question, answer and what was left"
    assert "leads" in " ".join(receipt.checked)
    assert await kept(rt, owner) == []


async def test_the_export_holds_all_and_no_formula(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead
) -> None:
    guest = await visit(client, bot.id)
    conversation_id = UUID(guest[0])
    async with rt.db.tenant(owner.principal) as session:
        session.add_all(
            Lead(
                tenant_id=owner.tenant_id,
                bot_id=bot.id,
                conversation_id=conversation_id,
                email=f"visitor{number:03}@example.com",
                message='She said "hello",\nand left',
            )
            for number in range(230)
        )
    await leave(client, guest, name='=HYPERLINK("https://evil.example")', phone="+49 30 12345", message="@SUM(A1)")
    answer = await client.get("/api/v1/leads.csv", headers=owner.headers)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="messages.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.content.count(b"\xef\xbb\xbf") == 1
    head, newest, *older = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert head == ["when", "bot", "name", "email", "phone", "message", "conversation", "kind", "company", "rating"]
    assert newest[1:] == [
        bot.name,
        """'=HYPERLINK("https://evil.example")""",
        "",
        "'+49 30 12345",
        "'@SUM(A1)",
        str(conversation_id),
        "message",
        "",
        "",
    ]
    assert len({row[3] for row in older}) == 230
    assert older[0][5] == 'She said "hello",\nand left'
    found = await client.get("/api/v1/leads.csv", params={"search": "visitor00"}, headers=owner.headers)
    assert len(list(csv.reader(io.StringIO(found.text, newline="")))) == 11


async def test_statements_do_not_grow(client: httpx.AsyncClient, rt: Runtime, owner: Person, bot: BotRead) -> None:
    guest = await visit(client, bot.id)
    counts: list[int] = []
    for number in range(2):
        for _ in range(3 + 20 * number):
            async with rt.db.tenant(owner.principal) as session:
                left = Lead(email="a@b.example", message="x", tenant_id=owner.tenant_id, bot_id=bot.id)
                left.conversation_id = UUID(guest[0])
                session.add(left)
        with counted_statements() as sent:
            async with rt.db.tenant(owner.principal) as session:
                await leads.list_page(session, owner.principal, PageRequest(limit=100))
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 2
    with counted_statements() as sent:
        assert (await leave(client, guest, **ANNA)).status_code == 201
    assert len(sent) <= 6, sent


async def test_nothing_of_it_is_logged(
    client: httpx.AsyncClient,
    owner: Person,
    bot: BotRead,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with caplog.at_level(logging.DEBUG):
        guest = await visit(client, bot.id)
        lead_id = (await leave(client, guest, **ANNA)).json()["id"]
        await leave(client, guest, **{**ANNA, "email": "anna-wrong"})
        await client.get("/api/v1/leads", params={"search": "anna"}, headers=owner.headers)
        await client.delete(f"/api/v1/leads/{lead_id}", headers=owner.headers)
    ours = [record.getMessage() for record in caplog.records if record.name != "httpx"]  # the visitor's, here
    said = "".join([*ours, *capfd.readouterr()]).lower()
    assert "anna" not in said
    assert "clocks" not in said
