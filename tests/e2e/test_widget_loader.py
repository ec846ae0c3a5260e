"""The loader on websites of another origin, and what the routes under /widget send."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.widget_site import Chat, Site

UNKNOWN = "00000000-0000-7000-8000-000000000000"


# --- the loader


def test_nothing_but_loader_and_config_is_fetched_before_the_first_click(site: Site, bot: str) -> None:
    page = site.page()
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url.removeprefix(site.backend.url)))
    site.pages["index"] = site.embed(bot)
    page.goto(site.origin + "/index")
    page.get_by_role("button", name="Chat: Fern & Oak").wait_for()
    assert [url for url in fetched if url.startswith("/")] == [
        "/widget/chatbot-widget.js",
        f"/api/public/bot/{bot}/config",
    ]
    assert page.locator("iframe").count() == 0


@pytest.mark.parametrize("attributes", ["", "async", "defer", "type=module"])
def test_every_way_of_loading_shows_one_launcher(site: Site, bot: str, attributes: str) -> None:
    page = site.visit(site.embed(bot, attributes) * 2)
    page.get_by_role("button", name="Chat: Fern & Oak").wait_for()
    page.wait_for_timeout(150)
    assert page.get_by_role("button", name="Chat: Fern & Oak").count() == 1
    assert site.said == []


def test_a_website_that_is_not_allowed_reads_why_and_shows_nothing(site: Site) -> None:
    bot = site.backend.add_bot(["https://other.example"])
    page = site.visit(site.embed(bot))
    page.wait_for_timeout(400)
    warnings = [line for line in site.said if line.startswith("warning")]
    assert len(warnings) == 1
    assert f"Add {site.origin} to the bot's allowed origins" in warnings[0]
    assert page.get_by_role("button").count() == 0


def test_an_unknown_bot_and_a_missing_id_are_said_in_the_console(site: Site) -> None:
    page = site.visit(site.embed(UNKNOWN) + site.embed("").replace('data-bot-id=""', ""))
    page.wait_for_timeout(400)
    warnings = " ".join(line for line in site.said if line.startswith("warning"))
    assert f"There is no published bot {UNKNOWN}" in warnings
    assert "no data-bot-id" in warnings
    assert page.get_by_role("button").count() == 0


def test_two_bots_on_one_page_stand_above_each_other(site: Site, bot: str) -> None:
    second = site.backend.add_bot([site.origin], name="Second")
    page = site.visit(site.embed(bot) + site.embed(second))
    boxes = [page.get_by_role("button", name=f"Chat: {name}").bounding_box() for name in ("Fern & Oak", "Second")]
    assert boxes[0]
    assert boxes[1]
    assert abs(boxes[0]["y"] - boxes[1]["y"]) >= 56
    page.evaluate("id => ChatbotWidget.open(id)", second)
    expect(page.get_by_role("dialog", name="Second")).to_be_visible()
    page.evaluate("ChatbotWidget.destroy()")
    assert page.get_by_role("button").count() == 0


def test_hostile_css_and_a_strict_policy_of_the_website_change_nothing(site: Site, bot: str) -> None:
    own = site.backend.url
    policy = f"default-src 'none'; script-src {own}; connect-src {own}; frame-src {own}; img-src data:"
    css = "<style>body *{display:none!important;opacity:0!important} button{width:500px!important}</style>"
    for head in (f'<meta http-equiv="Content-Security-Policy" content="{policy}">', css):
        page = site.visit(site.embed(bot), head)
        box = page.get_by_role("button", name="Chat: Fern & Oak").bounding_box()
        assert box
        assert (box["width"], box["height"]) == (56, 56)
        page.get_by_role("button", name="Chat: Fern & Oak").click()
        expect(Chat(page).ask("hi").locator(".text")).to_have_text("You said: hi")
        assert not [line for line in site.said if "error" in line], site.said


def test_calls_made_before_the_file_arrives_are_kept(site: Site, bot: str) -> None:
    page = site.visit("<script>ChatbotWidget = {q: [['open']]}</script>" + site.embed(bot))
    expect(page.get_by_role("dialog", name="Fern & Oak")).to_be_visible()
    page.evaluate("ChatbotWidget.toggle()")
    expect(page.get_by_role("dialog", name="Fern & Oak")).to_be_hidden()


# --- what is sent


def test_the_frame_page_may_be_framed_by_its_bots_websites_only(site: Site) -> None:
    bot = site.backend.add_bot(
        [site.origin, "https://*.shop.example", "https://x.example; script-src *", "javascript:"]
    )
    answer = httpx.get(f"{site.backend.url}/widget/frame?bot_id={bot}")
    policy = answer.headers["content-security-policy"]
    assert policy.endswith(f"frame-ancestors 'self' {site.origin} https://*.shop.example")
    for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"):
        assert part in policy.split("; ")
    assert "unsafe" not in policy
    again = httpx.get(str(answer.url), headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    site.backend.origins[bot].append("https://new.example")
    assert httpx.get(str(answer.url), headers={"If-None-Match": answer.headers["etag"]}).status_code == 200


def test_parts_are_packed_and_cached_by_their_hash(site: Site, bot: str) -> None:
    page = httpx.get(f"{site.backend.url}/widget/frame?bot_id={bot}").text
    parts = re.findall(r'(?:src|href)="([\w-]+\.(?:js|css)\?v=\w+)"', page)
    assert [part.partition("?")[0] for part in parts] == ["frame.css", "frame.js"], "what frame.js imports is in it"
    for part in parts:
        answer = httpx.get(f"{site.backend.url}/widget/{part}", headers={"Accept-Encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    stale = httpx.get(f"{site.backend.url}/widget/frame.js?v=old")
    assert stale.headers["cache-control"] == "no-cache"
    loader = httpx.get(f"{site.backend.url}/widget/chatbot-widget.js")
    assert "max-age=300" in loader.headers["cache-control"]
    assert loader.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize(
    "path", [f"frame?bot_id={UNKNOWN}", "frame?bot_id=x", "frame", "demo", "README.md", "frame.html"]
)
def test_what_is_not_there_is_a_page_in_words(site: Site, path: str) -> None:
    answer = httpx.get(f"{site.backend.url}/widget/{path}")
    assert answer.status_code == 404
    assert "There is no chat at this address" in answer.text
