"""What the headers of an answer say."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp

from chatbot_saas.adapters.web import ENDINGS, VAGUE_TYPES, Fetched, ending_of
from chatbot_saas.adapters.web.failures import TypeUnreadableError
from chatbot_saas.adapters.web.urls import normalise

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_ROBOTS_WORDS = re.compile(r"\b(noindex|nofollow|none)\b")
_HEAD = 1024


def check_type(response: aiohttp.ClientResponse, accept: tuple[str, ...]) -> None:
    """Raise TypeUnreadableError where the headers show that the body is none of `accept` (none given: readable)."""
    media_type = _media_type(response)
    if accept:
        fits = not media_type or media_type.startswith(accept)
    else:
        named = ending_of(response.url.path) or ending_of(_suggested(response))
        fits = media_type in ENDINGS or not media_type or (media_type in VAGUE_TYPES and bool(named))
    if not fits:
        raise TypeUnreadableError


def fetched(response: aiohttp.ClientResponse, path: Path, size: int) -> Fetched:
    headers = response.headers
    media_type = _media_type(response)
    if not media_type and size and not ending_of(response.url.path):
        media_type = _guessed(path)
    charset = _CHARSET.search(headers.get("Content-Type", ""))
    return Fetched(
        url=normalise(str(response.url)) or str(response.url),
        status=response.status,
        content_type=media_type,
        charset=charset[1].lower() if charset else "",
        etag=_short(headers.get("ETag", "")),
        last_modified=_short(headers.get("Last-Modified", "")),
        path=path,
        size=size,
        robots=frozenset(_ROBOTS_WORDS.findall(",".join(headers.getall("X-Robots-Tag", [])).lower())),
        suggested=_suggested(response),
        policies=tuple(headers.getall("Content-Security-Policy", [])),
    )


def seconds_to_wait(response: aiohttp.ClientResponse) -> float:
    """What Retry-After asks for, as seconds or as a date; 0 for nothing."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, IndexError, TypeError):
        return 0.0
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _media_type(response: aiohttp.ClientResponse) -> str:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()[:100]


def _suggested(response: aiohttp.ClientResponse) -> str:
    found = response.content_disposition
    return (found.filename or "")[:200].replace("\\", "/") if found else ""


def _short(value: str) -> str:
    """A header that is stored and sent back; nothing of one that is no token of a sane server."""
    return value if len(value) <= 200 and value.isprintable() else ""


def _guessed(path: Path) -> str:
    """The media type of a body whose headers name none."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if b"\x00" in head:
        raise TypeUnreadableError
    return "text/html" if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") else "text/plain"
