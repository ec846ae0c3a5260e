from decimal import Decimal

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
