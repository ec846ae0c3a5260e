"""Whether a text tells what is asked, not only speaks of it."""

from dataclasses import replace
from uuid import uuid4

import pytest

from chatbot_saas.services.candidates import Found
from chatbot_saas.services.lexical import question_terms
from chatbot_saas.services.telling import Told, told


def passage(text: str, title: str = "", question: str = "", headings: list[str] | None = None) -> Found:
    return Found(
        uuid4(), uuid4(), uuid4(), title, "", text, 0, None, [], headings or [], 10, question, 1.0, 0.5, 1.0, 1.0
    )  # fmt: skip


def tell(asked: str, *found: Found, language: str = "en") -> Told:
    terms = question_terms(asked, language)
    read = [replace(one, matched=(1.0,) * len(terms)) for one in found]
    return told(asked, terms, [1.0] * len(terms), read, language)


@pytest.mark.parametrize(
    ("language", "asked", "tells", "speaks"),
    [
        (
            "en",
            "What does the ginger cake cost?",
            "The ginger cake costs £4.",
            "The café has a ginger cake. Tea is £2.",
        ),
        (
            "de",
            "Wie schwer ist der Luftentfeuchter?",
            "Der Luftentfeuchter wiegt 12 kg.",
            "Der Luftentfeuchter ist da.",
        ),
        ("de", "Wann öffnet das Museum?", "Das Museum öffnet um 9 Uhr.", "Das Museum öffnet nur Mitgliedern."),
        ("zh", "书店的客服电话是多少？", "书店的客服电话是 010-5555678。", "书店的客服会回答问题。"),
        ("en", "How heavy is the FG-5500 chainsaw?", "Chainsaw FG-5500: 6 kg.", "Chainsaw FG-5500, best of all."),
    ],
)
def test_what_a_question_asks_for_must_stand_with_what_it_is_about(
    language: str, asked: str, tells: str, speaks: str
) -> None:
    assert tell(asked, passage(tells), language=language).apart == pytest.approx(0)
    assert tell(asked, passage(speaks), language=language).apart > 0.2


def test_words_of_a_title_are_not_told() -> None:
    got = tell("Does the Ironwell gym have a sauna?", passage("Towels are lent.", title="Ironwell gym"))
    assert got.held == 0
    assert got.missing == pytest.approx(1 / 3)


def test_headings_and_what_introduces_a_list_stand_above_each_line() -> None:
    asked = "How much is delivery abroad?"
    assert tell(asked, passage("Austria: 9 €.", headings=["Delivery abroad"])).apart == 0
    assert tell(asked, passage("## Delivery abroad\n\nIt takes a while.\n\nAustria costs 9 €.")).apart == 0
    assert tell(asked, passage("For delivery abroad we charge:\n\n- Austria 9 €\n- Japan 30 €")).apart == 0
    assert tell(asked, passage("| Delivery abroad | Price |\n|---|---|\n| Austria | 9 € |")).apart == 0


def test_the_answer_of_a_pair_is_about_its_question() -> None:
    question = "How long does delivery take?"
    got = tell("How long is delivery?", passage(f"{question}\n\nThree days.", question=question))
    assert (got.held, got.apart, got.missing) == (1.0, 0.0, 0.0)


def test_what_only_joins_asks_for_nothing() -> None:
    got = tell(
        "Is there anything to pay attention to when the parcel arrives?", passage("The parcel arrives unopened.")
    )
    assert got.apart == 0


@pytest.mark.parametrize("asked", ["如何退货？", "Can I pay by card?", "Do custards or files feel cheaply costumed?"])
def test_words_within_words_ask_for_no_number(asked: str) -> None:
    language = "en" if asked.isascii() else "zh"
    assert (
        tell(
            asked, passage("退货请联系客服。" if language == "zh" else "Pay by card. Custards."), language=language
        ).apart
        == 0
    )


def test_a_question_without_words_is_told_nothing() -> None:
    assert tell("?", passage("Delivery costs 5 €.")) == Told()
    assert tell("delivery").missing == 1.0


def test_a_price_in_words_is_a_price() -> None:
    asked = "What does it cost to repair a flat tyre?"
    assert tell(asked, passage("A flat tyre is repaired for twelve euros while you wait.")).apart == 0
    assert tell(asked, passage("A flat tyre is repaired while you wait.")).apart > 0.2
