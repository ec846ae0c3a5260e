"""What visitors get of a bot: its own settings, or those of the version that was published last."""

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.models import Bot, BotVersion
from chatbot_saas.schemas.bots import PICTURES

AT_ONCE = frozenset({"allowed_origins", "allow_localhost", "identity_required", "hold_changes"})
"""Versioned settings that are never held back, as the status and the model key are not: they shut doors."""
LOOKS = frozenset(
    {"description", "welcome_message", "starter_questions", "color", *PICTURES, "widget", "launcher", "page_context"}
)
"""Settings that no answer depends on."""
LIVE_SETTINGS = """
    (SELECT v.settings FROM bot_versions v
     WHERE b.hold_changes AND v.bot_id = b.id AND v.version = b.published_version)
    """
"""For plain SQL: an expression beside the columns of `bots b`, which `live_settings` takes."""


class Publishable(Protocol):
    """A row of `bots`, or some of its columns."""

    @property
    def hold_changes(self) -> bool: ...
    @property
    def published_version(self) -> int: ...


def live_settings(bot: Publishable, version: Mapping[str, Any] | None) -> dict[str, Any]:
    """The settings that visitors get instead of the row's own, by name; empty when they get the row's.

    `version`: the settings of the bot's `published_version`.
    """
    if not bot.hold_changes or not bot.published_version or version is None:
        return {}
    return {name: value for name, value in version.items() if name not in AT_ONCE}


async def settings_of(session: AsyncSession, bot_id: Any, version: int) -> dict[str, Any] | None:
    """The settings as they were after that change."""
    query = select(col(BotVersion.settings)).where(col(BotVersion.bot_id) == bot_id, col(BotVersion.version) == version)
    return await session.scalar(query)


async def as_visitors_get_it(session: AsyncSession, bot: Bot) -> Bot:
    """The bot with the settings that visitors get: the row itself, or a copy that belongs to no session."""
    if not bot.hold_changes or not bot.published_version:
        return bot
    return with_settings(bot, live_settings(bot, await settings_of(session, bot.id, bot.published_version)))


def with_settings(bot: Bot, settings: Mapping[str, Any]) -> Bot:
    """A copy of the row with other settings, for reading only."""
    return Bot(**{**bot.model_dump(), **{name: value for name, value in settings.items() if hasattr(bot, name)}})


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Names of the settings, of those that both have, that differ and can be held back."""
    return sorted(name for name in one.keys() & other.keys() if name not in AT_ONCE and one[name] != other[name])


def answer_alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both versions answer every question the same way, as far as settings go."""
    return not [name for name in differences(one, other) if name not in LOOKS]
