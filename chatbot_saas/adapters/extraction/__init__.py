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

    async def close(self) -> None: ...
