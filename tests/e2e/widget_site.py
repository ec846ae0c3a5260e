"""A browser, the stand-in backend and a customer's website on another origin, for the widget's tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, FrameLocator, Locator, Page, sync_playwright

from chatbot_saas.cli.testing import find_browser
from tests.e2e.widget_backend import Backend, build, serve, website

FLAGS = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Site:
    """`origin` serves `pages`; `backend.url` is the product's own origin."""

    browser: Browser
    backend: Backend
    origin: str
    pages: dict[str, str]
    contexts: list[BrowserContext] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """What the browser's console said since `visit`."""

    def embed(self, bot_id: str, attributes: str = "defer") -> str:
        return (
            f'<script src="{self.backend.url}/widget/chatbot-widget.js" data-bot-id="{bot_id}" {attributes}></script>'
        )

    def page(self, **options: Any) -> Page:
        """An empty tab of a visitor of its own."""
        context = self.browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
        context.set_default_timeout(8000)
        self.contexts.append(context)
        page = context.new_page()
        self.said.clear()
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"pageerror: {error}"))
        return page

    def visit(self, html: str, head: str = "", **options: Any) -> Page:
        """Opens a page of the website that holds `html`."""
        viewport = '<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width,initial-scale=1">'
        self.pages["index"] = f"<!doctype html><html lang=en><title>Shop</title>{viewport}{head}<h1>Shop</h1>{html}"
        page = self.page(**options)
        page.goto(self.origin + "/index")
        return page

    def open_chat(self, bot_id: str, **options: Any) -> "Chat":
        page = self.visit(self.embed(bot_id), **options)
        page.get_by_role("button", name="Chat: Fern & Oak").click()
        return Chat(page)

    def close(self) -> None:
        for context in self.contexts:
            context.close()
        self.contexts.clear()


class Chat:
    """The open frame of a page."""

    def __init__(self, page: Page, frame: FrameLocator | Page | None = None) -> None:
        self.page = page
        self.frame = frame or page.frame_locator("iframe")
        self.input: Locator = self.frame.get_by_role("textbox", name="Your message")
        self.answers = self.frame.locator(".row.bot")
        self.input.wait_for()

    def ask(self, text: str) -> Locator:
        """Sends a question; gives the row of its answer."""
        before = self.answers.count()
        self.input.fill(text)
        self.input.press("Enter")
        return self.answers.nth(before)

    def choose(self, item: str) -> None:
        """An item of the header's menu."""
        self.frame.get_by_role("button", name="Menu", exact=True).click()
        self.frame.locator("#panel").get_by_role("button", name=item).click()


@contextmanager
def sites() -> Iterator[Site]:
    backend, pages = Backend(), dict[str, str]()
    with serve(build(backend)) as own, serve(website(pages)) as origin, sync_playwright() as playwright:
        backend.url = own
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        yield Site(browser, backend, origin, pages)
        browser.close()
