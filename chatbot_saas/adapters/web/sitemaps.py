"""Sitemaps: what a website says of its pages. XML, indexes of others, plain lists, each of them also as .gz."""

import asyncio
import html
import re
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit
from xml.parsers import expat

from chatbot_saas.adapters.web import Fetched, SitemapEntry
from chatbot_saas.adapters.web.bodies import Unpacker
from chatbot_saas.adapters.web.failures import TooLargeError, TypeUnreadableError, WebError
from chatbot_saas.adapters.web.urls import normalise

# The protocol allows 50,000 addresses and 50 MB a file; 50,000 addresses of 200 characters are 15 MB
_MAX_FILE = 20 * 1024 * 1024
_MAX_BYTES = 100 * 1024 * 1024  # of all files, unpacked
_MAX_FILES = 100
_MAX_SECONDS = 120.0  # after which no further file is begun
_MAX_DEPTH = 3  # an index, what it lists, and one that breaks the rule
_PLACES = ("/sitemap.xml", "/sitemap_index.xml", "/sitemap.xml.gz")
_GZIP = b"\x1f\x8b"
_NAMED = re.compile(r"(?:sitemap[^/]*\.(?:xml|txt)|\.xml)(?:\.gz)?$|sitemap[^/]*$", re.IGNORECASE)
_W3C_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?")
_LOCATION = re.compile(
    rb"<(?:sitemap:|sm:|s:)?loc>\s{0,50}(?:<!\[CDATA\[\s{0,50})?([^<\]\s]{8,3000})\s{0,50}(?:\]\]>\s{0,50})?</",
    re.IGNORECASE,
)
_RECORDS = ("url", "sitemap")
_HEAD = 1024
_SLICE = 64 * 1024
_MAX_ELEMENTS = 1_000_000
_MAX_NESTING = 100
_MAX_PIECES = 100
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)

Download = Callable[[str, int], AbstractAsyncContextManager[Fetched]]
"""What is at an address, of at most so many bytes, unpacked."""


class SitemapUnreadableError(WebError):
    """This is not a sitemap. Name the address of an XML sitemap, or of a text file with one address a line."""

    code = "web_sitemap_unreadable"


@dataclass(slots=True)
class _Content:
    entries: list[SitemapEntry] = field(default_factory=list[SitemapEntry])
    others: list[str] = field(default_factory=list[str])
    """Addresses of further sitemaps."""


class SitemapReader:
    """Reads one website's sitemaps, up to `limit` pages, each once."""

    def __init__(self, download: Download, limit: int) -> None:
        self._download = download
        self._limit = limit
        self._entries: dict[str, SitemapEntry] = {}
        self._seen: set[str] = set()
        self._bytes = 0
        self._ends = time.monotonic() + _MAX_SECONDS

    @staticmethod
    def is_sitemap(url: str) -> bool:
        """Whether `url` looks like the address of a sitemap rather than of a page."""
        return _NAMED.search(urlsplit(url).path) is not None

    async def read_site(self, origin: str, offered: Iterable[str]) -> list[SitemapEntry]:
        """What the sitemaps that robots.txt offers list, or else one at a usual place."""
        found = await self.read([url for url in map(normalise, offered) if url])
        for place in () if found else _PLACES:
            found = found or await self.read([origin + place])
        return found

    async def read(self, urls: list[str], *, demanded: bool = False) -> list[SitemapEntry]:
        """`demanded`: raise what is wrong with the first, instead of going on without it."""
        level = urls
        for depth in range(_MAX_DEPTH):
            following: list[str] = []
            for url in level:
                if url in self._seen or self._is_full():
                    continue
                self._seen.add(url)
                try:
                    following += await self._read_one(url)
                except WebError:
                    if demanded and not depth:
                        raise
            level = following
        return list(self._entries.values())[: self._limit]

    def _is_full(self) -> bool:
        return (
            len(self._entries) >= self._limit
            or len(self._seen) >= _MAX_FILES
            or self._bytes >= _MAX_BYTES
            or time.monotonic() >= self._ends
        )

    async def _read_one(self, url: str) -> list[str]:
        """Takes in the entries at `url`; gives the addresses of further sitemaps."""
        async with self._download(url, _MAX_FILE) as found:
            content, size = await asyncio.to_thread(parse, found.path, self._limit - len(self._entries))
        self._bytes += size
        for entry in content.entries:
            self._entries.setdefault(entry.url, entry)
        return content.others


def parse(path: Path, limit: int) -> tuple[_Content, int]:
    """What the sitemap at `path` holds, at most `limit` of each, and its size in bytes unpacked."""
    data = path.read_bytes()
    if data.startswith(_GZIP):
        data = _unpacked(data)
    beginning = data[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    if beginning.startswith(b"<"):
        if beginning[:200].lower().startswith((b"<!doctype html", b"<html")):
            raise SitemapUnreadableError
        return _parse_xml(data.lstrip(), limit), len(data)
    if b"\x00" in beginning:
        raise TypeUnreadableError
    return _parse_text(data, limit), len(data)


def _unpacked(data: bytes) -> bytes:
    unpacker = Unpacker("gzip")
    out = bytearray()
    for piece in unpacker.feed(data):
        out += piece
        if len(out) > _MAX_FILE:
            raise TooLargeError
    return bytes(out + unpacker.finish())


def _parse_text(data: bytes, limit: int) -> _Content:
    content = _Content()
    for line in data.decode("utf-8-sig", "replace").splitlines():
        if _ADDRESS.fullmatch(line.strip()) and (url := normalise(line)):
            content.entries.append(SitemapEntry(url))
            if len(content.entries) >= limit:
                break
    if not content.entries:
        raise SitemapUnreadableError
    return content


def _parse_xml(data: bytes, limit: int) -> _Content:
    reader = _XmlReader(limit)
    try:
        reader.read(data)
    except expat.ExpatError:
        _read_broken(data, reader)
    if not (reader.is_sitemap or reader.content.entries or reader.content.others):
        raise SitemapUnreadableError
    return reader.content


class _XmlReader:
    """Takes XML in as it comes and keeps no tree of it: memory does not grow with what is not wanted."""

    def __init__(self, limit: int) -> None:
        self.content = _Content()
        self.is_sitemap = False
        self._limit = limit
        self._elements = 0
        self.is_done = False
        self._path: list[str] = []
        self._values: dict[str, str] = {}
        self._text: list[str] | None = None

    def read(self, data: bytes) -> None:
        """Up to the end, or until enough is known. Raises ExpatError where the XML is broken."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._refuse
        for start in range(0, len(data), _SLICE):
            parser.Parse(data[start : start + _SLICE], start + _SLICE >= len(data))
            if self.is_done:
                return

    def add(self, url: str, lastmod: str = "", *, is_sitemap: bool = False) -> None:
        url = normalise(url)
        if url and is_sitemap:
            self.content.others.append(url)
        elif url:
            self.content.entries.append(SitemapEntry(url, read_date(lastmod)))
        self.is_done |= len(self.content.entries) >= self._limit or len(self.content.others) >= _MAX_FILES

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        self.is_done |= self._elements > _MAX_ELEMENTS or len(self._path) > _MAX_NESTING
        if not self._path:
            self.is_sitemap = name.rpartition(" ")[2] in ("urlset", "sitemapindex")
        # of the parent's own vocabulary: pictures and films in a sitemap have a `loc` as well
        parent = self._path[-1] if self._path else ""
        space, _, local = name.rpartition(" ")
        wanted = parent.rpartition(" ")[2] in _RECORDS and local in ("loc", "lastmod")
        self._text = [] if wanted and parent.rpartition(" ")[0] == space else None
        self._path.append(name)

    def _end(self, name: str) -> None:
        self._path.pop()
        local = name.rpartition(" ")[2]
        if self._text is not None:
            self._values[local] = "".join(self._text).strip()
            self._text = None
        elif local in _RECORDS:
            values = self._values
            self._values = {}
            if not self.is_done:
                self.add(values.get("loc", ""), values.get("lastmod", ""), is_sitemap=local == "sitemap")

    def _characters(self, text: str) -> None:
        if self._text is not None and len(self._text) < _MAX_PIECES:
            self._text.append(text)

    def _refuse(self, *_: object) -> None:
        raise SitemapUnreadableError  # entities: nothing that lists pages needs them, and some never end


def _read_broken(data: bytes, reader: _XmlReader) -> None:
    """The addresses in XML that breaks its rules, mostly by a bare `&` in one of them; their dates are lost."""
    is_index = b"<sitemapindex" in data[:_HEAD]
    reader.content = _Content()
    for found in _LOCATION.finditer(data):
        reader.add(html.unescape(found[1].decode("utf-8", "replace")), is_sitemap=is_index)
        if reader.is_done:
            return


def read_date(text: str) -> datetime | None:
    """A date or time of the W3C profile of ISO 8601, in UTC; None for anything else."""
    try:
        if _W3C_DATE.fullmatch(text):
            padded = text + "-01-01"[len(text) - 4 :]
            day = date.fromisoformat(padded[:10])
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
