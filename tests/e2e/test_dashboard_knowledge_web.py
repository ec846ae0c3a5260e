"""Web pages and websites as knowledge: found, chosen, read, refreshed, cancelled, tried again."""

import asyncio
import re

from aiohttp import web
from playwright.async_api import Locator, Page, expect

from tests.e2e.dashboard import make_bot, sign_up
from tests.factories.sites import Site, shop, shop_page, site
from tests.factories.sites import page as web_page
from tests.servers import RunningServer

READY_MS = 60_000


async def knowledge(page: Page, server: RunningServer) -> None:
    await sign_up(page, server)
    await make_bot(page)
    await expect(page.get_by_role("heading", name="Add the first document")).to_be_visible()


async def open_dialog(page: Page, name: str) -> Locator:
    await page.get_by_role("button", name=name, exact=True).click()
    return page.get_by_role("dialog", name=f"Add a {name.lower()}")


class Held:
    """A page that is sent once the test says so. `left`: somebody who waited for it went away."""

    def __init__(self, path: str) -> None:
        self.open, self.left = asyncio.Event(), asyncio.Event()
        self._path = path

    async def __call__(self, _: web.Request, __: Site) -> web.Response:
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        return web.Response(text=shop_page(self._path), content_type="text/html")


async def test_a_page_is_read_cancelled_and_tried_again(page: Page, server: RunningServer) -> None:
    async with site() as made:
        held = Held("/prices")
        made.pages["/prices"] = held
        await knowledge(page, server)
        dialog = await open_dialog(page, "Web page")
        address = dialog.get_by_label("Address")
        await expect(address).to_be_focused()
        await address.fill("nonsense !")
        await dialog.get_by_role("button", name="Add page").click()
        await expect(dialog.get_by_text("This is not a complete web address.")).to_be_visible()
        await expect(address).to_have_attribute("aria-invalid", "true")
        await address.fill(f"{made.url}/prices")
        await dialog.get_by_role("button", name="Add page").click()
        await expect(dialog).to_be_hidden()
        await expect(page.get_by_role("button", name="Web page", exact=True)).to_be_focused()

        row = page.get_by_role("row", name=f"{made.url}/prices")
        await expect(row.get_by_text("Reading")).to_be_visible(timeout=READY_MS)
        await expect(row.get_by_role("progressbar")).to_be_visible()
        await row.get_by_role("button", name="Cancel").click()
        await expect(row.get_by_text("Cancelled")).to_be_visible()
        held.open.set()
        await row.get_by_role("button", name=re.compile("^Try .* again$")).click()
        ready = page.get_by_role("row", name="Prices")
        await expect(ready.get_by_text("Ready")).to_be_visible(timeout=READY_MS)
        await expect(ready.get_by_text("Every day")).to_be_visible()

        await ready.get_by_role("button", name="When Prices").click()
        await page.get_by_role("menuitem", name="By hand").click()
        await expect(ready.get_by_text("By hand")).to_be_visible()

        again = await open_dialog(page, "Web page")
        await again.get_by_label("Address").fill(f"{made.url}/prices")
        await again.get_by_role("button", name="Add page").click()
        await expect(ready.get_by_text("You have this already.")).to_be_visible()


async def test_pages_of_a_website_are_found_and_chosen(page: Page, server: RunningServer) -> None:
    async with site() as made:
        shop(made)
        del made.pages["/terms"]  # the sitemap still lists it
        await knowledge(page, server)
        dialog = await open_dialog(page, "Website")
        await dialog.get_by_label("Address").fill(made.url)
        await dialog.get_by_role("button", name="Find pages").click()
        pages = dialog.get_by_role("region", name="Pages of the website")
        await expect(pages.get_by_text("20 chosen of 20 pages")).to_be_visible(timeout=READY_MS)
        await pages.get_by_label("Filter the pages").fill("blog")
        await expect(pages.get_by_role("checkbox")).to_have_count(4)
        await pages.get_by_role("button", name="None of these").click()
        await expect(pages.get_by_text("16 chosen of 20 pages")).to_be_visible()
        await pages.get_by_label("Filter the pages").fill("")
        await pages.get_by_role("checkbox", name="/jobs").click()
        await expect(pages.get_by_text("15 chosen of 20 pages")).to_be_visible()
        await dialog.get_by_role("button", name="Take the 15 chosen pages").click()

        row = page.get_by_role("row", name="Bicycles at the old harbour")
        await expect(row.get_by_text("Ready")).to_be_visible(timeout=READY_MS)
        await expect(row.get_by_text("14 pages").locator("visible=true")).to_be_visible()
        await row.get_by_role("link", name="Bicycles at the old harbour").click()
        await expect(page.get_by_role("heading", name="Bicycles at the old harbour")).to_be_visible()
        terms = page.get_by_role("row", name=f"{made.url}/terms")
        await expect(terms.get_by_text("Gone")).to_be_visible()
        await expect(terms.get_by_text("There is no page at this address")).to_be_visible()
        await page.get_by_role("searchbox", name="Search pages").fill("deposit")
        await expect(page.get_by_role("table", name="Pages").get_by_role("row")).to_have_count(2)
        look = page.get_by_role("button", name="What the bot knows of Deposit")
        await look.click()
        await expect(page.get_by_role("dialog").get_by_text("a deposit of 50 euros")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(look).to_be_focused()
        await expect(page.get_by_role("region", name="History of this source").get_by_text("Done")).to_be_visible()


async def test_a_search_is_stopped_and_a_whole_site_is_tried_again(page: Page, server: RunningServer) -> None:
    async with site() as made:
        held = Held("/prices")
        made.pages["/"] = web_page("Home", "Bicycles for rent at the harbour.", links=["/prices", "/repairs"])
        made.pages |= {"/prices": held, "/repairs": shop_page("/repairs")}
        await knowledge(page, server)
        dialog = await open_dialog(page, "Website")
        await dialog.get_by_label("Address").fill(f"{made.url}/nothing-here")
        await dialog.get_by_role("button", name="Find pages").click()
        await expect(dialog.get_by_text("There is no page at this address")).to_be_visible(timeout=READY_MS)
        await dialog.get_by_label("Address").fill(made.url)
        await dialog.get_by_role("button", name="Find pages").click()
        await expect(dialog.get_by_text("1 of 1 page so far")).to_be_visible(timeout=READY_MS)
        await expect(dialog.get_by_role("button", name="Take the chosen page")).to_be_disabled()
        await dialog.get_by_role("button", name="Stop").click()
        await expect(dialog.get_by_text("1 chosen of 1 page, stopped before the end")).to_be_visible()
        await dialog.get_by_role("button", name="Find pages").click()
        await expect(dialog.get_by_text("1 of 1 page so far")).to_be_visible(timeout=READY_MS)
        held.left.clear()
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await expect(page.get_by_role("button", name="Website", exact=True)).to_be_focused()
        await asyncio.wait_for(held.left.wait(), 30)  # nobody waits for the page any more

        dialog = await open_dialog(page, "Website")
        await dialog.get_by_label("Address").fill(f"{made.url}/news")
        await dialog.get_by_label("Pages at most").fill("many")
        await dialog.get_by_role("button", name="Take the whole site").click()
        await expect(dialog.get_by_text("This is not a whole number.")).to_be_visible()
        await dialog.get_by_label("Pages at most").fill("10")
        await dialog.get_by_role("button", name="Take the whole site").click()
        row = page.get_by_role("row", name=f"{made.url}/news")
        await expect(row.get_by_text("There is no page at this address")).to_be_visible(timeout=READY_MS)
        made.pages["/news"] = web_page("Harbour news", "The crane is painted red this year.")
        await row.get_by_role("button", name=re.compile("^Try .* again$")).click()
        await expect(page.get_by_role("row", name="Harbour news").get_by_text("Ready")).to_be_visible(timeout=READY_MS)
