"""What a website's own code can do with the chat, and what it is told."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from chatbot_saas.api.minify import renamed
from chatbot_saas.api.widget import FOLDER
from tests.e2e.widget_backend import Script
from tests.e2e.widget_site import Chat, Site, sites

NOTE_EVENTS = """<script>
window.told = [];
window.ChatbotWidget = {q: [
  ...["ready", "open", "close", "message", "answer", "lead", "unread", "error"]
    .map(name => ["on", name, detail => told.push([name, detail])]),
]};
</script>"""


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


@pytest.fixture
def bot(site: Site) -> str:
    return site.backend.add_bot([site.origin])


def names(page: Page) -> list[str]:
    return page.evaluate("told.map(([name]) => name)")


def launcher(page: Page) -> None:
    page.get_by_role("button", name="Chat: Fern & Oak").wait_for()


def test_events_tell_what_happens_and_not_what_was_said(site: Site, bot: str) -> None:
    page = site.visit(NOTE_EVENTS + site.embed(bot))
    launcher(page)
    page.evaluate("ChatbotWidget.open()")
    expect(Chat(page).ask("a secret").locator(".down")).to_be_visible()
    page.evaluate("ChatbotWidget.close()")
    page.wait_for_function("told.length >= 5")
    assert names(page) == ["ready", "open", "message", "answer", "close"]
    told = page.evaluate("told")
    assert all(detail["botId"] == bot for _, detail in told)
    assert told[3][1].keys() == {"botId", "id", "answered"}
    assert "secret" not in str(told)
    page.evaluate("() => { ChatbotWidget.off('open'); ChatbotWidget.on('ready', () => told.push(['late', {}])) }")
    page.evaluate("ChatbotWidget.open()")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert names(page)[5:] == ["late"]


def test_a_question_of_the_website_is_answered_in_a_closed_chat_and_counted(site: Site, bot: str) -> None:
    page = site.visit(NOTE_EVENTS + site.embed(bot))
    page.evaluate("() => { ChatbotWidget.sendMessage('one'); ChatbotWidget.sendMessage('two') }")
    page.wait_for_function("told.filter(([name]) => name === 'answer').length === 2")
    expect(page.get_by_role("dialog")).to_be_hidden()
    button = page.get_by_role("button", name="Chat: Fern & Oak")
    expect(button).to_have_text("2")
    expect(button).to_have_accessible_name("Chat: Fern & Oak (2)")
    assert [detail["count"] for name, detail in page.evaluate("told") if name == "unread"] == [1, 2]
    button.click()
    chat = Chat(page)
    expect(chat.answers.last.locator(".text")).to_have_text("You said: two")
    box = chat.input.bounding_box()
    assert box
    assert box["height"] >= 30, "what was measured while closed does not stay"
    expect(button).to_have_text("")
    expect(button).to_have_accessible_name("Chat: Fern & Oak")
    assert [detail["count"] for name, detail in page.evaluate("told") if name == "unread"] == [1, 2, 0]
    page.evaluate("ChatbotWidget.newConversation()")
    expect(chat.answers).to_have_count(1)
    assert len(site.backend.called("/end")) == 1


def test_errors_are_told_by_their_code(site: Site, bot: str) -> None:
    site.backend.scripts["q"] = Script(["x"], error={"code": "model_timeout", "message": "Slow.", "retryable": True})
    page = site.visit(NOTE_EVENTS + site.embed(bot))
    page.evaluate("ChatbotWidget.sendMessage('q')")
    page.wait_for_function("told.some(([name]) => name === 'error')")
    assert [detail["code"] for name, detail in page.evaluate("told") if name == "error"] == ["model_timeout"]


def test_two_bots_are_called_by_their_ids(site: Site, bot: str) -> None:
    second = site.backend.add_bot([site.origin], name="Second")
    page = site.visit(NOTE_EVENTS + site.embed(bot) + site.embed(second))
    page.get_by_role("button", name="Chat: Second").wait_for()
    page.evaluate("id => { ChatbotWidget.sendMessage('hi', id); ChatbotWidget.setContext({plan: 'pro'}) }", second)
    page.wait_for_function("told.some(([name]) => name === 'answer')")
    assert {detail["botId"] for name, detail in page.evaluate("told") if name == "message"} == {second}
    page.evaluate("id => ChatbotWidget.destroy(id)", second)
    expect(page.get_by_role("button", name="Chat: Second")).to_have_count(0)
    launcher(page)
    page.evaluate("id => ChatbotWidget.open(id)", second)
    page.wait_for_timeout(200)
    assert page.get_by_role("dialog").count() == 0


def test_context_goes_with_the_next_questions(site: Site) -> None:
    bot = site.backend.add_bot([site.origin], page=True)
    page = site.visit(site.embed(bot))
    page.evaluate("() => { ChatbotWidget.setContext({plan: 'pro', size: 3}); ChatbotWidget.sendMessage('one') }")
    launcher(page)
    page.get_by_role("button", name="Chat: Fern & Oak").click()
    chat = Chat(page)
    expect(chat.answers.last.locator(".down")).to_be_visible()
    page.evaluate("() => { ChatbotWidget.setContext({big: 'x'.repeat(3000)}); history.pushState(0, '', '/cart') }")
    expect(chat.ask("two").locator(".down")).to_be_visible()
    one, two = [call[2] for call in site.backend.called("/api/public/chat/")]
    assert one["context"] == {"plan": "pro", "size": 3}
    assert one["page"] == {"url": site.origin + "/index", "title": "Shop"}
    assert "context" not in two, "too large is left out"
    assert two["page"]["url"] == site.origin + "/cart"
    assert any("2 KB" in line for line in site.said)


def test_the_address_is_told_only_where_the_owner_allows_it(site: Site, bot: str) -> None:
    page = site.visit(site.embed(bot))
    page.evaluate("ChatbotWidget.sendMessage('one')")
    launcher(page)
    page.get_by_role("button", name="Chat: Fern & Oak").click()
    expect(Chat(page).answers.last.locator(".down")).to_be_visible()
    assert site.backend.called("/api/public/chat/")[0][2].keys() == {
        "conversation_id",
        "message",
        "client_message_id",
    }


def test_nobody_else_can_command_the_frame_or_the_website(site: Site, bot: str) -> None:
    page = site.visit(NOTE_EVENTS + site.embed(bot))
    page.evaluate("ChatbotWidget.open()")
    chat = Chat(page)
    page.evaluate(
        """own => {
          const frame = document.querySelector("[data-chatbot]").shadowRoot.querySelector("iframe");
          const other = document.body.appendChild(document.createElement("iframe"));
          other.srcdoc = `<script>
            parent.postMessage({type: "chatbot:event", name: "answer", detail: {}}, "*");
            parent.document.querySelector("[data-chatbot]").shadowRoot.querySelector("iframe")
              .contentWindow.postMessage({type: "chatbot:send", text: "forged"}, "*");
          <\\/script>`;
          window.postMessage({type: "chatbot:event", name: "lead", detail: {}}, "*");
        }"""
    )
    page.wait_for_timeout(400)
    expect(chat.frame.locator(".row.user")).to_have_count(0)
    assert set(names(page)) == {"ready", "open"}


def test_shortened_names_are_no_names_of_the_browser(site: Site) -> None:
    page = site.page()
    own = set(page.evaluate("Object.getOwnPropertyNames(window)"))
    for path in FOLDER.glob("*.js"):
        assert renamed(path.read_text()) & own == set(), path.name
