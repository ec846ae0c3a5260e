"""What a website is called, from what its pages say: pure rules."""

import re
from collections import Counter
from urllib.parse import urlsplit

MAX_NAME = 60
_SEPARATORS = re.compile(r"\s*(?:[|–—·»•]|\s-\s|::)\s*")
_MARKUP = re.compile(r"<[^<>]{0,200}>?")
# Characters that turn the direction of what follows: a name with them would turn the sentences that it stands in
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C])
_GENERIC = frozenset(
    """home homepage start startseite welcome willkommen index accueil inicio início strona główna untitled document
    website my site just another wordpress""".split()  # noqa: SIM905
)
_SECOND_LEVELS = frozenset({"co", "com", "net", "org", "gov", "ac", "edu", "ne", "or", "go"})


def plain(text: str, longest: int) -> str:
    """A line that can stand in a sentence: no markup, no control characters, cut between words."""
    text = _MARKUP.sub(" ", text).translate(_TURNING)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(text) <= longest:
        return text
    return (text[: longest - 1].rsplit(" ", 1)[0] or text[: longest - 1]).rstrip(" ,;:-–") + "…"


def site_name(said: str, titles: list[str], organisation: str, manifest: str, url: str) -> str:
    """The most trustworthy of: og:site_name, what titles share, structured data, the manifest, the host.

    `titles` are whole titles of several pages, the first page's first.
    """
    host = host_name(url)
    single = _of_title(titles[0], url) if titles else ""
    for found in (said, _shared(titles), organisation, manifest, single):
        name = plain(found, MAX_NAME)
        if name and name.casefold() not in _GENERIC:
            return name
    return host


def host_name(url: str) -> str:
    """`https://www.harbour-bikes.co.uk/` as `Harbour Bikes`."""
    host = urlsplit(url).hostname or ""
    if ":" in host or host.replace(".", "").isdigit() or "." not in host:
        return host or "Website"
    labels = host.removeprefix("www.").split(".")
    labels = labels[:-1] if len(labels) > 1 else labels
    if len(labels) > 1 and labels[-1] in _SECOND_LEVELS:
        labels = labels[:-1]
    label = labels[-1]
    if label.startswith("xn--"):
        try:
            label = label.encode("ascii").decode("idna")
        except UnicodeError:
            return host[:MAX_NAME]
    words = [word for word in re.split(r"[-_]+", label) if word]
    return " ".join(word[:1].upper() + word[1:] for word in words)[:MAX_NAME] or host[:MAX_NAME]


def _shared(titles: list[str]) -> str:
    """What stands first or last in most of the titles of different pages."""
    parts = [split for title in dict.fromkeys(titles) if len(split := _parts(title)) > 1]
    if len(parts) < 2:
        return ""
    counts = Counter([split[-1] for split in parts] + [split[0] for split in parts])
    [(name, count)] = counts.most_common(1)
    return name if count >= 2 and count * 2 >= len(parts) else ""


def _of_title(title: str, url: str) -> str:
    """The part of one title that the host is named after; a short title that has no parts is a name itself."""
    parts = _parts(title)
    host = re.sub(r"[\W_]+", "", host_name(url).casefold())
    for part in parts:
        words = re.sub(r"[\W_]+", "", part.casefold())
        if words and (words == host or (len(words) >= 4 and words in host)):
            return part
    return parts[0] if len(parts) == 1 and len(title) <= 30 else ""


def _parts(title: str) -> list[str]:
    return [part for part in _SEPARATORS.split(title[:300]) if part.strip()]
