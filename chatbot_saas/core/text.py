"""Where sentences begin and end, by character offsets, so that what is quoted is found again in the document.

Rules instead of a model: 3 MB are split in a fraction of a second, and the same text always splits the same way.
"""

import re

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
_CLOSING = "\"'”’»)\\]"
_MARKS, _WIDE_MARKS = ".!?…؟۔।॥", "。！？｡"
_CANDIDATE = re.compile(
    # one class of signs comes first, so that the scanner jumps from one to the next
    rf"[{_MARKS}{_WIDE_MARKS}\n](?:"
    # scripts with spaces: _is_end decides. A look-behind lets a run of marks be tried once, not once for each mark
    rf"(?P<stop>(?<=[{_MARKS}])(?<![{_MARKS}][{_MARKS}])[{_MARKS}]*+[{_CLOSING}]*+)(?=\s)"
    rf"|(?<=[{_WIDE_MARKS}])[{_WIDE_MARKS}]*[」』）”’】》]*"  # scripts without spaces: the mark is enough
    r"|(?P<line>(?<=\n)))"
)
_LAST_WORD = re.compile(r"[^\s(\[\"'„“«]*$")
_LIST_ITEM = re.compile(r"\s*(?:[-*+•‣◦▪–#>|]|\(?\w{1,2}[.)]\s)")
# English, German, French, Spanish, Italian: words that are rarely the last of a sentence
_ABBREVIATIONS = frozenset(
    """mr mrs ms dr prof jr sr vs e.g i.e eq approx dept rev gen z.b d.h u.a o.ä bzw ca evtl ggf inkl exkl zzgl vgl sog
    hr fr frl hrsg mme mlle sra srta ud uds dott feat""".split()  # noqa: SIM905  a list of quoted words is harder to read
)
_BEFORE_NUMBERS = frozenset(
    """no nos nr fig figs vol p pp ch sec s abs abb tab art kap bd pag st tel max min jan feb mar apr jun jul aug sep
    sept oct okt nov dec dez""".split()  # noqa: SIM905
)
_MONTHS = re.compile(r"(?:jan|feb|mär|mar|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])", re.IGNORECASE)
_LOOK_BACK = 24  # characters; no abbreviation is longer
_FULL_LINE = 0.8  # of the widest line: proportional fonts make full lines differ in characters


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Offsets (start, end) of the sentences of `text`, in order, without the white space between them.

    Every character that is not white space lies in exactly one sentence. Blank lines, list items, table rows and lines
    that were broken before they were full (headings, addresses) end a sentence too. Linear in the length of the text.
    """
    sentences: list[tuple[int, int]] = []
    begin = 0
    for block in _BLANK_LINES.finditer(text):
        _split_block(text, begin, block.start(), sentences)
        begin = block.end()
    _split_block(text, begin, len(text), sentences)
    return sentences


def _split_block(text: str, begin: int, end: int, sentences: list[tuple[int, int]]) -> None:
    """Append the sentences of the paragraph text[begin:end]."""
    width = -1
    start = begin
    for match in _CANDIDATE.finditer(text, begin, end):
        kind = match.lastgroup
        cut = match.end()
        if kind == "stop":
            if not _is_end(text, match.start(), cut, end):
                continue
        elif kind == "line":
            cut -= 1
            width = _widest_line(text, begin, end) if width < 0 else width
            if not _line_ends_sentence(text, cut, begin, end, width):
                continue
        _append(text, start, cut, sentences)
        start = cut
    _append(text, start, end, sentences)


def _append(text: str, start: int, end: int, sentences: list[tuple[int, int]]) -> None:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    if start < end:
        sentences.append((start, end))


def _widest_line(text: str, begin: int, end: int) -> int:
    widest, start = 0, begin
    while (newline := text.find("\n", start, end)) >= 0:
        widest = max(widest, newline - start)
        start = newline + 1
    return max(widest, end - start)


def _is_end(text: str, stop: int, after: int, limit: int) -> bool:
    """Whether the mark at `stop`, with white space at `after`, ends a sentence."""
    follows = after
    while follows < limit and text[follows].isspace():
        follows += 1
    if follows >= limit:
        return True
    if text[follows].islower():
        return text[follows - 1] == "\n" and _LIST_ITEM.match(text, follows) is not None
    if text[stop] != "." or text[stop + 1 : stop + 2] == ".":
        return True
    word = _LAST_WORD.search(text, max(0, stop - _LOOK_BACK), stop)
    return word is None or not _keeps_point(text, word.start(), stop, follows)


def _keeps_point(text: str, start: int, stop: int, follows: int) -> bool:
    """Whether the point after the word text[start:stop] belongs to the word: initials, abbreviations, ordinals."""
    word = text[start:stop]
    if word.lower() in _ABBREVIATIONS or (len(word) == 1 and word.isalpha()):
        return True
    if word.lower() in _BEFORE_NUMBERS:
        return text[follows].isdigit()
    if word.isdigit() and len(word) <= 2:
        line_begins = start == 0 or text[start - 1] == "\n"
        return line_begins or _MONTHS.match(text, follows) is not None
    return False


def _line_ends_sentence(text: str, newline: int, begin: int, end: int, width: int) -> bool:
    """Whether a single line break ends a sentence: at lists, tables and headings, not where a paragraph was wrapped."""
    line_start = max(text.rfind("\n", begin, newline) + 1, begin)
    line_length = newline - line_start
    if _LIST_ITEM.match(text, newline + 1, end) or text.startswith("#", line_start):
        return True
    if text.find(" | ", line_start, newline) >= 0:
        return True
    first = text[newline + 1 : newline + 2]
    if not first or first.islower() or text[newline - 1 : newline] in (",", "-", ";"):
        return False
    word_end = newline + 1
    while word_end < end and word_end - newline <= 30 and not text[word_end].isspace():
        word_end += 1
    return line_length + (word_end - newline) < _FULL_LINE * width
