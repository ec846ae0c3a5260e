"""What the tests of deletions delete, and the receipts that stay."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatbot_saas.adapters.vectors.unowned import UnownedVectors
from chatbot_saas.core.paging import PageRequest
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.schemas.sources import SourceRead
from chatbot_saas.services import receipts
from chatbot_saas.services.runtime import Runtime
from tests.factories.knowledge import add_text, make_bot
from tests.factories.people import Person

WARRANTY = "The warranty lasts 5 years."
OFFER = "The zanzibar offer costs 7 euros."


async def kept(rt: Runtime, person: Person) -> list[Receipt]:
    """The receipts that the tenant's owner is shown."""
    async with rt.db.tenant(person.principal) as session:
        return (await receipts.list_page(session, person.principal, PageRequest())).items


async def two_texts(rt: Runtime, person: Person) -> tuple[BotRead, SourceRead, SourceRead]:
    bot = await make_bot(rt, person)
    kept = await add_text(rt, person, bot.id, WARRANTY, "kept.txt")
    return bot, kept, await add_text(rt, person, bot.id, OFFER, "gone.txt")


@asynccontextmanager
async def without_vectors(rt: Runtime) -> AsyncIterator[None]:
    """As in a process that does not own the index."""
    real, rt.vectors = rt.vectors, UnownedVectors()
    try:
        yield
    finally:
        rt.vectors = real
