import random
import time
from itertools import pairwise

import pytest

from chatbot_saas.adapters.extraction import Extracted, HeadingMark, PageMark
from chatbot_saas.core.text import split_sentences
from chatbot_saas.services.chunking import ChunkDraft, chunk_text, covered
from tests.factories import files


def document(text: str, pages: tuple[PageMark, ...] = (), headings: tuple[HeadingMark, ...] = ()) -> Extracted:
    return Extracted(text, "Title", pages, headings, "text/plain")


def count(text: str) -> int:
    """About as many as a tokenizer finds, without its files: a token for four bytes."""
    return -(-len(text.encode()) // 4)


def check(text: str, drafts: list[ChunkDraft]) -> None:
    assert covered(drafts, text)
    for ordinal, draft in enumerate(drafts):
        assert draft.ordinal == ordinal
        assert draft.text == text[draft.start : draft.end]
        assert draft.text == draft.text.strip() != ""
    for before, after in pairwise(drafts):
        assert before.start < after.start
        assert before.end < after.end


def test_nothing_and_little() -> None:
    assert chunk_text(document(""), count) == []
    assert chunk_text(document(" \n "), count) == []
    assert [draft.text for draft in chunk_text(document("One. Two."), count)] == ["One. Two."]


def test_sizes_sentences_and_overlap() -> None:
    text = files.prose(200_000).replace("# ", "")
    drafts = chunk_text(document(text), count)
    check(text, drafts)
    starts = {start for start, _ in split_sentences(text)}
    ends = {end for _, end in split_sentences(text)}
    for draft in drafts:
        assert 500 <= draft.tokens <= 1000
        assert abs(draft.tokens - count(draft.text)) <= draft.tokens // 20
        assert draft.start in starts
        assert draft.end in ends
    for before, after in pairwise(drafts):
        assert 40 <= count(text[after.start : before.end]) <= 160


@pytest.mark.parametrize("size", [3_900, 4_100, 4_500, 5_000, 6_000, 7_000, 8_200, 12_345])
def test_no_small_rest_at_the_end(size: int) -> None:
    text = files.prose(size, seed=size).replace("# ", "")
    drafts = chunk_text(document(text), count)
    check(text, drafts)
    assert all(draft.tokens <= 1000 for draft in drafts)
    assert len(drafts) == 1 or all(draft.tokens >= 490 for draft in drafts)


def test_a_heading_begins_a_chunk_and_is_not_parted_from_its_text() -> None:
    section = " ".join(f"Sentence number {number} says something of use." for number in range(60))
    text = "\n\n".join(f"Heading {number}\n\n{section}" for number in range(6))
    marks = tuple(HeadingMark(1, text.index(f"Heading {number}\n"), f"Heading {number}") for number in range(6))
    drafts = chunk_text(document(text, headings=marks), count)
    check(text, drafts)
    assert [draft.headings for draft in drafts] == [(f"Heading {number}",) for number in range(6)]
    assert all(draft.text.startswith(draft.headings[0]) for draft in drafts)
    assert not any(draft.text.endswith(f"Heading {number}") for draft in drafts for number in range(6))


def test_heading_paths() -> None:
    parts = [("Guide", 1), ("Rooms", 2), ("Beds", 3), ("Pets", 2), ("Imprint", 1)]
    body = " ".join(["Some words are said here."] * 130)
    text = "\n\n".join(f"{name}\n\n{body}" for name, _ in parts)
    marks = tuple(HeadingMark(level, text.index(f"{name}\n"), name) for name, level in parts)
    drafts = chunk_text(document(text, headings=marks), count)
    assert [draft.headings for draft in drafts] == [
        ("Guide",),
        ("Guide", "Rooms"),
        ("Guide", "Rooms", "Beds"),
        ("Guide", "Pets"),
        ("Imprint",),
    ]


def test_page_is_where_the_chunk_begins() -> None:
    pages = [files.prose(3_000, seed=number).replace("# ", "") for number in range(8)]
    text, marks = "", []
    for number, page in enumerate(pages, 1):
        text += "\n\n" if text else ""
        marks.append(PageMark(number, len(text)))
        text += page
    drafts = chunk_text(document(text, pages=tuple(marks)), count)
    check(text, drafts)
    for draft in drafts:
        assert draft.page == max(mark.number for mark in marks if mark.start <= draft.start)
    assert len({draft.page for draft in drafts}) > 4


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "".join(random.Random(1).choices("abcdefghij0123456789+/", k=100_000)),
        "word " * 40_000,
        "\n".join(f"{number} | item | {number * 3.5:.2f} € | available" for number in range(6_000)),
        files.JAPANESE * 300,
        "営業時間と返品について" * 3_000,
        "नमस्ते दुनिया " * 8_000,
        "👩‍👩‍👧‍👦🇩🇪👍🏽" * 3_000,
        "e\u0301" * 20_000,
        "\u0301" * 20_000,
    ],
    ids=[
        "word",
        "base64",
        "words",
        "table",
        "japanese",
        "cjk without marks",
        "hindi",
        "emoji",
        "accents",
        "only accents",
    ],
)
def test_text_without_sentences(text: str) -> None:
    text = text.strip()
    drafts = chunk_text(document(text), count)
    check(text, drafts)
    assert all(draft.tokens <= 1000 for draft in drafts)
    assert all(draft.tokens >= 450 for draft in drafts[:-1])


def test_cuts_leave_joined_characters_whole() -> None:
    for text in ("👩‍👩‍👧‍👦" * 4_000, "🇩🇪" * 6_000, "👍🏽" * 6_000, "e\u0301" * 20_000):
        unit = text[: text.index(text[0], 1)] if text[0] != "🇩" else "🇩🇪"
        unit = "👩‍👩‍👧‍👦" if text[0] == "👩" else unit
        drafts = chunk_text(document(text), count)
        assert len(drafts) > 1
        assert all(draft.start % len(unit) == 0 and draft.end % len(unit) == 0 for draft in drafts)


def test_each_text_is_counted_about_once() -> None:
    text = files.prose(300_000)
    seen = 0

    def counting(part: str) -> int:
        nonlocal seen
        seen += len(part)
        return count(part)

    chunk_text(document(text), counting)
    assert seen <= 1.05 * len(text)


@pytest.mark.parametrize("pattern", ["word. Next one\n", "a", "\n", ". ", "# A\n", "| ", "あ"])
def test_time_is_linear(pattern: str) -> None:
    text = pattern * (200_000 // len(pattern))
    begin = time.process_time()
    chunk_text(document(text), count)
    assert time.process_time() - begin < 6  # quadratic would take minutes
