"""The API's documentation as a page: made from the OpenAPI document, with nothing loaded from elsewhere."""

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
_VERBS = ("get", "post", "patch", "put", "delete")
_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 54rem; margin: 0 auto; padding: 2rem 1rem 6rem }
h1 { font-size: 1.8rem }
h2 { margin-top: 3rem; text-transform: capitalize }
details { border: 1px solid #8884; border-radius: 10px; margin: .5rem 0 }
summary { padding: .6rem 1rem; cursor: pointer }
details > div { padding: 0 1rem 1rem }
code { font: 14px/1.5 ui-monospace, monospace }
.verb { display: inline-block; width: 4.5rem; font-weight: 700 }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8883; vertical-align: top }
"""


@router.get("/api/docs")
async def documentation(request: Request) -> HTMLResponse:
    document: dict[str, Any] = request.app.openapi()
    groups: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for verb in _VERBS:
            if operation := operations.get(verb):
                groups.setdefault(operation.get("tags", ["other"])[0], []).append(_operation(path, verb, operation))
    body = "".join(f"<h2>{escape(name)}</h2>{''.join(items)}" for name, items in groups.items())
    info = document["info"]
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head><body>'
        f"<h1>{escape(info['title'])}</h1><p>{escape(info['description'])} Send an API key as "
        f"<code>X-API-Key</code>, or a user's access token as bearer. The machine-readable document is at "
        f'<a href="/api/openapi.json">/api/openapi.json</a>.</p>{body}{_schemas(document)}</body></html>'
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


def _operation(path: str, verb: str, operation: dict[str, Any]) -> str:
    parameters = "".join(
        f"<tr><td><code>{escape(p['name'])}</code></td><td>{p['in']}</td><td>{_type(p['schema'])}</td></tr>"
        for p in operation.get("parameters", [])
    )
    body = "".join(
        f"<p>Body, {escape(kind)}: {_type(content.get('schema', {}))}</p>"
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
    )
    responses = "".join(
        f"<tr><td><code>{status}</code></td><td>{escape(response.get('description', ''))}</td><td>"
        + ", ".join(_type(content.get("schema", {})) for content in response.get("content", {}).values())
        + "</td></tr>"
        for status, response in operation["responses"].items()
    )
    words = operation.get("description") or operation.get("summary", "")
    return (
        f'<details><summary><span class="verb">{verb.upper()}</span> <code>{escape(path)}</code></summary><div>'
        f"<p>{escape(words)}</p>{f'<table>{parameters}</table>' if parameters else ''}{body}"
        f"<table><tr><th>Status</th><th>Meaning</th><th>Body</th></tr>{responses}</table></div></details>"
    )


def _type(schema: dict[str, Any]) -> str:
    if reference := schema.get("$ref"):
        name = reference.rsplit("/", 1)[-1]
        return f'<a href="#{escape(name)}">{escape(name)}</a>'
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if options := schema.get("anyOf"):
        return " or ".join(_type(option) for option in options)
    if "enum" in schema:
        return " · ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    return escape(schema.get("format") or schema.get("type") or "anything")


def _schemas(document: dict[str, Any]) -> str:
    parts = ["<h2>shapes</h2>"]
    for name, schema in sorted(document.get("components", {}).get("schemas", {}).items()):
        rows = "".join(
            f"<tr><td><code>{escape(field)}</code></td><td>{_type(about)}</td></tr>"
            for field, about in schema.get("properties", {}).items()
        )
        parts.append(f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{escape(schema.get("description", ""))}</p>')
        parts.append(f"<table>{rows}</table>")
    return "".join(parts)
