"""Text of uploaded files, with the places of pages and headings in it.

The port. `process.ProcessExtractor` is the implementation; `failures` lists every reason why a file can be refused.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chatbot_saas.core.errors import InvalidError


@dataclass(frozen=True, slots=True)
class PageMark:
    """Page `number` (from 1, as printed by a reader, not as labelled) begins at character `start`."""

    number: int
    start: int


@dataclass(frozen=True, slots=True)
class HeadingMark:
    """A heading of `level` (1 is the highest) begins at character `start`."""

    level: int
    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Extracted:
    """Normalised text (see `normal.clean`); marks are in order of their offsets, which count characters of `text`."""

    text: str
    title: str
    pages: tuple[PageMark, ...]
    headings: tuple[HeadingMark, ...]
    media_type: str


@dataclass(frozen=True, slots=True)
class WebPage:
    """An HTML page with what a crawl and a new bot want to know. All addresses are absolute and normalised.

    `extracted` is None for a page without text. Empty strings where the page says nothing.
    """

    url: str
    extracted: Extracted | None
    title: str
    """Of the page alone, without the name of the site."""
    canonical: str
    """The page's own word for its address; empty where that lies on another site."""
    links: tuple[str, ...]
    """Pages and documents, in order, each once, at most 2,000; without those marked nofollow."""
    language: str
    """BCP 47, in lower case."""
    noindex: bool
    nofollow: bool
    site_name: str
    description: str
    colour: str
    """The site's theme colour, as #rrggbb."""
    icons: tuple[str, ...]
    """The best first."""
    sitemaps: tuple[str, ...]
    refresh: str
    """Where the page forwards to by itself; among the links, too."""


class ExtractionError(InvalidError):
    """This file could not be read. Open it on your computer, save it as a new file and upload that."""

    code = "file_unreadable"


class Extractor(Protocol):
    async def extract(self, path: Path, filename: str) -> Extracted:
        """The text of the file at `path`, which its owner called `filename`.

        Raises ExtractionError for what is wrong with the file: trying again does not help. Any other error (no
        process could be started, the service is stopping) is not the file's fault.
        """
        ...

    async def read_page(self, path: Path, url: str, charset: str = "") -> WebPage:
        """The HTML page at `path`, which came from `url`; `charset` is what the website's header says. Raises as
        `extract` does, but a page without text is no error."""
        ...

    async def close(self) -> None: ...
