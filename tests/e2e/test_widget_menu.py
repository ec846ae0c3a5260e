"""What a visitor finds in the menu and under an answer, and what stands before the first message."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.widget_backend import SOURCES, Script
from tests.e2e.widget_site import Chat, Site

LAUNCHER = "Chat: Fern & Oak"


def shoot(page: Page, name: str) -> None:
    """For looking at, where somebody asks for pictures."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.wait_for_timeout(300)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def again(chat: Chat) -> Chat:
    chat.page.reload()
    chat.page.get_by_role("button", name=LAUNCHER).click()
    return Chat(chat.page)


# --- the menu


def test_the_menu_opens_by_keyboard_and_gives_the_focus_back(site: Site) -> None:
    chat = site.open_chat(site.backend.add_bot([site.origin]))
    opener = chat.frame.get_by_role("button", name="Menu", exact=True)
    opener.press("Enter")
    panel = chat.frame.get_by_role("group", name="Menu")
    expect(panel.get_by_role("button", name="New conversation")).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "true")
    chat.page.keyboard.press("ArrowDown")
    expect(panel.get_by_role("button", name="Earlier conversations")).to_be_focused()
    shoot(chat.page, "menu")
    chat.page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(opener).to_be_focused()
    expect(chat.page.get_by_role("dialog")).to_be_visible()
    opener.click()
    expect(panel).to_be_visible()
    chat.frame.locator("#log").click(position={"x": 10, "y": 200})
    expect(panel).to_have_count(0)
    assert site.said == []


def test_a_double_click_opens_one_menu(site: Site) -> None:
    chat = site.open_chat(site.backend.add_bot([site.origin]))
    chat.frame.get_by_role("button", name="Menu", exact=True).dblclick()
    panel = chat.frame.get_by_role("group", name="Menu")
    expect(panel.get_by_role("button", name="New conversation")).to_be_focused()
    chat.page.wait_for_timeout(300)
    expect(panel).to_have_count(1)
    chat.page.keyboard.press("Escape")
    expect(panel).to_have_count(0)


def test_earlier_conversations_are_opened_and_gone_on_with(site: Site) -> None:
    chat = site.open_chat(site.backend.add_bot([site.origin]))
    expect(chat.ask("the first").locator(".down")).to_be_visible()
    chat.choose("New conversation")
    expect(chat.ask("the second").locator(".down")).to_be_visible()
    chat.choose("Earlier conversations")
    shoot(chat.page, "earlier")
    listed = chat.frame.locator("#panel li")
    expect(listed).to_have_count(2)
    listed.get_by_role("button", name="the first").click()
    expect(chat.answers.last.locator(".text")).to_have_text("You said: the first")
    expect(chat.answers).to_have_count(2)  # the welcome, too
    expect(chat.ask("and on").locator(".text")).to_have_text("You said: and on")
    last = site.backend.called("/api/public/chat/")[-1]
    assert site.backend.conversations[last[2]["conversation_id"]][0]["text"] == "the first"
    chat = again(chat)
    expect(chat.answers.last.locator(".text")).to_have_text("You said: and on")
    assert len(site.backend.called("/start")) == 2


def test_a_person_is_asked_for_once_known_without_an_address(site: Site) -> None:
    chat = site.open_chat(site.backend.add_bot([site.origin]))
    chat.choose("Talk to a person")
    form = chat.frame.get_by_role("form", name="Talk to a person")
    form.get_by_role("textbox", name="E-mail").fill("anna@example.com")
    shoot(chat.page, "person")
    form.get_by_role("button", name="Send").click()
    expect(chat.frame.locator(".kept")).to_contain_text("Nobody is here right now")
    chat.choose("Talk to a person")
    expect(form.get_by_role("textbox")).to_have_count(1)  # only what it is about
    form.get_by_role("button", name="Send").click()
    expect(chat.frame.locator(".kept")).to_have_count(2)
    assert [call[2]["email"] for call in site.backend.called("/handoff")] == ["anna@example.com"] * 2


def test_who_asks_for_a_person_is_offered_one(site: Site) -> None:
    site.backend.scripts["human!"] = Script(["Gladly."], done={"handoff": True, "leave_message": True, "choices": []})
    chat = site.open_chat(site.backend.add_bot([site.origin]))
    chat.ask("human!")
    chat.frame.get_by_role("button", name="Talk to a person").click()
    form = chat.frame.get_by_role("form", name="Talk to a person")
    expect(form.get_by_role("textbox", name="Name (optional)")).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    expect(chat.frame.get_by_role("button", name="Talk to a person")).to_be_focused()


def test_a_chat_is_ended_with_a_rating(site: Site) -> None:
    chat = site.open_chat(site.backend.add_bot([site.origin]))
    expect(chat.ask("hi").locator(".down")).to_be_visible()
    chat.choose("End chat")
    form = chat.frame.get_by_role("form", name="How was this chat?")
    form.get_by_role("radio", name="4 of 5").check(force=True)
    form.get_by_role("textbox", name="Comment (optional)").fill("quick")
    shoot(chat.page, "rating")
    form.get_by_role("button", name="End chat").click()
    expect(chat.frame.locator(".row.user")).to_have_count(0)
    [ended] = site.backend.called("/end")
    assert ended[2] == {"rating": 4, "comment": "quick"}
    expect(chat.ask("anew").locator(".text")).to_have_text("You said: anew")
    assert len(site.backend.called("/start")) == 2


def test_the_owner_decides_what_is_in_the_menu(site: Site) -> None:
    widget = {"history": False, "handoff": {"enabled": False}, "rating": "off", "sound": True}
    chat = site.open_chat(site.backend.add_bot([site.origin], widget))
    expect(chat.ask("hi").locator(".down")).to_be_visible()
    chat.frame.get_by_role("button", name="Menu", exact=True).click()
    expect(chat.frame.locator("#panel button")).to_have_text(["New conversation", "Sound"])
    sound = chat.frame.get_by_role("button", name="Sound")
    expect(sound).to_have_attribute("aria-pressed", "false")
    sound.click()
    expect(sound).to_have_attribute("aria-pressed", "true")
    chat.frame.locator(":root").evaluate(
        "() => { window.notes = 0; AudioContext.prototype.createOscillator = new Proxy("
        "AudioContext.prototype.createOscillator, { apply: (made, on) => (window.notes++, made.call(on)) }) }"
    )
    expect(chat.ask("hi").locator(".down")).to_be_visible()
    assert chat.frame.locator(":root").evaluate("() => window.notes") == 2, "an answer sounds"
    chat = again(chat)
    chat.frame.get_by_role("button", name="Menu", exact=True).click()
    expect(chat.frame.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "true")


# --- under an answer


def test_what_was_wrong_can_be_said(site: Site) -> None:
    chat = site.open_chat(site.backend.add_bot([site.origin]))
    row = chat.ask("hi")
    row.get_by_role("button", name="Not helpful").click()
    form = chat.frame.get_by_role("form", name="What was wrong?")
    form.get_by_role("textbox").fill("It is older.")
    shoot(chat.page, "reason")
    form.get_by_role("button", name="Send").click()
    expect(form).to_have_count(0)
    expect(row.get_by_role("button", name="Not helpful")).to_be_focused()
    rated = [call[2] for call in site.backend.called("/feedback")]
    assert [(one["rating"], one.get("reason")) for one in rated] == [(-1, None), (-1, "It is older.")]


def test_an_answer_is_copied_as_it_was_written_and_has_its_time(site: Site) -> None:
    site.backend.scripts["return?"] = Script(["Within **30 days** [1]."], SOURCES[:1])
    bot = site.backend.add_bot([site.origin])
    page = site.page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{site.backend.url}/widget/frame?bot_id={bot}")
    chat = Chat(page, page)
    row = chat.ask("return?")
    row.get_by_role("button", name="Copy").click()
    expect(page.locator("#live")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "Within **30 days** [1]."
    time = row.locator("time")
    expect(time).to_have_text("now")
    assert re.search(r"\d{4}", time.get_attribute("title") or "")
    expect(page.locator(".row.user time")).to_be_visible()


def test_stop_reaches_the_server_and_what_came_stays_an_answer(site: Site) -> None:
    site.backend.scripts["slow"] = Script(["word "] * 200, delay=0.05)
    chat = site.open_chat(site.backend.add_bot([site.origin]))
    row = chat.ask("slow")
    expect(row.locator(".text")).to_contain_text("word word")
    chat.frame.get_by_role("button", name="Stop").click()
    expect(row).to_contain_text("Stopped")
    expect(row.get_by_role("button", name="Helpful", exact=True)).to_be_visible()
    [stopped] = site.backend.called("/stop")
    asked = site.backend.called("/api/public/chat/")[0]
    assert stopped[2]["client_message_id"] == asked[2]["client_message_id"]


# --- before the first message


def test_a_consent_is_asked_for_once_and_sent_with_the_start(site: Site) -> None:
    text = "We keep what you write. [Privacy](https://shop.example/privacy)"
    bot = site.backend.add_bot([site.origin], {"consent": {"text": text}}, early=True, starter_questions=["Returns?"])
    chat = site.open_chat(bot)
    asked = chat.frame.get_by_role("region", name="Before we start")
    expect(asked.get_by_role("link", name="Privacy")).to_have_attribute("href", "https://shop.example/privacy")
    expect(chat.frame.get_by_role("button", name="Returns?")).to_be_hidden()
    expect(asked.get_by_role("button", name="I agree")).to_be_focused()
    shoot(chat.page, "consent")
    chat.page.keyboard.press("Enter")
    expect(chat.input).to_be_focused()
    expect(chat.ask("hi").locator(".text")).to_have_text("You said: hi")
    assert len(site.backend.called("/start")[0][2]["consent"]) == 12
    chat.choose("New conversation")
    expect(chat.ask("again").locator(".text")).to_have_text("You said: again")


def test_a_form_at_the_start_may_be_skipped_or_not(site: Site) -> None:
    lead: dict[str, Any] = {"when": ["start"], "fields": {"name": "required", "email": "required", "message": "off"}}
    bot = site.backend.add_bot([site.origin], {"lead": lead}, early=True)
    chat = site.open_chat(bot)
    form = chat.frame.get_by_role("form", name="Who are we talking to?")
    form.get_by_role("button", name="Skip").click()
    expect(chat.ask("hi").locator(".text")).to_have_text("You said: hi")

    bot = site.backend.add_bot([site.origin], {"lead": lead | {"may_skip": False}}, early=True)
    chat = site.open_chat(bot)
    form = chat.frame.get_by_role("form", name="Who are we talking to?")
    expect(form.get_by_role("button", name="Skip")).to_have_count(0)
    form.get_by_role("textbox", name="Name").fill("Anna")
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_role("textbox", name="E-mail")).to_be_focused()
    form.get_by_role("textbox", name="E-mail").fill("anna@example.com")
    shoot(chat.page, "start-form")
    form.get_by_role("button", name="Send").click()
    expect(chat.ask("hi").locator(".text")).to_have_text("You said: hi")
    assert site.backend.called("/capture-lead")[0][2] == {"name": "Anna", "email": "anna@example.com"}


def test_the_owners_words_come_first(site: Site) -> None:
    texts = {"placeholder": "What can we do for you?", "person": "Ask our team"}
    chat = site.open_chat(site.backend.add_bot([site.origin], {"texts": texts}, early=True))
    expect(chat.input).to_have_attribute("placeholder", texts["placeholder"])
    chat.choose("Ask our team")
    expect(chat.frame.get_by_role("form", name="Ask our team")).to_be_visible()


# --- when the network is bad, and in several tabs


def test_after_two_stalls_the_answer_is_asked_for_in_one_piece(site: Site) -> None:
    site.backend.scripts["long"] = Script(["one ", "two"], faults=["hang", "hang"])
    page = site.visit(site.embed(site.backend.add_bot([site.origin])))
    page.clock.install()
    page.get_by_role("button", name=LAUNCHER).click()
    chat = Chat(page)
    row = chat.ask("long")
    for _ in range(30):  # the hands of the clock, until the answer is there
        page.clock.run_for(5000)
        if row.locator(".down").count():
            break
    expect(row.locator(".text")).to_have_text("one two")
    calls = site.backend.called("/api/public/chat/")
    assert [call[3]["accept"] for call in calls] == ["text/event-stream"] * 2 + ["application/json"]
    assert len({call[2]["client_message_id"] for call in calls}) == 1


@pytest.mark.parametrize("locks", [True, False], ids=["locks", "blocked"])
def test_two_tabs_that_begin_at_one_moment_have_one_conversation(
    site: Site, monkeypatch: pytest.MonkeyPatch, locks: bool
) -> None:
    monkeypatch.setattr(site.backend, "start_delay", 0.5)
    chat = site.open_chat(site.backend.add_bot([site.origin]))
    tab = chat.page.context.new_page()
    if not locks:
        refuse = "navigator.locks.request = () => Promise.reject(new DOMException('', 'SecurityError'))"
        tab.add_init_script(refuse)
    tab.goto(chat.page.url)
    tab.get_by_role("button", name=LAUNCHER).click()
    other = Chat(tab)
    at = chat.page.evaluate("Date.now() + 700")
    for page, text in ((chat.page, "one"), (tab, "two")):
        page.evaluate(
            "([at, text]) => void setTimeout(() => ChatbotWidget.sendMessage(text), at - Date.now())", [at, text]
        )
    said = r"You said: (one|two)"
    expect(chat.frame.get_by_text(re.compile(said)).first).to_be_visible()
    expect(other.frame.get_by_text(re.compile(said)).first).to_be_visible()
    asked = site.backend.called("/api/public/chat/")
    assert {call[2]["message"] for call in asked} == {"one", "two"}
    assert len(site.backend.called("/start")) == 2 - locks
    if not locks:
        return
    assert len({call[2]["conversation_id"] for call in asked}) == 1
    chat.page.reload()
    chat.page.get_by_role("button", name=LAUNCHER).click()
    expect(Chat(chat.page).frame.locator(".row.user")).to_have_count(2)


def test_tabs_agree(site: Site) -> None:
    chat = site.open_chat(site.backend.add_bot([site.origin]))
    expect(chat.ask("one").locator(".down")).to_be_visible()
    tab = chat.page.context.new_page()
    tab.goto(chat.page.url)
    tab.get_by_role("button", name=LAUNCHER).click()
    other = Chat(tab)
    expect(other.answers.last.locator(".text")).to_have_text("You said: one")
    expect(other.ask("two").locator(".text")).to_have_text("You said: two")
    expect(chat.frame.locator(".row.user")).to_have_count(2)
    expect(chat.answers.last.locator(".text")).to_have_text("You said: two")
    assert len(site.backend.called("/start")) == 1
    asked = site.backend.called("/api/public/chat/")
    assert len({call[2]["client_message_id"] for call in asked}) == 2, "nothing is said twice"
    chat.choose("New conversation")
    expect(other.frame.locator(".row.user")).to_have_count(0)
