"""Tokens that are searched, and what a question asks for."""

import pytest

from chatbot_saas.services.lexical import query_terms, question_terms, search_query, search_vector, tokens


def test_words_are_folded_and_stemmed() -> None:
    assert tokens("Returns RETURNED", "en") == ["return", "return"]
    assert tokens("Café", "fr") == tokens("cafe", "fr")


def test_scripts_without_spaces_become_pairs() -> None:
    assert tokens("营业时间", "zh") == ["营业", "业时", "时间"]
    assert tokens("iPhone充电", "zh")[-1] == "充电"


def test_stop_words_are_left_out_unless_nothing_else_is_left() -> None:
    assert query_terms("what is the warranty", "en") == ["warranti"]
    assert query_terms("what is it", "en")
    assert question_terms("what is it", "en")


@pytest.mark.parametrize("typed", ["EX-2040", "ex2040", "EX 2040", "ex_2040", "EX.2040", "EX–2040"])
def test_a_code_is_one_term_however_it_is_typed(typed: str) -> None:
    assert "ex2040" in {term.token for term in question_terms(f"does the {typed} leak?", "en") if term.code}


def test_a_passage_holds_its_codes_in_one_piece() -> None:
    assert "'ex2040'" in search_vector("The EX-2040 pump", "en")


def test_a_quantity_may_look_like_a_code_but_is_not_demanded() -> None:
    """`page 12`: a passage that lacks `page12` lacks nothing."""
    [joined] = [term for term in question_terms("what does page 12 say", "en") if term.token == "page12"]
    assert joined.optional


def test_typing_errors_sound_alike() -> None:
    [right], [wrong] = question_terms("warranty", "en"), question_terms("warrenty", "en")
    assert right.sound == wrong.sound != ""


def test_compounds_are_found_by_their_last_part() -> None:
    [term] = question_terms("Frist", "de")
    assert "~tsirf" in term.part
    assert "'~tsirfsgnugidnük'" in search_vector("Kündigungsfrist", "de") or "~tsirfsgnugidnuk" in search_vector(
        "Kündigungsfrist", "de"
    )


@pytest.mark.parametrize("question", ["", "?", "'; DROP", "\\ ' : & | !", "🙂", "a" * 5000, "1 " * 500])
def test_anything_becomes_a_query_of_bounded_size(question: str) -> None:
    terms = question_terms(question, "auto")
    assert len(terms) <= 60
    assert len(search_query(terms)) < 60 * 200


def test_the_language_of_the_question_chooses_its_stop_words() -> None:
    """In a bot of any language, `die` is an article in German and a verb in English."""
    assert "die" not in {term.token for term in question_terms("die Garantie", "auto", "de")}
    assert "die" in {term.token for term in question_terms("die young", "auto", "en")}
