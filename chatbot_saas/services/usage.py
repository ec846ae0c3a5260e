"""Usage events: one for each call to a model, and what they add up to."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.embeddings import Embedded
from chatbot_saas.adapters.llm import ModelError, Usage
from chatbot_saas.adapters.prices import cost_usd
from chatbot_saas.core.errors import InvalidError, NotFoundError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.models import Bot, Conversation, Document, Message, UsageEvent
from chatbot_saas.schemas.usage import OverviewRead, UsageList, UsageOfDay

DAYS = 30
"""What is told where nobody says since when."""
MOST_DAYS = 366
NEW_EVENT = """
    INSERT INTO usage_events (id, tenant_id, bot_id, message_id, kind, provider, model, input_tokens, output_tokens,
                              cached_tokens, estimated, cost_usd, outcome, saved_tokens)
    VALUES (%(id)s, %(tenant_id)s, %(bot_id)s, %(message_id)s, %(kind)s, %(provider)s, %(model)s, %(input_tokens)s,
            %(output_tokens)s, %(cached_tokens)s, %(estimated)s, %(cost_usd)s, %(outcome)s,
            %(saved_tokens)s)
    """
"""Takes the values of `event`."""


def event(
    tenant_id: UUID,
    bot_id: UUID | None,
    usage: Usage,
    *,
    kind: str,
    message_id: UUID | None = None,
    outcome: str = "ok",
    saved_tokens: int = 0,
) -> dict[str, Any]:
    """The columns of an event."""
    return {
        "id": new_id(),
        "tenant_id": tenant_id,
        "bot_id": bot_id,
        "message_id": message_id,
        "kind": kind,
        "provider": usage.provider,
        "model": usage.model,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "estimated": usage.estimated,
        "cost_usd": cost_usd(usage, datetime.now(UTC)),
        "outcome": outcome,
        "saved_tokens": saved_tokens,
    }


def of_embedding(embedded: Embedded) -> Usage:
    return Usage(
        input_tokens=embedded.input_tokens,
        output_tokens=0,
        cached_tokens=0,
        model=embedded.model,
        provider=embedded.provider,
    )


def of_failed_embedding(error: ModelError | TimeoutError, model: str) -> Usage:
    """A call that ended without vectors; its tokens are those the provider told, if any."""
    told = error.usage if isinstance(error, ModelError) else None
    return told or Usage(input_tokens=0, output_tokens=0, cached_tokens=0, model=model, provider="openai")


def record_embedding(session: AsyncSession, tenant_id: UUID, bot_id: UUID | None, embedded: Embedded) -> None:
    session.add(UsageEvent(**event(tenant_id, bot_id, of_embedding(embedded), kind="embedding")))


def record_failed_embedding(
    session: AsyncSession, tenant_id: UUID, bot_id: UUID | None, error: ModelError | TimeoutError, model: str
) -> None:
    spent = of_failed_embedding(error, model)
    session.add(UsageEvent(**event(tenant_id, bot_id, spent, kind="embedding", outcome="failed")))


async def overview(session: AsyncSession, principal: Tenant) -> OverviewRead:
    """The counts of the tenant's first page; today is the day in UTC."""
    principal.require(Scope.USAGE_READ)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    today = col(UsageEvent.created_at) >= midnight
    counted = select(
        select(func.count()).select_from(Bot).scalar_subquery(),
        select(func.count()).select_from(Bot).where(col(Bot.status) == "published").scalar_subquery(),
        select(func.count()).select_from(Document).scalar_subquery(),
        select(func.count())
        .select_from(Conversation)
        .where(col(Conversation.channel) != "playground")
        .scalar_subquery(),
        select(func.count())
        .select_from(Message)
        .where(col(Message.role) == "assistant", col(Message.created_at) >= midnight)
        .scalar_subquery(),
        select(func.count())
        .select_from(Message)
        .where(col(Message.role) == "assistant", col(Message.created_at) >= midnight, col(Message.answered).is_(False))
        .scalar_subquery(),
        select(func.coalesce(func.sum(UsageEvent.input_tokens), 0)).where(today).scalar_subquery(),
        select(func.coalesce(func.sum(UsageEvent.output_tokens), 0)).where(today).scalar_subquery(),
        select(func.coalesce(func.sum(UsageEvent.cost_usd), 0)).where(today).scalar_subquery(),
        select(func.coalesce(func.sum(UsageEvent.saved_tokens), 0)).where(today).scalar_subquery(),
    )
    row = (await session.execute(counted)).one()
    return OverviewRead(
        bots=row[0],
        published_bots=row[1],
        documents=row[2],
        conversations=row[3],
        answers_today=row[4],
        unanswered_today=row[5],
        input_tokens_today=row[6],
        output_tokens_today=row[7],
        cost_today_usd=Decimal(row[8]),
        saved_tokens_today=row[9],
    )


async def by_day(
    session: AsyncSession,
    principal: Tenant,
    *,
    since: date | None = None,
    until: date | None = None,
    bot_id: UUID | None = None,
) -> UsageList:
    """What calls to models came to, by day in UTC and kind. Both days are in; nothing is told of days to come."""
    principal.require(Scope.USAGE_READ)
    today = datetime.now(UTC).date()
    last = min(until or today, today)
    first = since or date.fromordinal(max(1, last.toordinal() - DAYS + 1))
    if not 0 <= (last - first).days < MOST_DAYS:
        raise InvalidError(f"Ask for 1 to {MOST_DAYS} days: since is the first, until the last.", field="since")
    begin, end = (datetime.combine(day, time.min, UTC) for day in (first, last))
    mine = [col(UsageEvent.created_at) >= begin, col(UsageEvent.created_at) < end + timedelta(days=1)]
    if bot_id is not None:
        principal.require_bot(bot_id)
        if await session.get(Bot, bot_id) is None:
            raise NotFoundError("There is no such bot.")
        mine.append(col(UsageEvent.bot_id) == bot_id)
    elif principal.bot_ids is not None:
        mine.append(col(UsageEvent.bot_id).in_(principal.bot_ids))
    day: ColumnElement[date] = func.date(func.timezone("UTC", UsageEvent.created_at))
    query = (
        select(
            day.label("day"),
            col(UsageEvent.kind),
            func.count().label("calls"),
            func.count().filter(col(UsageEvent.outcome) == "failed").label("failed"),
            func.sum(UsageEvent.input_tokens).label("input_tokens"),
            func.sum(UsageEvent.output_tokens).label("output_tokens"),
            func.sum(UsageEvent.saved_tokens).label("saved_tokens"),
            func.coalesce(func.sum(UsageEvent.cost_usd), 0).label("cost_usd"),
            func.count().filter(col(UsageEvent.cost_usd).is_(None)).label("unpriced"),
        )
        .where(*mine)
        .group_by(day, col(UsageEvent.kind))
        .order_by(day.desc(), col(UsageEvent.kind))
    )
    rows = (await session.execute(query)).all()
    return UsageList(since=first, until=last, bot_id=bot_id, items=[UsageOfDay.model_validate(row) for row in rows])
