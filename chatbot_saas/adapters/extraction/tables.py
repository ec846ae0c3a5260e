"""Rows of tables as text that can be searched, cut into passages and quoted without losing what a column means.

A short table stays as it is shown, `cell | cell`, its header on top: it fits into one passage. In a long one each row
names its columns, `Product: Lamp | Price: 4.90 €`, since the passage that is found may be far from the header.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, takewhile

from chatbot_saas.adapters.extraction.builder import DocumentBuilder
from chatbot_saas.adapters.extraction.failures import FileTooManyRowsError
from chatbot_saas.adapters.extraction.normal import one_line

MAX_ROWS = 100_000  # of a file
Row = Mapping[int, str]
"""Column from 0 to cleaned text on one line; empty cells are left out, and a blank row is empty."""

_SHORT = 1_500  # characters, about half a passage
_SAMPLE = 25  # rows
LONG_ROW = 400  # characters; from here on each cell has a line of its own
_HEADER_LENGTH = 80
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_ADDRESS = re.compile(r"\S+@\S+\.\w+|https?://\S+")
# Words that head columns, in the languages of most customers: tells a header from a first row where all is text
_HEADER_WORDS = frozenset(
    """id no nr name title titel question questions frage answer answers antwort category kategorie type typ
    description beschreibung price preis date datum status city ort stadt country land address adresse street
    phone telefon telephone email e-mail mail url link website key value wert term definition product produkt
    artikel item sku quantity menge day tag time zeit hours from to language sprache author year jahr code
    region comment notes note topic thema text first last nom prénom prix ville pays réponse nombre precio
    ciudad país pregunta respuesta""".split()  # noqa: SIM905
)


def row_of(cells: Iterable[str]) -> dict[int, str]:
    """The row of these cells, in order; empty ones count as columns."""
    return {column: text for column, cell in enumerate(cells) if (text := one_line(cell))}


def write_table(builder: DocumentBuilder, rows: list[Row]) -> None:
    """A table among other text. Nothing where it holds none."""
    rows = [row for row in rows if row]
    if len(rows) <= 2 or sum(len(text) for row in rows for text in row.values()) <= _SHORT:
        if rows:
            builder.add("\n".join(_as_shown(row) for row in rows))
    else:
        write_records(builder, rows)


def write_records(builder: DocumentBuilder, rows: Iterable[Row]) -> int:
    """Each row with the names of its columns, where there is a header. A blank row parts one table from the next.

    Returns the number of rows with text, headers included. Raises FileTooManyRowsError.
    """
    return _Records(builder).write(rows)


class RowCounter:
    """Counts the rows of all tables of one file."""

    def __init__(self) -> None:
        self._count = 0

    def counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            self._count += bool(row)
            if self._count > MAX_ROWS:
                raise FileTooManyRowsError(
                    f"The file has more than {MAX_ROWS:,} rows, which is as many as are read. Split it into smaller"
                    " files and upload those."
                )
            yield row


class _Records:
    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder
        self._headers: dict[int, str] = {}
        self._separator = "\n\n"

    def write(self, rows: Iterable[Row]) -> int:
        source = iter(rows)
        ahead = deque(islice(source, _SAMPLE))
        fresh, count = True, 0  # fresh: a header may stand here
        while ahead:
            row = ahead.popleft()
            ahead.extend(islice(source, 1))
            count += bool(row)
            if not row:
                fresh, self._separator = True, "\n\n"
                continue
            if fresh:
                below = list(takewhile(bool, ahead))
                if _is_caption(row, below):
                    self._line(" | ".join(row.values()))
                    continue
                fresh = False
                if header := _header(row, below, first=not self._headers):
                    self._headers, self._separator = header, "\n\n"
                    continue
                if not row.keys() <= self._headers.keys():
                    self._headers = {}
            self._add(row)
        return count

    def _line(self, text: str) -> None:
        self._builder.add(text, "\n\n")
        self._separator = "\n\n"

    def _add(self, row: Row) -> None:
        cells = [f"{name}: {text}" if (name := self._headers.get(column)) else text for column, text in row.items()]
        if len(cells) > 1 and sum(map(len, cells)) > LONG_ROW:
            self._line("\n".join(cells))  # ends with a blank line, so that a passage begins with a row, not within one
        else:
            self._builder.add(" | ".join(cells), self._separator)
            self._separator = "\n"


def _as_shown(row: Row) -> str:
    return " | ".join(row.get(column, "") for column in range(min(row), max(row) + 1))


def _is_caption(row: Row, below: list[Row]) -> bool:
    """A line above a table: one cell over several columns, or the upper of two header rows."""
    if not below:
        return False
    if len(row) == 1:
        return max(map(len, below)) > 1
    return len(row) < 0.6 * len(below[0]) and not any(map(_is_number, below[0].values()))


def _header(row: Row, below: list[Row], *, first: bool) -> dict[int, str] | None:
    """The names of the columns, if `row` looks like them: wrong names would do more harm than none."""
    names = {column: text.rstrip(":") for column, text in row.items()}
    if len(names) < 2 or not below or not _could_head(names, below[0]):
        return None
    cells = sum(map(len, below))
    if sum(len(line.keys() & names.keys()) for line in below) < 0.5 * cells:
        return None
    columns = {column: [line[column] for line in below if column in line] for column in names}
    if any(texts and sum(map(_is_number, texts)) >= 0.6 * len(texts) for texts in columns.values()):
        return names
    known = sum(not _HEADER_WORDS.isdisjoint(re.split(r"[\s_/-]+", name.lower())) for name in names.values())
    if known >= 2 and known >= 0.5 * len(names):
        return names
    if not first:
        return None
    return names if len(names) >= 3 or any(map(_differs, names.values(), columns.values())) else None


def _could_head(names: Mapping[int, str], below: Row) -> bool:
    """Short, different, and no numbers but years over other numbers ("Country | 2023 | 2024")."""
    if len({name.lower() for name in names.values()}) < 0.8 * len(names):
        return False
    years = [column for column, name in names.items() if _YEAR.search(name) and not _YEAR.search(below.get(column, ""))]
    return not any(
        len(name) > _HEADER_LENGTH
        or _ADDRESS.search(name)
        or (_is_number(name) and not (len(years) >= 2 and column in years))
        for column, name in names.items()
    )


def _differs(name: str, texts: list[str]) -> bool:
    """Whether the texts of a column are of another sort than its first cell: long, or few and often repeated."""
    if not texts or name in texts:
        return False
    average = sum(map(len, texts)) / len(texts)
    return (average >= 30 and average >= 3 * len(name)) or (len(texts) >= 4 and 2 * len(set(texts)) <= len(texts))


def _is_number(text: str) -> bool:
    """Mostly digits: amounts with units, dates, times, telephone numbers."""
    digits = sum(map(str.isdigit, text))
    return digits > 0 and 2 * digits >= len(text.replace(" ", ""))
