"""Sitemaps in every form that websites give them, and in some that attackers would."""

import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from chatbot_saas.adapters.web import SitemapEntry
from chatbot_saas.adapters.web.client import HttpWeb
from chatbot_saas.adapters.web.failures import AddressForbiddenError, PageGoneError, TooLargeError, UnreachableError
from chatbot_saas.adapters.web.guard import AllowedHosts
from chatbot_saas.adapters.web.sitemaps import SitemapUnreadableError, read_date
from tests.factories.sites import ALLOW, SHOP, Page, Site, shop, site

NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


@pytest.fixture
async def there() -> AsyncIterator[Site]:
    async with site() as made:
        yield made


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[HttpWeb]:
    made = HttpWeb(tmp_path, allowed=AllowedHosts.parse(ALLOW))
    yield made
    await made.close()


def urlset(*urls: str) -> str:
    return f"<urlset {NAMESPACE}>" + "".join(f"<url><loc>{url}</loc></url>" for url in urls) + "</urlset>"


def index(*urls: str) -> str:
    return f"<sitemapindex>{''.join(f'<sitemap><loc>{url}</loc></sitemap>' for url in urls)}</sitemapindex>"


def xml(text: str) -> Page:
    return Page(text, "application/xml")


def urls(entries: list[SitemapEntry]) -> list[str]:
    return [entry.url for entry in entries]


async def test_a_site_with_an_index_of_packed_sitemaps(there: Site, reader: HttpWeb) -> None:
    shop(there)
    entries = await reader.sitemap(f"{there.url}/prices")
    assert urls(entries) == [there.url + path for path in SHOP]
    assert entries[0].lastmod == datetime(2026, 3, 1, tzinfo=UTC)
    assert await reader.sitemap(f"{there.url}/sitemap.xml") == entries
    assert await reader.sitemap(f"{there.url}/sitemap-pages.xml.gz") == entries
    assert len(await reader.sitemap(there.url, limit=7)) == 7


async def test_usual_places_are_tried_where_robots_txt_names_none(there: Site, reader: HttpWeb) -> None:
    assert await reader.sitemap(there.url) == []
    there.pages["/sitemap_index.xml"] = xml(
        index("http://example.com:1/no", f"{there.url}/pages.xml", f"{there.url}/gone.xml")
    )
    there.pages["/pages.xml"] = xml(
        urlset(f"{there.url}/a", f"{there.url}/a#b", f"{there.url}/a?utm_source=x", "/c", "mailto:x")
    )
    assert urls(await reader.sitemap(there.url)) == [f"{there.url}/a"]


async def test_plain_lists_and_headers_that_mislead(there: Site, reader: HttpWeb) -> None:
    there.pages["/list.txt"] = Page(f"\ufeff{there.url}/a\r\n\r\nnonsense\n  {there.url}/b  \n", "text/plain")
    there.robots = f"Sitemap: {there.url}/list.txt\nSitemap: nonsense\nsitemap: {there.url}/list.txt"
    assert urls(await reader.sitemap(there.url)) == [f"{there.url}/a", f"{there.url}/b"]
    there.pages["/sitemap.txt"] = Page(gzip.compress(f"{there.url}/c".encode()), "text/html")
    assert urls(await reader.sitemap(f"{there.url}/sitemap.txt")) == [f"{there.url}/c"]


async def test_entries_in_every_form(there: Site, reader: HttpWeb) -> None:
    there.pages["/sitemap.xml"] = xml(
        f"""\n<?xml version="1.0"?><?xml-stylesheet href="x.xsl"?><!-- by hand -->
        <s:urlset xmlns:s="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="urn:image">
        <s:url><s:loc> {there.url}/one?a=1&amp;b=2 </s:loc><s:lastmod>2026-05-17T12:00:00+02:00</s:lastmod>
            <image:image><image:loc>{there.url}/picture</image:loc></image:image><image:loc>{there.url}/no</image:loc></s:url>
        <s:url><s:loc><![CDATA[{there.url}/two]]></s:loc><s:lastmod>yesterday</s:lastmod></s:url>
        <s:url><s:lastmod>2026-05-17</s:lastmod></s:url><s:url><s:loc/></s:url></s:urlset>"""
    )
    one, two = await reader.sitemap(f"{there.url}/sitemap.xml")
    assert one == SitemapEntry(f"{there.url}/one?a=1&b=2", datetime(2026, 5, 17, 10, tzinfo=UTC))
    assert two == SitemapEntry(f"{there.url}/two")


async def test_broken_xml_gives_its_addresses(there: Site, reader: HttpWeb) -> None:
    there.pages["/sitemap.xml"] = xml(urlset(f"{there.url}/a", f"{there.url}/b")[:-30])
    assert urls(await reader.sitemap(f"{there.url}/sitemap.xml")) == [f"{there.url}/a"]
    there.pages["/sitemap.xml"] = xml(urlset(f"{there.url}/a?b=1&c=2", f"{there.url}/d?e=1&amp;f=2"))
    assert urls(await reader.sitemap(f"{there.url}/sitemap.xml")) == [
        f"{there.url}/a?b=1&c=2",
        f"{there.url}/d?e=1&f=2",
    ]


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ("<!doctype html><title>x</title>", "text/html"),
        ("nothing of the kind", "text/plain"),
        ("<rss/>", "text/xml"),
        ("", "text/xml"),
    ],
)
async def test_what_is_no_sitemap(there: Site, reader: HttpWeb, body: str, media_type: str) -> None:
    there.pages["/sitemap.xml"] = Page(body, media_type)
    with pytest.raises(SitemapUnreadableError):
        await reader.sitemap(f"{there.url}/sitemap.xml")
    assert await reader.sitemap(there.url) == []


async def test_reasons(there: Site, reader: HttpWeb) -> None:
    with pytest.raises(PageGoneError):
        await reader.sitemap(f"{there.url}/sitemap.xml")
    with pytest.raises(AddressForbiddenError):
        await reader.sitemap("http://10.0.0.1/sitemap.xml")
    async with site() as gone:
        url = gone.url
    with pytest.raises(UnreachableError):
        await reader.sitemap(url)


async def test_entities_are_neither_fetched_nor_unfolded(there: Site, reader: HttpWeb, tmp_path: Path) -> None:
    secret = tmp_path.parent / "secret.txt"
    secret.write_text("the-secret")
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    there.pages["/sitemap.xml"] = xml(
        f"""<?xml version="1.0"?><!DOCTYPE urlset [
        <!ENTITY f SYSTEM "file://{secret}"><!ENTITY h SYSTEM "{there.url}/hit">
        <!ENTITY % p SYSTEM "{there.url}/hit">%p;<!ENTITY l0 "lol">{laughs}]>
        <urlset><url><loc>{there.url}/ok</loc></url><url><loc>{there.url}/&f;</loc></url>
        <url><loc>{there.url}/&h;&l9;</loc></url></urlset>"""
    )
    with pytest.raises(SitemapUnreadableError):
        await reader.sitemap(f"{there.url}/sitemap.xml")
    assert there.hits["/hit"] == 0
    secret.unlink()


async def test_sitemaps_without_end(there: Site, reader: HttpWeb) -> None:
    async def more(request: web.Request, made: Site) -> web.StreamResponse:
        number = made.hits[request.path]
        return web.Response(
            text=index(*(f"{made.url}/sitemap-x.xml?{number}-{child}" for child in range(30))), content_type="text/xml"
        )

    there.pages["/sitemap-x.xml"] = more
    assert await reader.sitemap(f"{there.url}/sitemap-x.xml") == []
    assert there.hits["/sitemap-x.xml"] <= 101
    there.pages["/sitemap.xml"] = xml(index(f"{there.url}/sitemap.xml", f"{there.url}/sitemap.xml"))
    assert await reader.sitemap(f"{there.url}/sitemap.xml") == []
    assert there.hits["/sitemap.xml"] == 1
    there.pages["/sitemap.xml"] = xml(urlset(*(f"{there.url}/{number}" for number in range(3000))))
    assert len(await reader.sitemap(f"{there.url}/sitemap.xml", limit=1000)) == 1000


async def test_a_packed_bomb(there: Site, reader: HttpWeb) -> None:
    bomb = gzip.compress(b"<urlset>" + b" " * 30_000_000, 1)
    there.pages["/sitemap.xml.gz"] = Page(bomb, "application/gzip")
    with pytest.raises(TooLargeError):
        await reader.sitemap(f"{there.url}/sitemap.xml.gz")


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2026", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-05", datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-17", datetime(2026, 5, 17, tzinfo=UTC)),
        ("2026-05-17T10:20Z", datetime(2026, 5, 17, 10, 20, tzinfo=UTC)),
        ("2026-05-17T10:20:30.5-01:00", datetime(2026, 5, 17, 11, 20, 30, 500_000, tzinfo=UTC)),
        ("2026-05-17T10:20:30", datetime(2026, 5, 17, 10, 20, 30, tzinfo=UTC)),
        ("2026-13-01", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("17 May 2026", None),
        ("", None),
    ],
)
def test_dates(text: str, date: datetime | None) -> None:
    assert read_date(text) == date


async def test_xml_without_end_or_depth(there: Site, reader: HttpWeb) -> None:
    for body in ("<urlset>" + "<x>" * 300_000, "<urlset><url><loc>" + "x" * 5_000_000):
        there.pages["/sitemap.xml"] = xml(body)
        assert await reader.sitemap(f"{there.url}/sitemap.xml") == []
