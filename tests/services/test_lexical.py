import pytest

from chatbot_saas.services.lexical import question_terms, search_vector, tokens


def lexemes(text: str, language: str = "auto") -> set[str]:
    return {part.split("'")[1] for part in search_vector(text, language).split(" ")}


def ways(question: str, language: str = "en") -> str:
    return " | ".join(term.any for term in question_terms(question, language))


@pytest.mark.parametrize("typed", ["EX-2040", "ex2040", "Ex 2040", "EX‑2040", "ＥＸ－２０４０"])
def test_a_code_however_it_is_typed(typed: str):
    assert "'ex2040'" in ways(typed)
    assert "ex2040" in lexemes("The drill EX-2040 is new")


def test_the_beginning_of_a_code():
    assert "'ex20':*" in ways("EX-20")


def test_typing_errors_sound_alike():
    for wrong, right in (
        ("recipts", "receipts"),
        ("pasword", "password"),
        ("ofice", "office"),
        ("probezait", "Probezeit"),
    ):
        [term] = question_terms(wrong, "en")
        assert term.sound.strip("'") in lexemes(right)


def test_compounds_by_their_last_and_their_first_part():
    [term] = question_terms("Frist", "de")
    assert any(
        f"'{token}".startswith(term.part.split(" | ")[-1].removesuffix("':*")) for token in lexemes("Kündigungsfrist")
    )
    [term] = question_terms("Kündigungsfrist", "de")
    assert "'frist'" in term.part


def test_scripts_without_spaces():
    assert {"忘记", "记打", "打卡", "卡"} <= lexemes("忘记打卡", "zh")
    said = [term.token for term in question_terms("忘记打卡怎么办？", "zh")]
    assert "打卡" in said
    assert "怎么" not in said
    assert "ราคา" not in tokens("ราคา")
    assert question_terms("税", "zh")[0].exact == "'税':*"


def test_stop_words_of_the_question_s_own_language():
    assert [term.token for term in question_terms("Wie lange gilt die Garantie?", "de")] == ["lang", "gilt", "garanti"]
    assert [term.token for term in question_terms("what is it", "en")], "a question of stop words alone keeps them"


def test_nothing_of_a_question_leaves_its_quotes():
    for nasty in ("it's a 'quote' | !drop & (x)", "a\\b':*", "’ ' \"", "<-> & | !"):
        for term in question_terms(nasty, "en"):
            assert "\\" not in term.any
            assert term.any.count("'") % 2 == 0
