"""HTML: the main text by trafilatura, or all text where that finds little."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

import re
from pathlib import Path
from typing import Any

import lxml.etree
import lxml.html

from chatbot_saas.adapters.extraction import Extracted
from chatbot_saas.adapters.extraction.builder import DocumentBuilder
from chatbot_saas.adapters.extraction.encodings import decode
from chatbot_saas.adapters.extraction.failures import FileBombError, FileDamagedError
from chatbot_saas.adapters.extraction.kinds import Kind
from chatbot_saas.adapters.extraction.normal import clean, one_line

_DECLARED = re.compile(
    rb"""<(?:meta[^>]{0,300}?charset|\?xml[^>]{0,100}?encoding)\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE
)
_DECLARED_WITHIN = 4096
_SERVERS_GUESS = frozenset({"", "iso-8859-1", "iso8859-1", "latin1", "windows-1252", "us-ascii", "utf-8", "utf8"})
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_MAX_DEPTH = 200  # deeper pages are made, not written; trafilatura's recursion would end there
_MAX_ELEMENTS = 150_000
_ENOUGH = 200  # characters of main text
_ENOUGH_SHARE = 0.35  # of all text; below, the page is no article and the rest may matter as much
_LEFT_OUT = frozenset(
    """head script style noscript template svg math canvas iframe object embed audio video nav button select textarea
    dialog""".split()  # noqa: SIM905
)
_BLOCKS = frozenset(
    """address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer form
    header hr html legend main ol p pre section summary table tbody tfoot thead ul list quote head title""".split()  # noqa: SIM905
)
_ITEMS = frozenset({"li", "item"})
_ROWS = frozenset({"tr", "row"})
_CELLS = frozenset({"td", "th", "cell"})
_BREAKS = frozenset({"br", "lb"})
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_TOO_DEEP = "The page nests its elements too deeply to be read. Save the shown page as PDF and upload that."


def extract_html(path: str, filename: str) -> Extracted:
    tree = parse_page(Path(path).read_bytes())
    return document(tree, filename, title_of(tree))


def parse_page(data: bytes, charset: str = "") -> Any:
    """The tree of a page, None for a blank one. `charset` is what an HTTP header says of it."""
    declared = _DECLARED.search(data[:_DECLARED_WITHIN])
    own = declared[1].decode("ascii") if declared else ""
    page = _XML_DECLARATION.sub("", decode(data, _likely(charset, own)))
    return _parse(page) if page.strip() else None


def document(tree: Any, filename: str, title: str) -> Extracted:
    """The text of a tree, which is changed by this."""
    builder = DocumentBuilder()
    if tree is not None:
        _fill(builder, tree)
    return builder.finish(
        Kind.HTML,
        filename,
        title,
        "The page holds no text: it is probably filled by a script. Save the shown page as PDF, or copy its text into a"
        " TXT file, and upload that.",
    )


def page_blocks(data: bytes) -> list[tuple[int, str, str]]:
    """Level (0: no heading), text and separator before it, of everything on a page: for formats made of pages."""
    tree = parse_page(data)
    return _blocks(tree) if tree is not None else []


def title_of(tree: Any) -> str:
    found = tree.find(".//title") if tree is not None else None
    return one_line(found.text or "") if found is not None else ""


def _likely(header: str, own: str) -> str:
    """Which encoding to believe. The header, as browsers do, unless it names what many servers say of every page."""
    if own.lower().startswith(("utf-16", "utf-32", "ucs-2")):
        own = ""  # it could not have been read
    return own if own and header.lower() in _SERVERS_GUESS else header or own


def _parse(page: str) -> Any:
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        tree = lxml.html.document_fromstring(page.encode("utf-8", "ignore"), parser=parser)
    except lxml.etree.ParserError:
        return None  # nothing but comments
    except (lxml.etree.LxmlError, ValueError) as error:
        raise FileDamagedError from error
    if any(entry.type == lxml.etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        raise FileBombError(_TOO_DEEP)  # the parser has dropped the rest of the page
    return tree


def _fill(builder: DocumentBuilder, tree: Any) -> None:
    everything = _blocks(tree)
    length = sum(len(text) for _, text, _ in everything)
    main = _main_blocks(tree)
    found = sum(len(text) for _, text, _ in main)
    # trafilatura's last resort for a short page is all of its text in one piece, the menu in front
    melted = len(main) == 1 and len(everything) > 1 and found > length
    chosen = main if found >= _ENOUGH and found >= _ENOUGH_SHARE * length and not melted else everything
    for level, text, separator in chosen:
        if level:
            builder.add_heading(level, text)
        else:
            builder.add(text, separator)


def _main_blocks(tree: Any) -> list[tuple[int, str, str]]:
    """What trafilatura takes for the main text; nothing where the page is beyond it. Changes `tree`."""
    if not _is_simple(tree):
        return []
    import trafilatura  # noqa: PLC0415  half a second, and the server's own process never reads a page

    try:
        document: Any = trafilatura.bare_extraction(
            tree, favor_recall=True, include_comments=False, include_tables=True, include_formatting=False
        )
    except (RecursionError, ValueError, TypeError, AttributeError, lxml.etree.LxmlError):
        return []
    return _blocks(document.body) if document is not None and document.body is not None else []


def _is_simple(tree: Any) -> bool:
    depth = count = 0
    for event, _ in lxml.etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        count += event == "start"
        if depth > _MAX_DEPTH or count > _MAX_ELEMENTS:
            return False
    return True


def _blocks(root: Any) -> list[tuple[int, str, str]]:
    """Level (0: no heading), text and separator before it, for HTML and for the elements trafilatura makes of it."""
    gatherer = _Gatherer()
    walk = lxml.etree.iterwalk(root, events=("start", "end"))
    skipped: Any = None
    for event, element in walk:
        if skipped is not None:
            if element is skipped and event == "end":
                skipped = None
                gatherer.text(element.tail)
            continue
        if event == "start":
            if _is_left_out(element, root):
                skipped = element
                walk.skip_subtree()
                continue
            gatherer.start(element)
            gatherer.text(element.text)
        else:
            gatherer.end(element)
            if element is not root:
                gatherer.text(element.tail)
    gatherer.flush()
    return gatherer.blocks


def _is_left_out(element: Any, root: Any) -> bool:
    if element is root:
        return False
    tag = element.tag
    if tag == "head" and element.get("rend"):
        return False  # trafilatura's name for a heading
    return tag in _LEFT_OUT or "hidden" in element.attrib or _HIDDEN.search(element.get("style") or "") is not None


class _Gatherer:
    """Collects inline text until a block begins or ends. Iterative, so that no depth of nesting breaks it."""

    def __init__(self) -> None:
        self.blocks: list[tuple[int, str, str]] = []
        self._buffer: list[str] = []
        self._cells: list[str] | None = None
        self._pre = 0
        self._level = 0
        self._after_item = False
        self._item = False

    def text(self, text: str | None) -> None:
        if text:
            self._buffer.append(text if self._pre else _SPACE.sub(" ", text))

    def start(self, element: Any) -> None:
        tag = element.tag
        if tag in _BREAKS:
            self._buffer.append(" " if self._cells is not None or self._level else "\n")
        elif tag in _ROWS:
            self.flush()
            self._cells = []
        elif tag in _CELLS and self._cells is not None:
            self._buffer.clear()
        elif self._cells is not None:
            if tag in _BLOCKS or tag in _ITEMS:
                self._buffer.append(" ")
        elif tag in _BLOCKS or tag in _ITEMS or tag in _LEVELS:
            self.flush()
            self._item = tag in _ITEMS or (self._item and not self._buffer)
            self._level = _level(element)
        if tag == "pre":
            self._pre += 1

    def end(self, element: Any) -> None:
        tag = element.tag
        if tag == "pre":
            self._pre -= 1
        if tag in _CELLS and self._cells is not None:
            self._cells.append(one_line("".join(self._buffer)))
            self._buffer.clear()
        elif tag in _ROWS and self._cells is not None:
            cells, self._cells = self._cells, None
            self._buffer.clear()
            if any(cells):
                self._add(0, " | ".join(cells), "row")
        elif self._cells is None and (tag in _BLOCKS or tag in _ITEMS or tag in _LEVELS):
            self.flush()
            self._item = False

    def flush(self) -> None:
        if not self._buffer:
            return
        raw = "".join(self._buffer)
        text = one_line(raw) if self._level else clean(raw)
        self._buffer.clear()
        if text:
            self._add(
                self._level, f"- {text}" if self._item and not self._level else text, "item" if self._item else ""
            )
            self._item = False
        self._level = 0

    def _add(self, level: int, text: str, group: str) -> None:
        """Rows of a table and items of a list stand on lines of their own, without blank lines between them."""
        together = bool(group) and group == getattr(self, "_group", "")
        self._group = group
        self.blocks.append((level, text, "\n" if together else "\n\n"))


def _level(element: Any) -> int:
    if element.tag == "head":
        return _LEVELS.get(element.get("rend") or "", 2)
    return _LEVELS.get(element.tag, 0)
