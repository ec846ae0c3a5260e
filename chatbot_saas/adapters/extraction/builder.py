"""Puts a document together from cleaned pieces and keeps where pages and headings begin."""

from pathlib import Path

from chatbot_saas.adapters.extraction import Extracted, HeadingMark, PageMark
from chatbot_saas.adapters.extraction.failures import FileNoTextError, FileTooMuchTextError
from chatbot_saas.adapters.extraction.kinds import Kind
from chatbot_saas.adapters.extraction.normal import clean, one_line

MAX_CHARACTERS = 26_000_000  # an upload of 25 MB of plain text is fine; more is unpacked from somewhere
_TITLE_LENGTH = 200
_MEANINGLESS_TITLES = frozenset(
    {"untitled", "unbenannt", "document", "word document", "microsoft word", "index", "home"}
)


class DocumentBuilder:
    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._pages: list[PageMark] = []
        self._headings: list[HeadingMark] = []

    def add(self, text: str, separator: str = "\n\n") -> int:
        """Append cleaned `text` after `separator`; returns the offset at which it begins."""
        if self._parts:
            self._parts.append(separator)
            self._length += len(separator)
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        if self._length > MAX_CHARACTERS:
            raise FileTooMuchTextError
        return start

    def add_heading(self, level: int, text: str) -> None:
        self.mark_heading(level, self.add(text), text)

    def add_page(self, number: int, text: str) -> int:
        previous = self._parts[-1] if self._parts else ""
        goes_on = previous[-1:] not in ".!?:;。！？" and text[:1].islower()
        start = self.add(text, "\n" if goes_on else "\n\n")
        self.mark_page(number, start)
        return start

    @property
    def next_start(self) -> int:
        """Where text added after a blank line will begin."""
        return self._length + (2 if self._parts else 0)

    def mark_page(self, number: int, start: int) -> None:
        self._pages.append(PageMark(number, start))

    def mark_heading(self, level: int, start: int, text: str) -> None:
        self._headings.append(HeadingMark(level, start, text[:_TITLE_LENGTH]))

    def finish(self, kind: Kind, filename: str, title: str = "", no_text: str = "") -> Extracted:
        """The document. Its title is `title`, else its first heading, else the name of the file."""
        text = "".join(self._parts)
        if not text:
            raise FileNoTextError(
                no_text or "The file holds no text. Check that it is the right file and upload it again."
            )
        headings = tuple(sorted(self._headings, key=lambda heading: heading.start))
        own = one_line(title)
        if own.lower() in _MEANINGLESS_TITLES:
            own = ""
        chosen = own or (headings[0].text if headings else "") or file_title(filename)
        return Extracted(text, chosen[:_TITLE_LENGTH], tuple(self._pages), headings, kind.value)


def file_title(filename: str) -> str:
    return clean(Path(filename).stem)[:_TITLE_LENGTH] or "Document"
