"""What routes declare about the errors they answer with."""

from http import HTTPStatus
from typing import Any

from chatbot_saas.core.errors import DomainError

PROBLEM = "application/problem+json"
PROBLEM_SCHEMA = {"$ref": "#/components/schemas/Problem"}


def errors(*types: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can raise these, beside the ones that every route can."""
    found: dict[int | str, dict[str, Any]] = {}
    for kind in types:
        add(found.setdefault(kind.status, {}), kind.status, kind.code, kind().message)
    return found


def add(response: dict[str, Any], status: int, code: str, message: str, **members: Any) -> None:
    """One more error, with its example, to what is said about a status."""
    append(response, code, message, example(status, code, message, **members), PROBLEM, PROBLEM_SCHEMA)


def append(
    response: dict[str, Any], code: str, message: str, value: dict[str, Any], media_type: str, schema: dict[str, Any]
) -> None:
    words = f"`{code}`: {message}"
    response["description"] = f"{response['description']}\n\n{words}" if "description" in response else words
    content = response.setdefault("content", {}).setdefault(media_type, {"schema": schema, "examples": {}})
    content["examples"][code] = {"summary": message, "value": value}


def example(status: int, code: str, message: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": message,
        "request_id": "0199aa1b-7c2e-7d55-9d3e-3f1c0b6a8e21",
        **members,
    }
