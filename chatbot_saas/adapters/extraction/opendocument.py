"""ODT (OpenDocument text, as LibreOffice saves it), read from its XML. Deleted text and comments are left out."""

import re
from collections.abc import Iterator
from typing import Any

from chatbot_saas.adapters.extraction import Extracted
from chatbot_saas.adapters.extraction.builder import DocumentBuilder
from chatbot_saas.adapters.extraction.failures import FileEncryptedError
from chatbot_saas.adapters.extraction.kinds import Kind
from chatbot_saas.adapters.extraction.normal import clean, one_line
from chatbot_saas.adapters.extraction.package import DAMAGE, Package, attribute, child, local, opened
from chatbot_saas.adapters.extraction.tables import Row, row_of, write_table

_SKIPPED = frozenset(
    "tracked-changes annotation annotation-end table-of-content alphabetical-index sequence-decls forms".split()  # noqa: SIM905
)
_MAX_REPEATED = 100  # cells and rows stated once for many
_SPACE = re.compile(r"\s+")


def extract_odt(path: str, filename: str) -> Extracted:
    with opened(path, Kind.ODT, filename) as package:
        if "meta-inf/manifest.xml" in package and b"encryption-data" in package.read("meta-inf/manifest.xml"):
            raise FileEncryptedError
        builder = DocumentBuilder()
        text = child(package.xml("content.xml"), "body", "text")
        if text is not None:
            _Reader(builder).blocks(text)
        title = _title(package)
    return builder.finish(Kind.ODT, filename, title)


def _title(package: Package) -> str:
    try:
        found = child(package.xml("meta.xml"), "meta", "title") if "meta.xml" in package else None
    except DAMAGE:
        found = None
    return (found.text or "") if found is not None else ""


class _Reader:
    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder
        self._aside: list[Any] = []
        """Notes and text boxes met inside a paragraph; they are written after it."""
        self._after_item = False

    def blocks(self, container: Any, *, item: bool = False) -> None:
        for element in container:
            name = local(element)
            if name in ("p", "h"):
                self._paragraph(element, item=item)
                item = False  # the first paragraph of an item has its dash
            elif name == "table":
                self._after_item = False
                write_table(self._builder, list(self._rows(element)))
            elif name in ("list-item", "list-header"):
                self.blocks(element, item=True)
            elif name not in _SKIPPED:
                self.blocks(element)
            self._write_aside()

    def _paragraph(self, paragraph: Any, *, item: bool) -> None:
        text = clean("".join(self._inline(paragraph)))
        if not text:
            return
        level = attribute(paragraph, "outline-level") if local(paragraph) == "h" else ""
        if local(paragraph) == "h":
            self._builder.add_heading(min(int(level), 6) if level.isdigit() else 1, one_line(text))
        else:
            self._builder.add(f"- {text}" if item else text, "\n" if item and self._after_item else "\n\n")
        self._after_item = item

    def _write_aside(self) -> None:
        aside, self._aside = self._aside, []
        for element in aside:
            self.blocks(element)

    def _inline(self, element: Any) -> Iterator[str]:
        if element.text:
            yield _SPACE.sub(" ", element.text)
        for inner in element:
            name = local(inner)
            if name == "s":
                yield " "
            elif name == "tab":
                yield "\t"
            elif name == "line-break":
                yield "\n"
            elif name in ("note-body", "text-box"):
                self._aside.append(inner)
            elif name not in _SKIPPED and name not in ("note-citation", "ruby-text", "title", "desc"):
                yield from self._inline(inner)
            if inner.tail:
                yield _SPACE.sub(" ", inner.tail)

    def _rows(self, table: Any) -> Iterator[Row]:
        for element in table:
            name = local(element)
            if name == "table-row":
                yield row_of(self._cells(element))
            elif name in ("table-header-rows", "table-rows", "table-row-group"):
                yield from self._rows(element)

    def _cells(self, line: Any) -> Iterator[str]:
        for cell in line:
            if local(cell) in ("table-cell", "covered-table-cell"):
                repeated = attribute(cell, "number-columns-repeated")
                text = self._cell(cell)
                for _ in range(min(int(repeated), _MAX_REPEATED) if repeated.isdigit() else 1):
                    yield text

    def _cell(self, cell: Any) -> str:
        parts: list[str] = []
        for element in cell:
            if local(element) == "table":
                parts.extend(" | ".join(row.values()) for row in self._rows(element))
            elif local(element) in ("p", "h"):
                parts.append(one_line("".join(self._inline(element))))
            elif local(element) not in _SKIPPED:
                parts.append(self._cell(element))
        return " ".join(part for part in parts if part)
