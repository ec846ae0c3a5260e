"""The web over aiohttp. Each request goes through `guard`, robots.txt and a turn at the host, at every redirect too."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import aiohttp

from chatbot_saas.adapters.web import PRODUCT, Fetched, SitemapEntry
from chatbot_saas.adapters.web.answers import check_type, fetched, seconds_to_wait
from chatbot_saas.adapters.web.bodies import Unpacker
from chatbot_saas.adapters.web.failures import (
    AddressForbiddenError,
    AddressInvalidError,
    AnswerUnreadableError,
    PortForbiddenError,
    RedirectInvalidError,
    TimedOutError,
    TlsError,
    TooBusyError,
    TooLargeError,
    TooManyRedirectsError,
    UnreachableError,
    status_error,
)
from chatbot_saas.adapters.web.guard import (
    NOTHING,
    AllowedHosts,
    GuardedResolver,
    Lookup,
    Target,
    check_url,
    guarded_connector,
)
from chatbot_saas.adapters.web.hosts import Hosts
from chatbot_saas.adapters.web.robots import MAX_BYTES as ROBOTS_MAX_BYTES
from chatbot_saas.adapters.web.robots import Robots
from chatbot_saas.adapters.web.sitemaps import SitemapReader
from chatbot_saas.adapters.web.urls import joined

_CHUNK = 64 * 1024
_LINE_LIMIT = 16 * 1024  # of a header; policies of well-known websites are longer than aiohttp's 8 KB
_TEMPORARY_LIFE = 3600.0  # seconds after which what a killed process left is swept
_ANYTHING = ("",)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {
    "Accept": "text/html,application/xhtml+xml;q=0.9,application/pdf;q=0.8,text/plain;q=0.8,*/*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, counts and bytes."""

    total: float = 60.0
    """For an answer with all its redirects, without the time in which we wait for our turn."""
    connect: float = 10.0
    silence: float = 20.0
    redirects: int = 10
    pause: float = 0.1
    """Between the beginnings of two requests to one host, unless the operator allows it by name."""
    crawl_delay: float = 10.0
    """The longest pause that a robots.txt gets; who wants more is read as slowly as this."""
    retry_after: float = 10.0
    """A website that asks for so long or less is asked again once."""
    at_once: int = 2
    max_bytes: int = 25 * 1024 * 1024


@dataclass(slots=True)
class _Want:
    """One question with all its hops."""

    accept: tuple[str, ...]
    max_bytes: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    robots: bool = True
    cut: bool = False
    """Keep the first `max_bytes` of a longer body, instead of an error."""
    seconds: float = 60.0
    """What is left of them."""
    retried: bool = False
    cookies: aiohttp.CookieJar = field(default_factory=lambda: aiohttp.CookieJar(unsafe=True))  # of IP addresses, too
    """Some websites forward a visitor in circles until their cookie comes back."""


class HttpWeb:
    """Implements `Web`. Needs a running event loop, and serves that one. `folder` is its own, for bodies."""

    def __init__(
        self,
        folder: Path,
        *,
        allowed: AllowedHosts = NOTHING,
        lookup: Lookup | None = None,
        limits: Limits | None = None,
        contact: str = "",
    ) -> None:
        self._folder = folder
        self._allowed = allowed
        self._limits = limits or Limits()
        self._resolver = GuardedResolver(allowed, lookup)
        self._hosts = Hosts(self._limits.at_once)
        self._robots = Robots(self._robots_text)
        self._session = aiohttp.ClientSession(
            connector=guarded_connector(self._resolver),
            cookie_jar=aiohttp.DummyCookieJar(),  # no customer's crawl continues another's visit
            headers=_HEADERS | {"User-Agent": f"{PRODUCT}/1.0" + (f" (+{contact})" if contact else "")},
            timeout=aiohttp.ClientTimeout(
                total=None,
                connect=None,
                sock_connect=self._limits.connect,
                sock_read=self._limits.silence,
            ),
            auto_decompress=False,
            trust_env=False,
            max_line_size=_LINE_LIMIT,
            max_field_size=_LINE_LIMIT,
        )
        _sweep(folder)

    async def close(self) -> None:
        await self._session.close()
        await self._resolver.close()

    @asynccontextmanager
    async def fetch(
        self,
        url: str,
        *,
        etag: str = "",
        last_modified: str = "",
        max_bytes: int = 0,
        accept: tuple[str, ...] = (),
        robots: bool = True,
    ) -> AsyncGenerator[Fetched]:
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {name: value for name, value in conditions.items() if value and value.isprintable()}
        with self._file() as path:
            want = _Want(accept, max_bytes or self._limits.max_bytes, headers, robots)
            yield await self._get(check_url(url, self._allowed), path, want)

    async def sitemap(self, url: str, *, limit: int = 10_000) -> list[SitemapEntry]:
        target = check_url(url, self._allowed)
        reader = SitemapReader(self._download, limit)
        if reader.is_sitemap(str(target.url)):
            return await reader.read([str(target.url)], demanded=True)
        return await reader.read_site(target.origin, await self._robots.sitemaps(target.origin))

    @asynccontextmanager
    async def _download(self, url: str, max_bytes: int) -> AsyncGenerator[Fetched]:
        """Whatever is at `url`, which robots.txt or a sitemap offers to us."""
        with self._file() as path:
            yield await self._get(check_url(url, self._allowed), path, _Want(_ANYTHING, max_bytes, robots=False))

    async def _robots_text(self, url: str) -> str:
        want = _Want(_ANYTHING, ROBOTS_MAX_BYTES, robots=False, cut=True)
        with self._file() as path:
            await self._get(check_url(url, self._allowed), path, want)
            return _content(path).decode("utf-8-sig", "replace")

    async def _get(self, target: Target, path: Path, want: _Want) -> Fetched:
        want.seconds = self._limits.total
        for _ in range(self._limits.redirects + 1):
            pause = 0.0 if self._allowed.names(target.host, target.port) else self._limits.pause
            if want.robots:
                asked = await self._robots.check(target.origin, str(target.url))
                pause = max(pause, min(asked, self._limits.crawl_delay))
            found = await self._ask(target, path, want, pause)
            if isinstance(found, Fetched):
                return found
            target = self._redirected(target, found)
        raise TooManyRedirectsError

    async def _ask(self, target: Target, path: Path, want: _Want, pause: float) -> Fetched | str:
        """One answer, or the address that it forwards to; with one repetition for a website that asks to wait."""
        name = f"{target.host}:{target.port}"
        async with self._hosts.turn(name, pause):
            try:
                return await self._timed(target, path, want)
            except TooBusyError as error:
                if want.retried or not 0 < error.retry_after <= self._limits.retry_after:
                    raise
                self._hosts.postpone(name, error.retry_after)
        want.retried = True
        return await self._ask(target, path, want, pause)

    async def _timed(self, target: Target, path: Path, want: _Want) -> Fetched | str:
        started = time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, want.seconds)):
                return await self._request(target, path, want)
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError) as error:
            raise TlsError from error
        except TimeoutError as error:  # aiohttp's, too
            raise TimedOutError from error
        except OSError as error:
            raise UnreachableError from error
        except aiohttp.ServerDisconnectedError as error:
            raise UnreachableError from error
        except (aiohttp.ClientError, ValueError) as error:
            raise AnswerUnreadableError from error
        finally:
            want.seconds -= time.monotonic() - started

    async def _request(self, target: Target, path: Path, want: _Want) -> Fetched | str:
        cookies = {name: morsel.value for name, morsel in want.cookies.filter_cookies(target.url).items()}
        async with self._session.get(
            target.url, headers=want.headers, cookies=cookies or None, allow_redirects=False
        ) as response:
            want.cookies.update_cookies(response.cookies, target.url)
            if response.status in _REDIRECTS and "Location" in response.headers:
                return response.headers["Location"]
            if response.status == 304 and want.headers:
                return fetched(response, path, 0)
            if not 200 <= response.status < 300:
                raise status_error(response.status, seconds_to_wait(response))
            check_type(response, want.accept)
            return fetched(response, path, await _save(response, path, want))

    def _redirected(self, target: Target, location: str) -> Target:
        try:
            return check_url(joined(str(target.url), location), self._allowed)
        except PortForbiddenError:
            raise PortForbiddenError("The page forwards to a port other than 80 and 443. Those are not read.") from None
        except AddressForbiddenError:
            raise AddressForbiddenError(
                "The page forwards to an address that does not lead to a public website, and is not followed there."
            ) from None
        except (AddressInvalidError, ValueError) as error:
            raise RedirectInvalidError from error

    @contextmanager
    def _file(self) -> Generator[Path]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=self._folder)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            os.unlink(name)


async def _save(response: aiohttp.ClientResponse, path: Path, want: _Want) -> int:
    """Write the unpacked body to `path`, from its beginning; its size."""
    if (response.content_length or 0) > want.max_bytes and not want.cut:
        raise TooLargeError
    unpacker = Unpacker(", ".join(response.headers.getall("Content-Encoding", [])))
    with _opened(path) as file:
        async for data in response.content.iter_chunked(_CHUNK):
            for piece in unpacker.feed(data):
                if not _write(file, piece, want):
                    return file.tell()
                await asyncio.sleep(0)  # a little packed data can be megabytes of pieces
        _write(file, unpacker.finish(), want)
        return file.tell()


def _write(file: IO[bytes], piece: bytes, want: _Want) -> bool:
    """Append; False when no more is wanted."""
    room = want.max_bytes - file.tell()
    if len(piece) > room and not want.cut:
        raise TooLargeError
    file.write(piece[:room])
    return len(piece) <= room


def _opened(path: Path) -> IO[bytes]:
    return path.open("wb")


def _content(path: Path) -> bytes:
    return path.read_bytes()


def _sweep(folder: Path) -> None:
    """Remove what killed processes left."""
    if folder.exists():
        for path in folder.iterdir():
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _TEMPORARY_LIFE:
                    path.unlink()
