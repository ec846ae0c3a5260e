"""robots.txt, as RFC 9309 wants it kept."""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from protego import Protego

from chatbot_saas.adapters.web import PRODUCT
from chatbot_saas.adapters.web.failures import (
    AddressForbiddenError,
    AddressInvalidError,
    AnswerUnreadableError,
    RedirectInvalidError,
    RobotsForbiddenError,
    RobotsUnavailableError,
    SiteBrokenError,
    StatusError,
    TooBusyError,
    TooManyRedirectsError,
)

MAX_BYTES = 512 * 1024  # 2.5: at least 500 KiB are read; the rest is ignored
_KEPT_SECONDS = 600.0  # 2.4: no longer than a day. Short, so that who has just allowed us need not wait
_FAILURE_KEPT_SECONDS = 60.0
_REMEMBERED = 500
_AGENT = re.compile(r"\s*user[ -]?agent[\s:]+([^#]*)", re.IGNORECASE)
_BROKEN = (SiteBrokenError, TooBusyError, AnswerUnreadableError)
# 2.3.1.2 and 2.3.1.3: as good as no file. An address refused here is one that robots.txt itself forwards to.
_MISSING = (StatusError, TooManyRedirectsError, RedirectInvalidError, AddressForbiddenError, AddressInvalidError)


@dataclass(slots=True)
class _Entry:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    rules: Protego = field(default_factory=Protego)
    wait: float | None = None
    """Broken: the seconds for which the website asks."""
    expires: float = 0.0


class Robots:
    """The rules of websites, kept for some minutes. `read` gives the text of a robots.txt or raises a WebError."""

    def __init__(self, read: Callable[[str], Awaitable[str]]) -> None:
        self._read = read
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    async def check(self, origin: str, url: str) -> float:
        """Raise RobotsForbiddenError if `url`, which begins with `origin`, may not be read; else the pause in seconds
        that the website wants between requests (0: it says nothing).

        Raises RobotsUnavailableError while the website answers with errors, or what prevented the question.
        """
        rules = await self._rules(origin)
        if not rules.can_fetch(url, PRODUCT):
            raise RobotsForbiddenError
        return rules.crawl_delay(PRODUCT) or 0.0

    async def sitemaps(self, origin: str) -> list[str]:
        return list((await self._rules(origin)).sitemaps)

    async def _rules(self, origin: str) -> Protego:
        entry = self._entries.setdefault(origin, _Entry())
        self._entries.move_to_end(origin)
        if len(self._entries) > _REMEMBERED:
            self._entries.popitem(last=False)
        async with entry.lock:
            if time.monotonic() >= entry.expires:
                await self._renew(entry, origin)
            if entry.wait is not None:
                raise RobotsUnavailableError(retry_after=entry.wait)
            return entry.rules

    async def _renew(self, entry: _Entry, origin: str) -> None:
        try:
            text = await self._read(f"{origin}/robots.txt")
        except _BROKEN as error:
            entry.wait, kept = error.retry_after, _FAILURE_KEPT_SECONDS
        except _MISSING:
            entry.wait, entry.rules, kept = None, Protego(), _KEPT_SECONDS
        else:
            entry.wait, kept = None, _KEPT_SECONDS
            entry.rules = await asyncio.to_thread(parse, text)
        entry.expires = time.monotonic() + kept


def parse(text: str) -> Protego:
    """The rules in `text`, those for others left out: a library that kept a set for each of 20,000 names, each with
    20,000 rules, would not come to an end."""
    return Protego.parse("\n".join(_ours(line) for line in text.splitlines()))


def _ours(line: str) -> str:
    agent = _AGENT.match(line)
    if not agent:
        return line
    name = agent[1].strip().lower()
    concerns_us = name == "*" or (name.strip("*/") and PRODUCT.lower().startswith(name.partition("/")[0].strip("*")))
    return f"User-agent: {name.partition('/')[0] if concerns_us else 'somebody-else'}"
