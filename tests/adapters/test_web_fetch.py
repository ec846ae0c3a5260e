"""Pages fetched from a real server on this machine, with everything that servers do wrong."""

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chatbot_saas.adapters.web import Fetched
from chatbot_saas.adapters.web.client import HttpWeb, Limits
from chatbot_saas.adapters.web.failures import (
    AddressForbiddenError,
    AnswerUnreadableError,
    NameNotFoundError,
    PageGoneError,
    PageLockedError,
    PortForbiddenError,
    RedirectInvalidError,
    SiteBrokenError,
    StatusError,
    TimedOutError,
    TlsError,
    TooBusyError,
    TooLargeError,
    TooManyRedirectsError,
    TypeUnreadableError,
    UnreachableError,
    WebError,
)
from chatbot_saas.adapters.web.guard import AllowedHosts, Lookup
from tests.factories.sites import ALLOW, Page, Site, site
from tests.factories.traps import TRAPS

QUICK = Limits(total=0.4, connect=2, silence=2, retry_after=1.5, max_bytes=5_000_000)
PATIENT = Limits(connect=5, silence=10, retry_after=1.5, max_bytes=5_000_000)


@pytest.fixture
async def there() -> AsyncIterator[Site]:
    async with site() as made:
        yield made


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[HttpWeb]:
    made = HttpWeb(tmp_path / "fetched", allowed=AllowedHosts.parse(ALLOW), limits=PATIENT)
    yield made
    await made.close()
    assert list((tmp_path / "fetched").iterdir()) == [], "nothing is left behind"


async def got(reader: HttpWeb, url: str, **more: str) -> tuple[Fetched, bytes]:
    async with reader.fetch(url, **more) as found:  # pyright: ignore[reportArgumentType]
        assert found.path.stat().st_size == found.size
        return found, found.path.read_bytes()


async def test_a_page(there: Site, reader: HttpWeb) -> None:
    there.pages["/über uns"] = Page("<h1>Über uns</h1>", "TEXT/HTML; Charset=UTF-8")
    found, body = await got(reader, f"{there.url}/über%20uns#team")
    assert found.url == f"{there.url}/%C3%BCber%20uns"
    assert (found.status, found.content_type, found.charset, found.is_page) == (200, "text/html", "utf-8", True)
    assert found.filename == "über uns.html"
    assert body.decode() == "<h1>Über uns</h1>"
    sent = there.requests[-1].headers
    assert sent["User-Agent"].startswith("Footnote/")
    assert "br" not in sent["Accept-Encoding"], "only what can be unpacked within limits is asked for"
    assert "Cookie" not in sent
    assert "Authorization" not in sent


async def test_an_unchanged_page_is_not_sent_again(there: Site, reader: HttpWeb) -> None:
    there.pages["/prices"] = "<h1>Prices</h1>"
    first, _ = await got(reader, f"{there.url}/prices")
    for conditions in ({"etag": first.etag}, {"last_modified": first.last_modified}):
        again, body = await got(reader, f"{there.url}/prices", **conditions)
        assert (again.status, again.modified, body) == (304, False, b"")
    there.pages["/prices"] = "<h1>New prices</h1>"
    changed, body = await got(reader, f"{there.url}/prices", etag=first.etag, last_modified=first.last_modified)
    assert changed.modified
    assert body == b"<h1>New prices</h1>"
    assert changed.etag not in ("", first.etag)


async def test_redirects_are_followed_to_their_end(there: Site, reader: HttpWeb) -> None:
    assert (await got(reader, f"{there.url}/trap/hops/5"))[0].url == f"{there.url}/trap/hops/0"
    assert b"Welcome back" in (await got(reader, f"{there.url}/trap/cookie"))[1]
    assert b"Welcome back" in (await got(reader, f"{there.url}/trap/cookie"))[1]
    assert there.hits["/trap/cookie"] == 4, "cookies live as long as one question"
    for endless in ("loop/a", "hops/40"):
        with pytest.raises(TooManyRedirectsError):
            await got(reader, f"{there.url}/trap/{endless}")


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("http://169.254.169.254/latest/", AddressForbiddenError),
        ("http://[fd00:ec2::254]/", AddressForbiddenError),
        ("http://metadata.google.internal/", AddressForbiddenError),
        ("http://10.0.0.1/", AddressForbiddenError),
        ("http://[::1]:{port}/secret", AddressForbiddenError),
        ("//0.0.0.0:{port}/secret", AddressForbiddenError),
        ("http://[::ffff:10.0.0.1]/", AddressForbiddenError),
        ("http://167772161/", AddressForbiddenError),
        ("http://user@127.0.0.1:{port}/secret", AddressForbiddenError),
        ("file:///etc/passwd", AddressForbiddenError),
        ("http://example.com:22/", PortForbiddenError),
        ("http://exa%20mple.com/", RedirectInvalidError),
        ("http://127.0.0.1\\@example.com/", RedirectInvalidError),
        ("http://", RedirectInvalidError),
    ],
)
async def test_redirects_lead_nowhere_else(there: Site, reader: HttpWeb, target: str, error: type[WebError]) -> None:
    there.pages["/away"] = Page("", status=302, headers={"Location": target.format(port=there.port)})
    with pytest.raises(error):
        await got(reader, f"{there.url}/away")
    assert "/secret" not in there.hits


async def test_an_allowed_host_does_not_open_others(there: Site, tmp_path: Path) -> None:
    """Neither by a redirect to another port, nor by a name whose address is allowed."""
    async with site() as other:
        other.pages["/secret"] = "<h1>Secret</h1>"
        there.pages["/away"] = Page("", status=302, headers={"Location": f"{other.url}/secret"})
        reader = HttpWeb(tmp_path, allowed=AllowedHosts.parse(f"127.0.0.1:{there.port}"), lookup=answering("127.0.0.1"))
        try:
            for url in (f"{there.url}/away", f"{other.url}/secret", f"http://evil.example:{there.port}/"):
                with pytest.raises(AddressForbiddenError):
                    await got(reader, url)
            with pytest.raises(AddressForbiddenError):
                await got(reader, "http://evil.example/")
        finally:
            await reader.close()
        assert not other.hits


def answering(*answers: str) -> Lookup:
    """A look-up that gives one answer after the other, the last for ever."""
    left = list(answers)

    async def lookup(host: str, port: int) -> list[str]:
        return [left.pop(0) if len(left) > 1 else left[0]]

    return lookup


async def test_a_name_that_changes_its_answer_gains_nothing(there: Site, tmp_path: Path) -> None:
    """What was looked up and checked is what is connected to; each new connection is a new look-up and check."""
    asked: list[str] = []
    answers = iter(["127.0.0.1", "127.0.0.1", "169.254.169.254", "10.0.0.1"])

    async def lookup(host: str, port: int) -> list[str]:
        asked.append(host)
        return [next(answers)]

    there.pages["/x"] = Page("<h1>x</h1>", headers={"Connection": "close"})
    there.pages["/robots.txt"] = Page("", "text/plain", headers={"Connection": "close"})
    reader = HttpWeb(tmp_path, allowed=AllowedHosts.parse("rebinding.example"), lookup=lookup)
    try:
        url = f"http://rebinding.example:{there.port}/x"
        assert (await got(reader, url))[1] == b"<h1>x</h1>"
        assert len(asked) == 2, "robots.txt and the page: one look-up each, and no second look"
        with pytest.raises(AddressForbiddenError):
            await got(reader, url)
        assert there.hits["/x"] == 1
    finally:
        await reader.close()
    closed = HttpWeb(tmp_path, lookup=answering("8.8.8.8", "127.0.0.1"))
    try:
        resolver = closed._resolver
        assert [found["host"] for found in await resolver.resolve("rebinding.example", 80)] == ["8.8.8.8"]
        with pytest.raises(AddressForbiddenError):
            await got(closed, "http://rebinding.example/")
    finally:
        await closed.close()


@pytest.mark.parametrize("path", ["claims", "streams", "bomb"])
async def test_a_body_without_end_is_left(there: Site, reader: HttpWeb, path: str) -> None:
    with pytest.raises(TooLargeError):
        await got(reader, f"{there.url}/trap/{path}")


async def test_a_body_as_large_as_allowed(there: Site, reader: HttpWeb) -> None:
    there.pages["/big"] = b"<p>" + b"x" * 997
    async with reader.fetch(f"{there.url}/big", max_bytes=1000) as found:
        assert found.size == 1000
    with pytest.raises(TooLargeError):
        async with reader.fetch(f"{there.url}/big", max_bytes=999):
            pass


@pytest.mark.parametrize("path", ["drip", "hang"])
async def test_slow_websites_have_a_deadline(there: Site, tmp_path: Path, path: str) -> None:
    reader = HttpWeb(tmp_path, allowed=AllowedHosts.parse(ALLOW), limits=QUICK)
    try:
        with pytest.raises(TimedOutError) as error:
            await got(reader, f"{there.url}/trap/{path}")
        assert error.value.retryable
    finally:
        await reader.close()


async def test_a_deadline_covers_all_redirects(there: Site, tmp_path: Path) -> None:
    async def slow(request: web.Request, _: Site) -> web.StreamResponse:
        await asyncio.sleep(0.15)
        return web.Response(status=302, headers={"Location": f"/slow?{there.hits['/slow']}"})

    there.pages["/slow"] = slow
    reader = HttpWeb(tmp_path, allowed=AllowedHosts.parse(ALLOW), limits=QUICK)
    try:
        with pytest.raises(TimedOutError):
            await got(reader, f"{there.url}/slow")
        assert there.hits["/slow"] <= 4
    finally:
        await reader.close()


@pytest.mark.parametrize(
    ("status", "error", "retryable"),
    [
        (404, PageGoneError, False),
        (410, PageGoneError, False),
        (401, PageLockedError, False),
        (403, PageLockedError, False),
        (429, TooBusyError, True),
        (500, SiteBrokenError, True),
        (503, SiteBrokenError, True),
        (418, StatusError, False),
        (300, StatusError, False),
        (304, StatusError, False),
    ],
)
async def test_statuses(there: Site, reader: HttpWeb, status: int, error: type[StatusError], retryable: bool) -> None:
    there.pages["/x"] = Page("" if status == 304 else "no", status=status)
    with pytest.raises(error) as raised:
        await got(reader, f"{there.url}/x")
    assert type(raised.value) is error
    assert (raised.value.status_code, raised.value.retryable) == (status, retryable)
    assert there.hits["/x"] == 1


async def test_a_busy_website_is_asked_again_once(there: Site, reader: HttpWeb) -> None:
    assert b"Thank you" in (await got(reader, f"{there.url}/trap/busy"))[1]
    assert there.hits["/trap/busy"] == 2
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=3000), usegmt=True)
    there.pages["/later"] = Page("", status=503, headers={"Retry-After": later})
    with pytest.raises(TooBusyError) as error:
        await got(reader, f"{there.url}/later")
    assert 2000 < error.value.retry_after <= 3000
    with pytest.raises(TooBusyError) as error:
        await got(reader, f"{there.url}/trap/busy/60")
    assert error.value.retry_after == 60
    assert there.hits["/trap/busy/60"] == 1


@pytest.mark.parametrize(("path", "error"), [("cut", AnswerUnreadableError), ("headers", AnswerUnreadableError)])
async def test_broken_answers(there: Site, reader: HttpWeb, path: str, error: type[WebError]) -> None:
    with pytest.raises(error):
        await got(reader, f"{there.url}/trap/{path}")


async def test_packed_bodies(there: Site, reader: HttpWeb) -> None:
    there.pages["/truncated"] = Page(packed("gzip", b"<p>" + b"abc" * 5000)[:-20], headers={"Content-Encoding": "gzip"})
    there.pages["/garbage"] = Page(b"not packed at all", headers={"Content-Encoding": "gzip"})
    for path in ("/truncated", "/garbage", "/trap/brotli"):
        with pytest.raises(AnswerUnreadableError):
            await got(reader, there.url + path)
    body = b"<p>" + b"abc" * 500_000
    for encoding, data in {
        "gzip": packed("gzip", body),
        "x-gzip": packed("gzip", body[:9]) + packed("gzip", body[9:]) + b"\x00" * 20,
        "deflate": packed("zlib", body),
        "Deflate": packed("raw", body),
        "identity": body,
    }.items():
        there.pages["/packed"] = Page(data, headers={"Content-Encoding": encoding})
        assert (await got(reader, f"{there.url}/packed"))[1] == body, encoding


def packed(how: str, data: bytes) -> bytes:
    packer = zlib.compressobj(wbits={"gzip": 31, "zlib": 15, "raw": -15}[how])
    return packer.compress(data) + packer.flush()


async def test_kinds_of_content(there: Site, reader: HttpWeb) -> None:
    names = {
        ("/a.pdf", "application/pdf"): "a.pdf",
        ("/download?id=5", "application/pdf"): "download.pdf",
        ("/a.pdf", "text/html"): "a.html",
        ("/a.docx", "application/octet-stream"): "a.docx",
        ("/notes.md", "text/plain"): "notes.md",
        ("/notes", "text/plain"): "notes.txt",
        ("/table.csv", "text/plain"): "table.csv",
        ("/index.php", "text/html"): "index.html",
        ("/", "text/html"): "page.html",
        ("/%2e%2e%2fetc%2fpasswd", "text/html"): "passwd.html",
    }
    for (path, media_type), name in names.items():
        there.pages[path.partition("?")[0].replace("%2e", ".").replace("%2f", "/")] = Page("content", media_type)
        assert (await got(reader, there.url + path))[0].filename == name, path
    there.pages["/get"] = Page(
        "x", "application/octet-stream", headers={"Content-Disposition": 'attachment; filename="../list.csv"'}
    )
    assert (await got(reader, f"{there.url}/get"))[0].filename == "list.csv"
    untyped, _ = await got(reader, f"{there.url}/trap/no-type")
    assert (untyped.content_type, untyped.is_page) == ("text/html", True)
    there.pages["/film"] = Page("x", "video/mp4")
    there.pages["/icon"] = Page("x", "image/png")
    for path in ("/film", "/icon", "/trap/page-as-bytes"):
        with pytest.raises(TypeUnreadableError):
            await got(reader, there.url + path)
    async with reader.fetch(f"{there.url}/icon", accept=("image/",)) as icon:
        assert icon.content_type == "image/png"


async def test_robots_tag(there: Site, reader: HttpWeb) -> None:
    there.pages["/x"] = Page("x", headers={"X-Robots-Tag": "otherbot: nosnippet, NoIndex , max-snippet:5"})
    assert (await got(reader, f"{there.url}/x"))[0].robots == {"noindex"}


async def test_nobody_there(tmp_path: Path) -> None:
    async with site() as gone:
        url = gone.url
    reader = HttpWeb(tmp_path, allowed=AllowedHosts.parse(ALLOW))
    try:
        with pytest.raises(UnreachableError):
            await got(reader, url)
        with pytest.raises(NameNotFoundError):
            await got(reader, "http://no-such-name.invalid/")
    finally:
        await reader.close()


async def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    async with site(tls=self_signed(tmp_path)) as there:
        reader = HttpWeb(tmp_path / "fetched", allowed=AllowedHosts.parse(ALLOW))
        try:
            with pytest.raises(TlsError):
                await got(reader, there.url)
        finally:
            await reader.close()
        assert not there.hits


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    (folder / "tls.pem").write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem")
    return context


async def test_every_trap_ends(there: Site, tmp_path: Path) -> None:
    """Each within the limits, with a page or with a reason."""
    reader = HttpWeb(tmp_path, allowed=AllowedHosts.parse(ALLOW), limits=QUICK)
    reasons: dict[str, str] = {}
    try:
        for trap in sorted(set(TRAPS) - {"drip", "hang", "busy", "bomb", "streams", "claims", "hops", "to"}):
            try:
                found, _ = await got(reader, f"{there.url}/trap/{trap}")
                assert found.url.startswith(there.url)
            except WebError as error:
                reasons[trap] = error.message
    finally:
        await reader.close()

    assert {"loop", "to-metadata", "to-loopback", "to-private", "to-file", "cut", "headers", "broken"} <= set(reasons)


async def test_a_caller_that_goes_away_leaves_nothing(there: Site, reader: HttpWeb) -> None:
    task = asyncio.create_task(got(reader, f"{there.url}/trap/drip"))
    await there.asked("/trap/drip")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    there.pages["/x"] = "<h1>x</h1>"
    assert (await got(reader, f"{there.url}/x"))[1] == b"<h1>x</h1>"
