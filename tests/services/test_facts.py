"""Whether an answer holds a fact, however both write it."""

import pytest

from chatbot_saas.services.facts import missing

HELD = [
    ("30 days", "You have **30** days [1]."),
    ("30 days", "You have thirty days."),
    ("5 working days", "Within five working days."),
    ("30 days | a month", "You have a month."),
    ("1,000 €", "It costs €1.000,00 a year."),
    ("EUR 1000", "It costs 1 000 euros."),
    ("1 000 pieces", "We have 1,000 pieces."),
    ("12.50", "12,50"),
    ("12,5 %", "A rate of 12.50 percent"),
    ("9:00", "from 9:00 to 17:00"),
    ("Größe L", "GROSSE L"),
    ("café", "the cafe is open"),
    ("info@shop.example", "Write to [info@shop.example](mailto:info@shop.example)."),
    ("1st March", "On 1 March."),
    ("三十天", "您可以在三十天之内退货。"),
    ("お問い合わせ", "お問い合わせはこちら"),
    ("7 to 10 working days", "takes 7 to 10 working\ndays"),
]
ABSENT = [
    ("30 days", "You have 130 days."),
    ("30 days", "You have 30 working days."),
    ("5", "1.5 or 55"),
    ("1.000", "1.5"),
    ("1:30", "11:30"),
    ("0800 123", "800 123"),
    ("art", "we party"),
    ("30 days | a month", "You have 60 days or two months."),
    ("45 €", "It costs 45 dollars."),
]


@pytest.mark.parametrize(("fact", "answer"), HELD)
def test_a_fact_is_found_however_it_is_written(fact: str, answer: str) -> None:
    assert missing([fact], answer) == []


@pytest.mark.parametrize(("fact", "answer"), ABSENT)
def test_what_only_looks_alike_is_not_the_fact(fact: str, answer: str) -> None:
    assert missing([fact], answer) == [fact]


def test_what_is_missing_is_told_in_order() -> None:
    assert missing(["5 years", "rust", "30 days"], "Rust is not covered.") == ["5 years", "30 days"]
    assert missing([], "anything") == []
