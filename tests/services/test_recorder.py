"""What answers were made from stays readable for their owner, until the document is deleted."""

from dataclasses import dataclass, replace
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from chatbot_saas.adapters.llm import Message as PromptPiece
from chatbot_saas.adapters.llm import Passage
from chatbot_saas.core.errors import ForbiddenError, NotFoundError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Scope, System
from chatbot_saas.models import Chunk, Message, RecordedPassage
from chatbot_saas.schemas.recordings import FlightRecord
from chatbot_saas.schemas.sources import SourcePatch, TextSource
from chatbot_saas.services import chat, intake, prompts, recorder, sources
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import visit
from tests.factories.knowledge import add_text, make_bot, make_knowing_bot, settled
from tests.factories.people import Person
from tests.factories.statements import counted_statements
from tests.factories.stores import chunks_of


@dataclass(frozen=True)
class Part:
    chunk_id: UUID
    begin: int
    end: int
    skip: int = 0


async def keep(rt: Runtime, person: Person, ids: list[UUID]) -> None:
    async with rt.db.tenant_plain(person.principal) as sql:
        await sql.run(recorder.KEEP_PASSAGES, ids=ids)


async def recorded(rt: Runtime, bot_id: UUID) -> list[RecordedPassage]:
    async with rt.db.platform(System("tests")) as session:
        query = select(RecordedPassage).where(col(RecordedPassage.bot_id) == bot_id)
        return list((await session.scalars(query.order_by(col(RecordedPassage.start)))).all())


async def test_a_chunk_is_kept_once_and_by_its_own_tenant_only(rt: Runtime, owner: Person, stranger: Person) -> None:
    bot = await make_bot(rt, owner)
    chunks = await chunks_of(rt, (await add_text(rt, owner, bot.id)).id)
    ids = [chunk.id for chunk in chunks]
    await keep(rt, stranger, ids)
    assert await recorded(rt, bot.id) == []
    await keep(rt, owner, ids)
    await keep(rt, owner, [*ids, *ids])
    kept = await recorded(rt, bot.id)
    assert [(row.id, row.text, row.start) for row in kept] == [(c.id, c.text, c.start) for c in chunks]


QUESTION = "How long does a refund take?"
PROMPT_END = "How long does a refund take?"


async def answered(rt: Runtime, person: Person, bot_id: UUID) -> UUID:
    """An answer to QUESTION, kept as turns keep it; its id."""
    live, answer_id = await chat.ask_in_playground(rt, person.principal, bot_id, new_id().hex, QUESTION)
    async for _ in live.follow():
        pass
    async with rt.db.tenant(person.principal) as session:
        answer = await session.get_one(Message, answer_id)
        told = answer.trace["passages"]
        chunks = [await session.get_one(Chunk, UUID(passage["chunk_id"])) for passage in told]
        used = tuple(Passage(i, told[i - 1]["title"], c.page, c.text) for i, c in enumerate(chunks, start=1))
        system = "\n".join(["Rules.", *(prompts.as_data(p.text) for p in used)])
        prompt = [PromptPiece("system", system), PromptPiece("user", PROMPT_END)]
        calls = [{"kind": "chat", "model": "m", "outcome": "failed", "ms": 12.5}]
        kept = {"v": 2, "version": 1, "mode": "balanced", "calls": calls, "prompt": recorder.folded(prompt, used)}
        answer.trace = {**answer.trace, **kept}
    await keep(rt, person, [chunk.id for chunk in chunks])
    return answer_id


async def record_of(rt: Runtime, person: Person, answer_id: UUID) -> FlightRecord:
    async with rt.db.tenant(person.principal) as session:
        return await recorder.flight(session, person.principal, answer_id)


async def test_an_answer_opens_to_its_exact_prompt(rt: Runtime, owner: Person) -> None:
    bot = await make_knowing_bot(rt, owner, instructions="Be kind.")
    answer_id = await answered(rt, owner, bot.id)
    with counted_statements() as sent:
        record = await record_of(rt, owner, answer_id)
    assert len(sent) <= 12
    assert record.prompt is not None
    assert record.prompt.exact
    assert record.prompt.messages[-1].content == PROMPT_END
    assert (record.question, record.answered, record.version, record.mode) == (QUESTION, True, 1, "balanced")
    assert record.settings["instructions"] == "Be kind."
    [first, *_] = record.passages
    assert (first.fate, first.in_prompt, first.number) == ("current", True, 1)
    assert first.text in record.prompt.messages[0].content
    assert [(call.kind, call.outcome, call.ms) for call in record.calls] == [("chat", "failed", 12.5)]
    assert record.milliseconds.keys() >= {"retrieved", "answered"}
    assert record.input_tokens > 0


async def test_a_changed_document_leaves_the_answer_as_it_was(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    text = TextSource(type="text", title="Returns", text="A refund takes 5 working days.")
    source = await intake.add(rt, owner.principal, bot.id, text)
    await settled(rt, owner, source.id)
    answer_id = await answered(rt, owner, bot.id)
    patch = SourcePatch(text="A refund takes 9 weeks now.")
    await intake.change(rt, owner.principal, source.id, patch)
    await settled(rt, owner, source.id)
    record = await record_of(rt, owner, answer_id)
    assert [passage.fate for passage in record.passages] == ["changed"]
    assert "5 working days" in record.passages[0].text
    assert record.prompt is not None
    assert record.prompt.exact


async def test_the_text_of_a_deleted_document_is_gone_from_here_too(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    source = await add_text(rt, owner, bot.id)
    answer_id = await answered(rt, owner, bot.id)
    await sources.delete(rt, owner.principal, source.id)
    assert await recorded(rt, bot.id) == []
    record = await record_of(rt, owner, answer_id)
    assert {passage.fate for passage in record.passages} == {"deleted"}
    assert not any(passage.text or passage.headings or passage.source_id for passage in record.passages)
    assert record.prompt is not None
    assert not record.prompt.exact
    missing = [part for message in record.prompt.messages for part in message.parts if part.missing]
    assert missing[0].text == "{{passage 1}}"
    assert "deliver" not in record.prompt.model_dump_json(), "of the handbook"


async def test_a_joined_passage_is_rebuilt(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    await add_text(rt, owner, bot.id)
    answer_id = await answered(rt, owner, bot.id)
    async with rt.db.tenant(owner.principal) as session:
        answer = await session.get_one(Message, answer_id)
        [told, *_] = answer.trace["passages"]
        chunk = await session.get_one(Chunk, UUID(told["chunk_id"]))
        text = f"{chunk.text}\n\n{chunk.text[3:]}"
        parts = [Part(chunk.id, 0, len(chunk.text)), Part(chunk.id, len(chunk.text) + 2, len(text), 3)]
        passage = told | {"parts": recorder.kept_parts(text, parts)}
        answer.trace = answer.trace | {"passages": [passage]}
    assert (await record_of(rt, owner, answer_id)).passages[0].text == text


async def test_an_answer_of_long_ago_opens_with_what_it_has(rt: Runtime, owner: Person) -> None:
    bot = await make_knowing_bot(rt, owner)
    live, answer_id = await chat.ask_in_playground(rt, owner.principal, bot.id, "s", QUESTION)
    async for _ in live.follow():
        pass
    async with rt.db.tenant(owner.principal) as session:
        answer = await session.get_one(Message, answer_id)
        passages = [{k: p[k] for k in ("chunk_id", "title", "score")} for p in answer.trace["passages"]]
        answer.trace = {"passages": passages, "model": "old", "answered_ms": 7.0}
    record = await record_of(rt, owner, answer_id)
    assert (record.recorded, record.prompt, record.model) == (False, None, "old")
    assert record.passages[0].text
    assert record.milliseconds == {"answered": 7.0}
    assert [call.kind for call in record.calls] == ["embedding", "chat"], "from the bill"


async def test_only_those_who_may_read_conversations_of_this_bot(
    rt: Runtime, owner: Person, stranger: Person, client: httpx.AsyncClient
) -> None:
    bot = await make_knowing_bot(rt, owner)
    answer_id = await answered(rt, owner, bot.id)
    path = f"/api/v1/messages/{answer_id}/record"
    shown = await client.get(path, headers=owner.headers)
    assert shown.json()["prompt"]["exact"] is True
    assert (await client.get(path, headers=stranger.headers)).status_code == 404
    async with rt.db.tenant(owner.principal) as session:
        question_id = (await session.get_one(Message, answer_id)).reply_to_id
        with pytest.raises(NotFoundError):
            await recorder.flight(session, owner.principal, question_id or answer_id)
        other = replace(owner.principal, bot_ids=frozenset({new_id()}))
        with pytest.raises(NotFoundError):
            await recorder.flight(session, other, answer_id)
        blind = replace(owner.principal, scopes=frozenset({Scope.CHAT}))
        with pytest.raises(ForbiddenError):
            await recorder.flight(session, blind, answer_id)


async def test_nothing_of_it_reaches_a_visitor(rt: Runtime, owner: Person, client: httpx.AsyncClient) -> None:
    bot = await make_knowing_bot(rt, owner, instructions="The codeword is periwinkle.")
    conversation_id, visitor = await visit(client, bot.id)
    body = {"conversation_id": conversation_id, "message": QUESTION}
    headers = visitor | {"Accept": "text/event-stream"}
    streamed = await client.post(f"/api/public/chat/{bot.id}", json=body, headers=headers)
    async with rt.db.tenant(owner.principal) as session:
        query = select(Message).where(col(Message.conversation_id) == UUID(conversation_id), col(Message.trace) != {})
        [answer] = (await session.scalars(query)).all()
        prompt = recorder.folded([PromptPiece("system", "periwinkle {{passage 1}}")], [])
        answer.trace = answer.trace | {"v": 2, "prompt": prompt, "withheld": ["periwinkle said so"]}
    again = await client.get(f"/api/public/conversation/{conversation_id}", headers=visitor)
    for told in (streamed, again):
        assert told.status_code == 200, told.text
        for word in ("periwinkle", "trace", "prompt", "score", "chunk_id", "input_tokens", "cost_usd"):
            assert word not in told.text, word
    record = await client.get(f"/api/v1/messages/{answer.id}/record", headers=visitor)
    assert record.status_code == 401
