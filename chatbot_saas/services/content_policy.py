"""What a Content-Security-Policy of a website allows: its rules for origins (Content Security Policy Level 3, W3C)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

FALLBACKS = {
    "script-src": ("script-src-elem", "script-src", "default-src"),
    "connect-src": ("connect-src", "default-src"),
    "frame-src": ("frame-src", "child-src", "default-src"),
}
"""The directives that decide, the first that is there."""
_SOURCE = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?P<host>\*|(?:\*\.)?[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}|\*))?"
    r"(?P<path>/\S*)?",
    re.IGNORECASE,
)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy; a page that has several is bound by each."""

    directives: dict[str, list[str]]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of a repeated directive only the first counts."""
        found: dict[str, list[str]] = {}
        for part in text.split(";"):
            words = part.split()
            if words:
                found.setdefault(words[0].lower(), words[1:])
        return cls(found)

    def deciding(self, kind: str) -> str:
        """The name of the directive that decides about `kind`; empty where none does and all is allowed."""
        return next((name for name in FALLBACKS[kind] if name in self.directives), "")

    def allows(self, kind: str, url: str, page: str, *, nonce: str = "") -> bool:
        """Whether the page at `page` may load `url` as `kind`. `nonce` is the script tag's own."""
        name = self.deciding(kind)
        if not name:
            return True
        sources = self.directives[name]
        if kind == "script-src":
            if nonce and f"'nonce-{nonce}'" in sources:
                return True
            if "'strict-dynamic'" in (source.lower() for source in sources):
                return False
        return any(_matches(source, url, page) for source in sources)

    def mended(self, kind: str, origin: str) -> str:
        """The directive as it should read so that `origin` is allowed."""
        sources = [source for source in self.directives[self.deciding(kind)] if source.lower() != "'none'"]
        name = self.deciding(kind)
        return " ".join([kind if name == "default-src" else name, *sources, origin])


def parse(texts: Sequence[str]) -> list[Policy]:
    """A header may hold several policies, with commas between them."""
    return [Policy.parse(one) for text in texts for one in text.split(",") if one.strip()]


def _matches(source: str, url: str, page: str) -> bool:
    wanted, here = urlsplit(url), urlsplit(page)
    word = source.lower()
    if word == "'self'":
        return wanted.netloc == here.netloc and wanted.scheme in (here.scheme, "https")
    if word == "*":
        return wanted.scheme in ("http", "https")
    if word.endswith(":") and "/" not in word:
        return wanted.scheme == word[:-1] or (word == "http:" and wanted.scheme == "https")
    found = _SOURCE.fullmatch(source)
    if not found:
        return False  # 'none', a nonce, a hash
    scheme = (found["scheme"] or here.scheme).lower()
    if wanted.scheme != scheme and not (scheme == "http" and wanted.scheme == "https"):
        return False
    return (
        _host_fits(found["host"].lower(), (wanted.hostname or "").lower())
        and _port_fits(found["port"], wanted.port or _PORTS.get(wanted.scheme, 0), wanted.scheme)
        and _path_fits(found["path"] or "", wanted.path)
    )


def _host_fits(pattern: str, host: str) -> bool:
    if pattern == "*":
        return True
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    return host == pattern.strip("[]")


def _port_fits(wanted: str | None, port: int, scheme: str) -> bool:
    if wanted == "*":
        return True
    if not wanted:
        return port == _PORTS.get(scheme)
    return int(wanted) == port or (int(wanted), port) == (80, 443)


def _path_fits(wanted: str, path: str) -> bool:
    if not wanted or wanted == "/":
        return True
    return path.startswith(wanted) if wanted.endswith("/") else path == wanted
