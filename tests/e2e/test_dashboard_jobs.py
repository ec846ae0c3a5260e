"""Jobs as people use the pages: followed, cancelled, tried again, many at once; and over all tenants."""

from uuid import uuid4

import httpx
from playwright.async_api import Page, expect

from tests.e2e.dashboard import PASSWORD, make_bot, sign_in, sign_up
from tests.e2e.test_dashboard_conversations import Api, make_administrator
from tests.factories import files
from tests.servers import RunningServer

READY_MS = 60_000
LONG = files.prose(400_000)
"""Takes a while to embed, so that a person has the time to do something about it."""


async def upload(api: httpx.AsyncClient, bot_id: str, name: str, content: str | bytes) -> None:
    sent = await api.post(f"/api/v1/bots/{bot_id}/sources", files={"file": (name, content)})
    sent.raise_for_status()


async def test_jobs_are_followed_cancelled_and_tried_again(page: Page, server: RunningServer) -> None:
    email = await sign_up(page, server)
    bot_id = await make_bot(page)
    await page.goto(f"{server.url}/jobs")
    await expect(page.get_by_role("heading", name="Nothing has been read yet")).to_be_visible()
    async with Api(server, email) as api:
        await upload(api, bot_id, "good.txt", "Boats are lifted on Mondays.")
        await upload(api, bot_id, "secret.pdf", files.encrypted_pdf())
        await upload(api, bot_id, "long.txt", LONG)
    await page.reload()
    table = page.get_by_role("table", name="Jobs")
    await expect(table.get_by_role("row", name="good").get_by_text("Done")).to_be_visible(timeout=READY_MS)
    failed = table.get_by_role("row", name="secret.pdf")
    await expect(failed.get_by_text("protected with a password")).to_be_visible(timeout=READY_MS)
    running = table.get_by_role("row", name="long")
    await expect(running.get_by_role("progressbar", name="Progress of long")).to_be_visible(timeout=READY_MS)
    await running.get_by_role("button", name="Cancel long").click()
    await expect(page.get_by_text("long.txt is cancelled.").or_(page.get_by_text("long is cancelled."))).to_be_visible()
    await expect(running.get_by_text("Cancelled")).to_be_visible()
    await failed.get_by_role("button", name="Try secret.pdf again").click()
    await expect(table.get_by_role("row", name="secret.pdf")).to_have_count(2)
    await expect(table.get_by_role("row", name="secret.pdf").first.get_by_text("Failed")).to_be_visible(
        timeout=READY_MS
    )


async def test_many_are_cancelled_and_tried_again_together(page: Page, server: RunningServer) -> None:
    email = await sign_up(page, server)
    bot_id = await make_bot(page)
    async with Api(server, email) as api:
        for number in range(6):
            await upload(api, bot_id, f"volume {number}.txt", f"{LONG}\n\nVolume {number}.")
    await page.goto(f"{server.url}/jobs")
    await expect(page.get_by_text("Some wait for their turn")).to_be_visible()
    await page.get_by_role("checkbox", name="Select all shown").press("Space")
    await expect(page.get_by_text("6 selected").first).to_be_visible()
    await page.get_by_role("button", name="Cancel 6 jobs").click()
    dialog = page.get_by_role("alertdialog", name="Cancel 6 jobs?")
    await dialog.get_by_role("button", name="Keep them").click()
    await page.get_by_role("button", name="Cancel 6 jobs").click()
    await dialog.get_by_role("button", name="Cancel 6 jobs").click()
    await expect(page.get_by_text("6 jobs are cancelled.")).to_be_visible()
    table = page.get_by_role("table", name="Jobs")
    await expect(table.get_by_text("Cancelled")).to_have_count(6)
    await page.get_by_role("checkbox", name="Select volume 1").click()
    await page.get_by_role("button", name="Try 1 job again").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Try again").click()
    await expect(page.get_by_text("1 job is started again.")).to_be_visible()
    await page.get_by_role("combobox", name="Status").click()
    await page.get_by_role("option", name="Cancelled").click()
    await expect(table.get_by_role("row", name="volume")).to_have_count(6)
    await page.get_by_role("searchbox", name="Search jobs").fill("nothing like it")
    await expect(page.get_by_role("heading", name="No job matches")).to_be_visible()


async def test_an_administrator_sees_the_jobs_of_every_tenant(page: Page, server: RunningServer) -> None:
    admin, tenant = await make_administrator(server), f"Amber {uuid4().hex[:6]}"
    email = await sign_up(page, server, tenant)
    bot_id = await make_bot(page)
    async with Api(server, email) as api:
        await upload(api, bot_id, "secret.pdf", files.encrypted_pdf())
    await page.goto(f"{server.url}/admin/jobs")
    await expect(page.get_by_role("heading", name="All jobs")).to_be_hidden()
    await expect(page.get_by_text("secret.pdf")).to_be_hidden()
    await page.context.clear_cookies()
    await page.goto(f"{server.url}/sign-in?next=/admin/jobs")
    await sign_in(page, admin, PASSWORD)
    await page.get_by_role("searchbox", name="Search jobs").fill(tenant)
    row = page.get_by_role("row", name=tenant)
    await expect(row.get_by_text("protected with a password")).to_be_visible(timeout=READY_MS)
    await row.get_by_role("button", name="Try secret.pdf again").click()
    await expect(row).to_have_count(2)
