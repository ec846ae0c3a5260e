"""Files that a visitor adds: chosen, dropped or pasted, sent with a message, shown with it, and what goes wrong."""

import re

import pytest
from playwright.sync_api import FilePayload, expect

from tests.e2e.widget_backend import SOURCES, Script
from tests.e2e.widget_files import BILL, HANDED, NOTE, PHOTO, add, added, again, kept, make_bot, said, sent, site, tray
from tests.e2e.widget_site import Chat, Site

__all__ = ["site"]


def test_without_the_owners_leave_nothing_of_it_is_there(site: Site) -> None:
    chat = site.open_chat(make_bot(site, {"attachments": False}))
    fetched: list[str] = []
    chat.page.on("request", lambda request: fetched.append(request.url))
    expect(chat.ask("hi").locator(".down")).to_be_visible()
    expect(chat.frame.get_by_role("button", name="Add a file")).to_have_count(0)
    assert not chat.frame.locator("main").evaluate(HANDED, ["drop", [["a.txt", "text/plain"]], ""])
    assert fetched
    assert not [url for url in fetched if "attach" in url]


def test_a_file_goes_with_the_next_message_and_stays_with_it(site: Site) -> None:
    chat = site.open_chat(make_bot(site))
    add(chat, BILL, NOTE)
    added(chat, 2)
    expect(tray(chat).first).to_contain_text("180 kB")
    expect(chat.frame.locator("#live")).to_have_text(re.compile(r"(bill\.pdf|note\.txt): Added"))
    assert len(site.backend.called("/start")) == 1, "begun for the file, once"
    expect(chat.ask("What is to be paid?").locator(".down")).to_be_visible()
    expect(tray(chat)).to_have_count(0)
    expect(said(chat)).to_have_text([re.compile(r"bill\.pdf180 kB"), re.compile(r"note\.txt1 kB")])
    [asked] = sent(site)
    [files] = site.backend.files.values()
    assert (asked["message"], set(asked["attachments"])) == ("What is to be paid?", set(files))

    expect(chat.ask("And when?").locator(".down")).to_be_visible()
    assert "attachments" not in sent(site)[1]
    expect(said(chat)).to_have_count(2)
    chat = again(chat)
    expect(said(chat)).to_have_count(2)
    chat.choose("New conversation")
    expect(said(chat)).to_have_count(0)
    expect(chat.ask("Something else").locator(".down")).to_be_visible()
    chat.choose("Earlier conversations")
    chat.frame.locator("#panel").get_by_role("button", name="What is to be paid?").click()
    expect(said(chat)).to_have_text([re.compile(r"bill\.pdf"), re.compile(r"note\.txt")])
    assert site.said == []


def test_another_tab_shows_the_file_and_sends_nothing_twice(site: Site) -> None:
    chat = site.open_chat(make_bot(site))
    expect(chat.ask("hi").locator(".down")).to_be_visible()
    tab = chat.page.context.new_page()
    tab.goto(chat.page.url)
    tab.get_by_role("button", name="Chat: Fern & Oak").click()
    other = Chat(tab)
    expect(other.answers.last.locator(".down")).to_be_visible()
    add(chat, BILL)
    added(chat)
    expect(tray(other)).to_have_count(0)
    chat.ask("What is to be paid?")
    expect(said(other)).to_have_text([re.compile(r"bill\.pdf")])
    expect(other.answers.last.locator(".down")).to_be_visible()
    asked = [one for one in sent(site) if one["message"] == "What is to be paid?"]
    assert len({one["client_message_id"] for one in asked}) == 1
    assert {tuple(one["attachments"]) for one in asked} == {tuple(asked[0]["attachments"])}


def test_files_are_dropped_and_pasted_and_a_picture_of_copied_text_is_left_alone(site: Site) -> None:
    chat = site.open_chat(make_bot(site))
    main = chat.frame.locator("main")
    chat.frame.get_by_role("button", name="Add a file").wait_for()
    assert main.evaluate(HANDED, ["dragover", [["a.txt", "text/plain"]], ""])
    expect(main).to_have_attribute("data-drop", "Add a file")
    assert main.evaluate(HANDED, ["drop", [["a.txt", "text/plain"]], ""])
    expect(main).not_to_have_attribute("data-drop", "Add a file")
    added(chat)
    assert main.evaluate(HANDED, ["paste", [["b.txt", "text/plain"]], ""])
    added(chat, 2)
    assert not main.evaluate(HANDED, ["paste", [["cells.png", "image/png"]], "1 2 3"])
    assert not main.evaluate(HANDED, ["paste", [], "only words"])
    assert not main.evaluate(HANDED, ["dragover", [], "only words"])
    assert sorted(kept(site)) == ["a.txt", "b.txt"]


def test_before_a_consent_no_file_is_taken(site: Site) -> None:
    chat = site.visit(site.embed(make_bot(site, {"consent": {"text": "May we?"}})))
    chat.get_by_role("button", name="Chat: Fern & Oak").click()
    frame = chat.frame_locator("iframe")
    frame.get_by_role("button", name="I agree").wait_for()
    frame.locator("#box .icon").wait_for()
    assert frame.locator("main").evaluate(HANDED, ["drop", [["a.txt", "text/plain"]], ""]), (
        "the browser does not open it"
    )
    expect(frame.locator("form .files li")).to_have_count(0)
    assert site.backend.called("/start") == []
    frame.get_by_role("button", name="I agree").click()
    frame.locator("main").evaluate(HANDED, ["drop", [["a.txt", "text/plain"]], ""])
    expect(frame.locator("form .files li")).to_contain_text("1 kB")


def test_a_message_waits_for_its_file(site: Site) -> None:
    site.backend.file_faults = ["hang"]
    chat = site.open_chat(make_bot(site))
    add(chat, BILL)
    expect(tray(chat)).to_contain_text("Reading…")
    expect(chat.frame.get_by_role("progressbar", name="bill.pdf")).to_have_js_property("value", 1)
    chat.input.fill("What is to be paid?")
    chat.input.press("Enter")
    chat.page.wait_for_timeout(300)
    assert sent(site) == []
    expect(chat.input).to_have_value("What is to be paid?")
    expect(said(chat)).to_have_count(1)
    expect(chat.input).to_have_value("")
    expect(chat.answers.last.locator(".down")).to_be_visible()
    [asked] = sent(site)
    assert len(asked["attachments"]) == 1


@pytest.mark.parametrize(("language", "words"), [("en", "What is in the attached file?"), ("de", "Was steht in der")])
def test_a_file_without_words_asks_for_itself(site: Site, language: str, words: str) -> None:
    bot = make_bot(site, language=language)
    page = site.page()
    page.goto(f"{site.backend.url}/widget/frame?bot_id={bot}")
    page.locator("#box .icon").wait_for()
    expect(page.locator("#send")).to_have_attribute("aria-disabled", "true")
    with page.expect_file_chooser() as chosen:
        page.locator("#box .icon").click()
    chosen.value.set_files([BILL])
    expect(page.locator("#send")).to_have_attribute("aria-disabled", "false")
    page.locator("#send").click()
    expect(page.locator(".row.user .bubble")).to_contain_text(words)
    expect(page.locator(".row.user .files li")).to_have_count(1)
    expect(page.locator("#send")).to_have_attribute("aria-disabled", "true")
    assert sent(site)[0]["message"].startswith(words)


def test_what_cannot_be_read_or_is_too_much_is_said_at_the_file(site: Site) -> None:
    site.backend.file_faults = [422]
    chat = site.open_chat(make_bot(site))
    add(chat, PHOTO)
    live = chat.frame.locator("#live")
    expect(tray(chat)).to_contain_text("This file cannot be read as text")
    expect(live).to_have_text("photo.jpg: This file cannot be read as text")
    expect(tray(chat).get_by_role("button")).to_have_count(1)  # a second try would not help
    expect(chat.frame.locator("#send")).to_have_attribute("aria-disabled", "true")
    before = len(site.backend.called("/attachments"))
    add(chat, FilePayload(name="large.pdf", mimeType="application/pdf", buffer=b"x" * (5 * 2**20 + 1)))
    expect(tray(chat).last).to_contain_text("Larger than 5 MB")
    assert len(site.backend.called("/attachments")) == before, "not sent for nothing"
    reasons = {
        "too_many_attachments": "At most 10 files",
        "type_unsupported": "This kind of file cannot be read",
        "file_encrypted": "Protected with a password",
        "file_empty": "This file is empty",
        "file_no_text": "This file cannot be read as text",
    }
    for code, words in reasons.items():
        site.backend.file_faults = [code]
        add(chat, NOTE)
        expect(tray(chat).last).to_contain_text(words)
    expect(chat.ask("Then without").locator(".down")).to_be_visible()
    expect(tray(chat)).to_have_count(0)
    assert "attachments" not in sent(site)[0]
    many = [FilePayload(name=f"{n}.txt", mimeType="text/plain", buffer=f"{n}".encode()) for n in range(6)]
    add(chat, *many)
    expect(tray(chat).last).to_contain_text("At most 5 files")
    expect(tray(chat).filter(has_text=re.compile("kB$"))).to_have_count(5)
    expect(chat.ask("These").locator(".down")).to_be_visible()
    assert len(sent(site)[1]["attachments"]) == 5


def test_a_failed_file_stays_and_is_tried_again(site: Site) -> None:
    site.backend.file_faults = [500, 429]
    chat = site.open_chat(make_bot(site))
    add(chat, BILL)
    expect(tray(chat)).to_contain_text("That did not work. Please try again.")
    chat.frame.get_by_role("button", name="Try again: bill.pdf").click()
    expect(chat.frame.get_by_role("button", name="Remove: bill.pdf")).to_be_focused()
    expect(tray(chat)).to_contain_text("try again in 7 s")
    site.backend.file_faults = ["drop"]  # kept, but nobody hears of it
    chat.input.fill("What is to be paid?")
    chat.input.press("Enter")  # which tries again, too
    expect(tray(chat)).to_contain_text("That did not work.")
    assert sent(site) == []
    chat.input.press("Enter")
    expect(said(chat)).to_have_count(1)
    assert kept(site) == ["bill.pdf"], "nothing is doubled"


def test_a_network_that_comes_back_brings_the_file(site: Site) -> None:
    chat = site.open_chat(make_bot(site))
    chat.frame.get_by_role("button", name="Add a file").wait_for()
    chat.page.context.set_offline(True)
    add(chat, BILL)
    expect(tray(chat)).to_contain_text("That did not work.")
    chat.page.context.set_offline(False)
    added(chat)
    site.backend.scripts["pay?"] = Script(["30"], faults=["drop"])
    expect(chat.ask("pay?").locator(".down")).to_be_visible(timeout=15000)
    assert len({tuple(one["attachments"]) for one in sent(site)}) == 1
    assert len({one["client_message_id"] for one in sent(site)}) == 1
    assert kept(site) == ["bill.pdf"]


def test_a_message_that_was_lost_takes_its_file_along_at_the_second_try(site: Site) -> None:
    site.backend.scripts["hm"] = Script(["fine"], faults=[503] * 5)
    chat = site.open_chat(make_bot(site))
    add(chat, NOTE)
    added(chat)
    chat.ask("hm")
    expect(chat.frame.get_by_role("alert")).to_contain_text("The connection was lost", timeout=20000)
    expect(said(chat)).to_have_count(1)
    chat.page.reload()
    chat.page.get_by_role("button", name="Chat: Fern & Oak").click()
    chat = Chat(chat.page)
    expect(chat.answers.last.locator(".text")).to_have_text("fine")
    expect(said(chat)).to_have_count(1)
    assert len({(one["client_message_id"], *one["attachments"]) for one in sent(site)}) == 1


def test_a_conversation_that_is_gone_is_begun_anew_with_the_file(site: Site) -> None:
    chat = site.open_chat(make_bot(site))
    add(chat, NOTE)
    added(chat)
    site.backend.tokens.clear()
    add(chat, BILL)  # finds it out
    expect(tray(chat).last).to_contain_text("180 kB")
    chat.input.fill("one")
    chat.input.press("Enter")  # the other follows
    expect(said(chat)).to_have_count(2)
    expect(chat.answers.last.locator(".text")).to_have_text("You said: one")
    assert len(sent(site)[-1]["attachments"]) == 2
    add(chat, PHOTO)
    added(chat)
    site.backend.tokens.clear()  # the message finds it out
    expect(chat.ask("two").locator(".text")).to_have_text("You said: two")
    last = sent(site)[-1]
    assert [site.backend.files[last["conversation_id"]][one]["name"] for one in last["attachments"]] == ["photo.jpg"]
    assert len(site.backend.called("/start")) == 3


def test_a_file_is_taken_away_and_the_focus_stays_near(site: Site) -> None:
    chat = site.open_chat(make_bot(site))
    add(chat, BILL, NOTE)
    added(chat, 2)
    chat.frame.get_by_role("button", name="Remove: bill.pdf").press("Enter")
    expect(chat.frame.get_by_role("button", name="Remove: note.txt")).to_be_focused()
    chat.page.keyboard.press("Enter")
    expect(chat.input).to_be_focused()
    expect(tray(chat)).to_have_count(0)
    expect(chat.frame.locator("#send")).to_have_attribute("aria-disabled", "true")
    chat.page.wait_for_timeout(200)
    assert kept(site) == []
    add(chat, BILL, BILL)
    added(chat)  # the same one is there once
    assert kept(site) == ["bill.pdf"]


def test_a_new_conversation_begins_without_files(site: Site) -> None:
    site.backend.file_faults = [0, "hang"]
    chat = site.open_chat(make_bot(site))
    add(chat, NOTE)
    added(chat)
    add(chat, BILL)
    chat.choose("New conversation")
    expect(tray(chat)).to_have_count(0)
    expect(chat.ask("hi").locator(".down")).to_be_visible()
    assert "attachments" not in sent(site)[0]
    assert "note.txt" not in kept(site)


def test_what_was_chosen_is_still_there_on_the_next_page(site: Site) -> None:
    chat = site.open_chat(make_bot(site))
    add(chat, NOTE, BILL)
    added(chat, 2)
    chat = again(chat)
    added(chat, 2)
    chat.frame.get_by_role("button", name="Remove: bill.pdf").click()
    chat = again(chat)
    added(chat)
    expect(chat.ask("Why does it leak?").locator(".down")).to_be_visible()
    expect(said(chat)).to_have_text([re.compile(r"note\.txt1 kB")])
    assert kept(site) == ["note.txt"]
    chat = again(chat)
    expect(said(chat)).to_have_count(1)
    expect(tray(chat)).to_have_count(0)


def test_a_file_of_another_page_whose_conversation_is_gone_is_not_promised(site: Site) -> None:
    chat = site.open_chat(make_bot(site))
    add(chat, NOTE)
    added(chat)
    chat = again(chat)
    added(chat)
    chat.choose("New conversation")
    expect(tray(chat)).to_have_count(0)
    chat = again(chat)
    chat.frame.get_by_role("button", name="Add a file").wait_for()
    expect(tray(chat)).to_have_count(0)
    expect(chat.ask("hi").locator(".down")).to_be_visible()
    assert "attachments" not in sent(site)[0]


def test_a_chat_that_is_taken_away_and_put_back_has_its_files(site: Site) -> None:
    bot = make_bot(site)
    chat = site.open_chat(bot)
    add(chat, NOTE)
    added(chat)
    chat.page.evaluate("ChatbotWidget.destroy()")
    chat.page.evaluate("bot => ChatbotWidget.add({botId: bot, src: document.querySelector('script').src})", bot)
    chat.page.get_by_role("button", name="Chat: Fern & Oak").click()
    chat = Chat(chat.page)
    added(chat)
    expect(chat.ask("hi").locator(".down")).to_be_visible()
    assert len(sent(site)[0]["attachments"]) == 1


def test_a_conversation_with_files_is_opened_at_its_end(site: Site) -> None:
    chat = site.open_chat(make_bot(site), viewport={"width": 390, "height": 500})
    add(chat, NOTE)
    added(chat)
    for question in ("Why does it leak?", "And then?", "Since when?"):
        expect(chat.ask(question).locator(".down")).to_be_visible()
    chat = again(chat)
    expect(chat.frame.locator(".row.bot .down")).to_have_count(3)
    expect(said(chat)).to_have_count(1)
    expect(chat.frame.locator(".row.bot time").last).to_be_in_viewport()


def test_a_source_that_is_the_visitors_own_file_says_so_and_opens(site: Site) -> None:
    own = {"title": "bill.pdf", "page": 3, "url": "", "quote": "30 euros", "attachment": True}
    passage = {1: {"title": "bill.pdf", "before": "To be paid: ", "quote": "30 euros", "after": " in May."}}
    site.backend.scripts["pay?"] = Script(["30 euros [1], 30 days [2]."], [own, SOURCES[0]], passages=passage)
    chat = site.open_chat(make_bot(site))
    add(chat, BILL)
    added(chat)
    row = chat.ask("pay?")
    expect(row.locator("summary").first).to_contain_text("Your file · page 3")
    expect(row.locator("summary").last).not_to_contain_text("Your file")
    row.get_by_role("button", name="Show source 1").click()
    expect(row.locator("mark")).to_have_text("30 euros")
    expect(row.locator("details").first.locator("a")).to_have_count(0)
    chat = again(chat)
    expect(chat.answers.last.locator("summary").first).to_contain_text("Your file · page 3")


# --- how it looks, and for everybody
