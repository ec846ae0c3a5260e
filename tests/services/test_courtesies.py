"""What asks for nothing, told from what does."""

import pytest

from chatbot_saas.schemas.bots import FALLBACK, LANGUAGES, WELCOME
from chatbot_saas.services.courtesies import courtesy
from chatbot_saas.services.wording import wording


@pytest.mark.parametrize(
    ("text", "kind", "language"),
    [
        ("hello", "greeting", "en"),
        ("Hi there 👋", "greeting", "en"),
        ("Thank you very much!", "thanks", "en"),
        ("ok, that’s great, thanks", "thanks", "en"),
        ("Hello, thank you and bye", "thanks", "en"),
        ("Grüß Gott zusammen", "greeting", "de"),
        ("Danke schön, tschüß!", "thanks", "de"),
        ("Tschüss", "farewell", "de"),
        ("merci beaucoup", "thanks", "fr"),
        ("¡Hola! Buenos días", "greeting", "es"),
        ("grazie mille", "thanks", "it"),
        ("Muito obrigada", "thanks", "pt"),
        ("dank u wel", "thanks", "nl"),
        ("Dzień dobry", "greeting", "pl"),
        ("ありがとうございました。", "thanks", "ja"),
        ("你好！", "greeting", "zh"),
        ("好的，谢谢您", "thanks", "zh"),
    ],
)
def test_what_is_said_out_of_courtesy(text: str, kind: str, language: str) -> None:
    said = courtesy(text)
    assert said
    assert (said.kind, said.languages[0]) == (kind, language)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "??",
        "ok",
        "Hi, when are you open?",
        "Thanks, but how much is it?",
        "Thanksgiving opening hours",
        "hello kitty",
        "hiking",
        "Danke-Karten",
        "How do I say goodbye?",
        "你好吗店在哪里",
        "ありがとうカードはありますか",
        "thanks " * 20,
    ],
)
def test_what_asks_for_something_is_a_question(text: str) -> None:
    assert courtesy(text) is None


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language not in ("auto", "en")])
def test_what_a_new_bot_says_is_in_each_language_and_the_owners_words_stay(language: str) -> None:
    words, english = wording(language), wording("en")
    for own in ("", " ", FALLBACK):
        assert words.fallback(own) == words.not_found != english.not_found
    for own in ("", WELCOME):
        assert words.welcome(own) == words.greeting != english.greeting
    assert words.fallback("No idea.") == "No idea."
    assert words.welcome("Ahoy!") == "Ahoy!"
    assert words.thanks != english.thanks
    assert words.farewell != english.farewell
