"""JSON and JSON lines: lists of records as tables, everything else as an outline of its names and values."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from chatbot_saas.adapters.extraction import Extracted
from chatbot_saas.adapters.extraction.builder import DocumentBuilder
from chatbot_saas.adapters.extraction.encodings import decode
from chatbot_saas.adapters.extraction.failures import FileBombError, FileDamagedError
from chatbot_saas.adapters.extraction.kinds import Kind
from chatbot_saas.adapters.extraction.normal import clean, one_line
from chatbot_saas.adapters.extraction.tables import LONG_ROW, RowCounter


def extract_json(path: str, filename: str) -> Extracted:
    text = decode(Path(path).read_bytes())
    builder = DocumentBuilder()
    if text.strip():
        try:
            _write(builder, _parse(text))
        except RecursionError:
            raise FileBombError(
                "The file nests its values too deeply to be read. Save what people should read as CSV or text and"
                " upload that."
            ) from None
    return builder.finish(Kind.JSON, filename)


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        try:
            return [json.loads(line) for line in text.split("\n") if line.strip()]
        except ValueError:
            line = getattr(error, "lineno", 1)
            raise FileDamagedError(
                f"The file is not valid JSON (see line {line:,}). Mend it, or save what people should read as CSV or"
                " text, and upload that."
            ) from None


def _write(builder: DocumentBuilder, value: Any) -> None:
    counter = RowCounter()
    if isinstance(value, list):
        _write_records(builder, cast("list[Any]", value), counter)
    elif isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            if isinstance(inner, list) and any(isinstance(item, dict) for item in cast("list[Any]", inner)):
                if heading := one_line(name):
                    builder.add_heading(1, heading)
                _write_records(builder, cast("list[Any]", inner), counter)
            else:
                _write_records(builder, [{name: inner}], counter)
    elif text := _scalar(value):
        builder.add(text)


def _write_records(builder: DocumentBuilder, records: list[Any], counter: RowCounter) -> None:
    separator = "\n\n"
    for cells in counter.counted(dict(enumerate(_cells("", record))) for record in records):
        lines = list(cells.values())
        if len(lines) > 1 and sum(map(len, lines)) > LONG_ROW:
            builder.add("\n".join(lines), "\n\n")
            separator = "\n\n"
        elif lines:
            builder.add(" | ".join(lines), separator)
            separator = "\n"


def _cells(name: str, value: Any) -> Iterator[str]:
    """`name: text` for every value inside; the names of nested ones are joined by points."""
    if isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            yield from _cells(f"{name}.{one_line(key)}" if name else one_line(key), inner)
    elif isinstance(value, list):
        items = cast("list[Any]", value)
        if any(isinstance(item, dict | list) for item in items):
            for number, inner in enumerate(items, 1):
                yield from _cells(f"{name} {number}".strip(), inner)
        elif text := ", ".join(filter(None, map(_scalar, items))):
            yield f"{name}: {text}" if name else text
    elif text := _scalar(value):
        yield f"{name}: {text}" if name else text


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean(value) if isinstance(value, str) else str(value)
