"""The API keeps to its own OpenAPI document, whatever is sent: requests made by schemathesis, always the same ones."""

import random
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any, cast

import httpx
import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chatbot_saas.api.openai_errors import PREFIX
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import api_key
from tests.api.surface import document, operations
from tests.factories.knowledge import make_bot
from tests.factories.people import make_platform_admin

EACH = 4
"""Requests of each operation and credential."""
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SLOW = {"POST /api/v1/bots/{bot_id}/sources/preview", "GET /api/v1/events"}
"""Reaches for websites that are not there; goes on for ever."""


def validator(schema: dict[str, Any]) -> Any:
    return jsonschema_rs.Draft202012Validator({**schema, "components": document()["components"]})


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
                    validator(about["schema"]).validate(example)


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
    found = [one.ok() for one in schemathesis.openapi.from_dict(document()).get_all_operations()]
    return {operation.label: operation for operation in found}


def cases(label: str, seed: int) -> list[Any]:
    """Requests that the schema allows, the same at each run."""
    operation = known_operations()[label]
    made: list[Any] = []

    def take(case: Any) -> bool:
        made.append(case)
        return len(made) >= EACH

    one = operation.as_strategy()
    checks = list(HealthCheck)
    quick = settings(
        max_examples=EACH, database=None, deadline=None, suppress_health_check=checks, phases=[Phase.generate]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with suppress(NoSuchExample):
            find(one, take, settings=quick, random=random.Random(seed))
    assert made
    return made


@pytest.fixture(scope="module")
async def ids(rt: Runtime, client: httpx.AsyncClient) -> dict[str, Any]:
    """Real things to ask for: a person with a key, a bot, a source."""
    person = await make_platform_admin(rt)
    bot = await make_bot(rt, person)
    text = {"type": "text", "title": "Terms", "text": "Parcels are returned free of charge within 30 days."}
    added = await client.post(f"/api/v1/bots/{bot.id}/sources", json=text, headers=person.headers)
    return {
        "credentials": {"token": person.headers, "key": {"X-API-Key": await api_key(rt, person)}},
        "bot_id": str(bot.id),
        "source_id": added.json()["items"][0]["id"],
    }


@pytest.mark.parametrize("credential", ["token", "key"])
@pytest.mark.parametrize("label", sorted(str(one) for one in operations() if str(one) not in SLOW))
async def test_answers_are_as_documented(
    client: httpx.AsyncClient, ids: dict[str, Any], label: str, credential: str
) -> None:
    for number, case in enumerate(cases(label, len(credential))):
        if number % 2 and label.split()[0] != "DELETE":
            case.path_parameters = {name: ids.get(name, value) for name, value in (case.path_parameters or {}).items()}
        arguments = case.as_transport_kwargs(base_url=str(client.base_url))
        arguments["headers"] = {**dict(arguments.get("headers") or {}), **ids["credentials"][credential]}
        arguments["headers"].pop("X-Schemathesis-TestCaseId", None)
        sent = requests.Request(**{name: arguments[name] for name in arguments if name in REQUEST}).prepare()
        body = cast(Any, sent.body)
        answer = await client.request(
            str(sent.method),
            str(sent.url),
            headers=[(name, value) for name, value in sent.headers.items() if name.lower() != "content-length"],
            content=body.encode() if isinstance(body, str) else body,
        )
        case.validate_response(answer, checks=CHECKS)


REQUEST = ("method", "url", "headers", "files", "data", "params", "cookies", "json")
