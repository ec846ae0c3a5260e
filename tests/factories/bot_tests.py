"""A bot's tests, their runs and what is published, as services see them."""

from typing import Any
from uuid import UUID

from chatbot_saas.core.paging import PageRequest
from chatbot_saas.schemas.bot_tests import BotTestCreate, BotTestRead, BotTestRunDetail, PublicationRead
from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.services import bot_test_runs, bot_tests, bots, publishing
from chatbot_saas.services.runtime import Runtime
from tests.factories.jobs import drained
from tests.factories.people import Person

REFUND = BotTestCreate(question="How long does a refund take?", facts=["5 working days"])
WARRANTY = BotTestCreate(question="How long is the warranty on the frame?", facts=["five years | 5 years"])
MOON = BotTestCreate(question="Who built the pyramids of Gizeh?", expectation="refusal")


async def add(rt: Runtime, person: Person, bot: BotRead, *wanted: BotTestCreate) -> list[BotTestRead]:
    async with rt.db.tenant(person.principal) as session:
        return [await bot_tests.create(session, person.principal, bot.id, test) for test in wanted]


async def listed(rt: Runtime, person: Person, bot: BotRead, **filters: str) -> dict[str, str]:
    """Outcomes by question."""
    async with rt.db.tenant(person.principal) as session:
        page = await bot_tests.list_page(session, person.principal, bot.id, PageRequest(), **filters)
    return {test.question: test.outcome for test in page.items}


async def run(rt: Runtime, person: Person, bot: BotRead, *, publish: bool = False) -> BotTestRunDetail:
    """A run, waited for."""
    async with rt.db.tenant(person.principal) as session:
        started = await bot_test_runs.start(session, person.principal, bot.id, rt, publish=publish)
    await drained(rt)
    return await detail(rt, person, started.id)


async def detail(rt: Runtime, person: Person, run_id: UUID) -> BotTestRunDetail:
    async with rt.db.tenant(person.principal) as session:
        return await bot_test_runs.get(session, person.principal, run_id)


async def change(rt: Runtime, person: Person, bot: BotRead, **changes: Any) -> BotRead:
    async with rt.db.tenant(person.principal) as session:
        return await bots.change(session, person.principal, bot.id, BotPatch(**changes), rt)


async def publish(rt: Runtime, person: Person, bot: BotRead, **options: Any) -> PublicationRead:
    async with rt.db.tenant(person.principal) as session:
        return await publishing.publish(session, person.principal, bot.id, rt, **options)


async def publication(rt: Runtime, person: Person, bot: BotRead) -> PublicationRead:
    async with rt.db.tenant(person.principal) as session:
        return await publishing.state(session, person.principal, bot.id)
