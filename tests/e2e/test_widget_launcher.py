"""How the chat stands on websites of another origin: launcher, pages without one, inline, and who visitors are."""

from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.widget_backend import Script
from tests.e2e.widget_site import Chat, Site, sites

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WIDE = {"viewport": {"width": 1440, "height": 900}}


@pytest.fixture(scope="module")
def _site() -> Iterator[Site]:
    with sites() as site:
        yield site


@pytest.fixture
def site(_site: Site) -> Iterator[Site]:
    _site.backend.calls.clear()
    _site.backend.scripts.clear()
    yield _site
    _site.close()


def add(site: Site, **launcher: Any) -> str:
    return site.backend.add_bot([site.origin], launcher=launcher)


def button(page: Page, label: str = "Chat") -> Any:
    return page.get_by_role("button", name=f"{label}: Fern & Oak")


@pytest.mark.parametrize("screen", [PHONE, WIDE], ids=["390", "1440"])
@pytest.mark.parametrize("corner", ["bottom-right", "bottom-left", "top-right", "top-left"])
def test_the_launcher_stands_in_its_corner_and_the_chat_beside_it(site: Site, corner: str, screen: Any) -> None:
    bot = add(site, corner=corner, x=30, y=50, label="Ask us", icon="question")
    page = site.visit(site.embed(bot), **screen)
    box = button(page, "Ask us").bounding_box()
    width, height = screen["viewport"]["width"], screen["viewport"]["height"]
    assert box["x"] == 30 if "left" in corner else box["x"] + box["width"] == pytest.approx(width - 30)
    assert box["y"] == 50 if "top" in corner else box["y"] + box["height"] == pytest.approx(height - 50)
    button(page, "Ask us").click()
    Chat(page)
    page.wait_for_timeout(300)
    chat = page.get_by_role("dialog").bounding_box()
    assert chat
    if screen is PHONE:
        assert (chat["x"], chat["y"], chat["width"], chat["height"]) == (0, 0, width, height)
    else:
        assert chat["y"] >= box["y"] + 56 if "top" in corner else chat["y"] + chat["height"] <= box["y"]
        assert chat["x"] == 30 if "left" in corner else chat["x"] + chat["width"] == pytest.approx(width - 30)


def test_pages_without_a_launcher_also_after_a_route_change(site: Site) -> None:
    bot = add(site, hidden=["/checkout/*", "/legal"])
    page = site.visit(site.embed(bot))
    button(page).click()
    Chat(page)
    for path, shown in {
        "/checkout": False,
        "/shop": True,
        "/checkout/pay": False,
        "/legal/": False,
        "/legal/x": True,
    }.items():
        page.evaluate("path => history.pushState({}, '', path)", path)
        expect(button(page)).to_be_visible(visible=shown)
        expect(page.get_by_role("dialog")).to_be_hidden()
    page.go_back()
    expect(button(page)).to_be_hidden()
    page.evaluate("ChatbotWidget.open()")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_without_the_navigation_api_route_changes_count_too(site: Site) -> None:
    bot = add(site, hidden=["/checkout"])
    page = site.visit(
        "<script>Object.defineProperty(window, 'navigation', {value: undefined})</script>" + site.embed(bot)
    )
    button(page).wait_for()
    page.evaluate("history.pushState({}, '', '/checkout')")
    expect(button(page)).to_be_hidden()
    assert "native code" in page.evaluate("String(history.pushState)"), "the website's own stays its own"


def test_a_message_comes_once_in_a_session_and_leaves_nothing_on_the_website(site: Site) -> None:
    bot = add(site, message="Not sure which one fits your window?", delay=0)
    page = site.visit(site.embed(bot))
    message = page.get_by_role("status").filter(has_text="Not sure")
    expect(message).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(message).to_be_hidden()
    expect(button(page)).to_be_focused()
    page.reload()
    button(page).wait_for()
    page.wait_for_timeout(600)
    expect(message).to_have_count(0)
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    ways = {"en": "Close chat", "de": "Schließen"}
    other = site.visit(site.embed(add(site, message="Not sure which one?", delay=0, close=ways)), locale="de-AT")
    expect(other.get_by_role("button", name="Schließen")).to_be_visible()
    other.get_by_role("button", name="Not sure").click()
    expect(other.get_by_role("dialog")).to_be_visible()
    expect(other.get_by_role("status").filter(has_text="Not sure")).to_have_count(0)


@pytest.mark.parametrize("target", ["", "#help"])
def test_inline_the_chat_fills_its_place(site: Site, target: str) -> None:
    bot = add(site)
    inside = '<div id="help" style="width:500px;height:560px"></div>'
    tag = site.embed(bot, f'data-mode="inline" {f"data-target={target}" if target else ""} defer')
    page = site.visit(
        f"<input autofocus>{inside if target else ''}<section style='width:500px;height:560px'>{tag}</section>"
    )
    chat = Chat(page)
    box = page.locator("iframe").bounding_box()
    assert box
    assert (box["width"], box["height"]) == (500, 560)
    expect(page.locator("input").first).to_be_focused()
    expect(chat.frame.get_by_role("button", name="Close chat")).to_be_hidden()
    expect(button(page)).to_have_count(0)
    expect(chat.ask("hi").locator(".text")).to_have_text("You said: hi")


def test_a_page_that_a_single_page_app_takes_away_and_puts_back_has_its_chat_again(site: Site) -> None:
    bot = add(site)
    tag = [f"{site.backend.url}/widget/v1/chatbot-widget.js", bot]
    page = site.visit("<main></main>")
    for text in ("one", "two"):
        page.evaluate(
            """([src, bot]) => {
              const place = Object.assign(document.createElement("div"), {id: "help", style: "height:560px"});
              const tag = Object.assign(document.createElement("script"), {src});
              Object.assign(tag.dataset, {botId: bot, mode: "inline", target: "#help"});
              document.querySelector("main").replaceChildren(place, tag);
            }""",
            tag,
        )
        expect(page.locator("iframe")).to_have_count(1)
        expect(Chat(page).ask(text).locator(".text")).to_have_text(f"You said: {text}")
    expect(Chat(page).frame.locator(".row.user")).to_have_count(2)
    assert site.said == []


def test_a_double_click_opens_the_chat(site: Site) -> None:
    page = site.visit(site.embed(add(site)))
    button(page).dblclick()
    Chat(page)
    expect(page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize("wish", ["reduce", "no-preference"])
def test_nothing_moves_where_the_visitor_wants_it_so(site: Site, wish: Any) -> None:
    site.backend.scripts["slow"] = Script([""] * 20, delay=0.2)
    page = site.visit(site.embed(add(site, message="Questions?", delay=0)), reduced_motion=wish)
    moving = "node => node.getAnimations({subtree: true}).length > 0"
    moves = wish == "no-preference"
    assert page.locator("aside").evaluate(moving) == moves
    button(page).click()
    assert page.get_by_role("dialog").evaluate(moving) == moves
    chat = Chat(page)
    chat.input.fill("slow")
    chat.input.press("Enter")
    assert chat.frame.locator(".dots").last.evaluate(moving) == moves


@pytest.mark.parametrize("way", ["attributes", "config", "module"])
def test_a_tag_manager_may_insert_it(site: Site, way: str) -> None:
    bot = add(site)
    page = site.visit("")
    page.evaluate(
        """([src, bot, way]) => {
          if (way === "config") window.chatbotWidget = {botId: bot};
          for (let times = 0; times < 2; times++) {
            const tag = document.createElement("script");
            tag.src = src + (way === "module" ? "?" + times : "");
            if (way !== "config") tag.dataset.botId = bot;
            if (way === "module") tag.type = "module";
            document.head.append(tag);
          }
        }""",
        [f"{site.backend.url}/widget/v1/chatbot-widget.js", bot, way],
    )
    button(page).click()
    expect(Chat(page).ask("hi").locator(".text")).to_have_text("You said: hi")
    expect(button(page)).to_have_count(1)
    page.evaluate("ChatbotWidget.destroy()")
    expect(button(page)).to_have_count(0)


def test_the_website_keeps_its_place_and_its_looks(site: Site) -> None:
    bot = add(site)
    long = "<p style='height:3000px'>Long</p><button id=own>Own</button>"
    page = site.visit(site.embed(bot, 'data-launcher="none" defer') + long)
    before = page.evaluate("[getComputedStyle(document.querySelector('#own')).cssText, document.body.innerHTML]")
    page.evaluate("scrollTo(0, 900)")
    page.evaluate("ChatbotWidget.open()")
    Chat(page)
    assert page.evaluate("scrollY") == 900
    expect(button(page)).to_be_hidden()
    page.evaluate("ChatbotWidget.close()")
    assert page.evaluate("scrollY") == 900
    assert (
        page.evaluate("[getComputedStyle(document.querySelector('#own')).cssText, document.body.innerHTML]") == before
    )
    assert page.evaluate("Object.keys(window).filter(name => /chatbot/i.test(name))") == ["ChatbotWidget"]


def test_who_is_signed_in_finds_their_conversation_on_another_device(site: Site) -> None:
    bot = add(site)
    ada, bob = (jwt.encode({"sub": sub, "aud": bot}, "x" * 32, algorithm="HS256") for sub in ("ada", "bob"))
    first = site.visit(site.embed(bot))
    first.evaluate("token => { ChatbotWidget.identify(token); ChatbotWidget.open() }", ada)
    expect(Chat(first).ask("mine").locator(".down")).to_be_visible()
    assert site.backend.called("/start")[0][2]["identity"] == ada
    second = site.visit(site.embed(bot))
    button(second).click()
    chat = Chat(second)
    expect(chat.answers).to_have_count(1)
    second.evaluate("token => ChatbotWidget.identify(token)", ada)
    expect(chat.answers.last.locator(".text")).to_have_text("You said: mine")
    second.evaluate("token => ChatbotWidget.identify(token)", bob)
    expect(chat.answers).to_have_count(1)
    expect(chat.ask("his").locator(".down")).to_be_visible()
    second.evaluate("ChatbotWidget.identify(null)")
    expect(chat.answers).to_have_count(1)
    expect(chat.frame.locator(".row.user")).to_have_count(0)


def test_an_identity_that_is_not_good_is_told_to_the_website_and_the_visitor_is_asked_to_sign_in(site: Site) -> None:
    page = site.visit(
        "<script>told = []; ChatbotWidget = {q: [['on', 'error', detail => told.push(detail.code)], "
        "['identify', 'expired'], ['open']]}</script>" + site.embed(add(site))
    )
    chat = Chat(page)
    chat.ask("hi")
    expect(chat.frame.get_by_role("alert")).to_have_text("Please sign in on this website.")
    page.wait_for_function("told.includes('identity_invalid')")


def test_addresses_that_stay(site: Site) -> None:
    bot = add(site)
    for path in ("chatbot-widget.js", f"frame?bot_id={bot}", "panel.js", f"once?bot_id={bot}"):
        first, second = (httpx.get(f"{site.backend.url}/widget/{version}{path}") for version in ("", "v1/"))
        assert first.status_code == second.status_code == 200, path
        assert first.content == second.content
        assert first.headers["etag"] == second.headers["etag"]
        again = httpx.get(str(second.url), headers={"If-None-Match": second.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    link = httpx.get(f"{site.backend.url}/widget/chat/{bot}")
    assert (link.status_code, link.headers["location"]) == (302, f"/widget/v1/frame?bot_id={bot}")
    page = site.page()
    page.goto(f"{site.backend.url}/widget/chat/{bot}")
    expect(Chat(page, page).ask("hi").locator(".text")).to_have_text("You said: hi")
