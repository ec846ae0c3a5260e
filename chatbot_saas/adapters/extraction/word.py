"""DOCX by python-docx."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportPrivateUsage=false

import re
import zipfile
from collections.abc import Iterator
from typing import Any

import docx
import lxml.etree
from docx.oxml.ns import qn
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

from chatbot_saas.adapters.extraction import Extracted
from chatbot_saas.adapters.extraction.builder import DocumentBuilder
from chatbot_saas.adapters.extraction.failures import (
    FileBombError,
    FileDamagedError,
    FileEncryptedError,
    FileMislabelledError,
    FileTruncatedError,
)
from chatbot_saas.adapters.extraction.kinds import Kind
from chatbot_saas.adapters.extraction.normal import clean, one_line

_MAX_XML = 48 * 1024 * 1024  # of one part, unpacked: as a tree it takes about ten times as much
_MAX_UNPACKED = 160 * 1024 * 1024  # of all parts: python-docx reads pictures too
_MAX_PARTS = 5_000
_MAX_NESTING = 5  # of tables in cells
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_TRANSPARENT = tuple(qn(tag) for tag in ("w:ins", "w:moveTo", "w:smartTag", "w:customXml"))


def extract_docx(path: str, filename: str) -> Extracted:
    _check_package(path)
    try:
        document = docx.Document(path)
        _unwrap(document.element.body)
        builder = DocumentBuilder()
        _add_blocks(builder, document)
        title = document.core_properties.title or ""
    except zipfile.BadZipFile as error:
        raise FileDamagedError from error
    except (KeyError, ValueError, AttributeError, TypeError, IndexError, lxml.etree.LxmlError, OSError) as error:
        raise FileDamagedError from error  # python-docx has no errors of its own for a broken part
    return builder.finish(Kind.DOCX, filename, title)


def _check_package(path: str) -> None:
    """Sizes as the archive states them: unpacking stops at the stated size, so a lie only damages the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        raise FileTruncatedError from None  # the table of contents is at the end
    names = {part.filename for part in parts}
    if "[Content_Types].xml" not in names or not any(name.startswith("word/") for name in names):
        raise FileMislabelledError(
            "The file is named .docx but holds another kind of archive. Open the document in Word, save it as .docx and"
            " upload that."
        )
    if any(part.flag_bits & 1 for part in parts):
        raise FileEncryptedError
    xml = max((part.file_size for part in parts if part.filename.endswith((".xml", ".rels"))), default=0)
    if len(parts) > _MAX_PARTS or xml > _MAX_XML or sum(part.file_size for part in parts) > _MAX_UNPACKED:
        raise FileBombError


def _unwrap(body: Any) -> None:
    """Take away what stands around content and makes python-docx pass it over: content controls, tracked insertions."""
    for wrapper in list(body.iter(qn("w:sdt"), *_TRANSPARENT)):
        inner = wrapper.find(qn("w:sdtContent")) if wrapper.tag == qn("w:sdt") else wrapper
        parent = wrapper.getparent()
        if parent is None:
            continue
        at = parent.index(wrapper)
        parent[at : at + 1] = list(inner) if inner is not None else []


def _add_blocks(builder: DocumentBuilder, document: Any) -> None:
    levels = _levels(document)
    after_item = False
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            if rows := "\n".join(_rows(block)):
                builder.add(rows)
                after_item = False
            continue
        text = clean(block.text)
        level = levels.get(block._p.style or "")
        if not text:
            continue
        is_item = not level and _is_list_item(block)
        if level:
            builder.add_heading(level, one_line(text))
        else:
            builder.add(f"- {text}" if is_item else text, "\n" if is_item and after_item else "\n\n")
        after_item = is_item


def _levels(document: Any) -> dict[str, int]:
    """Heading level by style id. Word keeps the English names of built-in styles in every language."""
    levels: dict[str, int] = {}
    for style in document.styles:
        name = style.name or ""
        if name.lower() == "title":
            levels[style.style_id] = 1
        elif heading := _HEADING.fullmatch(name):
            levels[style.style_id] = int(heading[1])
    return levels


def _is_list_item(paragraph: Paragraph) -> bool:
    properties: Any = paragraph._p.pPr
    return (paragraph._p.style or "").startswith("List") or (properties is not None and properties.numPr is not None)


def _rows(table: Table, depth: int = 0) -> Iterator[str]:
    """One line a row, cells parted by " | ". A merged cell is named once."""
    for row in table.rows:
        cells: list[str] = []
        last: Any = None
        for cell in row.cells:
            if cell._tc is not last:
                cells.append(_cell_text(cell, depth))
            last = cell._tc
        if any(cells):
            yield " | ".join(cells)


def _cell_text(cell: _Cell, depth: int) -> str:
    parts: list[str] = []
    for block in cell.iter_inner_content():
        if isinstance(block, Paragraph):
            parts.append(one_line(block.text))
        elif depth < _MAX_NESTING:
            parts.extend(_rows(block, depth + 1))
    return " ".join(part for part in parts if part)
