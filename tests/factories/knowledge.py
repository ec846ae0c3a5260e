"""Bots that know something."""

from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from chatbot_saas.schemas.bots import BotCreate, BotPatch, BotRead
from chatbot_saas.schemas.sources import ACTIVE, SourceRead
from chatbot_saas.services import bots, intake, sources
from chatbot_saas.services.runtime import Runtime
from tests.factories.jobs import until
from tests.factories.people import Person

SHOP = "https://shop.example"
HANDBOOK = """# Returns

You can return anything within 30 days of delivery. The refund is paid within 5 working days to the account that paid.

# Delivery

Furniture is delivered by our own van, costs 45 euros, and takes 7 to 10 working days. We do not deliver abroad.

# Warranty

All furniture has a warranty of 5 years on the frame. It does not cover rust from salt water.
"""


async def make_bot(rt: Runtime, person: Person, *, published: bool = True, **fields: object) -> BotRead:
    async with rt.db.tenant(person.principal) as session:
        bot = await bots.create(session, person.principal, BotCreate.model_validate({"name": "Helper", **fields}))
        if published:
            patch = BotPatch(status="published", allowed_origins=[SHOP])
            bot = await bots.change(session, person.principal, bot.id, patch, rt)
    return bot


async def add_text(
    rt: Runtime, person: Person, bot_id: UUID, text: str | bytes = HANDBOOK, filename: str = "handbook.md"
) -> SourceRead:
    """Upload a file and wait until it is ready or failed."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        upload = intake.Upload(filename=filename, path=path, size=path.stat().st_size)
        [source] = await intake.add_files(rt, person.principal, bot_id, [upload])
    return await settled(rt, person, source.id)


async def settled(rt: Runtime, person: Person, source_id: UUID, seconds: float = 240) -> SourceRead:
    async def ended() -> bool:
        async with rt.db.tenant_plain(person.principal) as sql:  # who waits takes time from what is waited for
            source = await sql.row("SELECT status FROM sources WHERE id = %(id)s", id=source_id)
        return source is None or source.status not in ACTIVE

    while True:
        await until(ended, seconds)
        async with rt.db.tenant(person.principal) as session:
            source = await sources.get(session, person.principal, source_id)
        if not source.active:  # else it is read again meanwhile
            return source


async def make_knowing_bot(rt: Runtime, person: Person, **fields: object) -> BotRead:
    """A published bot that has read the handbook."""
    bot = await make_bot(rt, person, **fields)
    source = await add_text(rt, person, bot.id)
    assert source.status == "ready", source
    return bot
