"""Sitemaps: what a website says of its pages. XML, indexes of others, plain lists, each of them also as .gz."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import lxml.etree

from chatbot_saas.adapters.web import Fetched, SitemapEntry
from chatbot_saas.adapters.web.bodies import Unpacker
from chatbot_saas.adapters.web.failures import TooLargeError, TypeUnreadableError, WebError
from chatbot_saas.adapters.web.urls import normalise

# The protocol allows 50,000 addresses and 50 MB a file; 50,000 addresses of 200 characters are 15 MB
_MAX_FILE = 20 * 1024 * 1024
_MAX_BYTES = 100 * 1024 * 1024  # of all files, unpacked
_MAX_FILES = 100
_MAX_DEPTH = 3  # an index, what it lists, and one that breaks the rule
_PLACES = ("/sitemap.xml", "/sitemap_index.xml", "/sitemap.xml.gz")
_GZIP = b"\x1f\x8b"
_NAMED = re.compile(r"(?:sitemap[^/]*\.(?:xml|txt)|\.xml)(?:\.gz)?$|sitemap[^/]*$", re.IGNORECASE)
_W3C_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?")
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
        return len(self._entries) >= self._limit or len(self._seen) >= _MAX_FILES or self._bytes >= _MAX_BYTES

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
    beginning = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
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
    content = _Content()
    root = ""
    for element in _elements(data):
        name = _local(element)
        if name in ("url", "sitemap"):
            values = {_local(child): (child.text or "").strip() for child in element if _is_own(child, element)}
            url = normalise(values.get("loc", ""))
            if url and name == "url":
                content.entries.append(SitemapEntry(url, read_date(values.get("lastmod", ""))))
            elif url:
                content.others.append(url)
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
        elif name in ("urlset", "sitemapindex"):
            root = name
        if len(content.entries) >= limit or len(content.others) >= _MAX_FILES:
            break
    if not (root or content.entries or content.others):
        raise SitemapUnreadableError
    return content


def _elements(data: bytes) -> Iterator[Any]:
    """Elements as they end. Broken XML gives what comes before the damage; entities and DTDs are never followed."""
    parser = lxml.etree.XMLPullParser(
        events=("end",),
        recover=True,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for start in range(0, len(data), 65536):
            parser.feed(data[start : start + 65536])
            yield from (element for _, element in parser.read_events())
        parser.close()
        yield from (element for _, element in parser.read_events())
    except lxml.etree.LxmlError:
        return


def _local(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _is_own(child: Any, parent: Any) -> bool:
    """Whether it is of the same vocabulary: pictures and films in a sitemap have a `loc` as well."""
    return isinstance(child.tag, str) and child.tag.rpartition("}")[0] == parent.tag.rpartition("}")[0]


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
