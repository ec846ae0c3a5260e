"""What visitors leave, taken by the widget and read by owners: messages, wishes to talk to a person, ratings.

Personal data: never logged.
"""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.core.errors import InvalidError, NotFoundError
from chatbot_saas.core.paging import MAX_LIMIT, Page, PageRequest, page_of
from chatbot_saas.core.tenancy import Scope, Tenant, Visitor
from chatbot_saas.models import Bot, Conversation, Lead, Message
from chatbot_saas.schemas.chat import EndRequest
from chatbot_saas.schemas.leads import Contact, HandoffRead, HandoffRequest, LeadCapture, LeadCaptured, LeadRead
from chatbot_saas.schemas.widget import WidgetSettings
from chatbot_saas.services import audit, bots, conversations, csv_files, lead_mails, published
from chatbot_saas.services.bots import escape_like
from chatbot_saas.services.runtime import Runtime

_CONTENT = ("name", "email", "phone", "company", "message")
_COLUMNS = ("when", "bot", "name", "email", "phone", "message", "conversation", "kind", "company", "rating")


async def capture(rt: Runtime, visitor: Visitor, request: LeadCapture) -> LeadCaptured:
    """Keep what the visitor left. The same twice in a conversation is kept once, also when both arrive at once."""
    async with rt.db.tenant(visitor) as session:
        conversation, bot = await conversations.own_and_bot(rt, visitor, session, lock=True)
        settings = await _settings(session, bot)
        _require_fields(settings, request)
        given = _given(request)
        if not given["message"]:
            given["message"] = await _last_question(session, conversation.id, needed="start" not in settings.lead.when)
        lead = await _once(rt, session, bot, conversation, "message", given)
    return LeadCaptured(id=lead.id)


async def hand_off(rt: Runtime, visitor: Visitor, request: HandoffRequest) -> HandoffRead:
    """The visitor wants to talk to a person: the conversation says so, and the owner learns how to reach them."""
    async with rt.db.tenant(visitor) as session:
        conversation, bot = await conversations.own_and_bot(rt, visitor, session, lock=True)
        settings = await _settings(session, bot)
        if not settings.handoff.enabled:
            raise NotFoundError("Nobody can be asked for here.")
        given = _given(request)
        if not (given["email"] or given["phone"]):
            given |= await _known_contact(session, conversation.id)
        given["message"] = given["message"] or await _last_question(session, conversation.id, needed=False)
        conversation.handoff_requested_at = conversation.handoff_requested_at or datetime.now(UTC)
        lead = await _once(rt, session, bot, conversation, "person", given)
    return HandoffRead(id=lead.id, available=False, note=settings.handoff.note)


async def end(rt: Runtime, visitor: Visitor, request: EndRequest) -> None:
    """The visitor leaves the conversation, and perhaps says how it was; a later rating replaces an earlier one."""
    async with rt.db.tenant(visitor) as session:
        conversation, bot = await conversations.own_and_bot(rt, visitor, session, lock=True)
        conversation.status = "ended"
        if request.rating is None:
            return
        query = select(Lead).where(col(Lead.conversation_id) == conversation.id, col(Lead.kind) == "rating")
        lead = await session.scalar(query.limit(1))
        if lead is None:
            lead = _new(conversation, "rating", {"message": request.comment.strip()}, rating=request.rating)
            session.add(lead)
            await lead_mails.announce(session, rt, bot, lead)
        else:
            lead.rating, lead.message = request.rating, request.comment.strip()


async def _settings(session: AsyncSession, bot: Bot) -> WidgetSettings:
    return WidgetSettings.of((await published.as_visitors_get_it(session, bot)).widget)


def _require_fields(settings: WidgetSettings, request: Contact) -> None:
    """What the owner's own form demands. Without one an address or a number is enough, whichever it is."""
    if "lead" not in settings.stored():
        return
    for name, use in settings.lead.fields.model_dump().items():
        # an empty message stands for the last question
        if use == "required" and name != "message" and not getattr(request, name):
            raise InvalidError("This has to be filled in.", field=name)


def _given(request: Contact) -> dict[str, Any]:
    return {name: getattr(request, name) or "" for name in _CONTENT}


async def _known_contact(session: AsyncSession, conversation_id: UUID) -> dict[str, Any]:
    """Who the visitor said to be before, in this conversation."""
    reachable = or_(col(Lead.email) != "", col(Lead.phone) != "")
    query = select(Lead).where(col(Lead.conversation_id) == conversation_id, reachable).order_by(col(Lead.id).desc())
    known = await session.scalar(query.limit(1))
    if known is None:
        raise InvalidError("Give an e-mail address or a phone number, so that somebody can answer.", field="email")
    return {name: getattr(known, name) for name in _CONTENT if name != "message"}


async def _once(
    rt: Runtime, session: AsyncSession, bot: Bot, conversation: Conversation, kind: str, given: dict[str, Any]
) -> Lead:
    """The same of before, or a new one that the owner is told of. The conversation is locked."""
    same = [col(getattr(Lead, name)) == value for name, value in given.items()]
    query = select(Lead).where(col(Lead.conversation_id) == conversation.id, col(Lead.kind) == kind, *same)
    if (known := await session.scalar(query.limit(1))) is not None:
        return known
    lead = _new(conversation, kind, given)
    session.add(lead)
    await lead_mails.announce(session, rt, bot, lead)
    return lead


def _new(conversation: Conversation, kind: str, given: dict[str, Any], *, rating: int | None = None) -> Lead:
    return Lead(
        tenant_id=conversation.tenant_id,
        bot_id=conversation.bot_id,
        conversation_id=conversation.id,
        kind=kind,
        rating=rating,
        **given,
    )


async def _last_question(session: AsyncSession, conversation_id: UUID, *, needed: bool = True) -> str:
    query = (
        select(col(Message.text))
        .where(col(Message.conversation_id) == conversation_id, col(Message.role) == "user")
        .order_by(col(Message.id).desc())
        .limit(1)
    )
    found = await session.scalar(query)
    if not found and needed:
        raise InvalidError("Write a message: nothing was asked yet that could stand for it.")
    return found or ""


async def list_page(
    session: AsyncSession,
    principal: Tenant,
    page: PageRequest,
    *,
    bot_id: UUID | None = None,
    conversation_id: UUID | None = None,
    kind: str = "",
    search: str = "",
) -> Page[LeadRead]:
    """Newest first. `search`: a part of the name, the contact or the message."""
    principal.require(Scope.LEADS_READ)
    query = _leads(principal).order_by(col(Lead.id).desc()).limit(page.limit + 1)
    if page.after:
        query = query.where(col(Lead.id) < page.after)
    if bot_id is not None:
        await bots.load(session, principal, bot_id)
        query = query.where(col(Lead.bot_id) == bot_id)
    if conversation_id is not None:
        query = query.where(col(Lead.conversation_id) == conversation_id)
    if kind:
        query = query.where(col(Lead.kind) == kind)
    if search:
        words = f"%{escape_like(search)}%"
        query = query.where(or_(*(col(getattr(Lead, name)).ilike(words) for name in _CONTENT)))
    rows = (await session.execute(query)).all()
    return page_of([_read(row, name) for row, name in rows], [row.id for row, _ in rows], page.limit)


async def get(session: AsyncSession, principal: Tenant, lead_id: UUID) -> LeadRead:
    principal.require(Scope.LEADS_READ)
    found = (await session.execute(_leads(principal).where(col(Lead.id) == lead_id))).one_or_none()
    if found is None:
        raise NotFoundError("There is no such message.")
    return _read(*found)


async def delete(session: AsyncSession, principal: Tenant, lead_id: UUID) -> None:
    principal.require(Scope.LEADS_WRITE)
    lead = await session.get(Lead, lead_id, with_for_update=True)
    if lead is None or (principal.bot_ids is not None and lead.bot_id not in principal.bot_ids):
        raise NotFoundError("There is no such message.")
    # not who left it nor what it said: the entry stays
    title = f"Left on {lead.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    audit.record(session, principal, "lead.delete", lead.id, title=title)
    await session.delete(lead)


async def export(
    rt: Runtime, principal: Tenant, *, bot_id: UUID | None = None, kind: str = "", search: str = ""
) -> AsyncGenerator[bytes]:
    """All that `list_page` would show, as a CSV file in parts. Takes the runtime: no session is held while it is sent.

    Nothing is sent before the first page was read, so that a refusal is one.
    """
    head, cursor = csv_files.BOM.encode() + csv_files.write([_COLUMNS]), ""
    while True:
        async with rt.db.tenant(principal) as session:
            request = PageRequest(limit=MAX_LIMIT, cursor=cursor)
            page = await list_page(session, principal, request, bot_id=bot_id, kind=kind, search=search)
        yield head + csv_files.write(_line(item) for item in page.items)
        head, cursor = b"", page.next_cursor or ""
        if not cursor:
            return


def _line(item: LeadRead) -> list[str]:
    when = item.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = (item.name, item.email, item.phone, item.message, str(item.conversation_id), item.kind, item.company)
    return [when, item.bot_name, *told, "" if item.rating is None else str(item.rating)]


def _leads(principal: Tenant) -> Select[Lead, str]:
    """Those of the bots that the principal reaches, with the bot's name."""
    query = select(Lead, col(Bot.name)).join(Bot, col(Bot.id) == col(Lead.bot_id))
    return query if principal.bot_ids is None else query.where(col(Lead.bot_id).in_(principal.bot_ids))


def _read(row: Lead, bot_name: str) -> LeadRead:
    names = set(LeadRead.model_fields) - {"bot_name"}
    return LeadRead(bot_name=bot_name, **{name: getattr(row, name) for name in names})
