from chatbot_saas.adapters import languages
from tests.adapters.short_questions import CASES


def test_short_questions_are_told_apart():
    right = [languages.detect(question, default="") == language for language, question in CASES]
    assert sum(right) >= 0.97 * len(CASES)


def test_what_tells_nothing_is_taken_for_the_expected_language():
    for text in ("", "?!", "E23", "4711", "😀"):
        assert languages.detect(text, default="de") == "de"


def test_the_expected_language_wins_where_it_is_a_close_call():
    assert languages.detect("glass programme temperature", default="en") == "en"
    assert languages.detect("Wie lange habe ich Zeit für eine Rückgabe?", default="en") == "de"
