"""From a website's address to a bot that answers from it, as a new customer goes."""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import FilePayload, Page, expect

from tests.e2e.dashboard import make_bot, sign_up
from tests.factories import sites
from tests.factories.sites import NAME, SHOP, Site, png, serve_site, shop
from tests.servers import RunningServer

TWO_MINUTES = 120_000
"""What a website of 20 pages may take from its address to its first answer."""


@pytest.fixture
def web() -> Iterator[Site]:
    with serve_site() as made:
        yield made


async def look_at(tab: Page, url: str) -> None:
    await tab.get_by_label("Address of your website").fill(url)
    await tab.get_by_role("button", name="Look at it").click()


async def test_an_address_becomes_an_answer_that_cites_a_page(page: Page, server: RunningServer, web: Site) -> None:
    shop(web)
    await sign_up(page, server)
    await page.get_by_role("link", name="From your website").click()
    await expect(page.get_by_role("status").filter(has_text="Step 1 of 5: Address")).to_be_attached()
    await look_at(page, web.url)
    review = page.get_by_role("heading", name="This is what we found")
    await expect(review).to_be_visible(timeout=TWO_MINUTES)
    await expect(review).to_be_focused()
    await expect(page.get_by_role("status").filter(has_text="Step 3 of 5: Review")).to_be_attached()
    await expect(page.get_by_label("Name", exact=True)).to_have_value(f"{NAME} assistant")
    await expect(page.get_by_text(f"{len(SHOP)} chosen of {len(SHOP)} pages")).to_be_visible()
    await page.get_by_role("button", name="Make my bot").dblclick()
    await page.wait_for_url(re.compile(r"/bots/[0-9a-f-]{36}/start/?$"))
    await expect(page.get_by_role("heading", name="Your bot answers")).to_be_visible(timeout=TWO_MINUTES)
    questions = page.get_by_role("region", name="Questions to begin with").get_by_role("textbox")
    await expect(questions).to_have_count(4)
    await expect(questions.first).to_have_value("When are you open?")
    answer = page.get_by_role("log", name="First answer")
    await expect(answer.get_by_text("nine to six").first).to_be_visible(timeout=TWO_MINUTES)
    await expect(answer.get_by_text("Opening hours", exact=True).first).to_be_visible()

    # what was edited is kept, and whoever comes back finds it
    await questions.nth(3).fill("What does a flat tyre cost?")
    await page.get_by_role("button", name="Save questions").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await page.reload()
    await expect(questions.nth(3)).to_have_value("What does a flat tyre cost?")

    # one bot, whose starters are buttons
    await page.get_by_role("link", name="Try it").click()
    await page.get_by_role("button", name="New chat").click()
    starters = page.get_by_role("region", name="Playground").get_by_role("group", name="Conversation starters")
    await starters.get_by_role("button", name="What does a flat tyre cost?").click()
    await expect(page.get_by_role("log", name="Chat").get_by_text("12 euros").first).to_be_visible()
    await expect(starters).to_be_hidden()
    await page.goto(f"{server.url}/bots")
    await expect(page.get_by_role("list", name="Bots").get_by_role("listitem")).to_have_count(1)


async def test_what_goes_wrong_is_said_with_a_way_on(page: Page, server: RunningServer, web: Site) -> None:
    web.pages["/"] = '<html><head><title>App</title></head><body><div id="root"></div></body></html>'
    await sign_up(page, server)
    await page.goto(f"{server.url}/bots/from-website")
    await look_at(page, "http://127.0.0.1:1/")
    await expect(page.get_by_text("The website does not answer.")).to_be_visible()
    await look_at(page, web.url)
    await expect(page.get_by_text("scripts fill them in the browser")).to_be_visible()
    await page.get_by_role("link", name="Upload documents instead").click()
    await page.wait_for_url(re.compile(r"/bots/new/?$"))


async def test_an_address_in_the_page_s_own_begins_and_going_back_makes_nothing(
    page: Page, server: RunningServer, web: Site
) -> None:
    head = '<meta property="og:site_name" content="Fern <b>& Oak</b>">'
    web.pages["/"] = sites.page("Shop", "Tables and chairs of old oak.", head=head)
    await sign_up(page, server)
    await page.goto(f"{server.url}/bots/from-website?url={web.url}")
    await expect(page.get_by_role("heading", name="This is what we found")).to_be_visible(timeout=TWO_MINUTES)
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Fern & Oak assistant")
    await page.get_by_role("button", name="Another address").click()
    await expect(page.get_by_label("Address of your website")).to_be_visible()
    await page.wait_for_url(re.compile(r"/bots/from-website/?$"))  # the address follows what is shown
    await page.goto(f"{server.url}/bots")
    await expect(page.get_by_role("heading", name="Make your first bot")).to_be_visible()


async def test_the_widget_shows_pictures_and_starters_of_the_settings(page: Page, server: RunningServer) -> None:
    await sign_up(page, server)
    bot_id = await make_bot(page)
    await page.goto(f"{server.url}/bots/{bot_id}/design")
    for name, picture in (("Logo", png(9, 99, 9, 300)), ("Avatar", png(99, 9, 9, 300))):
        group = page.get_by_role("group", name=name)
        async with page.expect_file_chooser() as chooser:
            await group.get_by_role("button", name="Choose a picture").click()
        await (await chooser.value).set_files(FilePayload(name="i.png", mimeType="image/png", buffer=picture))
        await expect(group.get_by_role("button", name="Replace")).to_be_visible()
    preview = page.frame_locator("#stage > iframe:not(.behind)").frame_locator("[data-chatbot] iframe")
    await expect(preview.locator("#face")).to_have_css("background-image", re.compile("data:image/png;base64,"))
    await page.get_by_role("tab", name="Words").click()
    await page.get_by_role("button", name="Add a question").click()
    await page.get_by_label("Starter 1", exact=True).fill("Do you deliver?")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await page.get_by_role("button", name="Publish").click()
    await expect(page.get_by_text("Now name the websites it may appear on")).to_be_visible()
    await page.goto(f"{server.url}/widget/frame?bot_id={bot_id}")
    address = re.compile(rf"/widget/(icon|avatar)/{bot_id}\?v=[0-9a-f]{{12}}")
    await expect(page.locator("#face")).to_have_css("background-image", address)
    await expect(page.locator("#chat[data-face]")).to_be_visible()
    beside = await page.locator(".row.bot").first.evaluate("row => getComputedStyle(row, '::before').backgroundImage")
    found = address.search(beside)
    assert found
    assert found[1] == "avatar"
    assert "/widget/icon/" in await page.locator("#face").evaluate("face => getComputedStyle(face).backgroundImage")
    sent = await page.request.get(server.url + found.group())
    assert sent.headers["content-type"] == "image/png"
    assert int.from_bytes((await sent.body())[16:20]) == 96, "pixels: it was made small"
    await page.get_by_role("button", name="Do you deliver?").click()
    await expect(page.locator(".row.user")).to_contain_text("Do you deliver?")
    await expect(page.get_by_role("button", name="Do you deliver?")).to_be_hidden()
