"""How a person goes through the dashboard."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

import httpx
from playwright.async_api import Cookie, FilePayload, Locator, Page, expect

from tests.servers import RunningServer

READY_MS = 60_000
PASSWORD = "correct horse battery"
SIGN_IN = re.compile(r"/sign-in/?(\?|$)")


async def sign_up(page: Page, server: RunningServer, tenant: str = "Fern & Oak") -> str:
    """A new tenant, by what the page's form sends (test_slice fills it in); ends on the page that makes a bot.

    Returns the e-mail address.
    """
    email = f"{uuid4().hex}@example.com"
    made = await page.request.post(
        f"{server.url}/api/dashboard/sign-up",
        data={"email": email, "password": PASSWORD, "tenant_name": tenant},
        headers={"Origin": server.url},
    )
    assert made.ok, await made.text()
    await page.goto(f"{server.url}/bots/new")
    return email


async def sign_in(page: Page, email: str, password: str) -> None:
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def make_bot(page: Page, name: str = "Plant helper") -> str:
    """From the page that makes a bot; ends on its knowledge. Returns its id."""
    await page.get_by_label("Name").fill(name)
    await page.get_by_role("button", name="Create bot").click()
    await page.wait_for_url(re.compile(r"/bots/[0-9a-f-]{36}/knowledge/?$"))
    found = re.search(r"/bots/([0-9a-f-]{36})", page.url)
    assert found
    return found[1]


@dataclass(frozen=True)
class Owner:
    cookies: list[Cookie]


async def own_bot(page: Page, server: RunningServer, owner: Owner, **fields: Any) -> str:
    """Signed in as somebody with other bots as well. Returns the id of a new one; the page is left as it is."""
    await page.context.add_cookies(cast(Any, owner.cookies))
    body = {"name": "Plant helper", **fields}
    made = await page.request.post(f"{server.url}/api/v1/bots", data=body, headers={"Origin": server.url})
    assert made.ok, await made.text()
    return (await made.json())["id"]


async def publish(page: Page, server: RunningServer, bot_id: str, website: str) -> None:
    """On that website, by whoever is signed in."""
    patch = {"status": "published", "allowed_origins": [website]}
    done = await page.request.patch(f"{server.url}/api/v1/bots/{bot_id}", data=patch, headers={"Origin": server.url})
    assert done.ok, await done.text()


async def know(page: Page, name: str, text: str) -> None:
    """Upload a text on the bot's knowledge page and wait until it is read."""
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("region", name="Add documents").get_by_role("button", name="choose files").click()
    file = FilePayload(name=name, mimeType="text/plain", buffer=text.encode())
    await (await chooser.value).set_files([file])
    row = page.get_by_role("row", name=name.rpartition(".")[0])
    await expect(row.get_by_text("Ready")).to_be_visible(timeout=READY_MS)


@asynccontextmanager
async def signed_in_api(server: RunningServer, email: str) -> AsyncIterator[httpx.AsyncClient]:
    """The same person as a program, to set up what the page is not tested for."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=30) as api:
        login = {"email": email, "password": PASSWORD}
        tokens = (await api.post("/api/v1/auth/login", json=login)).raise_for_status().json()
        api.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        yield api


async def ask(page: Page, question: str) -> Locator:
    """Ask in the playground; returns the chat once the answer is there."""
    chat = page.get_by_role("log", name="Chat")
    await page.get_by_label("Question", exact=True).fill(question)
    await page.get_by_label("Question", exact=True).press("Enter")
    await expect(chat.get_by_text(question)).to_be_visible()
    await expect(chat.locator("[aria-busy=true]")).to_have_count(0)
    await expect(chat.get_by_text("whole answer after")).not_to_have_count(0)
    return chat


def demo_login(server: RunningServer) -> tuple[str, str]:
    found = re.search(r"Demo login:\s+(\S+)\s+(\S+)", server.log)
    assert found, "the server printed no demo login"
    return found[1], found[2]
