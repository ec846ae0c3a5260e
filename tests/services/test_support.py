"""What supports a sentence of an answer, where the sentences are, and the links that open a quote."""

from uuid import uuid4

import pytest

from chatbot_saas.services.citations import public_sources, stored_sources
from chatbot_saas.services.figures import figures, values
from chatbot_saas.services.retrieval import Found
from chatbot_saas.services.statements import sentences_of
from chatbot_saas.services.support import Prover
from chatbot_saas.services.text_fragments import link_to


def passage(text: str, title: str = "Handbook", **more: object) -> Found:
    fields: dict[str, object] = {
        "url": "",
        "start": 0,
        "page": None,
        "pages": [],
        "headings": [],
        "tokens": 0,
        "question": "",
        "score": 0.0,
        "vector_score": None,
        "lexical_score": None,
        "coverage": 0.0,
    }
    fields |= {"chunk_id": uuid4(), "document_id": uuid4(), "source_id": uuid4(), "title": title, "text": text} | more
    return Found(**fields)  # type: ignore[arg-type]


RETURNS = passage(
    "You can return anything within 30 days of delivery. The refund is paid within 5 working days to the account that "
    "paid. Gift cards are not exchanged for cash.",
    start=100,
    page=2,
    pages=[[3, 52]],
    url="https://shop.example/returns",
)
DELIVERY = passage("Furniture is delivered by our own van and costs 1,250 euros. Code TL-240 shows an empty tank.")
BOTH = [RETURNS, DELIVERY]


@pytest.mark.parametrize(
    ("text", "supported", "number"),
    [
        ("You can return anything within 30 days of delivery [1].", True, 1),
        ("**Returns** are possible within thirty days of the delivery.", True, 1),
        ("You can return anything within 60 days of delivery [1].", False, None),
        ("Delivery of furniture by van costs 1.250 euros.", True, 2),
        ("Delivery of furniture by van costs 1.500 euros.", False, None),
        ("TL-240 shows that the tank is empty.", True, 2),
        ("TL-250 shows that the tank is empty.", False, None),
        ("Our founder once sailed around the world.", False, None),
    ],
)
def test_words_and_figures_decide(text: str, supported: bool, number: int | None) -> None:
    found = Prover(BOTH, "", "en").sentence(text)
    assert (found.supported, found.passage if supported else None) == (supported, number)


def test_a_denial_counts_against() -> None:
    prover = Prover(BOTH, "", "en")
    same, other = prover.sentence("Gift cards are not exchanged for cash."), prover.sentence("Gift cards are for cash.")
    assert same.supported
    assert (other.supported, other.reason) == (False, "denied")


TENANCY = passage(
    "The tenant pays the landlord a deposit of £900. Dogs are not allowed, but cats are. Storage "
    "costs £4 a day, redelivery costs £9."
)
MIETE = passage(
    "Der Mieter überweist dem Vermieter eine Kaution. Rasensprenger sind untersagt, Schläuche sind erlaubt."
)
ZUFANG = passage("租客向房东支付900元押金。公寓里不允许养狗，可以养猫。")


@pytest.mark.parametrize(
    ("text", "language", "reason"),
    [
        ("The landlord pays the tenant a deposit of £900.", "en", "roles"),
        ("The landlord is paid a deposit of £900 by the tenant.", "en", ""),
        ("The tenant pays the landlord a deposit of €900.", "en", "figure"),
        ("Storage costs £9 a day, redelivery costs £4.", "en", "roles"),
        ("Storage costs £9 a day.", "en", "count"),
        ("Dogs are allowed.", "en", "denied"),
        ("Cats are allowed.", "en", ""),
        ("Der Vermieter überweist dem Mieter eine Kaution.", "de", "roles"),
        ("Dem Vermieter überweist der Mieter eine Kaution.", "de", ""),
        ("Rasensprenger sind erlaubt.", "de", "denied"),
        ("Rasensprenger sind nicht erlaubt.", "de", ""),
        ("房东向租客支付900元押金。", "zh", "roles"),
        ("900元押金由租客支付给房东。", "zh", ""),
        ("租客向房东支付900美元押金。", "zh", "figure"),
        ("公寓里允许养狗。", "zh", "denied"),
    ],
)
def test_the_same_words_may_say_something_else(text: str, language: str, reason: str) -> None:
    found = Prover([TENANCY, MIETE, ZUFANG], "", language).sentence(text)
    assert (found.supported, found.reason) == (not reason, reason)


def test_another_language_is_not_a_reason_but_another_number_is() -> None:
    prover = Prover(BOTH, "", "auto")
    assert prover.sentence("您可以在30天内退货。[1]").supported
    assert not prover.sentence("您可以在60天内退货。[1]").supported


def test_a_proof_holds_verbatim_spans() -> None:
    answer = "Hello! You can return anything within 30 days of delivery [1]. Ponies are free on Sundays."
    proof = Prover(BOTH, "return?", "en").prove(answer)
    good, bad = proof.sentences
    assert answer[good.start : good.end] == "You can return anything within 30 days of delivery [1]."
    assert (good.source, good.quote_start, good.page) == (1, 100, 2)
    assert RETURNS.text.startswith(good.quote)
    assert (bad.supported, bad.source, bad.quote) == (False, None, "")
    assert not proof.holds
    [cited] = proof.citations
    assert (cited.number, cited.start, cited.page) == (1, 100, 2)
    assert cited.link
    assert cited.link.startswith("https://shop.example/returns#:~:text=You%20can")
    refund = Prover(BOTH, "", "en").prove("The refund is paid within 5 working days.").citations[0]
    assert (refund.page, refund.start) == (3, 100 + RETURNS.text.index("The refund"))


HOURS = "Opening hours.\nOpen from nine to six on weekdays.\nOn Saturdays from ten to two.\n\nRepairs have a warranty."


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        ("Opening hours. Open from nine to six on weekdays. On Saturdays from ten to two. [1]", HOURS[:79]),
        ("On Saturdays from ten to two [1]. Open from nine to six on weekdays [1].", HOURS[15:79]),
        ("Opening hours. Repairs have a warranty. [1]", "Opening hours."),
    ],
)
def test_what_was_said_at_a_stretch_is_cited_at_a_stretch(answer: str, quote: str) -> None:
    [cited] = Prover([passage(HOURS)], "When?", "en").prove(answer).citations
    assert (cited.quote, cited.start) == (quote, HOURS.index(quote))


GRINDER = (
    "Opened bags keep for four weeks.\nThe hand grinder weighs 450 grams.\nIt has burrs of steel.\n\n"
    "Complaints go to Mrs. Lindqvist. The tall kettle holds one litre."
)


@pytest.mark.parametrize(
    ("question", "opens_at"),
    [
        ("How heavy is the hand grinder?", "The hand grinder weighs 450 grams.\nIt has burrs of steel."),
        ("How long do opened bags keep?", "Opened bags keep for four weeks.\nThe hand grinder weighs"),
        ("What holds the tall kettle?", "The tall kettle holds one litre."),
        ("And who complains?", "Opened bags keep for four weeks."),
    ],
)
def test_a_source_opens_at_the_sentence_that_was_asked_about(question: str, opens_at: str) -> None:
    """Quoted sentences are all supported alike."""
    quoted = f"From “Handbook”:\n\n{GRINDER} [1]"
    [cited] = Prover([passage(GRINDER, url="https://shop.example/shop")], question, "en").prove(quoted).citations
    assert cited.quote.startswith(opens_at)
    assert cited.start == GRINDER.index(opens_at[:20])
    assert cited.link
    assert cited.link.startswith(f"https://shop.example/shop#:~:text={opens_at.split()[0]}")


def test_there_is_a_citation_even_where_nothing_supports_the_answer() -> None:
    [cited] = Prover(BOTH, "", "en").prove("Ponies.").citations
    assert cited.number == 1
    assert cited.quote in RETURNS.text
    assert Prover([], "", "en").prove("Ponies.").citations == []
    assert [c.number for c in Prover(BOTH, "", "en").prove("Ponies [2] [7].").citations] == [2]


def test_the_documents_id_is_stored_and_not_sent() -> None:
    proof = Prover(BOTH, "", "en").prove("You can return anything within 30 days of delivery [1].")
    stored = stored_sources(proof)
    assert stored[0]["document_id"] == str(RETURNS.document_id)
    assert "document_id" not in public_sources(stored)[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,000", "1.000"),
        ("1 000 €", "1000 €"),
        ("three days", "72 hours"),
        ("anderthalb Jahre", "18 Monate"),
        ("两周", "14天"),
        ("半小时", "30分钟"),
        ("下午四点", "16:00"),
        ("4pm", "16:00"),
        ("ten percent", "10%"),
        ("五百元", "500元"),
        ("2,5 kg", "2.5 kg"),
    ],
)
def test_figures_agree_however_they_are_written(one: str, other: str) -> None:
    assert values(figures(one).numbers) & values(figures(other).numbers)


ANSWER = """Hello! From the sources:

**Opening hours**
- Mon: 9 to 5. [1]
- Closed on *Sunday*.[2]

You have **30 days.** [1] Dr. Smith is in on 3. March. It works [2].
| a | b |
|---|---|
| Eco | 50 |

### Head
Can I help? 您可以退货。[1]三十天内。 It ends here
[3]"""


def test_sentences_are_cut_and_told_apart() -> None:
    stating = [ANSWER[s.start : s.end] for s in sentences_of(ANSWER) if s.states_something]
    assert stating == [
        "Mon: 9 to 5. [1]",
        "Closed on *Sunday*.[2]",
        "You have **30 days.** [1]",
        "Dr. Smith is in on 3. March.",
        "It works [2].",
        "| Eco | 50 |",
        "您可以退货。[1]",
        "三十天内。",
        "It ends here\n[3]",
    ]


def test_a_growing_answer_is_cut_like_the_whole_one() -> None:
    whole = list(sentences_of(ANSWER))
    for length in range(len(ANSWER)):
        found = list(sentences_of(ANSWER[:length], final=False))
        assert found == whole[: len(found)]
    assert len(list(sentences_of(ANSWER[: ANSWER.index("Can I")], final=False))) >= 9


def test_an_answer_that_was_followed_is_proved_as_the_whole_one() -> None:
    answer = "You can return it within 30 days [1]. It is free. [1]\n\n- The parcel weighs 5 kg. [1] Anything else?"
    passages = [passage("You can return it within 30 days. Returns are free in Berlin. A parcel weighs 5 kg.")]
    whole, followed = Prover(passages, "", "en"), Prover(passages, "", "en")
    for length in range(len(answer)):
        followed.follow(answer[:length])
    assert followed.prove(answer) == whole.prove(answer)
    assert [sentence.supported for sentence in followed.prove(answer).sentences] == [True, True, True]


@pytest.mark.parametrize("text", ["Hello!", "Can I help you?", "The sources do not say that.", "Sure.", "Here it is:"])
def test_some_sentences_state_nothing(text: str) -> None:
    assert [s.states_something for s in sentences_of(text)] == [False]


URL = "https://a.example/p"


@pytest.mark.parametrize(
    ("url", "text", "link"),
    [
        (URL, "5-10 euros, tax & all", f"{URL}#:~:text=5%2D10%20euros%2C%20tax%20%26%20all"),
        (URL + "#top", "short", f"{URL}#top:~:text=short"),
        (URL, "| Eco | 50 |\n| Quick | 30 |", f"{URL}#:~:text=Eco,30"),
        (URL, "**Bold** [word](https://b.example)", f"{URL}#:~:text=Bold%20word"),
        (URL, "---", URL),
        ("javascript:alert(1)", "x", None),
        (None, "x", None),
        ("", "x", None),
    ],
)
def test_a_link_opens_the_quote(url: str | None, text: str, link: str | None) -> None:
    assert link_to(url, text) == link


def test_a_long_quote_is_named_by_its_ends() -> None:
    link = link_to(URL, " ".join(f"word{number}" for number in range(50)))
    assert (
        link
        == f"{URL}#:~:text={'%20'.join(f'word{n}' for n in range(6))},{'%20'.join(f'word{n}' for n in range(44, 50))}"
    )
