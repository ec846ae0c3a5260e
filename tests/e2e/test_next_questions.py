"""Questions to ask next, on the real server: from the owner's settings to the buttons under a visitor's answer."""

import asyncio
from uuid import uuid4

import httpx
from playwright.async_api import Page, expect

from tests.servers import RunningServer

STARTERS = ["How long does a refund take?", "How much is delivery?"]
TERMS = "A refund takes five working days. Delivery of furniture costs 45 euros by our own van."


async def knowing_bot(url: str) -> str:
    async with httpx.AsyncClient(base_url=url, timeout=60) as api:
        account = {"email": f"{uuid4().hex}@example.com", "password": "a long password", "tenant_name": "Shop"}
        tokens = (await api.post("/api/v1/auth/signup", json=account)).raise_for_status().json()
        api.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        made = await api.post("/api/v1/bots", json={"name": "Helper", "starter_questions": STARTERS})
        path = f"/api/v1/bots/{made.raise_for_status().json()['id']}"
        text = {"type": "text", "title": "Terms", "text": TERMS}
        source = (await api.post(f"{path}/sources", json=text)).raise_for_status().json()["items"][0]
        async with asyncio.timeout(60):
            while source["status"] != "ready":
                await asyncio.sleep(0.1)
                source = (await api.get(f"/api/v1/sources/{source['id']}")).raise_for_status().json()
        (await api.patch(path, json={"status": "published"})).raise_for_status()
        return made.json()["id"]


async def test_what_was_not_asked_yet_is_a_button_under_the_answer(page: Page, server: RunningServer) -> None:
    bot_id = await knowing_bot(server.url)
    await page.goto(f"{server.url}/widget/chat/{bot_id}")
    first, second = (page.get_by_role("button", name=question) for question in STARTERS)
    await expect(second).to_be_visible()
    await first.click()
    await expect(page.locator(".row.bot").last).to_contain_text("five working days")
    await expect(second).to_be_visible()
    await expect(first).to_be_hidden()
    await page.reload()
    await expect(page.locator(".row.user")).to_contain_text(STARTERS[0])
    await second.click()
    await expect(page.locator(".row.bot").last).to_contain_text("45 euros")
    await expect(page.locator(".starters")).to_have_count(0)
