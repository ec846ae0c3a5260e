"""Questions with answers of their own: which question gets them, and how they are kept."""

import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, text
from sqlmodel import col

from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import System
from chatbot_saas.models import Chunk, Message, UsageEvent
from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.schemas.chat import ChatAnswer, ChatRequestBody
from chatbot_saas.schemas.questions import PairMatchRequest
from chatbot_saas.schemas.sources import QuestionPair, SourcePatch, SourceRead
from chatbot_saas.services import bots, chat, intake, matching, pairs, questions, sources
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import visit
from tests.factories.jobs import drained
from tests.factories.knowledge import add_text, make_bot, settled
from tests.factories.people import Person, sign_up
from tests.factories.questions import HOURS, PAIRS, REFUND, add_pairs

# --- what makes two questions the same

SAME = [
    ("What are your opening hours?", "  what ARE your opening   hours !"),
    ("What’s new?", "Whats new"),
    ("Ｆｕｌｌ width", "full width"),
    ("STRASSE", "straße"),
    ("soft\u00adhyphen", "softhyphen"),
    ("café", "cafe\u0301"),
    ("Thanks ❤️", "thanks"),
]
DIFFERENT = [
    ("Do you support C++?", "Do you support C?"),
    ("Do you support C#?", "Do you support C?"),
    ("What is it in €?", "What is it in $?"),
    ("ปี", "ปู"),  # year and crab: only the vowel signs differ
    ("कि", "का"),
    ("Is it 5 days?", "Is it 15 days?"),
    ("resume", "résumé"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_question(one: str, other: str) -> None:
    assert questions.key(one) == questions.key(other) != ""


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_question(one: str, other: str) -> None:
    assert questions.key(one) != questions.key(other)


def test_a_question_without_words_has_no_key_and_a_long_one_is_no_other() -> None:
    assert questions.key(" ?!… ") == ""
    assert matching.asked(new_id(), "?")["key"] == ""
    long = "word " * 200
    assert len(questions.key(long)) <= 500
    assert matching.asked(new_id(), long)["key"] == "", "its beginning could be another question"


# --- who gets the answer


@pytest.fixture(scope="module")
async def person(rt: Runtime) -> Person:
    return await sign_up(rt)


@pytest.fixture(scope="module")
async def bot(rt: Runtime, person: Person) -> BotRead:
    """Knows two pairs, and a text that says something else."""
    bot = await make_bot(rt, person)
    assert (await add_pairs(rt, person, bot.id)).status == "ready"
    await add_text(rt, person, bot.id, "Refunds are paid within 30 days of a return. Offices have opening hours.")
    return bot


async def ask(rt: Runtime, person: Person, bot_id: UUID, question: str) -> tuple[ChatAnswer, dict[str, Any]]:
    """The answer, and its trace."""
    body = ChatRequestBody(bot_id=bot_id, session_id=new_id().hex, message=question)
    live, conversation_id = await chat.ask_with_key(rt, person.principal, body)
    answer = await live.result(conversation_id)
    async with rt.db.tenant(person.principal) as session:
        trace = (await session.get_one(Message, answer.message_id)).trace
    return answer, trace


async def billed(rt: Runtime, message_id: UUID) -> list[str]:
    async with rt.db.platform(System("tests")) as session:
        query = select(col(UsageEvent.kind)).where(col(UsageEvent.message_id) == message_id)
        return list((await session.scalars(query)).all())


async def test_the_same_words_get_the_answer_word_for_word_without_any_model(
    rt: Runtime, person: Person, bot: BotRead
) -> None:
    answer, trace = await ask(rt, person, bot.id, "what are YOUR opening hours")
    assert answer.answer == HOURS.answer
    assert answer.answered
    assert answer.usage is None
    [source] = answer.sources
    assert (source.number, source.title) == (1, "Questions and answers")
    assert HOURS.answer.startswith(source.quote)
    assert (trace["model"], trace["pair"]["by"], trace["pair"]["score"]) == ("pair", "exact", 1)
    assert await billed(rt, answer.message_id) == [], "nothing was embedded and no model asked"


async def test_the_same_meaning_gets_it_too_and_only_the_embedding_is_billed(
    rt: Runtime, person: Person, bot: BotRead
) -> None:
    answer, trace = await ask(rt, person, bot.id, "How long do refunds take?")
    assert answer.answer == REFUND.answer
    assert trace["pair"]["by"] == "meaning"
    assert 0.9 <= trace["pair"]["score"] < 1
    assert await billed(rt, answer.message_id) == ["embedding"]


async def test_a_visitor_gets_it_as_json_and_as_a_stream_and_learns_nothing_more(
    client: httpx.AsyncClient, bot: BotRead
) -> None:
    conversation_id, visitor = await visit(client, bot.id)
    body = {"conversation_id": conversation_id, "message": HOURS.question}
    told = (await client.post(f"/api/public/chat/{bot.id}", json=body, headers=visitor)).json()
    assert told.pop("answer") == HOURS.answer
    assert set(told) == {"message_id", "answered", "sources", "proof", "choices", "leave_message", "handoff", "stopped"}
    stream = visitor | {"Accept": "text/event-stream"}
    lines = (await client.post(f"/api/public/chat/{bot.id}", json=body, headers=stream)).text.splitlines()
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert "".join(event.get("text", "") for event in events) == HOURS.answer
    seen = (await client.get(f"/api/public/conversation/{conversation_id}", headers=visitor)).text
    assert seen.count("Monday to Friday") == 2 + 2 + 2, "two answers with their quotes and proofs"
    for secret in ("score", "exact", "trace", '"pair"'):
        assert secret not in f"{told} {events} {seen}"


async def test_an_answer_whose_maker_died_is_the_same_when_it_is_made_again(
    rt: Runtime, person: Person, bot: BotRead
) -> None:
    body = ChatRequestBody(bot_id=bot.id, session_id="died", message=HOURS.question, client_message_id="m1")
    live, conversation_id = await chat.ask_with_key(rt, person.principal, body)
    first = await live.result(conversation_id)
    async with rt.db.platform(System("tests")) as session:
        lost = text("UPDATE messages SET status = 'pending', text = '' WHERE id = :id")
        await session.execute(lost, {"id": first.message_id})
    live.emit("error", code="internal", message="died", retryable=True)
    again, conversation_id = await chat.ask_with_key(rt, person.principal, body)
    assert again is not live
    result = await again.result(conversation_id)
    assert (result.message_id, result.answer) == (first.message_id, HOURS.answer)


async def test_less_alike_is_left_to_the_model_which_may_quote_the_answer_but_not_the_question(
    rt: Runtime, person: Person
) -> None:
    bot = await make_bot(rt, person)
    pair = QuestionPair(question="Do you have a warranty on the frames of your sofas", answer="yes, for 5 years")
    await add_pairs(rt, person, bot.id, [pair])
    answer, trace = await ask(rt, person, bot.id, "warranty of frames?")
    assert trace["model"] == "extractive"
    assert "pair" not in trace
    assert "yes, for 5 years" in answer.answer
    assert "Do you have" not in answer.answer
    assert [source.quote for source in answer.sources] == ["yes, for 5 years"]


async def test_a_change_of_the_threshold_counts_at_once(rt: Runtime, person: Person) -> None:
    bot = await make_bot(rt, person)
    await add_pairs(rt, person, bot.id)
    question = "When will I get my refund?"

    async def put(threshold: float) -> None:
        async with rt.db.tenant(person.principal) as session:
            await bots.change(session, person.principal, bot.id, BotPatch(qa_threshold=threshold), rt)

    assert (await ask(rt, person, bot.id, question))[1]["model"] == "extractive"
    await put(0.75)
    answer, trace = await ask(rt, person, bot.id, question)
    assert (answer.answer, trace["pair"]["by"]) == (REFUND.answer, "meaning")
    await put(1.0)
    assert (await ask(rt, person, bot.id, question))[1]["model"] == "extractive"
    assert (await ask(rt, person, bot.id, REFUND.question))[1]["pair"]["by"] == "exact"
    async with rt.db.tenant(person.principal) as session:
        latest = (await bots.versions(session, person.principal, bot.id))[0]
    assert (latest.summary, latest.settings["qa_threshold"]) == ("qa_threshold", 1.0)


async def test_what_vectors_cannot_tell_is_left_to_the_model(rt: Runtime, person: Person) -> None:
    """The offline embedder takes these Japanese questions for the same (cosine 1), and cares little for numbers."""
    bot = await make_bot(rt, person)
    returns = QuestionPair(question="返品はできますか？", answer="はい、できます。")
    within = QuestionPair(question="Is delivery free above 50 euros?", answer="Yes.")
    await add_pairs(rt, person, bot.id, [returns, within])

    async def tried(query: str) -> tuple[bool, str, float]:
        found = await matching.try_question(rt, person.principal, bot.id, PairMatchRequest(query=query))
        return found.matched, found.candidates[0].held, found.candidates[0].score

    matched, held, score = await tried("交換はできますか？")
    assert (matched, held) == (False, "language")
    assert score > 0.98
    matched, held, score = await tried("Is delivery free above 20 euros?")
    assert (matched, held) == (False, "numbers")
    assert score > 0.9
    assert (await ask(rt, person, bot.id, "交換はできますか？"))[1].get("model") != "pair"
    assert (await ask(rt, person, bot.id, "返品はできますか"))[0].answer == returns.answer, "the same words do"
    german = await make_bot(rt, person, language="de")
    await add_pairs(rt, person, german.id, [REFUND])
    assert (await ask(rt, person, german.id, "How long do refunds take?"))[1].get("model") != "pair"


async def test_trying_tells_what_matches_by_what_and_how_close(rt: Runtime, person: Person, bot: BotRead) -> None:
    async def tried(query: str, threshold: float | None = None) -> Any:
        body = PairMatchRequest(query=query, threshold=threshold)
        return await matching.try_question(rt, person.principal, bot.id, body)

    async def embedded() -> int:
        async with rt.db.tenant(person.principal) as session:
            mine = "SELECT count(*) FROM usage_events WHERE kind = 'embedding' AND bot_id = :bot"
            return (await session.execute(text(mine), {"bot": bot.id})).scalar_one()

    before = await embedded()
    found = await tried("opening HOURS of yours")
    assert await embedded() == before + 1, "it is recorded like a search"
    assert [pair.question for pair in found.candidates] == [HOURS.question, REFUND.question]
    assert found.candidates[0].answer == HOURS.answer
    assert found.score == found.candidates[0].score
    found = await tried(HOURS.question.upper())
    assert (found.matched, found.by, found.score, found.threshold) == (True, "exact", 1, 0.9)
    found = await tried("When will I get my refund?")
    assert (found.matched, found.by) == (False, None)
    found = await tried("When will I get my refund?", 0.7)
    assert (found.matched, found.by, found.threshold) == (True, "meaning", 0.7)
    with pytest.raises(NotFoundError):
        await matching.try_question(rt, (await sign_up(rt)).principal, bot.id, PairMatchRequest(query="hours"))


async def test_anothers_pairs_answer_nobody_else(rt: Runtime, bot: BotRead) -> None:
    stranger = await sign_up(rt)
    theirs = await make_bot(rt, stranger)
    await add_pairs(rt, stranger, theirs.id, [QuestionPair(question=HOURS.question, answer="Never.")])
    assert (await ask(rt, stranger, theirs.id, HOURS.question))[0].answer == "Never."
    other = await make_bot(rt, stranger)
    answer, trace = await ask(rt, stranger, other.id, HOURS.question)
    assert not answer.answered
    assert "pair" not in trace


# --- what is gone, stopped or changed


async def test_a_deleted_or_cancelled_list_answers_no_more(rt: Runtime, person: Person) -> None:
    bot = await make_bot(rt, person)
    source = await add_pairs(rt, person, bot.id)
    assert (await ask(rt, person, bot.id, HOURS.question))[0].answer == HOURS.answer
    await sources.delete(rt, person.principal, source.id)
    for question in (HOURS.question, "opening hours, what are they?"):
        answer, trace = await ask(rt, person, bot.id, question)
        assert not answer.answered
        assert "pair" not in trace
    await drained(rt)
    other = await add_pairs(rt, person, bot.id)
    unread = text("UPDATE sources SET status = 'embedding', refreshed_at = NULL WHERE id = :id")
    async with rt.db.platform(System("tests")) as session:
        await session.execute(unread, {"id": other.id})
    assert (await ask(rt, person, bot.id, HOURS.question))[0].answer == HOURS.answer, "stored is enough"
    async with rt.db.tenant(person.principal) as session:
        await sources.cancel(session, person.principal, other.id, rt)
    assert "pair" not in (await ask(rt, person, bot.id, HOURS.question))[1]


async def test_of_two_lists_the_newer_one_answers_and_of_one_list_the_first(rt: Runtime, person: Person) -> None:
    bot = await make_bot(rt, person)
    await add_pairs(rt, person, bot.id, [QuestionPair(question="Hours?", answer="old")])
    newer = [QuestionPair(question="hours", answer="new"), QuestionPair(question="HOURS!", answer="second")]
    await add_pairs(rt, person, bot.id, newer, title="Newer")
    answer, _ = await ask(rt, person, bot.id, "Hours")
    assert (answer.answer, answer.sources[0].title) == ("new", "Newer")


async def rows(rt: Runtime, source: SourceRead) -> list[tuple[Any, ...]]:
    async with rt.db.platform(System("tests")) as session:
        query = select(col(Chunk.id), col(Chunk.question_key), col(Chunk.embedder)).order_by(col(Chunk.ordinal))
        return [tuple(row) for row in await session.execute(query.where(col(Chunk.source_id) == source.id))]


async def test_a_change_keeps_what_stayed_and_reading_twice_changes_nothing(rt: Runtime, person: Person) -> None:
    bot = await make_bot(rt, person)
    source = await add_pairs(rt, person, bot.id)
    before = await rows(rt, source)
    async with rt.db.tenant(person.principal) as session:
        await sources.reindex(session, person.principal, source.id, rt)
    await settled(rt, person, source.id)
    assert await rows(rt, source) == before
    changed = SourcePatch(pairs=[HOURS, QuestionPair(question=REFUND.question, answer="A week.")])
    for _ in range(3):  # again while the former is still being read
        await intake.change(rt, person.principal, source.id, changed)
    assert (await settled(rt, person, source.id)).status == "ready"
    await drained(rt)
    after = await rows(rt, source)
    assert after[0] == before[0], "embedded once"
    assert after[1][0] != before[1][0]
    assert len(after) == 2
    assert (await ask(rt, person, bot.id, "How long do refunds take?"))[0].answer == "A week."
    assert (await pairs.load(rt, person.principal, source.id)).pairs == changed.pairs


def test_preparing_gives_the_same_every_time(rt: Runtime, tmp_path: Any) -> None:
    path = tmp_path / "pairs"
    path.write_bytes(questions.dump(PAIRS))
    models = str(rt.settings.models_dir)
    prepared = questions.prepare_file(str(path), models, "en")
    assert questions.prepare_file(str(path), models, "en") == prepared
    for draft, pair, columns in zip(prepared.chunks, PAIRS, prepared.questions, strict=True):
        assert prepared.text[draft.start : draft.end] == draft.text
        assert draft.text[questions.answer_begins(pair.question) :] == pair.answer
        assert columns == {"question": pair.question, "question_key": questions.key(pair.question)}
