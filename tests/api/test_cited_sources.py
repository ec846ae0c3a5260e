"""A cited source opens at its quote: for the visitor who got the answer, and for nobody else."""

from uuid import uuid4

import httpx
from sqlalchemy import delete, update
from sqlmodel import col

from chatbot_saas.models import Document, Message
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import visit
from tests.factories.knowledge import HANDBOOK, make_knowing_bot
from tests.factories.people import Person

QUESTION = "How long does a refund take?"


async def test_a_source_opens_at_its_quote_and_falls_back_to_it(
    rt: Runtime, client: httpx.AsyncClient, owner: Person, stranger: Person
) -> None:
    bot = await make_knowing_bot(rt, owner)
    talk, headers = await visit(client, bot.id)
    asked = await client.post(
        f"/api/public/chat/{bot.id}", json={"conversation_id": talk, "message": QUESTION}, headers=headers
    )
    answer = asked.json()
    assert answer["answered"], answer
    assert answer["proof"]
    [source, *_] = answer["sources"]
    assert "document_id" not in source
    shown = await client.get(f"/api/public/conversation/{talk}", headers=headers)
    assert "document_id" not in shown.text
    assert shown.json()["messages"][-1]["proof"] == answer["proof"]

    base = f"/api/public/conversation/{talk}/messages/{answer['message_id']}/sources"
    opened = await client.get(f"{base}/{source['number']}", headers=headers)
    body = opened.json()
    assert opened.status_code == 200, body
    assert set(body) == {"number", "title", "page", "url", "link", "attachment", "before", "quote", "after"}
    assert body["before"] + body["quote"] + body["after"] in HANDBOOK
    assert body["before"] or body["after"]
    assert len(body["before"]) + len(body["after"]) <= 600

    # not there, another visitor's, another tenant's, nobody's
    assert (await client.get(f"{base}/9", headers=headers)).status_code == 404
    unknown = f"/api/public/conversation/{talk}/messages/{uuid4()}/sources/1"
    assert (await client.get(unknown, headers=headers)).status_code == 404
    other_talk, other = await visit(client, bot.id)
    assert (await client.get(f"{base}/1", headers=other)).status_code == 404
    theirs = f"/api/public/conversation/{other_talk}/messages/{answer['message_id']}/sources/1"
    assert (await client.get(theirs, headers=other)).status_code == 404
    foreign_bot = await make_knowing_bot(rt, stranger)
    foreign_talk, foreign = await visit(client, foreign_bot.id)
    stolen = f"/api/public/conversation/{foreign_talk}/messages/{answer['message_id']}/sources/1"
    assert (await client.get(stolen, headers=foreign)).status_code == 404
    assert (await client.get(f"{base}/1")).status_code == 401

    # the document changed, then it is gone
    async with rt.db.tenant(owner.principal) as session:
        await session.execute(update(Document).where(col(Document.bot_id) == bot.id).values(text="Something else."))
    kept = (await client.get(f"{base}/1", headers=headers)).json()
    assert (kept["before"], kept["quote"], kept["after"]) == ("", source["quote"], "")
    async with rt.db.tenant(owner.principal) as session:
        await session.execute(delete(Document).where(col(Document.bot_id) == bot.id))
    assert (await client.get(f"{base}/1", headers=headers)).json() == kept
    async with rt.db.tenant(owner.principal) as session:
        await session.execute(update(Message).where(col(Message.conversation_id) == talk).values(status="pending"))
    assert (await client.get(f"{base}/1", headers=headers)).status_code == 404
