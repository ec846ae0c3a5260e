"""Web addresses: read in one strict way, written in one way, compared, and sorted by rules.

Imports little: processes that read pages use it too.
"""

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from urllib.parse import unquote, urljoin

import idna

from chatbot_saas.adapters.web import addresses
from chatbot_saas.adapters.web.failures import AddressForbiddenError, AddressInvalidError

MAX_URL = 2048
USUAL_PORTS = {"http": 80, "https": 443}

# RFC 3986, appendix B, for http only: one strict reading, and requests are made of these parts, not of the text
_URL = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_PORT_FOLLOWS = re.compile(r"[^/:]+:[0-9]+(?:[/?#]|$)")
_HOST_AND_PORT = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:@]+)(?::([0-9]{0,5}))?", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff\\]")  # programs disagree on what these mean
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_LINE_ENDS = re.compile(r"[\t\r\n]")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ILLEGAL = re.compile(r"[^A-Za-z0-9._~%:/?@!$&\'()*+,;=\[\]|-]")

# Parameters that say where a visitor came from, and change nothing on the page
_TRACKING = frozenset(
    """gclid gclsrc dclid gbraid wbraid fbclid msclkid yclid twclid ttclid igshid igsh mc_cid mc_eid _ga _gl _hsenc
    _hsmi hsctatracking mkt_tok vero_id oly_anon_id oly_enc_id srsltid li_fat_id epik s_kwcid ef_id wickedid rb_clickid
    ml_subscriber ml_subscriber_hash""".split()  # noqa: SIM905
)
_TRACKING_BEGINNINGS = ("utm_", "mtm_", "pk_", "piwik_", "hsa_")
# Session ids that common servers write into addresses of visitors without cookies
_SESSIONS = frozenset(
    {"phpsessid", "jsessionid", "cfid", "cftoken", "sessionid", "session_id", "sid", "zenid", "oscsid"}
)
_PATH_SESSION = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/;]*", re.IGNORECASE)
_TOKEN = re.compile(r"[0-9a-zA-Z_-]{16,}")


@dataclass(frozen=True, slots=True)
class Parts:
    """An http(s) address. `host` is lower case ASCII or an IP address without brackets; `query` without its mark."""

    scheme: str
    host: str
    port: int
    path: str
    query: str

    @property
    def site(self) -> str:
        """Scheme, host and port, as an address begins."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == USUAL_PORTS[self.scheme] else f":{self.port}")

    def __str__(self) -> str:
        return self.site + self.path + (f"?{self.query}" if self.query else "")


def split(url: str) -> Parts:
    """The parts of `url`, which anybody may have written. Path and query are ASCII; the path is never empty.

    Raises AddressInvalidError for what is no http(s) address, AddressForbiddenError for other schemes and for user
    names. Whether it may be reached is `guard`'s to say.
    """
    if len(url) > MAX_URL:
        raise AddressInvalidError("The address is too long.")
    if _UNSAFE.search(url):
        raise AddressInvalidError
    parts = _URL.fullmatch(url)
    if not parts:
        if _SCHEME.match(url) and not url.lower().startswith(("http:", "https:")):
            raise AddressForbiddenError("Only addresses that begin with http:// or https:// can be read.")
        raise AddressInvalidError
    if "@" in parts[2]:
        raise AddressForbiddenError("The address holds a user name. Leave it out: only public pages are read.")
    scheme = parts[1].lower()
    host, port = host_and_port(parts[2])
    return Parts(scheme, host, port or USUAL_PORTS[scheme], _ascii(parts[3]) or "/", _ascii((parts[4] or "")[1:]))


def host_and_port(text: str) -> tuple[str, int]:
    """Of "host", "host:port" or "[v6]:port"; 0 where no port is named. Raises AddressInvalidError."""
    found = _HOST_AND_PORT.fullmatch(text)
    if not found:
        raise AddressInvalidError
    port = int(found[2] or 0)
    if port > 65535 or (found[2] and not port):
        raise AddressInvalidError
    return _host(found[1]), port


def normalise(url: str, base: str = "") -> str:
    """The one way to write an address, as found in a link of the page `base`; empty for what is no http(s) address.

    Without fragment, usual port, dot segments, session ids and parameters that only track visitors. Never raises.
    """
    try:
        parts = split(joined(base, url))
    except (AddressInvalidError, AddressForbiddenError, ValueError):
        return ""
    path = _without_dots(_encoded(_PATH_SESSION.sub("", parts.path)))
    pairs = [pair for pair in parts.query.split("&") if pair and not _is_noise(pair)]
    made = str(Parts(parts.scheme, parts.host, parts.port, path, _encoded("&".join(pairs))))
    return made if len(made) <= MAX_URL else ""


def joined(base: str, url: str) -> str:
    """What a reference `url`, as found at the address `base`, stands for; not checked. Raises ValueError."""
    text = _LINE_ENDS.sub("", url).strip(" \x00\x0c").replace(" ", "%20")
    return urljoin(base, text) if base and not _SCHEME.match(text) else text


def from_person(text: str) -> str:
    """What a person typed, such as "www.example.com", as a normalised address. Raises AddressInvalidError or
    AddressForbiddenError."""
    text = text.strip().replace(" ", "%20")
    if not _SCHEME.match(text) or _PORT_FOLLOWS.match(text):
        parts = split(f"http://{text}")
        # what an operator runs beside us seldom has a certificate
        plain = "." not in parts.host or parts.host[-1].isdigit() or parts.port not in (80, 443)
        text = f"{'http' if plain else 'https'}://{text}"
    split(text)
    return normalise(text)


def same_site(a: str, b: str) -> bool:
    """Whether both addresses have the same host, with or without "www.", and the same port; http and https are one."""
    try:
        return _site_key(split(a)) == _site_key(split(b))
    except (AddressInvalidError, AddressForbiddenError):
        return False


def _site_key(parts: Parts) -> tuple[str, int]:
    return parts.host.removeprefix("www."), 0 if parts.port == USUAL_PORTS[parts.scheme] else parts.port


def _is_noise(pair: str) -> bool:
    name, _, value = pair.partition("=")
    name = name.lower()
    if name in _SESSIONS:
        return name not in ("sid", "sessionid", "session_id") or _TOKEN.fullmatch(value) is not None
    return name in _TRACKING or name.startswith(_TRACKING_BEGINNINGS) or name.startswith("aspsessionid")


def _host(text: str) -> str:
    """The one way to write this host: ASCII in lower case, IP addresses in their usual form, no point at the end."""
    if text.startswith("["):
        address = addresses.parse(text[1:-1]) if ":" in text else None
        if address is None:
            raise AddressInvalidError
        return str(address)
    try:
        host = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise AddressInvalidError from error
    host = host.removesuffix(".")
    if len(host) > 253 or not _NAME.fullmatch(host):
        raise AddressInvalidError
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return str(_numeric(host))
    return host


def _numeric(host: str) -> IPv4Address:
    """An IPv4 address in any of the forms that C libraries and browsers take: 127.1, 0x7f.1, 017700000001."""
    parts = host.split(".")
    if len(parts) > 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        raise AddressInvalidError
    try:
        *heads, last = (_number(part) for part in parts)
    except ValueError as error:
        raise AddressInvalidError from error
    if any(number > 255 for number in heads) or last >= 256 ** (4 - len(heads)):
        raise AddressInvalidError
    return IPv4Address(sum(number << (8 * (3 - place)) for place, number in enumerate(heads)) + last)


def _number(part: str) -> int:
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8) if len(part) > 1 and part.startswith("0") else int(part)


def _ascii(text: str) -> str:
    """Characters beyond ASCII, percent-encoded; what is encoded already stays as it is."""
    return text if text.isascii() else re.sub(r"[^\x00-\x7f]", lambda found: _escaped(found[0]), text)


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


def _encoded(text: str) -> str:
    """Escapes in one form: only where needed, with capital digits."""

    def tidied(found: re.Match[str]) -> str:
        if not found[1]:
            return "%25"
        character = chr(int(found[1], 16))
        return character if character in _UNRESERVED else f"%{found[1].upper()}"

    return _ILLEGAL.sub(lambda found: _escaped(found[0]), _ESCAPE.sub(tidied, text))


def _without_dots(path: str) -> str:
    """`path` without "." and ".." segments (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for place, segment in enumerate(segments):
        last = place == len(segments) - 1
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
            continue
        if last:
            kept.append("")
    return "/" + "/".join(kept)


@dataclass(frozen=True, slots=True)
class UrlRules:
    """Which pages of a site are wanted: patterns for path and query in which only `*` is special, as in `/blog/*`.

    Without `include` every page is; `exclude` wins. Capitals do not matter. `/blog/*` means `/blog` too. Takes time in
    proportion to the address, whatever the pattern.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    _include: tuple[tuple[str, ...], ...] = field(init=False, repr=False, compare=False)
    _exclude: tuple[tuple[str, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_include", tuple(_pieces(pattern) for pattern in self.include if pattern.strip()))
        object.__setattr__(self, "_exclude", tuple(_pieces(pattern) for pattern in self.exclude if pattern.strip()))

    def admits(self, url: str) -> bool:
        parts = split(url)
        path = unquote(parts.path).lower()
        candidates = [path, f"{path}?{unquote(parts.query).lower()}"] if parts.query else [path]
        if not path.endswith("/"):
            candidates.append(path + "/")
        if self._include and not any(_matches(pieces, text) for pieces in self._include for text in candidates):
            return False
        return not any(_matches(pieces, text) for pieces in self._exclude for text in candidates)


def _pieces(pattern: str) -> tuple[str, ...]:
    """What stands between the stars."""
    pattern = pattern.strip()
    found = _URL.fullmatch(pattern)
    if found:  # a whole address was pasted
        pattern = (found[3] or "/") + (found[4] or "")
    if not pattern.startswith(("/", "*", "?")):
        pattern = "/" + pattern
    return tuple(unquote(piece).lower() for piece in pattern.split("*"))


def _matches(pieces: tuple[str, ...], text: str) -> bool:
    """Each piece at its first place after the one before: with stars only, no other choice can do better."""
    first, *middle = pieces
    if not middle:
        return text == first
    last = middle.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return True
