"""Conversations: started by visitors, read by owners."""

import re
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.core import security
from chatbot_saas.core.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.paging import Page, PageRequest, page_of
from chatbot_saas.core.tenancy import Scope, Tenant, Visitor, tenant_for_job
from chatbot_saas.models import Attachment, Bot, Conversation, Document, Message, TenantRow
from chatbot_saas.schemas.chat import (
    Citation,
    CitedPassage,
    ConversationListItem,
    ConversationRead,
    EarlierConversation,
    OwnerMessage,
    PublicTranscript,
    StartRead,
    StartRequest,
    TranscriptMessage,
)
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.schemas.widget import WidgetSettings
from chatbot_saas.services import attachments, bots, erasure, identity, published
from chatbot_saas.services.bots import escape_like
from chatbot_saas.services.proof import Target
from chatbot_saas.services.runtime import Runtime

MOST_EARLIER = 30
"""Earlier conversations that a visitor can go back to."""
AROUND = 300
"""Characters of a document that a visitor is shown on either side of a quote."""


class ConsentRequiredError(ForbiddenError):
    """The text that stands before this chat has to be accepted first."""

    code = "consent_required"


async def public_bot(rt: Runtime, bot_id: UUID) -> Bot:
    """A bot that visitors may see, with the settings that they get. The row is detached: for reading only."""
    async with rt.db.nobody() as session:
        tenant_id = await bots.public_tenant(session, bot_id)
    async with rt.db.tenant(tenant_for_job(tenant_id)) as session:
        bot = bots.require_public(await session.get(Bot, bot_id))
        return await published.as_visitors_get_it(session, bot)


async def start(rt: Runtime, bot_id: UUID, origin: str, request: StartRequest | None = None) -> StartRead:
    """A conversation for a visitor of the website `origin`, and the token that is bound to it.

    Whom the website has signed (see services.identity) goes on with what they left open, on any device. Raises
    ConsentRequiredError where the bot asks for a consent and the present text was not accepted.
    """
    request = request or StartRequest()
    bot = await public_bot(rt, bot_id)
    bots.require_origin(bot, origin, rt.settings.own_origins)
    person = await identity.person_of(rt, bot, request.identity) if request.identity else identity.NOBODY
    identity.require(bot, person.sub)
    consent = WidgetSettings.of(bot.widget).consent
    agreed = bool(consent.version) and request.consent == consent.version
    if consent.version and consent.required and not agreed:
        raise ConsentRequiredError
    whose = person.visitor_id(bot.id, origin) or _known_visitor(rt, bot, origin, request.visitor_key) or new_id()
    async with rt.db.tenant(tenant_for_job(bot.tenant_id)) as session:
        conversation = await _left_open(session, whose) if person.sub and not request.fresh else None
        if conversation is None:
            conversation = Conversation(
                tenant_id=bot.tenant_id, bot_id=bot.id, channel="widget", origin=origin, visitor_id=whose
            )
            session.add(conversation)
        conversation.visitor_sub, conversation.visitor_name = person.sub, person.name
        conversation.visitor_email = person.email
        if agreed and conversation.consent != consent.version:
            conversation.consent, conversation.consented_at = consent.version, datetime.now(UTC)
    return admitted(rt, conversation, person.until, person.secret_id)


def admitted(rt: Runtime, conversation: Conversation, until: datetime | None, secret_id: UUID | None) -> StartRead:
    """What the visitor of this conversation needs to go on with it, and to be known the next time.

    A person whom the website has signed is known by that alone: they get no key, and are known no longer than
    `until`, and no longer than the secret is good by which they were signed.
    """
    claims = {
        "tid": str(conversation.tenant_id),
        "bot": str(conversation.bot_id),
        "org": conversation.origin,
        **({"vis": str(conversation.visitor_id)} if conversation.visitor_id else {}),
    }
    person = conversation.visitor_sub
    mine = claims | {"sub": str(conversation.id)} | ({"per": person, "sec": str(secret_id)} if person else {})
    life = security.VISITOR_TOKEN_LIFE
    if person and until:
        life = min(life, until - datetime.now(UTC))
    token, _ = security.issue_jwt(rt.secret_key, "visitor", life, mine)
    key = "" if person else security.issue_jwt(rt.secret_key, "returning", security.VISITOR_KEY_LIFE, claims)[0]
    return StartRead(
        conversation_id=conversation.id,
        visitor_token=token,
        expires_in=int(life.total_seconds()),
        person=person,
        visitor_key=key,
    )


async def _left_open(session: AsyncSession, visitor_id: UUID) -> Conversation | None:
    """Until the end of the transaction nobody else looks for it: tabs that open at once go on with the same one."""
    await session.execute(select(func.pg_advisory_xact_lock(visitor_id.int >> 65)))
    query = (
        select(Conversation)
        .where(col(Conversation.visitor_id) == visitor_id, col(Conversation.status) == "open")
        .order_by(col(Conversation.id).desc())
        .limit(1)
    )
    return await session.scalar(query)


def _known_visitor(rt: Runtime, bot: Bot, origin: str, key: str) -> UUID | None:
    """Who holds this key, of the same bot on the same website; None for anybody else."""
    try:
        claims = security.read_jwt(rt.secret_key, "returning", key)
        same = (claims["bot"], claims["org"]) == (str(bot.id), origin)
        return UUID(claims["vis"]) if same else None
    except (UnauthenticatedError, KeyError, ValueError):
        return None


async def visitor_of(rt: Runtime, token: str) -> Visitor:
    """Who holds this visitor token. The tenant must be active and the bot published, now."""
    claims = security.read_jwt(rt.secret_key, "visitor", token)
    try:
        whose = UUID(claims["vis"]) if "vis" in claims else None
        ids = UUID(claims["tid"]), UUID(claims["bot"]), UUID(claims["sub"])
        until = datetime.fromtimestamp(claims["exp"], UTC)
        secret_id = UUID(claims["sec"]) if "sec" in claims else None
        visitor = Visitor(*ids, claims["org"], whose, claims.get("per", ""), until, secret_id)
    except (KeyError, ValueError) as error:
        raise UnauthenticatedError("The token is not valid.", reason="token_invalid") from error
    return visitor


async def own(rt: Runtime, visitor: Visitor, session: AsyncSession, *, lock: bool = False) -> Conversation:
    """The visitor's conversation, if their tenant is active and the bot is still for the website they are on."""
    return (await own_and_bot(rt, visitor, session, lock=lock))[0]


async def own_and_bot(
    rt: Runtime, visitor: Visitor, session: AsyncSession, *, lock: bool = False
) -> tuple[Conversation, Bot]:
    about = select(col(TenantRow.status), identity.secret_good(visitor)).where(col(TenantRow.id) == visitor.tenant_id)
    status, secret_good = (await session.execute(about)).one_or_none() or ("", False)
    if status != "active":
        raise NotFoundError("There is no such bot.")
    bot = bots.require_public(await session.get(Bot, visitor.bot_id))
    bots.require_origin(bot, visitor.origin, rt.settings.own_origins)
    identity.require_of(bot, visitor, secret_good=secret_good)
    locking = {"key_share": True} if lock else None
    conversation = await session.get(Conversation, visitor.conversation_id, with_for_update=locking)
    if conversation is None:
        raise NotFoundError("There is no such conversation.")
    return conversation, bot


async def transcript(rt: Runtime, visitor: Visitor) -> PublicTranscript:
    """What the visitor said and heard; of the answers only what the widget showed."""
    async with rt.db.tenant(visitor) as session:
        conversation = await own(rt, visitor, session)
        rows = await _messages(session, conversation.id)
        said = [TranscriptMessage.model_validate(row) for row in rows if row.status == "complete"]
        messages = await attachments.with_files(session, conversation.id, said)
    return PublicTranscript(conversation_id=conversation.id, messages=messages)


async def earlier(rt: Runtime, visitor: Visitor) -> list[EarlierConversation]:
    """The visitor's latest conversations with this bot on this website in which something was said, newest first."""
    async with rt.db.tenant(visitor) as session:
        await _require_history(rt, visitor, session)
        query = (
            select(Conversation)
            .where(_of_same_visitor(visitor), col(Conversation.message_count) > 0)
            .order_by(col(Conversation.last_message_at).desc())
            .limit(MOST_EARLIER)
        )
        rows = (await session.scalars(query)).all()
    return [EarlierConversation.model_validate(row) for row in rows]


async def reopen(rt: Runtime, visitor: Visitor, conversation_id: UUID) -> StartRead:
    """Go on with an earlier conversation of the same visitor."""
    async with rt.db.tenant(visitor) as session:
        await _require_history(rt, visitor, session)
        query = select(Conversation).where(col(Conversation.id) == conversation_id, _of_same_visitor(visitor))
        conversation = await session.scalar(query)
    if conversation is None:
        raise NotFoundError("There is no such conversation.")
    return admitted(rt, conversation, visitor.until, visitor.secret_id)


async def _require_history(rt: Runtime, visitor: Visitor, session: AsyncSession) -> None:
    """NotFoundError where the owner shows visitors no earlier conversations."""
    _, bot = await own_and_bot(rt, visitor, session)
    bot = await published.as_visitors_get_it(session, bot)
    if not WidgetSettings.of(bot.widget).history:
        raise NotFoundError("This bot shows no earlier conversations.")


def _of_same_visitor(visitor: Visitor) -> ColumnElement[bool]:
    """Without an id of the visitor, as in old tokens, it is the token's own conversation alone."""
    if visitor.visitor_id is None:
        return col(Conversation.id) == visitor.conversation_id
    return and_(
        col(Conversation.visitor_id) == visitor.visitor_id,
        col(Conversation.bot_id) == visitor.bot_id,
        col(Conversation.origin) == visitor.origin,
    )


async def rate(rt: Runtime, visitor: Visitor, message_id: UUID, rating: int, reason: str = "") -> None:
    async with rt.db.tenant(visitor) as session:
        conversation = await own(rt, visitor, session)
        message = await session.get(Message, message_id)
        if message is None or message.conversation_id != conversation.id or message.role != "assistant":
            raise NotFoundError("There is no such message.")
        message.rating, message.rating_reason = rating, reason.strip()


async def cited_passage(rt: Runtime, visitor: Visitor, message_id: UUID, number: int) -> CitedPassage:
    """A source of an answer in the visitor's own conversation, with the text around its quote as it is today."""
    async with rt.db.tenant(visitor) as session:
        conversation = await own(rt, visitor, session)
        message = await session.get(Message, message_id)
        if message is None or message.conversation_id != conversation.id or message.status != "complete":
            raise NotFoundError("There is no such source.")
        stored = next((source for source in message.sources if source.get("number") == number), None)
        if stored is None:
            raise NotFoundError("There is no such source.")
        citation = Citation.model_validate(stored)
        text = _text_of(visitor, stored["document_id"], citation) if stored.get("document_id") else None
        before, after = await _around(session, text, citation)
    names = ("number", "title", "page", "url", "link", "quote", "attachment")
    return CitedPassage(before=before, after=after, **{name: getattr(citation, name) for name in names})


def _text_of(visitor: Visitor, document_id: str, citation: Citation) -> Select[str]:
    """The text of a cited document, or of a file of the visitor's conversation."""
    if citation.attachment:
        mine = col(Attachment.conversation_id) == visitor.conversation_id
        return select(col(Attachment.text)).where(col(Attachment.id) == UUID(document_id), mine)
    mine = col(Document.bot_id) == visitor.bot_id
    return select(col(Document.text)).where(col(Document.id) == UUID(document_id), mine)


async def _around(session: AsyncSession, text: Select[str] | None, citation: Citation) -> tuple[str, str]:
    """What stands before and after the quote; nothing where the text changed or is gone."""
    quote, start = citation.quote, citation.start
    if text is None or start is None or not quote:
        return "", ""
    first = max(0, start - AROUND)
    whole = text.subquery().c[0]
    found = await session.scalar(select(func.substr(whole, first + 1, start - first + len(quote) + AROUND))) or ""
    end = start - first + len(quote)
    if found[start - first : end] != quote:
        return "", ""
    before, after = found[: start - first], found[end:]
    # no word is cut where that can be helped
    if first and (space := re.search(r"\s", before)):
        before = before[space.end() :]
    if len(after) == AROUND and (space := re.search(r"\s\S*$", after)):
        after = after[: space.start()]
    return before, after


async def list_page(
    session: AsyncSession,
    principal: Tenant,
    page: PageRequest,
    *,
    bot_id: UUID | None = None,
    search: str = "",
    channel: str = "",
    unanswered: bool = False,
) -> Page[ConversationListItem]:
    """Conversations in which something was said, newest first. The playground's are left out unless asked for."""
    principal.require(Scope.CONVERSATIONS_READ)
    query = (
        select(Conversation, col(Bot.name))
        .join(Bot, col(Bot.id) == col(Conversation.bot_id))
        .where(col(Conversation.message_count) > 0)
        .order_by(col(Conversation.id).desc())
        .limit(page.limit + 1)
    )
    query = query.where(col(Conversation.channel) == channel if channel else col(Conversation.channel) != "playground")
    if page.after:
        query = query.where(col(Conversation.id) < page.after)
    if principal.bot_ids is not None:
        query = query.where(col(Conversation.bot_id).in_(principal.bot_ids))
    if bot_id is not None:
        await bots.load(session, principal, bot_id)
        query = query.where(col(Conversation.bot_id) == bot_id)
    said = select(col(Message.id)).where(col(Message.conversation_id) == col(Conversation.id))
    if search:
        query = query.where(said.where(col(Message.text).ilike(f"%{escape_like(search)}%")).exists())
    if unanswered:
        query = query.where(said.where(col(Message.answered).is_(False)).exists())
    rows = (await session.execute(query)).all()
    return page_of([_item(row, name) for row, name in rows], [row.id for row, _ in rows], page.limit)


async def get(session: AsyncSession, principal: Tenant, conversation_id: UUID) -> ConversationRead:
    principal.require(Scope.CONVERSATIONS_READ)
    conversation = await _load(session, principal, conversation_id)
    bot = await session.get_one(Bot, conversation.bot_id)
    said = [OwnerMessage.model_validate(row) for row in await _messages(session, conversation.id)]
    messages = await attachments.with_files(session, conversation.id, said)
    return ConversationRead(**_item(conversation, bot.name).model_dump(), messages=messages)


async def delete(rt: Runtime, principal: Tenant, conversation_id: UUID) -> Receipt:
    """Delete the conversation with its messages and files. Takes the runtime: see services.erasure."""
    principal.require(Scope.CONVERSATIONS_WRITE)

    async def read(session: AsyncSession, lock: bool) -> Target:
        found = await _load(session, principal, conversation_id, lock=lock)
        # not what was said in it: the receipt stays
        title = f"Conversation of {found.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return Target(
            kind="conversation",
            id=found.id,
            title=title,
            tenant_id=found.tenant_id,
            blob_prefix=attachments.blob_prefix(found.tenant_id, found.bot_id, found.id),
            told_by=(found.bot_id,),
        )

    async def drop(session: AsyncSession, target: Target) -> int:
        await session.delete(await session.get_one(Conversation, target.id))
        await session.flush()
        return 0

    return await erasure.erase(rt, principal, read, drop)


async def _load(session: AsyncSession, principal: Tenant, conversation_id: UUID, *, lock: bool = False) -> Conversation:
    conversation = await session.get(Conversation, conversation_id, with_for_update=lock or None)
    if conversation is None:
        raise NotFoundError("There is no such conversation.")
    principal.require_bot(conversation.bot_id)
    return conversation


async def _messages(session: AsyncSession, conversation_id: UUID) -> list[Message]:
    query = select(Message).where(col(Message.conversation_id) == conversation_id).order_by(col(Message.id)).limit(500)
    return list((await session.scalars(query)).all())


def _item(row: Conversation, bot_name: str) -> ConversationListItem:
    names = set(ConversationListItem.model_fields) - {"bot_name"}
    return ConversationListItem(bot_name=bot_name, **{name: getattr(row, name) for name in names})
