"""A deletion's receipt, as the owner of an account finds it."""

import json
import re
from pathlib import Path

from playwright.async_api import FilePayload, Page, expect

from tests.e2e.dashboard import make_bot, sign_up
from tests.servers import RunningServer

READY_MS = 60_000


async def test_a_receipt_is_read_copied_and_taken_along(page: Page, server: RunningServer, tmp_path: Path) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await sign_up(page, server)
    bot_id = await make_bot(page, "Doomed helper")
    note = FilePayload(name="terms.txt", mimeType="text/plain", buffer=b"Parcels are returned free of charge.")
    own = {"Origin": server.url}
    address = f"{server.url}/api/v1/bots/{bot_id}"
    added = await page.context.request.post(f"{address}/sources", multipart={"file": note}, headers=own)
    assert added.status == 202
    await page.goto(f"{server.url}/bots/{bot_id}/knowledge")
    await expect(page.get_by_role("row", name="terms").get_by_text("Ready")).to_be_visible(timeout=READY_MS)
    gone = await page.context.request.delete(address, headers=own)
    receipt = await gone.json()
    assert receipt["verified"], receipt

    await page.goto(f"{server.url}/audit")
    row = page.get_by_role("row", name="Bot deleted")
    await expect(row).to_contain_text("Doomed helper")
    await row.get_by_role("button", name="Receipt of Bot deleted: Doomed helper").click()
    dialog = page.get_by_role("dialog", name="Deletion receipt")
    await expect(dialog.get_by_text("Verified")).to_be_visible()
    await expect(dialog.get_by_text(receipt["signature"])).to_be_visible()
    for words in receipt["checked"]:
        await expect(dialog.get_by_text(words)).to_be_visible()
    await dialog.get_by_role("button", name="Copy").click()
    await expect(dialog.get_by_text("Copied").locator("visible=true").first).to_be_visible()
    assert json.loads(await page.evaluate("navigator.clipboard.readText()")) == receipt
    async with page.expect_download() as download:
        await dialog.get_by_role("button", name="Download").click()
    file = await download.value
    assert re.fullmatch(r"deletion-bot-[0-9a-f-]{36}\.json", file.suggested_filename)
    await file.save_as(tmp_path / "receipt.json")
    taken = json.loads((tmp_path / "receipt.json").read_text())
    verify = f"{server.url}/api/v1/receipts/verify"
    for body, valid in ((taken, True), ({**taken, "title": "Another"}, False)):
        checked = await page.context.request.post(verify, data={"receipt": body}, headers=own)
        assert await checked.json() == {"valid": valid}
    await dialog.get_by_role("button", name="Close").click()
    await expect(dialog).to_be_hidden()
