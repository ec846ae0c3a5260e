"""A passage cut into what can be quoted: sentences, items of lists with what introduces them, rows of tables. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from chatbot_saas.adapters.llm import Passage
from chatbot_saas.core.text import split_sentences

Kind = Literal["sentence", "heading", "question", "item", "row", "divider"]
_ITEM = re.compile(r"(?:[-*+•‣◦▪–]\s+|\(?\d{1,2}[.)、]\s*|[一二三四五六七八九十]{1,3}、\s*|[a-z][.)]\s+)(?=\S)")
_DIVIDER = re.compile(r"\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?")
_HEADING = re.compile(r"#{1,6}\s+")
_BOLD_QUESTION = re.compile(r"((?:\*\*|__)[^*_\n]{1,300}[?？:：](?:\*\*|__)|(?:Q|F|问|問)[:：][^?？\n]{1,300}[?？])\s*")
_ENDING = re.compile(r"[.!?…。！？:：;；,，、][\"'”’»)\]」』]*$")
_MAX_UNITS = 400  # considered in all


@dataclass(frozen=True, slots=True)
class Unit:
    number: int
    """Of its passage."""
    position: int
    """Its place in the passage, 0 the first."""
    text: str
    """Verbatim but for white space; with the marker of a list's item."""
    kind: Kind
    group: int = -1
    """The list or table that it belongs to, told apart within a passage; -1 for none."""
    intro: int = -1
    """The position of the line that introduces its list or table; -1 for none."""
    apart: bool = False
    """A new paragraph begins with it."""


def units_of(passages: Sequence[Passage]) -> list[Unit]:
    """What could be quoted, in order and without repetitions (neighbouring passages overlap)."""
    found: list[Unit] = []
    seen: set[str] = set()
    for passage in passages:
        for unit in _grouped(_without_lone_items(_of_passage(passage))):
            if unit.kind in ("row", "divider") or unit.text not in seen:
                seen.add(unit.text)
                found.append(unit)
            if len(found) >= _MAX_UNITS:
                return found
    return found


def introduces(text: str) -> bool:
    """Whether the text announces what follows and says nothing itself: a heading or a question."""
    return text.rstrip("\"'”’»)").endswith(("?", "？")) or (len(text) < 80 and not _ENDING.search(text))


def _of_passage(passage: Passage) -> list[Unit]:
    text = passage.text
    spans = split_sentences(text)
    only = len([start for start, _ in spans if start >= passage.answer_begins]) == 1 and passage.answer_begins > 0
    units: list[Unit] = []
    end = 0
    for start, stop in _with_bold_questions_apart(text, spans[: 2 * _MAX_UNITS]):
        between = text[end:start]
        apart = between.count("\n") > 1 or end == 0
        line_begins = "\n" in between or end == 0
        piece = " ".join(text[start:stop].split())
        end = stop
        before = units[-1] if units else None
        if before and before.kind == "item" and not apart and not _begins_item(piece, line_begins):
            indented = between.rpartition("\n")[2] != ""
            if not line_begins or indented or not _ENDING.search(before.text):
                units[-1] = replace(before, text=f"{before.text} {piece}")
                continue
        asks = start < passage.answer_begins
        kind = "question" if asks else _kind(piece, line_begins, before)
        if only and not asks and kind == "heading":
            kind = "sentence"  # the answer to a question, however short it is
        text_of = _HEADING.sub("", piece) if kind == "heading" else piece
        units.append(Unit(passage.number, len(units), text_of, kind, apart=apart))
    return units


def _with_bold_questions_apart(text: str, spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """`**Is it free?** Yes.` is a question and its answer."""
    for start, stop in spans:
        while (found := _BOLD_QUESTION.match(text, start, stop)) and found.end() < stop:
            yield start, found.end(1)
            start = found.end()
        yield start, stop


def _begins_item(piece: str, line_begins: bool) -> bool:
    return line_begins and _ITEM.match(piece) is not None


def _kind(piece: str, line_begins: bool, before: Unit | None) -> Kind:
    if _DIVIDER.fullmatch(piece) and "-" in piece and (before and before.kind == "row"):
        return "divider"
    if piece.startswith("|") or piece.count(" | ") >= 1:
        return "row"
    if _begins_item(piece, line_begins):
        return "item"
    if _HEADING.match(piece):
        return "heading"
    if piece.rstrip("\"'”’»)*_").endswith(("?", "？")) or _BOLD_QUESTION.fullmatch(piece):
        return "question"
    return "heading" if line_begins and introduces(piece) else "sentence"


def _without_lone_items(units: list[Unit]) -> list[Unit]:
    """`2. Delivery` between paragraphs is a heading."""

    def alone(place: int) -> bool:
        unit, around = units[place], [*units[max(0, place - 1) : place], *units[place + 1 : place + 2]]
        return unit.kind == "item" and unit.apart and introduces(unit.text) and all(o.kind != "item" for o in around)

    return [replace(unit, kind="heading") if alone(place) else unit for place, unit in enumerate(units)]


def _grouped(units: list[Unit]) -> list[Unit]:
    """Lists and tables get a number, and know the line before them that ends with a colon."""
    result: list[Unit] = []
    group = -1
    intro = -1
    for place, unit in enumerate(units):
        listed = unit.kind in ("item", "row", "divider")
        before = units[place - 1] if place else None
        if listed and not (before and _same_list(before, unit)):
            group += 1
            leads = before is not None and before.kind in ("sentence", "heading", "question")
            intro = (
                before.position if before and leads and (before.text.endswith((":", "：")) or not unit.apart) else -1
            )
        result.append(replace(unit, group=group, intro=intro) if listed else unit)
    return result


def _same_list(before: Unit, unit: Unit) -> bool:
    return (before.kind == "item") == (unit.kind == "item") and before.kind in ("item", "row", "divider")
