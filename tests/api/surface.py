"""The HTTP surface as its own OpenAPI document tells it, so that a new route is attacked without being remembered."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpx

from chatbot_saas.app import make_api

EXAMPLES: dict[str, dict[str, Any]] = {
    "SignUpRequest": {"email": "someone@example.com", "password": "a long password", "tenant_name": "Shop"},
    "LoginRequest": {"email": "someone@example.com", "password": "a long password"},
    "RefreshRequest": {"refresh_token": "rt_unknown"},
    "BotCreate": {"name": "Helper"},
    "BotPatch": {"description": "Changed"},
    "SourcePatch": {"title": "Changed"},
    "PreviewRequest": {"url": "http://127.0.0.1:9/"},
    "SearchRequest": {"query": "refund"},
    "ExplainRequest": {"query": "refund"},
    "EmbedCheckRequest": {"url": "http://127.0.0.1:9/"},
    "PairMatchRequest": {"query": "refund"},
    "ChatRequestBody": {"bot_id": "{bot_id}", "session_id": "s", "message": "refund?"},
    "ApiKeyCreate": {"name": "key", "scopes": ["keys:write"]},
    "TenantCreate": {"name": "Shop", "owner_email": "someone@example.com", "owner_password": "a long password"},
    "TenantPatch": {"name": "Changed"},
    "StartRequest": {"parent_origin": "https://shop.example"},
    "PublicChatRequest": {"conversation_id": "{conversation_id}", "message": "refund?"},
    "CompletionRequest": {"model": "{bot_id}", "messages": [{"role": "user", "content": "refund?"}]},
    "ReceiptCheck": {"receipt": {"id": "{bot_id}", "signature": "hmac-sha256:0"}},
    "BotTestCreate": {"question": "How long is the warranty?", "facts": ["5 years"]},
    "BotTestPatch": {"enabled": False},
    "SuggestRequest": {"count": 1},
    "TestRunRequest": {"publish": False},
    "PublishRequest": {"override": True},
    "LeadCapture": {"email": "visitor@example.com", "message": "Please call me back."},
    "IdentitySecretRequest": {"keep_previous": True},
    "HandoffRequest": {"email": "visitor@example.com"},
    "StopRequest": {"conversation_id": "{conversation_id}", "client_message_id": "m1"},
    "EndRequest": {"rating": 5},
    "FeedbackRequest": {"message_id": "{message_id}", "rating": 1},
}
"""A body that is accepted, by the name of its schema. `{bot_id}` and the like are filled in with ids."""


@dataclass(frozen=True)
class Field:
    """One field of a body, which may lie in a list."""

    name: str
    schema: dict[str, Any]
    in_list: bool

    def holding(self, value: Any) -> dict[str, Any]:
        return {self.name: [value] if self.in_list else value}


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    body: str
    """Name of the schema of a JSON body; empty for none."""
    upload: bool
    csv: bool
    path_ids: tuple[str, ...]
    query: tuple[dict[str, Any], ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def for_openai(self) -> bool:
        """Whether its errors have OpenAI's shape."""
        return self.path.startswith("/api/openai/")

    @property
    def public(self) -> bool:
        return self.path.startswith("/api/public/")

    def url(self, **ids: Any) -> str:
        return self.path.format(**{"version": 1, **ids})

    def example(self, **ids: Any) -> dict[str, Any] | None:
        if not self.body:
            return None
        given = {f"{{{name}}}": str(value) for name, value in ids.items()}
        return {name: given.get(value, value) if isinstance(value, str) else value for name, value in self.sent()}

    def sent(self) -> Iterator[tuple[str, Any]]:
        yield from EXAMPLES[self.body].items()

    def fields(self, kind: str = "string", format: str = "") -> list[Field]:
        """The body's fields of a JSON type (and format), those inside lists included."""
        return [field for field in _fields(self.body) if _is(field.schema, kind, format)]


def code_of(answer: httpx.Response) -> str:
    """The code of an error, whichever shape it has."""
    body = answer.json()
    return str(body["error"]["code"] if "error" in body else body["code"])


def _is(schema: dict[str, Any], kind: str, format: str) -> bool:
    return schema.get("type") == kind and (not format or schema.get("format") == format)


@lru_cache
def document() -> dict[str, Any]:
    return make_api().openapi()


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema behind a reference, or the first alternative that is not null."""
    if "$ref" in schema:
        return document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return _resolved(next(part for part in schema["anyOf"] if part.get("type") != "null"))
    return schema


def _fields(name: str) -> list[Field]:
    if not name:
        return []
    found: list[Field] = []
    for field, schema in document()["components"]["schemas"][name]["properties"].items():
        actual = _resolved(schema)
        in_list = actual.get("type") == "array"
        found.append(Field(field, _resolved(actual["items"]) if in_list else actual, in_list))
    return found


def _schema_name(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    return next((_schema_name(part) for part in schema.get("anyOf", []) if "$ref" in part), "")


@lru_cache
def operations() -> tuple[Operation, ...]:
    found: list[Operation] = []
    for path, verbs in document()["paths"].items():
        for verb, operation in verbs.items():
            parameters = operation.get("parameters", [])
            content = operation.get("requestBody", {}).get("content", {})
            found.append(
                Operation(
                    method=verb.upper(),
                    path=path,
                    body=_schema_name(content.get("application/json", {}).get("schema", {})),
                    upload="multipart/form-data" in content,
                    csv="text/csv" in content,
                    path_ids=tuple(p["name"] for p in parameters if p["in"] == "path"),
                    query=tuple(p for p in parameters if p["in"] == "query"),
                )
            )
    return tuple(found)
