"""A visitor's file, from the owner's switch to the answer that cites it, on the real server."""

import re

from playwright.async_api import BrowserContext, FilePayload, Page, expect

from tests.e2e.conftest import Problems
from tests.e2e.dashboard import know, make_bot, sign_up
from tests.servers import RunningServer

BILL = FilePayload(
    name="bill.txt",
    mimeType="text/plain",
    buffer=b"Bill of the bicycle workshop. The repair of the gear hub costs 83 euros. It is to be paid by 5 November.",
)
PHOTO = FilePayload(name="photo.jpg", mimeType="image/jpeg", buffer=b"\xff\xd8\xff\xe0" + bytes(64))


async def add(page: Page, file: FilePayload) -> None:
    async with page.expect_file_chooser() as chosen:
        await page.get_by_role("button", name="Add a file").click()
    await (await chosen.value).set_files([file])


async def test_a_visitor_asks_about_a_file(
    page: Page, context: BrowserContext, server: RunningServer, problems: Problems
) -> None:
    await sign_up(page, server)
    bot_id = await make_bot(page)
    await know(page, "hours.txt", "The workshop is open from nine to six.")
    await page.goto(f"{server.url}/bots/{bot_id}/design")
    await page.get_by_role("tab", name="Conversation").click()
    await page.get_by_role("switch", name="Visitors may attach files").click()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    patch = {"status": "published"}
    done = await page.request.patch(f"{server.url}/api/v1/bots/{bot_id}", data=patch, headers={"Origin": server.url})
    assert done.ok

    visitor = await context.new_page()
    await visitor.goto(f"{server.url}/widget/frame?bot_id={bot_id}")
    waiting = visitor.locator("form .files li")
    await add(visitor, PHOTO)
    await expect(waiting).to_contain_text("This kind of file cannot be read")
    await visitor.get_by_role("button", name="Remove: photo.jpg").click()
    await add(visitor, BILL)
    await expect(waiting).to_contain_text("1 kB")
    async with visitor.expect_response(lambda answer: answer.request.method == "DELETE") as gone:
        await visitor.get_by_role("button", name="Remove: bill.txt").click()
    assert (await gone.value).status == 204
    await add(visitor, BILL)
    await expect(waiting).to_contain_text("1 kB")
    await visitor.get_by_role("textbox", name="Your message").fill("What does the repair of the gear hub cost?")
    await visitor.get_by_role("button", name="Send").click()
    await expect(visitor.locator(".row.user .files")).to_contain_text("bill.txt")
    answer = visitor.locator(".row.bot").last
    await expect(answer.locator(".down")).to_be_visible(timeout=30_000)
    await expect(answer.locator(".text")).to_contain_text("83 euros")
    await expect(answer.locator("summary").first).to_contain_text("Your file")
    await answer.get_by_role("button", name="Show source 1").first.click()
    await expect(answer.locator("mark")).to_contain_text("83 euros")

    await visitor.reload()
    await expect(visitor.locator(".row.user .files")).to_have_text(re.compile(r"bill\.txt1 kB"))
    await expect(visitor.locator(".row.bot").last.locator("summary").first).to_contain_text("Your file")
