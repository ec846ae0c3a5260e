"""Which kind of document a file is: its name says what its owner believes, its first bytes say what it is."""

from enum import StrEnum
from pathlib import Path

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
    TXT = "text/plain"
    MD = "text/markdown"
    HTML = "text/html"


_BY_EXTENSION = {
    ".pdf": Kind.PDF,
    ".docx": Kind.DOCX,
    ".txt": Kind.TXT,
    ".text": Kind.TXT,
    ".md": Kind.MD,
    ".markdown": Kind.MD,
    ".html": Kind.HTML,
    ".htm": Kind.HTML,
    ".xhtml": Kind.HTML,
}
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SIGNATURES = (
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (_OLD_OFFICE, "an old or protected Office document"),
    (b"{\\rtf", "an RTF document"),
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
_HTML_BEGINNINGS = (b"<!doctype html", b"<html", b"<head", b"<body")


def kind_of(path: Path, filename: str) -> Kind:
    """The kind of the file at `path`. Reads a few kB; raises an ExtractionError where name and content disagree."""
    extension = Path(filename.strip().lower()).suffix
    kind = _BY_EXTENSION.get(extension)
    if kind is None:
        raise TypeUnsupportedError(_unsupported(extension))
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise FileEmptyError
    found = _found(head)
    if kind is Kind.PDF and found == "a PDF":
        return kind
    if kind is Kind.DOCX and head.startswith(b"PK\x03\x04"):
        return kind
    if kind is Kind.DOCX and head.startswith(_OLD_OFFICE):
        if _holds_encrypted_package(path):
            raise FileEncryptedError
        raise FileMislabelledError(
            "The file is named .docx but holds an old Word document (.doc). Open it in Word, save it as .docx and"
            " upload that."
        )
    if kind in (Kind.PDF, Kind.DOCX):
        raise FileMislabelledError(_mismatch(extension, found or "something else"))
    if found and found != "an HTML page":
        raise FileMislabelledError(_mismatch(extension, found))
    return kind


def _found(head: bytes) -> str:
    """What the first bytes are, in words; empty for text and for what is not known."""
    if head.startswith(b"%PDF-"):
        return "a PDF"
    for signature, words in _SIGNATURES:
        if head.startswith(signature) and _is_binary_enough(signature, head):
            return words
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_HTML_BEGINNINGS):
        return "an HTML page"
    if b"%PDF-" in head[:_PDF_HEADER_WITHIN] and b"\x00" not in head[:4]:
        return "a PDF"
    return ""


def _is_binary_enough(signature: bytes, head: bytes) -> bool:
    """Signatures of plain letters also begin ordinary texts ("MZ...", "ID3 tags"); those hold no NUL."""
    return not signature.isalnum() or b"\x00" in head


def _holds_encrypted_package(path: Path) -> bool:
    """Office puts an encrypted document into a stream of this name (MS-OFFCRYPTO, 1.3.2)."""
    with path.open("rb") as file:
        return "EncryptedPackage".encode("utf-16-le") in file.read()


def _unsupported(extension: str) -> str:
    named = (
        f"Files of type {extension[:12]} cannot be read."
        if extension
        else "The file name has no ending that tells its type."
    )
    advice = {
        ".doc": " Save it as .docx and upload that.",
        ".rtf": " Save it as .docx and upload that.",
        ".odt": " Save it as .docx or PDF and upload that.",
        ".xlsx": " Save the sheet as PDF and upload that.",
        ".pptx": " Save the slides as PDF and upload that.",
    }.get(extension)
    return named + (advice or " Upload a PDF, DOCX, TXT, MD or HTML file.")


def _mismatch(extension: str, found: str) -> str:
    rename = {"a PDF": ".pdf", "an HTML page": ".html"}.get(found)
    advice = (
        f"Rename it to {rename} and upload it again."
        if rename
        else "Upload the document itself as PDF, DOCX, TXT, MD or HTML."
    )
    return f"The file is named {extension} but holds {found}. {advice}"
