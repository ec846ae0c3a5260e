"""Addresses that a crawl had better not follow: they go on for ever, or do something."""

import re
from collections import defaultdict
from datetime import UTC, datetime

from chatbot_saas.adapters.web.failures import WebError
from chatbot_saas.adapters.web.urls import Parts, split

_MAX_SEGMENTS = 14
_MAX_PARAMETERS = 6
_MAX_LENGTH = 1024
_MAX_REPEATS = 2  # of one segment in a path
_YEARS_AHEAD = 2
_CALENDAR = re.compile(r"calend[a-z]*|kalender|agenda|month|week|day|date|termine|veranstaltungskalender")
_DATE_KEY = re.compile(
    r"(?:.*[_-])?(?:date|day|month|mon|week|year|monat|jahr|tag|woche|datum|cal|calendar|mes|mois|from|to|start|end)"
)
_DATE_VALUE = re.compile(
    r"(?:19|20|21)[0-9]{2}(?:[-/.]?[0-9]{1,2}){0,2}|[0-9]{1,2}|[0-9]{1,2}[-/.](?:19|20|21)[0-9]{2}"
)
_FUTURE = re.compile(r"(?<![0-9])(2[0-9]{3})(?=[-/.][0-9]{1,2}(?![0-9]))")
_DATE_SEGMENT = re.compile(r"[0-9]{1,4}(?:-[0-9]{1,2}){0,2}|w[0-9]{1,2}|today|next|prev(?:ious)?")
_SESSION = re.compile(r"(?:.*[_-])?(?:s|sess|session|sid|sessid|token|nonce|cache|_)(?:[_-]?id)?")
_RANDOM = re.compile(r"(?=[0-9a-zA-Z_-]*[0-9])[0-9a-zA-Z_-]{16,}")
# Parameters that act, or show the same page for one more comment, shop basket or way of sharing
_ACTIONS = frozenset(
    "replytocom add-to-cart add_to_wishlist add_to_compare remove_item share action logout print printable".split()  # noqa: SIM905
)


def looks_endless(url: str) -> bool:
    """Whether `url` looks like one of infinitely many: pages of a calendar, paths that repeat themselves, session ids,
    many filters at once; or like an action rather than a page. A guess, good enough for what nobody asked for by name.
    """
    try:
        parts = split(url)
    except WebError:
        return True
    segments = [segment.lower() for segment in parts.path.split("/") if segment]
    pairs = [pair.partition("=") for pair in parts.query.split("&") if pair]
    return (
        len(url) > _MAX_LENGTH
        or len(segments) > _MAX_SEGMENTS
        or len(pairs) > _MAX_PARAMETERS
        or _repeats(segments)
        or _is_calendar(parts, segments, [(key.lower(), value) for key, _, value in pairs])
        or any(key.lower() in _ACTIONS for key, _, _ in pairs)
        or any(_SESSION.fullmatch(key.lower()) and _RANDOM.fullmatch(value) for key, _, value in pairs)
    )


def _repeats(segments: list[str]) -> bool:
    words = [segment for segment in segments if not segment.isdigit()]
    return any(words.count(word) > _MAX_REPEATS for word in words)


def _is_calendar(parts: Parts, segments: list[str], pairs: list[tuple[str, str]]) -> bool:
    if any(_DATE_KEY.fullmatch(key) and _DATE_VALUE.fullmatch(value) for key, value in pairs):
        return True
    named = [place for place, segment in enumerate(segments) if _CALENDAR.fullmatch(segment)]
    if (
        named
        and all(_DATE_SEGMENT.fullmatch(segment) for segment in segments[named[0] + 1 :])
        and segments[-1][0].isdigit()
    ):
        return True
    newest = datetime.now(UTC).year + _YEARS_AHEAD
    return any(int(year) > newest for year in _FUTURE.findall(f"{parts.path}?{parts.query}"))


class Variants:
    """Counts the pages that differ in nothing but their query. For one crawl."""

    def __init__(self, limit: int = 50) -> None:
        self._limit = limit
        self._seen: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    def admits(self, url: str) -> bool:
        """False from the query number `limit` + 1 of a path on; always the same answer for the same address."""
        parts = split(url)
        seen = self._seen[parts.site, parts.path]
        if parts.query in seen:
            return True
        if len(seen) >= self._limit:
            return False
        seen.add(parts.query)
        return True
