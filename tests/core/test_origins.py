"""Which websites a list of origins and patterns lets in."""

import pytest

from chatbot_saas.core.origins import allows, normal_origin, origin_pattern

ALLOWED = ["https://shop.example", "https://*.shop.example", "http://dev.example:8080", "https://xn--mller-kva.example"]


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("https://Shop.EXAMPLE/", "https://shop.example"),
        (" https://shop.example:443 ", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("http://shop.example:8080", "http://shop.example:8080"),
        ("https://Müller.example", "https://xn--mller-kva.example"),
        ("https://*.Shop.example", "https://*.shop.example"),
        ("https://*.shop.example:8443", "https://*.shop.example:8443"),
        ("https://*.müller.example", "https://*.xn--mller-kva.example"),
    ],
)
def test_what_is_typed_becomes_what_a_browser_sends(typed: str, normal: str) -> None:
    assert origin_pattern(typed) == normal
    assert origin_pattern(normal) == normal


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "null", "*", "https://*", "https://*.example", "https://*.*.shop.example", "https://shop.*"),
        *("https://a*.shop.example", "*.shop.example", "ftp://shop.example", "https://shop.example/path"),
        *("https://shop.example.", "https://user@shop.example", "https://@shop.example", "https://shop.example?x"),
        *("https://shop.example#x", "https://shop..example", "https://-shop.example", "https://*.0.0.1"),
        *("https://*.127.0.0.1", "javascript://shop.example", "https://shop.example:x", "https://shop.example:99999"),
    ],
)
def test_what_is_no_website_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"looks like|Name the domain"):
        origin_pattern(wrong)


@pytest.mark.parametrize(
    ("origin", "known"),
    [
        ("https://shop.example", True),
        ("https://www.shop.example", True),
        ("https://a.b.shop.example", True),
        ("http://dev.example:8080", True),
        ("https://xn--mller-kva.example", True),
        ("http://shop.example", False),
        ("https://shop.example:8443", False),
        ("https://www.shop.example:8443", False),
        ("https://shop.example.", False),
        ("https://evilshop.example", False),
        ("https://shop.example.evil.example", False),
        ("https://evil.example/.shop.example", False),
        ("https://.shop.example", False),
        ("https://*.evil.example", False),
        ("null", False),
        ("", False),
        ("http://dev.example", False),
        ("http://localhost:3000", False),
    ],
)
def test_who_is_let_in(origin: str, *, known: bool) -> None:
    assert allows(ALLOWED, origin) is known
    assert not allows([], origin)


@pytest.mark.parametrize(
    ("origin", "local"),
    [
        ("http://localhost", True),
        ("http://localhost:5173", True),
        ("https://shop.localhost:8443", True),
        ("http://127.0.0.1:8000", True),
        ("http://[::1]:8000", True),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://evil.example:80#localhost", False),
        ("http://0.0.0.0:8000", False),
        ("file://localhost", False),
        ("null", False),
    ],
)
def test_the_visitors_own_machine_is_a_switch(origin: str, *, local: bool) -> None:
    assert allows([], origin, local=True) is local
    assert not allows([], origin)


def test_a_website_cannot_claim_a_pattern() -> None:
    with pytest.raises(ValueError, match="looks like"):
        normal_origin("https://*.shop.example")
