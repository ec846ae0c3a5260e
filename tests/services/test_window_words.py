"""An owner's words for the chat window hold what the window fills in."""

import pytest

from chatbot_saas.core.errors import InvalidError
from chatbot_saas.models import Bot
from chatbot_saas.schemas.bots import BotCreate, BotPatch
from chatbot_saas.services import bots
from chatbot_saas.services.runtime import Runtime
from tests.factories.knowledge import make_bot
from tests.factories.people import Person

LACKING = {"wait": "Later."}
WHOLE = {"wait": "In {n} s.", "send": "Go", "star": "{n}/5"}


async def test_words_that_leave_out_what_is_filled_in_are_refused(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner, widget={"texts": WHOLE})
    assert bot.widget.texts == WHOLE
    patch = BotPatch.model_validate({"name": "Other", "widget": {"texts": {**WHOLE, **LACKING}}})
    async with rt.db.tenant(owner.principal) as session:
        with pytest.raises(InvalidError, match="into “Later") as refused:
            await bots.change(session, owner.principal, bot.id, patch, rt)
        assert refused.value.details == {"field": "widget.texts.wait"}
        request = BotCreate.model_validate({"name": "Helper", "widget": {"texts": {"star": "Stars"}}})
        with pytest.raises(InvalidError, match="into “Stars”"):
            await bots.create(session, owner.principal, request)
    async with rt.db.tenant(owner.principal) as session:
        assert await bots.get(session, owner.principal, bot.id) == bot


async def test_words_that_are_kept_shut_no_bot(rt: Runtime, owner: Person) -> None:
    """As after a release that fills in more than the one they were written for."""
    bot = await make_bot(rt, owner)
    async with rt.db.tenant(owner.principal) as session:
        (await session.get_one(Bot, bot.id)).widget = {"texts": LACKING}
    async with rt.db.tenant(owner.principal) as session:
        patch = BotPatch.model_validate({"widget": {"sound": True}})
        changed = await bots.change(session, owner.principal, bot.id, patch, rt)
    assert (changed.widget.sound, changed.widget.texts) == (True, LACKING)
