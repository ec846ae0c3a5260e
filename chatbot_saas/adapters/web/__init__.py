"""Pages and documents of websites, fetched so that nobody can make us reach what is not public.

The port. `client.HttpWeb` is the implementation; `failures` lists every reason why an address can give nothing;
`guard` decides which addresses may be reached; `urls` compares and sorts addresses.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

PRODUCT = "Footnote"
"""Our name in robots.txt and in the User-Agent header."""

ENDINGS = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/x-markdown": ".md",
    "text/csv": ".csv",
    "application/json": ".json",
    "application/rtf": ".rtf",
    "text/rtf": ".rtf",
    "application/pdf": ".pdf",
    "application/x-pdf": ".pdf",
    "application/epub+zip": ".epub",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
}
"""Endings of file names by media type: what can be read."""

VAGUE_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/x-download"})
"""Media types that say nothing: the address decides."""

_OTHER_ENDINGS = {".htm": ".html", ".xhtml": ".html", ".markdown": ".md", ".text": ".txt"}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gave. `path` holds the unpacked body and is deleted when the context ends.

    `url` is the address at the end of all redirects, normalised. Status 304: not modified, the body is empty.
    """

    url: str
    status: int
    content_type: str
    """The media type in lower case, without parameters; "text/html" where the website names none for a page."""
    charset: str
    """What the header says, in lower case; often wrong."""
    etag: str
    last_modified: str
    path: Path
    size: int
    """Bytes, unpacked."""
    robots: frozenset[str] = frozenset()
    """Words of the X-Robots-Tag header that concern us, such as "noindex", in lower case."""
    suggested: str = ""
    """The file name of the Content-Disposition header, if any."""
    policies: tuple[str, ...] = ()
    """Content-Security-Policy headers that are enforced."""

    @property
    def modified(self) -> bool:
        return self.status != 304

    @property
    def is_page(self) -> bool:
        return self.filename.endswith(".html")

    @property
    def filename(self) -> str:
        """A name whose ending tells the kind of the content, for `Extractor.extract`."""
        return filename_for(self.suggested or unquote(urlsplit(self.url).path), self.content_type)


@dataclass(frozen=True, slots=True)
class SitemapEntry:
    """A page that a sitemap lists; `url` is normalised. `lastmod` is UTC, None where it is missing or no date."""

    url: str
    lastmod: datetime | None = None


class Web(Protocol):
    def fetch(
        self,
        url: str,
        *,
        etag: str = "",
        last_modified: str = "",
        max_bytes: int = 0,
        accept: tuple[str, ...] = (),
        robots: bool = True,
    ) -> AbstractAsyncContextManager[Fetched]:
        """What is at `url`, unless robots.txt forbids it; `robots` False: a person asks for this one page.

        `etag` and `last_modified` of an earlier answer make the request conditional. `max_bytes` is for the unpacked
        body; 0 is the operator's limit for uploads. `accept` lists beginnings of media types; without it, everything
        that an extractor reads. Waits for its turn: a host gets few requests at a time. Raises failures.WebError.
        """
        ...

    async def sitemap(self, url: str, *, limit: int = 10_000) -> list[SitemapEntry]:
        """At most `limit` pages, in the order of the sitemaps, each once.

        `url` is a sitemap (XML, index, plain list, any of them as .gz) or any page of a site, whose robots.txt and
        usual places are then looked at: no sitemap gives an empty list. Raises failures.WebError where `url` itself
        is a sitemap that cannot be read, or the site cannot be reached. Entries may lie on other hosts.
        """
        ...

    async def close(self) -> None: ...


def ending_of(path: str) -> str:
    """The ending of the last segment of `path` if it is that of a readable kind, else empty."""
    name = path.rstrip("/").rpartition("/")[2].lower()
    ending = "." + name.rpartition(".")[2] if "." in name else ""
    ending = _OTHER_ENDINGS.get(ending, ending)
    return ending if ending in ENDINGS.values() else ""


def filename_for(path: str, content_type: str) -> str:
    """A file name for what `path` gave: its last segment, with the ending of `content_type`."""
    known = ending_of(path)
    ending = ENDINGS.get(content_type, "")
    if content_type in VAGUE_TYPES or (content_type == "text/plain" and known in (".md", ".csv")):
        ending = known or ending
    ending = ending or (".txt" if content_type.startswith("text/") else known)
    name = path.rstrip("/").rpartition("/")[2]
    stem = name.rpartition(".")[0] if "." in name else name
    stem = "".join(character for character in stem if character.isprintable())[:150]
    return (stem or "page") + ending
