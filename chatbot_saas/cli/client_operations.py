"""Operations of the OpenAPI document as methods of the Python client: what an API key may call."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chatbot_saas.api.idempotency import HEADER
from chatbot_saas.cli import client_types
from chatbot_saas.cli.progress import CommandError

Schema = dict[str, Any]
_VERBS = ("get", "post", "put", "patch", "delete")
_OTHERS = {"openai"}
"""Tags of operations that have clients of their own."""
_OF_THE_CLIENT = {"limit", "cursor", "accept", "last-event-id", HEADER.lower()}
"""Parameters that the hand-written part sends."""
_STREAM = "text/event-stream"
HEAD = '''"""Every operation that an API key may call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Unpack
from uuid import UUID

from chatbot_client import bodies, models
from chatbot_client.calls import PAGE_SIZE, Call, Caller, File
from chatbot_client.events import Event


class Operations(Caller):
'''


@dataclass(frozen=True)
class Operation:
    name: str
    verb: str
    path: str
    words: str
    parameters: tuple[Schema, ...]
    answer: Schema
    """Of one thing, also where the answer is a list of it; empty for no JSON."""
    gives: str
    """one, list, pages, text, bytes or nothing"""
    body: Schema
    """Of a JSON body; empty for none."""
    own_bodies: Schema = field(default_factory=dict[str, Any])
    """Schemas of the body that are not the document's, by their name."""
    files: bool = False
    csv: bool = False
    repeatable: bool = False
    streams: bool = False


def operations(document: Schema) -> list[Operation]:
    found: list[Operation] = []
    for path, verbs in document["paths"].items():
        for verb in _VERBS:
            about = verbs.get(verb, {})
            if {"apiKey": []} in about.get("security", []) and not _OTHERS & set(about["tags"]):
                found.append(_operation(document, path, verb, about))
    names = [one.name for one in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise CommandError(f"Two operations of the API have one name: {', '.join(sorted(twice))}")
    return found


def _operation(document: Schema, path: str, verb: str, about: Schema) -> Operation:
    contents = about.get("requestBody", {}).get("content", {})
    parameters = about.get("parameters", [])
    names = {parameter["name"].lower() for parameter in parameters}
    answers = next(response for status, response in about["responses"].items() if status < "300").get("content", {})
    gives, answer = _given(document, answers, paged="cursor" in names)
    body, own = _body(contents.get("application/json", {}).get("schema", {}))
    if _STREAM in answers and body:  # the method says whether it streams
        sent = document["components"]["schemas"][client_types.name_of(body)]
        fields = {name: about for name, about in sent["properties"].items() if name != "stream"}
        own = {client_types.name_of(body): {**sent, "properties": fields}}
    return Operation(
        name=about["operationId"].removesuffix(re.sub(r"\W", "_", f"{path}_{verb}")).strip("_"),
        verb=verb.upper(),
        path=path,
        words=about.get("description", ""),  # a summary alone is the operation's name
        parameters=tuple(one for one in parameters if one["name"].lower() not in _OF_THE_CLIENT),
        answer=answer,
        gives=gives,
        body=body,
        own_bodies=own,
        files="multipart/form-data" in contents,
        csv="text/csv" in contents,
        repeatable=HEADER.lower() in names,
        streams=_STREAM in answers,
    )


def _given(document: Schema, contents: Schema, *, paged: bool) -> tuple[str, Schema]:
    if "text/csv" in contents:
        return "text", {}
    if "application/octet-stream" in contents:
        return "bytes", {}
    schema = contents.get("application/json", {}).get("schema")
    if schema is None:
        return "nothing", {}
    known = document["components"]["schemas"][client_types.name_of(schema)]
    if known["title"].startswith("PageRead["):
        return "pages" if paged else "list", known["properties"]["items"]["items"]
    return "one", schema


def _body(schema: Schema) -> tuple[Schema, Schema]:
    """The schema of a body, its inline alternatives as references; and these alternatives by title."""
    if "anyOf" in schema:  # of a body that may be left out
        return next(part for part in schema["anyOf"] if "$ref" in part), {}
    if "oneOf" not in schema:
        return schema, {}
    own = {part["title"]: part for part in schema["oneOf"]}
    return {"oneOf": [{"$ref": f"#/components/schemas/{title}"} for title in own]}, own


def written(found: list[Operation]) -> str:
    return HEAD + "\n".join("\n".join(_method(one, form)) + "\n" for one in found for form in _forms(one))


def _forms(one: Operation) -> Iterator[str]:
    """An operation that takes files as well, or streams as well, is two methods."""
    yield "plain"
    if one.files:
        yield "files"
    if one.streams:
        yield "stream"


def _method(one: Operation, form: str) -> list[str]:
    name = {"plain": one.name, "files": f"{one.name}_from_files", "stream": f"{one.name}_streamed"}[form]
    kind, how = _result(one, form)
    model = (
        ""
        if kind in ("None", "str", "bytes") or form == "stream"
        else f"models.{client_types.type_of(one.answer, sent=False)}, "
    )
    return [
        f"    def {name}({', '.join(['self', *_arguments(one, form)])}) -> {kind}:",
        *client_types.docstring(_words(one, form), "        "),
        f"        {'' if kind == 'None' else 'return '}self._{how}({model}{_call(one, form)})",
    ]


def _words(one: Operation, form: str) -> str:
    if form == "files":
        return f"`{one.name}` of files: each a path, or a name with its bytes."
    if form == "stream":
        return f"`{one.name}` as events. A connection that breaks is made again, and goes on after the last event."
    return one.words


def _result(one: Operation, form: str) -> tuple[str, str]:
    if form == "stream":
        return "Iterator[Event]", "events"
    if plain := {"text": "str", "bytes": "bytes", "nothing": "None"}.get(one.gives):
        return plain, one.gives
    model = f"models.{client_types.type_of(one.answer, sent=False)}"
    return {"one": (model, "one"), "list": (f"list[{model}]", "list"), "pages": (f"Iterator[{model}]", "pages")}[
        one.gives
    ]


def _arguments(one: Operation, form: str) -> Iterator[str]:
    for parameter in one.parameters:
        if parameter["in"] == "path":
            yield f"{parameter['name']}: {client_types.type_of(parameter['schema'], sent=True)}"
    together = "oneOf" in one.body and form == "plain"
    if together:
        yield f"body: {_sent(one.body)}"
    if one.csv:
        yield "csv: str | bytes"
    named = list(_named(one, form))
    if form == "files":
        yield "*files: File"
    elif named:
        yield "*"
    yield from named
    if one.body and not together and form != "files":  # pyright says whether a field has the name of an argument
        yield f"**body: Unpack[{_sent(one.body)}]"


def _named(one: Operation, form: str) -> Iterator[str]:
    """The arguments that are told by their names."""
    for parameter in one.parameters:
        name = _argument(parameter)
        if parameter["in"] != "path":
            kind = _without_null(client_types.type_of(parameter["schema"], sent=True))
            needed = parameter.get("required", False)
            yield f"{name}: {kind}{'' if needed else ' | None = None'}"
    if one.gives == "pages":
        yield "page_size: int = PAGE_SIZE"
    if one.repeatable and form != "stream":
        yield 'idempotency_key: str = ""'


def _without_null(kind: str) -> str:
    return " | ".join(part for part in kind.split(" | ") if part != "None")


def _argument(parameter: Schema) -> str:
    return str(parameter["name"]).lower().replace("-", "_")


def _sent(schema: Schema) -> str:
    return " | ".join(f"bodies.{part}" for part in client_types.type_of(schema, sent=True).split(" | "))


def _call(one: Operation, form: str) -> str:
    placed = {place: [p for p in one.parameters if p["in"] == place] for place in ("path", "query", "header")}
    parts = [repr(one.verb), repr(one.path)]
    for place, parameters in placed.items():
        if parameters:
            pairs = ", ".join(f"{p['name']!r}: {_argument(p)}" for p in parameters)
            parts.append(f"{'headers' if place == 'header' else place}={{{pairs}}}")
    if one.gives == "pages":
        parts.append("page_size=page_size")
    if form == "files":
        parts.append("files=files")
    elif one.body:
        parts.append("body=body")
    if one.csv:
        parts.append("csv=csv")
    if one.repeatable and form != "stream":  # an answer that streams is known again by its client_message_id
        parts += ["key=idempotency_key", "repeatable=True"]
    return f"Call({', '.join(parts)})"
