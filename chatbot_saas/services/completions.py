"""A bot as a model of OpenAI's: who reaches which, and what a request of chat completions asks of it.

Answers are made and stored like any other, by services.chat. What is special is that the caller keeps the conversation:
what was said before comes with each question.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.llm import Message as PromptMessage
from chatbot_saas.adapters.llm import ToolCall
from chatbot_saas.core.errors import InvalidError, NotFoundError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.models import Bot
from chatbot_saas.schemas.chat import MAX_MESSAGE, Citation, SentenceProof, UsageRead
from chatbot_saas.schemas.completions import (
    AssistantMessage,
    CompletionRequest,
    Content,
    ModelRead,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from chatbot_saas.services import chat
from chatbot_saas.services.chat import Asked
from chatbot_saas.services.live import LiveAnswer
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.services.turns import Given

CHANNEL = "openai"
MOST_MODELS = 1000
MOST_CONTEXT = 8000
"""Characters of the caller's system messages, as of a bot's own instructions."""
MOST_RESULTS = 100_000
"""Characters of what tools returned."""
ENDINGS = frozenset({"stop", "length", "content_filter"})


class UnknownModelError(NotFoundError):
    """There is no such model. The model's name is the id of a bot that your key reaches."""

    code = "model_not_found"


@dataclass(slots=True)
class Ended:
    """What is known of an answer once it has been said."""

    finish_reason: str
    answered: bool
    sources: list[Citation]
    proof: list[SentenceProof]
    usage: UsageRead | None


async def list_models(session: AsyncSession, principal: Tenant) -> list[ModelRead]:
    """The bots that the caller may ask, newest first: drafts too, as in services.chat."""
    principal.require(Scope.CHAT)
    query = select(Bot).order_by(col(Bot.id).desc()).limit(MOST_MODELS)
    if principal.bot_ids is not None:
        query = query.where(col(Bot.id).in_(principal.bot_ids))
    return [_model(bot) for bot in (await session.scalars(query)).all()]


async def get_model(session: AsyncSession, principal: Tenant, name: str) -> ModelRead:
    principal.require(Scope.CHAT)
    bot = await session.get(Bot, _bot_id(principal, name))
    if bot is None:
        raise UnknownModelError(field="model")
    return _model(bot)


async def complete(
    rt: Runtime, principal: Tenant, body: CompletionRequest, once: str | None = None
) -> tuple[LiveAnswer, UUID]:
    """The answer to the last user's message, and the id of the conversation in which it is stored.

    `once`: names the request, so that a repetition gets the same answer.
    """
    principal.require(Scope.CHAT)
    bot_id = _bot_id(principal, body.model)
    question, given = understood(body)
    # an integrator's names are printable, so none of them is one of ours
    session_id = f"{CHANNEL}\x1f{body.user or body.safety_identifier or once or new_id()}"
    asked = Asked(bot_id, question, once, CHANNEL, session_id, given=given)
    try:
        return await chat.ask(rt, principal, asked)
    except NotFoundError as error:
        raise UnknownModelError(field="model") from error


def ended(live: LiveAnswer, data: dict[str, Any], told: dict[str, Any]) -> Ended:
    """`data`: of the event `done`; `told`: of the event `sources` before it."""
    called = any(event.type == "tool" for event in live.events)
    return Ended(
        finish_reason="tool_calls" if called else live.ending if live.ending in ENDINGS else "stop",
        answered=data["answered"],
        sources=[Citation.model_validate(source) for source in told.get("sources", [])],
        proof=[SentenceProof.model_validate(sentence) for sentence in told.get("proof", [])],
        usage=live.usage,
    )


def understood(body: CompletionRequest) -> tuple[str, Given]:
    """The question, and what came with it. Raises InvalidError for a conversation that asks nothing."""
    messages = body.messages
    place = next((at for at in reversed(range(len(messages))) if isinstance(messages[at], UserMessage)), -1)
    if place < 0:
        raise InvalidError("There is no message of a user, so nothing is asked.", field="messages")
    asked = messages[place]
    question = _text(asked.content).strip()
    if not 0 < len(question) <= MAX_MESSAGE:
        words = f"The last user's message must have 1 to {MAX_MESSAGE:,} characters."
        raise InvalidError(words, field=f"messages[{place}].content")
    after = [message for message in messages[place + 1 :] if not isinstance(message, SystemMessage)]
    if after and not isinstance(after[-1], ToolMessage):
        raise InvalidError("The last message must be a user's or a tool's.", field=f"messages[{len(messages) - 1}]")
    context = "\n\n".join(_text(message.content) for message in messages if isinstance(message, SystemMessage)).strip()
    if len(context) > MOST_CONTEXT:
        raise InvalidError(f"System messages may have {MOST_CONTEXT:,} characters in all.", field="messages")
    results = tuple(map(_prompt_message, after))
    if sum(len(message.content) for message in results) > MOST_RESULTS:
        raise InvalidError(f"Tools may return {MOST_RESULTS:,} characters in all.", field="messages")
    _require_answered(results, place + 1)
    tools = tuple(tool.model_dump(exclude_none=True) for tool in body.tools or [])
    if body.tool_choice not in (None, "none", "auto") and not tools:
        raise InvalidError("There are no tools to choose from.", field="tool_choice")
    given = Given(
        history=_history(messages[:place]),
        context=context,
        tools=tools,
        tool_choice=_choice(body),
        parallel_tool_calls=body.parallel_tool_calls,
        results=results,
        settings=_settings(body),
    )
    return question, given


def _require_answered(results: Sequence[PromptMessage], first: int) -> None:
    """Each result answers a call that stands before it, and no call is left open, or the provider refuses them all."""
    open_calls: set[str] = set()
    for number, message in enumerate(results, start=first):
        if message.role == "tool":
            if message.tool_call_id not in open_calls:
                words = "This answers no call of a tool that stands before it."
                raise InvalidError(words, field=f"messages[{number}].tool_call_id")
            open_calls.remove(message.tool_call_id)
        elif open_calls:
            break
        open_calls |= {call.id for call in message.tool_calls}
    if open_calls:
        raise InvalidError(f"The call {min(open_calls)} of a tool was not answered.", field="messages")


def _history(messages: Sequence[Any]) -> tuple[PromptMessage, ...]:
    """What was said. Calls of tools that an earlier question needed, and what they returned, are left out."""
    said = [_prompt_message(message) for message in messages if isinstance(message, UserMessage | AssistantMessage)]
    return tuple(PromptMessage(message.role, message.content) for message in said if message.content.strip())


def _prompt_message(message: UserMessage | AssistantMessage | ToolMessage) -> PromptMessage:
    text = _text(message.content)
    if isinstance(message, ToolMessage):
        return PromptMessage("tool", text, tool_call_id=message.tool_call_id)
    if isinstance(message, UserMessage):
        return PromptMessage("user", text)
    calls = [ToolCall(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or []]
    return PromptMessage("assistant", text, tuple(calls))


def _text(content: Content | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(part.text for part in content)


def _choice(body: CompletionRequest) -> Any:
    choice = body.tool_choice
    return choice if choice is None or isinstance(choice, str) else choice.model_dump()


def _settings(body: CompletionRequest) -> dict[str, Any]:
    """What the caller sets instead of the bot's owner. The owner's limit can be lowered only: see services.chat."""
    limit = min((given for given in (body.max_tokens, body.max_completion_tokens) if given is not None), default=None)
    wanted = {"temperature": body.temperature, "top_p": body.top_p, "max_tokens": limit}
    return {name: value for name, value in wanted.items() if value is not None}


def _bot_id(principal: Tenant, name: str) -> UUID:
    try:
        bot_id = UUID(name)
        principal.require_bot(bot_id)
    except (ValueError, NotFoundError) as error:
        raise UnknownModelError(field="model") from error
    return bot_id


def _model(bot: Bot) -> ModelRead:
    return ModelRead(
        id=str(bot.id),
        created=int(bot.created_at.timestamp()),
        owned_by=str(bot.tenant_id),
        name=bot.name,
        status=bot.status,
    )
