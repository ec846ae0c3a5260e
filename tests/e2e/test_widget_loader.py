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


CLASHES = """() => {
  const boxes = [...document.querySelectorAll("[data-chatbot]")].flatMap(({ shadowRoot }) =>
    [...shadowRoot.querySelectorAll("button,aside")].filter(node => !node.closest("aside") || node.matches("aside")))
    .map(node => node.getBoundingClientRect());
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return boxes.filter((a, i) => boxes.some((b, j) => i < j && meet(a, b))).length;
}"""


@pytest.mark.parametrize("corner", ["bottom-right", "top-left"])
def test_a_bot_that_comes_later_stands_where_there_is_room(site: Site, corner: str) -> None:
    launchers = [{"corner": corner, "y": y} for y in (20, 50, 20)]
    first, second, third = (
        site.backend.add_bot([site.origin], name=f"Bot {at}", launcher=launcher)
        for at, launcher in enumerate(launchers)
    )
    page = site.visit(site.embed(first) + site.embed(second))
    page.wait_for_function("document.querySelectorAll('[data-chatbot]').length === 2")
    assert page.evaluate(CLASHES) == 0
    page.evaluate("id => ChatbotWidget.destroy(id)", first)
    add = "([src, botId]) => ChatbotWidget.add({src, botId})"
    for bot in (third, first):
        page.evaluate(add, [site.backend.url + "/widget/chatbot-widget.js", bot])
    page.wait_for_function("document.querySelectorAll('[data-chatbot]').length === 3")
    assert page.evaluate(CLASHES) == 0


@pytest.mark.parametrize("corner", ["bottom-right", "top-left"])
def test_messages_of_two_bots_cover_no_launcher_and_not_each_other(site: Site, corner: str) -> None:
    message = "Not sure which plant fits your window? Tell us about your room, and we suggest three of them."
    bots = [
        site.backend.add_bot(
            [site.origin], name=f"Bot {at}", launcher={"corner": corner, "message": message, "delay": at}
        )
        for at in range(2)
    ]
    page = site.visit(site.embed(bots[0]))
    page.get_by_role("status").wait_for()
    page.wait_for_timeout(400)
    alone, launcher = (
        page.get_by_role("status").bounding_box(),
        page.get_by_role("button", name="Chat: ").bounding_box(),
    )
    assert alone
    assert launcher
    gap = launcher["y"] - alone["y"] - alone["height"] if "bottom" in corner else alone["y"] - launcher["y"] - 56
    assert gap == pytest.approx(16, abs=0.5)
    # the second bot's launcher comes when the first one's message is there
    source = site.backend.url + "/widget/chatbot-widget.js"
    page.evaluate("([src, botId]) => ChatbotWidget.add({src, botId})", [source, bots[1]])
    page.wait_for_function("document.querySelectorAll('[data-chatbot]').length === 2")
    page.wait_for_timeout(300)
    assert page.evaluate(CLASHES) == 0
    expect(page.get_by_role("status")).to_have_count(2)
    page.wait_for_timeout(300)
    assert page.evaluate(CLASHES) == 0


def test_an_open_chat_stands_over_the_launcher_and_the_chat_of_another_bot(site: Site, bot: str) -> None:
    second = site.backend.add_bot([site.origin], name="Second")
    page = site.visit(site.embed(bot) + site.embed(second))
    page.get_by_role("button", name="Chat: Second").wait_for()
    over = """() => {
      const host = document.elementFromPoint(innerWidth - 40, innerHeight - 200);
      return host.shadowRoot.querySelector("dialog").ariaLabel;
    }"""
    for id, name in ((second, "Second"), (bot, "Fern & Oak"), (second, "Second")):
        page.evaluate("id => { ChatbotWidget.close(id); ChatbotWidget.open(id) }", id)
        expect(page.get_by_role("dialog", name=name)).to_be_visible()
        page.wait_for_timeout(300)
        assert page.evaluate(over) == name
    page.evaluate("id => ChatbotWidget.close(id)", second)
    page.wait_for_timeout(300)
    sends = """() => {
      const at = [innerWidth - 48, innerHeight - 116];
      return document.elementFromPoint(...at).shadowRoot.elementFromPoint(...at).title;
    }"""
    assert page.evaluate(sends) == "Fern & Oak", "the other bot's launcher does not cover what sends"


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
