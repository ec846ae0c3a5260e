"""DOCX, read from its XML: python-docx passes over text boxes, footnotes, content controls and tracked insertions, and
fails on files that Word opens (dangling relations, the "strict" namespaces). Text as it is shown: what is deleted or
hidden is left out, and so are comments, which are not meant for visitors.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from chatbot_saas.adapters.extraction import Extracted
from chatbot_saas.adapters.extraction.builder import DocumentBuilder
from chatbot_saas.adapters.extraction.kinds import Kind
from chatbot_saas.adapters.extraction.normal import clean, one_line
from chatbot_saas.adapters.extraction.package import DAMAGE, Package, attribute, child, local, opened
from chatbot_saas.adapters.extraction.tables import Row, row_of, write_table

_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_CONTENTS = re.compile(r"toc \d", re.IGNORECASE)
_PAGE_NUMBER = re.compile(
    r"\W*(?:page|seite|página|pagina|sida|side|p|s)?[\W\d]*(?:of|von|de|sur|di|av)?[\W\d]*", re.IGNORECASE
)
_HEADING_LENGTH = 300  # characters; more is a paragraph in the wrong style
# Elements that stand around content
_TRANSPARENT = frozenset({"ins", "moveTo", "smartTag", "customXml", "sdtContent", "Choice", "dir", "bdo", "hyperlink"})
# Elements whose text is not shown: deleted, moved away, instructions of fields, how to pronounce a word, properties
_SKIPPED = frozenset(
    "del moveFrom delText delInstrText instrText rt pPr rPr tblPr tblGrid sectPr sdtPr txbxContent".split()  # noqa: SIM905
)
_NOTE_MARKS = {"footnoteReference": "footnotes", "endnoteReference": "endnotes"}
_NOT_NOTES = frozenset({"separator", "continuationSeparator", "continuationNotice"})
_MAX_STYLES_UP = 20


def extract_docx(path: str, filename: str) -> Extracted:
    with opened(path, Kind.DOCX, filename) as package:
        builder = DocumentBuilder()
        main = package.main("word/document.xml")
        reader = _Reader(builder, _levels(package, main), _notes(package, main))
        body = child(package.xml(main), "body")
        if body is not None:
            reader.blocks(body)
        _add_letterhead(reader, package, main)
        title = package.title()
    return builder.finish(
        Kind.DOCX,
        filename,
        title,
        "The document holds no text: perhaps only pictures, which are not read. Save it with its text, or run text"
        " recognition (OCR) on it, and upload that.",
    )


class _Reader:
    def __init__(self, builder: DocumentBuilder, levels: dict[str, int], notes: dict[tuple[str, str], str]) -> None:
        self._builder = builder
        self._levels = levels
        self._notes = notes
        self._marked: list[tuple[str, str]] = []
        """Notes whose mark was read and that are still to be written."""
        self._number = 0
        self._boxes: list[Any] = []
        self._after_item = False

    def blocks(self, container: Any) -> None:
        for block in _unwrapped(container):
            if local(block) == "p":
                self._paragraph(block)
            else:
                self._table(block)
            boxes, self._boxes = self._boxes, []
            for box in boxes:
                self.blocks(box)
            self._write_notes()

    def _paragraph(self, paragraph: Any) -> None:
        text = clean("".join(self._inline(paragraph)))
        if not text:
            return
        properties = child(paragraph, "pPr")
        style = _value(properties, "pStyle")
        level = self._levels.get(style, 0)
        if level < 0:
            return  # a table of contents only repeats the headings
        outline = _value(properties, "outlineLvl")
        if not level and outline.isdigit() and int(outline) < 9:
            level = int(outline) + 1
        is_item = (
            style.startswith("List") or child(properties, "numPr") is not None if properties is not None else False
        )
        if level and len(text) <= _HEADING_LENGTH:
            self._builder.add_heading(min(level, 6), one_line(text))
            is_item = False
        else:
            together = is_item and self._after_item
            self._builder.add(f"- {text}" if is_item else text, "\n" if together else "\n\n")
        self._after_item = is_item

    def _table(self, table: Any) -> None:
        self._after_item = False
        lines = [line for line in _unwrapped(table, "tr") if child(line, "trPr", "del") is None]
        if all(sum(1 for _ in _unwrapped(line, "tc")) < 2 for line in lines):  # a frame or a layout
            for line in lines:
                for cell in _unwrapped(line, "tc"):
                    self.blocks(cell)
            return
        write_table(self._builder, list(self._rows(lines)))
        self._after_item = False

    def _rows(self, lines: Iterable[Any]) -> Iterator[Row]:
        """A cell merged with those beside it is named once; merged with those below it, in each row."""
        above: dict[int, str] = {}
        for line in lines:
            cells: list[str] = []
            column = 0
            for cell in _unwrapped(line, "tc"):
                properties = child(cell, "tcPr")
                merge = child(properties, "vMerge") if properties is not None else None
                if merge is None or attribute(merge, "val") == "restart":
                    above[column] = self._cell(cell)
                cells.append(above.get(column, ""))
                span = _value(properties, "gridSpan")
                column += int(span) if span.isdigit() else 1
            yield row_of(cells)

    def _cell(self, cell: Any) -> str:
        parts: list[str] = []
        for block in _unwrapped(cell):
            if local(block) == "p":
                parts.append(one_line("".join(self._inline(block))))
            else:
                parts.extend(" | ".join(row.values()) for row in self._rows(_unwrapped(block, "tr")))
        return " ".join(part for part in parts if part)

    def _inline(self, element: Any) -> Iterator[str]:
        for inner in element:
            name = local(inner)
            if name == "t":
                yield inner.text or ""
            elif name in ("tab", "ptab"):
                yield "\t"
            elif name in ("br", "cr"):
                yield "\n"
            elif name == "noBreakHyphen":
                yield "-"
            elif name in _NOTE_MARKS:
                yield self._mark((_NOTE_MARKS[name], attribute(inner, "id")))
            elif name == "txbxContent":
                self._boxes.append(inner)
            elif name == "AlternateContent":
                chosen = child(inner, "Choice")
                yield from self._inline(inner if chosen is None else chosen)
            elif name == "sdt" and child(inner, "sdtPr", "showingPlcHdr") is not None:
                continue  # "Click here to enter text"
            elif name not in _SKIPPED and not (name == "r" and _is_hidden(inner)):
                yield from self._inline(inner)

    def _mark(self, note: tuple[str, str]) -> str:
        if not self._notes.get(note):
            return ""
        self._marked.append(note)
        return f" [{self._number + len(self._marked)}]"

    def _write_notes(self) -> None:
        """Notes stand after the paragraph that they belong to: at the end of the document nobody would find them."""
        marked, self._marked = self._marked, []
        for note in marked:
            self._number += 1
            self._builder.add(f"[{self._number}] {self._notes[note]}")
            self._after_item = False

    def add_line(self, text: str) -> None:
        self._builder.add(text)

    def plain(self, container: Any) -> str:
        """All text of a header or a footer, on one line."""
        parts: list[str] = []
        for block in _unwrapped(container):
            parts.append(self._cell([block]) if local(block) == "tbl" else one_line("".join(self._inline(block))))
        for box in self._boxes:
            parts.append(self._cell(box))
        self._boxes, self._marked = [], []
        return " ".join(part for part in parts if part)


def _unwrapped(container: Any, *names: str) -> Iterator[Any]:
    """The paragraphs and tables (or elements of `names`) inside, without what stands around them."""
    wanted = names or ("p", "tbl")
    for element in container:
        name = local(element)
        if name in wanted:
            yield element
        elif name == "sdt":
            yield from _unwrapped(element, *names)
        elif name == "AlternateContent":
            chosen = child(element, "Choice")
            yield from _unwrapped(element if chosen is None else chosen, *names)
        elif name in _TRANSPARENT:
            yield from _unwrapped(element, *names)


def _value(properties: Any, name: str) -> str:
    found = child(properties, name) if properties is not None else None
    return attribute(found, "val") if found is not None else ""


def _is_hidden(run: Any) -> bool:
    hidden = child(run, "rPr", "vanish")
    return hidden is not None and attribute(hidden, "val") not in ("0", "false", "off")


def _levels(package: Package, main: str) -> dict[str, int]:
    """Heading level by style id, -1 for tables of contents. Word keeps the English names of built-in styles."""
    own: dict[str, int] = {}
    based: dict[str, str] = {}
    for part in package.related(main, "styles")[:1]:
        try:
            styles = package.xml(part)
        except DAMAGE:
            return {}
        for style in styles:
            if local(style) != "style" or attribute(style, "type") not in ("", "paragraph"):
                continue
            identifier, name = attribute(style, "styleId"), _value(style, "name")
            based[identifier] = _value(style, "basedOn")
            outline = _value(child(style, "pPr"), "outlineLvl")
            if name.lower() == "title":
                own[identifier] = 1
            elif heading := _HEADING.fullmatch(name):
                own[identifier] = int(heading[1])
            elif _CONTENTS.fullmatch(name):
                own[identifier] = -1
            elif outline.isdigit() and int(outline) < 9:
                own[identifier] = int(outline) + 1
    return {identifier: level for identifier in based if (level := _inherited(identifier, own, based))}


def _inherited(style: str, own: dict[str, int], based: dict[str, str]) -> int:
    for _ in range(_MAX_STYLES_UP):
        if style in own or not style:
            break
        style = based.get(style, "")
    return own.get(style, 0)


def _notes(package: Package, main: str) -> dict[tuple[str, str], str]:
    """Text of footnotes and endnotes by sort and id."""
    found: dict[tuple[str, str], str] = {}
    reader = _Reader(DocumentBuilder(), {}, {})
    for sort in ("footnotes", "endnotes"):
        for part in package.related(main, sort)[:1]:
            for note in package.xml(part):
                if attribute(note, "type") not in _NOT_NOTES:
                    found[sort, attribute(note, "id")] = reader.plain(note)
    return found


def _add_letterhead(reader: _Reader, package: Package, main: str) -> None:
    """Headers and footers, each once and at the end: an address or opening hours may stand there and nowhere else."""
    seen: set[str] = set()
    for sort in ("header", "footer"):
        for part in package.related(main, sort):
            text = reader.plain(package.xml(part))
            if text and text not in seen and not _PAGE_NUMBER.fullmatch(text):
                seen.add(text)
                reader.add_line(text)
