"""One way to write an address, and rules that no pattern can make slow."""

import time

import pytest

from chatbot_saas.adapters.web.failures import AddressForbiddenError, AddressInvalidError
from chatbot_saas.adapters.web.guard import check_url
from chatbot_saas.adapters.web.traps import Variants, looks_endless
from chatbot_saas.adapters.web.urls import UrlRules, from_person, normalise, same_site

BASE = "https://shop.example/a/b?c=d"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("HTTPS://Shop.Example:443", "https://shop.example/"),
        ("http://shop.example.:80/x#y", "http://shop.example/x"),
        ("c", "https://shop.example/a/c"),
        ("../c/./d/../e/", "https://shop.example/c/e/"),
        ("/../../x", "https://shop.example/x"),
        ("/a/..", "https://shop.example/"),
        ("/a/.", "https://shop.example/a/"),
        ("?q=1", "https://shop.example/a/b?q=1"),
        ("#top", "https://shop.example/a/b?c=d"),
        ("", "https://shop.example/a/b?c=d"),
        ("//other.example/x", "https://other.example/x"),
        (" /with space \n", "https://shop.example/with%20space"),
        ("/line\nbreak", "https://shop.example/linebreak"),
        ("/käse?ö=ü", "https://shop.example/k%C3%A4se?%C3%B6=%C3%BC"),
        ("/%7euser/%c3%a4%2F", "https://shop.example/~user/%C3%A4%2F"),
        ("/100%", "https://shop.example/100%25"),
        ('/a"<b>', "https://shop.example/a%22%3Cb%3E"),
        ("/x?utm_source=a&id=5&UTM_Medium=b&gclid=c&fbclid=d", "https://shop.example/x?id=5"),
        ("/x?utm_source=a", "https://shop.example/x"),
        ("/x?b=2&a=1&&", "https://shop.example/x?b=2&a=1"),
        ("/x;jsessionid=ABC123?PHPSESSID=abc&page=2", "https://shop.example/x?page=2"),
        ("/x?sid=12", "https://shop.example/x?sid=12"),
        ("/x?sid=0123456789abcdef0123", "https://shop.example/x"),
        ("/x?", "https://shop.example/x"),
        ("http://127.1/", "http://127.0.0.1/"),
        ("http://[0:0::1]:8080/", "http://[::1]:8080/"),
        ("https://bücher.example", "https://xn--bcher-kva.example/"),
        ("mailto:a@b.example", ""),
        ("javascript:void(0)", ""),
        ("data:text/html,x", ""),
        ("tel:123", ""),
        ("ftp://shop.example/", ""),
        ("https://user@shop.example/", ""),
        ("http:relative", ""),
        ("http://", ""),
        ("/back\\slash", ""),
        ("http://[", ""),
        ("https://shop.example:99999/", ""),
        ("/" + "x" * 3000, ""),
        ("/\ud800", ""),
        ("http://ex\x00ample/", ""),
    ],
)
def test_normalise(given: str, expected: str) -> None:
    assert normalise(given, BASE) == expected
    if expected:
        assert normalise(expected) == expected, "it is normal now"


def test_what_people_type() -> None:
    assert from_person(" www.Shop.example ") == "https://www.shop.example/"
    assert from_person("shop.example/a b") == "https://shop.example/a%20b"
    assert from_person("http://shop.example") == "http://shop.example/"
    assert from_person("shop.example:443/x") == "https://shop.example/x"
    assert from_person("localhost:8000") == "http://localhost:8000/"
    assert from_person("127.0.0.1:8000/x") == "http://127.0.0.1:8000/x"
    for wrong in ("", "a b.example", "shop", "https://", "http//shop.example", "..", "user@shop.example"):
        with pytest.raises((AddressInvalidError, AddressForbiddenError)):
            check_url(from_person(wrong))
    with pytest.raises(AddressForbiddenError):
        from_person("file:///etc/passwd")


def test_same_site() -> None:
    assert same_site("https://shop.example/a", "http://www.shop.example/b")
    assert same_site("http://127.0.0.1:8000/a", "http://127.0.0.1:8000/b")
    for other in (
        "https://blog.shop.example/",
        "https://shop.example.evil.example/",
        "https://shop.example:8443/",
        "x",
        "",
    ):
        assert not same_site("https://shop.example/", other)
    assert not same_site("http://127.0.0.1:8000/a", "http://127.0.0.1:8001/a")


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/blog/*", "/blog/a/b", True),
        ("/blog/*", "/blog/", True),
        ("/blog/*", "/blog", True),
        ("/blog/*", "/blogs/a", False),
        ("/blog", "/blog", True),
        ("/blog/", "/blog", True),
        ("/blog", "/blog/a", False),
        ("blog/*", "/blog/a", True),
        ("*/print", "/a/b/print", True),
        ("*.pdf", "/files/a.PDF", True),
        ("*.pdf", "/a.pdf.html", False),
        ("/a*b*c", "/a1b2c", True),
        ("/a*b*c", "/acb", False),
        ("/ab*ba", "/aba", False),
        ("*", "/", True),
        ("/*page=2*", "/list?x=1&page=2&y", True),
        ("*?*", "/list?x=1", True),
        ("*?*", "/list", False),
        ("/list", "/list?x=1", True),
        ("/über-uns", "/%C3%BCber-uns", True),
        ("/a[bc]", "/ab", False),
        ("/a.c", "/abc", False),
        ("https://shop.example/blog/*", "/blog/x", True),
    ],
)
def test_patterns(pattern: str, path: str, matches: bool) -> None:
    url = f"https://shop.example{path}"
    assert UrlRules(include=(pattern,)).admits(url) is matches
    assert UrlRules(exclude=(pattern,)).admits(url) is not matches


def test_rules_together() -> None:
    rules = UrlRules(include=("/blog/*", "/docs/*", " "), exclude=("/blog/drafts/*",))
    assert rules.admits("https://shop.example/docs/a")
    assert not rules.admits("https://shop.example/blog/drafts/a")
    assert not rules.admits("https://shop.example/prices")
    assert UrlRules().admits("https://shop.example/anything")
    assert UrlRules(include=(" ",)).admits("https://shop.example/anything")


def test_no_pattern_takes_long() -> None:
    """What would take a backtracking matcher ages takes this one no time: a second is some thousand times enough."""
    url = "https://shop.example/" + "a" * 2000
    patterns = ["*a" * 250 + "*b", "*" * 500 + "b", "a*" * 250 + "b", "*aa" * 160 + "b*", "*?" * 200]
    started = time.perf_counter()
    for _ in range(20):
        assert not UrlRules(include=tuple(patterns)).admits(url)
    assert time.perf_counter() - started < 10


@pytest.mark.parametrize(
    "path",
    [
        "/calendar?month=2031-05",
        "/events?tribe-bar-date=2026-05-01",
        "/calendar/2026/05",
        "/kalender/2026/05/17/",
        "/events/day/2026-05-17",
        "/termine?jahr=2026&monat=5",
        "/archive/2085/01/",
        "/x?y=1&date=2026-01-01",
        "/a/b/a/b/a/b",
        "/en/en/en/page",
        "/a" * 20,
        "/x?visit_session=0123456789abcdef0123456789abcdef",
        "/x?sid=ab12cd34ef56ab12cd34",
        "/list?a=1&b=2&c=3&d=4&e=5&f=6&g=7",
        "/shop?add-to-cart=12",
        "/post?replytocom=7",
        "/x?" + "y" * 1500,
    ],
)
def test_what_goes_on_for_ever(path: str) -> None:
    assert looks_endless(f"https://shop.example{path}")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/calendar",
        "/blog/2024/05/how-to-clean-a-chain",
        "/blog/2024/05/",
        "/events/2026/summer-party",
        "/news/2026-05-17-we-open-in-july",
        "/list?page=3&sort=price",
        "/products/bike-2000",
        "/docs/docs/intro",
        "/article/2999",
        "/de/de/seite",
        "/1/1/1/1",
        "/article?id=0123456789",
        "/day-tours/harbour",
        "/law/1985/7",
        "/index.php?option=com_content&view=article&id=5&Itemid=12",
        "/a/b/c/d/e/f/g",
        "/month/offers",
    ],
)
def test_what_is_an_ordinary_page(path: str) -> None:
    assert not looks_endless(f"https://shop.example{path}")


def test_variants_of_a_page() -> None:
    variants = Variants(3)
    assert [variants.admits(f"https://shop.example/list?page={number}") for number in range(5)] == [True] * 3 + [
        False
    ] * 2
    assert variants.admits("https://shop.example/list?page=1")
    assert variants.admits("https://shop.example/other?page=9")
