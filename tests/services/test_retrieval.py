"""Retrieval over the real database and index, with the offline embedder."""

import re
from dataclasses import replace
from uuid import UUID

import pytest

from chatbot_saas.models import Chunk, Document
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.services import bots, fusion
from chatbot_saas.services.lexical import search_vector
from chatbot_saas.services.retrieval import BotIndex, Found, Retrieval, retrieve
from chatbot_saas.services.runtime import Runtime
from tests.factories.knowledge import add_text, make_bot
from tests.factories.people import Person, sign_up

SHOP = {
    "drills.md": "# Drill EX-2040\n\nThe EX-2040 costs 129 euros and turns 2,800 times a minute.",
    "saws.md": "# Saw QR-2040\n\nThe QR-2040 costs 210 euros. It cuts wood up to 65 mm.",
    "delivery.md": "# Delivery\n\nParcels are delivered in 3 working days and cost 5 euros.",
    "delivery-copy.md": "# Delivery\n\nParcels are delivered in 3 working days and cost 5 euros.\n",
    "express.md": "# Delivery\n\nParcels are delivered in 1 working day and cost 15 euros.",
    "vertrag.md": "# Vertrag\n\nDie Kündigungsfrist beträgt sechs Wochen zum Ende des Quartals.",
    "baoxiu.md": "# 保修\n\n本产品保修期为两年，电池除外。",
}


async def index_of(rt: Runtime, person: Person, bot: BotRead) -> BotIndex:
    async with rt.db.tenant(person.principal) as session:
        return BotIndex.of(await bots.load(session, person.principal, bot.id))


@pytest.fixture(scope="module")
async def shop(rt: Runtime) -> tuple[Person, BotIndex]:
    person = await sign_up(rt)
    bot = await make_bot(rt, person)
    for name, text in SHOP.items():
        source = await add_text(rt, person, bot.id, text, name)
        assert source.status == "ready", source
    return person, await index_of(rt, person, bot)


async def ask(rt: Runtime, shop: tuple[Person, BotIndex], question: str, limit: int = 5) -> Retrieval:
    person, index = shop
    return await retrieve(rt, person.principal, index, question, limit=limit)


@pytest.mark.parametrize("typed", ["EX-2040", "ex2040", "price of ex 2040?", "EX-20", "ＥＸ２０４０"])
async def test_codes(rt: Runtime, shop: tuple[Person, BotIndex], typed: str):
    found = await ask(rt, shop, typed)
    assert "EX-2040" in found.passages[0].text


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Welche Frist gilt für die Kündigung?", "sechs Wochen"),
        ("电池保修多久", "两年"),
        ("how long do delivereis take", "working day"),
    ],
)
async def test_other_languages_and_typing_errors(
    rt: Runtime, shop: tuple[Person, BotIndex], question: str, answer: str
):
    assert answer in (await ask(rt, shop, question)).passages[0].text


async def test_the_same_text_is_found_once_but_not_texts_that_differ_in_a_number(
    rt: Runtime, shop: tuple[Person, BotIndex]
):
    texts = [passage.text for passage in (await ask(rt, shop, "How long does delivery of parcels take?")).passages]
    assert sum("3 working days" in text for text in texts) == 1
    assert sum("1 working day " in text for text in texts) == 1


async def test_ranks_and_scores_are_told(rt: Runtime, shop: tuple[Person, BotIndex]):
    found = await ask(rt, shop, "What does the drill EX-2040 cost?")
    best = found.passages[0]
    assert best.vector_rank
    assert best.lexical_rank == 1
    assert best.hit().lexical_rank == 1
    assert best.coverage > 0.5
    assert 0 < found.answerability < 1
    assert found.language == "en"
    far = await ask(rt, shop, "Who was the first person on the moon?")
    assert far.answerability < found.answerability


async def test_the_owner_says_how_far_vectors_count(rt: Runtime, shop: tuple[Person, BotIndex]):
    person, index = shop
    words = await retrieve(rt, person.principal, replace(index, vector_weight=0.0), "parcels")
    scores = [passage.lexical_score or 0.0 for passage in words.passages]
    assert scores == sorted(scores, reverse=True)
    meaning = await retrieve(rt, person.principal, replace(index, vector_weight=1.0), "parcels")
    assert meaning.passages[0].vector_rank == 1


async def test_nobody_finds_another_tenant_s_passages(rt: Runtime, shop: tuple[Person, BotIndex], stranger: Person):
    found = await retrieve(rt, stranger.principal, shop[1], "EX-2040")
    assert found.passages == []
    assert found.answerability == 0


async def test_neighbours_become_one_passage(rt: Runtime, owner: Person):
    """Exactly the document's text, with the pages and the chunks that it is made of."""
    bot = await make_bot(rt, owner)
    about = [
        f"# Chapter {n}\n\n" + " ".join(f"The zebra number {n}{i} likes to eat grass near lake {i}." for i in range(60))
        for n in range(1, 5)
    ]
    source = await add_text(rt, owner, bot.id, "\n\n".join(about), "zebras.md")
    assert source.chunks > 2
    found = (await retrieve(rt, owner.principal, await index_of(rt, owner, bot), "What do zebras eat?")).passages
    joined = next(passage for passage in found if len(passage.parts) > 1)
    async with rt.db.tenant(owner.principal) as session:
        document = await session.get_one(Document, joined.document_id)
        assert joined.text == document.text[joined.start : joined.end]
        assert joined.chunk_id in {part.chunk_id for part in joined.parts}
        end = 0
        for part in joined.parts:
            chunk = await session.get_one(Chunk, part.chunk_id)
            assert joined.text[part.begin : part.end] == chunk.text[part.skip :]
            assert joined.text[end : part.begin].strip() == ""
            end = part.end
        assert end == len(joined.text)


async def test_rows_written_before_such_tokens_were_made_are_found_by_their_words(rt: Runtime, owner: Person):
    bot = await make_bot(rt, owner)
    await add_text(rt, owner, bot.id, SHOP["drills.md"], "drills.md")
    old = re.sub(r" '[^' ]*'(?= |$)", "", search_vector("Drill EX-2040 The EX-2040 costs 129 euros"))
    async with rt.db.tenant_plain(owner.principal) as sql:
        await sql.run("UPDATE chunks SET search = CAST(%(old)s AS tsvector) WHERE bot_id = %(id)s", old=old, id=bot.id)
    index = replace(await index_of(rt, owner, bot), vector_weight=0.0)
    for typed in ("ex2040", "EX-2040"):
        found = await retrieve(rt, owner.principal, index, typed)
        assert found.passages[0].lexical_score


def chunk(number: int, text: str, start: int, **changes: object) -> Found:
    id_ = UUID(int=number)
    found = Found(
        id_, UUID(int=99), id_, "T", "", text, start, None, [], [], len(text), "", 1 / number, None, None, 0.0,
        end=start + len(text), ordinal=number,
    )  # fmt: skip
    return replace(found, **changes)  # pyright: ignore[reportArgumentType]


def test_pages_of_joined_chunks():
    one = chunk(1, "abcdef", 0, page=1, pages=[[2, 4]])
    two = chunk(2, "efghij", 4, page=2, pages=[[3, 3]])
    [group] = fusion.neighbours([two, one])
    whole = fusion.joined(group, {})
    assert whole.text == "abcdefghij"
    assert [whole.page_at(offset) for offset in (0, 4, 6, 7, 9)] == [1, 2, 2, 3, 3]
    assert [(part.begin, part.end, part.skip) for part in whole.parts] == [(0, 6, 0), (6, 10, 2)]
    assert whole.tokens == 10


def test_what_does_not_follow_stays_apart():
    far = chunk(5, "x", 50)
    pair = chunk(2, "efg", 4, question="e?")
    elsewhere = chunk(2, "efg", 4, document_id=UUID(int=98))
    for other in (far, pair, elsewhere):
        assert len(fusion.neighbours([chunk(1, "abcdef", 0), other])) == 2
