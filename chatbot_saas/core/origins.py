"""Origins of websites: as browsers send them, and the patterns by which a bot's owner allows them. Pure."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_HOST = re.compile(r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")
_ANY = "any-subdomain"
"""In place of `*` while a pattern is read as an address."""
_SENT = re.compile(r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d{1,5})?")
_LOCAL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\]|[a-z0-9-]+\.localhost)(?::\d{1,5})?")
LOCAL_PATTERNS = ("http://localhost:*", "https://localhost:*", "http://127.0.0.1:*", "https://127.0.0.1:*")
"""What a Content-Security-Policy can say of them."""


def normal_origin(value: str) -> str:
    """`https://Shop.example/` as a browser sends it: `https://shop.example`."""
    hint = f"{value!r} is not a website address. It looks like https://shop.example, without a path."
    try:
        parts = urlsplit(value.strip())
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError as error:
        raise ValueError(hint) from error
    if (
        parts.scheme not in ("http", "https")
        or not _HOST.match(host)
        or parts.username is not None
        or parts.query
        or parts.fragment
        or parts.path not in ("", "/")
        or len(host) > 253
    ):
        raise ValueError(hint)
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != default else "")


def origin_pattern(value: str) -> str:
    """An origin, or `https://*.shop.example` for every host below one."""
    text = value.strip()
    if "*" not in text:
        return normal_origin(text)
    scheme, found, rest = text.partition("://*.")
    if not found or "*" in rest:
        raise ValueError(f"{value!r} has a * where none may be. It looks like https://*.shop.example.")
    normal = normal_origin(f"{scheme}://{_ANY}.{rest}").replace(f"{_ANY}.", "*.", 1)
    host = normal.partition("://*.")[2].partition(":")[0]
    if "." not in host or host.rpartition(".")[2].isdigit():
        raise ValueError(f"{value!r} would allow strangers' websites. Name the domain, as in https://*.shop.example.")
    return normal


def is_local(origin: str) -> bool:
    """Whether a website with this origin is on the visitor's own machine."""
    return _LOCAL.fullmatch(origin) is not None


def allows(patterns: Iterable[str], origin: str, *, local: bool = False) -> bool:
    """Whether a website with this origin is among them; `local`: or one on the visitor's own machine."""
    if local and is_local(origin):
        return True
    scheme, _, host = origin.partition("://") if _SENT.fullmatch(origin) else ("", "", "")
    for pattern in patterns:
        if pattern == origin:
            return True
        kind, found, domain = pattern.partition("://*.")
        if found and scheme == kind and host.endswith(f".{domain}"):
            return True
    return False
