"""The chat in the iframe, in a real browser, against a stand-in for the public routes."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.widget_backend import SOURCES, Script
from tests.e2e.widget_site import Chat, Site

# --- handshake and tokens


def test_the_frame_learns_the_website_from_the_browser_not_from_the_message(site: Site, bot: str) -> None:
    chat = site.open_chat(bot)
    page = chat.page
    page.evaluate(
        """() => {
          const frame = document.querySelector("[data-chatbot]").shadowRoot.querySelector("iframe");
          frame.contentWindow.postMessage({type: "chatbot:hello", origin: "https://evil.example", config: {}}, "*");
        }"""
    )
    expect(chat.ask("hi").locator(".text")).to_have_text("You said: hi")
    start = site.backend.called("/start")
    assert [call[2] for call in start] == [{"parent_origin": site.origin}]
    asked = site.backend.called("/api/public/chat/")[0]
    assert asked[3]["authorization"].startswith("Bearer ")
    assert asked[3]["origin"] == site.backend.url
    assert set(asked[2]) == {"conversation_id", "message", "client_message_id"}


def test_a_message_from_another_window_is_not_a_hello(site: Site, bot: str) -> None:
    # A frame beside ours, of the same website, claims to be the parent: the frame under test must go on waiting.
    page = site.visit(
        f'<iframe name="chat" src="{site.backend.url}/widget/frame?bot_id={bot}"></iframe>'
        '<iframe name="other" srcdoc=\'<script>setInterval(() => parent.frames.chat.postMessage('
        '{type: "chatbot:hello", config: {name: "Evil"}}, "*"), 50)</script>\'></iframe>'
    )
    page.wait_for_timeout(600)
    assert page.frame_locator("[name=chat]").locator("main").is_hidden()


def test_the_frame_alone_and_in_a_preview_uses_our_own_origin(site: Site, bot: str) -> None:
    page = site.page()
    page.goto(f"{site.backend.url}/widget/frame?bot_id={bot}")
    chat = Chat(page, page)
    expect(page.get_by_role("button", name="Close chat")).to_be_hidden()
    expect(chat.ask("hi").locator(".text")).to_have_text("You said: hi")
    assert site.backend.called("/start")[-1][2] == {"parent_origin": site.backend.url}


def test_a_plain_iframe_learns_the_website_from_the_browser_and_leaves_the_focus_there(site: Site, bot: str) -> None:
    page = site.visit(f'<input autofocus><iframe src="{site.backend.url}/widget/frame?bot_id={bot}"></iframe>')
    chat = Chat(page)
    assert page.evaluate("document.activeElement.tagName") == "INPUT"
    expect(chat.ask("hi").locator(".text")).to_have_text("You said: hi")
    assert site.backend.called("/start")[-1][2] == {"parent_origin": site.origin}


def test_the_demo_page_carries_the_embed_line(site: Site, bot: str) -> None:
    page = site.page()
    page.goto(f"{site.backend.url}/widget/demo?bot_id={bot}")
    page.get_by_role("button", name="Chat: Fern & Oak").click()
    expect(Chat(page).ask("hi").locator(".text")).to_have_text("You said: hi")
    assert site.said == []


# --- answers


def test_an_answer_streams_with_sources_and_thumbs(site: Site, bot: str) -> None:
    site.backend.scripts["return?"] = Script(["Within ", "**30", " days** [1]", "."], SOURCES)
    chat = site.open_chat(bot)
    row = chat.ask("return?")
    expect(row.locator(".text strong")).to_have_text("30 days")
    card = row.locator("details").first
    expect(card).not_to_have_attribute("open", "")
    row.get_by_role("button", name="Show source 1").click()
    expect(card).to_have_attribute("open", "")
    expect(card.locator("blockquote")).to_have_text(SOURCES[0]["quote"])
    expect(card.locator("summary")).to_contain_text("page 4")
    expect(card.locator("a")).to_have_attribute("href", SOURCES[0]["url"])
    hostile = row.locator("details").nth(1)
    hostile.locator("summary").click()
    expect(hostile.locator("blockquote")).to_have_text(SOURCES[1]["quote"])
    assert hostile.locator("a, img, b b").count() == 0

    row.get_by_role("button", name="Helpful", exact=True).click()
    expect(row.get_by_role("button", name="Helpful", exact=True)).to_have_attribute("aria-pressed", "true")
    rated = site.backend.called("/feedback")[0]
    assert rated[2]["rating"] == 1
    assert rated[2]["message_id"] in site.backend.made.values()


def test_a_dropped_stream_goes_on_where_it_broke(site: Site, bot: str) -> None:
    site.backend.scripts["long"] = Script(["one ", "two ", "three ", "four"], faults=["drop", 503, "drop"])
    row = site.open_chat(bot).ask("long")
    expect(row.locator(".down")).to_be_visible(timeout=15000)
    expect(row.locator(".text")).to_have_text("one two three four")
    calls = site.backend.called("/api/public/chat/")
    assert len({call[2]["client_message_id"] for call in calls}) == 1
    assert [call[3].get("last-event-id") for call in calls] == [None, "2", "2", "4"]


def test_a_connection_without_heartbeats_is_given_up(site: Site, bot: str) -> None:
    site.backend.scripts["long"] = Script(["one ", "two"], faults=["hang"])
    page = site.visit(site.embed(bot))
    page.clock.install()
    page.get_by_role("button", name="Chat: Fern & Oak").click()
    chat = Chat(page)
    row = chat.ask("long")
    for _ in range(20):  # the hands of the clock, until the answer is there
        page.clock.run_for(5000)
        if row.locator(".down").count():
            break
    expect(row.locator(".text")).to_have_text("one two")
    assert [call[3].get("last-event-id") for call in site.backend.called("/api/public/chat/")] == [None, "1"]


def test_after_a_few_tries_the_visitor_may_try_again(site: Site, bot: str) -> None:
    site.backend.scripts["hm"] = Script(["fine"], faults=[503] * 5)
    chat = site.open_chat(bot)
    chat.ask("hm")
    alert = chat.frame.get_by_role("alert")
    expect(alert).to_contain_text("The connection was lost", timeout=20000)
    alert.get_by_role("button", name="Try again").click()
    expect(chat.answers.last.locator(".text")).to_have_text("fine")
    calls = site.backend.called("/api/public/chat/")
    assert len(calls) == 6
    assert len({call[2]["client_message_id"] for call in calls}) == 1


def test_an_error_event_is_shown_in_words_and_may_be_tried_again(site: Site, bot: str) -> None:
    error = {"code": "model_timeout", "message": "The assistant took too long.", "retryable": True}
    site.backend.scripts["q"] = Script(["part "], error=error)
    chat = site.open_chat(bot)
    chat.ask("q")
    expect(chat.frame.get_by_role("alert")).to_have_text("That did not work. Please try again.Try again")
    chat.frame.get_by_role("button", name="Try again").click()
    expect(chat.answers.last.locator(".text")).to_have_text("part")
    assert chat.frame.get_by_role("alert").count() == 0


def test_too_many_requests_honours_retry_after_in_words(site: Site, bot: str) -> None:
    site.backend.scripts["q"] = Script(["ok"], faults=[429], retry_after=2)
    chat = site.open_chat(bot)
    chat.ask("q")
    alert = chat.frame.get_by_role("alert")
    expect(alert).to_contain_text("try again in 2 s")
    assert alert.get_by_role("button").count() == 0
    alert.get_by_role("button", name="Try again").click()
    expect(chat.answers.last.locator(".text")).to_have_text("ok")


def test_a_token_that_is_no_longer_good_means_a_new_conversation(site: Site, bot: str) -> None:
    chat = site.open_chat(bot)
    expect(chat.ask("one").locator(".down")).to_be_visible()
    site.backend.tokens.clear()
    expect(chat.ask("two").locator(".text")).to_have_text("You said: two")
    assert len(site.backend.called("/start")) == 2


def test_too_long_a_question_is_counted_and_not_sent(site: Site, bot: str) -> None:
    chat = site.open_chat(bot)
    chat.input.fill("x" * 3700)
    expect(chat.frame.locator("#count")).to_have_text("300 characters left")
    chat.input.fill("😀" * 4002)
    expect(chat.frame.locator("#count")).to_have_text("2 characters too many")
    chat.input.press("Enter")
    assert site.backend.called("/api/public/chat/") == []
    chat.input.fill("x" * 4000)
    chat.input.press("Enter")
    expect(chat.answers.last.locator(".down")).to_be_visible()


def test_stop_keeps_what_came_and_frees_the_field(site: Site, bot: str) -> None:
    site.backend.scripts["slow"] = Script(["word "] * 200, delay=0.05)
    chat = site.open_chat(bot)
    row = chat.ask("slow")
    expect(row.locator(".text")).to_contain_text("word word")
    chat.frame.get_by_role("button", name="Stop").click()
    expect(row).to_contain_text("Stopped")
    expect(chat.ask("next").locator(".text")).to_have_text("You said: next")


def test_a_failed_start_is_said_in_words(site: Site, bot: str) -> None:
    chat = site.open_chat(bot)
    site.backend.origins[bot].clear()
    chat.ask("hi")
    expect(chat.frame.get_by_role("alert")).to_contain_text("not available on this website")


# --- memory


def test_the_conversation_is_remembered_and_can_be_begun_anew(site: Site, bot: str) -> None:
    site.backend.scripts["return?"] = Script(["Within **30 days** [1]."], SOURCES[:1])
    chat = site.open_chat(bot)
    expect(chat.ask("return?").locator(".down")).to_be_visible()
    chat.page.reload()
    chat.page.get_by_role("button", name="Chat: Fern & Oak").click()
    again = Chat(chat.page)
    expect(again.answers.last.locator("strong")).to_have_text("30 days")
    expect(again.answers.last.locator("details")).to_have_count(1)
    assert len(site.backend.called("/start")) == 1
    again.choose("New conversation")
    expect(again.answers).to_have_count(1)  # the welcome
    assert len(site.backend.called("/end")) == 1
    expect(again.ask("hi").locator(".text")).to_have_text("You said: hi")
    assert len(site.backend.called("/start")) == 2


def test_an_answer_that_a_change_of_page_interrupted_is_taken_up(site: Site, bot: str) -> None:
    site.backend.scripts["slow"] = Script(["word "] * 30, delay=0.03)
    chat = site.open_chat(bot)
    expect(chat.ask("slow").locator(".text")).to_contain_text("word")
    chat.page.reload()
    chat.page.get_by_role("button", name="Chat: Fern & Oak").click()
    again = Chat(chat.page)
    expect(again.answers.last.locator(".down")).to_be_visible()
    expect(again.answers.last.locator(".text")).to_have_text("word " * 29 + "word")
    expect(again.frame.locator(".row.user")).to_have_count(1)
    assert len({call[2]["client_message_id"] for call in site.backend.called("/api/public/chat/")}) == 1


def test_blocked_storage_costs_only_the_memory(site: Site, bot: str) -> None:
    page = site.visit(site.embed(bot))
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked') }})")
    page.reload()
    page.get_by_role("button", name="Chat: Fern & Oak").click()
    chat = Chat(page)
    expect(chat.ask("one").locator(".text")).to_have_text("You said: one")
    expect(chat.ask("two").locator(".text")).to_have_text("You said: two")
    assert len(site.backend.called("/start")) == 1


# --- keyboard, focus, phone


def test_focus_goes_in_and_comes_back(site: Site, bot: str) -> None:
    page = site.visit(site.embed(bot))
    launcher = page.get_by_role("button", name="Chat: Fern & Oak")
    launcher.focus()
    page.keyboard.press("Enter")
    chat = Chat(page)
    expect(chat.input).to_be_focused()
    page.keyboard.type("Hi")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("there")
    page.keyboard.press("Enter")
    expect(chat.answers.last.locator(".text")).to_have_text(re.compile("You said: Hi\\s+there"))
    expect(chat.frame.locator("#live")).to_have_text(re.compile("You said: Hi"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(launcher).to_be_focused()
    expect(launcher).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(chat.input).to_be_focused()


def test_every_control_is_named_reachable_and_large_enough(site: Site, bot: str) -> None:
    site.backend.scripts["q"] = Script(["a [1]"], SOURCES)
    chat = site.open_chat(bot)
    expect(chat.ask("q").locator(".down")).to_be_visible()
    small = chat.frame.locator("main").evaluate(
        """main => [...main.querySelectorAll("button, summary, textarea")].map(node => {
          const {width, height} = node.getBoundingClientRect();
          const name = node.ariaLabel || node.textContent.trim();
          return width >= 24 && height >= 24 && name ? null : node.outerHTML;
        }).filter(Boolean)"""
    )
    assert small == []
    assert chat.input.evaluate("node => parseFloat(getComputedStyle(node).fontSize)") >= 16


def test_a_phone_gets_the_whole_screen(site: Site, bot: str) -> None:
    chat = site.open_chat(
        bot, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    assert chat.page.get_by_role("dialog").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    expect(chat.input).not_to_be_focused()  # else the keyboard covers the welcome
    chat.frame.get_by_role("button", name="Close chat").click()
    expect(chat.page.get_by_role("dialog")).to_be_hidden()


CONTRAST = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const light = css => {
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(value => {
      value /= 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const style = selector => getComputedStyle(document.querySelector(selector));
  const ratio = (front, back) => {
    const [low, high] = [light(style(front).color), light(style(back).backgroundColor)].sort((a, b) => a - b);
    return high / low;
  };
  const root = document.documentElement.style;
  const found = {user: ratio(".user .bubble", ".user .bubble"), text: ratio(".bot .text", ".bot .bubble")};
  for (const mode of ["light", "dark"]) {
    root.colorScheme = mode;
    found["status " + mode] = ratio("#status", ":root");
    for (let hue = 0; hue < 360; hue += 15)
      for (const level of [0, 25, 50, 75, 100]) {
        root.setProperty("--accent", `hsl(${hue} 100% ${level}%)`);
        found[`link ${mode} ${hue} ${level}`] = ratio(".bot a", ".bot .bubble");
      }
  }
  return found;
}"""


@pytest.mark.parametrize("color", ["#ffe600", "#000000", "#ff2d55", "#808080"])
def test_any_colour_stays_readable(site: Site, color: str) -> None:
    bot = site.backend.add_bot([site.origin], theme={"color": color})
    site.backend.scripts["q"] = Script(["[site](https://a.example)"])
    chat = site.open_chat(bot)
    expect(chat.ask("q").locator(".down")).to_be_visible()
    ratios = chat.frame.locator("main").evaluate(CONTRAST)
    assert {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}


def test_a_bot_speaks_its_language(site: Site) -> None:
    bot = site.backend.add_bot([site.origin], language="de")
    page = site.visit(site.embed(bot))
    page.get_by_role("button", name="Chat: Fern & Oak").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("textbox", name="Ihre Nachricht")).to_be_visible()
    expect(frame.locator("html")).to_have_attribute("lang", "de")
    expect(frame.locator("#note")).to_have_text("KI-Antworten können falsch sein · Betrieben mit Footnote")


def test_the_last_line_and_the_launchers_name_can_be_the_owners(site: Site) -> None:
    own = {"powered": "Runs on {product}", "note": "Check it"}
    bot = site.backend.add_bot([site.origin], {"texts": own}, early=True, launcher={"word": "Help"})
    page = site.visit(site.embed(bot))
    page.get_by_role("button", name="Help: Fern & Oak").click()
    expect(page.frame_locator("iframe").locator("#note")).to_have_text("Check it · Runs on Footnote")


@pytest.mark.parametrize(("locale", "word"), [("ru-RU", "Чат"), ("fr-FR", "Chat")])
def test_the_launcher_is_named_in_the_visitors_language(site: Site, locale: str, word: str) -> None:
    bot = site.backend.add_bot([site.origin], launcher={"word": {"en": "Chat", "ru": "Чат"}})
    page = site.visit(site.embed(bot), locale=locale)
    expect(page.get_by_role("button", name=f"{word}: Fern & Oak")).to_be_visible()
