"""Text of what is drawn in Office documents: text bodies, tables, charts and diagrams (DrawingML)."""

from collections.abc import Iterator
from typing import Any

from chatbot_saas.adapters.extraction.normal import clean, one_line
from chatbot_saas.adapters.extraction.package import child, local
from chatbot_saas.adapters.extraction.tables import Row, row_of

_MAX_POINTS = 2_000  # of a chart
_NO_TEXT_POINTS = frozenset({"pres", "parTrans", "sibTrans"})


def paragraphs(body: Any) -> Iterator[str]:
    """The paragraphs of a text body that hold text."""
    for paragraph in body:
        if local(paragraph) == "p" and (text := clean("".join(_runs(paragraph)))):
            yield text


def _runs(paragraph: Any) -> Iterator[str]:
    for part in paragraph:
        name = local(part)
        if name == "br":
            yield "\n"
        elif name in ("r", "fld"):
            found = child(part, "t")
            yield (found.text or "") if found is not None else ""
        elif name in ("AlternateContent", "Choice", "m", "oMathPara", "oMath"):
            yield from (element.text or "" for element in part.iter() if local(element) == "t")


def table_rows(table: Any) -> Iterator[Row]:
    """A cell merged with those beside it is named once; merged with those below it, in each row."""
    above: dict[int, str] = {}
    for line in table:
        if local(line) != "tr":
            continue
        cells: list[str] = []
        for column, cell in enumerate(part for part in line if local(part) == "tc"):
            if cell.get("hMerge") in ("1", "true"):
                continue
            if cell.get("vMerge") not in ("1", "true"):
                body = child(cell, "txBody")
                above[column] = one_line(" ".join(paragraphs(body))) if body is not None else ""
            cells.append(above.get(column, ""))
        yield row_of(cells)


def chart(root: Any) -> tuple[str, list[Row]]:
    """Title and values of a chart, as they were when it was saved: a row a category, a column a series."""
    title = child(root, "chart", "title")
    names: list[str] = []
    categories: dict[int, str] = {}
    values: dict[int, dict[int, str]] = {}
    for series in (element for element in root.iter() if local(element) == "ser"):
        names.append(" ".join(_points(child(series, "tx")).values()))
        categories = categories or _points(child(series, "cat")) or _points(child(series, "xVal"))
        for index, text in (_points(child(series, "val")) or _points(child(series, "yVal"))).items():
            values.setdefault(index, {})[len(names)] = text
    rows: list[Row] = []
    if values:
        rows.append({column: name for column, name in enumerate(["", *names]) if name})
        rows += [
            {**({0: categories[index]} if categories.get(index) else {}), **values[index]} for index in sorted(values)
        ]
    return one_line(" ".join(_texts(title))), [row for row in rows if row]


def _points(data: Any) -> dict[int, str]:
    """Values by index from the copy of the sheet's cells that a chart keeps."""
    found: dict[int, str] = {}
    if data is None:
        return found
    for point in (element for element in data.iter() if local(element) == "pt"):
        value = child(point, "v")
        index = point.get("idx") or ""
        if value is not None and index.isdigit() and len(found) < _MAX_POINTS and (text := one_line(value.text or "")):
            found[int(index)] = _short(text)
    return found


def _short(text: str) -> str:
    """Numbers are kept as computed (0.30000000000000004)."""
    try:
        return f"{float(text):.10g}" if len(text) > 10 and "." in text else text
    except ValueError:
        return text


def _texts(element: Any) -> Iterator[str]:
    if element is not None:
        yield from (part.text or "" for part in element.iter() if local(part) in ("t", "v"))


def diagram(root: Any) -> Iterator[str]:
    """The texts of a diagram (SmartArt), in order."""
    for point in (element for element in root.iter() if local(element) == "pt"):
        body = child(point, "t")
        if body is not None and (point.get("type") or "node") not in _NO_TEXT_POINTS:
            yield from paragraphs(body)
