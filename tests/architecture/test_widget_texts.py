"""The widget's words: every language has all of them, and what a sentence leaves open."""

import re

import pytest

from chatbot_saas.api.widget import FOLDER
from chatbot_saas.schemas.widget import INTERFACE_LANGUAGES, MAX_TEXTS, WidgetSettings

_PAIR = re.compile(r'^  (\w+): "((?:[^"\\]|\\.)*)",$', re.MULTILINE)


def words(name: str) -> dict[str, str]:
    return dict(_PAIR.findall((FOLDER / name).read_text("utf-8")))


ENGLISH = {"texts": words("texts-en.js"), "more": words("more-en.js")}


@pytest.mark.parametrize("language", [one for one in INTERFACE_LANGUAGES if one != "en"])
@pytest.mark.parametrize("part", ENGLISH)
def test_a_language_is_complete(part: str, language: str) -> None:
    found = words(f"{part}-{language}.js")
    assert list(found) == list(ENGLISH[part])
    for key, text in found.items():
        assert text.strip(), key
        assert re.findall(r"{\w+}", text) == re.findall(r"{\w+}", ENGLISH[part][key]), key


def test_there_are_the_languages_that_settings_name() -> None:
    for part in ENGLISH:
        found = {path.stem.partition("-")[2] for path in FOLDER.glob(f"{part}-*.js")}
        assert found == set(INTERFACE_LANGUAGES)


def test_the_preview_answers_in_each_language() -> None:
    samples = (FOLDER / "preview" / "samples.js").read_text("utf-8")
    assert re.findall(r'^  (\w+): \["[^"]+", "[^"]+", "[^"]+"\],$', samples, re.MULTILINE) == list(INTERFACE_LANGUAGES)


def test_every_word_can_be_replaced() -> None:
    keys = {**ENGLISH["texts"], **ENGLISH["more"]}
    assert len(keys) == sum(map(len, ENGLISH.values())) <= MAX_TEXTS
    assert WidgetSettings.model_validate({"texts": dict.fromkeys(keys, "x")}).texts.keys() == keys.keys()
