"""Tables as CSV files for spreadsheets: RFC 4180 in UTF-8 with a byte order mark, by which Excel knows the encoding.

A spreadsheet takes a text that begins with = or + and the like for a formula, so such texts are written with an
apostrophe before them.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

MEDIA_TYPE = "text/csv"
BOM = "\ufeff"
_FORMULA = re.compile(r"'*[=+\-@＝＋－＠\t\r\n]")


def write(rows: Iterable[Sequence[str]]) -> bytes:
    """Lines without the byte order mark, so that a long file can be sent in parts."""
    target = io.StringIO(newline="")
    csv.writer(target, quoting=csv.QUOTE_ALL).writerows([_harmless(cell) for cell in row] for row in rows)
    return target.getvalue().encode()


def _harmless(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text
