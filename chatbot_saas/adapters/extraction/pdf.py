"""PDF by pypdf."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import io
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pypdf import PasswordType, PdfReader
from pypdf.errors import LimitReachedError, PyPdfError

from chatbot_saas.adapters.extraction import Extracted
from chatbot_saas.adapters.extraction.builder import MAX_CHARACTERS, DocumentBuilder
from chatbot_saas.adapters.extraction.failures import (
    FileBombError,
    FileDamagedError,
    FileEncryptedError,
    FileNoTextError,
    FileTooManyPagesError,
    FileTooMuchTextError,
    FileTruncatedError,
)
from chatbot_saas.adapters.extraction.kinds import Kind
from chatbot_saas.adapters.extraction.normal import clean, join_broken_words, one_line, without_ligatures
from chatbot_saas.adapters.extraction.running_lines import without_running_lines

MAX_PAGES = 2_000
_MAX_OUTLINE = 2_000
_NO_TEXT = (
    "The PDF holds no text, only pictures: it was probably scanned. Run text recognition (OCR) on it, or save the"
    " original document as PDF, and upload that."
)
_NOT_LETTERS = (
    "The text of the PDF cannot be read: its fonts do not say which letters they hold. Print the document into a new"
    " PDF with text recognition (OCR), or upload the original document."
)
_FILLED_BY_ACROBAT = (
    "The PDF is a form that only Adobe Reader can show. Open it there, print it into a new PDF and upload that."
)
_END = re.compile(rb"%%EOF|startxref\s+\d+\s")  # some programs forget the last line
_GLYPHS = re.compile(r"/(?:g|G|c|C|cid|uni)\d+|\(cid:\d+\)")
_READABLE = 0.5  # share of characters that are letters, digits and marks of a script
_MAX_FIELDS = 5_000
_MADE_BY = re.compile(r"^Microsoft \w+ - |\.(?:docx?|pdf|indd|tex|rtf|odt|pptx?)$", re.IGNORECASE)
# pypdf answers damage with its own errors and, deeper down, with whatever Python raises on unexpected objects
_DAMAGE = (
    PyPdfError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    AssertionError,
    RuntimeError,  # RecursionError and NotImplementedError among others
    ArithmeticError,
    zlib.error,
    struct.error,
    OSError,
)


def extract_pdf(path: str, filename: str) -> Extracted:
    data = Path(path).read_bytes()
    if not _END.search(data, max(data.rfind(b"endobj"), 0)):
        raise FileTruncatedError
    try:
        reader = _opened(data)
        _check_pages(reader)
        pages = join_broken_words(without_running_lines(_read_pages(reader)))
        _check_is_readable(reader, pages)
        fields = _fields(reader)
        outline = list(_outline(reader))
        title = str((reader.metadata or {}).get("/Title") or "")
    except LimitReachedError:
        raise FileBombError from None
    except _DAMAGE as error:
        raise FileDamagedError from error
    builder = DocumentBuilder()
    starts = {number: builder.add_page(number, page) for number, page in enumerate(pages, 1) if page}
    for level, text, number in outline:
        if number in starts:
            builder.mark_heading(level, starts[number] + _place_of(text, pages[number - 1]), text)
    if fields:
        builder.add("\n".join(fields))
    return builder.finish(Kind.PDF, filename, "" if _MADE_BY.search(title) else title, _NO_TEXT)


def _opened(data: bytes) -> PdfReader:
    """Reads what anybody may open: many PDFs are only protected against changes."""
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        locked = reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED
    except NotImplementedError as error:
        if "encrypt" not in str(error).lower():
            raise
        raise FileEncryptedError(
            "The PDF is protected in a way that only its own program can open. Print it there into a new PDF and upload"
            " that."
        ) from None
    if locked:
        raise FileEncryptedError
    return reader


def _check_pages(reader: PdfReader) -> None:
    """The stated number first: it costs nothing. Then the real one."""
    catalog: Any = reader.root_object
    stated = catalog["/Pages"].get_object().get("/Count", 0)
    count = int(stated) if isinstance(stated, int) else 0
    if count <= MAX_PAGES:
        count = len(reader.pages)
    if count > MAX_PAGES:
        raise FileTooManyPagesError(
            f"The file has {count:,} pages; at most {MAX_PAGES:,} are read. Split it into smaller files and upload"
            " those."
        )


def _check_is_readable(reader: PdfReader, pages: list[str]) -> None:
    """Some PDFs hold text that only looks like it: the note of a dynamic form, or glyph numbers instead of letters."""
    sample = "".join("".join(pages)[:200_000].split())
    if not sample:
        return
    form: Any = reader.root_object.get("/AcroForm")
    if form is not None and "/XFA" in form.get_object() and len(reader.pages) == 1 and "adobe.com" in sample.lower():
        raise FileNoTextError(_FILLED_BY_ACROBAT)
    unknown = sum(not character.isprintable() or character == "\ufffd" for character in sample)
    unknown += sum(map(len, _GLYPHS.findall(sample)))
    if unknown > (1 - _READABLE) * len(sample):
        raise FileNoTextError(_NOT_LETTERS)


def _fields(reader: PdfReader) -> list[str]:
    """What was filled into a form, as `name: value`. A broken form is none."""
    try:
        fields = reader.get_fields() or {}
    except _DAMAGE:
        return []
    found: list[str] = []
    for name, field in list(fields.items())[:_MAX_FIELDS]:
        value: Any = field.get("/V")
        text = one_line(str(value)) if isinstance(value, str) and not str(value).startswith("/") else ""
        label = one_line(str(field.get("/TU") or name))
        if text:
            found.append(f"{label}: {text}" if label else text)
    return found


def _read_pages(reader: PdfReader) -> list[str]:
    pages: list[str] = []
    length = 0
    for number, page in enumerate(reader.pages, 1):
        try:
            text = page.extract_text()
        except LimitReachedError:
            raise
        except _DAMAGE as error:
            raise FileDamagedError(
                f"Page {number} of the file is damaged and cannot be read. Print the document into a new PDF and upload"
                " that."
            ) from error
        pages.append(clean(without_ligatures(text)))
        length += len(pages[-1])
        if length > MAX_CHARACTERS:
            raise FileTooMuchTextError
    return pages


def _outline(reader: PdfReader) -> Iterator[tuple[int, str, int]]:
    """Level, text and page of the bookmarks. They are a convenience: a broken one is passed over."""
    try:
        stack: list[tuple[int, Iterator[Any]]] = [(1, iter(reader.outline))]
    except _DAMAGE:
        return
    count = 0
    while stack and count < _MAX_OUTLINE:
        level, entries = stack[-1]
        entry = next(entries, None)
        if entry is None:
            stack.pop()
        elif isinstance(entry, list):
            stack.append((level + 1, iter(entry)))
        else:
            count += 1
            try:
                number = reader.get_destination_page_number(entry)
            except _DAMAGE:
                continue
            if number is not None and (text := one_line(str(entry.title or ""))):
                yield min(level, 6), text, number + 1


def _place_of(heading: str, page: str) -> int:
    """Where on the page the heading stands as a line of its own; the top of the page where it is worded differently."""
    words = r"\s+".join(re.escape(word) for word in heading.split()[:20])
    found = re.search(rf"^(?:[\dIVX.]+\s+)?{words}", page, re.MULTILINE | re.IGNORECASE)
    return found.start() if found else 0
