"""Recorded answers as the dashboard shows them: figures in words, scores as shares."""

from chatbot_saas.schemas.bots import LANGUAGES, PICTURES
from chatbot_saas.schemas.dashboard import PassageView, PlaygroundTurn
from chatbot_saas.schemas.recordings import FlightCall, FlightPassage, FlightRecord
from chatbot_saas.schemas.workbench import Bar, CallView, Fact, FlightView, RankedPassage
from chatbot_saas.services.courtesies import COURTESY
from chatbot_saas.state.bot_draft import shown
from chatbot_saas.state.history import NAMES, summary_words

TIMES = {"retrieved": "Passages found", "first_token": "First word", "answered": "Whole answer"}
CALLS = {
    "chat": "Answer",
    "standalone": "Stand-alone question",
    "embedding": "Embedding of the question",
    "rerank": "Reranking",
    "cache": "From the cache",
}
_NO_MODEL = {"extractive": "none, quoted", COURTESY: "none"}
_SHORT = {"extractive": "quoted from the sources", COURTESY: "returned out of courtesy"}
DECIDED = {"answer": "Answered", "pair": "Your own answer", "clarify": "Asked back", "refuse": "Declined"}
FATES = {
    "current": "In the knowledge",
    "changed": "Its document has changed since; this is the text as it was",
    "deleted": "Its document was deleted, and the text with it",
    "not_kept": "Its document has changed since, and the text as it was had not been kept",
}


def share(score: float | None) -> int | None:
    return None if score is None else round(100 * min(1.0, max(0.0, score)))


def rank(place: int | None) -> str:
    return "" if place is None else f"#{place}"


def seconds(ms: float) -> str:
    return f"{ms / 1000:.1f} s" if ms >= 1000 else f"{ms:.0f} ms"


def money(cost: float | None) -> str:
    if cost is None:
        return "price not known"
    return f"${cost:.5f}" if 0 < cost < 0.1 else f"${cost:.2f}"


def tokens(record: FlightRecord | FlightCall) -> str:
    cached = f" ({record.cached_tokens:,} of these cached)" if record.cached_tokens else ""
    return f"{record.input_tokens:,} in{cached}, {record.output_tokens:,} out"


def unsupported(record: FlightRecord) -> list[str]:
    return [record.answer[sentence.start : sentence.end] for sentence in record.proof if not sentence.supported]


def remarks(record: FlightRecord) -> list[str]:
    found: list[str] = []
    if record.cached:
        found.append(f"Answered from the cache, which saved {record.saved_tokens:,} tokens.")
    if record.fallback and record.model not in ("extractive", ""):
        found.append(f"The first model did not answer ({record.fallback}), so {record.model} did.")
    return found


def record_path(record: FlightRecord) -> str:
    return f"/conversations/{record.conversation_id}/answers/{record.answer_id}"


def turn_of(record: FlightRecord, question: str = "", answer: str = "", error: str = "") -> PlaygroundTurn:
    best = max((hit.lexical_score or 0.0 for hit in record.passages), default=0.0)
    times = record.milliseconds
    return PlaygroundTurn(
        question=question,
        answer=answer,
        answered=bool(record.answered),
        error=error,
        note=note(record),
        fallback=bool(record.fallback) and record.model == "extractive",
        sources=record.citations,
        passages=[
            PassageView(
                title=hit.title,
                page=hit.page,
                headings=" › ".join(hit.headings),
                text=hit.text,
                vector=share(hit.vector_score),
                lexical=share(hit.lexical_score / best if hit.lexical_score is not None and best else None),
                coverage=share(hit.coverage) or 0,
                cited=hit.cited,
            )
            for hit in record.passages
            if hit.fate != "deleted"
        ],
        answer_id=str(record.answer_id),
        record=record_path(record),
        unsupported=unsupported(record),
        choices=record.choices,
        remarks=remarks(record),
        first_word=seconds(times["first_token"]) if "first_token" in times else "–",
        whole=seconds(times["answered"]) if "answered" in times else "–",
        tokens=tokens(record),
        cost=money(record.cost_usd),
    )


def note(record: FlightRecord) -> str:
    """Who answered, and how soon."""
    parts = [_SHORT.get(record.model, record.model)]
    if pair := record.pair:
        like = "the same words" if pair.by == "exact" else f"{pair.score:.0%} alike"
        parts = [f"your own answer, {like}" + (f": “{pair.question}”" if pair.question else "")]
    for name, words in (("first_token", "first word after"), ("answered", "whole answer after")):
        if (taken := record.milliseconds.get(name)) is not None:
            parts.append(f"{words} {seconds(taken)}")
    return " · ".join(part for part in parts if part)


def flight_view(record: FlightRecord) -> FlightView:
    best = max((hit.lexical_score or 0.0 for hit in record.passages), default=0.0)
    return FlightView(
        answer_id=str(record.answer_id),
        conversation_id=str(record.conversation_id),
        bot_id=str(record.bot_id),
        bot_name=record.bot_name,
        created_at=record.created_at,
        question=record.question,
        answer=record.answer,
        answered=bool(record.answered),
        outcome=_outcome(record),
        notes=remarks(record),
        withheld=record.withheld,
        unsupported=unsupported(record),
        bars=_bars(record.milliseconds),
        facts=_facts(record),
        passages=[_ranked(record, hit, best) for hit in record.passages],
        prompt=record.prompt.messages if record.prompt else [],
        prompt_text="\n\n".join(f"[{m.role}]\n{m.content}" for m in record.prompt.messages) if record.prompt else "",
        exact=bool(record.prompt and record.prompt.exact),
        calls=[_call(call) for call in record.calls],
        version=_version(record),
        settings=[
            Fact(label=label, value=shown(name, record.settings[name]) or "–")
            for name, label in NAMES.items()
            if name in record.settings and name not in PICTURES
        ],
        sources=record.citations,
    )


def _outcome(record: FlightRecord) -> str:
    if record.status != "complete":
        return "No answer could be made."
    if record.pair:
        by = "asked in the same words" if record.pair.by == "exact" else f"{record.pair.score:.0%} alike by meaning"
        return f"An answer of your own was given: the question was {by}."
    if not record.answered:
        asked_back = record.decision == "clarify"
        return "The bot asked back." if asked_back else "The sources did not hold it, so the bot said so."
    if record.model == COURTESY:
        return "A greeting or thanks were returned; nothing was looked up and no model was asked."
    if record.model == "extractive":
        if record.fallback:
            return "The model did not answer, so the best passage was quoted."
        return "Quoted from the best passage; no model was asked."
    return "Answered by the model from the passages below."


def _bars(times: dict[str, float]) -> list[Bar]:
    longest = max([times[name] for name in TIMES if name in times] or [0.0]) or 1.0
    return [
        Bar(label=label, time=seconds(times[name]), share=max(1, round(100 * times[name] / longest)))
        for name, label in TIMES.items()
        if name in times
    ]


def _facts(record: FlightRecord) -> list[Fact]:
    likely = "" if record.probability is None else f"{record.probability:.0%} likely to hold the answer"
    knowledge = "" if record.knowledge_version is None else f"knowledge {record.knowledge_version}"
    facts = [
        Fact(label="Model", value=_NO_MODEL.get(record.model, record.model) or "–"),
        Fact(label="Bot version", value=str(record.version), note=knowledge),
        Fact(label="Tokens", value=f"{record.input_tokens + record.output_tokens:,}", note=tokens(record)),
        Fact(label="Price", value=money(record.cost_usd)),
    ]
    if record.mode or likely or record.decision:
        facts.append(Fact(label="Decision", value=DECIDED.get(record.decision, "–"), note=likely or record.mode))
    if record.language:
        facts.append(Fact(label="Language", value=LANGUAGES.get(record.language, record.language)))
    if record.standalone:
        facts.append(Fact(label="Searched for", value=record.standalone))
    return facts


def _version(record: FlightRecord) -> str:
    return f"Version {record.version}" + (
        f": {summary_words(record.version_summary)}" if record.version_summary else ""
    )


def _ranked(record: FlightRecord, hit: FlightPassage, best: float) -> RankedPassage:
    gone = hit.fate in ("deleted", "not_kept")
    used = hit.in_prompt or not record.recorded
    return RankedPassage(
        id=str(hit.chunk_id),
        number=hit.number,
        title=hit.title,
        page=hit.page,
        headings=" › ".join(hit.headings),
        text=hit.text,
        href=f"/bots/{record.bot_id}/knowledge/{hit.source_id}" if hit.source_id else "",
        mark="gone" if gone else "prompt" if used else "out",
        note=FATES[hit.fate] if hit.fate != "current" else "" if used else "Found, but not in the prompt",
        cited=hit.cited,
        meaning=share(hit.vector_score),
        meaning_rank=rank(hit.vector_rank),
        words=share(hit.lexical_score / best if hit.lexical_score is not None and best else None),
        words_rank=rank(hit.lexical_rank),
        covered=share(hit.coverage) or 0,
        fused=f"{hit.score:.4f}",
    )


def _call(call: FlightCall) -> CallView:
    figures = [tokens(call), money(call.cost_usd)]
    if call.ms is not None:
        figures.append(seconds(call.ms))
    return CallView(
        kind=CALLS.get(call.kind, call.kind), model=call.model, outcome=call.outcome, figures=" · ".join(figures)
    )
