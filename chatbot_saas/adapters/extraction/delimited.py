"""CSV and TSV by the csv module. What parts the cells is found out by trying, on a bounded sample."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from chatbot_saas.adapters.extraction import Extracted
from chatbot_saas.adapters.extraction.builder import DocumentBuilder
from chatbot_saas.adapters.extraction.encodings import decode
from chatbot_saas.adapters.extraction.kinds import Kind
from chatbot_saas.adapters.extraction.tables import Row, RowCounter, row_of, write_records

_SAMPLE = 64 * 1024  # characters
_SAMPLE_ROWS = 200
_DELIMITERS = ",;\t|"
_SEPARATOR_LINE = re.compile(r"\A\s*sep=(.)\r?\n", re.IGNORECASE)  # what Excel writes and reads
_LARGEST_CELL = 1_000_000  # characters; a cell with more was opened by a quote that is never closed
_BLANK_LINES = re.compile(r"\n{3,}")
_LINE_ENDS = re.compile("\r\n?")


def extract_csv(path: str, filename: str) -> Extracted:
    text = _LINE_ENDS.sub("\n", decode(Path(path).read_bytes()).replace("\x00", ""))
    text = _BLANK_LINES.sub("\n\n", text)
    builder = DocumentBuilder()
    if text.strip():
        stated = _SEPARATOR_LINE.match(text)
        text = text[stated.end() :] if stated else text
        write_records(builder, RowCounter().counted(_rows(text, stated[1] if stated else _delimiter(text))))
    return builder.finish(
        Kind.CSV, filename, "", "The table is empty. Check that it was saved with its rows and upload it again."
    )


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    quoting = csv.QUOTE_NONE if _has_stray_quote(text, delimiter) else csv.QUOTE_MINIMAL
    for cells in _read(text, delimiter, quoting):
        yield row_of(cells)


def _read(text: str, delimiter: str, quoting: Literal[0, 3] = csv.QUOTE_MINIMAL) -> Iterator[list[str]]:
    csv.field_size_limit(len(text) + 1)
    lines = text.splitlines(keepends=True) if quoting == csv.QUOTE_NONE else _lines(text)
    return csv.reader(lines, delimiter=delimiter, quoting=quoting, skipinitialspace=True)


def _lines(text: str) -> Iterator[str]:
    """Lines by \\n alone: other line ends within quotes belong to the cell."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _has_stray_quote(text: str, delimiter: str) -> bool:
    """Whether a quote that nobody closes would swallow the rows after it."""
    if '"' not in text:
        return False
    try:
        return any(
            len(cell) > _LARGEST_CELL or cell.count("\n") > 2_000 for row in _read(text, delimiter) for cell in row
        )
    except csv.Error:
        return True


def _delimiter(text: str) -> str:
    """The mark that cuts most rows into the same number of cells; a comma where none does (one column)."""
    sample = text[:_SAMPLE]
    if len(text) > _SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        try:
            widths = Counter(len(row) for row in islice(_read(sample, delimiter), _SAMPLE_ROWS) if row)
        except csv.Error:
            continue
        if not widths:
            continue
        usual = max(widths, key=lambda width: (widths[width], width))
        share = widths[usual] / widths.total()
        score = share * (usual > 1) + min(usual, 50) / 1_000
        if score > best_score and usual > 1:
            best, best_score = delimiter, score
    return best
