"""Publishing what was held back: what visitors get, what waits for them, and the step from one to the other."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.models import AuditEntry, Bot, BotVersion
from chatbot_saas.schemas.bot_tests import PublicationRead, RolledBack
from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.services import audit, bots, gate, published
from chatbot_saas.services.runtime import Runtime

_LOOKED_BACK = 20


async def state(session: AsyncSession, principal: Tenant, bot_id: UUID) -> PublicationRead:
    principal.require(Scope.BOTS_READ)
    return await _state(session, await bots.load(session, principal, bot_id))


async def publish(
    session: AsyncSession,
    principal: Tenant,
    bot_id: UUID,
    rt: Runtime,
    *,
    expected_version: int | None = None,
    override: bool = False,
) -> PublicationRead:
    """Give visitors the present settings.

    Raises a gate.HeldBackError unless `override`, which is recorded with the tests' ids.
    """
    principal.require(Scope.BOTS_WRITE)
    bot = await bots.load(session, principal, bot_id, lock=True)
    bots.require_version(bot, expected_version)
    if bot.status != "published":
        patch = BotPatch(status="published", override_tests=override)
        await bots.change(session, principal, bot_id, patch, rt)
    elif await _pending(session, bot):
        await gate.require(session, principal, bot, bots.settings_of(bot), override=override)
        audit.record(session, principal, "bot.publish", bot.id, **bots.take_out(bot))
    await session.flush()
    return await _state(session, bot)


async def undo(session: AsyncSession, principal: Tenant, bot_id: UUID, rt: Runtime, done: RolledBack) -> BotRead:
    """Take a roll back back: what was published is published again, and what waited waits again.

    Raises a PreconditionFailedError if the bot was changed since.
    """
    version = done.published_before if done.live else done.version_before
    bot = await bots.roll_back(session, principal, bot_id, version, rt, expected_version=done.version)
    if version != done.version_before:
        bot = await bots.roll_back(session, principal, bot_id, done.version_before, rt, held=True)
    return bot


async def _pending(session: AsyncSession, bot: Bot) -> list[str]:
    """Settings in which the bot differs from what visitors get; all of them while nothing was published."""
    live = await published.settings_of(session, bot.id, bot.published_version)
    return published.differences(bots.settings_of(bot), live) if live is not None else []


async def _state(session: AsyncSession, bot: Bot) -> PublicationRead:
    seen = await gate.look(session, bot, bots.settings_of(bot))
    return PublicationRead(
        bot_id=bot.id,
        status=bot.status,
        version=bot.version,
        published_version=bot.published_version,
        hold_changes=bot.hold_changes,
        pending=await _pending(session, bot),
        previous_version=await _previous(session, bot),
        tests=seen.tests,
        verdict=seen.verdict,
        regressed=seen.regressed,
        unasked=seen.unasked,
        failed=seen.failed,
        run_id=seen.run_id,
    )


async def _previous(session: AsyncSession, bot: Bot) -> int | None:
    """The version that was published last with other settings than those that visitors get now."""
    details: Any = AuditEntry.details
    mine = col(AuditEntry.target_id) == bot.id, col(AuditEntry.tenant_id) == bot.tenant_id, details.has_key("published")
    query = select(details["published"].as_integer()).where(*mine).order_by(col(AuditEntry.created_at).desc())
    numbers = list((await session.scalars(query.limit(_LOOKED_BACK))).all())
    wanted = col(BotVersion.bot_id) == bot.id, col(BotVersion.version).in_([*numbers, bot.published_version])
    rows = (await session.execute(select(col(BotVersion.version), col(BotVersion.settings)).where(*wanted))).all()
    settings = {row.version: row.settings for row in rows}
    live = settings.get(bot.published_version)
    if live is None:
        return None
    return next(
        (number for number in numbers if number in settings and published.differences(settings[number], live)), None
    )
