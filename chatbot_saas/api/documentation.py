"""The API's documentation as a page: made from the OpenAPI document, with nothing loaded from elsewhere."""

import json
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
_CREDENTIALS = {"apiKey": "API key", "bearer": "access token or API key as bearer", "visitor": "visitor token"}
_VERBS = ("get", "post", "patch", "put", "delete")
_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #60646c; --line: #0009321f; --page: #fcfcfd; --panel: #fff;
  --accent: #5753c6; --tint: #5b5bd612; --get: #218358; --change: #ab6400; --delete: #ce2c31 }
@media (prefers-color-scheme: dark) { :root { --ink: #edeef0; --soft: #b0b4ba; --line: #d9edff30; --page: #111113;
  --panel: #18191b; --accent: #b1a9ff; --tint: #6e6ade2e; --get: #3dd68c; --change: #ffca16; --delete: #ff9592 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.6 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif }
a { color: var(--accent) }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px }
header, main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem }
header { display: flex; gap: .75rem; align-items: center; padding-bottom: 0; font-weight: 600 }
main { padding-bottom: 6rem }
h1 { font-size: 1.75rem; line-height: 1.25; letter-spacing: -.02em }
h2 { margin: 3rem 0 .25rem; font-size: 1.25rem }
h2::first-letter { text-transform: uppercase }
h3, h4 { margin: 1.25rem 0 .25rem; font-size: .9rem }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 1.5rem 0 }
details { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; margin: .5rem 0 }
summary { padding: .65rem 1rem; cursor: pointer; overflow-wrap: anywhere }
details > div { padding: 0 1rem 1rem; border-top: 1px solid var(--line) }
details details summary { padding: .4rem .75rem; font-size: .85rem }
code, pre { font: 13px/1.55 ui-monospace, "SF Mono", Menlo, Consolas, monospace }
pre { margin: 0; padding: .75rem; overflow-x: auto; background: var(--tint); border-radius: 6px }
.verb { display: inline-block; min-width: 4rem; font-weight: 700; font-size: .8rem; color: var(--change) }
.get { color: var(--get) } .delete { color: var(--delete) }
.soft { color: var(--soft) }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .875rem }
td, th { text-align: start; padding: .4rem .6rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
"""


@router.get("/api/docs")
async def documentation(request: Request) -> HTMLResponse:
    document: dict[str, Any] = request.app.openapi()
    groups: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for verb in _VERBS:
            if operation := operations.get(verb):
                groups.setdefault(operation.get("tags", ["other"])[0], []).append(_operation(path, verb, operation))
    about = {tag["name"]: tag["description"] for tag in document["tags"]}
    body = "".join(
        f'<section aria-labelledby="{_anchor(name)}"><h2 id="{_anchor(name)}">{escape(name)}</h2>'
        f'<p class="soft">{escape(about.get(name, ""))}</p>{"".join(items)}</section>'
        for name, items in groups.items()
    )
    links = "".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name in (*groups, "shapes"))
    info = document["info"]
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="/favicon.svg">'
        f"<style>{_STYLE}</style></head><body><header>"
        f'<img src="/logo.svg" width="28" height="28" alt=""><a href="/">Dashboard</a></header><main>'
        f"<h1>{escape(info['title'])}</h1><p>{escape(info['description'])} Send an API key as "
        f"<code>X-API-Key</code>, or a user's access token as bearer. The machine-readable document is at "
        f'<a href="/api/openapi.json">/api/openapi.json</a>.</p><nav aria-label="Parts">{links}</nav>'
        f"{body}{_schemas(document)}</main></body></html>"
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


def _operation(path: str, verb: str, operation: dict[str, Any]) -> str:
    parameters = "".join(
        f"<tr><td><code>{escape(p['name'])}</code></td><td>{p['in']}</td><td>{_type(p['schema'])}</td>"
        f"<td>{escape(p.get('description', ''))}</td></tr>"
        for p in operation.get("parameters", [])
    )
    body = "".join(
        f"<h4>Body, {escape(kind)}: {_type(content.get('schema', {}))}</h4>{_example(content)}"
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
    )
    responses = "".join(
        f"<tr><td><code>{status}</code></td><td>{_paragraphs(response.get('description', ''))}"
        + "".join(
            f"<details><summary>{escape(kind)}: {_type(content.get('schema', {}))}</summary>"
            f"<div>{_example(content)}</div></details>"
            for kind, content in response.get("content", {}).items()
        )
        + "</td></tr>"
        for status, response in operation["responses"].items()
    )
    credentials = " or ".join(_CREDENTIALS[name] for one in operation.get("security", []) for name in one)
    table = f'<h4>Parameters</h4><div class="wide"><table>{parameters}</table></div>' if parameters else ""
    return (
        f'<details><summary><span class="verb {verb}">{verb.upper()}</span> <code>{escape(path)}</code> '
        f'<span class="soft">{escape(operation.get("summary", ""))}</span></summary><div>'
        f"{_paragraphs(operation.get('description', ''))}"
        f'<p class="soft">Credential: {credentials or "none"}.</p>{table}{body}'
        f'<h4>Answers</h4><div class="wide"><table>{responses}</table></div></div></details>'
    )


def _example(content: dict[str, Any]) -> str:
    shown = [content["example"]] if "example" in content else [e["value"] for e in content.get("examples", {}).values()]
    texts = [one if isinstance(one, str) else json.dumps(one, indent=2, ensure_ascii=False) for one in shown]
    return "".join(f'<pre tabindex="0">{escape(text)}</pre>' for text in texts)


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n") if part)


def _anchor(name: str) -> str:
    return "part-" + name.replace(" ", "-")


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
    parts = [f'<h2 id="{_anchor("shapes")}">shapes</h2>']
    for name, schema in sorted(document.get("components", {}).get("schemas", {}).items()):
        rows = "".join(
            f"<tr><td><code>{escape(field)}</code></td><td>{_type(about)}</td></tr>"
            for field, about in schema.get("properties", {}).items()
        )
        parts.append(f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{escape(schema.get("description", ""))}</p>')
        parts.append(f'<div class="wide"><table>{rows}</table></div>')
    return "".join(parts)
