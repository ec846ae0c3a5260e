"""The whole slice in a browser: a business from its sign-up to a visitor's answer on another website."""

import asyncio
import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.e2e.conftest import Problems
from tests.factories.files import pdf
from tests.servers import RunningServer, free_port

PAGES = (
    "Welcome to the handbook of the boat club.",
    "Membership costs 240 euros a year and is paid in January. Children under twelve are free.",
    "The crane lifts boats up to 3 tonnes. Book it at the harbour master's a week ahead.",
)


class Website:
    """A customer's website: one page, on an origin of its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.html = ""

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = self.html.encode()
        head = f"HTTP/1.1 {HTTPStatus.OK.value} OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()


@pytest.fixture
async def website() -> AsyncIterator[Website]:
    site = Website(free_port())
    server = await asyncio.start_server(site.answer, "127.0.0.1", site.port)
    yield site
    server.close()
    await server.wait_closed()


async def sign_up(page: Page, server: RunningServer) -> None:
    await page.goto(f"{server.url}/sign-up")
    await page.get_by_label("E-mail").fill(f"{uuid4().hex}@example.com")
    await page.get_by_label("Password", exact=True).fill("a long password")
    await page.locator("[name=tenant_name]").fill("The boat club")
    await page.locator("form button[type=submit]").click()
    await page.wait_for_url(re.compile(r"/bots/new/?$"))


async def make_bot(page: Page) -> str:
    await page.get_by_label("Name", exact=True).fill("Club helper")
    await page.get_by_role("button", name="Create bot").click()
    await page.wait_for_url(re.compile(r"/bots/[^/]+/knowledge/?$"))
    return page.url.split("/bots/")[1].split("/")[0]


async def upload(page: Page) -> None:
    document = {"name": "handbook.pdf", "mimeType": "application/pdf", "buffer": pdf(PAGES)}
    await page.locator("[data-file-input]").set_input_files(files=[document])  # pyright: ignore[reportArgumentType]
    await expect(page.get_by_role("cell", name="ready").first).to_be_visible(timeout=60_000)


async def publish(server: RunningServer, context: BrowserContext, bot_id: str, origin: str) -> None:
    """By the API, with the dashboard's cookie, as the settings page is tested elsewhere."""
    cookies = {cookie["name"]: cookie["value"] for cookie in await context.cookies()}  # pyright: ignore
    async with httpx.AsyncClient(base_url=server.url, cookies=cookies, headers={"Origin": server.url}) as client:
        change = {"status": "published", "allowed_origins": [origin]}
        (await client.patch(f"/api/v1/bots/{bot_id}", json=change)).raise_for_status()


async def test_a_business_gets_from_sign_up_to_a_visitors_answer(
    server: RunningServer, context: BrowserContext, page: Page, website: Website
) -> None:
    await sign_up(page, server)
    bot_id = await make_bot(page)
    await upload(page)

    await page.goto(f"{server.url}/bots/{bot_id}")
    await page.get_by_label("Question", exact=True).fill("How much is the membership?")
    await page.keyboard.press("Enter")
    chat = page.get_by_role("log")
    await expect(chat.get_by_text("240 euros").first).to_be_visible(timeout=20_000)
    await expect(chat.get_by_text("page 2", exact=False).first).to_be_visible()

    await publish(server, context, bot_id, website.origin)
    website.html = (
        f'<!doctype html><title>Club</title><h1>Club</h1><link rel="icon" href="data:,">'
        f'<script src="{server.url}/widget/v1/chatbot-widget.js" data-bot-id="{bot_id}" defer></script>'
    )
    visitor = await context.new_page()
    await visitor.goto(website.origin)
    assert not visitor.frames[1:], "nothing but the loader before the first click"
    await visitor.locator("button").first.click()
    frame = visitor.frame_locator("iframe")
    await frame.locator("textarea").fill("What does the crane lift?")
    await frame.locator("textarea").press("Enter")
    await expect(frame.get_by_text("3 tonnes").first).to_be_visible(timeout=20_000)
    await expect(frame.get_by_text("handbook", exact=False).first).to_be_visible()

    await page.goto(f"{server.url}/conversations")
    await expect(page.get_by_text("What does the crane lift?").first).to_be_visible(timeout=20_000)


async def test_a_website_that_is_not_allowed_shows_nothing_and_says_why(
    server: RunningServer, context: BrowserContext, page: Page, website: Website, problems: Problems
) -> None:
    await sign_up(page, server)
    bot_id = await make_bot(page)
    await publish(server, context, bot_id, "https://elsewhere.example")
    website.html = (
        f'<!doctype html><title>Club</title><h1>Club</h1><link rel="icon" href="data:,">'
        f'<script src="{server.url}/widget/chatbot-widget.js" data-bot-id="{bot_id}" defer></script>'
    )
    visitor = await context.new_page()
    async with visitor.expect_console_message(lambda message: message.type == "warning") as warned:
        await visitor.goto(website.origin)
    assert website.origin in (await warned.value).text
    assert await visitor.locator("button").count() == 0
    assert await visitor.locator("iframe").count() == 0
