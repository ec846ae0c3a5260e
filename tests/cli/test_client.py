"""The generated part of the Python client is what the API's document gives."""

from typing import Any

import pytest

from chatbot_saas.cli import client, client_operations, client_types
from chatbot_saas.cli.progress import CommandError
from tests.api.surface import document


def test_the_client_is_that_of_this_api() -> None:
    assert client.drift(document()) == [], "run `make client`"


def test_a_changed_document_is_noticed() -> None:
    schemas = document()["components"]["schemas"]
    renamed = {**schemas["BotRead"]["properties"], "nickname": {"type": "string"}}
    bot = {**schemas["BotRead"], "properties": renamed, "required": ["id", "nickname"]}
    changed = {**document(), "components": {"schemas": {**schemas, "BotRead": bot}}}
    with pytest.raises(CommandError, match="no default"):  # answers must say what they hold
        client.drift(changed)
    bot["required"] = list(renamed)
    assert client.drift(changed) == ["models.py"]


def test_every_operation_of_a_key_is_a_method() -> None:
    found = {(one.verb.lower(), one.path) for one in client_operations.operations(document())}
    for path, verbs in document()["paths"].items():
        for verb, about in verbs.items():
            of_a_key = {"apiKey": []} in about.get("security", []) and about["tags"] != ["openai"]
            assert ((verb, path) in found) == of_a_key, (verb, path)


@pytest.mark.parametrize("schema", [{"type": "integer", "enum": [1, 2]}, {"type": "array", "items": {"type": "null"}}])
def test_forms_of_schemas(schema: dict[str, Any]) -> None:
    expected = {"integer": "Literal[1, 2]", "array": "list[None]"}
    assert client_types.type_of(schema, sent=False) == expected[schema["type"]]


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(CommandError, match="does not know"):
        client_types.type_of({"type": ["string", "null"]}, sent=False)
