"""What a call cost, from a price list that is kept with the code (genai-prices), not asked for."""

from datetime import UTC, datetime
from decimal import Decimal

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price

from chatbot_saas.adapters.llm import Usage


def cost_usd(usage: Usage, when: datetime) -> Decimal | None:
    """US dollars for `usage` at the prices of `when`; None for a model that the list does not have."""
    if usage.provider == "offline":
        return Decimal(0)
    tokens = PricedUsage(
        input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cache_read_tokens=usage.cached_tokens
    )
    # An OpenAI-compatible endpoint may serve anybody's models: first that provider's list, then everybody's.
    for provider in (usage.provider, None):
        try:
            return calc_price(tokens, usage.model, provider_id=provider, genai_request_timestamp=when).total_price
        except LookupError:
            continue
    return None


def load_prices() -> None:
    """Read the list, which takes a second: to be done in a thread at start, and not in the first visitor's answer."""
    cost_usd(Usage(0, 0, 0, "gpt-4o-mini", "openai"), datetime.now(UTC))
