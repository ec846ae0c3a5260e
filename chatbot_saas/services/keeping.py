"""What stays of a turn: the answer with what it was made from, what it cost, and a copy for those who ask the same."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from chatbot_saas.adapters.llm import Usage
from chatbot_saas.adapters.llm.breaker import NotAskedError
from chatbot_saas.core.db import BrokenReferenceError, as_json
from chatbot_saas.core.logging import get_logger
from chatbot_saas.schemas.chat import UsageRead
from chatbot_saas.services import answer_cache, recorder, usage
from chatbot_saas.services.answer_cache import AnswerKey, KeptAnswer
from chatbot_saas.services.retrieval import Found
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.services.turns import Turn

log = get_logger(__name__)
TRACE_VERSION = 2
_ANSWER = """
    UPDATE messages SET text = %(text)s, status = %(status)s, answered = %(answered)s, sources = %(sources)s,
           proof = %(proof)s, trace = %(trace)s
    WHERE id = %(id)s
    """
_MODEL_ERROR = "UPDATE bots SET model_error = %(error)s WHERE id = %(id)s"


async def store(rt: Runtime, turn: Turn, status: str) -> None:
    """The answer's row, the passages it was made from and its usage, in one transaction."""
    events = _usage_events(rt, turn)
    _complete_trace(turn, events)
    if turn.conversation_id is None:
        await _store_usage(rt, turn, events)
        return
    try:
        async with rt.db.tenant_plain(turn.principal) as sql:
            if turn.used:
                await sql.run(recorder.KEEP_PASSAGES, ids=_chunk_ids(turn.used))
            await sql.run(
                _ANSWER,
                id=turn.answer_id,
                text=turn.text,
                status=status,
                answered=turn.answered,
                sources=as_json(turn.sources),
                proof=as_json([sentence.model_dump(mode="json") for sentence in turn.proof]),
                trace=as_json(turn.trace),
            )
            for event in events:
                await sql.run(usage.NEW_EVENT, **event)
            if turn.model_error is not None and turn.model_error != turn.bot.model_error:
                await sql.run(_MODEL_ERROR, id=turn.bot.id, error=turn.model_error[:300])
    except BrokenReferenceError:  # the bot or the tenant was deleted while its answer was made
        log.info("answer_without_bot", bot_id=str(turn.bot.id))
        await _store_usage(rt, turn, events)


async def _store_usage(rt: Runtime, turn: Turn, events: list[dict[str, Any]]) -> None:
    """What was spent is on the bill, whatever became of the bot."""
    for bot_id in (turn.bot.id, None):
        with suppress(BrokenReferenceError):
            async with rt.db.tenant_plain(turn.principal) as sql:
                for event in events:
                    await sql.run(usage.NEW_EVENT, **event | {"bot_id": bot_id})
            return


def _chunk_ids(passages: list[Found]) -> list[UUID]:
    return [part.chunk_id for passage in passages for part in passage.parts]


def _usage_events(rt: Runtime, turn: Turn) -> list[dict[str, Any]]:
    spent: list[tuple[Usage, str, str]] = [(call.usage, call.kind, call.outcome) for call in turn.calls]
    if turn.retrieval and turn.retrieval.embedded:
        spent.insert(0, (usage.of_embedding(turn.retrieval.embedded), "embedding", "ok"))
    failure = turn.retrieval.failure if turn.retrieval else None
    if failure and not isinstance(failure, NotAskedError):
        spent.insert(0, (usage.of_failed_embedding(failure, rt.embedder.name), "embedding", "failed"))
    about: dict[str, Any] = {
        "tenant_id": turn.bot.tenant_id,
        "bot_id": turn.bot.id,
        "message_id": turn.answer_id if turn.conversation_id else None,
    }
    events = [usage.event(usage=used, kind=kind, outcome=outcome, **about) for used, kind, outcome in spent]
    if turn.kept:
        nothing = Usage(input_tokens=0, output_tokens=0, cached_tokens=0, model=turn.kept.model, provider="cache")
        events.append(usage.event(usage=nothing, kind="cache", saved_tokens=turn.kept.saved_tokens, **about))
    _tell_usage(turn, events)
    return events


def _tell_usage(turn: Turn, events: list[dict[str, Any]]) -> None:
    """To integrators: of the call that made the answer; nothing for one that was there already."""
    told = next((event for event in reversed(events) if event["kind"] in ("chat", "cache")), None)
    if told:
        cost = told["cost_usd"]
        turn.live.usage = UsageRead(
            **{name: told[name] for name in ("input_tokens", "output_tokens", "cached_tokens", "model")},
            cost_usd=0.0 if told["kind"] == "cache" else float(cost) if cost is not None else None,
            saved_tokens=told["saved_tokens"],
        )


def _complete_trace(turn: Turn, events: list[dict[str, Any]]) -> None:
    bot = turn.bot
    turn.trace |= {
        "v": TRACE_VERSION,
        "first_id": turn.live.first_id,
        "language": turn.language,
        "version": bot.version,
        "knowledge_version": bot.knowledge_version,
    }
    turn.trace |= turn.offered
    if turn.live.ending != "stop":
        turn.trace["ending"] = turn.live.ending
    if turn.retrieval:
        turn.trace["passages"] = [_passage(passage) for passage in turn.retrieval.passages]
    names = ("kind", "model", "provider", "outcome", "input_tokens", "output_tokens", "cached_tokens")
    calls = [{name: event[name] for name in names} | {"cost_usd": _price(event)} for event in events]
    made = iter(turn.calls)
    for call in calls:
        if call["kind"] not in ("embedding", "cache") and (one := next(made, None)):
            call |= {"ms": one.milliseconds, "error": one.error}
    turn.trace["calls"] = calls


def _price(event: dict[str, Any]) -> float | None:
    return float(event["cost_usd"]) if event["cost_usd"] is not None else None


def _passage(passage: Found) -> dict[str, Any]:
    told = passage.hit().model_dump(mode="json", exclude={"text"})
    told["parts"] = recorder.kept_parts(passage.text, passage.parts)
    return told


async def keep_for_others(rt: Runtime, turn: Turn, key: AnswerKey) -> None:
    """Unless the answer was made from more than the question, or is none that should be given again."""
    made_from_history = bool(turn.history) and not turn.rewritten
    may = answer_cache.may_keep(
        complete=True,
        answered=turn.answered,
        from_pair=turn.pair is not None,
        fallback=turn.stood_in,
        clarifying=bool(turn.choices),
    )
    if not may or made_from_history:
        return
    spent = [call.usage for call in turn.calls if call.kind == "chat" and call.outcome == "ok"]
    kept = KeptAnswer(
        text=turn.text,
        answered=turn.answered,
        citations=turn.sources,
        proof=turn.proof,
        model=str(turn.trace.get("model", "")),
        provider=spent[-1].provider if spent else "",
        input_tokens=sum(usage.input_tokens for usage in spent),
        output_tokens=sum(usage.output_tokens for usage in spent),
    )
    await answer_cache.keep(rt, turn.principal, key, kept, turn.answer_id)
