"""Errors as OpenAI's clients expect them, for every route below PREFIX. Pure; chatbot_saas.error_mapping asks it."""

from collections.abc import Mapping, Sequence
from typing import Any

from chatbot_saas.api.errors import append
from chatbot_saas.core.errors import DomainError
from chatbot_saas.schemas.completions import OpenAIError, OpenAIErrorBody

PREFIX = "/api/openai/"
_CODES = {
    "unauthenticated": "invalid_api_key",
    "rate_limited": "rate_limit_exceeded",
    "invalid": "invalid_value",
    "not_found": "unknown_url",
}
"""Where OpenAI has a word of its own for one of our codes."""
JSON = "application/json"
_SCHEMA = {"$ref": f"#/components/schemas/{OpenAIError.__name__}"}
_TAGS = frozenset({"system", "developer", "user", "assistant", "tool"})
LONGEST_NAME = 80

Shaped = tuple[int, dict[str, Any]]


def errors(*types: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can raise these, beside the ones that every route can."""
    found: dict[int | str, dict[str, Any]] = {}
    for kind in types:
        add(found.setdefault(status_of(kind.status), {"model": OpenAIError}), kind.status, kind.code, kind().message)
    return found


def add(response: dict[str, Any], status: int, code: str, message: str) -> None:
    """One more error, with its example, to what is said about a status."""
    _, body = shaped(status, code, message, {})
    append(response, body["error"]["code"], message, body, JSON, _SCHEMA)


def shaped(status: int, code: str, detail: str, members: Mapping[str, Any]) -> Shaped:
    """(status, body). `members`: what else the error tells; of it, `field` is the parameter."""
    return _body(status_of(status), detail, members.get("field"), _CODES.get(code, code))


def invalid(errors: Sequence[Any]) -> Shaped:
    """Of a body that is not understood: the first of what is wrong with it."""
    error = errors[0]
    param = _param(error["loc"])
    if error["type"] == "extra_forbidden":
        return _body(400, f"This is not supported here: {param}.", param, "unsupported_parameter")
    message = str(error["msg"]).removeprefix("Value error, ")
    code = "missing_required_parameter" if error["type"] == "missing" else "invalid_value"
    return _body(400, f"{param}: {message}" if param else message, param, code)


def in_stream(code: str, message: str) -> dict[str, Any]:
    """What a stream tells instead of its end."""
    return _body(500, message, None, code)[1]


def _body(status: int, message: str, param: Any, code: str) -> Shaped:
    kind = "server_error" if status >= 500 else "requests" if status == 429 else "invalid_request_error"
    error = OpenAIErrorBody(message=message, type=kind, param=param, code=code)
    return status, OpenAIError(error=error).model_dump()


def status_of(status: int) -> int:
    return 400 if status == 422 else status


def _param(place: Sequence[str | int]) -> str | None:
    """`messages[0].content`: where in the body, without the names that only tell kinds of messages apart."""
    path, before = "", None
    for part in place:
        if isinstance(part, int):
            path += f"[{part}]" if path else ""
        elif part not in ("body", "path", "query", "header") and not _tells_kinds(part, before):
            name = part[:LONGEST_NAME].encode(errors="backslashreplace").decode()
            path += f".{name}" if path else name
        before = part
    return path or None


def _tells_kinds(part: str, before: str | int | None) -> bool:
    """Whether the part is the name of one of several shapes, and no field."""
    return (isinstance(before, int) and part in _TAGS) or part in ("str", "constrained-str") or "[" in part
