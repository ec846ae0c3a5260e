"""Pasted texts: added, read as passages, written anew, deleted with a receipt."""

from playwright.async_api import Page, expect

from tests.e2e.dashboard import make_bot, sign_up
from tests.servers import RunningServer

READY_MS = 60_000


async def test_a_text_is_pasted_changed_and_deleted(page: Page, server: RunningServer) -> None:
    await sign_up(page, server)
    await make_bot(page)
    await page.get_by_role("button", name="Text", exact=True).click()
    dialog = page.get_by_role("dialog", name="Add a text")
    await expect(dialog.get_by_label("Title")).to_be_focused()
    await dialog.get_by_role("button", name="Add text").click()
    await expect(dialog.get_by_text("This cannot be empty.")).to_have_count(2)
    await dialog.get_by_label("Title").fill("House rules")
    await dialog.get_by_label("Text", exact=True).fill("Dogs are welcome on the quay.")
    await expect(dialog.get_by_text("29 of 500,000 characters")).to_be_visible()
    await dialog.get_by_role("button", name="Add text").click()
    row = page.get_by_role("row", name="House rules")
    await expect(row.get_by_text("Ready")).to_be_visible(timeout=READY_MS)

    edit = row.get_by_role("button", name="Edit the text of House rules")
    await edit.click()
    dialog = page.get_by_role("dialog", name="Edit the text")
    text = dialog.get_by_label("Text", exact=True)
    await expect(text).to_have_value("Dogs are welcome on the quay.")
    await page.keyboard.press("Escape")
    await expect(edit).to_be_focused()

    await row.get_by_role("link", name="House rules").click()
    passages = page.get_by_role("list", name="Passages")
    await expect(passages.get_by_text("Dogs are welcome on the quay.")).to_be_visible()
    await page.get_by_role("button", name="Edit text").click()
    await text.fill("Dogs stay on a lead.")
    await dialog.get_by_role("button", name="Save").click()
    await expect(passages.get_by_text("Dogs stay on a lead.")).to_be_visible(timeout=READY_MS)
    await expect(page.get_by_role("region", name="History of this source").get_by_text("Read again")).to_be_visible()

    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("region", name="Deletion")).to_contain_text("House rules is deleted.")
    await expect(page.get_by_role("heading", name="Add the first document")).to_be_visible()
    show = page.get_by_role("button", name="Show the receipt")
    await show.click()
    receipt = page.get_by_role("dialog", name="Deletion receipt")
    await expect(receipt.get_by_text("Verified")).to_be_visible()
    await receipt.get_by_role("button", name="Close").click()
    await expect(show).to_be_focused()
    await page.get_by_role("button", name="Dismiss").click()
    await expect(show).to_be_hidden()
