"""What crawlers fall into, each under /trap/<name> of a `sites.Site`; /trap/all links to every one of them."""

import asyncio
import gzip
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from tests.factories.sites import Site

Trap = Callable[[web.Request, "Site"], Awaitable[web.StreamResponse]]
TRAPS: dict[str, Trap] = {}

METADATA = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
TEN_GIGABYTES = 10 * 1024**3
CYRILLIC = "Открыто с девяти до шести, в воскресенье закрыто. Прокат велосипедов у старой гавани."
GERMAN = "Geöffnet von neun bis sechs; für größere Gruppen öffnen wir früher."
LINKS = (
    *("loop/a", "hops/5", "hops/40", "to-metadata", "to-loopback", "to-private", "to-file", "calendar?month=2026-01"),
    *("deeper/", "claims", "streams", "drip", "bomb", "hang", "cut", "latin1-as-utf8", "cp1251-as-latin1", "missing"),
    *("broken", "busy", "headers", "picture-as-page", "page-as-bytes", "copy?of=1", "copy?of=2", "refresh", "session"),
    *("cookie", "brotli", "no-type"),
)


def trap(name: str) -> Callable[[Trap], Trap]:
    def keep(function: Trap) -> Trap:
        TRAPS[name] = function
        return function

    return keep


def html(body: str, **more: Any) -> web.Response:
    return web.Response(text=f"<!doctype html><html><body>{body}</body></html>", content_type="text/html", **more)


def moved(to: str, status: int = 302) -> web.Response:
    return web.Response(status=status, headers={"Location": to})


@trap("all")
async def everything(request: web.Request, site: "Site") -> web.StreamResponse:
    links = "".join(f'<li><a href="/trap/{link}">{link}</a></li>' for link in LINKS)
    return html(f"<h1>Traps</h1><p>Each of these is a trap.</p><ul>{links}</ul>")


@trap("loop")
async def loop(request: web.Request, site: "Site") -> web.StreamResponse:
    return moved("/trap/loop/b" if request.path.endswith("/a") else "/trap/loop/a")


@trap("hops")
async def hops(request: web.Request, site: "Site") -> web.StreamResponse:
    """/trap/hops/3 forwards three times."""
    left = int(request.path.rpartition("/")[2])
    return moved(f"/trap/hops/{left - 1}", 301) if left else html("<h1>Arrived</h1><p>The end of the chain.</p>")


@trap("to")
async def to(request: web.Request, site: "Site") -> web.StreamResponse:
    """/trap/to?url=... forwards to any address."""
    return moved(request.query["url"])


@trap("to-metadata")
async def to_metadata(request: web.Request, site: "Site") -> web.StreamResponse:
    return moved(METADATA)


@trap("to-loopback")
async def to_loopback(request: web.Request, site: "Site") -> web.StreamResponse:
    return moved(f"http://[::1]:{site.port}/secret")


@trap("to-private")
async def to_private(request: web.Request, site: "Site") -> web.StreamResponse:
    return moved("http://10.0.0.1/")


@trap("to-file")
async def to_file(request: web.Request, site: "Site") -> web.StreamResponse:
    return moved("file:///etc/passwd")


@trap("calendar")
async def calendar(request: web.Request, site: "Site") -> web.StreamResponse:
    """Each month links to the next, for ever."""
    year, _, month = request.query.get("month", "2026-01").partition("-")
    following = int(year) * 12 + int(month)
    return html(
        f"<h1>Events in {year}-{month}</h1><p>Nothing happens this month.</p>"
        f'<a href="/trap/calendar?month={following // 12:04}-{following % 12 + 1:02}">Next month</a>'
    )


@trap("deeper")
async def deeper(request: web.Request, site: "Site") -> web.StreamResponse:
    """Links relative to itself make paths that grow."""
    return html(
        f"<h1>Deeper</h1><p>Level {request.path.count('/')}.</p><a href='more/'>more</a> <a href='less/'>less</a>"
    )


async def _stream(request: web.Request, piece: bytes, pause: float, headers: dict[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/html; charset=utf-8"} | headers)
    await response.prepare(request)
    while True:
        await response.write(piece)
        await asyncio.sleep(pause)


@trap("claims")
async def claims(request: web.Request, site: "Site") -> web.StreamResponse:
    """Says that it is 10 GB, and goes on as long as somebody listens."""
    return await _stream(request, b"<p>more</p>" * 1000, 0.01, {"Content-Length": str(TEN_GIGABYTES)})


@trap("streams")
async def streams(request: web.Request, site: "Site") -> web.StreamResponse:
    """As much without a word about its size."""
    return await _stream(request, b"<p>more</p>" * 20_000, 0.0, {})


@trap("drip")
async def drip(request: web.Request, site: "Site") -> web.StreamResponse:
    """A byte now and then: never silent, never done."""
    return await _stream(request, b".", 0.05, {})


@trap("hang")
async def hang(request: web.Request, site: "Site") -> web.StreamResponse:
    await asyncio.sleep(3600)
    return html("<h1>Late</h1>")


@trap("bomb")
async def bomb(request: web.Request, site: "Site") -> web.StreamResponse:
    """A few kB that unpack to 40 MB."""
    packed = await asyncio.to_thread(gzip.compress, b"<p>" + b"0" * 40_000_000, 1)
    headers = {"Content-Encoding": "gzip", "Content-Type": "text/html"}
    return web.Response(body=packed, headers=headers)


@trap("cut")
async def cut(request: web.Request, site: "Site") -> web.StreamResponse:
    """Ends before its time."""
    response = web.StreamResponse(headers={"Content-Type": "text/html", "Content-Length": "5000"})
    await response.prepare(request)
    await response.write(b"<h1>Cut")
    assert request.transport
    request.transport.close()
    return response


@trap("latin1-as-utf8")
async def latin1_as_utf8(request: web.Request, site: "Site") -> web.StreamResponse:
    body = f"<html><body><h1>Zeiten</h1><p>{GERMAN}</p></body></html>".encode("latin-1")
    return web.Response(body=body, headers={"Content-Type": "text/html; charset=utf-8"})


@trap("cp1251-as-latin1")
async def cp1251_as_latin1(request: web.Request, site: "Site") -> web.StreamResponse:
    """The header is the server's habit, the page itself is right."""
    page = f'<html><head><meta charset="windows-1251"></head><body><h1>Часы</h1><p>{CYRILLIC}</p></body></html>'
    return web.Response(body=page.encode("cp1251"), headers={"Content-Type": "text/html; charset=iso-8859-1"})


@trap("missing")
async def missing(request: web.Request, site: "Site") -> web.StreamResponse:
    """Not found, with status 200."""
    return html(
        "<title>Page not found - Shop</title><h1>Oops!</h1><p>We cannot find that page.</p><a href='/'>Home</a>"
    )


@trap("broken")
async def broken(request: web.Request, site: "Site") -> web.StreamResponse:
    return html("<h1>Internal Server Error</h1>", status=500)


@trap("busy")
async def busy(request: web.Request, site: "Site") -> web.StreamResponse:
    """429 at every first, third, fifth request; /trap/busy/60 asks for 60 seconds, always."""
    seconds = request.path.removeprefix("/trap/busy").strip("/")
    if seconds or site.hits[request.path] % 2:
        return html("Slow down", status=429, headers={"Retry-After": seconds or "1"})
    return html("<h1>Here</h1><p>Thank you for your patience.</p>")


@trap("headers")
async def headers(request: web.Request, site: "Site") -> web.StreamResponse:
    return html("<h1>Headers</h1>", headers={f"X-Filler-{number}": "x" * 4000 for number in range(200)})


@trap("picture-as-page")
async def picture_as_page(request: web.Request, site: "Site") -> web.StreamResponse:
    return web.Response(body=b"\x89PNG\r\n\x1a\n" + bytes(random.Random(1).randbytes(5000)), content_type="text/html")


@trap("page-as-bytes")
async def page_as_bytes(request: web.Request, site: "Site") -> web.StreamResponse:
    return web.Response(body=b"<html><h1>A page</h1></html>", content_type="application/octet-stream")


@trap("no-type")
async def no_type(request: web.Request, site: "Site") -> web.StreamResponse:
    response = web.Response(body=b"<!doctype html><h1>Untyped</h1><p>A page without a type.</p>")
    response.headers["Content-Type"] = ""
    return response


@trap("copy")
async def copy(request: web.Request, site: "Site") -> web.StreamResponse:
    """The same under every query."""
    return html('<link rel="canonical" href="/trap/copy"><h1>Copy</h1><p>The same page under many addresses.</p>')


@trap("refresh")
async def refresh(request: web.Request, site: "Site") -> web.StreamResponse:
    return html('<meta http-equiv="refresh" content="0; url=/trap/copy?from=refresh"><p>Please wait.</p>')


@trap("session")
async def session(request: web.Request, site: "Site") -> web.StreamResponse:
    """A new session in each link."""
    token = f"{random.Random(site.hits[request.path]).getrandbits(128):032x}"
    return html(f'<h1>Session</h1><p>Shop with session.</p><a href="/trap/session?visit_session={token}">go on</a>')


@trap("cookie")
async def cookie(request: web.Request, site: "Site") -> web.StreamResponse:
    """Forwards to itself until the visitor brings its cookie."""
    if request.cookies.get("seen") == "yes":
        return html("<h1>Welcome back</h1><p>You have a cookie.</p>")
    response = moved(request.path)
    response.set_cookie("seen", "yes")
    return response


@trap("brotli")
async def brotli(request: web.Request, site: "Site") -> web.StreamResponse:
    return web.Response(body=b"\x0b\x02\x80hello\x03", headers={"Content-Encoding": "br", "Content-Type": "text/html"})
