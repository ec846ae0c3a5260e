"""Where a bot cannot answer: what to ask next, and a message to a person."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.widget_backend import Script
from tests.e2e.widget_site import Chat, Site

UNKNOWN = "I could not find that in my sources. Did you mean one of these?"
CHOICES = ["How long does a repair take?", "<b>Warranty</b>"]


@pytest.fixture
def site(site: Site) -> Site:
    site.backend.lead_faults.clear()
    site.backend.scripts["clocks?"] = Script([UNKNOWN], done={"choices": CHOICES, "leave_message": True})
    return site


def form_of(chat: Chat) -> Locator:
    return chat.frame.get_by_role("form", name="Leave a message")


def open_form(chat: Chat) -> Locator:
    chat.frame.get_by_role("button", name="Leave a message").click()
    form = form_of(chat)
    expect(form.get_by_role("textbox", name="Name (optional)")).to_be_focused()
    return form


def shoot(page: Page, name: str) -> None:
    """For looking at, where somebody asks for pictures."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.wait_for_timeout(300)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def test_a_choice_is_asked_as_the_next_question(site: Site, bot: str) -> None:
    chat = site.open_chat(bot)
    chat.ask("clocks?")
    expect(chat.frame.get_by_role("button", name=CHOICES[0])).to_be_visible()
    expect(chat.frame.locator("#live")).to_contain_text(CHOICES[0])
    assert chat.frame.locator(".starter b").count() == 0
    shoot(chat.page, "choices")
    chat.frame.get_by_role("button", name=CHOICES[1]).click()
    expect(chat.answers.last.locator(".text")).to_have_text(f"You said: {CHOICES[1]}")
    expect(chat.frame.get_by_role("button", name=CHOICES[0])).to_have_count(0)
    expect(chat.frame.get_by_role("button", name="Leave a message")).to_have_count(0)
    assert [call[2]["message"] for call in site.backend.called("/api/public/chat/")] == ["clocks?", CHOICES[1]]
    assert site.said == []


def test_an_answer_that_offers_nothing_fetches_nothing(site: Site, bot: str) -> None:
    chat = site.open_chat(bot)
    asked: list[str] = []
    chat.page.on("request", lambda request: asked.append(request.url))
    expect(chat.ask("hi").locator(".down")).to_be_visible()
    assert not [url for url in asked if "offer.js" in url]


def test_a_message_is_left_by_keyboard_and_announced(site: Site, bot: str) -> None:
    chat = site.open_chat(bot)
    chat.ask("clocks?")
    form = open_form(chat)
    page = chat.page
    page.keyboard.type("Anna")
    page.keyboard.press("Tab")
    page.keyboard.type("anna@")
    page.keyboard.press("Enter")
    email = form.get_by_role("textbox", name="E-mail")
    expect(form.get_by_role("alert")).to_contain_text("name@example.com")
    expect(email).to_be_focused()
    expect(email).to_have_attribute("aria-invalid", "true")
    shoot(page, "form-refused")
    assert site.backend.called("/capture-lead") == []
    page.keyboard.type("example.com")
    page.keyboard.press("Tab")
    page.keyboard.type("Do you repair clocks?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(chat.frame.locator("#live")).to_have_text("Thank you. We will reply to anna@example.com.")
    expect(chat.frame.locator(".kept")).to_be_visible()
    expect(form).to_have_count(0)
    expect(chat.frame.get_by_role("button", name="Leave a message")).to_have_count(0)
    expect(chat.input).to_be_focused()
    shoot(page, "left")
    [sent] = site.backend.called("/capture-lead")
    assert sent[2] == {"name": "Anna", "email": "anna@example.com", "message": "Do you repair clocks?"}
    assert sent[3]["authorization"].startswith("Bearer ")
    assert site.said == []


def test_without_a_message_the_question_is_passed_on(site: Site, bot: str) -> None:
    chat = site.open_chat(bot)
    chat.ask("clocks?")
    form = open_form(chat)
    form.get_by_role("textbox", name="E-mail").fill("anna@example.com")
    form.get_by_role("button", name="Send").click()
    expect(chat.frame.locator(".kept")).to_be_visible()
    assert site.backend.called("/capture-lead")[0][2]["message"] == "clocks?"


def test_what_goes_wrong_is_said_and_can_be_sent_again(site: Site, bot: str) -> None:
    site.backend.lead_faults = [429, 500, 422]
    chat = site.open_chat(bot)
    chat.ask("clocks?")
    form = open_form(chat)
    form.get_by_role("textbox", name="E-mail").fill("anna@example.com")
    for words in ("try again in 7 s", "did not work", "name@example.com"):
        form.get_by_role("button", name="Send").click()
        expect(form.get_by_role("alert")).to_contain_text(words)
    form.get_by_role("button", name="Send").click()
    expect(chat.frame.locator(".kept")).to_be_visible()
    assert len(site.backend.called("/capture-lead")) == 4


def test_escape_closes_the_form_and_not_the_chat(site: Site, bot: str) -> None:
    chat = site.open_chat(bot)
    chat.ask("clocks?")
    form = open_form(chat)
    opener = chat.frame.get_by_role("button", name="Leave a message")
    expect(opener).to_have_attribute("aria-expanded", "true")
    chat.page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    expect(opener).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "false")
    expect(chat.page.get_by_role("dialog")).to_be_visible()
    open_form(chat).get_by_role("button", name="Cancel").click()
    expect(opener).to_be_focused()


def test_many_clicks_send_once_and_a_reload_in_the_middle_loses_nothing(site: Site, bot: str) -> None:
    chat = site.open_chat(bot)
    chat.ask("clocks?")
    open_form(chat).get_by_role("textbox", name="E-mail").fill("anna@example.com")
    opener = chat.frame.get_by_role("button", name="Leave a message")
    opener.click()
    expect(form_of(chat)).to_have_count(0)
    form = open_form(chat)
    chat.page.keyboard.press("Escape")
    open_form(chat)
    expect(form.get_by_role("textbox", name="E-mail")).to_have_value("anna@example.com")
    chat.page.reload()
    chat.page.get_by_role("button", name="Chat: Fern & Oak").click()
    chat = Chat(chat.page)
    form = open_form(chat)
    form.get_by_role("textbox", name="E-mail").fill("anna@example.com")
    form.get_by_role("button", name="Send").evaluate("node => { for (let i = 0; i < 20; i++) node.click(); }")
    expect(chat.frame.locator(".kept")).to_have_count(1)
    assert len(site.backend.called("/capture-lead")) == 1


def test_a_double_click_opens_one_form(site: Site, bot: str) -> None:
    chat = site.open_chat(bot)
    chat.ask("clocks?")
    chat.frame.get_by_role("button", name="Leave a message").dblclick()
    expect(form_of(chat).get_by_role("textbox").first).to_be_focused()
    chat.page.wait_for_timeout(300)
    expect(form_of(chat)).to_have_count(1)


def test_what_is_typed_stays_while_one_asks_on_and_goes_with_the_conversation(site: Site, bot: str) -> None:
    chat = site.open_chat(bot)
    chat.ask("clocks?")
    open_form(chat).get_by_role("textbox", name="Message").fill("My clock stopped.")
    chat.ask("clocks?")
    open_form(chat)
    expect(form_of(chat)).to_have_count(1)
    expect(form_of(chat).get_by_role("textbox", name="Message")).to_have_value("My clock stopped.")
    chat.choose("New conversation")
    chat.ask("clocks?")
    expect(open_form(chat).get_by_role("textbox", name="Message")).to_have_value("")


def test_a_resumed_conversation_offers_the_same_once(site: Site, bot: str) -> None:
    chat = site.open_chat(bot)
    chat.ask("clocks?")
    expect(chat.frame.get_by_role("button", name=CHOICES[0])).to_be_visible()
    for _ in range(2):
        chat.page.reload()
        chat.page.get_by_role("button", name="Chat: Fern & Oak").click()
        chat = Chat(chat.page)
        expect(chat.frame.get_by_role("button", name=CHOICES[0])).to_have_count(1)
        expect(chat.frame.get_by_role("button", name="Leave a message")).to_have_count(1)
        expect(chat.frame.locator(".row.user")).to_have_count(1)
    form = open_form(chat)
    form.get_by_role("textbox", name="E-mail").fill("anna@example.com")
    form.get_by_role("button", name="Send").click()
    expect(chat.frame.locator(".kept")).to_be_visible()
    chat.page.reload()
    chat.page.get_by_role("button", name="Chat: Fern & Oak").click()
    chat = Chat(chat.page)
    expect(chat.answers.last.locator(".text")).to_have_text(UNKNOWN)
    chat.page.wait_for_timeout(300)
    expect(chat.frame.get_by_role("button", name="Leave a message")).to_have_count(0)


def test_an_answer_that_came_while_the_visitor_was_away_offers_it_too(site: Site, bot: str) -> None:
    site.backend.scripts["clocks?"] = Script(["word "] * 40, delay=0.03, done={"leave_message": True})
    chat = site.open_chat(bot)
    expect(chat.ask("clocks?").locator(".text")).to_contain_text("word")
    chat.page.reload()
    [messages] = [found for found in site.backend.conversations.values() if found and found[0]["text"] == "clocks?"][
        -1:
    ]
    answered = {"id": "11111111-1111-4111-8111-111111111111", "role": "assistant", "text": "word " * 40}
    if len(messages) == 1:  # the server has finished it meanwhile
        messages.append(answered | {"sources": []})
        site.backend.made[messages[0]["id"]] = answered["id"]
    chat.page.get_by_role("button", name="Chat: Fern & Oak").click()
    again = Chat(chat.page)
    expect(again.frame.get_by_role("button", name="Leave a message")).to_have_count(1)
    expect(again.frame.locator(".row.user")).to_have_count(1)
    expect(again.answers).to_have_count(2)  # the welcome and the one answer


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_the_form_speaks_the_bots_language(site: Site, language: str) -> None:
    label, email = {
        "de": ("Nachricht hinterlassen", "E-Mail"),
        "fr": ("Laisser un message", "E-mail"),
        "es": ("Dejar un mensaje", "Correo electrónico"),
    }[language]
    bot = site.backend.add_bot([site.origin], language=language)
    page = site.visit(site.embed(bot))
    page.get_by_role("button", name="Chat: Fern & Oak").click()
    frame = page.frame_locator("iframe")
    frame.locator("#input").fill("clocks?")
    frame.locator("#input").press("Enter")
    frame.get_by_role("button", name=label).click()
    expect(frame.get_by_role("form", name=label).get_by_role("textbox", name=email)).to_be_visible()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("phone", {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}),
        ("dark", {"color_scheme": "dark"}),
        ("rtl", {"viewport": {"width": 390, "height": 800}}),
    ],
)
def test_the_form_fits(site: Site, bot: str, name: str, options: dict[str, object]) -> None:
    chat = site.open_chat(bot, **options)
    if name == "rtl":
        chat.frame.locator("html").evaluate("node => { node.dir = 'rtl'; }")
    chat.ask("clocks?")
    form = open_form(chat)
    form.get_by_role("textbox", name="E-mail").fill("anna@example")
    form.get_by_role("button", name="Send").click()
    shoot(chat.page, f"form-{name}")
    wrong = form.evaluate(
        """form => [...form.querySelectorAll("input, textarea, button")].map(node => {
          const {width, height, left, right} = node.getBoundingClientRect();
          const small = width < 24 || height < 24 || left < 0 || right > innerWidth;
          const zooms = !node.matches("button") && parseFloat(getComputedStyle(node).fontSize) < 16;
          return small || zooms ? node.outerHTML : null;
        }).filter(Boolean)"""
    )
    assert wrong == []
    assert chat.frame.locator("#log").evaluate("log => log.scrollWidth <= log.clientWidth")
