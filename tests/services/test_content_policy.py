"""Policies as websites send them, and whether a browser would load the chat under them."""

import pytest

from chatbot_saas.services.content_policy import Policy, parse

CHAT = "https://chat.example"
LOADER = f"{CHAT}/widget/chatbot-widget.js"
PAGE = "https://shop.example/contact"


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("", True),
        ("img-src 'none'", True),
        ("default-src 'none'", False),
        ("default-src 'self'", False),
        ("default-src *", True),
        ("default-src https:", True),
        ("default-src http:", True),
        ("default-src data:", False),
        ("script-src https://chat.example", True),
        ("SCRIPT-SRC HTTPS://Chat.Example", True),
        ("script-src chat.example", True),
        ("script-src chat.example:443", True),
        ("script-src chat.example:8443", False),
        ("script-src chat.example:*", True),
        ("script-src http://chat.example", True),
        ("script-src http://chat.example:80", True),
        ("script-src *.example", True),
        ("script-src *.chat.example", False),
        ("script-src https://chat.example/widget/", True),
        ("script-src https://chat.example/widget", False),
        ("script-src https://chat.example/widget/chatbot-widget.js", True),
        ("script-src https://chat.example/other/", False),
        ("script-src chat.example.evil.example", False),
        ("script-src 'self'; script-src https://chat.example", False),
        ("script-src-elem https://chat.example; script-src 'none'", True),
        ("script-src https://chat.example; script-src-elem 'none'", False),
        ("script-src 'nonce-abc'", True),
        ("script-src 'nonce-other'", False),
        ("script-src 'strict-dynamic' 'nonce-abc'", True),
        ("script-src 'strict-dynamic' 'nonce-other' https://chat.example", False),
        ("script-src 'unsafe-inline'", False),
        ("script-src https://chat.example:99999999", False),
    ],
)
def test_scripts(policy: str, allowed: bool) -> None:
    assert Policy.parse(policy).allows("script-src", LOADER, PAGE, nonce="abc") is allowed


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("child-src https://chat.example", True),
        ("child-src https://chat.example; frame-src 'self'", False),
        ("default-src 'self'; frame-src chat.example", True),
    ],
)
def test_frames(policy: str, allowed: bool) -> None:
    assert Policy.parse(policy).allows("frame-src", f"{CHAT}/widget/frame", PAGE) is allowed


def test_self_is_the_page_and_its_safer_twin() -> None:
    policy = Policy.parse("script-src 'self'")
    assert policy.allows("script-src", "https://shop.example/x.js", PAGE)
    assert policy.allows("script-src", "https://shop.example/x.js", "http://shop.example/")
    assert not policy.allows("script-src", "http://shop.example/x.js", PAGE)


def test_a_policy_is_mended_by_the_directive_that_decides() -> None:
    policy = Policy.parse("default-src 'self' cdn.example; script-src 'none'")
    assert policy.mended("script-src", CHAT) == f"script-src {CHAT}"
    assert policy.mended("frame-src", CHAT) == f"frame-src 'self' cdn.example {CHAT}"
    for kind in ("script-src", "frame-src", "connect-src"):
        mended = Policy.parse(policy.mended(kind, CHAT))
        assert mended.allows(kind, f"{CHAT}/anything", PAGE)


def test_each_of_several_policies_counts() -> None:
    found = parse(["default-src *, script-src 'self'", "frame-src 'none'"])
    assert [one.deciding("script-src") for one in found] == ["default-src", "script-src", ""]
