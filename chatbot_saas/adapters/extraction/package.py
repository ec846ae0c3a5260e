"""Documents that are ZIP archives of XML parts: Office Open XML, OpenDocument, EPUB.

Only the parts that are asked for are unpacked, each after a look at the size that the archive states: unpacking stops
at the stated size, so a lie only damages the file. Pictures are never touched.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple, NoReturn
from urllib.parse import unquote

import lxml.etree

from chatbot_saas.adapters.extraction.failures import (
    FileBombError,
    FileDamagedError,
    FileEncryptedError,
    FileMislabelledError,
    FileTruncatedError,
)
from chatbot_saas.adapters.extraction.kinds import EXTENSIONS, NAMES, Kind, extension_of

MAX_TREE = 48 * 1024 * 1024  # bytes of a part that becomes a tree: as one it takes about ten times as much
MAX_STREAM = 320 * 1024 * 1024  # bytes of a part that is read row by row
_MAX_UNPACKED = 2 * 1024 * 1024 * 1024  # of all parts; media of an upload of 25 MB stay far below
_MAX_PARTS = 20_000
# What the XML and ZIP libraries and careless files raise. MemoryError is not among them: the process reports it.
DAMAGE: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    lxml.etree.LxmlError,
    zlib.error,
    struct.error,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    EOFError,
    OSError,
    OverflowError,
    NotImplementedError,  # a way of packing that is not known
)
_MAIN_TYPES = (
    (re.compile(rb"(?:wordprocessingml|ms-word)[\w.]*\.main\+xml", re.IGNORECASE), Kind.DOCX),
    (re.compile(rb"(?:spreadsheetml|ms-excel)[\w.]*\.main\+xml", re.IGNORECASE), Kind.XLSX),
    (re.compile(rb"(?:presentationml|ms-powerpoint)[\w.]*\.main\+xml", re.IGNORECASE), Kind.PPTX),
)
_FOLDERS = {"word/": Kind.DOCX, "xl/": Kind.XLSX, "ppt/": Kind.PPTX}
_MIMETYPES = {
    b"application/epub+zip": Kind.EPUB,
    b"application/vnd.oasis.opendocument.text": Kind.ODT,
    b"application/vnd.oasis.opendocument.text-template": Kind.ODT,
}
# "Strict" Office files differ in the names of their namespaces only (ISO/IEC 29500-1, annex A)
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")


class Relation(NamedTuple):
    kind: str
    """The last word of its type: "slide", "notesSlide", "footnotes"..."""
    target: str
    """Name of the part; empty for what lies outside of the package."""


class Package:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._parts = {_plain(part.filename): part for part in archive.infolist()}
        if any(part.flag_bits & 1 for part in self._parts.values()):
            raise FileEncryptedError
        unpacked = sum(part.file_size for part in self._parts.values())
        if len(self._parts) > _MAX_PARTS or unpacked > _MAX_UNPACKED:
            raise FileBombError

    def names(self) -> list[str]:
        """Names of all parts in lower case, in the order of the archive."""
        return list(self._parts)

    def __contains__(self, name: str) -> bool:
        return _plain(name) in self._parts

    def open(self, name: str, limit: int) -> IO[bytes]:
        """The part as a stream; FileBombError where it would unpack to more than `limit` bytes, KeyError: no part."""
        part = self._parts[_plain(name)]
        if part.file_size > limit:
            raise FileBombError
        return self._archive.open(part)

    def read(self, name: str, limit: int = MAX_TREE) -> bytes:
        with self.open(name, limit) as stream:
            return stream.read()

    def xml(self, name: str) -> Any:
        """Root of the part's tree. No entity is replaced, nothing outside is fetched (a DTD has no place in Office)."""
        parser = lxml.etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
        )
        data = self.read(name)
        if b"purl.oclc.org" in data[:4096]:
            data = _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", data)
        try:
            root = lxml.etree.fromstring(data, parser)
        except lxml.etree.XMLSyntaxError as error:
            raise_for(error)
        refuse_entities(root)
        return root

    def relations(self, name: str) -> dict[str, Relation]:
        """What the part points to, by id. Broken or missing lists are empty: other programs open such files too."""
        folder, _, file = name.rpartition("/")
        listed = f"{folder}/_rels/{file}.rels" if folder else f"_rels/{file}.rels"
        if listed not in self:
            return {}
        found: dict[str, Relation] = {}
        for entry in self.xml(listed):
            target = entry.get("Target") or ""
            outside = entry.get("TargetMode") == "External" or not target
            path = "" if outside else posixpath.normpath(posixpath.join("/", folder, unquote(target))).lstrip("/")
            found[entry.get("Id") or ""] = Relation((entry.get("Type") or "").rpartition("/")[2], path)
        return found

    def related(self, name: str, kind: str) -> list[str]:
        """The parts that exist of those `name` points to with a relation of this kind."""
        return [
            relation.target
            for relation in self.relations(name).values()
            if relation.kind == kind and relation.target in self
        ]

    def main(self, usual: str) -> str:
        """Name of the main part of an Office document; `usual` where the package does not say."""
        return next(iter(self.related("", "officeDocument")), usual)

    def title(self) -> str:
        """The title among an Office document's properties. They matter little, so broken ones are none."""
        for name in self.related("", "core-properties"):
            try:
                return next((entry.text or "" for entry in self.xml(name) if local(entry) == "title"), "")
            except DAMAGE:
                break
        return ""


@contextmanager
def opened(path: str, kind: Kind, filename: str) -> Generator[Package]:
    """The package at `path`, which must be of `kind`. Turns what goes wrong inside the block into reasons."""
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGE:
        raise FileTruncatedError from None  # the table of contents is at the end
    with archive:
        try:
            package = Package(archive)
            _check_kind(package, kind, filename)
            yield package
        except RecursionError:
            raise FileBombError from None
        except DAMAGE as error:
            raise FileDamagedError from error


def local(element: Any) -> str:
    """An element's name without its namespace; empty for entities."""
    tag = element.tag
    return tag[tag.rfind("}") + 1 :] if isinstance(tag, str) else ""


def attribute(element: Any, name: str) -> str:
    """The attribute of this name in whatever namespace; empty without it."""
    for key, value in element.attrib.items():
        if key == name or key.endswith("}" + name):
            return str(value)
    return ""


def child(element: Any, *path: str) -> Any:
    """The first descendant along `path` of local names, or None."""
    for name in path:
        element = next((inner for inner in element if local(inner) == name), None)
        if element is None:
            return None
    return element


def refuse_entities(root: Any) -> None:
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(declared.iterentities()):
        raise FileBombError(
            "The file defines XML entities, which documents have no use for and attackers have. Open it in the program"
            " that it is for, save it as a new file and upload that."
        )


def raise_for(error: Exception) -> NoReturn:
    """libxml2 tells everything with one type of error."""
    words = str(error).lower()
    if "alloc" in words or "memory" in words or "unknown error" in words:  # no memory even to say so
        raise MemoryError from error
    if "depth" in words or "huge" in words or "amplification" in words or "entity loop" in words:
        raise FileBombError from error
    raise FileDamagedError from error


def _plain(name: str) -> str:
    """Names of parts are compared without case (ECMA-376-2, 6.2.2.3), and some programs write them the Windows way."""
    return name.replace("\\", "/").lstrip("/").lower()


def _check_kind(package: Package, kind: Kind, filename: str) -> None:
    found = _kind_inside(package)
    if found is kind:
        return
    extension = extension_of(filename)
    if isinstance(found, Kind):
        raise FileMislabelledError(
            f"The file is named {extension} but holds {NAMES[found]}. Rename it to {EXTENSIONS[found]} and upload it"
            " again."
        )
    raise FileMislabelledError(f"The file is named {extension} but holds {found}")


def _kind_inside(package: Package) -> Kind | str:
    """What the package is: a kind, or the end of a sentence with advice."""
    names = package.names()
    mimetype = package.read("mimetype", 1024).strip() if "mimetype" in package else b""
    if kind := _MIMETYPES.get(mimetype):
        return kind
    if mimetype.startswith(b"application/vnd.oasis.opendocument"):
        return "a LibreOffice document of another kind. Save it as .docx, .xlsx or .pptx and upload that."
    if "xl/workbook.bin" in names:
        return "a binary Excel workbook (.xlsb). Save it in Excel as .xlsx and upload that."
    types = package.read("[content_types].xml") if "[content_types].xml" in package else b""
    for pattern, kind in _MAIN_TYPES:
        if pattern.search(types):
            return kind
    for folder, kind in _FOLDERS.items():
        if types and any(name.startswith(folder) for name in names):
            return kind
    if "meta-inf/container.xml" in names:
        return Kind.EPUB
    if any(name.endswith(".iwa") for name in names):
        return "an Apple iWork document. Export it as PDF, Word, Excel or PowerPoint and upload that."
    return "an archive. Unpack it and upload the documents in it."
