"""One turn: passages are retrieved for a question, the model is asked, its answer is cited and stored.

Takes the runtime instead of a session, because no session may be held across a call to a model: a turn is three short
transactions, of which services.chat makes the first.
"""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from chatbot_saas.adapters.llm import (
    ChatModel,
    ChatRequest,
    Finished,
    ModelError,
    ModelKeyInvalidError,
    ModelTimeoutError,
    ModelUnavailableError,
    TextDelta,
    Usage,
)
from chatbot_saas.adapters.llm import Message as PromptMessage
from chatbot_saas.core.db import BrokenReferenceError, as_json
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import Tenant, Visitor
from chatbot_saas.models import Bot
from chatbot_saas.schemas.chat import Citation, UsageRead
from chatbot_saas.services import answering, matching, usage
from chatbot_saas.services.citations import stored_sources
from chatbot_saas.services.live import LiveAnswer
from chatbot_saas.services.matching import Matched
from chatbot_saas.services.retrieval import BotIndex, Found, Retrieval, retrieve
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.services.support import Proof, Prover

log = get_logger(__name__)
Part = TextDelta | Finished
FIRST_TOKEN_SECONDS = 8.5
"""From the question to the model's first word; after that the passages answer, so that nobody waits 10 s."""
EMBED_SECONDS = 3.0
UNAVAILABLE_NOTE = "The assistant cannot be reached right now. This is the best passage from the sources:\n\n"
OWNER_ERRORS = frozenset({"model_key_invalid", "model_not_found", "model_rate_limited", "model_bad_request"})
"""What only the owner can mend; shown on the bot's page until the model works again."""


@dataclass(frozen=True, slots=True)
class BotView:
    """What a turn needs of the bot, read once."""

    id: UUID
    tenant_id: UUID
    name: str
    instructions: str
    model: str
    temperature: float
    top_p: float
    max_tokens: int
    fallback_text: str
    language: str
    qa_threshold: float
    version: int
    model_key: str | None
    model_error: str
    index: BotIndex


@dataclass(slots=True)
class Turn:
    principal: Tenant | Visitor
    bot: BotView
    conversation_id: UUID
    question_id: UUID
    answer_id: UUID
    question: str
    history: list[PromptMessage]
    live: LiveAnswer
    started: float = field(default_factory=time.monotonic)
    text: str = ""
    answered: bool = False
    citations: list[Citation] = field(default_factory=list[Citation])
    proof: Proof | None = None
    usages: list[tuple[Usage, str]] = field(default_factory=list[tuple[Usage, str]])
    """Each call to the chat model with its outcome."""
    pair: Matched | None = None
    """The question has an answer of its own, which is given word for word."""
    looked_up: bool = False
    """Whether that was asked for by the question's words yet."""
    retrieval: Retrieval | None = None
    trace: dict[str, Any] = field(default_factory=dict[str, Any])
    model_error: str | None = None
    """Words for the owner; empty when the model worked, None when it was not asked."""

    def say(self, piece: str) -> None:
        if piece:
            self.text += piece
            self.live.emit("token", text=piece)

    def mark(self, name: str) -> None:
        self.trace[f"{name}_ms"] = round((time.monotonic() - self.started) * 1000, 1)


def view(bot: Bot) -> BotView:
    names = set(BotView.__slots__) - {"index"}
    return BotView(
        index=BotIndex(bot.id, bot.embedder, bot.dimension, bot.language), **{n: getattr(bot, n) for n in names}
    )


async def make_answer(rt: Runtime, turn: Turn) -> None:
    """Make the answer and store it, whatever happens on the way."""
    status = "failed"
    try:
        if not turn.looked_up:
            turn.pair = await matching.find_exact(rt, turn.principal, turn.bot.id, turn.question)
        passages = [] if turn.pair else await _retrieve(rt, turn)
        if turn.pair:
            _say_pair(turn, turn.pair)
        else:
            await _say(rt, turn, answering.within_budget(passages))
        turn.mark("answered")
        status = "complete"
    finally:
        await asyncio.shield(_store(rt, turn, status))
    turn.live.emit("sources", sources=_citations(turn), proof=_sentences(turn))
    turn.live.emit("done", message_id=str(turn.answer_id), answered=turn.answered)


async def _retrieve(rt: Runtime, turn: Turn) -> list[Found]:
    """The passages; and perhaps the question turns out to mean one that has an answer of its own."""
    bot = turn.bot
    found = await retrieve(rt, turn.principal, bot.index, turn.question, limit=6, embed_seconds=EMBED_SECONDS)
    turn.retrieval = found
    turn.pair = matching.by_meaning(turn.question, found.pairs, bot.index, bot.qa_threshold)
    turn.mark("retrieved")
    return found.passages


def _say_pair(turn: Turn, pair: Matched) -> None:
    turn.say(pair.answer)
    turn.answered, turn.citations = True, [pair.citation()]
    turn.trace |= {"model": "pair", "pair": pair.trace()}


async def _say(rt: Runtime, turn: Turn, passages: list[Found]) -> None:
    quotes = rt.model.quotes and not turn.bot.model_key
    if not answering.fits(passages, quotes=quotes):
        turn.say(turn.bot.fallback_text)
        return
    request = _request(rt, turn, passages)
    try:
        request = replace(request, api_key=_own_key(rt, turn.bot))
        answered = await _stream(turn, rt.model, request, quotes=quotes)
        turn.model_error = ""
    except ModelError as error:
        log.warning("model_failed", code=error.code, bot_id=str(turn.bot.id))
        turn.trace["fallback"] = error.code
        turn.model_error = error.message if error.code in OWNER_ERRORS else None
        if turn.text:
            turn.say("\n\n")
        # what was good enough to ask the model about is good enough to show, marked as what it is
        turn.say(UNAVAILABLE_NOTE)
        answered = await _stream(turn, rt.fallback_model, request, quotes=True)
    turn.answered = answered
    if answered:
        turn.proof = Prover(passages, turn.question, turn.bot.language).prove(turn.text)
        turn.citations = turn.proof.citations
    turn.trace["model"] = "extractive" if quotes else request.model


def _own_key(rt: Runtime, bot: BotView) -> str:
    """The bot's own key, or nothing. Raises ModelKeyInvalidError for one of a former ENCRYPTION_KEY."""
    try:
        return rt.secrets.open(bot.tenant_id, bot.model_key) if bot.model_key else ""
    except ValueError as error:
        raise ModelKeyInvalidError("The key can no longer be read. Enter it again under Model settings.") from error


def _request(rt: Runtime, turn: Turn, passages: list[Found]) -> ChatRequest:
    numbered = answering.numbered(passages)
    return ChatRequest(
        model=turn.bot.model or rt.settings.openai_model,
        messages=answering.prompt(
            name=turn.bot.name,
            instructions=turn.bot.instructions,
            language=turn.bot.language,
            passages=numbered,
            history=turn.history,
            question=turn.question,
            count=rt.tokens,
        ),
        question=turn.question,
        passages=numbered,
        temperature=turn.bot.temperature,
        top_p=turn.bot.top_p,
        max_tokens=turn.bot.max_tokens,
        language="" if turn.bot.language == "auto" else turn.bot.language,
    )


async def _stream(turn: Turn, model: ChatModel, request: ChatRequest, *, quotes: bool) -> bool:
    """Say what the model says; False if it says that the sources do not hold the answer.

    The call's usage is kept however it ends. What the model says first is held back while it may become NOT_IN_SOURCES.
    """
    held, received, outcome = "", "", "failed"
    told: Usage | None = None
    stream = model.stream(request)
    try:
        deadline = (time.monotonic() if quotes else turn.started) + FIRST_TOKEN_SECONDS
        while True:
            try:
                part = await (anext(stream) if received else _in_time(anext(stream), deadline))
            except StopAsyncIteration:
                break
            if isinstance(part, Finished):
                told = part.usage
                continue
            if not received:
                turn.mark("first_token")
            received += part.text
            held = _pass_on(turn, held + part.text)
        if not received.strip() and not quotes:
            raise ModelUnavailableError("The model gave an empty answer.")
        outcome = "ok"
        if not received.strip() or held.strip().startswith(answering.NOT_IN_SOURCES):
            turn.say(turn.bot.fallback_text)
            return False
        turn.say(held)
        return True
    except ModelError as error:
        told = error.usage or told
        if told is None and not received and not isinstance(error, ModelTimeoutError):
            # refused before anything was made; after a wait in vain nobody knows, so that is estimated
            told = replace(model.estimate(request, ""), input_tokens=0)
        raise
    except asyncio.CancelledError:
        outcome = "cancelled"
        raise
    finally:
        await stream.aclose()
        turn.usages.append((told or model.estimate(request, received), outcome))


async def _in_time(part: Awaitable[Part], deadline: float) -> Part:
    try:
        async with asyncio.timeout(max(0.05, deadline - time.monotonic())):
            return await part
    except TimeoutError as error:
        raise ModelTimeoutError from error


def _pass_on(turn: Turn, text: str) -> str:
    """Say the text unless it may still be the marker; returns what is held back."""
    start = text.lstrip()
    if not turn.text and (answering.NOT_IN_SOURCES.startswith(start[: len(answering.NOT_IN_SOURCES)])):
        return text
    turn.say(text)
    return ""


_ANSWER = """
    UPDATE messages SET text = %(text)s, status = %(status)s, answered = %(answered)s, sources = %(sources)s,
           proof = %(proof)s, trace = %(trace)s
    WHERE id = %(id)s
    """
_MODEL_ERROR = "UPDATE bots SET model_error = %(error)s WHERE id = %(id)s"


def _usage_events(rt: Runtime, turn: Turn) -> list[dict[str, Any]]:
    spent: list[tuple[Usage, str, str]] = [(used, "chat", outcome) for used, outcome in turn.usages]
    if turn.retrieval and turn.retrieval.embedded:
        spent.insert(0, (usage.of_embedding(turn.retrieval.embedded), "embedding", "ok"))
    if turn.retrieval and (failure := turn.retrieval.failure):
        spent.insert(0, (usage.of_failed_embedding(failure, rt.embedder.name), "embedding", "failed"))
    about = {"tenant_id": turn.bot.tenant_id, "bot_id": turn.bot.id, "message_id": turn.answer_id}
    return [usage.event(usage=used, kind=kind, outcome=outcome, **about) for used, kind, outcome in spent]


def _citations(turn: Turn) -> list[dict[str, Any]]:
    return [citation.model_dump(mode="json") for citation in turn.citations]


def _sentences(turn: Turn) -> list[dict[str, Any]]:
    return [sentence.model_dump(mode="json") for sentence in turn.proof.sentences] if turn.proof else []


async def _store(rt: Runtime, turn: Turn, status: str) -> None:
    turn.trace["first_id"] = turn.live.first_id
    if turn.retrieval:
        turn.trace["passages"] = [
            passage.hit().model_dump(mode="json", exclude={"text"}) for passage in turn.retrieval.passages
        ]
    events = _usage_events(rt, turn)
    try:
        async with rt.db.tenant_plain(turn.principal) as sql:
            await sql.run(
                _ANSWER,
                id=turn.answer_id,
                text=turn.text,
                status=status,
                answered=turn.answered,
                sources=as_json(stored_sources(turn.proof) if turn.proof else _citations(turn)),
                proof=as_json(_sentences(turn)),
                trace=as_json(turn.trace),
            )
            for event in events:
                await sql.run(usage.NEW_EVENT, **event)
            if turn.model_error is not None and turn.model_error != turn.bot.model_error:
                await sql.run(_MODEL_ERROR, id=turn.bot.id, error=turn.model_error[:300])
    except BrokenReferenceError:  # the bot or the tenant was deleted while its answer was made
        log.info("answer_without_bot", bot_id=str(turn.bot.id))
        with suppress(BrokenReferenceError):
            async with rt.db.tenant_plain(turn.principal) as sql:
                for event in events:
                    await sql.run(usage.NEW_EVENT, **event | {"bot_id": None})
    if turn.usages:
        spent = turn.usages[-1][0]
        cost = events[-1]["cost_usd"]  # the last event is that call's
        turn.live.usage = UsageRead(
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            cached_tokens=spent.cached_tokens,
            model=spent.model,
            cost_usd=float(cost) if cost is not None else None,
        )
