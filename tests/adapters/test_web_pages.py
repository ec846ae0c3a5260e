"""What a page says of itself, of others, and whether it is a page at all."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatbot_saas.adapters.extraction import WebPage
from chatbot_saas.adapters.extraction.error_pages import is_error_page
from chatbot_saas.adapters.extraction.page import read_page
from chatbot_saas.adapters.extraction.process import ProcessExtractor
from chatbot_saas.adapters.processes import WorkerPool
from chatbot_saas.adapters.web.client import HttpWeb
from chatbot_saas.adapters.web.guard import AllowedHosts
from tests.factories.sites import ALLOW, COLOUR, SHOP, Site, page, shop, shop_page, site
from tests.factories.traps import CYRILLIC, GERMAN

URL = "https://www.shop.example/a/page.html?x=1"
LONG = " ".join(f"Sentence number {number} tells something about bicycles." for number in range(200))


def read(folder: Path, html: str | bytes, url: str = URL, charset: str = "utf-8") -> WebPage:
    path = folder / "page"
    path.write_bytes(html if isinstance(html, bytes) else html.encode())
    return read_page(str(path), url, charset)


def text(found: WebPage) -> str:
    assert found.extracted
    return found.extracted.text


@pytest.fixture
async def extractor() -> AsyncIterator[ProcessExtractor]:
    pool = WorkerPool(1)
    yield ProcessExtractor(pool)
    await pool.close()


async def fetched_page(extractor: ProcessExtractor, there: Site, folder: Path, path: str) -> WebPage:
    """As a crawl does it."""
    reader = HttpWeb(folder, allowed=AllowedHosts.parse(ALLOW))
    try:
        async with reader.fetch(there.url + path) as found:
            return await extractor.read_page(found.path, found.url, found.charset)
    finally:
        await reader.close()


async def test_a_page_of_the_shop(extractor: ProcessExtractor, tmp_path: Path) -> None:
    async with site() as there:
        shop(there)
        found = await fetched_page(extractor, there, tmp_path, "/opening-hours")
        assert (found.title, found.site_name, found.language) == ("Opening hours", "Harbour Bikes", "en")
        assert found.canonical == found.url == f"{there.url}/opening-hours"
        assert found.links == tuple(there.url + path for path in [*SHOP, "/cart", "/admin/"])
        assert found.colour == COLOUR
        assert found.icons == (f"{there.url}/icon-180.png", f"{there.url}/favicon.ico")
        assert found.description == "We are open from nine to six, Monday to Saturday."
        assert (found.noindex, found.nofollow) == (False, False)
        assert "On Sundays it is closed" in text(found)
        assert found.extracted
        assert found.extracted.title == "Opening hours"
        assert (await fetched_page(extractor, there, tmp_path, "/cart")).noindex


@pytest.mark.parametrize(
    ("path", "words"), [("latin1-as-utf8", GERMAN), ("cp1251-as-latin1", CYRILLIC), ("no-type", "A page")]
)
async def test_wrong_encodings(extractor: ProcessExtractor, tmp_path: Path, path: str, words: str) -> None:
    async with site() as there:
        assert words in text(await fetched_page(extractor, there, tmp_path, f"/trap/{path}"))


@pytest.mark.parametrize(
    ("encoding", "header", "meta"),
    [
        ("utf-8", "iso-8859-1", "windows-1251"),
        ("utf-8", "", ""),
        ("cp1251", "windows-1251", "utf-8"),
        ("cp1251", "windows-1251", ""),
        ("cp1251", "windows-1251", "iso-8859-1"),
        ("cp1251", "utf-8", "windows-1251"),
        ("cp1251", "", "windows-1251"),
        ("koi8-r", "koi8-r", "windows-1251"),
        ("utf-16", "", ""),
        ("cp1251", "windows-1251", "utf-16"),
        ("cp1251", "", "utf-16"),
        ("cp1251", "no-such-thing", "windows-1251"),
    ],
)
def test_who_is_believed_about_the_encoding(tmp_path: Path, encoding: str, header: str, meta: str) -> None:
    head = f'<meta charset="{meta}">' if meta else ""
    html = f"<html><head>{head}<title>Часы</title></head><body><p>{CYRILLIC}</p><p>{CYRILLIC}</p></body></html>"
    found = read(tmp_path, html.encode(encoding), charset=header)
    assert (found.title, text(found).partition("\n")[0]) == ("Часы", CYRILLIC)


def test_links(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """<base href="/base/"><meta http-equiv="Refresh" content="5; URL='/refreshed'"><body>text
        <a href="one">1</a> <a href="../two#x">2</a> <a href="one?utm_source=news">again</a> <a href="?q=ü x">3</a>
        <a href="//other.example/y">4</a> <a rel="Nofollow noopener" href="/no">n</a> <a href="mailto:a@b.c">m</a>
        <a href="javascript:alert(1)">j</a> <a href="/picture.JPG">p</a> <a href="/a.pdf">f</a> <a name="x">x</a>
        <a href="">self</a> <a href="http://[bad">b</a> <a href=" /space ">s</a> <map><area href="/area"></map>
        <a href="https://user:secret@www.shop.example/">u</a><iframe src="/frame"></iframe>""",
    )
    origin = "https://www.shop.example"
    assert found.links == (
        *(f"{origin}/refreshed", f"{origin}/base/one", f"{origin}/two", f"{origin}/base/?q=%C3%BC%20x"),
        *("https://other.example/y", f"{origin}/a.pdf", f"{origin}/space", f"{origin}/area"),
    )
    assert found.refresh == f"{origin}/refreshed"
    many = read(tmp_path, "".join(f'<a href="/{number}">x</a>' for number in range(30_000)))
    assert len(many.links) == 2000


def test_frames_and_foreign_bases(tmp_path: Path) -> None:
    found = read(tmp_path, '<html><frameset><frame src="menu.html"><frame src="main.html"></frameset></html>')
    assert found.links == ("https://www.shop.example/a/menu.html", "https://www.shop.example/a/main.html")
    assert read(tmp_path, '<base href="javascript:x"><a href="y">y</a>').links == ("https://www.shop.example/a/y",)


def test_canonical_addresses(tmp_path: Path) -> None:
    for href, expected in {
        "/a/": "https://www.shop.example/a/",
        "https://shop.example/b?utm_source=x": "https://shop.example/b",
        "https://elsewhere.example/": "",
        "javascript:x": "",
        "": "",
    }.items():
        assert read(tmp_path, f'<link rel="Canonical" href="{href}"><p>x').canonical == expected


def test_what_a_page_says_of_itself(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """<html lang="de_AT"><title>Zeiten – Shop</title><meta property="og:site_name" content=" Shop ">
        <meta name="ROBOTS" content="NOINDEX, nofollow"><meta property="og:description" content="Wann
        wir da sind"><meta name="theme-color" media="(prefers-color-scheme: dark)" content="#000">
        <meta name="theme-color" content="RGB(10, 125, 108)"><link rel="sitemap" href="/map.xml">
        <link rel="mask-icon" href="/mask.svg"><link rel="shortcut icon" href="/f.ico">
        <link rel="icon" sizes="16x16 48x48" href="/48.png"><link rel="apple-touch-icon" href="/touch.png">
        <link rel="icon" href="data:image/png;base64,xx"><p>Wir sind da.</p>""",
    )
    assert (found.title, found.language, found.colour) == ("Zeiten", "de-at", "#0a7d6c")
    assert (found.noindex, found.nofollow) == (True, True)
    assert found.description == "Wann wir da sind"
    assert found.sitemaps == ("https://www.shop.example/map.xml",)
    assert [icon.rpartition("/")[2] for icon in found.icons] == ["touch.png", "48.png", "f.ico"]
    assert read(tmp_path, '<meta name="footnote" content="none"><p>x').noindex
    assert not read(tmp_path, '<meta name="otherbot" content="none"><p>x').noindex


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ("#ABC", "#aabbcc"),
        ("#abcd", "#aabbcc"),
        ("#11223344", "#112233"),
        ("rgba(1,2,3,.5)", "#010203"),
        ("rgb(1 2 3)", "#010203"),
        ("rgb(300,0,0)", ""),
        ("red", ""),
        ("#12", ""),
        ("var(--x);}</style>", ""),
    ],
)
def test_colours(tmp_path: Path, colour: str, expected: str) -> None:
    assert read(tmp_path, f'<meta name="theme-color" content="{colour}"><p>x').colour == expected


@pytest.mark.parametrize(
    "html", ["", "   ", "<html></html>", "<script>app()</script><div id=root></div>", "<!-- nothing -->"]
)
def test_pages_without_text_are_no_error(tmp_path: Path, html: str) -> None:
    found = read(tmp_path, html)
    assert (found.extracted, found.title, found.links) == (None, "", ())
    assert found.icons == ("https://www.shop.example/favicon.ico",)


def test_a_page_without_title_has_the_name_of_its_address(tmp_path: Path) -> None:
    assert read(tmp_path, "<p>Text.").title == "page"
    assert read(tmp_path, "<p>Text.", "https://www.shop.example/").title == "www.shop.example"
    assert read(tmp_path, "<h2>First</h2><p>Text.").title == "First"


@pytest.mark.parametrize(
    ("title", "heading", "body"),
    [
        ("404 Not Found", "", "nginx"),
        ("Page not found | Shop", "Oops!", "Try the menu."),
        ("Shop", "This page doesn't exist", "Sorry."),
        ("Shop - Error 404", "Shop", "Sorry."),
        ("Seite nicht gefunden – Laden", "Laden", "Bitte suchen Sie."),
        ("Laden", "Die angeforderte Seite existiert nicht", "Bitte suchen Sie."),
        ("Page introuvable", "Oups", "Retournez."),
        ("Tienda", "Página no encontrada", "Lo sentimos."),
        ("Pagina niet gevonden", "", "Helaas."),
        ("Страница не найдена", "", "Извините."),
        ("ページが見つかりません", "", "申し訳ありません"),
        ("页面不存在", "", "抱歉"),
        ("404", "404", "Home"),
        ("503 Service Unavailable", "", "Later"),
        ("Just a moment...", "", "Checking your browser"),
        ("Shop", "404", "Home"),
    ],
)
def test_error_pages(tmp_path: Path, title: str, heading: str, body: str) -> None:
    assert is_error_page(read(tmp_path, f"<title>{title}</title><body><h1>{heading}</h1><p>{body}</p>"))


@pytest.mark.parametrize(
    ("title", "heading", "body"),
    [
        ("Opening hours", "Opening hours", "We open at nine."),
        ("My parcel was not found", "My parcel was not found", "Call us, and we look for it."),
        ("Peugeot 404", "Peugeot 404", "A car of the sixties."),
        ("How to handle 404 page not found errors", "How to", LONG),
        ("Highway 410", "Highway 410", "Exit at the harbour."),
        ("Room 404", "Room 404", "A room with a view."),
        ("Lost and found", "Lost and found", "What was found on our bicycles."),
        ("Seitenwind", "Seitenwind", "Nicht gefunden haben wir Wege ohne Wind."),
    ],
)
def test_pages_that_only_speak_of_such_things(tmp_path: Path, title: str, heading: str, body: str) -> None:
    assert not is_error_page(read(tmp_path, f"<title>{title}</title><body><h1>{heading}</h1><p>{body}</p>"))


def test_a_site_that_answers_everything_alike(tmp_path: Path) -> None:
    probe = read(
        tmp_path, page("Welcome", f"{LONG} You asked for /nothing-17 at 10:20."), "https://shop.example/nothing-17"
    )
    same = page("Welcome", f"{LONG} You asked for /moved-away at 10:21.")
    assert is_error_page(read(tmp_path, same, "https://shop.example/moved-away"), probe)
    assert not is_error_page(read(tmp_path, same, "https://shop.example/moved-away"))
    assert not is_error_page(read(tmp_path, same, "https://shop.example/"), probe), "the home page is a page"
    other = page("Prices", " ".join(f"Bicycle {number} costs {number} euros a day." for number in range(200)))
    assert not is_error_page(read(tmp_path, other, "https://shop.example/prices"), probe)
    empty = read(tmp_path, "<script></script>")
    assert not is_error_page(empty, probe)
    assert not is_error_page(probe, empty)


@pytest.mark.parametrize("path", list(SHOP))
def test_the_menu_of_a_short_page_is_no_text(tmp_path: Path, path: str) -> None:
    found = read(tmp_path, shop_page(path))
    assert SHOP[path][1] in text(found)
    assert "blog/winter" not in text(found)
