"""Every rule and query about bots."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.core.errors import ConflictError, ForbiddenError, NotFoundError, PreconditionFailedError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.origins import allows
from chatbot_saas.core.paging import Page, PageRequest, page_of
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.models import Bot, BotVersion, Conversation, Source, User
from chatbot_saas.schemas.bots import (
    BotCreate,
    BotListItem,
    BotPatch,
    BotRead,
    BotVersionRead,
)
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.services import audit, deletion, erasure, gate, published, runs, window_words
from chatbot_saas.services.proof import Target
from chatbot_saas.services.runtime import Runtime

VERSIONED = (
    "name",
    "description",
    "instructions",
    "model",
    "temperature",
    "top_p",
    "max_tokens",
    "welcome_message",
    "starter_questions",
    "color",
    "icon",
    "avatar",
    "fallback_text",
    "language",
    "qa_threshold",
    "answer_mode",
    "fallback_model",
    "passage_limit",
    "passage_tokens",
    "vector_weight",
    "rerank",
    "chunk_tokens",
    "link_hosts",
    "allow_tools",
    "widget",
    "hold_changes",
    "allowed_origins",
    "allow_localhost",
    "identity_required",
    "page_context",
    "launcher",
)


READ_AGAIN = frozenset({"language", "chunk_tokens"})
"""Settings by which texts are cut and their words are searched: a change reads every source again."""


class BotPausedError(ForbiddenError):
    """This bot is paused by its owner."""

    code = "bot_paused"


class OriginNotAllowedError(ForbiddenError):
    """This website is not on the bot's list of allowed websites. Add its address in the bot's settings."""

    code = "origin_not_allowed"


async def create(
    session: AsyncSession, principal: Tenant, request: BotCreate, *, bot_id: UUID | None = None
) -> BotRead:
    """`bot_id`: of a bot that must not be made twice; the caller has looked whether it is there."""
    principal.require(Scope.BOTS_WRITE)
    if principal.bot_ids is not None:
        raise ForbiddenError("A key that is bound to bots cannot make another.")
    window_words.require_whole(request.widget.texts)
    values: dict[str, Any] = request.model_dump() | {"widget": request.widget.stored()}
    bot = Bot(id=bot_id or new_id(), tenant_id=principal.tenant_id, **values)
    session.add(bot)
    await session.flush()
    _add_version(session, principal, bot, "created")
    audit.record(session, principal, "bot.create", bot.id, name=bot.name)
    return await _read(session, bot)


async def get(session: AsyncSession, principal: Tenant, bot_id: UUID) -> BotRead:
    principal.require(Scope.BOTS_READ)
    return BotRead.model_validate(await load(session, principal, bot_id))


async def load(
    session: AsyncSession, principal: Tenant, bot_id: UUID, *, lock: bool = False, going: bool = False
) -> Bot:
    """The row, or NotFoundError: for another tenant's bot as for one that never was.

    `lock`: it is to be changed; rows that point to it can be added meanwhile. `going`: it is to be deleted. A deletion
    must not begin with the weaker lock: who has added such rows may wait for that one (see services.knowledge), and the
    deletion for those rows.
    """
    principal.require_bot(bot_id)
    how: Any = True if going else {"key_share": True} if lock else None
    bot = await session.get(Bot, bot_id, with_for_update=how)
    if bot is None:
        raise NotFoundError("There is no such bot.")
    return bot


async def list_page(
    session: AsyncSession, principal: Tenant, page: PageRequest, *, search: str = "", status: str = ""
) -> Page[BotListItem]:
    principal.require(Scope.BOTS_READ)
    sources = select(func.count()).where(col(Source.bot_id) == col(Bot.id)).correlate(Bot).scalar_subquery()
    talks = (
        select(func.count())
        .where(col(Conversation.bot_id) == col(Bot.id), col(Conversation.channel) != "playground")
        .correlate(Bot)
        .scalar_subquery()
    )
    query = select(Bot, sources, talks).order_by(col(Bot.id).desc()).limit(page.limit + 1)
    if page.after:
        query = query.where(col(Bot.id) < page.after)
    if principal.bot_ids is not None:
        query = query.where(col(Bot.id).in_(principal.bot_ids))
    if search:
        pattern = f"%{escape_like(search)}%"
        query = query.where(col(Bot.name).ilike(pattern) | col(Bot.description).ilike(pattern))
    if status:
        query = query.where(col(Bot.status) == status)
    rows = (await session.execute(query)).all()
    items = [
        BotListItem(
            **{name: getattr(bot, name) for name in BotListItem.model_fields if not name.endswith("_count")},
            source_count=source_count,
            conversation_count=conversation_count,
        )
        for bot, source_count, conversation_count in rows
    ]
    return page_of(items, [item.id for item in items], page.limit)


def escape_like(value: str) -> str:
    """A person's text as a literal part of a LIKE pattern."""
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("\x00", "")


async def change(
    session: AsyncSession,
    principal: Tenant,
    bot_id: UUID,
    request: BotPatch,
    rt: Runtime,
    *,
    expected_version: int | None = None,
) -> BotRead:
    """Change the fields that were sent. `expected_version`: refuse if someone else changed the bot meanwhile.

    Raises what services.gate raises where that publishes: with the status, or where held changes are let go.
    """
    principal.require(Scope.BOTS_WRITE)
    bot = await load(session, principal, bot_id, lock=True)
    require_version(bot, expected_version)
    values: dict[str, Any] = {name: getattr(request, name) for name in request.model_fields_set}
    override = values.pop("override_tests", False)
    key = values.pop("model_key", None)
    if "launcher" in values:
        values["launcher"] = request.launcher.model_dump()
    if "widget" in values:
        window_words.require_whole(request.widget.texts)
        values["widget"] = request.widget.merged(bot.widget).stored()
    changed = [name for name, value in values.items() if getattr(bot, name) != value]
    for name in changed:
        setattr(bot, name, values[name])
    if key is not None:
        bot.model_key = rt.secrets.seal(principal.tenant_id, key) if key else None
        bot.model_key_last4, bot.model_error = key[-4:], ""
        changed.append("model_key")
    if changed:
        goes_out = await _publishes(session, principal, bot, changed, override=override)
        bot.version += 1
        _add_version(session, principal, bot, ", ".join(sorted(changed)))
        details = take_out(bot) if goes_out else {}
        action = {"published": "bot.publish", "paused": "bot.pause"}.get(bot.status, "bot.change")
        action = action if "status" in changed else "bot.change"
        audit.record(session, principal, action, bot.id, changed=changed, **details)
    await _read_again(session, rt, bot, changed)
    return await _read(session, bot)


async def _read_again(session: AsyncSession, rt: Runtime, bot: Bot, changed: Sequence[str]) -> None:
    """By a job: whoever holds a bot must not wait for its sources, since their runs end with the bot."""
    if not READ_AGAIN.isdisjoint(changed):
        await runs.enqueue_all_again(session, rt, bot)


async def _publishes(
    session: AsyncSession, principal: Tenant, bot: Bot, changed: Sequence[str], *, override: bool
) -> bool:
    """Whether visitors get the change at once, or nothing is held back. What goes out by it must pass the gate."""
    if bot.status != "published":
        return False
    if "status" in changed or ("hold_changes" in changed and not bot.hold_changes):
        await gate.require(session, principal, bot, settings_of(bot), override=override)
        return True
    if not bot.hold_changes:
        return True
    live = await published.settings_of(session, bot.id, bot.published_version)
    return live is not None and not published.differences(settings_of(bot), live)


def take_out(bot: Bot) -> dict[str, Any]:
    """Give visitors the present version. Returns what an entry of the audit says about it."""
    bot.published_version = bot.version
    return {"published": bot.version}


def settings_of(bot: Bot) -> dict[str, Any]:
    """The settings as a version keeps them."""
    return {name: getattr(bot, name) for name in VERSIONED}


async def versions(
    session: AsyncSession, principal: Tenant, bot_id: UUID, *, limit: int = 50
) -> Sequence[BotVersionRead]:
    principal.require(Scope.BOTS_READ)
    await load(session, principal, bot_id)
    query = (
        select(BotVersion, col(User.email))
        .outerjoin(User, col(User.id) == col(BotVersion.user_id))
        .where(col(BotVersion.bot_id) == bot_id)
        .order_by(col(BotVersion.version).desc())
        .limit(limit)
    )
    return [
        BotVersionRead(
            version=row.version,
            summary=row.summary,
            settings=row.settings,
            created_at=row.created_at,
            author=email or "",
        )
        for row, email in (await session.execute(query)).all()
    ]


def require_version(bot: Bot, expected: int | None) -> None:
    if expected is not None and expected != bot.version:
        raise PreconditionFailedError(current_version=bot.version)


async def roll_back(
    session: AsyncSession,
    principal: Tenant,
    bot_id: UUID,
    version: int,
    rt: Runtime,
    *,
    expected_version: int | None = None,
    expected_published: int | None = None,
    held: bool = False,
) -> BotRead:
    """Take the settings of an earlier version. That is a change too, so it makes a new version.

    Of a published bot visitors get it at once, held changes or not: whoever rolls back wants that now. Unless `held`:
    then it waits, as a change does.
    """
    principal.require(Scope.BOTS_WRITE)
    bot = await load(session, principal, bot_id, lock=True)
    require_version(bot, expected_version)
    if expected_published not in (None, bot.published_version):
        raise PreconditionFailedError(published_version=bot.published_version)
    query = select(BotVersion).where(col(BotVersion.bot_id) == bot_id, col(BotVersion.version) == version)
    old = (await session.execute(query)).scalar_one_or_none()
    if old is None:
        raise NotFoundError("There is no such version of this bot.")
    if version == bot.version:
        raise ConflictError("This is the present version already.")
    # held or not stays as it is: else the next change would go out by surprise
    taken = {name: old.settings[name] for name in VERSIONED if name in old.settings and name != "hold_changes"}
    changed = [name for name, value in taken.items() if getattr(bot, name) != value]
    for name in changed:
        setattr(bot, name, taken[name])
    bot.version += 1
    _add_version(session, principal, bot, f"rolled back to version {version}")
    details = take_out(bot) if bot.status == "published" and not held else {}
    audit.record(session, principal, "bot.roll_back", bot.id, version=version, **details)
    await _read_again(session, rt, bot, changed)
    return await _read(session, bot)


async def delete(rt: Runtime, principal: Tenant, bot_id: UUID, *, expected_version: int | None = None) -> Receipt:
    """Delete the bot and all that hangs on it. Takes the runtime: see services.erasure."""
    principal.require(Scope.BOTS_WRITE)

    async def read(session: AsyncSession, lock: bool) -> Target:
        bot = await load(session, principal, bot_id, going=lock)
        require_version(bot, expected_version)
        return Target(
            kind="bot",
            id=bot.id,
            title=bot.name,
            tenant_id=bot.tenant_id,
            bot_ids=(bot.id,),
            chunk_ids=None,
            blob_prefix=deletion.blob_prefix(bot.tenant_id, bot.id),
        )

    async def drop(session: AsyncSession, target: Target) -> int:
        await session.delete(await session.get_one(Bot, target.id))
        await session.flush()
        return 0

    return await erasure.erase(rt, principal, read, drop)


async def public_tenant(session: AsyncSession, bot_id: UUID) -> UUID:
    """Whose bot this is, for a visitor: before any tenant is known. Suspended tenants' bots answer as missing ones."""
    found = (
        await session.execute(text("SELECT tenant_id, tenant_status FROM public_bot(:id)"), {"id": bot_id})
    ).one_or_none()
    if found is None or found.tenant_status != "active":
        raise NotFoundError("There is no such bot.")
    return found.tenant_id


def require_public(bot: Bot | None) -> Bot:
    """The bot, if visitors may talk to it."""
    if bot is None or bot.status == "draft":
        raise NotFoundError("There is no such bot, or it is not published yet.")
    if bot.status == "paused":
        raise BotPausedError
    return bot


class HasOrigins(Protocol):
    """A bot, or what is kept of it."""

    @property
    def allowed_origins(self) -> list[str]: ...
    @property
    def allow_localhost(self) -> bool: ...


def require_origin(bot: HasOrigins, origin: str, own_origins: frozenset[str]) -> None:
    if origin not in own_origins and not allows(bot.allowed_origins, origin, local=bot.allow_localhost):
        raise OriginNotAllowedError(
            f"{origin or 'This website'} is not on the bot's list of allowed websites. "
            "Add this address in the bot's settings."
        )


async def _read(session: AsyncSession, bot: Bot) -> BotRead:
    await session.flush()
    await session.refresh(bot, ["created_at", "updated_at"])
    return BotRead.model_validate(bot)


def _add_version(session: AsyncSession, principal: Tenant, bot: Bot, summary: str) -> None:
    session.add(
        BotVersion(
            tenant_id=bot.tenant_id,
            bot_id=bot.id,
            version=bot.version,
            settings=settings_of(bot),
            summary=summary[:300],
            user_id=principal.user_id,
        )
    )
