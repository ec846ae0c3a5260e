"""Schemas of the OpenAPI document as Python: what answers hold as models, what requests hold as TypedDicts."""

import textwrap
from collections.abc import Iterable
from typing import Any

from chatbot_saas.cli.progress import CommandError

Schema = dict[str, Any]
_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_FORMATS = {"uuid": "UUID", "date-time": "datetime"}
_WIDTH = 100

MODELS = '''"""What answers hold. A field or a value that a newer server adds does no harm."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from chatbot_client.model import Model
'''
BODIES = '''"""What requests hold. Leave out what may keep its default; in a change, what stays as it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict
from uuid import UUID
'''


def models(schemas: Schema, roots: Iterable[Schema]) -> str:
    return "\n\n".join([MODELS, *(_model(name, schemas[name]) for name in _reached(schemas, roots))])


def bodies(schemas: Schema, roots: Iterable[Schema]) -> str:
    return "\n\n".join([BODIES, *(_body(name, schemas[name]) for name in _reached(schemas, roots))])


def name_of(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _reached(schemas: Schema, roots: Iterable[Schema]) -> list[str]:
    """Names of the schemas that `roots` lead to, in the order of the alphabet."""
    found: set[str] = set()
    ahead = [name for root in roots for name in _named(root)]
    while ahead:
        if (name := ahead.pop()) not in found:
            found.add(name)
            ahead += _named(schemas[name])
    return sorted(found)


def _named(part: Any) -> list[str]:
    if isinstance(part, list):
        return [name for one in part for name in _named(one)]
    if not isinstance(part, dict):
        return []
    if "$ref" in part:
        return [name_of(part)]
    return [name for key, one in part.items() if key not in ("example", "default") for name in _named(one)]


def type_of(schema: Schema, *, sent: bool) -> str:
    """The annotation of a schema. Of what is received, a set of values is open."""
    if "$ref" in schema:
        return name_of(schema)
    if parts := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(type_of(part, sent=sent) for part in parts))
    if "const" in schema:
        return f"Literal[{schema['const']!r}]"
    if "enum" in schema:
        values = f"Literal[{', '.join(map(repr, schema['enum']))}]"
        return values if sent or not isinstance(schema["enum"][0], str) else f"{values} | str"
    kind = schema.get("type")
    if kind == "array":
        return f"list[{type_of(schema['items'], sent=sent)}]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"dict[str, {type_of(values, sent=sent) if isinstance(values, dict) and values else 'Any'}]"
    if kind == "string":
        kind = _FORMATS.get(schema.get("format", ""), "str")
        return "UUID | str" if sent and kind == "UUID" else kind
    if kind is None:
        return "Any"
    if isinstance(kind, str) and kind in _PLAIN:
        return _PLAIN[kind]
    raise CommandError(f"The generator of the client does not know this form of schema: {schema}")


def docstring(text: str, indent: str = "    ") -> list[str]:
    """`text` as the lines of a docstring; none for no text."""
    if not text:
        return []
    paragraphs = [textwrap.wrap(part, _WIDTH) for part in text.split("\n\n")]
    lines = [line for part in paragraphs for line in ["", *part]][1:]
    lines = [lines[0], *(f"{indent}{line}" if line else "" for line in lines[1:])]
    end = f'\n{indent}"""' if len(lines) > 1 else '"""'
    return [indent + '"""' + "\n".join(lines) + end]


def _model(name: str, schema: Schema) -> str:
    if "properties" not in schema:
        return f"{name} = {type_of(schema, sent=False)}\n"
    needed = schema.get("required", [])
    lines = [f"class {name}(Model):", *docstring(schema.get("description", ""))]
    for field, about in schema["properties"].items():
        default = "" if field in needed else f" = {_default(about)}"
        lines.append(f"    {field}: {type_of(about, sent=False)}{default}")
    return "\n".join(lines if len(lines) > 1 else [*lines, "    pass"]) + "\n"


def _default(about: Schema) -> str:
    if "$ref" in about:
        return f"Field(default_factory=lambda: {name_of(about)}())"  # its own fields have defaults
    value = about.get("default")
    if value is None and not _may_be_null(about):
        raise CommandError(f"A field that answers may leave out has no default: {about}")
    return repr(value)


def _may_be_null(about: Schema) -> bool:
    return about.get("type") == "null" or any(_may_be_null(part) for part in about.get("anyOf", []))


def _body(name: str, schema: Schema) -> str:
    if "properties" not in schema:
        return f"{name} = {type_of(schema, sent=True)}\n"
    needed = schema.get("required", [])
    lines = [f"class {name}(TypedDict):", *docstring(schema.get("description", ""))]
    for field, about in schema["properties"].items():
        kind = type_of(about, sent=True)
        lines.append(f"    {field}: {kind if field in needed else f'NotRequired[{kind}]'}")
    return "\n".join(lines if len(lines) > 1 else [*lines, "    pass"]) + "\n"
