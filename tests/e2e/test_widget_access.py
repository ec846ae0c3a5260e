"""axe finds nothing in the frame: light and dark, from right to left, on a phone, with everything opened."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Frame, expect

from tests.e2e import axe
from tests.e2e.widget_backend import SOURCES, Script
from tests.e2e.widget_site import Chat, Site

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LARGE = {"viewport": {"width": 1440, "height": 900}}
ANSWER = (
    "Within **30 days** [1].\n\n| Way | Days |\n|---|---|\n| Post | 30 |\n\n```\ncode\n```\n\n- one\n- two\n\n> said"
)


@pytest.fixture(scope="module")
def source() -> str:
    return axe.script()


@pytest.fixture
def site(site: Site) -> Site:
    passage = {1: {"before": "Before. ", "quote": SOURCES[0]["quote"], "after": " After."}}
    offers = {"choices": ["What else?"], "leave_message": True, "handoff": True}
    proof = [{"start": 0, "end": 6, "supported": False, "source": None}]
    site.backend.scripts["all"] = Script([ANSWER], SOURCES[:1], proof=proof, passages=passage, done=offers)
    return site


@pytest.mark.parametrize(
    ("size", "mode", "language"),  # each with each of the others once
    [({}, "light", "en"), (PHONE, "dark", "en"), (PHONE, "light", "ar"), (LARGE, "dark", "ar")],
    ids=["light-en", "390-dark-en", "390-light-ar", "1440-dark-ar"],
)
def test_axe_finds_nothing(site: Site, source: str, size: dict[str, Any], mode: str, language: str) -> None:
    widget = {"consent": {"text": "We keep what you write."}, "sound": True}
    theme = {"mode": mode, "color": "#0f766e"}
    bot = site.backend.add_bot([site.origin], widget, theme=theme, language=language, early=True)
    page = site.page(color_scheme=mode, reduced_motion="reduce", **size)
    page.goto(f"{site.backend.url}/widget/frame?bot_id={bot}")
    frame = page.main_frame
    seen: dict[str, list[str]] = {}

    def look(name: str) -> None:
        page.wait_for_timeout(200)
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=str(Path(folder) / f"access-{mode}-{language}-{len(size)}-{name}.png"))
        if found := axe.faults(frame, source):
            seen[name] = found

    go = page.locator(".go-on")
    go.wait_for()
    look("consent")
    go.click()
    page.locator("#input").fill("all")
    page.locator("#input").press("Enter")
    expect(page.locator(".quiet")).to_have_count(2)
    expect(page.locator(".down")).to_be_visible()
    look("answer")
    page.locator(".cite").first.click()
    expect(page.locator("mark")).to_be_visible()
    look("source")
    page.locator(".down").click()
    page.locator(".leave textarea").wait_for()
    look("reason")
    page.locator(".leave textarea").press("Escape")
    page.locator(".quiet").last.click()
    page.locator(".leave [name=email]").wait_for()
    page.locator(".leave .go-on").click()  # refused
    look("form")
    page.locator(".leave [name=email]").press("Escape")
    page.locator("#menu").click()
    page.locator("#panel .item").nth(3).wait_for()
    look("menu")
    page.locator("#panel .item").nth(1).click()
    page.locator("#panel li").first.wait_for()
    look("earlier")
    page.keyboard.press("Escape")
    page.locator("#menu").click()
    page.locator("#panel .item").nth(3).click()
    page.locator(".stars").wait_for()
    look("rating")
    assert seen == {}
    assert frame.evaluate("document.dir") == ("rtl" if language == "ar" else "")
    assert no_overflow(frame)


def no_overflow(frame: Frame) -> bool:
    return frame.evaluate("document.documentElement.scrollWidth <= innerWidth && log.scrollWidth <= log.clientWidth")


@pytest.mark.parametrize("language", ["de", "fr", "es", "it", "pt", "nl", "pl", "tr", "ru", "ar", "he", "zh", "ja"])
def test_the_window_speaks_the_visitors_language(site: Site, language: str) -> None:
    bot = site.backend.add_bot([site.origin], language="auto")
    page = site.page(locale=language, viewport={"width": 390, "height": 700})
    page.goto(f"{site.backend.url}/widget/frame?bot_id={bot}")
    expect(page.locator("html")).to_have_attribute("lang", language)
    assert page.evaluate("document.dir") == ("rtl" if language in ("ar", "he") else "")
    page.locator("#menu").click()
    expect(page.locator("#panel .item")).to_have_count(3)
    assert "New conversation" not in page.locator("#panel").inner_text()
    assert no_overflow(page.main_frame)


def test_the_answer_is_announced_as_a_whole(site: Site) -> None:
    site.backend.scripts["slow"] = Script(["word "] * 20, delay=0.02)
    chat: Chat = site.open_chat(site.backend.add_bot([site.origin]))
    live = chat.frame.locator("#live")
    live.evaluate(
        "node => { window.heard = []; new MutationObserver(() => heard.push(node.textContent))"
        ".observe(node, {childList: true}); }"
    )
    expect(chat.ask("slow").locator(".down")).to_be_visible()
    assert live.evaluate("() => window.heard") == ["Writing…", " ".join(["word"] * 20)]
