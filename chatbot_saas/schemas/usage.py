import datetime as dt
from decimal import Decimal
from uuid import UUID

from chatbot_saas.schemas.base import Read


class OverviewRead(Read):
    bots: int
    published_bots: int
    documents: int
    conversations: int
    answers_today: int
    unanswered_today: int
    input_tokens_today: int
    output_tokens_today: int
    saved_tokens_today: int
    """What answers that were there already would have cost again."""
    cost_today_usd: Decimal


class UsageOfDay(Read):
    day: dt.date
    """In UTC."""
    kind: str
    """chat, standalone, embedding or rerank; cache for answers that were there already."""
    calls: int
    failed: int
    """How many of the calls failed."""
    input_tokens: int
    output_tokens: int
    saved_tokens: int
    """What answers that were there already would have cost again."""
    cost_usd: float
    """Of the calls whose price is known."""
    unpriced: int
    """How many calls went to a model whose price is not known."""


class UsageList(Read):
    since: dt.date
    until: dt.date
    bot_id: UUID | None
    """The one bot that it is of; null for all that the caller reaches."""
    items: list[UsageOfDay]
    """The latest day first; days and kinds without a call are left out."""
