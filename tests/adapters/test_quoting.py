"""The answerer that quotes: whole sentences, lists and tables, in their order, word for word."""

import re

import pytest

from chatbot_saas.adapters.llm import ChatRequest, Passage, TextDelta
from chatbot_saas.adapters.llm.extractive import ExtractiveChatModel
from chatbot_saas.adapters.llm.units import units_of
from chatbot_saas.adapters.tokens import EstimatingCounter

RETURNS = Passage(
    1,
    "Returns policy",
    None,
    """# Returns

You can return shoes within 45 days. They must be unworn. However, sale items are final.

To send something back:

1. Open your account.
2. Choose the order and press Return.
3. Print the label and
   stick it on the parcel.

## What does it cost?

Returns are free in Germany. Elsewhere the label costs EUR 6.50.
""",
)
CODES = Passage(
    2,
    "Manual",
    4,
    """If a code appears, look here:

| Code | Meaning | What to do |
|---|---|---|
| E-04 | No water | Open the tap |
| E-11 | Water does not drain | Clean the filter |

Call us if a code comes back.""",
)
FAQ = Passage(
    3, "FAQ", None, "**Are helmets included?** Yes, helmets and a lock are part of the rent. **Can I pay in cash?** No."
)


async def ask(question: str, *passages: Passage, language: str = "", max_tokens: int = 400) -> str:
    request = ChatRequest("m", (), question, passages, 0.0, 1.0, max_tokens, language=language)
    model = ExtractiveChatModel(EstimatingCounter())
    return "".join([part.text async for part in model.stream(request) if isinstance(part, TextDelta)])


async def test_a_sentence_comes_with_the_one_that_it_leans_on() -> None:
    assert await ask("Must it be unworn?", RETURNS) == (
        "From “Returns policy”:\n\n“You can return shoes within 45 days. They must be unworn.” [1]"
    )


async def test_steps_stay_a_list_with_what_introduces_them() -> None:
    assert await ask("How do I send something back?", RETURNS, language="en") == (
        "From “Returns policy”:\n\n“To send something back:”\n\n"
        "1. Open your account.\n2. Choose the order and press Return.\n"
        "3. Print the label and stick it on the parcel. [1]"
    )


async def test_a_table_gives_its_head_and_the_row_that_is_asked_for() -> None:
    for question in ("What does E-11 mean?", "e11", "E 11 drain"):
        text = await ask(question, CODES, RETURNS)
        table = "| Code | Meaning | What to do |\n|---|---|---|\n| E-11 | Water does not drain | Clean the filter |"
        assert table in text, question
        assert "E-04" not in text
        assert text.startswith("From “Manual”:")
        assert "[2]" in text.splitlines()


async def test_a_list_far_down_does_not_matter_where_no_word_is_shared() -> None:
    """Two sentences are given then; that the second introduces a list must not end the answer."""
    passage = Passage(1, "Notes", None, "The house is old.\n\nBring:\n\n- boots\n- towels\n")
    assert "The house is old." in await ask("qwertz?", passage)


async def test_a_question_with_its_answer_gives_the_answer() -> None:
    text = await ask("are helmets included", FAQ)
    assert text == "From “FAQ”:\n\n“Yes, helmets and a lock are part of the rent.” [3]"


async def test_headings_are_not_quoted_alone() -> None:
    text = await ask("What does it cost?", RETURNS)
    assert "Elsewhere the label costs EUR 6.50." in text
    assert "What does it cost?" not in text


async def test_slips_of_the_pen_are_read() -> None:
    assert "unworn" in await ask("must the shoes be unwron", RETURNS)


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        (
            "店铺政策。门店周一至周日营业。它的电话是 010-5555。会员每月8日打九折。",
            "会员什么时候打折？",
            "会员每月8日打九折。",
        ),
        (
            "Der Laden hat geöffnet. Die Hotline ist Frau Dr. Meier. Sie hilft montags.",
            "Wann hilft die Hotline?",
            "Die Hotline ist Frau Dr. Meier. Sie hilft montags.",
        ),
        (
            "Sklep jest czynny od 9 do 17. Zwroty przyjmujemy przez 30 dni.",
            "Ile dni mam na zwrot?",
            "Zwroty przyjmujemy przez 30 dni.",
        ),
    ],
)
async def test_other_languages(text: str, question: str, answer: str) -> None:
    assert answer in await ask(question, Passage(1, "T", None, text))


@pytest.mark.parametrize(
    "question", ["shoes and codes", "How do I return?", "cost", "water", "helmets", "zzz", "Which codes are there?"]
)
async def test_everything_is_word_for_word(question: str) -> None:
    passages = (RETURNS, CODES, FAQ)
    source = re.sub(r"\s+", "", "".join(passage.text for passage in passages))
    text = await ask(question, *passages)
    text = re.sub(r"^From “.*?”:$|\[\d\]", "", text, flags=re.MULTILINE)
    quoted = [part for line in text.splitlines() for part in line.strip("“” ").split(" … ")]
    assert any(quoted)
    for part in quoted:
        assert re.sub(r"\s+", "", part).strip("“”") in source


async def test_what_only_begins_alike_is_not_taken_for_a_word() -> None:
    text = "The MW-210 is a hand grinder with steel burrs. Complaints go to Mrs. Lindqvist."
    assert "hand grinder" not in await ask("Who handles complaints?", Passage(1, "Grinders", None, text))


async def test_a_list_in_chinese_numbers_is_kept_whole_and_an_enumeration_is_a_sentence() -> None:
    steps = Passage(1, "退货", None, "退货步骤：\n\n一、登录账户。\n二、选择订单并提交申请。\n三、寄回商品。\n")
    assert "一、登录账户。\n二、选择订单并提交申请。\n三、寄回商品。" in await ask("退货的步骤有哪些？", steps)
    paying = Passage(1, "支払い", None, "現金、カードがご利用いただけます。小切手は使えません。")
    assert "「現金、カードがご利用いただけます。" in await ask("カードは使えますか？", paying)


async def test_no_half_sentences_where_room_is_short() -> None:
    text = await ask("Can I return shoes? What does it cost elsewhere?", RETURNS, max_tokens=20)
    assert re.search(r"[.:]” \[1\]$", text)


def test_units_know_their_list_and_its_introduction() -> None:
    units = units_of([RETURNS])
    assert [unit.kind for unit in units] == [
        *("heading", "sentence", "sentence", "sentence", "sentence", "item", "item", "item"),
        *("heading", "sentence", "sentence"),
    ]
    assert [unit.intro for unit in units if unit.kind == "item"] == [4, 4, 4]
    lone = units_of([Passage(1, "T", None, "Text one.\n\n2. Delivery\n\nText two.")])
    assert [unit.kind for unit in lone] == ["sentence", "heading", "sentence"]
