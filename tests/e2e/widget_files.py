"""Files, and what is done with them in the widget's window."""

import re
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Locator, expect

from tests.e2e.widget_site import Chat, Site

BILL = FilePayload(name="bill.pdf", mimeType="application/pdf", buffer=b"30 euros, please. " * 10000)
NOTE = FilePayload(name="note.txt", mimeType="text/plain", buffer=b"It leaks.")
PHOTO = FilePayload(name="photo.jpg", mimeType="image/jpeg", buffer=b"\xff\xd8\xff")
HANDED = """(main, [kind, files, text]) => {
  const data = new DataTransfer();
  for (const [name, type] of files) data.items.add(new File([name], name, {type}));
  if (text) data.setData("text/plain", text);
  const init = {bubbles: true, cancelable: true};
  const event = kind === "paste" ? new ClipboardEvent(kind, {...init, clipboardData: data})
    : new DragEvent(kind, {...init, dataTransfer: data});
  return !main.dispatchEvent(event);
}"""
"""Drops or pastes files; gives whether the window took them."""


@pytest.fixture
def site(site: Site) -> Site:
    site.backend.files.clear()
    site.backend.file_faults.clear()
    return site


def make_bot(site: Site, widget: dict[str, Any] | None = None, **config: Any) -> str:
    return site.backend.add_bot([site.origin], {"attachments": True} | (widget or {}), early=True, **config)


def tray(chat: Chat) -> Locator:
    return chat.frame.locator("form .files li")


def said(chat: Chat) -> Locator:
    """The files in the conversation."""
    return chat.frame.locator(".row.user .files li")


def add(chat: Chat, *files: FilePayload, name: str = "Add a file") -> None:
    with chat.page.expect_file_chooser() as chosen:
        chat.frame.get_by_role("button", name=name).click()
    chosen.value.set_files(files)


def added(chat: Chat, count: int = 1) -> None:
    """Waits until all of them are there."""
    expect(tray(chat)).to_have_count(count)
    expect(tray(chat).filter(has_text=re.compile("kB$"))).to_have_count(count)


def sent(site: Site) -> list[dict[str, Any]]:
    return [call[2] for call in site.backend.called("/api/public/chat/")]


def kept(site: Site) -> list[str]:
    """The names of the files that the server has, of all conversations."""
    return [file["name"] for files in site.backend.files.values() for file in files.values()]


def again(chat: Chat) -> Chat:
    chat.page.reload()
    chat.page.get_by_role("button", name="Chat: Fern & Oak").click()
    return Chat(chat.page)
