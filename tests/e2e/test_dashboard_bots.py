"""Sign-up, sign-in and the pages of bots, as people use them."""

import re

import httpx
from playwright.async_api import Browser, Page, expect

from tests.e2e.conftest import Problems
from tests.e2e.dashboard import PASSWORD, SIGN_IN, ask, demo_login, make_bot, sign_in, sign_up
from tests.servers import RunningServer


async def test_a_newcomer_makes_a_bot(page: Page, server: RunningServer) -> None:
    await sign_up(page, server)
    await page.get_by_label("Name").fill("n" * 81)
    await expect(page.get_by_text("At most 80 characters.")).to_be_visible()
    await expect(page.get_by_label("Name")).to_have_value("n" * 81)
    bot_id = await make_bot(page)
    await page.goto(f"{server.url}/overview")
    await expect(page.get_by_role("heading", name="Get your first answer")).to_be_visible()
    await expect(page.get_by_role("link", name="Add a document")).to_have_attribute(
        "href", re.compile(f"/bots/{bot_id}/knowledge")
    )


async def test_forms_say_what_is_wrong_and_keep_what_was_typed(
    page: Page, server: RunningServer, problems: Problems
) -> None:
    email = await sign_up(page, server)
    await page.context.clear_cookies()
    await page.goto(f"{server.url}/bots")
    await page.wait_for_url(SIGN_IN)
    await page.get_by_label("E-mail address").fill("nobody@")
    await page.get_by_label("Password", exact=True).focus()
    await expect(page.get_by_text("This does not look like an e-mail address.")).to_be_visible()
    await sign_in(page, email, "wrong password")
    await expect(page.get_by_role("alert").filter(has_text="wrong")).to_be_visible()
    await expect(page.get_by_label("E-mail address")).to_have_value(email)
    assert len(problems) == 1  # the browser names the 401 itself
    problems.clear()
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile(r"/bots/?$"))  # where they wanted to go
    await expect(page.get_by_role("heading", name="Make your first bot")).to_be_visible()


async def test_foreign_addresses_are_no_place_to_go_on(page: Page, server: RunningServer) -> None:
    email, password = demo_login(server)
    await page.goto(f"{server.url}/sign-in?next=//evil.example/x")
    await sign_in(page, email, password)
    await page.wait_for_url(re.compile(rf"^{re.escape(server.url)}/overview"))


async def test_signing_out_leaves_nothing_in_the_tab(page: Page, server: RunningServer) -> None:
    await sign_up(page, server, tenant="First of two")
    await expect(page.get_by_text("First of two").first).to_be_visible()
    await page.get_by_role("button", name="Your account").locator("visible=true").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url(SIGN_IN)
    await page.goto(f"{server.url}/overview")
    await page.wait_for_url(SIGN_IN)
    await sign_up(page, server, tenant="Second of two")
    await expect(page.get_by_text("Second of two").first).to_be_visible()
    await expect(page.get_by_text("First of two")).to_have_count(0)


async def test_settings_publish_history_and_delete(page: Page, server: RunningServer) -> None:
    await sign_up(page, server)
    bot_id = await make_bot(page)
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_label("Longest answer").fill("12")
    await expect(page.get_by_text("At least 50.")).to_be_visible()
    await expect(page.get_by_role("button", name="Save")).to_be_disabled()
    await page.get_by_label("Longest answer").fill("300")
    await page.get_by_label("Add a website").fill("shop.example")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("list", name="Allowed websites")).to_contain_text("https://shop.example")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_label("Longest answer")).to_have_value("300")
    await page.get_by_role("button", name="Publish").click()
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()

    await page.get_by_role("link", name="History").click()
    first = page.get_by_role("listitem").filter(has_text="Version 1")
    await first.get_by_text("Compared with now").click()
    await expect(first).to_contain_text("https://shop.example")
    await first.get_by_role("button", name="Roll back").click()
    told = page.get_by_role("status").filter(has_text="Version 1 is published again, as version ")
    await expect(told.get_by_role("button", name="Undo")).to_be_visible()

    await page.goto(f"{server.url}/bots/{bot_id}")
    await expect(page.get_by_label("Longest answer")).to_have_value("600")
    await page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("alertdialog")
    await expect(dialog.get_by_role("button", name="Delete the bot")).to_be_disabled()
    await dialog.get_by_role("textbox").fill("Plant helper")
    await dialog.get_by_role("button", name="Delete the bot").click()
    await page.wait_for_url(re.compile(r"/bots/?$"))
    await page.goto(f"{server.url}/bots/{bot_id}")
    await expect(page.get_by_role("heading", name="There is no such bot")).to_be_visible()


async def test_a_change_by_somebody_else_is_taken_in(page: Page, server: RunningServer) -> None:
    email = await sign_up(page, server)
    bot_id = await make_bot(page)
    await page.goto(f"{server.url}/bots/{bot_id}")
    await page.get_by_label("Name").fill("Mine")
    await expect(page.get_by_text("Unsaved changes")).to_be_visible()
    async with httpx.AsyncClient(base_url=server.url) as client:
        login = await client.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD})
        headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
        await client.patch(f"/api/v1/bots/{bot_id}", json={"description": "Theirs"}, headers=headers)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Somebody else changed this bot meanwhile.")).to_be_visible()
    await expect(page.get_by_label("Description")).to_have_value("Theirs")
    await expect(page.get_by_label("Name")).to_have_value("Mine")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="Mine")).to_be_visible()


async def test_the_playground_streams_cites_and_shows_what_was_retrieved(page: Page, server: RunningServer) -> None:
    email, password = demo_login(server)
    await page.goto(f"{server.url}/sign-in")
    await sign_in(page, email, password)
    await page.get_by_role("link", name="Bots", exact=True).click()
    await page.get_by_role("list", name="Bots").get_by_role("link").first.click()
    chat = await ask(page, "How long can I return a plant after delivery?")
    await expect(chat).to_contain_text("30 days")
    await chat.get_by_text("What was retrieved").first.click()
    await expect(chat.get_by_text("cited").first).to_be_visible()
    await chat.get_by_text("Passage").first.click()
    await ask(page, "What is the capital of Mongolia?")
    await expect(chat.get_by_text("not answered")).to_be_visible()
    await page.get_by_role("button", name="New chat").click()
    await expect(chat).not_to_contain_text("30 days")


async def test_the_keyboard_is_enough(page: Page, server: RunningServer) -> None:
    await sign_up(page, server)
    await page.goto(f"{server.url}/overview")
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.get_by_role("button", name="Go to a bot").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Search bots")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Go to a bot")).to_be_focused()


async def test_nothing_is_cut_off_on_a_phone(browser: Browser, server: RunningServer) -> None:
    context = await browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB")
    page = await context.new_page()
    await sign_up(page, server)
    bot_id = await make_bot(page)
    for path in ("/overview", "/bots", "/bots/new", f"/bots/{bot_id}", f"/bots/{bot_id}/history"):
        await page.goto(f"{server.url}{path}")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await page.wait_for_timeout(300)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390, path
    await page.get_by_role("button", name="Open the navigation").click()
    await page.get_by_role("dialog").get_by_role("link", name="Overview").click()
    await page.wait_for_url(re.compile(r"/overview/?$"))
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await context.close()
