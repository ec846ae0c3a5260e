"""What is typed in a bot's settings."""

import pytest

from chatbot_saas.schemas.dashboard import BotDraft
from chatbot_saas.state.bot_draft import changed, merged, problems, typed, website

SAVED = BotDraft(name="Helper", max_tokens="600", temperature=0.2, allowed_origins=["https://shop.example"])


def test_what_is_typed_is_kept_even_if_it_is_wrong() -> None:
    draft = typed(SAVED, "max_tokens", "many")
    assert draft.max_tokens == "many"
    assert problems(changed(draft, SAVED)) == {"max_tokens": "This is not a whole number."}


@pytest.mark.parametrize(
    ("name", "value"),
    [("id", "x"), ("status", "published"), ("__class__", "x"), ("allowed_origins", ["https://evil.example"])],
)
def test_only_fields_of_the_form_can_be_typed(name: str, value: object) -> None:
    assert typed(SAVED, name, value) == SAVED


@pytest.mark.parametrize("value", ["0.5", None, {}, [], True, [0.5]])
def test_a_slider_takes_numbers_only(value: object) -> None:
    assert typed(SAVED, "temperature", value).temperature == 0.2


def test_a_slider_is_rounded() -> None:
    assert typed(SAVED, "temperature", 0.7000001).temperature == 0.7


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "  ", "This cannot be empty."),
        ("name", "n" * 81, "At most 80 characters."),
        ("max_tokens", "12", "At least 50."),
        ("max_tokens", "9999", "At most 4000."),
        ("color", "green", "A colour looks like #4f46e5."),
        ("language", "xx", "Choose one of"),
    ],
)
def test_problems_are_words(field: str, value: str, words: str) -> None:
    assert problems({field: value})[field].startswith(words)


def test_merging_takes_theirs_where_i_did_not_type() -> None:
    mine = typed(typed(SAVED, "name", "Mine"), "max_tokens", "700")
    theirs = SAVED.model_copy(update={"name": "Theirs", "description": "new"})
    draft, both = merged(mine, SAVED, theirs)
    assert (draft.name, draft.max_tokens, draft.description) == ("Mine", "700", "new")
    assert both == ["name"]


def test_the_same_change_twice_is_no_conflict() -> None:
    mine = typed(SAVED, "name", "Both")
    assert merged(mine, SAVED, SAVED.model_copy(update={"name": "Both"}))[1] == []


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("shop.example", "https://shop.example"),
        (" https://Shop.example/ ", "https://shop.example"),
        ("http://localhost:8080", "http://localhost:8080"),
    ],
)
def test_a_website_is_understood(text: str, origin: str) -> None:
    assert website(text) == origin


@pytest.mark.parametrize(
    "text", ["", "https://shop.example/path", "javascript:alert(1)", "https://a b", "ftp://x.example"]
)
def test_what_is_no_website_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"https://shop\.example"):
        website(text)
