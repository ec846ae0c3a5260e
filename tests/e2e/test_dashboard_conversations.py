"""Conversations, API keys, tenants and the audit, as people use the pages."""

import asyncio
import os
import re
import sys
from uuid import uuid4

import httpx
from playwright.async_api import Page, expect

from tests.e2e.conftest import Problems
from tests.e2e.dashboard import PASSWORD, SIGN_IN, make_bot, sign_in, sign_up
from tests.factories import files
from tests.servers import RunningServer

BICYCLE = b"My bicycle is a green one of 1987."


class Api:
    """The API with the rights of whoever has this address."""

    def __init__(self, server: RunningServer, email: str) -> None:
        self._http = httpx.AsyncClient(base_url=server.url, timeout=30)
        self._email = email

    async def __aenter__(self) -> httpx.AsyncClient:
        body = {"email": self._email, "password": PASSWORD}
        token = (await self._http.post("/api/v1/auth/login", json=body)).json()["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"
        return self._http

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()


async def visit(api: httpx.AsyncClient, bot_id: str, question: str) -> None:
    """A visitor asks, on a website that is allowed, and gives a file."""
    shop = {"Origin": "https://shop.example"}
    change = {"status": "published", "allowed_origins": [shop["Origin"]], "widget": {"attachments": True}}
    (await api.patch(f"/api/v1/bots/{bot_id}", json=change)).raise_for_status()
    started = (await api.post(f"/api/public/conversation/{bot_id}/start", json={}, headers=shop)).json()
    mine = {**shop, "Authorization": f"Bearer {started['visitor_token']}", "Accept": "application/json"}
    talk = started["conversation_id"]
    file = {"file": ("bicycle.txt", BICYCLE)}
    given = await api.post(f"/api/public/conversation/{talk}/attachments", files=file, headers=mine)
    asked = await api.post(
        f"/api/public/chat/{bot_id}",
        json={"conversation_id": talk, "message": question, "attachments": [given.json()["id"]]},
        headers=mine,
    )
    asked.raise_for_status()


async def fed_bot(page: Page, api: httpx.AsyncClient) -> str:
    bot_id = await make_bot(page)
    uploaded = await api.post(
        f"/api/v1/bots/{bot_id}/sources", files={"file": ("handbook.pdf", files.pdf(files.HANDBOOK))}
    )
    source_id = uploaded.json()["items"][0]["id"]
    async with asyncio.timeout(60):
        while True:
            source = (await api.get(f"/api/v1/sources/{source_id}")).json()
            if source["status"] == "ready":
                return bot_id
            await asyncio.sleep(0.2)


async def test_what_a_visitor_asked_is_read_searched_and_deleted(page: Page, server: RunningServer) -> None:
    email = await sign_up(page, server)
    async with Api(server, email) as api:
        bot_id = await fed_bot(page, api)
        await page.goto(f"{server.url}/conversations")
        await expect(page.get_by_role("heading", name="Nobody has asked anything yet")).to_be_visible()
        await visit(api, bot_id, "What does it cost to repair a flat tyre?")
        await visit(api, bot_id, "Who is the president of Atlantis?")
    await page.reload()
    table = page.get_by_role("table", name="Conversations")
    await expect(table.get_by_role("cell", name="shop.example", exact=True)).to_have_count(2)
    await page.get_by_label("Unanswered only").click()
    await expect(table.get_by_role("link")).to_have_text(["Who is the president of Atlantis?"])
    await page.get_by_label("Unanswered only").click()
    await page.get_by_role("searchbox", name="Search in messages").fill("twelve euros")
    await expect(table.get_by_role("link")).to_have_text(["What does it cost to repair a flat tyre?"])
    await table.get_by_role("link").click()
    messages = page.get_by_role("list", name="Messages")
    await expect(messages.get_by_text("twelve euros").first).to_be_visible()
    async with page.expect_download() as download:
        await messages.get_by_role("list", name="Files").get_by_role("link", name="bicycle.txt").click()
    assert (await (await download.value).path()).read_bytes() == BICYCLE
    await messages.get_by_text("page 3").first.click()
    await expect(messages.get_by_role("blockquote")).to_contain_text("A flat tyre is repaired for twelve euros")
    how = messages.get_by_role("button", name="How this answer was made")
    await how.click()
    await messages.get_by_text("What was retrieved").click()
    await expect(messages.get_by_text("cited")).to_be_visible()
    await expect(how).to_have_attribute("aria-expanded", "true")
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    await page.wait_for_url(re.compile(r"/conversations/?$"))
    await expect(page.get_by_text("What does it cost")).to_be_hidden()
    await page.goto(f"{server.url}/audit")
    await expect(page.get_by_role("row", name="Conversation deleted")).to_contain_text(email)


async def make_administrator(server: RunningServer) -> str:
    email = f"{uuid4().hex}@example.com"
    made = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chatbot_saas.cli", "admin", email),
        env={**os.environ, "DATA_DIR": str(server.data_dir), "PORT": str(server.port), "ADMIN_PASSWORD": PASSWORD},
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await made.wait() == 0
    return email


async def test_an_administrator_creates_suspends_and_resumes_a_tenant(page: Page, server: RunningServer) -> None:
    admin = await make_administrator(server)
    await page.goto(f"{server.url}/sign-in")
    await sign_in(page, admin, PASSWORD)
    await page.wait_for_url(re.compile(r"/admin/tenants/?$"))
    await expect(page.get_by_role("navigation", name="Main").get_by_role("link")).to_have_text(["Tenants", "All jobs"])
    name, email = f"Amber {uuid4().hex[:6]}", f"{uuid4().hex}@example.com"
    await page.get_by_role("button", name="New tenant").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill(name)
    await dialog.get_by_label("Owner's e-mail").fill("nobody")
    await expect(dialog.get_by_text("This does not look like an e-mail address.")).to_be_visible()
    await dialog.get_by_label("Owner's e-mail").fill(email)
    await dialog.get_by_label("First password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Create tenant").click()
    await expect(dialog).to_be_hidden()
    await page.get_by_role("searchbox", name="Search tenants").fill(email)
    row = page.get_by_role("row", name=name)
    await expect(row.get_by_text("Active")).to_be_visible()
    async with Api(server, email) as api:
        assert (await api.get("/api/v1/bots")).status_code == httpx.codes.OK
        await row.get_by_role("button", name=f"Suspend {name}").click()
        await page.get_by_role("alertdialog").get_by_role("button", name="Suspend").click()
        await expect(row.get_by_text("Suspended")).to_be_visible()
        assert (await api.get("/api/v1/bots")).status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
        await row.get_by_role("button", name=f"Resume {name}").click()
        await expect(row.get_by_text("Active")).to_be_visible()
        assert (await api.get("/api/v1/bots")).status_code == httpx.codes.OK
    await row.get_by_role("button", name=f"Delete {name}").click()
    confirm = page.get_by_role("alertdialog")
    await expect(confirm.get_by_role("button", name="Delete tenant")).to_be_disabled()
    await confirm.get_by_role("textbox").fill(name)
    await confirm.get_by_role("button", name="Delete tenant").click()
    await expect(page.get_by_role("heading", name="No tenant matches")).to_be_visible()
    await expect(confirm).to_be_hidden()


async def test_addresses_that_lead_nowhere_say_so(page: Page, server: RunningServer, problems: Problems) -> None:
    await sign_up(page, server)
    for path in ("/admin/tenants", f"/conversations/{uuid4()}", "/conversations/no-id"):
        await page.goto(server.url + path)
        await expect(
            page.get_by_role("heading", name=re.compile("There is no such (page|conversation)"))
        ).to_be_visible()
    assert not problems
    answer = await page.goto(f"{server.url}/nowhere/at/all")
    assert answer
    assert answer.status == httpx.codes.NOT_FOUND
    await page.get_by_role("link", name="To the overview", exact=True).click()
    await page.wait_for_url(re.compile(r"/overview/?$"))
    problems.clear()  # the browser names the 404 itself
    await page.context.clear_cookies()
    await page.goto(f"{server.url}/keys")
    await page.wait_for_url(SIGN_IN)
