"""Sources that open at their quote and sentences that no source supports, in the widget and on a real page."""

import re

import pytest
from playwright.sync_api import expect

from chatbot_saas.services.text_fragments import link_to
from tests.e2e.widget_backend import SOURCES, Script
from tests.e2e.widget_site import Chat, Site

LINK = f"{SOURCES[0]['url']}#:~:text=You%20can%20return"
BEFORE, QUOTE, AFTER = "Orders. " * 35, SOURCES[0]["quote"], " Refunds take a week." * 15
PASSAGE = {"title": "Handbook", "page": 4, "link": LINK, "before": BEFORE, "quote": QUOTE, "after": AFTER}


def test_a_source_opens_at_its_quote(site: Site, bot: str) -> None:
    site.backend.scripts["return?"] = Script(["Within 30 days [1]."], SOURCES, passages={1: PASSAGE})
    row = site.open_chat(bot).ask("return?")
    expect(row.locator(".down")).to_be_visible()
    assert site.backend.called("/sources/") == []
    row.get_by_role("button", name="Show source 1").press("Enter")
    passage = row.get_by_role("region", name="Handbook")
    expect(passage.locator("mark")).to_have_text(QUOTE)
    expect(passage.locator("mark")).to_be_in_viewport()
    assert passage.evaluate("node => node.scrollTop") > 0
    expect(passage).to_contain_text("Refunds take a week.")
    expect(row.get_by_role("link", name="Open page")).to_have_attribute("href", LINK)
    summary = row.locator("summary").first
    summary.click()
    summary.click()
    assert len(site.backend.called("/sources/1")) == 1


def test_a_source_that_is_gone_keeps_its_quote(site: Site, bot: str) -> None:
    site.backend.scripts["return?"] = Script(["Within 30 days [1]."], SOURCES)
    row = site.open_chat(bot).ask("return?")
    expect(row.locator(".down")).to_be_visible()
    with row.page.expect_response(re.compile("/sources/1$")):
        row.get_by_role("button", name="Show source 1").click()
    expect(row.locator("blockquote").first).to_have_text(QUOTE)


def test_what_no_source_supports_is_marked(site: Site, bot: str) -> None:
    text = "😀 Within 30 days [1]. Ponies are **free** too.\n\n| Pony | Price |\n|---|---|\n| Big | 5 |\n"
    begin, row_begin = text.index("Ponies"), text.index("| Big")
    proof = [
        {"start": 0, "end": begin - 1, "supported": True, "source": 1},
        {"start": begin, "end": text.index("\n"), "supported": False, "source": None},
        {"start": row_begin, "end": len(text) - 1, "supported": False, "source": None},
    ]
    site.backend.scripts["pony?"] = Script([text[:20], text[20:]], SOURCES, proof=proof)
    chat = site.open_chat(bot)
    row = chat.ask("pony?")
    unsure = row.locator(".unsure")
    expect(unsure).to_have_text(["Ponies are ", "free", " too.", "Big", "5"])
    expect(unsure.first).to_have_attribute("title", "Not found in the sources")
    expect(row.locator("td")).to_have_count(2)
    expect(row.locator(".text p")).to_contain_text("(Not found in the sources)")
    assert not re.search("[\ue000\ue001]", row.inner_text())
    row.get_by_role("button", name="Show source 1").click()
    expect(row.locator("details").first).to_have_attribute("open", "")
    # and again from the history
    chat.page.reload()
    chat.page.get_by_role("button", name="Chat: Fern & Oak").click()
    expect(Chat(chat.page).answers.last.locator(".unsure")).to_have_count(5)


def test_marks_hold_in_hostile_markdown(site: Site, bot: str) -> None:
    parts = [
        "\U0001f469\u200d\U0001f680 Fly **free** \U0001f600.",
        "See https://shop.example/a.",
        "It is [<b>ours</b>](javascript:alert(1)) `a. \ue001b`.",
        "```\n<script>alert(1)</script>\n```",
        "- \ue000An ![img](https://evil.example/x.png) item\U0001f600",
        "Held up [1].",
    ]
    text = "\n\n".join(parts)
    proof = [
        {"start": text.index(part), "end": text.index(part) + len(part), "supported": part == parts[-1]}
        for part in [part.removeprefix("- ") for part in parts if "```" not in part]
    ]
    site.backend.scripts["fly?"] = Script([text], SOURCES, proof=proof)
    row = site.open_chat(bot).ask("fly?")
    expect(row.locator(".down")).to_be_visible()
    expect(row.locator(".unsure").first).to_be_visible()
    assert row.get_by_role("link", name="https://shop.example/a").get_attribute("href") == "https://shop.example/a"
    assert not re.search("[\ue000\ue001]|%EE%80", row.evaluate("node => node.innerHTML"))
    assert row.locator(".text script, .text img, .text b, .text [href^=javascript]").count() == 0
    marked = row.locator(".text > p").last.locator(".unsure")
    assert marked.count() == 0
    assert row.locator("pre .unsure").count() == 0
    expect(row.locator("pre")).to_have_text("<script>alert(1)</script>")
    assert "".join(row.locator(".text > p").first.locator(".unsure").all_inner_texts()) == parts[0].replace("*", "")
    expect(row.locator(".legend")).to_have_text("Not found in the sources")
    expect(row.locator("li .unsure").first).to_be_visible()
    assert site.said == []


def test_escape_closes_a_source_and_then_the_chat(site: Site, bot: str) -> None:
    passage = PASSAGE | {"before": "\n# Terms\n\nOf old.\n\n## Returns\n\n"}
    site.backend.scripts["return?"] = Script(["Within 30 days [1]."], SOURCES, passages={1: passage})
    chat = site.open_chat(bot)
    row = chat.ask("return?")
    expect(row.locator(".down")).to_be_visible()
    row.get_by_role("button", name="Show source 1").press("Enter")
    expect(row.locator(".passage b")).to_have_text(["Terms", "Returns"])
    expect(row.locator(".passage")).not_to_contain_text("#")
    chat.page.keyboard.press("Escape")
    expect(row.locator("details[open]")).to_have_count(0)
    expect(row.locator("summary").first).to_be_focused()
    expect(chat.page.get_by_role("dialog")).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(chat.page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_highlight_stays_readable(site: Site, mode: str) -> None:
    bot = site.backend.add_bot([site.origin], theme={"mode": mode})
    site.backend.scripts["return?"] = Script(["Within 30 days [1]."], SOURCES, passages={1: PASSAGE})
    row = site.open_chat(bot).ask("return?")
    expect(row.locator(".down")).to_be_visible()
    row.get_by_role("button", name="Show source 1").click()
    ratio = row.locator("mark").evaluate(
        """node => {
          const light = css => {
            const [r, g, b] = css.match(/[\\d.]+/g).map(v => (v / 255) ** 2.2);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
          };
          const style = getComputedStyle(node);
          const [low, high] = [light(style.color), light(style.backgroundColor)].sort((a, b) => a - b);
          return high / low;
        }"""
    )
    assert ratio >= 4.5


@pytest.mark.parametrize(
    "quote",
    [
        "Returns, exchanges & repairs cost 5-10 euros – that is all.",
        "The warranty begins on the day of the receipt and covers every part of the frame, the fork and the "
        "handlebar, but neither the tyres nor the brake pads, which wear out.",
        "| Eco | 50 °C |\n| Quick | 30 °C |",
    ],
)
def test_a_link_opens_the_page_at_the_quote(site: Site, quote: str) -> None:
    cells = "".join(
        f"<tr>{''.join(f'<td>{cell.strip()}</td>' for cell in line.strip('|').split('|'))}</tr>"
        for line in quote.split("\n")
        if line.startswith("|")
    )
    told = (
        f"<table>{cells}</table>" if cells else f"<p>{quote.replace('&', '&amp;').replace('fork', '<b>fork</b>')}</p>"
    )
    page = site.visit(f"<p style='height:3000px'>First</p>{told}<p style='height:3000px'>Last</p>")
    assert page.evaluate("!!document.fragmentDirective")
    link = link_to(site.origin + "/index", quote)
    page.goto("about:blank")
    page.goto(link or "")
    page.wait_for_function("scrollY > 1500")
