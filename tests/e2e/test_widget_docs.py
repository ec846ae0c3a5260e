"""The lines of HTML that the documentation shows, on a website of another origin."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from chatbot_saas.core.settings import ROOT
from tests.e2e.widget_site import Chat, Site
from tests.samples import samples

POLICY = re.compile(r"```\n(script-src .*?)\n```")
OURS = "https://chat.example.com"


def lines(page: str, site: Site, bot: str) -> list[str]:
    return [for_bot(found, site, bot) for found in samples(page, "html")]


def for_bot(sample: str, site: Site, bot: str) -> str:
    return sample.replace(OURS, site.backend.url).replace("YOUR-BOT-ID", bot).replace("BOT-ID", bot)


def open_chat(page: Page) -> Chat:
    page.get_by_role("button", name="Chat: Fern & Oak").click()
    return Chat(page)


@pytest.fixture
def bot(site: Site) -> str:
    return site.backend.add_bot([site.origin])


@pytest.fixture
def site(widget_site: Site) -> Site:
    return widget_site


@pytest.mark.parametrize("page", ["README.md", "docs/widget.md", "widget/README.md"])
def test_the_embed_lines_work_as_they_stand(site: Site, bot: str, page: str) -> None:
    found = lines(page, site, bot)
    assert found, "the page shows a line"
    for line in found:
        chat = open_chat(site.visit(line))
        expect(chat.ask("hi").locator(".text")).to_have_text("You said: hi")
        assert site.said == []


def test_calls_before_the_script_work_as_they_stand(site: Site, bot: str) -> None:
    [calls] = lines("docs/widget-api.md", site, bot)
    chat = Chat(site.visit(calls + site.embed(bot)))
    expect(chat.ask("hi").locator(".text")).to_have_text("You said: hi")
    chat.page.wait_for_timeout(0)
    assert site.said == ["log: true"]
    # a button that is clicked before the script is there
    stub = calls.replace("  ChatbotWidget.open();\n", "")
    own = '<button onclick="ChatbotWidget.toggle()">Help</button>'
    page = site.visit(stub + own)
    page.get_by_role("button", name="Help").click()
    page.evaluate(
        "line => document.body.append(document.createRange().createContextualFragment(line))", site.embed(bot)
    )
    Chat(page)
    page.get_by_role("button", name="Help").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    # the stub after the script changes nothing
    page = site.visit(site.embed(bot, "") + calls)
    Chat(page)


def test_the_policy_is_enough_as_it_stands(site: Site, bot: str) -> None:
    [documented] = POLICY.findall((ROOT / "docs" / "widget.md").read_text())
    policy = for_bot(documented, site, bot)
    head = f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; {policy}">'
    [line] = lines("docs/widget.md", site, bot)
    expect(open_chat(site.visit(line, head)).ask("hi").locator(".text")).to_have_text("You said: hi")
    assert site.said == []


def test_every_page_with_a_sample_is_tried_somewhere() -> None:
    tried = {"README.md", "widget/README.md"}
    tried |= {f"docs/{name}.md" for name in ("api", "identity", "openai", "operations", "widget", "widget-api")}
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "widget" / "README.md"]
    assert {name_of(page) for page in pages if "```" in page.read_text()} == tried


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()
