"""Which kind of document a file is: its name says what its owner believes, its first bytes say what it is.

What a ZIP archive is inside, `package` finds out in a worker process: the list of parts may itself be hostile.
"""

import re
from enum import StrEnum
from pathlib import Path, PurePosixPath

from chatbot_saas.adapters.extraction.failures import (
    FileEmptyError,
    FileEncryptedError,
    FileMislabelledError,
    TypeUnsupportedError,
)

_HEAD = 4096
_PDF_HEADER_WITHIN = 1024  # ISO 32000-1, annex H.3.4.1: readers look for the header in the first 1024 bytes


class Kind(StrEnum):
    """Values are media types."""

    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    ODT = "application/vnd.oasis.opendocument.text"
    EPUB = "application/epub+zip"
    RTF = "application/rtf"
    CSV = "text/csv"
    JSON = "application/json"
    TXT = "text/plain"
    MD = "text/markdown"
    HTML = "text/html"


_BY_EXTENSION = {
    ".pdf": Kind.PDF,
    **dict.fromkeys((".docx", ".docm", ".dotx", ".dotm"), Kind.DOCX),  # macros are neither read nor run
    **dict.fromkeys((".xlsx", ".xlsm", ".xltx", ".xltm"), Kind.XLSX),
    **dict.fromkeys((".pptx", ".pptm", ".ppsx", ".ppsm", ".potx", ".potm"), Kind.PPTX),
    **dict.fromkeys((".odt", ".ott"), Kind.ODT),
    ".epub": Kind.EPUB,
    ".rtf": Kind.RTF,
    **dict.fromkeys((".csv", ".tsv", ".tab"), Kind.CSV),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), Kind.JSON),
    **dict.fromkeys((".txt", ".text", ".log", ".rst", ".adoc", ".srt", ".vtt"), Kind.TXT),
    **dict.fromkeys((".md", ".markdown"), Kind.MD),
    **dict.fromkeys((".html", ".htm", ".xhtml"), Kind.HTML),
}
ENDINGS = tuple(_BY_EXTENSION)
"""The endings of names that are read, with their points."""
NAMES = {
    Kind.PDF: "a PDF",
    Kind.DOCX: "a Word document",
    Kind.XLSX: "an Excel workbook",
    Kind.PPTX: "a PowerPoint presentation",
    Kind.ODT: "a LibreOffice text document",
    Kind.EPUB: "an e-book",
    Kind.RTF: "an RTF document",
    Kind.HTML: "an HTML page",
}
EXTENSIONS = {
    Kind.PDF: ".pdf",
    Kind.DOCX: ".docx",
    Kind.XLSX: ".xlsx",
    Kind.PPTX: ".pptx",
    Kind.ODT: ".odt",
    Kind.EPUB: ".epub",
    Kind.RTF: ".rtf",
    Kind.HTML: ".html",
}
_PACKAGES = frozenset({Kind.DOCX, Kind.XLSX, Kind.PPTX, Kind.ODT, Kind.EPUB})
_OFFICE = frozenset({Kind.DOCX, Kind.XLSX, Kind.PPTX})
_ANY = "Upload the document itself as PDF, DOCX, XLSX, PPTX, EPUB, CSV, HTML, MD or TXT."
_ZIP = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")  # MS-OFFCRYPTO, 1.3.2
_OLD_STREAMS = (
    ("WordDocument".encode("utf-16-le"), "an old Word document (.doc). Open it in Word, save it as .docx"),
    (
        "PowerPoint Document".encode("utf-16-le"),
        "an old PowerPoint file (.ppt). Open it in PowerPoint, save it as .pptx",
    ),
    ("Workbook".encode("utf-16-le"), "an old Excel workbook (.xls). Open it in Excel, save it as .xlsx"),
)
_SIGNATURES = (
    (b"PK\x05\x06", "an empty ZIP archive"),
    (_OLD_OFFICE, "an old or protected Office document"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"RIFF", "a picture, sound or film"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"7z\xbc\xaf\x27\x1c", "a compressed archive"),
    (b"Rar!", "a compressed archive"),
    (b"SQLite format 3\x00", "a database"),
    (b"ID3", "a sound"),
)
_INSIDE_ZIP = (  # parts that come first in archives written by the usual programs
    (b"mimetypeapplication/epub+zip", Kind.EPUB),
    (b"mimetypeapplication/vnd.oasis.opendocument.text", Kind.ODT),
    (b"word/", Kind.DOCX),
    (b"xl/", Kind.XLSX),
    (b"ppt/", Kind.PPTX),
)
_HTML_BEGINNINGS = (b"<!doctype html", b"<html", b"<head", b"<body")
_UNPRINTABLE = re.compile(r"[^\w.+-]")
_ADVICE = {
    **dict.fromkeys((".doc", ".dot", ".wps", ".wpd"), "Save it as .docx and upload that."),
    **dict.fromkeys((".xls", ".xlt", ".xlsb", ".ods", ".numbers"), "Save it as .xlsx or CSV and upload that."),
    **dict.fromkeys((".ppt", ".pps", ".odp", ".key"), "Save it as .pptx or PDF and upload that."),
    **dict.fromkeys((".pages", ".pub", ".xps", ".djvu", ".indd"), "Save it as PDF and upload that."),
    **dict.fromkeys((".mobi", ".azw", ".azw3", ".fb2"), "Save the book as EPUB or PDF and upload that."),
    **dict.fromkeys((".eml", ".msg", ".mht", ".mhtml"), "Print it into a PDF and upload that."),
    **dict.fromkeys((".zip", ".rar", ".7z", ".gz", ".tar", ".tgz"), "Unpack it and upload the documents in it."),
    **dict.fromkeys(
        (".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".bmp", ".webp", ".heic"),
        "Run text recognition (OCR) on the picture, save the result as PDF and upload that.",
    ),
}


def extension_of(filename: str) -> str:
    """The name's ending in lower case with its point, empty without one. Names may come with paths of any system."""
    name = filename.replace("\\", "/").strip().rstrip(". \t").rpartition("/")[2]
    return _UNPRINTABLE.sub("", PurePosixPath(name.lower()).suffix)


def kind_of(path: Path, filename: str) -> Kind:
    """The kind of the file at `path`. Reads a few kB; raises an ExtractionError where name and content disagree."""
    extension = extension_of(filename)
    kind = _BY_EXTENSION.get(extension)
    if kind is None:
        raise TypeUnsupportedError(_unsupported(extension))
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise FileEmptyError
    if kind in _PACKAGES and head.startswith(_ZIP):
        return kind
    if kind in _OFFICE and head.startswith(_OLD_OFFICE):
        _refuse_old_office(path, extension)
    found = _found(head)
    if kind in (Kind.PDF, Kind.RTF) or kind in _PACKAGES:
        if found is not kind:
            raise FileMislabelledError(_mismatch(extension, found or "something else"))
    elif found and found is not Kind.HTML:
        raise FileMislabelledError(_mismatch(extension, found))
    return kind


def _found(head: bytes) -> Kind | str:
    """What the first bytes are, a kind or in words; empty for text and for what is not known."""
    if head.startswith(b"%PDF-"):
        return Kind.PDF
    if head.startswith(b"{\\rtf"):
        return Kind.RTF
    if head.startswith(_ZIP):
        return next((kind for mark, kind in _INSIDE_ZIP if mark in head), "an archive")
    for signature, words in _SIGNATURES:
        if head.startswith(signature) and _is_binary_enough(signature, head):
            return words
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_HTML_BEGINNINGS):
        return Kind.HTML
    if b"%PDF-" in head[:_PDF_HEADER_WITHIN] and b"\x00" not in head[:4]:
        return Kind.PDF
    return ""


def _is_binary_enough(signature: bytes, head: bytes) -> bool:
    """Signatures of plain letters also begin ordinary texts ("MZ...", "ID3 tags"); those hold no NUL."""
    return not signature.isalnum() or b"\x00" in head


def _refuse_old_office(path: Path, extension: str) -> None:
    content = path.read_bytes()
    if _ENCRYPTED_STREAM in content:
        raise FileEncryptedError
    found = next((words for stream, words in _OLD_STREAMS if stream in content), "")
    found = found or "an old Office document. Open it in Office, save it in the new format"
    raise FileMislabelledError(f"The file is named {extension} but holds {found} and upload that.")


def _unsupported(extension: str) -> str:
    if not extension:
        return (
            "The file name has no ending that tells its type. Add the right one, such as .pdf, .docx or .txt, and"
            " upload it again."
        )
    advice = _ADVICE.get(extension, "Upload a PDF, DOCX, XLSX, PPTX, EPUB, CSV, HTML, MD or TXT file.")
    return f"Files of type {extension[:12]} cannot be read. {advice}"


def _mismatch(extension: str, found: Kind | str) -> str:
    if isinstance(found, Kind):
        advice = f"Rename it to {EXTENSIONS[found]} and upload it again."
        return f"The file is named {extension} but holds {NAMES[found]}. {advice}"
    return f"The file is named {extension} but holds {found}. {_ANY}"
