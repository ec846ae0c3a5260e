"""A page that cannot be read, in the browser: it says why, offers another try, and nothing of it can be saved."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from playwright.async_api import Page, expect

from chatbot_saas.adapters.postgres import EmbeddedPostgres
from tests.e2e.dashboard import READY_MS, Owner, own_bot
from tests.servers import RunningServer


@asynccontextmanager
async def unreadable(server: RunningServer, bot_id: str) -> AsyncIterator[None]:
    """The bot's row holds what its settings cannot be made of."""
    change = "UPDATE bots SET widget = %s::jsonb WHERE id = %s"
    url = EmbeddedPostgres(server.data_dir).url
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as database:
        await database.execute(change, ("[]", bot_id))
        yield
        await database.execute(change, ("{}", bot_id))


async def _opens_in_vain(page: Page, url: str) -> None:
    await page.goto(url)
    alerts = page.get_by_role("alert")
    await expect(alerts.filter(has_text="The bot cannot be shown")).to_be_visible(timeout=READY_MS)
    await expect(alerts).to_have_count(1)
    await expect(page.get_by_role("navigation", name="Parts of this bot")).to_be_visible()
    await expect(page.locator("main .rt-Skeleton")).to_have_count(0)


async def test_a_bot_that_cannot_be_read_says_so_and_keeps_its_settings(
    page: Page, server: RunningServer, owner: Owner
) -> None:
    bot_id = await own_bot(page, server, owner, instructions="Be kind.")
    bot = f"{server.url}/api/v1/bots/{bot_id}"
    trouble = page.get_by_role("alert").filter(has_text="The bot cannot be shown")
    async with unreadable(server, bot_id):
        for part in ("/tests", "/retrieval", "/design"):
            tab = await page.context.new_page()  # of its own: a tab shows what it knew until its page is loaded
            await _opens_in_vain(tab, f"{server.url}/bots/{bot_id}{part}")
            await tab.close()
        await _opens_in_vain(page, f"{server.url}/bots/{bot_id}")
        await expect(page.locator("main input, main textarea")).to_have_count(0)
        await expect(page.get_by_role("button", name="Save")).to_have_count(0)
    before = await (await page.request.get(bot)).json()

    await trouble.get_by_role("button", name="Try again").click()
    await expect(trouble).to_have_count(0)
    await expect(page.get_by_role("heading", name="Plant helper")).to_be_visible()
    await expect(page.get_by_label("Instructions")).to_have_value("Be kind.")
    await page.get_by_label("Name", exact=True).fill("Leaf helper")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("heading", name="Leaf helper")).to_be_visible()
    after = await (await page.request.get(bot)).json()
    kept = {key: value for key, value in after.items() if key not in ("name", "version", "updated_at")}
    assert kept == {key: value for key, value in before.items() if key in kept}
