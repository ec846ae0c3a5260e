"""Which addresses an answer may link to: those of the bot's own websites, of its web sources and settings. Pure."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from html import unescape
from urllib.parse import quote

from chatbot_saas.adapters.web.urls import AddressForbiddenError, AddressInvalidError, Parts, split

_URL = re.compile(r"https?://[^\s<>\"'`\[\]]+", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_HOST_PART = re.compile(r"https?://([^/?#\\]*)", re.IGNORECASE)
_MAILTO = re.compile(r"mailto:([\w.+-]{1,64}@([A-Za-z0-9.-]{1,253}))(?:\?.*)?\Z", re.IGNORECASE)
_TEL = re.compile(r"tel:(\+?[\d().\-]{3,30})\Z", re.IGNORECASE)
_UNSAFE = re.compile(r"[\s<>\"`\\^{}|\[\]*]")
_UNSAFE_OR_BRACKET = re.compile(r"[\s<>\"`\\^{}|\[\]*()]")
_SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?[/\\]*", re.IGNORECASE)

_BELOW = re.compile(r"https?://(\*\.[^:/]+)")


@dataclass(frozen=True, slots=True)
class AllowedLinks:
    hosts: frozenset[str]
    """Names in ASCII, without "www."; "*.shop.example" for those below one, "*" for all."""
    urls: frozenset[str] = frozenset()
    """Single addresses that the owner's own texts have."""
    owner_texts: str = ""
    """For mail addresses and telephone numbers."""

    @classmethod
    def of(
        cls,
        *,
        origins: Collection[str] = (),
        sources: Iterable[str] = (),
        link_hosts: Iterable[str] = (),
        owner_texts: Iterable[str] = (),
    ) -> "AllowedLinks":
        """From a bot's `allowed_origins`, the addresses of its passages, its `link_hosts`, and what the owner wrote."""
        below = {found.group(1) for origin in origins if (found := _BELOW.match(origin))}
        exact = [origin for origin in origins if not _BELOW.match(origin)]
        hosts = {
            parts.host.removeprefix("www.") for url in (*exact, *sources) if url and (parts := _parts(url))
        } | below
        texts = "\n".join(owner_texts)
        urls = {_key(found.group().rstrip(".,;:!?)")) for found in _URL.finditer(texts)}
        return cls(frozenset(hosts) | {host.removeprefix("www.") for host in link_hosts}, frozenset(urls), texts)

    def url(self, raw: str) -> str:
        """The address as it may stand in a link, the same in every reader's eyes; "" if it may not.

        Only http, https, mailto and tel, each written out: whatever hides behind an encoding is none of them.
        """
        told = _REFERENCE.sub(lambda found: unescape(found.group()), raw.strip())
        if not told.isprintable() or " " in told:
            return ""
        if found := _MAILTO.fullmatch(told):
            known = self._has(found.group(2).lower()) or found.group(1).lower() in self.owner_texts.lower()
            return f"mailto:{found.group(1)}" if known else ""
        if found := _TEL.fullmatch(told):
            number = re.sub(r"\D", "", found.group(1))
            return f"tel:{found.group(1)}" if number in re.sub(r"[^\d\n]", "", self.owner_texts) else ""
        found = _HOST_PART.match(told)
        parts = _parts(told) if found and "@" not in found.group(1) and "%" not in found.group(1) else None
        if not found or not parts or not (self._has(parts.host) or _key(told) in self.urls):
            return ""
        unsafe = _UNSAFE if _balanced(told) else _UNSAFE_OR_BRACKET
        rest = unsafe.sub(lambda sign: quote(sign.group(), safe=""), told[found.end() :])
        if found.group(1).isascii():
            return told[: found.end()] + rest
        port = found.group(1).rpartition(":")[2]
        return f"{parts.scheme}://{parts.host}" + (f":{port}" if port.isascii() and port.isdigit() else "") + rest

    def _has(self, host: str) -> bool:
        name = host.removeprefix("www.")
        if "*" in self.hosts or name in self.hosts:
            return True
        labels = host.split(".")
        return any("*." + ".".join(labels[place:]) in self.hosts for place in range(1, len(labels)))


def shown_as(raw: str) -> str:
    """An address to read and not to follow: without its scheme."""
    return _SCHEME.sub("", raw, count=1).replace("`", "")


def _parts(url: str) -> Parts | None:
    try:
        return split(url)
    except (AddressInvalidError, AddressForbiddenError, ValueError):
        return None


def _key(url: str) -> str:
    return re.sub(r"^https?://(?:www\.)?", "", url, flags=re.IGNORECASE).rstrip("/")


def _balanced(text: str) -> bool:
    depth = 0
    for mark in re.findall(r"[()]", text):
        depth += 1 if mark == "(" else -1
        if depth not in (0, 1):
            return False
    return depth == 0
