"""XLSX, read row by row from its XML, so that 100,000 rows take little memory and odd styles or drawings break nothing.

A sheet's name is a heading. What is hidden (sheets, rows, columns) and comments are left out: what is shown is read.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import re
from collections.abc import Iterable, Iterator
from typing import Any

import lxml.etree

from chatbot_saas.adapters.extraction import Extracted
from chatbot_saas.adapters.extraction.builder import MAX_CHARACTERS, DocumentBuilder, file_title
from chatbot_saas.adapters.extraction.cells import Format, format_of, shown
from chatbot_saas.adapters.extraction.failures import FileTooMuchTextError
from chatbot_saas.adapters.extraction.kinds import Kind
from chatbot_saas.adapters.extraction.normal import one_line
from chatbot_saas.adapters.extraction.package import (
    DAMAGE,
    MAX_STREAM,
    Package,
    attribute,
    child,
    local,
    opened,
    raise_for,
    refuse_entities,
)
from chatbot_saas.adapters.extraction.tables import Row, RowCounter, write_records

_REFERENCE = re.compile(r"([A-Z]{1,3})\d*")
_LAST_COLUMN = 16_384
_USUAL_NAME = re.compile(r"(?:sheet|tabelle|feuil|hoja|foglio|blad|ark|лист|planilha\s?)\s?\d+", re.IGNORECASE)
_GENERAL = Format("general")
_NO_TEXT = (
    "The sheets hold no text: they are empty, hidden, or hold only charts and pictures. Show the sheets that should be"
    " read, save the workbook and upload it again."
)
_NOT_CALCULATED = (
    "The sheets hold only formulas whose results were never calculated. Open the workbook in Excel or LibreOffice, save"
    " it there and upload it again."
)


def extract_xlsx(path: str, filename: str) -> Extracted:
    with opened(path, Kind.XLSX, filename) as package:
        main = package.main("xl/workbook.xml")
        book = package.xml(main)
        builder = DocumentBuilder()
        reader = _Reader(package, main, book)
        counter = RowCounter()
        sheets = list(_sheets(package, main, book))
        for name, part in sheets:
            rows = counter.counted(reader.rows(part))
            first = next((row for row in rows if row), None)
            if first is not None:
                if len(sheets) > 1 or not _USUAL_NAME.fullmatch(name):
                    builder.add_heading(1, name)
                write_records(builder, _chained(first, rows))
        title = package.title() or file_title(filename)
    return builder.finish(Kind.XLSX, filename, title, _NOT_CALCULATED if reader.not_calculated else _NO_TEXT)


def _chained(first: Row, rows: Iterable[Row]) -> Iterator[Row]:
    yield first
    yield from rows


def _sheets(package: Package, main: str, book: Any) -> Iterator[tuple[str, str]]:
    """Name and part of the worksheets that are shown. Sheets that hold only a chart have no cells."""
    relations = package.relations(main)
    listed = child(book, "sheets")
    for number, sheet in enumerate(listed if listed is not None else (), 1):
        relation = relations.get(attribute(sheet, "id"))
        shows = (sheet.get("state") or "visible") == "visible"
        if shows and relation and relation.kind == "worksheet" and relation.target in package:
            yield one_line(sheet.get("name") or "") or f"Sheet {number}", relation.target


class _Reader:
    def __init__(self, package: Package, main: str, book: Any) -> None:
        self.not_calculated = 0
        """Formulas without a result."""
        self._package = package
        self._strings = _shared_strings(package, main)
        self._formats = _formats(package, main)
        properties = child(book, "workbookPr")
        self._from_1904 = properties is not None and properties.get("date1904") in ("1", "true")

    def rows(self, part: str) -> Iterator[Row]:
        hidden: set[int] = set()
        previous = 0
        for element in _elements(self._package, part, "row", "col", "sheetFormatPr"):
            name = local(element)
            if name == "col":
                if element.get("hidden") in ("1", "true"):
                    hidden.update(range(int(element.get("min")) - 1, min(int(element.get("max")), _LAST_COLUMN)))
            elif name == "row":
                stated = element.get("r") or ""
                number = int(stated) if stated.isdigit() else previous + 1
                if number > previous + 1 and previous:
                    yield {}
                previous = number
                if element.get("hidden") not in ("1", "true"):
                    yield self._row(element, hidden)

    def _row(self, row: Any, hidden: set[int]) -> Row:
        cells: dict[int, str] = {}
        column = -1
        for cell in row:
            if not cell.tag.endswith("}c"):
                continue
            reference = cell.get("r")
            column = _column(reference) if reference else column + 1
            if column not in hidden and (text := self._text(cell)):
                cells[column] = text
        return cells

    def _text(self, cell: Any) -> str:
        sort = cell.get("t") or "n"
        if sort == "inlineStr":
            return one_line(_rich(child(cell, "is")))
        text, formula = "", False
        for part in cell:
            if part.tag.endswith("}v"):
                text = part.text or ""
            elif part.tag.endswith("}f"):
                formula = True
        if not text:
            self.not_calculated += formula and sort != "str"
            return ""
        if sort == "s":
            index = int(text)
            return self._strings[index] if 0 <= index < len(self._strings) else ""
        if sort == "n":
            style = cell.get("s") or ""
            form = self._formats[int(style)] if style.isdigit() and int(style) < len(self._formats) else _GENERAL
            return one_line(shown(text, form, from_1904=self._from_1904))
        if sort == "b":
            return "TRUE" if text == "1" else "FALSE"
        return "" if sort == "e" else one_line(text)


def _elements(package: Package, part: str, *names: str) -> Iterator[Any]:
    """Elements of these names as they are read; each is dropped after its turn."""
    with package.open(part, MAX_STREAM) as stream:
        events = lxml.etree.iterparse(
            stream,
            events=("end",),
            tag=tuple(f"{{*}}{name}" for name in names),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            remove_comments=True,
            remove_pis=True,
        )
        checked = False
        try:
            for _, element in events:
                if not checked:
                    checked = True
                    refuse_entities(element)
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
        except lxml.etree.XMLSyntaxError as error:
            raise_for(error)


def _shared_strings(package: Package, main: str) -> list[str]:
    found: list[str] = []
    length = 0
    for part in package.related(main, "sharedStrings")[:1]:
        for item in _elements(package, part, "si"):
            found.append(one_line(_rich(item)))
            length += len(found[-1])
            if length > MAX_CHARACTERS:
                raise FileTooMuchTextError
    return found


def _rich(item: Any) -> str:
    """Text of a string without the phonetic guides of East Asian ones."""
    if item is None:
        return ""
    parts = (child(part, "t") if local(part) == "r" else part for part in item if local(part) in ("r", "t"))
    return "".join(part.text or "" for part in parts if part is not None)


def _formats(package: Package, main: str) -> list[Format]:
    """The number format of each cell style. Without them numbers are shown as they are stored."""
    try:
        for part in package.related(main, "styles")[:1]:
            styles = package.xml(part)
            own = {
                int(entry.get("numFmtId")): str(entry.get("formatCode") or "")
                for entry in _children(child(styles, "numFmts"))
            }
            return [format_of(int(entry.get("numFmtId") or 0), own) for entry in _children(child(styles, "cellXfs"))]
    except DAMAGE:
        pass
    return []


def _children(element: Any) -> Iterable[Any]:
    return element if element is not None else ()


_columns: dict[str, int] = {}


def _column(reference: str) -> int:
    """Column from 0 of a reference like "AB12"."""
    letters = reference.rstrip("0123456789")
    if letters not in _columns:
        if not _REFERENCE.fullmatch(letters):
            raise ValueError(reference)
        number = 0
        for letter in letters:
            number = number * 26 + ord(letter) - 64
        _columns[letters] = number - 1
    return _columns[letters]
