"""What visitors leave to be answered by a person: taken by the widget, read by owners. Personal data: never logged."""

from collections.abc import AsyncGenerator
from datetime import UTC
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.core.errors import InvalidError, NotFoundError
from chatbot_saas.core.paging import MAX_LIMIT, Page, PageRequest, page_of
from chatbot_saas.core.tenancy import Scope, Tenant, Visitor
from chatbot_saas.models import Bot, Lead, Message
from chatbot_saas.schemas.leads import LeadCapture, LeadCaptured, LeadRead
from chatbot_saas.services import audit, bots, conversations, csv_files
from chatbot_saas.services.bots import escape_like
from chatbot_saas.services.runtime import Runtime

_CONTENT = ("name", "email", "phone", "message")
_COLUMNS = ("when", "bot", *_CONTENT, "conversation")


async def capture(rt: Runtime, visitor: Visitor, request: LeadCapture) -> LeadCaptured:
    """Keep what the visitor left. The same twice in a conversation is kept once, also when both arrive at once."""
    async with rt.db.tenant(visitor) as session:
        conversation = await conversations.own(rt, visitor, session, lock=True)
        given: dict[str, Any] = {name: getattr(request, name) or "" for name in _CONTENT}
        given["message"] = given["message"] or await _last_question(session, conversation.id)
        same = [col(getattr(Lead, name)) == value for name, value in given.items()]
        query = select(col(Lead.id)).where(col(Lead.conversation_id) == conversation.id, *same)
        if (known := await session.scalar(query.limit(1))) is not None:
            return LeadCaptured(id=known)
        lead = Lead(
            tenant_id=conversation.tenant_id, bot_id=conversation.bot_id, conversation_id=conversation.id, **given
        )
        session.add(lead)
    return LeadCaptured(id=lead.id)


async def _last_question(session: AsyncSession, conversation_id: UUID) -> str:
    query = (
        select(col(Message.text))
        .where(col(Message.conversation_id) == conversation_id, col(Message.role) == "user")
        .order_by(col(Message.id).desc())
        .limit(1)
    )
    found = await session.scalar(query)
    if not found:
        raise InvalidError("Write a message: nothing was asked yet that could stand for it.")
    return found


async def list_page(
    session: AsyncSession,
    principal: Tenant,
    page: PageRequest,
    *,
    bot_id: UUID | None = None,
    conversation_id: UUID | None = None,
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
    rt: Runtime, principal: Tenant, *, bot_id: UUID | None = None, search: str = ""
) -> AsyncGenerator[bytes]:
    """All that `list_page` would show, as a CSV file in parts. Takes the runtime: no session is held while it is sent.

    Nothing is sent before the first page was read, so that a refusal is one.
    """
    head, cursor = csv_files.BOM.encode() + csv_files.write([_COLUMNS]), ""
    while True:
        async with rt.db.tenant(principal) as session:
            request = PageRequest(limit=MAX_LIMIT, cursor=cursor)
            page = await list_page(session, principal, request, bot_id=bot_id, search=search)
        yield head + csv_files.write(_line(item) for item in page.items)
        head, cursor = b"", page.next_cursor or ""
        if not cursor:
            return


def _line(item: LeadRead) -> list[str]:
    when = item.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [when, item.bot_name, *(getattr(item, name) for name in _CONTENT), str(item.conversation_id)]


def _leads(principal: Tenant) -> Select[Lead, str]:
    """Those of the bots that the principal reaches, with the bot's name."""
    query = select(Lead, col(Bot.name)).join(Bot, col(Bot.id) == col(Lead.bot_id))
    return query if principal.bot_ids is None else query.where(col(Lead.bot_id).in_(principal.bot_ids))


def _read(row: Lead, bot_name: str) -> LeadRead:
    names = set(LeadRead.model_fields) - {"bot_name"}
    return LeadRead(bot_name=bot_name, **{name: getattr(row, name) for name in names})
