"""A phone number is told by what to do with it: `call us on 030 ...`. Who asks for it says what it is."""

import pytest

from chatbot_saas.services.lexical import question_terms
from chatbot_saas.services.runtime import Runtime
from tests.factories.answers import ask
from tests.factories.knowledge import add_text, make_bot
from tests.factories.people import Person

SHOP = """# The shop

Our shop is in Lindenstraße 4, behind the church. {}

# Cakes

The carrot cake serves twelve and costs 28 euros. We are open from Tuesday to Sunday, 8 to 18.
"""
NUMBER = "030 5557 8812"


@pytest.mark.parametrize(
    ("said", "question"),
    [
        (f"Call us on {NUMBER}.", "What is your phone number?"),
        (f"You can ring {NUMBER} at any time.", "Which phone number can I ring?"),
        (f"Sie erreichen uns per Anruf unter {NUMBER}.", "Wie ist Ihre Telefonnummer?"),
        (f"Appelez le {NUMBER}.", "Quel est votre numéro de téléphone ?"),
    ],
)
async def test_a_number_to_call_is_a_phone_number(rt: Runtime, owner: Person, said: str, question: str) -> None:
    bot = await make_bot(rt, owner)
    await add_text(rt, owner, bot.id, SHOP.format(said), "shop.md")
    answer = await ask(rt, owner, bot, question)
    assert answer.answered
    assert NUMBER in answer.answer


@pytest.mark.parametrize("said", ["Please call before you come.", "Deliveries are announced by a call."])
async def test_to_be_called_is_no_number(rt: Runtime, owner: Person, said: str) -> None:
    bot = await make_bot(rt, owner)
    await add_text(rt, owner, bot.id, SHOP.format(said), "shop.md")
    assert not (await ask(rt, owner, bot, "What is your phone number?")).answered


def test_only_who_asks_for_it_is_given_other_words() -> None:
    assert all("'call'" in term.any for term in question_terms("What is your phone number?"))
    assert not any("'call'" in term.any for term in question_terms("Do you repair a phone?"))
    by_token = {term.token: term.any for term in question_terms("What is the phone number of the florist?")}
    assert "'call'" in by_token["phone"]
    assert "'call'" not in by_token["florist"]
