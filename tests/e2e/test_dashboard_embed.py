"""A bot's way onto a website, as its owner goes it."""

from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from tests.e2e.dashboard import Owner, own_bot, publish
from tests.factories.sites import Page as Served
from tests.factories.sites import Site, serve_site
from tests.servers import RunningServer


@pytest.fixture
def web() -> Iterator[Site]:
    with serve_site() as made:
        yield made


async def test_a_bot_is_published_and_its_line_is_copied(page: Page, server: RunningServer, owner: Owner) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    bot_id = await own_bot(page, server, owner)
    await page.goto(f"{server.url}/bots/{bot_id}/embed")
    await expect(page.get_by_text("A draft answers only here")).to_be_visible()
    await page.get_by_role("button", name="Publish now").click()
    await expect(page.get_by_text("Published. It answers visitors")).to_be_visible()
    await expect(page.get_by_role("link", name="Add a website")).to_have_attribute("href", f"/bots/{bot_id}#websites")
    await page.get_by_role("button", name="Copy").first.click()
    await expect(page.get_by_text("Copied").locator("visible=true").first).to_be_visible()
    line = f'<script src="{server.url}/widget/v1/chatbot-widget.js" data-bot-id="{bot_id}" defer></script>'
    assert await page.evaluate("navigator.clipboard.readText()") == line
    await page.get_by_role("button", name="React").click()
    await expect(page.get_by_role("region", name="For your website: React")).to_contain_text(bot_id)
    preview = page.frame_locator("iframe[title='Preview of the chat']")
    await expect(preview.get_by_text("Hello! What would you like to know?")).to_be_visible()


async def test_the_doctor_tells_why_a_page_has_no_chat_until_it_has(
    page: Page, server: RunningServer, owner: Owner, web: Site
) -> None:
    bot_id = await own_bot(page, server, owner)
    await page.goto(f"{server.url}/bots/{bot_id}/embed")
    address, check = page.get_by_label("Address of your page"), page.get_by_role("button", name="Check", exact=True)
    web.pages["/"] = Served("<p>Nothing yet.</p>", headers={"Content-Security-Policy": "script-src 'self'"})
    await address.fill(web.url)
    await check.click()
    await expect(page.get_by_text("The chat does not show on this page yet.")).to_be_visible()
    for said in ("not on this page", "not published yet", "is not among the bot's websites", "stops the chat"):
        await expect(page.get_by_role("list", name="What was looked at").get_by_text(said)).to_be_visible()
    await publish(page, server, bot_id, web.url)
    await page.goto(f"{server.url}/bots/{bot_id}/embed")
    line = f'<script src="{server.url}/widget/v1/chatbot-widget.js" data-bot-id="{bot_id}" defer></script>'
    web.pages["/"] = Served(line, headers={"Content-Security-Policy": f"script-src 'self' {server.url}"})
    await address.fill(web.url)
    await check.click()
    await expect(page.get_by_text("The chat shows on this page.")).to_be_visible()
