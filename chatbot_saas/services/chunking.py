"""Cuts a document into the passages that are searched and cited. Pure: nothing but text and offsets."""

import bisect
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from chatbot_saas.adapters.extraction import Extracted, HeadingMark
from chatbot_saas.core.text import split_sentences

_LONG_SENTENCE = 2_000  # characters; longer ones are cut before their tokens are counted
_PIECE = 400  # characters of such a part, about 100 tokens of a Latin script
_CLAUSE_MARKS = frozenset(",;:)]}、，；：）」|")
_GLUE = frozenset("\u200d\ufe0e\ufe0f")  # zero-width joiner and variation selectors
_HEADING_BONUS, _PARAGRAPH_BONUS = 400, 120  # tokens by which a cut may miss the target for the sake of a better place


@dataclass(frozen=True, slots=True)
class ChunkDraft:
    """`text` is the document's text[start:end] exactly; `page` and `headings` (outermost first) where it begins."""

    ordinal: int
    start: int
    end: int
    text: str
    tokens: int
    page: int | None
    headings: tuple[str, ...]


@dataclass(slots=True)
class _Unit:
    """A sentence, or a part of one that is too long: never cut further. `tokens` includes the white space around it."""

    start: int
    end: int
    tokens: int
    bonus: int = 0
    """How good it is to begin a chunk here."""
    is_sentence: bool = True


def chunk_text(
    extracted: Extracted,
    count_tokens: Callable[[str], int],
    *,
    target: int = 800,
    minimum: int = 500,
    maximum: int = 1000,
    overlap: int = 100,
) -> list[ChunkDraft]:
    """Chunks of `minimum` to `maximum` tokens, near `target`, of whole sentences; a short document is one chunk.

    A chunk repeats the last sentences of the one before, up to about `overlap` tokens, except where it begins with a
    heading: there a new subject begins, and the repeated words would bring the wrong heading and page with them.
    Sentences longer than a chunk may vary are cut at clauses, words or, at the worst, between characters. Each text is
    tokenised once, sentence by sentence; a sum may differ from the count of the whole by a token here and there.
    """
    units = _units(extracted, count_tokens, longest=min(maximum - minimum, minimum), piece_tokens=overlap)
    page_starts = [mark.start for mark in extracted.pages]
    paths = _HeadingPaths(extracted.headings)
    sums = [0]
    for unit in units:
        sums.append(sums[-1] + unit.tokens)
    drafts: list[ChunkDraft] = []
    first, fresh = 0, 0  # the first unit of the chunk; the first that no chunk holds yet
    while fresh < len(units):
        last = _end_of_chunk(units, sums, first, fresh, (target, minimum, maximum, overlap))
        start, end = units[first].start, units[last - 1].end
        page = bisect.bisect_right(page_starts, start)
        drafts.append(
            ChunkDraft(
                ordinal=len(drafts),
                start=start,
                end=end,
                text=extracted.text[start:end],
                tokens=sums[last] - sums[first],
                page=extracted.pages[page - 1].number if page else None,
                headings=paths.at(start),
            )
        )
        fresh = last
        first = _begin_of_next(units, sums, first, last, overlap) if last < len(units) else last
    return drafts


def _end_of_chunk(units: list[_Unit], sums: list[int], first: int, fresh: int, sizes: tuple[int, int, int, int]) -> int:
    """Index after the last unit of the chunk that begins with `first`."""
    target, minimum, maximum, overlap = sizes
    base, total = sums[first], sums[-1]
    if total - base <= maximum:
        return len(units)
    if total - base < target + minimum - overlap:
        target = (total - base + overlap) // 2  # two chunks of a like size rather than one full and a small rest
    near_end = total - base < 2 * maximum
    best, best_score = fresh + 1, float("-inf")
    lowest = bisect.bisect_left(sums, base + minimum, fresh + 1)
    for cut in range(lowest, len(units)):
        size = sums[cut] - base
        if size > maximum:
            break
        rest = total - sums[_begin_of_next(units, sums, first, cut, overlap)] if near_end else minimum
        score = units[cut].bonus - abs(size - target) - (2 * maximum if rest < minimum else 0)
        if score > best_score:
            best, best_score = cut, score
    if best_score == float("-inf"):  # units that fit no window: as many as stay below the maximum
        best = max(fresh + 1, bisect.bisect_right(sums, base + maximum) - 1)
    return best


def _begin_of_next(units: list[_Unit], sums: list[int], first: int, last: int, overlap: int) -> int:
    """The unit with which the next chunk begins, so that it repeats about `overlap` tokens in whole sentences."""
    if units[last].bonus == _HEADING_BONUS:
        return last
    begin = last
    while begin - 1 > first and sums[last] - sums[begin - 1] <= overlap:
        begin -= 1
    one_more = sums[last] - sums[begin - 1]
    if begin - 1 > first and one_more - overlap < overlap - (sums[last] - sums[begin]):
        begin -= 1  # a little too much is nearer than far too little
    return next((unit for unit in range(begin, last) if units[unit].is_sentence), begin)


class _HeadingPaths:
    """The headings above each place of the document."""

    def __init__(self, headings: tuple[HeadingMark, ...]) -> None:
        self._starts = [heading.start for heading in headings]
        self._paths: list[tuple[str, ...]] = []
        open_headings: list[HeadingMark] = []
        for heading in headings:
            while open_headings and open_headings[-1].level >= heading.level:
                open_headings.pop()
            open_headings.append(heading)
            self._paths.append(tuple(above.text for above in open_headings))

    def at(self, offset: int) -> tuple[str, ...]:
        index = bisect.bisect_right(self._starts, offset)
        return self._paths[index - 1] if index else ()


def _units(extracted: Extracted, count_tokens: Callable[[str], int], longest: int, piece_tokens: int) -> list[_Unit]:
    """The document as units of at most `longest` tokens, each with its bonus as the beginning of a chunk."""
    text = extracted.text
    headings = sorted({mark.start for mark in extracted.headings})
    units: list[_Unit] = []
    previous = 0
    for start, end in _cut_at(split_sentences(text), headings, text):
        bonus = _PARAGRAPH_BONUS if text.startswith("\n\n", max(0, start - 2)) else 0
        at = bisect.bisect_left(headings, start)
        if at < len(headings) and headings[at] == start:
            bonus = _HEADING_BONUS
        before = len(units)
        counted = end  # tokenizers take a space with the word after it, and line ends with the mark before them
        while text.startswith("\n", counted):
            counted += 1
        if end - start <= _LONG_SENTENCE:
            unit = _Unit(start, end, count_tokens(text[previous:counted]))
            units.extend([unit] if unit.tokens <= longest else _split(text, unit, count_tokens, piece_tokens))
        else:
            for piece_start, piece_end in _pieces(text, start, end, _PIECE):
                piece = _Unit(piece_start, piece_end, count_tokens(text[piece_start:piece_end]), is_sentence=False)
                units.extend(_split(text, piece, count_tokens, piece_tokens))
        units[before].bonus, units[before].is_sentence = bonus, True
        if bonus < _HEADING_BONUS and before and units[before - 1].bonus == _HEADING_BONUS:
            units[before].bonus = -_HEADING_BONUS  # do not part a heading from what it announces
        previous = counted
    return units


def _cut_at(sentences: list[tuple[int, int]], places: list[int], text: str) -> Iterator[tuple[int, int]]:
    """The sentences, cut also at `places`, so that a heading begins a unit whatever the sentence rules made of it."""
    index = 0
    for start, end in sentences:
        while index < len(places) and places[index] <= start:
            index += 1
        while index < len(places) and places[index] < end:
            stop = start + len(text[start : places[index]].rstrip())
            if stop > start:
                yield start, stop
            start = places[index]
            index += 1
        yield start, end


def _split(text: str, unit: _Unit, count_tokens: Callable[[str], int], tokens: int) -> Iterator[_Unit]:
    """Parts of about `tokens` tokens; denser parts are halved until they fit or are one character."""
    if unit.tokens < 2 * tokens:
        yield unit
        return
    width = max(1, (unit.end - unit.start) * tokens // unit.tokens)
    stack = list(_pieces(text, unit.start, unit.end, width))[::-1]
    while stack:
        start, end = stack.pop()
        count = count_tokens(text[start:end])
        if count < 2 * tokens or end - start < 2:
            yield _Unit(start, end, count, is_sentence=False)
        else:
            stack.extend(list(_pieces(text, start, end, (end - start + 1) // 2))[::-1])


def _pieces(text: str, start: int, end: int, width: int) -> Iterator[tuple[int, int]]:
    """Parts of text[start:end] of at most `width` characters, without the white space between them."""
    while start < end:
        cut = _cut_place(text, start, start + width) if end - start > width else end
        stop = cut
        while stop > start and text[stop - 1].isspace():
            stop -= 1
        if stop > start:
            yield start, stop
        start = cut
        while start < end and text[start].isspace():
            start += 1


def _cut_place(text: str, start: int, limit: int) -> int:
    """The best place in the second half of text[start:limit]: line end, clause, space; else between characters."""
    half = (start + limit + 1) // 2
    newline = text.rfind("\n", half, limit)
    if newline > start:
        return newline + 1
    for place in range(limit, half, -1):
        if text[place - 1] in _CLAUSE_MARKS:
            return place
    space = text.rfind(" ", half, limit)
    if space > start:
        return space + 1
    place = limit
    while place > half and _joins(text, place):
        place -= 1
    return place if place > half else limit


def _joins(text: str, place: int) -> bool:
    """Whether the characters on both sides of `place` are shown as one: marks on letters, joined emoji, flags."""
    after, before = text[place], text[place - 1]
    if unicodedata.combining(after) or unicodedata.category(after) in ("Mn", "Me", "Mc") or after in _GLUE:
        return True
    return before == "\u200d" or "\U0001f3fb" <= after <= "\U0001f3ff" or (_is_flag(before) and _is_flag(after))


def _is_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def covered(drafts: list[ChunkDraft], text: str) -> bool:
    """Whether every character that is not white space is in at least one chunk: what tests and benchmarks ask."""
    if not drafts:
        return not text.strip()
    gaps = [text[before.end : after.start] for before, after in pairwise(drafts)]
    edges = [text[: drafts[0].start], text[drafts[-1].end :]]
    return not any(gap.strip() for gap in gaps + edges)
