"""Who may end an answer: the visitor whose it is, where they may still ask."""

from typing import Any

import httpx

from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.services import bots
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import Headers, visit
from tests.factories.knowledge import make_bot
from tests.factories.people import Person


async def test_a_stop_is_for_who_may_ask(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    mine, headers = await visit(client, bot.id)
    question = {"conversation_id": mine, "message": "refund?", "client_message_id": "m1"}
    assert (await client.post(f"/api/public/chat/{bot.id}", json=question, headers=headers)).status_code == 200

    async def stop(headers: Headers = headers, conversation_id: str = mine, **more: Any) -> tuple[int, str]:
        body = {"conversation_id": conversation_id, "client_message_id": "m1", **more}
        answer = await client.post(f"/api/public/chat/{bot.id}/stop", json=body, headers=headers)
        return answer.status_code, answer.json()["code"] if answer.content else ""

    async def settle(**changes: Any) -> BotRead:
        async with rt.db.tenant(owner.principal) as session:
            return await bots.change(session, owner.principal, bot.id, BotPatch.model_validate(changes), rt)

    assert await stop() == (204, "")
    assert await stop(client_message_id="m2") == (404, "not_found")
    theirs, others = await visit(client, bot.id)
    assert await stop(conversation_id=theirs) == (404, "not_found")
    assert await stop(headers=others) == (404, "not_found")
    assert await stop(headers=others, conversation_id=theirs) == (404, "not_found")
    assert await stop(headers={**headers, "Origin": "https://evil.example"}) == (403, "forbidden")
    for changes, undone, refused in (
        ({"status": "paused"}, {"status": "published"}, (403, "bot_paused")),
        ({"status": "draft"}, {"status": "published"}, (404, "not_found")),
        ({"allowed_origins": []}, {"allowed_origins": bot.allowed_origins}, (403, "origin_not_allowed")),
        ({"identity_required": True}, {"identity_required": False}, (401, "identity_required")),
    ):
        await settle(**changes)
        assert await stop() == refused, changes
        await settle(**undone)
    assert await stop() == (204, "")
