"""What a question finds with which ranks, what would be done with it, and why a document is not found."""

from dataclasses import replace
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from chatbot_saas.core.errors import ForbiddenError, NotFoundError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Scope
from chatbot_saas.models import Chunk, Source, UsageEvent
from chatbot_saas.schemas.bots import BotPatch
from chatbot_saas.schemas.inspection import ExplainRequest, Inspection, WhyNot
from chatbot_saas.schemas.sources import QaSource, QuestionPair, SourceRead
from chatbot_saas.services import bots, chat, inspection, intake, recorder
from chatbot_saas.services.runtime import Runtime
from tests.factories.knowledge import add_text, make_bot, make_knowing_bot, settled
from tests.factories.people import Person
from tests.factories.statements import counted_statements
from tests.factories.stores import chunks_of

QUESTION = "How long does a refund take?"


async def explained(rt: Runtime, person: Person, bot_id: UUID, query: str = QUESTION, **about: UUID) -> Inspection:
    return await inspection.explain(rt, person.principal, bot_id, ExplainRequest(query=query, **about))


async def why(rt: Runtime, person: Person, source: SourceRead, query: str = QUESTION) -> WhyNot:
    found = await explained(rt, person, source.bot_id, query, source_id=source.id)
    assert found.why_not
    return found.why_not


async def test_every_candidate_has_its_ranks_and_what_becomes_of_it(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner, passage_limit=1)
    for place in range(4):
        await add_text(rt, owner, bot.id, f"A refund of kind {place} takes {place + 3} days.", f"{place}.txt")
    found = await explained(rt, owner, bot.id)
    assert [passage.use for passage in found.passages] == ["prompt", "limit", "limit", "limit"]
    assert [passage.rank for passage in found.passages] == [1, 2, 3, 4]
    assert {passage.vector_rank for passage in found.passages} == {1, 2, 3, 4}
    assert {passage.lexical_rank for passage in found.passages} == {1, 2, 3, 4}
    assert found.words == ["refund", "take"]
    assert found.verdict.decision == "answer"
    assert [condition.name for condition in found.verdict.conditions] == [
        "Likely enough to answer",
        "Likely enough to ask back",
    ]


async def test_what_the_budget_cuts_is_told(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner, passage_tokens=200)
    texts = [
        " ".join(f"A refund takes {n} days by the rule of case {n}." for n in range(at, at + 12)) for at in (0, 20)
    ]
    sources = [await add_text(rt, owner, bot.id, text, f"{at}.txt") for at, text in enumerate(texts)]
    found = await explained(rt, owner, bot.id)
    assert [passage.use for passage in found.passages] == ["prompt", "budget"]
    cut = next(source for source in sources if source.id == found.passages[1].source_id)
    assert any("cut by the budget of tokens" in reason for reason in (await why(rt, owner, cut)).passages[0].reasons)


async def test_nearly_the_same_text_is_shown_once(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    text = (
        "A refund takes a week, counted from the day on which the parcel came back to our own warehouse in town. " * 3
    )
    sources = [await add_text(rt, owner, bot.id, f"{text} {name}.", f"{name}.txt") for name in ("Yours", "Ours")]
    found = await explained(rt, owner, bot.id)
    [shown] = found.passages
    left_out = next(source for source in sources if source.id != shown.source_id)
    reasons = (await why(rt, owner, left_out)).passages[0].reasons
    assert any("Nearly the same text is in a passage of" in reason for reason in reasons)


async def test_a_question_that_is_not_held_falls_back(rt: Runtime, owner: Person) -> None:
    bot = await make_knowing_bot(rt, owner)
    found = await explained(rt, owner, bot.id, "Who won the chess tournament of 1972?")
    assert found.verdict.decision == "refuse"
    empty = await make_bot(rt, owner)
    assert (await explained(rt, owner, empty.id)).verdict.reason == "No passage was found at all."


async def test_why_a_document_is_not_found(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    pairs = [QuestionPair(question=f"Refund of kind {n}?", answer=f"It takes {n} working days.") for n in range(60)]
    crowd = await intake.add(rt, owner.principal, bot.id, QaSource(type="qa", title="Refunds", pairs=pairs))
    assert (await settled(rt, owner, crowd.id)).chunks == 60
    outside = await add_text(rt, owner, bot.id, "Our parrots live in the conservatory.", "parrots.txt")
    told = await why(rt, owner, outside)
    [passage] = told.passages
    assert passage.shared == []
    assert passage.similarity is not None
    assert passage.reasons == [
        "By meaning it ranks 61st; only the first 30 are looked at.",
        "It shares no word with the question.",
    ]
    [chunk] = await chunks_of(rt, outside.id)
    async with rt.db.tenant(owner.principal) as session:
        await session.execute(update(Chunk).where(col(Chunk.id) == chunk.id).values(embedding=None, indexed=False))
        await session.execute(update(Source).where(col(Source.id) == outside.id).values(status="embedding"))
    told = await why(rt, owner, outside)
    assert told.verdict == "Its source is still being read, so this may change."
    assert told.passages[0].reasons[0] == "It is not embedded yet, so only its words can be found."


@pytest.mark.parametrize(("status", "words"), [("cancelled", "was cancelled"), ("failed", "could not be read")])
async def test_a_source_without_passages_says_why(rt: Runtime, owner: Person, status: str, words: str) -> None:
    bot = await make_bot(rt, owner)
    source = await add_text(rt, owner, bot.id, b"", "empty.txt")
    async with rt.db.tenant(owner.principal) as session:
        await session.execute(update(Source).where(col(Source.id) == source.id).values(status=status))
    told = await why(rt, owner, source)
    assert (told.chunks, told.passages) == (0, [])
    assert words in told.verdict
    async with rt.db.tenant(owner.principal) as session:
        [choice] = await inspection.choices(session, owner.principal, bot.id)
    assert (choice.document_id, choice.source_id, choice.status) == (None, source.id, status)


async def test_documents_to_choose_from(rt: Runtime, owner: Person, stranger: Person) -> None:
    bot = await make_bot(rt, owner)
    for name in ("Zebra", "apple", "100%"):
        await add_text(rt, owner, bot.id, f"About the {name}.", f"{name}.txt")
    async with rt.db.tenant(owner.principal) as session:
        with counted_statements() as sent:
            found = await inspection.choices(session, owner.principal, bot.id)
        assert len(found) == 3
        assert len(sent) == 3
        assert [c.title for c in await inspection.choices(session, owner.principal, bot.id, "%")] == ["100%"]
    async with rt.db.tenant(stranger.principal) as session:
        with pytest.raises(NotFoundError):
            await inspection.choices(session, stranger.principal, bot.id)


async def test_a_passage_stands_in_its_document(rt: Runtime, owner: Person, stranger: Person) -> None:
    bot = await make_bot(rt, owner)
    source = await add_text(rt, owner, bot.id)
    chunks = await chunks_of(rt, source.id)
    async with rt.db.tenant(owner.principal) as session:
        shown = await inspection.surroundings(session, owner.principal, chunks[-1].id)
        assert shown.text == chunks[-1].text
        bound = replace(owner.principal, bot_ids=frozenset({new_id()}))
        with pytest.raises(NotFoundError):
            await inspection.surroundings(session, bound, chunks[0].id)
    async with rt.db.tenant(stranger.principal) as session:
        with pytest.raises(NotFoundError):
            await inspection.surroundings(session, stranger.principal, chunks[0].id)


async def test_only_those_who_may_ask_this_bot(
    rt: Runtime, owner: Person, stranger: Person, client: httpx.AsyncClient
) -> None:
    bot = await make_knowing_bot(rt, owner)
    theirs = await make_bot(rt, stranger)
    [passage, *_] = (await explained(rt, owner, bot.id)).passages
    path = f"/api/v1/bots/{bot.id}/search/explain"
    body = {"query": QUESTION, "document_id": str(passage.document_id)}
    shown = await client.post(path, json=body, headers=owner.headers)
    assert shown.json()["why_not"]["verdict"] == "It is found: the answer is made from it."
    assert (await client.post(path, json=body, headers=stranger.headers)).status_code == 404
    path = f"/api/v1/bots/{theirs.id}/search/explain"
    assert (await client.post(path, json=body, headers=stranger.headers)).status_code == 404
    other = await make_bot(rt, owner)
    with pytest.raises(NotFoundError):
        await explained(rt, owner, other.id, document_id=passage.document_id)
    asking = replace(owner.principal, scopes=frozenset({Scope.CHAT}))
    request = ExplainRequest(query=QUESTION, document_id=passage.document_id)
    with pytest.raises(ForbiddenError):
        await inspection.explain(rt, asking, bot.id, request)
    reading = replace(owner.principal, scopes=frozenset({Scope.SOURCES_READ}))
    with pytest.raises(ForbiddenError):
        await inspection.explain(rt, reading, bot.id, ExplainRequest(query=QUESTION))


async def test_the_embedding_goes_on_the_bill(rt: Runtime, owner: Person) -> None:
    bot = await make_knowing_bot(rt, owner)
    async with rt.db.tenant(owner.principal) as session:
        await bots.change(session, owner.principal, bot.id, BotPatch(passage_limit=3), rt)
        count = select(func.count()).where(col(UsageEvent.bot_id) == bot.id)
        before = await session.scalar(count) or 0
    found = await explained(rt, owner, bot.id)
    assert found.limit == 3
    async with rt.db.tenant(owner.principal) as session:
        assert await session.scalar(count) == before + 1


async def test_it_shows_the_passages_that_an_answer_is_made_from(rt: Runtime, owner: Person) -> None:
    """Joined as for an answer, though the page looks at more chunks: neighbours further down join nothing."""
    bot = await make_bot(rt, owner, passage_limit=2, chunk_tokens=200)
    parts = [
        f"## Refund {n}\n\n"
        + " ".join(f"A refund of kind {n}, in step {step}, takes {n + step} days in all." for step in range(12))
        for n in range(8)
    ]
    await add_text(rt, owner, bot.id, "\n\n".join(parts))
    found = await explained(rt, owner, bot.id)
    shown = [passage for passage in found.passages if passage.use == "prompt"]
    live, _ = await chat.ask_in_playground(rt, owner.principal, bot.id, "inspected", QUESTION)
    await live.result(new_id())
    async with rt.db.tenant(owner.principal) as session:
        record = await recorder.flight(session, owner.principal, live.answer_id)
    assert [passage.text for passage in shown] == [passage.text for passage in record.passages]
    assert len(found.passages) > len(shown)


async def test_a_greeting_is_returned(rt: Runtime, owner: Person) -> None:
    bot = await make_knowing_bot(rt, owner)
    verdict = (await explained(rt, owner, bot.id, "Hello!")).verdict
    assert (verdict.decision, verdict.conditions) == ("courtesy", [])
