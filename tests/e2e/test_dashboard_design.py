"""The Design page: what is edited is seen in the real chat before it is saved, and on a website after."""

from collections.abc import Iterator

import pytest
from playwright.async_api import FrameLocator, Page, expect

from tests.e2e import axe
from tests.e2e.dashboard import Owner, own_bot, publish
from tests.factories.sites import Page as Served
from tests.factories.sites import Site, serve_site
from tests.servers import RunningServer

SEEN = "#stage > iframe:not(.behind)"


@pytest.fixture
def web() -> Iterator[Site]:
    with serve_site() as made:
        yield made


async def open_design(page: Page, server: RunningServer, owner: Owner) -> str:
    bot_id = await own_bot(page, server, owner)
    await page.goto(f"{server.url}/bots/{bot_id}/design")
    await expect(page.get_by_role("tab", name="Look")).to_be_visible()
    return bot_id


def website(page: Page) -> FrameLocator:
    return page.frame_locator(SEEN)


def chat(page: Page) -> FrameLocator:
    return website(page).frame_locator("[data-chatbot] iframe")


async def test_a_draft_is_seen_before_it_is_saved_and_on_a_website_after(
    page: Page, server: RunningServer, owner: Owner, web: Site
) -> None:
    bot_id = await open_design(page, server, owner)
    welcome = chat(page).get_by_text("Hello! What would you like to know?")
    await expect(welcome).to_be_visible()  # of a bot that was never published
    await page.get_by_label("Colour as a code").fill("#b91c1c")
    await expect(chat(page).locator("#face")).to_have_css("background-color", "rgb(185, 28, 28)")
    await page.get_by_role("slider", name="Roundness").fill("0")
    await expect(chat(page).locator(".bubble").first).to_have_css("border-bottom-left-radius", "0px")

    await page.get_by_role("tab", name="Words").click()
    field = page.get_by_label("Welcome message")
    await field.fill("Ask me about plants.")
    await expect(chat(page).get_by_text("Ask me about plants.")).to_be_visible()
    await expect(field).to_be_focused()  # the preview takes no focus
    await page.get_by_label("Search the window's words").fill("ask a q")
    await expect(page.get_by_role("list", name="Words of the window").get_by_role("listitem")).to_have_count(1)
    await page.get_by_label("Ask a question…").fill("What is on your mind?")
    await expect(chat(page).get_by_placeholder("What is on your mind?")).to_be_visible()

    await page.get_by_role("tab", name="Launcher").click()
    await page.get_by_role("button", name="Top left").click()
    button = website(page).get_by_role("button", name="Chat: Plant helper")
    await expect(button).to_be_visible()
    await expect(button).to_have_css("top", "20px")
    await expect(button).to_have_css("left", "20px")
    await expect(page.get_by_text("Unsaved changes")).to_be_visible()
    async with page.expect_event("dialog") as leaving:
        await page.evaluate("() => void setTimeout(() => location.reload())")
    asked = await leaving.value
    assert asked.type == "beforeunload"
    await asked.dismiss()
    await expect(page.get_by_text("Unsaved changes")).to_be_visible()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()

    await publish(page, server, bot_id, web.url)
    await page.goto(f"{server.url}/widget/v1/demo?bot_id={bot_id}")  # nobody is asked any more
    await expect(page.get_by_role("heading", name="House plants that stay alive.")).to_be_visible()
    button = page.get_by_role("button", name="Chat: Plant helper")
    await expect(button).to_have_css("left", "20px")
    await expect(button).to_have_css("top", "20px")
    await button.click()
    await expect(page.frame_locator("[data-chatbot] iframe").get_by_text("Ask me about plants.")).to_be_visible()
    line = f'<script src="{server.url}/widget/v1/chatbot-widget.js" data-bot-id="{bot_id}" defer></script>'
    web.pages["/"] = Served(f"<!doctype html><title>Shop</title><link rel=icon href=data:,>{line}")
    await page.goto(web.url)
    button = page.get_by_role("button", name="Chat: Plant helper")
    await expect(button).to_have_css("background-color", "rgb(185, 28, 28)")
    await expect(button).to_have_css("top", "20px")
    await button.click()
    shown = page.frame_locator("[data-chatbot] iframe")
    await expect(shown.get_by_text("Ask me about plants.")).to_be_visible()
    await expect(shown.get_by_placeholder("What is on your mind?")).to_be_visible()
    await expect(shown.locator(".bubble").first).to_have_css("border-bottom-left-radius", "0px")


async def test_the_visitors_words_have_a_colour_of_their_own(page: Page, server: RunningServer, owner: Owner) -> None:
    await page.set_viewport_size({"width": 1440, "height": 1000})
    await open_design(page, server, owner)
    typed = page.get_by_role("textbox", name="Colour of the visitor's words as a code")
    await typed.fill("red")
    await expect(page.get_by_text("leave it empty for the bot's")).to_be_visible()
    await typed.fill("#ffe600")
    await expect(page.get_by_text("Empty: the colour above. Text on it is black")).to_be_visible()
    await expect(chat(page).locator("#chat")).to_have_css("--user", "#ffe600")
    await chat(page).get_by_role("textbox", name="Your message").fill("Anything?")
    await chat(page).get_by_role("button", name="Send").click()
    words = chat(page).locator(".user .bubble")
    await expect(words).to_have_css("background-color", "rgb(255, 230, 0)")
    await expect(words).to_have_css("color", "rgb(0, 0, 0)")
    await page.get_by_role("button", name="Remove the colour of the visitor's words").click()
    await expect(typed).to_have_value("")
    await expect(chat(page).locator("#chat")).not_to_have_attribute("data-user", "")


async def test_the_preview_is_tried_on_a_phone_and_in_the_dark(page: Page, server: RunningServer, owner: Owner) -> None:
    await page.set_viewport_size({"width": 1440, "height": 1000})
    await open_design(page, server, owner)
    await expect(chat(page).get_by_role("textbox", name="Your message")).to_be_visible()
    await page.get_by_role("radio", name="Phone").click()
    await page.get_by_role("radio", name="Dark").click()
    await expect(page.locator("#stage")).to_have_attribute("data-device", "phone")
    await expect(chat(page).locator("html")).to_have_css("background-color", "rgb(20, 22, 26)")
    box = await page.locator(SEEN).bounding_box()
    assert box
    assert round(box["width"]) == 390
    window = await chat(page).locator("html").evaluate("() => innerWidth")
    assert window == 390, "the window fills a phone"
    await chat(page).get_by_role("textbox", name="Your message").fill("Anything?")
    await chat(page).get_by_role("button", name="Send").click()
    await expect(chat(page).get_by_text("A sample answer")).to_be_visible()
    await page.get_by_role("tab", name="Words").click()
    await page.get_by_role("combobox", name="Language of the window").click()
    await page.get_by_role("option", name="Hebrew").click()
    await expect(chat(page).locator("html")).to_have_attribute("dir", "rtl")
    await chat(page).locator("textarea").fill("?")
    await chat(page).locator("textarea").press("Enter")
    await expect(chat(page).get_by_text("תשובה לדוגמה")).to_be_visible()
    await page.get_by_role("combobox", name="Language of the window").click()
    await page.get_by_role("option", name="English").click()
    await page.get_by_role("tab", name="Conversation").click()
    await page.get_by_label("Text", exact=True).fill("We keep this for 90 days.")
    await expect(chat(page).get_by_text("We keep this for 90 days.")).to_be_visible()
    await expect(chat(page).get_by_role("button", name="I agree")).to_be_visible()


async def test_files_are_tried_in_the_preview_and_go_nowhere(page: Page, server: RunningServer, owner: Owner) -> None:
    await open_design(page, server, owner)
    await page.get_by_role("tab", name="Conversation").click()
    await expect(chat(page).get_by_role("textbox", name="Your message")).to_be_visible()
    clip = chat(page).get_by_role("button", name="Add a file")
    await expect(clip).to_have_count(0)
    await page.get_by_role("switch", name="Visitors may attach files").click()
    await expect(clip).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    async with page.expect_file_chooser() as chosen:
        await clip.click()
    await (await chosen.value).set_files([{"name": "bill.txt", "mimeType": "text/plain", "buffer": b"30 euros"}])
    await expect(chat(page).locator("form .files li")).to_contain_text("1 kB")
    await chat(page).get_by_role("button", name="Send").click()
    await expect(chat(page).locator(".row.user")).to_contain_text("What is in the attached file?")
    await expect(chat(page).locator(".row.user .files")).to_contain_text("bill.txt")
    await expect(chat(page).get_by_text("A sample answer")).to_be_visible()
    assert not [url for url in asked if "/api/public/" in url]


async def test_a_colour_that_is_hard_to_see_is_told_and_nothing_else_may_frame_the_preview(
    page: Page, server: RunningServer, owner: Owner, web: Site
) -> None:
    await open_design(page, server, owner)
    await page.get_by_label("Colour as a code").fill("#ffee00")
    await expect(page.get_by_text("On a light page the launcher is hard to see: 1.2 to 1")).to_be_visible()
    await expect(page.get_by_text("Text on it is black")).to_be_visible()
    await expect(page.get_by_role("button", name="Save")).to_be_enabled()
    await page.get_by_label("Colour as a code").fill("#ff")
    await expect(page.get_by_text("A colour looks like #4f46e5.")).to_be_visible()
    await expect(page.get_by_role("button", name="Save")).to_be_disabled()
    await page.get_by_role("button", name="Discard").click()
    await expect(page.get_by_label("Colour as a code")).to_have_value("#4f46e5")
    for name in ("page", "frame", "once"):
        answer = await page.request.get(f"{server.url}/widget/preview/{name}")
        assert answer.headers["content-security-policy"].endswith("frame-ancestors 'self'"), name


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_on_the_page(page: Page, server: RunningServer, owner: Owner, scheme: str) -> None:
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await open_design(page, server, owner)
    await expect(chat(page).get_by_role("textbox", name="Your message")).to_be_visible()
    found: list[str] = []
    for name in ("Look", "Words", "Launcher", "Conversation"):
        await page.get_by_role("tab", name=name).click()
        await page.wait_for_timeout(400)
        found += [f"{name}: {fault}" for fault in await axe.page_faults(page)]
    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_around_it(page: Page, server: RunningServer, owner: Owner, scheme: str) -> None:
    """Settings with something wrong, the embed page, and the keys with their dialog."""
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    bot_id = await own_bot(page, server, owner)
    found: list[str] = []

    async def look(name: str) -> None:
        await page.wait_for_timeout(300)
        found.extend(f"{name}: {fault}" for fault in await axe.page_faults(page))

    await page.goto(f"{server.url}/bots/{bot_id}")
    await page.get_by_label("Longest answer").fill("12")
    await expect(page.get_by_text("At least 50.")).to_be_visible()
    await look("settings")
    await page.get_by_role("button", name="Discard").click()
    await page.get_by_role("link", name="Embed").first.click()
    await expect(page.get_by_role("heading", name="Does it show?")).to_be_visible()
    await look("embed")
    await page.goto(f"{server.url}/keys")
    await expect(page.get_by_role("heading", name="Identity secret")).to_be_visible()
    await look("keys")
    await page.get_by_role("button", name="New key").first.click()
    await page.get_by_role("button", name="Create key").click()
    await expect(page.get_by_role("textbox", name="Name")).to_be_focused()
    await expect(page.get_by_text("This cannot be empty.")).to_be_visible()
    await look("a new key")
    assert found == []
