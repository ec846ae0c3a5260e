"""What decides between answering, asking back and declining."""

from uuid import UUID, uuid4

import pytest

from chatbot_saas.core.ids import new_id
from chatbot_saas.services import bots
from chatbot_saas.services.answerability import clarifications, decide, is_ambiguous, probability, thresholds
from chatbot_saas.services.candidates import BotIndex, Candidates, Found
from chatbot_saas.services.lexical import question_terms
from chatbot_saas.services.retrieval import Retrieval, retrieve
from chatbot_saas.services.runtime import Runtime
from tests.factories.knowledge import add_text, make_bot, make_knowing_bot
from tests.factories.people import Person

INDEX = BotIndex(new_id(), "minilm", 384, "en")
MODES = ("strict", "balanced", "helpful")


def found(matched: tuple[float, ...], heading: str = "Delivery", similarity: float = 0.5) -> Found:
    ids: tuple[UUID, ...] = (uuid4(), uuid4(), uuid4())
    return Found(
        *ids, "Handbook", "", "text", 0, None, [], [heading], 10, "", 1.0, similarity, 1.0,
        sum(matched) / len(matched), matched=matched,
    )  # fmt: skip


def asked(held: tuple[int, ...]) -> Candidates:
    terms = question_terms("delivery costs abroad", "en")
    return Candidates(terms, 50, list(held), list(held))


def test_likelier_the_more_is_covered() -> None:
    shares = [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (1.0, 1.0, 1.0)]
    likely = [probability("", asked((3, 3, 3)), [found(share)], INDEX, "de") for share in shares]
    assert likely == sorted(likely)
    assert likely[0] < 0.15 < 0.5 < likely[-1]
    assert all(0 <= each <= 1 for each in likely)


def test_likelier_the_nearer_by_meaning_where_the_embedder_knows_the_language() -> None:
    def likely(similarity: float, language: str) -> float:
        return probability("", asked((3, 3, 3)), [found((1.0, 0.0, 1.0), similarity=similarity)], INDEX, language)

    assert likely(0.8, "en") > likely(0.1, "en")
    assert likely(0.8, "zh") == likely(0.1, "zh")


def test_nothing_found_is_no_answer() -> None:
    assert probability("", asked((0, 0, 0)), [], INDEX, "en") == 0.0
    assert decide(0.0, "helpful", [], quotes=True) == "refuse"


@pytest.mark.parametrize("quotes", [True, False])
def test_strict_answers_least_and_helpful_most(quotes: bool) -> None:
    topics = [found((1.0, 1.0, 1.0), heading) for heading in ("Delivery", "Returns")]
    answered = {
        mode: sum(decide(step / 100, mode, topics, quotes=quotes) == "answer" for step in range(101)) for mode in MODES
    }
    assert answered["strict"] < answered["balanced"] < answered["helpful"]
    assert all(answer >= back for answer, back in (thresholds(mode, quotes=quotes) for mode in MODES))


def test_between_the_thresholds_a_bot_asks_back_if_there_is_a_choice() -> None:
    between = sum(thresholds("balanced", quotes=True)) / 2
    topics = [found((1.0, 1.0, 1.0), heading) for heading in ("Delivery", "Returns")]
    assert decide(between, "balanced", topics, quotes=True) == "clarify"
    assert decide(between, "balanced", topics[:1], quotes=True) == "refuse"


def test_choices_are_distinct_short_and_at_most_four() -> None:
    headings = ["Delivery", "Delivery", "Returns", "W" * 300, "a", "b", "c"]
    choices = clarifications([found((1.0,), heading) for heading in headings])
    assert choices == ["Delivery", "Returns", "W" * 80, "a"]


def test_a_short_question_that_fits_many_topics_is_ambiguous() -> None:
    topics = [found((1.0,), heading) for heading in ("Van", "Parcel", "Pallet")]
    assert is_ambiguous(topics)
    assert decide(0.4, "balanced", topics, quotes=True) == "clarify"
    assert decide(0.4, "helpful", topics, quotes=True) == "answer"
    assert not is_ambiguous(topics[:2])
    assert not is_ambiguous([found((1.0, 1.0, 1.0), heading) for heading in ("Van", "Parcel", "Pallet")])


async def ask(rt: Runtime, person: Person, bot_id: UUID, question: str) -> Retrieval:
    async with rt.db.tenant(person.principal) as session:
        index = BotIndex.of(await bots.load(session, person.principal, bot_id))
    return await retrieve(rt, person.principal, index, question, limit=6)


async def test_a_bot_of_one_small_document_answers_plain_questions(rt: Runtime, owner: Person) -> None:
    bot = await make_knowing_bot(rt, owner)
    for question in ("How long is the warranty?", "what does delivery cost", "When is a refund paid?"):
        got = await ask(rt, owner, bot.id, question)
        assert decide(got.answerability, "balanced", got.passages, quotes=True) == "answer", question
    got = await ask(rt, owner, bot.id, "Which vaccines does a kitten need before travelling to Norway?")
    assert decide(got.answerability, "balanced", got.passages, quotes=True) == "refuse"


async def test_one_tenants_documents_make_nothing_likelier_for_another(
    rt: Runtime, owner: Person, stranger: Person
) -> None:
    await make_knowing_bot(rt, owner)
    theirs = await make_bot(rt, stranger)
    await add_text(rt, stranger, theirs.id, "# Opening hours\n\nWe open at nine.", "hours.md")
    got = await ask(rt, stranger, theirs.id, "How long is the warranty on the frame?")
    assert got.answerability < thresholds("balanced", quotes=True)[0]
