"""EPUB: the chapters in reading order by the HTML reader, titled by the table of contents where they have no heading.

No library: the well-kept one (ebooklib) has a licence that the product cannot carry.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

import posixpath
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import lxml.html

from chatbot_saas.adapters.extraction import Extracted
from chatbot_saas.adapters.extraction.builder import DocumentBuilder
from chatbot_saas.adapters.extraction.failures import (
    ExtractionError,
    FileEncryptedError,
    FileTooManyPagesError,
)
from chatbot_saas.adapters.extraction.kinds import Kind
from chatbot_saas.adapters.extraction.normal import one_line
from chatbot_saas.adapters.extraction.package import DAMAGE, Package, attribute, child, local, opened
from chatbot_saas.adapters.extraction.web import page_blocks

_MAX_CHAPTERS = 5_000
_PAGES = frozenset({"application/xhtml+xml", "text/html", "text/x-oeb1-document"})
_PAGE_ENDINGS = (".xhtml", ".html", ".htm")
# Fonts are often scrambled so that nobody copies them; the text is not touched by that (EPUB 3.3, 4.2)
_FONT_SCRAMBLING = frozenset({"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"})
_PROTECTED = (
    "The book is protected against copying (DRM), so its text cannot be read. Upload an edition without protection, for"
    " instance the manuscript as DOCX or PDF."
)


def extract_epub(path: str, filename: str) -> Extracted:
    with opened(path, Kind.EPUB, filename) as package:
        _refuse_protected(package)
        book = _Book(package)
        chapters = book.chapters()
        if len(chapters) > _MAX_CHAPTERS:
            raise FileTooManyPagesError(
                f"The book has {len(chapters):,} parts; at most {_MAX_CHAPTERS:,} are read. Split it into smaller files"
                " and upload those."
            )
        builder = DocumentBuilder()
        for chapter in chapters:
            _add_chapter(builder, package.read(chapter), book.titles.get(chapter, ""))
    return builder.finish(
        Kind.EPUB,
        filename,
        book.title,
        "The book holds no text, only pictures. Run text recognition (OCR) on it, save it as PDF and upload that.",
    )


def _refuse_protected(package: Package) -> None:
    if "meta-inf/rights.xml" in package or "meta-inf/sinf.xml" in package:
        raise FileEncryptedError(_PROTECTED)
    if "meta-inf/encryption.xml" not in package:
        return
    for element in package.xml("meta-inf/encryption.xml").iter():
        if local(element) == "EncryptionMethod" and attribute(element, "Algorithm") not in _FONT_SCRAMBLING:
            parent = local(element.getparent())
            if parent == "EncryptedData":
                raise FileEncryptedError(_PROTECTED)


class _Book:
    """The package document: title, chapters and the titles that the table of contents gives them."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self.title = ""
        self.titles: dict[str, str] = {}
        """By the part that they stand for."""
        self._pages: list[str] = []
        """All pages of the book, in the order in which they are listed."""
        self._spine: list[str] = []
        if document := _document(package):
            self._read(document)

    def chapters(self) -> list[str]:
        """The reading order; without one, the pages as they are listed; without a list, all that are in the archive."""
        found = self._spine or self._pages
        found = found or sorted(name for name in self._package.names() if name.endswith(_PAGE_ENDINGS))
        return list(dict.fromkeys(name for name in found if name in self._package))

    def _read(self, document: str) -> None:
        root = self._package.xml(document)
        folder = posixpath.dirname(document)
        items: dict[str, Any] = {}
        for entry in _all(child(root, "manifest"), "item"):
            part = _joined(folder, entry.get("href"))
            items[entry.get("id") or ""] = part
            properties = (entry.get("properties") or "").split()
            if "nav" in properties:
                self._add_titles(part)
            elif entry.get("media-type") in _PAGES:
                self._pages.append(part)
            elif entry.get("media-type") == "application/x-dtbncx+xml":
                self._add_titles(part)
        spine = child(root, "spine")
        self._spine = [items[key] for entry in _all(spine, "itemref") if (key := entry.get("idref") or "") in items]
        metadata = child(root, "metadata")
        titles = [entry for entry in metadata.iter() if local(entry) == "title"] if metadata is not None else []
        self.title = titles[0].text or "" if titles else ""

    def _add_titles(self, part: str) -> None:
        """Titles from an NCX or a navigation document. A convenience: a broken one is passed over."""
        if part not in self._package:
            return
        try:
            root = (
                lxml.html.document_fromstring(self._package.read(part)) if _is_page(part) else self._package.xml(part)
            )
        except (ExtractionError, *DAMAGE):
            return
        folder = posixpath.dirname(part)
        for point in root.iter():
            name = local(point)
            if name == "navPoint":
                label, target = child(point, "navLabel", "text"), child(point, "content")
                title = (label.text or "") if label is not None else ""
                link = target.get("src") if target is not None else None
            elif name == "a":
                title, link = "".join(point.itertext()), point.get("href")
            else:
                continue
            if link and (title := one_line(title)):
                self.titles.setdefault(_joined(folder, link), title)


def _document(package: Package) -> str:
    """Name of the package document, empty where none is to be found."""
    if "meta-inf/container.xml" in package:
        for entry in package.xml("meta-inf/container.xml").iter():
            path = unquote(entry.get("full-path") or "") if local(entry) == "rootfile" else ""
            if path in package:
                return path
    return next((name for name in package.names() if name.endswith(".opf")), "")


def _add_chapter(builder: DocumentBuilder, page: bytes, title: str) -> None:
    blocks = page_blocks(page)
    if title and blocks and not any(level for level, _, _ in blocks[:3]):
        if one_line(blocks[0][1]).lower() == title.lower():
            blocks[0] = (1, title, "\n\n")
        else:
            builder.add_heading(1, title)
    for index, (level, text, separator) in enumerate(blocks):
        if level:
            builder.add_heading(level, text)
        else:
            builder.add(text, separator if index else "\n\n")


def _all(parent: Any, name: str) -> Iterator[Any]:
    yield from (entry for entry in parent if local(entry) == name) if parent is not None else ()


def _is_page(part: str) -> bool:
    return part.lower().endswith(_PAGE_ENDINGS)


def _joined(folder: str, link: str | None) -> str:
    """Name of the part that `link` points to, without the place inside of it."""
    path = unquote((link or "").partition("#")[0])
    return posixpath.normpath(posixpath.join("/", folder, path)).lstrip("/")
