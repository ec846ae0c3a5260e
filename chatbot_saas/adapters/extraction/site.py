"""What a page says of the website as a whole, beside `page.read_page`: for those who make a bot of it."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot_saas.adapters.extraction.normal import one_line
from chatbot_saas.adapters.extraction.web import parse_page, title_of
from chatbot_saas.adapters.web.urls import normalise

READER = "chatbot_saas.adapters.extraction.site:read_site"
_LONGEST_DATA = 200_000
_MOST_NODES = 2000
_ORGANISATIONS = ("organization", "business", "corporation", "store", "restaurant", "hotel", "school", "localbusiness")


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """Empty strings where the page says nothing. `title` is whole, with the name of the site if that is in it."""

    title: str
    organisation: str
    """Of its structured data (schema.org)."""
    manifest: str
    """Address of the web app manifest."""


def read_site(path: str, url: str, charset: str) -> SiteFacts:
    """Runs in a worker process, as `page.read_page` does. Raises ExtractionError."""
    tree = parse_page(Path(path).read_bytes(), charset)
    if tree is None:
        return SiteFacts("", "", "")
    manifests = (
        normalise(link.get("href"), url)
        for link in tree.iter("link")
        if "manifest" in (link.get("rel") or "").lower().split() and link.get("href")
    )
    return SiteFacts(
        title=title_of(tree)[:500], organisation=_organisation(tree)[:200], manifest=next(filter(None, manifests), "")
    )


def _organisation(tree: Any) -> str:
    """The name of the organisation, else of the website."""
    website = ""
    for node in _nodes(tree):
        kinds = node.get("@type")
        said = " ".join(map(str, kinds)).lower() if isinstance(kinds, list) else str(kinds).lower()
        name = node.get("name")
        if not isinstance(name, str) or not name.strip():
            continue
        if any(word in said for word in _ORGANISATIONS):
            return one_line(name)
        if said == "website":
            website = website or one_line(name)
    return website


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Objects of the structured data, the outer ones first."""
    waiting: list[Any] = []
    for script in tree.iter("script"):
        text = script.text or ""
        if "ld+json" in (script.get("type") or "").lower() and len(text) <= _LONGEST_DATA:
            try:
                waiting.append(json.loads(text, strict=False))
            except (ValueError, RecursionError):
                continue
    for place, node in enumerate(waiting):  # grows meanwhile
        if place >= _MOST_NODES:
            return
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            yield node
            waiting.extend(value for value in node.values() if isinstance(value, dict | list))
