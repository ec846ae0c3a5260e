"""Sentences of a source as questions of a person."""

import pytest

from chatbot_saas.services.bot_test_questions import is_gap, question_for

ASKED = [
    ("Delivery costs 4.90 euros and is free from 50 euros.", "4.90 euros", "How much does delivery cost?"),
    ("Repairs take 3 weeks.", "3 weeks", "How long do repairs take?"),
    ("The shop opens at 9:00.", "9:00", "At what time does the shop open?"),
    ("The shop is open on weekdays from 9:00 to 18:00.", "9:00", "From what time is the shop open on weekdays?"),
    ("The refund is paid within 5 working days.", "5 working days", "Within what time is the refund paid?"),
    ("You can return your order within 30 days.", "30 days", "Within what time can I return my order?"),
    ("Our sofas are guaranteed for 10 years.", "10 years", "For how long are your sofas guaranteed?"),
    ("The office is reached at 01555 240 180.", "01555 240 180", "At which number is the office reached?"),
    (
        "Send us the form to post@shop.example.",
        "post@shop.example",
        "To which e-mail address should I send you the form?",
    ),
    ("Fern & Oak costs 3 euros.", "3 euros", "How much does Fern & Oak cost?"),
    ("A full service of a city bike costs 89 euros.", "89 euros", "How much does a full service of a city bike cost?"),
]
GAPS = [
    ("They are valid for 3 years.", "3 years", "en", "Gift cards: What is missing in “They are valid for …”?"),
    ("If it rains, it takes 3 days.", "3 days", "en", "Gift cards: What is missing in “If it rains, it takes …”?"),
    ("De levertijd is binnen 5 days.", "5 days", "nl", "Gift cards: What is missing in “De levertijd is binnen …”?"),
    ("Das Paket kommt in 5 Tagen.", "5 Tagen", "de", "Gift cards: Was fehlt in „Das Paket kommt in …“?"),
]


@pytest.mark.parametrize(("sentence", "fact", "question"), ASKED)
def test_a_plain_statement_becomes_a_question(sentence: str, fact: str, question: str) -> None:
    assert question_for(sentence, fact, "Heading", "en") == question
    assert not is_gap(question)


@pytest.mark.parametrize(("sentence", "fact", "language", "question"), GAPS)
def test_anything_else_asks_for_the_gap(sentence: str, fact: str, language: str, question: str) -> None:
    assert question_for(sentence, fact, "Gift cards", language) == question
    assert is_gap(question)
