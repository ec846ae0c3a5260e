import time

import pytest

from chatbot_saas.core.text import split_sentences


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\n ", []),
        ("One", ["One"]),
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("Dr. Smith met J. Doe, e.g. on 3.5 km. No. 7 came.", ["Dr. Smith met J. Doe, e.g. on 3.5 km.", "No. 7 came."]),
        ("Am 3. Mai kam z. B. Herr Meier. Er blieb.", ["Am 3. Mai kam z. B. Herr Meier.", "Er blieb."]),
        ("It opened in 2020. The shop grew.", ["It opened in 2020.", "The shop grew."]),
        ("Wait... what? yes.", ["Wait... what? yes."]),
        ("第一句。第二句！「第三句？」第四句", ["第一句。", "第二句！", "「第三句？」", "第四句"]),
        ("Heading\n\nText here. More", ["Heading", "Text here.", "More"]),
        ("# Title\nbody text", ["# Title", "body text"]),
        ("- one\n- two\n1. three\n2. Four", ["- one", "- two", "1. three", "2. Four"]),
        ("Plan | Price\nFree | 0\nPro | 19", ["Plan | Price", "Free | 0", "Pro | 19"]),
        (
            "Returns\nYou may return goods within thirty days of\nDelivery without giving a reason. Write to us.",
            [
                "Returns",
                "You may return goods within thirty days of\nDelivery without giving a reason.",
                "Write to us.",
            ],
        ),
        ("यह पहला है। यह दूसरा है।", ["यह पहला है।", "यह दूसरा है।"]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_every_visible_character_is_in_exactly_one_sentence() -> None:
    text = "  A b. C\td!\n\n\n – e, f\ng? 東京。大阪\u3000名古屋 . ! x\n| y |\n"
    joined = "".join(sentences(text))
    assert "".join(joined.split()) == "".join(text.split())
    ends = [offset for pair in split_sentences(text) for offset in pair]
    assert ends == sorted(ends)


HOSTILE = ["Next one here.\n", "a", "\n", ". ", "A\n", ".", ".)", "\n ", "| ", "e.g. "]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_time_is_linear(pattern: str) -> None:
    text = pattern * (200_000 // len(pattern)) + "x"
    begin = time.process_time()
    split_sentences(text)
    assert time.process_time() - begin < 6  # quadratic would take minutes
