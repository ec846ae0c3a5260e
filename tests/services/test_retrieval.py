"""What is found for a question, in a bot with the real database and the real vector index."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.schemas.sources import SourceRead, TextSource
from chatbot_saas.services import bots, intake
from chatbot_saas.services.retrieval import BotIndex, Found, find, retrieve
from chatbot_saas.services.runtime import Runtime
from tests.factories.jobs import drained
from tests.factories.knowledge import add_text, make_bot, make_knowing_bot, settled
from tests.factories.people import Person

FILLER = " ".join(f"Sentence number {n} says how workshop {n} keeps its machines oiled and clean." for n in range(12))


async def index_of(rt: Runtime, person: Person, bot_id: UUID) -> BotIndex:
    async with rt.db.tenant(person.principal) as session:
        return BotIndex.of(await bots.load(session, person.principal, bot_id))


async def ask(rt: Runtime, person: Person, bot: BotRead, question: str, **changes: object) -> list[Found]:
    index = replace(await index_of(rt, person, bot.id), **changes)  # pyright: ignore[reportArgumentType]
    return (await retrieve(rt, person.principal, index, question, limit=5)).passages


async def knowing(rt: Runtime, person: Person, texts: dict[str, str], language: str = "en") -> BotRead:
    """A bot that has read texts, by title."""
    bot = await make_bot(rt, person, language=language)
    for title, text in texts.items():
        source = await intake.add(rt, person.principal, bot.id, TextSource(type="text", title=title, text=text))
        assert (await settled(rt, person, source.id)).status == "ready"
    return bot


@pytest.mark.parametrize("typed", ["EX-2040", "ex2040", "EX 2040", "ex.2040", "EX-20", "ex20"])
async def test_codes_however_typed_and_their_beginnings(rt: Runtime, owner: Person, typed: str) -> None:
    texts = {
        "A": "The pump EX-2040 needs a new seal every year.",
        "B": "The pump EX-3050 needs a new seal every month.",
        "C": "The pump QR-77 has no seal.",
    }
    bot = await knowing(rt, owner, texts)
    passages = await ask(rt, owner, bot, f"{typed} seal", vector_weight=0.0)
    assert "EX-2040" in passages[0].text


async def test_near_duplicates_are_dropped_and_other_numbers_kept(rt: Runtime, owner: Person) -> None:
    text = "The delivery of a sofa to the island takes {} days and is paid in advance by card, " + FILLER
    texts = {"A": text.format(7), "B": text.format(7) + " Thanks.", "C": text.format(9)}
    bot = await knowing(rt, owner, texts)
    passages = await ask(rt, owner, bot, "How many days does the delivery of a sofa to the island take?")
    said = [passage for passage in passages if "sofa" in passage.text]
    assert len(said) == 2
    assert {"7 days" in passage.text for passage in said} == {True, False}


async def test_neighbours_are_one_passage_that_is_exactly_the_documents_text(rt: Runtime, owner: Person) -> None:
    sections = [f"# Section {n}\n\nThe lighthouse rule {n} holds for keepers. " + FILLER * 3 for n in range(4)]
    text = "\n\n".join(sections)
    bot = await make_bot(rt, owner)
    source = await add_text(rt, owner, bot.id, text, "rules.md")
    assert source.chunks > 2
    passages = await ask(rt, owner, bot, "Which lighthouse rule holds for keepers?")
    joined = [passage for passage in passages if len(passage.parts) > 1]
    assert joined
    async with rt.db.tenant_plain(owner.principal) as sql:
        [document] = await sql.rows("SELECT text FROM documents WHERE bot_id = %(bot)s", bot=bot.id)
        chunks = {
            row.id: row.text for row in await sql.rows("SELECT id, text FROM chunks WHERE bot_id = %(b)s", b=bot.id)
        }
    for passage in joined:
        assert document.text[passage.start : passage.end] == passage.text
        for part in passage.parts:
            assert passage.text[part.begin : part.end] == chunks[part.chunk_id][part.skip :]
        between = [one.end <= two.begin for one, two in zip(passage.parts, passage.parts[1:], strict=False)]
        assert all(between)
        assert passage.page_at(0) == passage.page


async def test_headings_and_titles_count(rt: Runtime, owner: Person) -> None:
    texts = {"Cancellation policy": "Write to us a month ahead.", "Parking": "Leave the car behind the house."}
    bot = await knowing(rt, owner, texts)
    assert (await ask(rt, owner, bot, "cancellation", vector_weight=0.0))[0].title == "Cancellation policy"
    other = await make_bot(rt, owner)
    await add_text(rt, owner, other.id, "# Shipping\n\nWe use our van.\n\n# Repairs\n\nWe use glue.", "shop.md")
    passages = await ask(rt, owner, other, "repairs", vector_weight=0.0)
    assert "glue" in passages[0].text


async def test_a_word_in_a_compound(rt: Runtime, owner: Person) -> None:
    texts = {"A": "Die Kündigungsfrist beträgt drei Monate.", "B": "Der Parkplatz liegt hinter dem Haus."}
    bot = await knowing(rt, owner, texts, "de")
    assert (await ask(rt, owner, bot, "Welche Frist gilt?", vector_weight=0.0))[0].title == "A"
    assert (await ask(rt, owner, bot, "parken", vector_weight=0.0))[0].title == "B"


async def test_a_typing_error(rt: Runtime, owner: Person) -> None:
    bot = await knowing(rt, owner, {"A": "The warranty lasts five years.", "B": "We deliver by van."})
    assert (await ask(rt, owner, bot, "warrenty", vector_weight=0.0))[0].title == "A"


@pytest.mark.parametrize(
    ("language", "texts", "question"),
    [
        ("zh", {"A": "本店营业时间为上午九点到下午六点。", "B": "退货须在三十天之内办理。"}, "几点营业？"),
        ("ja", {"A": "営業時間は午前九時から午後六時までです。", "B": "返品は三十日以内です。"}, "営業時間は？"),
    ],
)
async def test_questions_without_spaces(
    rt: Runtime, owner: Person, language: str, texts: dict[str, str], question: str
) -> None:
    bot = await knowing(rt, owner, texts, language)
    assert (await ask(rt, owner, bot, question))[0].title == "A"


async def test_the_weight_of_vectors(rt: Runtime, owner: Person) -> None:
    """0: as words rank; 1: as the vectors do."""
    bot = await make_knowing_bot(rt, owner)
    await add_text(rt, owner, bot.id, "# Paint\n\nThe frame of the picture is blue.", "paint.md")
    by_words = await ask(rt, owner, bot, "warranty on the frame", vector_weight=0.0)
    assert by_words[0].lexical_rank == 1
    by_meaning = await ask(rt, owner, bot, "sending goods to another country", vector_weight=1.0)
    assert by_meaning[0].vector_rank == 1
    scores = [passage.vector_score for passage in by_meaning if passage.vector_score is not None]
    assert scores == sorted(scores, reverse=True)


async def test_without_a_vector_words_find_it(rt: Runtime, owner: Person) -> None:
    bot = await make_knowing_bot(rt, owner)
    index = await index_of(rt, owner, bot.id)
    found = await find(rt, owner.principal, index, "How long is the warranty?", None)
    assert "5 years" in found[0].text
    assert all(passage.vector_score is None for passage in found)


async def test_two_tenants_with_the_same_text_find_each_their_own(rt: Runtime, owner: Person, stranger: Person) -> None:
    mine, theirs = await make_knowing_bot(rt, owner), await make_knowing_bot(rt, stranger)
    for person, bot in ((owner, mine), (stranger, theirs)):
        async with rt.db.tenant_plain(person.principal) as sql:
            own = {row.id for row in await sql.rows("SELECT id FROM chunks WHERE bot_id = %(bot)s", bot=bot.id)}
        found = await ask(rt, person, bot, "How long is the warranty?")
        assert found
        assert {part.chunk_id for passage in found for part in passage.parts} <= own


async def test_another_tenants_bot_is_not_there(rt: Runtime, owner: Person, stranger: Person) -> None:
    bot = await make_knowing_bot(rt, owner)
    with pytest.raises(NotFoundError):
        await index_of(rt, stranger, bot.id)
    index = await index_of(rt, owner, bot.id)
    assert (await retrieve(rt, stranger.principal, index, "How long is the warranty?")).passages == []


async def test_what_cuts_or_searches_texts_otherwise_reads_them_again(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    text = " ".join(f"The sofa of kind {n} is delivered by our own van within {n + 3} days." for n in range(40))
    source = await add_text(rt, owner, bot.id, text, "sofas.txt")
    whole = source.chunks

    async def again(**changes: object) -> SourceRead:
        await drained(rt)  # the reading before may have something left to write
        before = read = await settled(rt, owner, source.id)
        async with rt.db.tenant(owner.principal) as session:
            if changes:
                await bots.change(session, owner.principal, bot.id, BotPatch.model_validate(changes), rt)
            else:
                await bots.roll_back(session, owner.principal, bot.id, bot.version, rt)
        for _ in range(200):  # a job begins it
            await asyncio.sleep(0.05)
            read = await settled(rt, owner, source.id)
            if read.updated_at > before.updated_at:
                break
        return read

    cut = await again(chunk_tokens=200)
    assert (cut.status, cut.chunks > whole) == ("ready", True)
    german = await again(language="de")
    assert (german.status, german.chunks) == ("ready", cut.chunks)
    assert (await again()).chunks == whole
    calm = await settled(rt, owner, source.id)
    async with rt.db.tenant(owner.principal) as session:
        await bots.change(session, owner.principal, bot.id, BotPatch(passage_limit=3), rt)
    assert (await settled(rt, owner, source.id)).updated_at == calm.updated_at
