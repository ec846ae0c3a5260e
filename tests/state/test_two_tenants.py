"""Every handler, with the ids of another tenant: it shows nothing of theirs and changes nothing."""

import inspect
from typing import Any

import pytest
from reflex_base.registry import RegistrationContext
from sqlalchemy import select
from sqlmodel import col

import chatbot_saas.app  # noqa: F401 - registers every State
from chatbot_saas.core.tenancy import System
from chatbot_saas.models import Bot, Conversation, Lead, Message, Source
from chatbot_saas.services import chat
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state.session import CHECKED
from tests.factories.knowledge import make_knowing_bot
from tests.factories.people import Person, sign_up
from tests.factories.tabs import open_tab

pytestmark = pytest.mark.no_cover  # other tests reach the same lines; to count them here doubles the time
SECRET = "Zanzibar"


def own_handlers() -> dict[str, Any]:
    return {
        name: registered.handler
        for name, registered in RegistrationContext.get().event_handlers.items()
        if getattr(registered.handler.fn, CHECKED, False)
    }


@pytest.fixture(scope="module")
async def theirs(rt: Runtime) -> dict[str, Any]:
    """A tenant with a bot, a source and a conversation, by the names that addresses and arguments use."""
    person = await sign_up(rt)
    bot = await make_knowing_bot(rt, person, name=f"{SECRET} bot", instructions=SECRET)
    live, answer_id = await chat.ask_in_playground(rt, person.principal, bot.id, "s", f"{SECRET} warranty?")
    async for _ in live.follow():
        pass
    async with rt.db.platform(System("tests")) as session:
        answer = await session.get_one(Message, answer_id)
        source = await session.scalar(select(col(Source.id)).where(col(Source.bot_id) == bot.id))
        lead = Lead(
            tenant_id=person.tenant_id,
            bot_id=bot.id,
            conversation_id=answer.conversation_id,
            email=f"{SECRET}@example.com",
            message=SECRET,
        )
        session.add(lead)
    return {
        "person": person,
        "bot_id": bot.id,
        "source_id": source,
        "conversation_id": answer.conversation_id,
        "answer_id": answer_id,
        "lead_id": lead.id,
        "tenant_id": person.tenant_id,
        "version": 1,
    }


async def _rows(rt: Runtime, theirs: dict[str, Any]) -> list[Any]:
    async with rt.db.platform(System("tests")) as session:
        bot = await session.get_one(Bot, theirs["bot_id"])
        source = await session.get_one(Source, theirs["source_id"])
        conversation = await session.get_one(Conversation, theirs["conversation_id"])
        lead = await session.get_one(Lead, theirs["lead_id"])
        return [row.model_dump() for row in (bot, source, conversation, lead)]


@pytest.mark.parametrize("name", sorted(own_handlers()))
async def test_another_tenants_ids_open_nothing(rt: Runtime, owner: Person, theirs: dict[str, Any], name: str) -> None:
    handler = own_handlers()[name]
    ids = {key: value for key, value in theirs.items() if key.endswith("_id")}
    tab = await open_tab(rt, owner, **ids)
    before = await _rows(rt, theirs)
    wanted = list(inspect.signature(handler.fn).parameters)[1:]
    arguments = {
        parameter: {"question": "warranty?", "model_key": "sk-x"}
        if parameter == "form_data"
        else theirs["version"]
        if parameter == "version"
        else str(ids.get(parameter, theirs["bot_id"]))
        for parameter in wanted
    }
    said = ""
    try:
        said = str(await tab.run(handler, **arguments))
    except Exception as error:  # whichever it is: it must not tell what it saw
        said = repr(error)
    assert SECRET not in said + tab.sent()
    assert await _rows(rt, theirs) == before
