"""One call of a bot's model that answers no visitor: it is bounded, it goes on the bill, and it may come to nothing."""

import asyncio

from chatbot_saas.adapters.llm import ChatRequest, Finished, Message, ModelError, Passage, TextDelta, Usage
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import Tenant
from chatbot_saas.models import Bot, UsageEvent
from chatbot_saas.services import usage
from chatbot_saas.services.runtime import Runtime

log = get_logger(__name__)


def quotes(rt: Runtime, bot: Bot) -> bool:
    """Whether the bot's model writes nothing of its own."""
    return rt.model.quotes and not bot.model_key


def request(
    rt: Runtime,
    bot: Bot,
    messages: tuple[Message, ...] = (),
    *,
    question: str = "",
    passages: tuple[Passage, ...] = (),
    max_tokens: int = 300,
    key: str = "",
) -> ChatRequest:
    return ChatRequest(
        model=bot.model or rt.settings.openai_model,
        messages=messages,
        question=question,
        passages=passages,
        temperature=0.3,
        top_p=1.0,
        max_tokens=max_tokens,
        api_key=key,
        language="" if bot.language == "auto" else bot.language,
    )


async def ask(
    rt: Runtime, principal: Tenant, bot: Bot, messages: tuple[Message, ...], *, max_tokens: int, seconds: float
) -> str:
    """What the model says; empty where it fails or takes too long."""
    try:
        key = rt.secrets.open(bot.tenant_id, bot.model_key) if bot.model_key else ""
    except ValueError:
        return ""
    asked = request(rt, bot, messages, max_tokens=max_tokens, key=key)
    said, outcome, told = "", "failed", None
    stream = rt.model.stream(asked)
    try:
        async with asyncio.timeout(seconds):
            async for part in stream:
                if isinstance(part, Finished):
                    told = part.usage
                elif isinstance(part, TextDelta):
                    said += part.text
        outcome = "ok"
    except (ModelError, TimeoutError) as error:
        log.warning("model_call_failed", error=str(error), bot_id=str(bot.id))
        told = error.usage if isinstance(error, ModelError) else None
    finally:
        await stream.aclose()
    await _charge(rt, principal, bot, told or rt.model.estimate(asked, said), outcome)
    return said if outcome == "ok" else ""


async def _charge(rt: Runtime, principal: Tenant, bot: Bot, spent: Usage, outcome: str) -> None:
    async with rt.db.tenant(principal) as session:
        session.add(UsageEvent(**usage.event(principal.tenant_id, bot.id, spent, kind="chat", outcome=outcome)))
