"""The flight recorder: what an answer was made from is kept, so that it opens to its exact prompt months later.

A chunk's id follows from what it holds, so each is kept once, whatever number of answers were made from it. It outlives
a change of its document and goes when the document is deleted: a prompt is kept without the texts of its passages.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.llm import Message as PromptPiece
from chatbot_saas.adapters.llm import Passage
from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.models import (
    Attachment,
    AttachmentChunk,
    Bot,
    BotVersion,
    Chunk,
    Conversation,
    Document,
    Message,
    RecordedPassage,
    UsageEvent,
)
from chatbot_saas.schemas.bots import PICTURES
from chatbot_saas.schemas.chat import Citation, PairTrace, SentenceProof
from chatbot_saas.schemas.recordings import (
    FlightCall,
    FlightPassage,
    FlightPrompt,
    FlightRecord,
    PassageFate,
    PromptMessage,
    PromptPart,
)
from chatbot_saas.services import prompts
from chatbot_saas.services.questions import answer_begins

KEEP_PASSAGES = """
    INSERT INTO recorded_passages (id, tenant_id, bot_id, document_id, title, url, headings, page, pages, start, "end",
                                   text, question)
    SELECT c.id, c.tenant_id, c.bot_id, c.document_id, d.title, d.url, c.headings, c.page, c.pages, c.start, c."end",
           c.text, c.question
    FROM chunks c JOIN documents d ON d.id = c.document_id
    WHERE c.id = ANY(%(ids)s) AND NOT EXISTS (SELECT 1 FROM recorded_passages r WHERE r.id = c.id)
    FOR KEY SHARE OF d
    ON CONFLICT DO NOTHING
    """
"""Keeps the chunks `ids` (a list of UUIDs) that are not kept yet. To be run before the answer's row is written: it
waits for a deletion that is under way, which may be about to take that row too. What was deleted meanwhile is left
out, without an error."""


def folded(messages: Sequence[PromptPiece], passages: Sequence[Passage]) -> dict[str, Any]:
    """A prompt to be kept: {"messages": [{"role", "content"}], "mark", "sha256"}.

    Wherever the text of a passage stands, a placeholder stands instead, such as {{passage 1}}; `mark` is the first word
    of placeholders, another one where the prompt itself holds such words. `sha256` is that of the prompt as it was.
    """
    mark = "passage"
    while any(f"{{{{{mark} " in message.content for message in messages):
        mark += "_"
    texts = {passage.number: prompts.as_data(passage.text) for passage in passages}
    return {
        "messages": [{"role": m.role, "content": _fold(m.content, texts, mark)} for m in messages],
        "mark": mark,
        "sha256": digest([(m.role, m.content) for m in messages]),
    }


def _fold(content: str, texts: Mapping[int, str], mark: str) -> str:
    """Each place of each text, from left to right; of two at the same place the longer one."""
    left = {number: text for number, text in texts.items() if text}
    parts: list[str] = []
    at = 0
    while left:
        places = [(content.find(text, at), -len(text), number) for number, text in left.items()]
        left = {number: left[number] for place, _, number in places if place >= 0}
        if left:
            place, _, number = min(found for found in places if found[0] >= 0)
            parts += content[at:place], f"{{{{{mark} {number}}}}}"
            at = place + len(left[number])
    return "".join([*parts, content[at:]])


def digest(messages: Sequence[tuple[str, str]]) -> str:
    """Of (role, content) each, in order."""
    whole = hashlib.sha256()
    for role, content in messages:
        for part in (role, content):
            data = part.encode("utf-8", "surrogatepass")
            whole.update(len(data).to_bytes(8))
            whole.update(data)
    return whole.hexdigest()


def filled(kept: Mapping[str, Any], texts: Mapping[int, str]) -> list[tuple[str, str]]:
    """(role, content) of what `folded` kept, with the passages' texts by number; where one is missing, its placeholder
    stays."""
    return [(message.role, message.content) for message in _in_parts(kept, texts)]


class _Part(Protocol):
    @property
    def chunk_id(self) -> UUID: ...
    @property
    def begin(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def skip(self) -> int: ...


def kept_parts(text: str, parts: Sequence[_Part]) -> list[list[Any]]:
    """How a passage was joined from chunks, for its trace: [chunk id, begin, end, skip, what stands before] each.

    text[begin:end] is the chunk's text from `skip` on; before it stands what no chunk holds, which is white space.
    """
    rows: list[list[Any]] = []
    end = 0
    for part in parts:
        rows.append([str(part.chunk_id), part.begin, part.end, part.skip, text[end : part.begin]])
        end = part.end
    return rows


@dataclass(frozen=True, slots=True)
class _Kept:
    """A chunk as the answer was made from it."""

    title: str
    text: str
    question: str
    headings: list[str]
    current: bool


async def flight(session: AsyncSession, principal: Tenant, answer_id: UUID) -> FlightRecord:
    """How an answer was made. Raises NotFoundError for what is no answer of the tenant's."""
    principal.require(Scope.CONVERSATIONS_READ)
    answer = await session.get(Message, answer_id)
    if answer is None or answer.role != "assistant":
        raise NotFoundError("There is no such answer.")
    principal.require_bot(answer.bot_id)
    trace = answer.trace
    question = await session.get(Message, answer.reply_to_id) if answer.reply_to_id else None
    conversation = await session.get_one(Conversation, answer.conversation_id)
    bot = await session.get_one(Bot, answer.bot_id)
    version = await _version(session, answer)
    told: list[dict[str, Any]] = trace.get("passages", [])
    kept, documents = await _kept(session, told, trace.get("pair"))
    prompt, numbers = _prompt(trace.get("prompt"), told, kept)
    calls, bill = await _calls(session, answer)
    return FlightRecord(
        answer_id=answer.id,
        conversation_id=answer.conversation_id,
        bot_id=bot.id,
        bot_name=bot.name,
        channel=conversation.channel,
        question=question.text if question else "",
        answer=answer.text,
        status=answer.status,
        answered=answer.answered,
        created_at=answer.created_at,
        recorded=prompt is not None,
        pair=_pair(trace.get("pair"), kept),
        version=trace.get("version") or answer.bot_version,
        version_summary=version.summary if version else "",
        version_at=version.created_at if version else None,
        settings={name: value for name, value in version.settings.items() if name not in PICTURES} if version else {},
        citations=[Citation.model_validate(source) for source in answer.sources],
        proof=[SentenceProof.model_validate(sentence) for sentence in answer.proof],
        passages=[
            _passage(number, passage, kept, documents, answer, numbers) for number, passage in enumerate(told, start=1)
        ],
        prompt=prompt,
        calls=calls,
        milliseconds={name[:-3]: value for name, value in trace.items() if name.endswith("_ms") and value is not None},
        **bill,
        **_told(trace),
    )


def _told(trace: Mapping[str, Any]) -> dict[str, Any]:
    """What the trace says in so many words."""
    texts = ("standalone", "language", "decision", "mode", "model", "fallback")
    return {
        **{name: trace.get(name) or "" for name in texts},
        "probability": trace.get("probability"),
        "cached": bool(trace.get("cached")),
        "withheld": trace.get("withheld") or [],
        "choices": trace.get("choices") or [],
        "knowledge_version": trace.get("knowledge_version"),
    }


async def _version(session: AsyncSession, answer: Message) -> BotVersion | None:
    number = answer.trace.get("version") or answer.bot_version
    query = select(BotVersion).where(col(BotVersion.bot_id) == answer.bot_id, col(BotVersion.version) == number)
    return (await session.scalars(query)).first()


def _parts(passage: Mapping[str, Any]) -> list[tuple[UUID, int, int | None, int, str]]:
    """(chunk id, begin, end, skip, what stands before) each; of a passage that is one chunk, the whole of it."""
    rows: list[list[Any]] = passage.get("parts") or [[passage["chunk_id"], 0, None, 0, ""]]
    return [(UUID(chunk_id), begin, end, skip, before) for chunk_id, begin, end, skip, before in rows]


async def _kept(
    session: AsyncSession, told: Sequence[Mapping[str, Any]], pair: Mapping[str, Any] | None
) -> tuple[dict[UUID, _Kept], dict[UUID, UUID]]:
    """The chunks by id, and the source of each document that is still there."""
    ids = {part[0] for passage in told for part in _parts(passage)}
    if pair:
        ids.add(UUID(pair["chunk_id"]))
    if not ids:
        return {}, {}
    kept = {
        row.id: _Kept(row.title, row.text, row.question, row.headings, False)
        for row in await session.scalars(select(RecordedPassage).where(col(RecordedPassage.id).in_(ids)))
    }
    now = (
        select(col(Chunk.id), col(Document.title), col(Chunk.text), col(Chunk.question), col(Chunk.headings))
        .join_from(Chunk, Document, col(Document.id) == col(Chunk.document_id))
        .where(col(Chunk.id).in_(ids))
    )
    for chunk_id, title, text, question, headings in await session.execute(now):
        kept[chunk_id] = _Kept(title, text, question, headings, True)
    files = (
        select(col(AttachmentChunk.id), col(Attachment.name), col(AttachmentChunk.text), col(AttachmentChunk.headings))
        .join_from(AttachmentChunk, Attachment, col(Attachment.id) == col(AttachmentChunk.attachment_id))
        .where(col(AttachmentChunk.id).in_(ids))
    )
    for chunk_id, name, text, headings in await session.execute(files):
        kept[chunk_id] = _Kept(name, text, "", headings, True)
    documents = {UUID(passage["document_id"]) for passage in told if passage.get("document_id")}
    living = select(col(Document.id), col(Document.source_id)).where(col(Document.id).in_(documents))
    return kept, {row[0]: row[1] for row in await session.execute(living)}


def _text(passage: Mapping[str, Any], kept: Mapping[UUID, _Kept]) -> str | None:
    """The passage as it was; None where a part of it is gone."""
    text = ""
    for chunk_id, begin, end, skip, before in _parts(passage):
        if chunk_id not in kept:
            return None
        whole = kept[chunk_id].text
        text += before + (whole[skip : skip + end - begin] if end is not None else whole)
    return text


def _passage(
    number: int,
    told: Mapping[str, Any],
    kept: Mapping[UUID, _Kept],
    documents: Mapping[UUID, UUID],
    answer: Message,
    numbers: set[int],
) -> FlightPassage:
    text = _text(told, kept)
    chunk_id = UUID(told["chunk_id"])
    document_id = UUID(told["document_id"]) if told.get("document_id") else None
    chunk = kept.get(chunk_id)
    fate: PassageFate = "not_kept" if document_id in documents else "deleted"
    if text is not None:
        fate = "current" if all(kept[part[0]].current for part in _parts(told)) else "changed"
    gone = fate == "deleted"
    cited = {(source["title"], source["number"]) for source in answer.sources}
    title = told.get("title") or (chunk.title if chunk else "")
    return FlightPassage(
        number=number,
        in_prompt=number in numbers,
        fate=fate,
        chunk_id=chunk_id,
        document_id=None if gone else document_id,
        source_id=documents.get(document_id) if document_id else None,
        title=title,
        page=told.get("page"),
        # headings are words of the document
        headings=[] if gone else told.get("headings") or (chunk.headings if chunk else []),
        text=text or "",
        cited=(title, number) in cited,
        score=told.get("score") or 0.0,
        vector_score=told.get("vector_score"),
        vector_rank=told.get("vector_rank"),
        lexical_score=told.get("lexical_score"),
        lexical_rank=told.get("lexical_rank"),
        coverage=told.get("coverage") or 0.0,
    )


def _pair(told: Mapping[str, Any] | None, kept: Mapping[UUID, _Kept]) -> PairTrace | None:
    if not told:
        return None
    chunk = kept.get(UUID(told["chunk_id"]))
    return PairTrace(by=told["by"], score=told["score"], question=chunk.question if chunk else "")


def _prompt(
    recorded: Mapping[str, Any] | None, told: Sequence[Mapping[str, Any]], kept: Mapping[UUID, _Kept]
) -> tuple[FlightPrompt | None, set[int]]:
    """The prompt with its passages, and which these are."""
    if not recorded:
        return None, set()
    texts: dict[int, str] = {}
    for number, passage in enumerate(told, start=1):
        if (text := _text(passage, kept)) is not None:
            chunk = kept[UUID(passage["chunk_id"])]
            begins = answer_begins(chunk.question)
            shown = Passage(number, passage.get("title") or chunk.title, passage.get("page"), text, begins)
            texts[number] = prompts.as_data(shown.text)
    messages = _in_parts(recorded, texts)
    whole = [(message.role, message.content) for message in messages]
    numbers = {part.passage for message in messages for part in message.parts if part.passage}
    prompt = FlightPrompt(messages=messages, exact=digest(whole) == recorded["sha256"], sha256=recorded["sha256"])
    return prompt, numbers


def _in_parts(kept: Mapping[str, Any], texts: Mapping[int, str]) -> list[PromptMessage]:
    """What `folded` kept, cut at its placeholders, which are filled where the text is there."""
    placeholder = re.compile(r"(\{\{" + re.escape(kept["mark"]) + r" \d+\}\})")

    def part(index: int, piece: str) -> PromptPart:
        if index % 2 == 0:
            return PromptPart(text=piece)
        number = int(piece.rpartition(" ")[2].rstrip("}"))
        return PromptPart(text=texts.get(number, piece), passage=number, missing=number not in texts)

    return [
        PromptMessage(
            role=message["role"],
            parts=[part(index, piece) for index, piece in enumerate(placeholder.split(message["content"])) if piece],
        )
        for message in kept["messages"]
    ]


async def _calls(session: AsyncSession, answer: Message) -> tuple[list[FlightCall], dict[str, Any]]:
    """The calls, by the trace where it tells them, and the sums of the bill."""
    query = select(UsageEvent).where(col(UsageEvent.message_id) == answer.id).order_by(col(UsageEvent.id))
    rows = (await session.scalars(query)).all()
    billed = [_call(row) for row in rows]
    calls: list[dict[str, Any]] = answer.trace.get("calls") or []
    told = [FlightCall.model_validate(_NO_CALL | call) for call in calls]
    prices = [call.cost_usd for call in billed if call.cost_usd is not None]
    return told or billed, {
        "input_tokens": sum(call.input_tokens for call in billed),
        "output_tokens": sum(call.output_tokens for call in billed),
        "cached_tokens": sum(call.cached_tokens for call in billed),
        "saved_tokens": sum(row.saved_tokens for row in rows),
        "cost_usd": sum(prices) if prices else None,
    }


_NO_CALL: dict[str, Any] = {
    "provider": "",
    "outcome": "ok",
    "input_tokens": 0,
    "output_tokens": 0,
    "cached_tokens": 0,
    "cost_usd": None,
    "ms": None,
}


def _call(event: UsageEvent) -> FlightCall:
    names = ("kind", "model", "provider", "outcome", "input_tokens", "output_tokens", "cached_tokens")
    cost = float(event.cost_usd) if event.cost_usd is not None else None
    return FlightCall(**{name: getattr(event, name) for name in names}, cost_usd=cost, ms=None)
