"""The widget's configuration, kept for an hour and given only while it is so: see docs/decisions/0015.

Every visit of a customer's website asks for it. What is kept is checked against the versions in the bot's row, one
look-up by the primary key, so a change, a pause or a suspension counts at once in every process.
"""

import hashlib
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from chatbot_saas.core.colours import text_on
from chatbot_saas.core.tenancy import tenant_for_job
from chatbot_saas.models import Bot
from chatbot_saas.schemas.base import Read
from chatbot_saas.schemas.bots import BotPatch, PublicBotConfig
from chatbot_saas.schemas.launcher import Launcher
from chatbot_saas.schemas.widget import INTERFACE_LANGUAGES, PublicFrameSettings, WidgetSettings
from chatbot_saas.services import bots, conversations, deletion, published, window_words
from chatbot_saas.services.runtime import Runtime

SECONDS = 60 * 60.0
_STATE = """
    SELECT b.version, b.published_version, b.status, t.status AS tenant_status
    FROM bots b JOIN tenants t ON t.id = b.tenant_id WHERE b.id = %(id)s
    """


class _Kept(Read):
    tenant_id: UUID
    """Of whom the bot is, which never changes."""
    version: int
    published_version: int
    allowed_origins: list[str]
    allow_localhost: bool
    config: PublicBotConfig
    frame: PublicFrameSettings


async def public(rt: Runtime, bot_id: UUID, origin: str) -> PublicBotConfig:
    """For a visitor on the website `origin`; empty where the browser names none.

    Raises NotFoundError, BotPausedError and OriginNotAllowedError. Takes the runtime: no session is held while the
    cache is asked.
    """
    kept = await _kept(rt, bot_id)
    if origin:
        bots.require_origin(kept, origin, rt.settings.own_origins)
    return kept.config


async def frame(rt: Runtime, bot_id: UUID) -> PublicFrameSettings:
    """What the window asks for once it is open. Raises NotFoundError and BotPausedError."""
    return (await _kept(rt, bot_id)).frame


async def _kept(rt: Runtime, bot_id: UUID) -> _Kept:
    kept = await _still_so(rt, bot_id)
    if kept is None:
        kept = _of(await conversations.public_bot(rt, bot_id))
        await rt.cache.set(deletion.config_key(bot_id), kept.model_dump_json().encode(), SECONDS)
    return kept


def _of(bot: Bot) -> _Kept:
    return _Kept(
        tenant_id=bot.tenant_id,
        version=bot.version,
        published_version=bot.published_version,
        allowed_origins=bot.allowed_origins,
        allow_localhost=bot.allow_localhost,
        config=appearance(bot),
        frame=PublicFrameSettings.of(WidgetSettings.of(bot.widget)),
    )


async def _still_so(rt: Runtime, bot_id: UUID) -> _Kept | None:
    """What is kept, if the bot is published, its tenant active, and its settings the same."""
    found = await rt.cache.get(deletion.config_key(bot_id))
    if found is None:
        return None
    try:
        kept = _Kept.model_validate_json(found)
    except ValidationError:  # another version of this program has written it
        return None
    if kept.config.id != bot_id:
        return None
    async with rt.db.tenant_plain(tenant_for_job(kept.tenant_id)) as sql:
        now = await sql.row(_STATE, id=bot_id)
    if now is None or (now.status, now.tenant_status) != ("published", "active"):
        return None
    same = (now.version, now.published_version) == (kept.version, kept.published_version)
    return kept if same else None


def appearance(bot: Bot) -> PublicBotConfig:
    widget = WidgetSettings.of(bot.widget)
    return PublicBotConfig(
        id=bot.id,
        name=bot.name,
        welcome_message=bot.welcome_message,
        starter_questions=bot.starter_questions,
        language=widget.language or bot.language,
        theme={"color": bot.color, "on": text_on(bot.color), "mode": widget.mode, "position": "right"}
        | _shape(widget)
        | _pictures(bot),
        launcher=_launcher(bot, widget),
        page=bot.page_context,
        icon=_version(bot.icon),
        early=bool(widget.consent.text or "start" in widget.lead.when or widget.texts or widget.attachments),
    )


def drawn(bot_id: UUID, settings: BotPatch) -> tuple[PublicBotConfig, PublicFrameSettings]:
    """What a website and its chat window would get of these settings, for a preview of what is not saved."""
    values: dict[str, Any] = settings.model_dump() | {
        "widget": settings.widget.stored(),
        "launcher": settings.launcher.model_dump(),
    }
    bot = published.with_settings(Bot(id=bot_id, tenant_id=bot_id, name=""), values)
    return appearance(bot), PublicFrameSettings.of(settings.widget)


def _shape(widget: WidgetSettings) -> dict[str, str]:
    """Only what is not as it always was: every visit of a website loads it."""
    plain = WidgetSettings()
    radius = {"radius": f"{widget.radius}px"} if widget.radius != plain.radius else {}
    bubble = {"user": widget.bubble, "on_user": text_on(widget.bubble)} if widget.bubble else {}
    return radius | bubble | ({"font": widget.font} if widget.font != plain.font else {})


def _launcher(bot: Bot, widget: WidgetSettings) -> dict[str, Any]:
    """With its own words, of the window's: those are not there yet."""
    told = Launcher.model_validate(bot.launcher).public()
    language = widget.language or bot.language
    if not told.get("label") and (word := _word("launcher", widget, language)) != window_words.words("en")["launcher"]:
        told["word"] = word
    return told | ({"close": _word("close", widget, language)} if told.get("message") else {})


def _word(key: str, widget: WidgetSettings, language: str) -> str | dict[str, str]:
    """The owner's or ours; by language where that is the visitor's, without those that are as in English."""
    if own := widget.texts.get(key):
        return own
    if language in INTERFACE_LANGUAGES:
        return window_words.words(language)[key]
    ours = {known: window_words.words(known)[key] for known in INTERFACE_LANGUAGES}
    return {known: word for known, word in ours.items() if known == "en" or word != ours["en"]}


def _pictures(bot: Bot) -> dict[str, str]:
    shown = {"logo": ("icon", bot.icon), "face": ("avatar", bot.avatar)}
    return {name: f"{kind}/{bot.id}?v={_version(picture)}" for name, (kind, picture) in shown.items() if picture}


def _version(picture: str) -> str:
    """Another one for each picture."""
    return hashlib.sha256(picture.encode()).hexdigest()[:12] if picture else ""
