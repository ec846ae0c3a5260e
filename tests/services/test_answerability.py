from dataclasses import replace
from uuid import uuid4

import pytest

from chatbot_saas.schemas.bots import AnswerMode
from chatbot_saas.services.answerability import clarifications, decide, probability
from chatbot_saas.services.retrieval import BotIndex, Found

INDEX = BotIndex(uuid4(), "text-embedding-3-small", 1536, "en")
TEXT = "Furniture is delivered by our own van. It costs 45 euros."


def passage(**changes: object) -> Found:
    found = Found(
        chunk_id=uuid4(), document_id=uuid4(), source_id=uuid4(), title="Delivery", url="", text=TEXT, start=0,
        page=None,
        pages=[], headings=[], tokens=12, question="", score=1.0, vector_score=0.5, lexical_score=1.0, coverage=0.8,
    )  # fmt: skip
    return replace(found, **changes)  # pyright: ignore[reportArgumentType]


def likely(question: str = "What does delivery of furniture cost?", **changes: object) -> float:
    return probability(question, INDEX, [passage(**changes)], "en")


def test_more_evidence_never_makes_it_less_likely():
    for name in ("vector_score", "coverage"):
        values = [likely(**{name: step / 10}) for step in range(11)]
        assert values == sorted(values)
        assert all(0 <= value <= 1 for value in values)


def test_no_passages_hold_no_answer():
    assert probability("Anything?", INDEX, [], "en") == 0


def test_a_number_that_nobody_mentions():
    assert likely("What does delivery of 99 tables cost?") < likely("What does delivery of 45 tables cost?")


def test_vectors_of_an_english_model_tell_little_in_chinese():
    offline = replace(INDEX, embedder="minilm")
    found = [passage(coverage=0.0)]
    assert probability("运费多少", offline, found, "zh") < probability("运费多少", INDEX, found, "zh")


@pytest.mark.parametrize("quotes", [True, False])
def test_strict_bots_answer_least(quotes: bool):
    modes: tuple[AnswerMode, ...] = ("strict", "balanced", "helpful")
    for step in range(101):
        answers = [decide(step / 100, mode, quotes=quotes) == "answer" for mode in modes]
        assert answers == sorted(answers)
    assert decide(1.0, "strict", quotes=quotes) == "answer"
    assert decide(0.0, "helpful", quotes=quotes) == "refuse"


def test_a_model_that_can_say_no_is_asked_more_often():
    assert decide(0.25, "balanced", quotes=False) == "answer"
    assert decide(0.25, "balanced", quotes=True) == "refuse"
    assert decide(0.32, "balanced", quotes=True) == "clarify"


def test_choices_are_different_subjects():
    same = [passage(headings=["Returns"]), passage(headings=["returns"])]
    assert clarifications(same) == []
    assert clarifications([*same, passage(), passage(title="x" * 200)]) == ["Returns", "Delivery"]
