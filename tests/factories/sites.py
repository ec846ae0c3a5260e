"""A website on this machine: ordinary pages that tests change as they like, and every trap that crawlers fall into.

    async with site() as s:
        s.pages["/prices"] = "<h1>Prices</h1> ..."      # or a Page, for more than a body
        s.failing["/prices"] = [500, 500]               # statuses before the page is given
        ... s.url + "/prices" ...
        assert s.hits["/prices"] == 3

`serve_site()` is the same for tests without an event loop, from a thread. Crawls reach it where `crawl_allow_hosts` is
`ALLOW`. `shop(s)` fills in a shop of 20 pages with sitemaps, icons and colours; traps are always there, below /trap/.
"""

import asyncio
import gzip
import hashlib
import ssl
import struct
import threading
import zlib
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

from aiohttp import web

from tests.factories.traps import TRAPS

ALLOW = "127.0.0.1,localhost"
CHANGED = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""When the pages say that they were changed last."""


@dataclass(frozen=True)
class Page:
    """What a path gives. `validators`: with ETag and Last-Modified, and 304 for who has it already."""

    body: str | bytes
    type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    validators: bool = True

    @property
    def data(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else self.body

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.data).hexdigest()[:16]}"'


Handler = Callable[[web.Request, "Site"], Awaitable[web.StreamResponse]]


@dataclass
class Site:
    """`url` has no slash at its end. Everything may be changed while it runs."""

    url: str = ""
    port: int = 0
    pages: dict[str, str | bytes | Page | Handler] = field(default_factory=dict)
    """By path, or by path and query."""
    failing: defaultdict[str, list[int | Page]] = field(default_factory=lambda: defaultdict(list))
    """What a path gives first, one for each request."""
    hits: Counter[str] = field(default_factory=Counter)
    """Requests by path, without the query."""
    requests: list[web.BaseRequest] = field(default_factory=list)
    robots: str | None = None
    """robots.txt; None: there is none."""
    soft_404: str = ""
    """What unknown paths give with status 200; empty: they give 404."""
    lastmod: dict[str, str] = field(default_factory=dict)
    """For the sitemap, by path."""
    at_once: int = 0
    most_at_once: int = 0

    _asked: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def asked(self, path: str, times: int = 1) -> None:
        """Wait until `path` was asked for so often."""
        async with asyncio.timeout(30), self._asked:
            await self._asked.wait_for(lambda: self.hits[path] >= times)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.hits[request.path] += 1
        self.requests.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        async with self._asked:
            self._asked.notify_all()
        try:
            return await self._answer(request)
        except ConnectionError:
            return web.Response()  # whoever asked has heard enough
        finally:
            self.at_once -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self.failing[request.path]:
            fault = self.failing[request.path].pop(0)
            return _response(fault if isinstance(fault, Page) else Page("Sorry", status=fault), request)
        page = self.pages.get(request.path_qs, self.pages.get(request.path))
        if page is None and request.path == "/robots.txt" and self.robots is not None:
            page = Page(self.robots, "text/plain")
        if page is None and request.path.startswith("/trap/"):
            page = TRAPS.get(request.path.split("/")[2])
        if page is None:
            page = Page(self.soft_404) if self.soft_404 else Page("<h1>404 Not Found</h1>", status=404)
        if callable(page):
            return await page(request, self)
        return _response(page if isinstance(page, Page) else Page(page), request)


def _response(page: Page, request: web.Request) -> web.Response:
    headers = dict(page.headers)
    if page.validators and page.status == 200:
        headers |= {"ETag": page.etag, "Last-Modified": format_datetime(CHANGED, usegmt=True)}
        known = request.headers.get("If-None-Match")
        if known == page.etag or (not known and request.if_modified_since and request.if_modified_since >= CHANGED):
            return web.Response(status=304, headers=headers)
    return web.Response(body=page.data, status=page.status, headers=headers | {"Content-Type": page.type})


@asynccontextmanager
async def site(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> AsyncGenerator[Site]:
    """A website that nothing but its traps is on yet."""
    made = Site()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        server = web.TCPSite(runner, host, 0, ssl_context=tls)
        await server.start()
        made.port = runner.addresses[0][1]
        made.url = f"{'https' if tls else 'http'}://{host}:{made.port}"
        yield made
    finally:
        await runner.cleanup()


@contextmanager
def serve_site() -> Generator[Site]:
    """`site()` in a thread."""
    ready, ended, found = threading.Event(), asyncio.Event(), list[Site]()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        async with site() as made:
            found.append(made)
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()


def png(red: int, green: int, blue: int, size: int = 32) -> bytes:
    """A square of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    rows = (b"\x00" + bytes((red, green, blue)) * size) * size
    header = struct.pack("!IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


NAME = "Harbour Bikes"
COLOUR = "#0a7d6c"
SHOP: dict[str, tuple[str, str]] = {
    "/": (
        "Bicycles at the old harbour",
        "Harbour Bikes rents and repairs bicycles at the old harbour. The shop opens at nine in the morning.",
    ),
    "/opening-hours": (
        "Opening hours",
        "We are open from nine to six, Monday to Saturday. On Sundays it is closed, in July open from ten to two.",
    ),
    "/prices": (
        "Prices",
        "A city bike costs 14 euros a day, a cargo bike 32 euros a day and an electric bike 28 euros.",
    ),
    "/repairs": (
        "Repairs",
        "A flat tyre is repaired for 12 euros while you wait. Larger repairs take two days and are guaranteed.",
    ),
    "/returns": (
        "Returns and refunds",
        "A booking that is cancelled one day ahead is refunded in full within five working days.",
    ),
    "/contact": ("Contact", "Call 040 555 0117, or write to hello@harbour-bikes.example. We answer within a day."),
    "/directions": (
        "How to find us",
        "Take tram 6 to the stop Old Harbour. The shop is at Quay 4, beside the lighthouse.",
    ),
    "/deposit": ("Deposit", "For each bicycle we keep a deposit of 50 euros, which you get back when you return it."),
    "/insurance": ("Insurance", "Theft insurance costs 3 euros a day. You pay the first 100 euros of a loss yourself."),
    "/helmets": ("Helmets and locks", "A helmet is 2 euros a day. A lock is lent with every bicycle free of charge."),
    "/children": (
        "Bicycles for children",
        "We have children's bicycles from 12 inches, and trailers for two children.",
    ),
    "/groups": ("Groups", "Groups of ten and more get 15 percent off when they book a week ahead."),
    "/tours": (
        "Guided tours",
        "A guided tour of the harbour starts every Friday at four and lasts two and a half hours.",
    ),
    "/blog/": ("Blog", "News from the workshop and the quay, written by Mara and Jon."),
    "/blog/winter": (
        "Bicycles in winter",
        "Let a little air out of the tyres when it is icy, and oil the chain each week.",
    ),
    "/blog/chain": (
        "How to clean a chain",
        "Use a dry cloth and a little degreaser. Never use a pressure washer on a chain.",
    ),
    "/blog/lights": (
        "Which lights are allowed",
        "A white light in front and a red one behind; blinking ones are not allowed.",
    ),
    "/jobs": ("Jobs", "We look for a mechanic for thirty hours a week. Write to jobs@harbour-bikes.example."),
    "/terms": ("Terms of rental", "Bicycles are rented to persons of 18 years and older. Bring an identity card."),
    "/about": ("About us", "Mara and Jon opened the shop in 2009 with eleven bicycles. Today there are two hundred."),
}
"""Title and text of each page."""


def shop(made: Site) -> Site:
    """Fills `made` with a shop of 20 pages, a sitemap index, a packed sitemap, robots.txt, icons and a colour."""
    for path in SHOP:
        made.pages[path] = shop_page(path)
        made.lastmod[path] = "2026-03-01"
    made.pages["/favicon.ico"] = Page(png(10, 125, 108), "image/x-icon")
    made.pages["/icon-180.png"] = Page(png(10, 125, 108, 180), "image/png")
    made.pages["/sitemap.xml"] = sitemap_index
    made.pages["/sitemap-pages.xml.gz"] = sitemap_pages
    made.pages["/cart"] = page(
        "Your basket", "There is nothing in your basket.", head='<meta name="robots" content="noindex">'
    )
    made.robots = f"User-agent: *\nDisallow: /admin/\nSitemap: {made.url}/sitemap.xml\n"
    return made


def shop_page(path: str, text: str = "") -> str:
    """The page at `path` of the shop, with another text if one is given."""
    title, usual = SHOP[path]
    head = f"""<meta property="og:site_name" content="{NAME}"><meta name="theme-color" content="{COLOUR}">
        <meta name="description" content="{usual.partition(".")[0]}."><link rel="canonical" href="{path}">
        <link rel="icon" href="/favicon.ico" sizes="32x32"><link rel="apple-touch-icon" href="/icon-180.png">"""
    return page(f"{title} | {NAME}", text or usual, head=head, heading=title, links=[*SHOP, "/cart", "/admin/"])


def page(title: str, text: str, *, head: str = "", heading: str = "", links: list[str] | None = None) -> str:
    """An ordinary page: a menu, a main text, a footer."""
    menu = "".join(f'<a href="{link}">{link.strip("/") or "Home"}</a> ' for link in links or [])
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{head}</head><body>
        <nav>{menu}</nav><main><h1>{heading or title}</h1><p>{text}</p></main><footer>Imprint</footer></body></html>"""


async def sitemap_index(_: web.Request, made: Site) -> web.Response:
    return _xml(
        f"<sitemapindex {_NAMESPACE}><sitemap><loc>{made.url}/sitemap-pages.xml.gz</loc></sitemap></sitemapindex>"
    )


async def sitemap_pages(_: web.Request, made: Site) -> web.Response:
    """Packed, and without saying so in its headers."""
    entries = "".join(
        f"<url><loc>{made.url}{path}</loc><lastmod>{day}</lastmod></url>" for path, day in made.lastmod.items()
    )
    body = gzip.compress(f"{_DECLARATION}<urlset {_NAMESPACE}>{entries}</urlset>".encode())
    return web.Response(body=body, content_type="application/gzip")


_NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


def _xml(body: str) -> web.Response:
    return web.Response(text=_DECLARATION + body, content_type="application/xml")
