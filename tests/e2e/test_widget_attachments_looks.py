"""How a visitor's files look and what is said of them, for everybody: contrast, sizes, languages."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, expect

from chatbot_saas.adapters.extraction.kinds import ENDINGS
from chatbot_saas.api.widget import FOLDER
from chatbot_saas.schemas.widget import INTERFACE_LANGUAGES
from tests.e2e import axe
from tests.e2e.widget_backend import Script
from tests.e2e.widget_files import BILL, NOTE, PHOTO, add, added, make_bot, site
from tests.e2e.widget_site import Site

__all__ = ["site"]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LARGE = {"viewport": {"width": 1440, "height": 900}}
LONG = FilePayload(name="A very long name of a manual that nobody reads to its end.pdf", mimeType="", buffer=b"slow")


@pytest.mark.parametrize(
    ("size", "mode", "language"),
    [(PHONE, "light", "en"), (PHONE, "dark", "ar"), (LARGE, "light", "ar"), (LARGE, "dark", "de")],
    ids=["390-light-en", "390-dark-ar", "1440-light-ar", "1440-dark-de"],
)
def test_axe_finds_nothing(site: Site, size: dict[str, Any], mode: str, language: str) -> None:
    own = {"title": "bill.pdf", "page": 3, "url": "", "quote": "30 euros", "attachment": True}
    site.backend.scripts["pay?"] = Script(["30 euros [1]."], [own])
    bot = make_bot(site, theme={"mode": mode, "color": "#0f766e"}, language=language)
    page = site.page(color_scheme=mode, reduced_motion="reduce", **size)
    page.goto(f"{site.backend.url}/widget/frame?bot_id={bot}")
    source, frame = axe.script(), page.main_frame

    def look(name: str) -> None:
        page.wait_for_timeout(200)
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=str(Path(folder) / f"files-{mode}-{language}-{len(size)}-{name}.png"))
        assert axe.faults(frame, source) == [], name
        small = page.evaluate(
            """() => [...document.querySelectorAll("form button")].filter(node => node.checkVisibility()).map(node => {
              const {width, height} = node.getBoundingClientRect();
              return width >= 24 && height >= 24 && (node.ariaLabel || node.textContent) ? "" : node.outerHTML;
            }).filter(Boolean)"""
        )
        assert small == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth && log.scrollWidth <= log.clientWidth")

    for file, fault in ((NOTE, 0), (PHOTO, 422), (LONG, 500), (BILL, "hang")):
        site.backend.file_faults.append(fault)
        with page.expect_file_chooser() as chosen:
            page.locator("#box .icon").click()
        chosen.value.set_files([file])
        expect(page.locator("form .files li").last).not_to_have_text(file["name"])
        page.wait_for_timeout(200)
    look("tray")
    page.locator("#input").fill("pay?")
    page.locator("#send").click()
    expect(page.locator(".row.user .files li")).to_have_count(3)
    expect(page.locator(".down")).to_be_visible()
    look("sent")


@pytest.mark.parametrize("language", [one for one in INTERFACE_LANGUAGES if one != "en"])
def test_the_files_words_are_the_visitors_own(site: Site, language: str) -> None:
    page = site.page(locale=language, viewport={"width": 390, "height": 700})
    page.goto(f"{site.backend.url}/widget/frame?bot_id={make_bot(site, language='auto')}")
    clip = page.locator("#box .icon")
    clip.wait_for()
    assert clip.get_attribute("title") not in ("Add a file", "", None)


def test_the_owners_words_come_first(site: Site) -> None:
    texts = {"attach": "Show us your bill", "about": "What do I owe?"}
    chat = site.open_chat(make_bot(site, {"texts": texts}))
    add(chat, BILL, name="Show us your bill")
    added(chat)
    chat.frame.get_by_role("button", name="Send").click()
    expect(chat.frame.locator(".row.user .bubble")).to_contain_text("What do I owe?")


def test_what_can_be_chosen_is_what_the_server_reads() -> None:
    found = re.search(r'KINDS = "([^"]+)"', (FOLDER / "attach.js").read_text("utf-8"))
    assert found
    assert set(found[1].split(",")) <= set(ENDINGS)
