"""What answers were made from stays readable for their owner, until the document is deleted."""

from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from chatbot_saas.core.tenancy import System
from chatbot_saas.models import RecordedPassage
from chatbot_saas.services import recorder
from chatbot_saas.services.runtime import Runtime
from tests.factories.knowledge import add_text, make_bot
from tests.factories.people import Person
from tests.factories.stores import chunks_of


async def keep(rt: Runtime, person: Person, ids: list[UUID]) -> None:
    async with rt.db.tenant_plain(person.principal) as sql:
        await sql.run(recorder.KEEP_PASSAGES, ids=ids)


async def recorded(rt: Runtime, bot_id: UUID) -> list[RecordedPassage]:
    async with rt.db.platform(System("tests")) as session:
        query = select(RecordedPassage).where(col(RecordedPassage.bot_id) == bot_id)
        return list((await session.scalars(query.order_by(col(RecordedPassage.start)))).all())


async def test_a_chunk_is_kept_once_and_by_its_own_tenant_only(rt: Runtime, owner: Person, stranger: Person) -> None:
    bot = await make_bot(rt, owner)
    chunks = await chunks_of(rt, (await add_text(rt, owner, bot.id)).id)
    ids = [chunk.id for chunk in chunks]
    await keep(rt, stranger, ids)
    assert await recorded(rt, bot.id) == []
    await keep(rt, owner, ids)
    await keep(rt, owner, [*ids, *ids])
    kept = await recorded(rt, bot.id)
    assert [(row.id, row.text, row.start) for row in kept] == [(c.id, c.text, c.start) for c in chunks]
