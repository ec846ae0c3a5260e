"""Keys of programs and the secret of websites: made, shown once, ended."""

import httpx
from playwright.async_api import Page, expect

from tests.e2e.dashboard import Owner, own_bot, sign_up
from tests.servers import RunningServer


async def test_a_key_is_shown_once_works_and_is_revoked(page: Page, server: RunningServer, owner: Owner) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    bot_id = await own_bot(page, server, owner)
    await page.goto(f"{server.url}/keys")
    await page.get_by_role("button", name="New key").first.click()
    await page.get_by_role("textbox", name="Name").fill("Robot")
    await page.get_by_role("checkbox", name="List bots").click()
    await page.get_by_role("button", name="Create key").click()
    await page.get_by_role("button", name="Copy key").click()
    await expect(page.get_by_role("dialog").get_by_text("Copied").locator("visible=true").first).to_be_visible()
    key = await page.evaluate("navigator.clipboard.readText()")
    async with httpx.AsyncClient(base_url=server.url, headers={"X-API-Key": key}) as api:
        assert (await api.get(f"/api/v1/bots/{bot_id}")).status_code == httpx.codes.OK
        await page.get_by_role("button", name="Done").click()
        row = page.get_by_role("row", name="Robot")
        await expect(row.get_by_text("Active")).to_be_visible()
        assert key not in await page.content()
        await row.get_by_role("button", name="Revoke Robot").click()
        await page.get_by_role("alertdialog").get_by_role("button", name="Revoke").click()
        await expect(row.get_by_text("Revoked")).to_be_visible()
        assert (await api.get(f"/api/v1/bots/{bot_id}")).status_code == httpx.codes.UNAUTHORIZED


async def test_the_identity_secret_is_shown_once_and_replaced(page: Page, server: RunningServer) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await sign_up(page, server)
    await page.goto(f"{server.url}/keys")
    panel, shown = page.get_by_role("region", name="Identity secret"), page.get_by_role("dialog")
    replace, leaked = panel.get_by_role("button", name="Replace"), panel.get_by_role("button", name="It has leaked")

    async def take() -> str:
        """The secret, and the dialog is closed by Escape; it is nowhere any more."""
        await shown.get_by_role("button", name="Copy secret").click()
        await expect(shown.get_by_text("Copied").locator("visible=true").first).to_be_visible()
        secret = await page.evaluate("navigator.clipboard.readText()")
        assert secret in await page.content()
        await page.keyboard.press("Escape")
        await expect(shown).to_have_count(0)
        assert secret not in await page.content()
        return str(secret)

    await panel.get_by_role("button", name="Make the secret").click()
    first = await take()
    await expect(replace).to_be_focused()

    await replace.click()
    sure = page.get_by_role("alertdialog", name="Replace the identity secret?")
    await expect(sure.get_by_role("button", name="Cancel")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(sure).to_have_count(0)
    await expect(replace).to_be_focused()
    await page.keyboard.press("Enter")
    await sure.get_by_role("button", name="Replace it").click()
    second = await take()
    await expect(panel.get_by_text("The one before works until")).to_be_visible()
    await expect(replace).to_be_focused()

    await leaked.click()
    sure = page.get_by_role("alertdialog", name="End the identity secret now?")
    await sure.get_by_role("button", name="End it now").click()
    third = await take()
    await expect(panel.get_by_text("The one before works until")).to_have_count(0)
    await expect(leaked).to_be_focused()
    assert len({first, second, third}) == 3
    await page.reload()
    await expect(replace).to_be_visible()
    await expect(shown).to_have_count(0)
