"""The API keeps to its own OpenAPI document, whatever is sent: requests made by schemathesis, always the same ones."""

import json
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any
from uuid import UUID

import httpx
import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from chatbot_saas.api.openai_errors import PREFIX
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import api_key
from tests.api.surface import document, operations
from tests.factories.knowledge import make_bot
from tests.factories.people import make_platform_admin

MODES = {"valid": GenerationMode.POSITIVE, "invalid": GenerationMode.NEGATIVE}
pytestmark = pytest.mark.no_cover  # other tests reach the same lines; to count them here takes long
QUICKLY = settings(
    max_examples=2,
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
"""Two requests of each mode. What costs is the making of them, and no time goes into smaller ones that fail alike."""
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
SLOW = {"POST /api/v1/bots/{bot_id}/sources/preview", "GET /api/v1/events"}
"""Reaches for websites that are not there; goes on for ever."""
FREE = {"GET /api/openai/v1/models/{model}"}
"""Takes any text, so that nothing can be wrong with it."""


@lru_cache
def validator(schema: str) -> Any:
    """Of a schema as JSON: most errors have the same one, and each validator reads all components."""
    return jsonschema_rs.Draft202012Validator({**json.loads(schema), "components": document()["components"]})


def contents(operation: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for kind, about in operation.get("requestBody", {}).get("content", {}).items():
        yield "request", kind, about
    for status, response in operation["responses"].items():
        for kind, about in response.get("content", {}).items():
            yield status, kind, about


def test_every_operation_and_every_error_has_an_example_that_fits() -> None:
    for path, verbs in document()["paths"].items():
        for verb, operation in verbs.items():
            assert operation["summary"], (verb, path)
            assert operation["tags"], (verb, path)
            for where, kind, about in contents(operation):
                if where >= "400" and where != "request":
                    expected = "application/json" if path.startswith(PREFIX) else "application/problem+json"
                    assert kind == expected, (verb, path, where)
                examples = (
                    [about["example"]] if "example" in about else [e["value"] for e in about["examples"].values()]
                )
                assert examples, (verb, path, where)
                for example in examples:
                    validator(json.dumps(about["schema"])).validate(example)


def test_the_document_is_of_version_3_1_and_names_its_credentials() -> None:
    assert document()["openapi"].startswith("3.1")
    known = document()["components"]["securitySchemes"]
    for verbs in document()["paths"].values():
        for operation in verbs.values():
            for requirement in operation.get("security", []):
                assert set(requirement) <= set(known)
    assert {tag["name"] for tag in document()["tags"]} == {
        tag for verbs in document()["paths"].values() for operation in verbs.values() for tag in operation["tags"]
    }


@lru_cache
def known_operations() -> dict[str, Any]:
    """By their labels. Without credentials: ours are sent, and one of schemathesis' would be all that is wrong."""
    paths = {
        path: {
            verb: {name: about for name, about in operation.items() if name != "security"}
            for verb, operation in verbs.items()
        }
        for path, verbs in document()["paths"].items()
    }
    found = [one.ok() for one in schemathesis.openapi.from_dict({**document(), "paths": paths}).get_all_operations()]
    return {operation.label: operation for operation in found}


def cases(label: str) -> Iterator[tuple[str, Any]]:
    """Requests that the schema allows (the first is the smallest) and that it does not, the same at each run."""
    operation = known_operations()[label]
    for name, mode in MODES.items():
        made = drawn(operation.as_strategy(generation_mode=mode))
        assert made or (name == "invalid" and (label in FREE or not takes_something(operation.definition.raw))), label
        yield from ((name, case) for case in made)


def takes_something(operation: Any) -> bool:
    return bool(operation.get("parameters") or operation.get("requestBody"))


def drawn(strategy: Any) -> list[Any]:
    made: list[Any] = []

    @QUICKLY
    @given(strategy)
    def take(case: Any) -> None:
        made.append(case)

    with warnings.catch_warnings(), suppress(Unsatisfiable):  # nothing can be wrong where nothing is sent
        warnings.simplefilter("ignore")
        take()
    return made


@pytest.fixture(scope="module")
async def ids(rt: Runtime, client: httpx.AsyncClient) -> dict[str, Any]:
    """Real things to ask for: a person with a key, a bot, a source."""
    person = await make_platform_admin(rt)
    bot = await make_bot(rt, person)
    text = {"type": "text", "title": "Terms", "text": "Parcels are returned free of charge within 30 days."}
    added = await client.post(f"/api/v1/bots/{bot.id}/sources", json=text, headers=person.headers)
    return {
        "credentials": [person.headers, {"X-API-Key": await api_key(rt, person)}],
        "bot_id": str(bot.id),
        "source_id": added.json()["items"][0]["id"],
    }


@pytest.mark.parametrize("label", sorted(str(one) for one in operations() if str(one) not in SLOW))
async def test_answers_are_as_documented(client: httpx.AsyncClient, ids: dict[str, Any], label: str) -> None:
    """With a token and with a key; about things that are there and that are not."""
    for number, (kind, case) in enumerate(cases(label)):
        if number in (1, 2) and label.split()[0] != "DELETE":
            asked = case.path_parameters or {}
            case.path_parameters = {
                name: ids.get(name, value) if is_id(value) else value for name, value in asked.items()
            }
        request = sent(case, str(client.base_url), ids["credentials"][number % 2])
        told = f"{kind} {request.method} {request.url}, body {str(request.body)[:2000]}"
        answer = await client.request(
            str(request.method),
            str(request.url),
            headers=[(name, value) for name, value in request.headers.items() if name.lower() != "content-length"],
            content=request.body,
        )
        try:
            case.validate_response(answer, checks=CHECKS)
        except BaseExceptionGroup as wrong:
            found = "; ".join(map(str, wrong.exceptions))
            pytest.fail(f"{told}\nwas answered {answer.status_code} {answer.text[:2000]}\n{found}")


def sent(case: Any, base_url: str, credential: dict[str, str]) -> requests.PreparedRequest:
    """The case as it goes over the wire, with a credential that is one."""
    arguments = case.as_transport_kwargs(base_url=base_url)
    headers = {name: value for name, value in (arguments.get("headers") or {}).items() if name not in OURS}
    arguments["headers"] = {**headers, **credential}
    request = requests.Request(**{name: arguments[name] for name in arguments if name in REQUEST}).prepare()
    if isinstance(request.body, str):
        request.body = request.body.encode()
    return request


def is_id(value: Any) -> bool:
    """What is wrong with a request stays wrong: only an id is exchanged for that of something that is there."""
    with suppress(ValueError):
        return bool(UUID(str(value)))
    return False


OURS = ("X-Schemathesis-TestCaseId", "Authorization", "X-API-Key")
"""Headers that are not sent as they are generated."""
REQUEST = ("method", "url", "headers", "files", "data", "params", "cookies", "json")
