"""The OpenAPI document: what FastAPI makes of the routes, with credentials, every error, and an example for each."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from chatbot_saas.api import openai_errors
from chatbot_saas.api.errors import PROBLEM, add
from chatbot_saas.api.examples import TEXTS, Examples
from chatbot_saas.api.idempotency import HEADER
from chatbot_saas.core.errors import TooManyRequestsError, UnavailableError
from chatbot_saas.schemas.problems import Problem
from chatbot_saas.services.idempotency import ForgottenError, InProgressError, KeyNotUsableError, MismatchError

Document = dict[str, Any]
_VERBS = ("get", "post", "put", "patch", "delete")
SECURITY = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key, for programs."},
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The access token of a user who signed in, or an API key.",
    },
    "visitor": {"type": "http", "scheme": "bearer", "description": "The token of a conversation's start."},
}
TAGS = {
    "auth": "Accounts and tokens of people.",
    "bots": "Bots, their settings and the versions of these.",
    "sources": "What a bot knows: files, pages, websites, texts, and what was read from them.",
    "questions": "Questions with answers of their own.",
    "jobs": "Work in the background.",
    "chat": "Answers, and the search beneath them.",
    "openai": "Bots for the clients of OpenAI. See docs/openai.md.",
    "events": "What happens in an account, as it happens.",
    "conversations": "What visitors and programs asked.",
    "leads": "Messages that visitors left.",
    "usage": "Calls to models, their tokens and their cost.",
    "tests": "Tests of bots, runs of them, and publishing.",
    "identity": "The secret by which websites sign who their visitors are: a JSON web token by HS256 with `sub`, `aud` "
    "(the bot's id) and `exp`.",
    "api keys": "Credentials of programs.",
    "receipts": "Proofs of deletion.",
    "administration": "For administrators of the platform.",
    "widget": "What the widget on a website calls.",
    "health": "For operators.",
}
_INVALID = "What is wrong is told field by field in `errors`."
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}


def install(api: FastAPI) -> None:
    def document() -> Document:
        if api.openapi_schema is None:
            api.openapi_schema = _described(
                get_openapi(title=api.title, version=api.version, description=api.description, routes=api.routes)
            )
        return api.openapi_schema

    api.openapi = document


def _described(document: Document) -> Document:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {})
    schemas["Problem"] = problem
    components["securitySchemes"] = SECURITY
    examples = Examples(schemas)
    used: set[str] = set()
    for path, operations in document["paths"].items():
        for verb in _VERBS:
            if operation := operations.get(verb):
                used.update(operation.get("tags", []))
                _describe(path, operation, examples)
    document["tags"] = [{"name": name, "description": words} for name, words in TAGS.items() if name in used]
    return document


def _describe(path: str, operation: Document, examples: Examples) -> None:
    parameters = operation.get("parameters", [])
    repeatable = any(parameter["name"] == HEADER for parameter in parameters)
    operation["parameters"] = [parameter for parameter in parameters if parameter["name"].lower() != "x-api-key"]
    if not operation["parameters"]:
        del operation["parameters"]
    security = _security(path, operation)
    if security:
        operation["security"] = security
    _add_errors(operation, repeatable=repeatable, openai=path.startswith(openai_errors.PREFIX))
    contents = [operation.get("requestBody", {}).get("content", {})]
    contents += [response.get("content", {}) for status, response in operation["responses"].items() if status < "400"]
    for content in contents:
        for kind, about in content.items():
            if kind == "application/json":
                about["example"] = examples.of(about.get("schema", {}))
            elif kind in TEXTS:
                about["example"] = TEXTS[kind]
            elif kind == "multipart/form-data":
                several = about["schema"]["properties"]["file"]["type"] == "array"
                about["example"] = {"file": ["terms.pdf"] if several else "terms.pdf"}


def _security(path: str, operation: Document) -> list[Document]:
    """None where nobody is asked for: no 401."""
    if "401" not in operation["responses"] or path.startswith("/api/v1/auth/"):
        return []
    if path.startswith("/api/public/"):
        return [{"visitor": []}]
    if path.startswith("/api/v1/admin/") or path == "/api/v1/me":
        return [{"bearer": []}]
    return [{"apiKey": []}, {"bearer": []}]


def _add_errors(operation: Document, *, repeatable: bool, openai: bool) -> None:
    responses = operation["responses"]
    for status, response in list(responses.items()):
        if PROBLEM in response.get("content", {}):
            response["content"] = {PROBLEM: response["content"][PROBLEM]}
        elif status == "422":
            del responses[status]  # FastAPI's own words about what we say in ours

    def may(status: int, code: str, message: str, **members: Any) -> None:
        if openai:
            openai_errors.add(responses.setdefault(str(openai_errors.status_of(status)), {}), status, code, message)
            return
        add(responses.setdefault(str(status), {}), status, code, message, **members)

    if "parameters" in operation or "requestBody" in operation:
        fields = [{"field": "name", "message": "Field required"}]
        may(422, "invalid", f"A value is not acceptable. {_INVALID}", errors=fields)
    if "requestBody" in operation:
        may(400, "bad_request", "The body ended before it was complete, or its length is no number.")
        may(413, "too_large", "The body is larger than 1024 kB.")
    if repeatable:
        for kind in (KeyNotUsableError, InProgressError, ForgottenError, MismatchError):
            may(kind.status, kind.code, kind().message)
    for kind in (TooManyRequestsError, UnavailableError):
        if str(kind.status) not in responses:
            may(kind.status, kind.code, kind().message)
    may(500, "internal", "Something went wrong on our side. Try again; if it stays, tell the operator.")
    responses["429"]["headers"] = _RETRY_AFTER
    operation["responses"] = dict(sorted(responses.items()))
