"""Makes the demo tenant, once, when the database holds no tenant yet."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from chatbot_saas.core.settings import kept_secret
from chatbot_saas.core.tenancy import Role, System, tenant_for_role
from chatbot_saas.models import Bot, Membership, TenantRow, User
from chatbot_saas.schemas.bots import BotCreate, BotPatch
from chatbot_saas.schemas.tenants import TenantCreate
from chatbot_saas.services import bots, intake, tenants
from chatbot_saas.services.runtime import Runtime

EMAIL = "demo@example.com"
HANDBOOK = Path(__file__).with_name("handbook.md")


@dataclass(frozen=True, slots=True)
class Demo:
    email: str
    password: str
    bot_id: UUID


async def ensure_demo(rt: Runtime) -> Demo | None:
    """The demo's login and bot; None where the demo was deleted or never made. Safe to run at every start."""
    password = kept_secret(rt.settings.data_dir / "secrets" / "demo_password")[:16]
    system = System("seed")
    async with rt.db.platform(system) as session:
        empty = await session.scalar(select(col(TenantRow.id)).limit(1)) is None
    if empty:
        request = TenantCreate(name="Fern & Oak (demo)", owner_email=EMAIL, owner_password=password)
        await tenants.create(rt, system, request)
    async with rt.db.platform(system) as session:
        owner = (
            await session.execute(
                select(col(Membership.tenant_id), col(User.id))
                .join(User, col(User.id) == col(Membership.user_id))
                .where(col(User.email) == EMAIL)
            )
        ).first()
        found = None
        if owner:
            query = select(col(Bot.id)).where(col(Bot.tenant_id) == owner[0]).order_by(col(Bot.id)).limit(1)
            found = await session.scalar(query)
    if owner is None:
        return None
    if found is None and not empty:
        return None  # its owner deleted the bot: it stays deleted
    return Demo(EMAIL, password, found or await _make_bot(rt, owner[0], owner[1]))


async def _make_bot(rt: Runtime, tenant_id: UUID, user_id: UUID) -> UUID:
    principal = tenant_for_role(tenant_id, user_id, Role.OWNER)
    async with rt.db.tenant(principal) as session:
        bot = await bots.create(
            session,
            principal,
            BotCreate(
                name="Fern & Oak",
                description="Answers customers' questions from the shop's handbook.",
                welcome_message="Hello! Ask me about delivery, returns or the care of your plants.",
                color="#2f6b46",
                language="en",
            ),
        )
        await bots.change(session, principal, bot.id, BotPatch(status="published"), rt)
    upload = intake.Upload(filename="handbook.md", path=HANDBOOK, size=HANDBOOK.stat().st_size)
    await intake.add_files(rt, principal, bot.id, [upload])
    return bot.id
