"""The version of a bot's knowledge: raised once by a transaction, and by many at once without a ring of waiting."""

import asyncio

from chatbot_saas.models import Bot, Source
from chatbot_saas.services import bots, knowledge, runs
from chatbot_saas.services.runtime import Runtime
from tests.factories.knowledge import add_text, make_bot
from tests.factories.people import Person


async def version_of(rt: Runtime, person: Person, bot_id: object) -> int:
    async with rt.db.tenant(person.principal) as session:
        return (await session.get_one(Bot, bot_id)).knowledge_version


async def test_a_transaction_raises_it_once_and_one_that_fails_does_not(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    async with rt.db.tenant(owner.principal) as session:
        for _ in range(3):
            knowledge.changed(session, bot.id)
    assert await version_of(rt, owner, bot.id) == 1
    try:
        async with rt.db.tenant(owner.principal) as session:
            knowledge.changed(session, bot.id)
            raise LookupError
    except LookupError:
        pass
    assert await version_of(rt, owner, bot.id) == 1


async def test_another_tenants_version_is_not_raised(rt: Runtime, owner: Person, stranger: Person) -> None:
    bot = await make_bot(rt, owner)
    async with rt.db.tenant(stranger.principal) as session:
        knowledge.changed(session, bot.id)
    assert await version_of(rt, owner, bot.id) == 0


async def test_writers_wait_for_each_other_only_at_the_end(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)

    async def change() -> None:
        async with rt.db.tenant(owner.principal) as session:
            knowledge.changed(session, bot.id)
            session.add(Source(tenant_id=owner.tenant_id, bot_id=bot.id, title="s", status="ready"))
            await session.flush()
            await asyncio.sleep(0.3)  # the work, which others do at the same time

    async with asyncio.timeout(2):
        await asyncio.gather(*(change() for _ in range(12)))
    assert await version_of(rt, owner, bot.id) == 12


async def test_files_are_added_while_others_end_and_the_bot_is_deleted(rt: Runtime, owner: Person) -> None:
    """Each takes the bot's row, the admission of jobs and its source: nobody waits in a ring."""
    bot = await make_bot(rt, owner)

    async def end() -> None:
        async with rt.db.tenant(owner.principal) as session:
            source = Source(tenant_id=owner.tenant_id, bot_id=bot.id, title="s", status="embedding")
            session.add(source)
            await session.flush()
            knowledge.changed(session, bot.id)
            await asyncio.sleep(0.05)
            await runs.end(session, rt, source, "ready")

    texts = (add_text(rt, owner, bot.id, f"Text number {number}.", f"{number}.txt") for number in range(6))
    await asyncio.gather(*texts, *(end() for _ in range(6)))
    slow = asyncio.create_task(end())
    await asyncio.sleep(0.03)
    receipt = await bots.delete(rt, owner.principal, bot.id)
    await slow
    assert receipt.kind == "bot"
