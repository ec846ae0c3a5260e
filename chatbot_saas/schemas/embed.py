"""Putting a bot on a website, and finding out why it does not show there."""

from typing import Literal

from chatbot_saas.schemas.base import Read, Request
from chatbot_saas.schemas.sources import WebAddress

CheckName = Literal["page", "bot", "snippet", "address", "bot_id", "duplicates", "website", "mixed_content", "policy"]
CheckState = Literal["ok", "advice", "problem", "unsure"]
"""advice: it works, and could be better."""


class EmbedCheckRequest(Request):
    url: WebAddress
    """Of the page that should show the chat."""


class EmbedCheck(Read):
    """One thing that was looked at. `fix` says what to do; empty where all is well."""

    name: CheckName
    state: CheckState
    says: str
    fix: str = ""
    code: str = ""
    """What to copy: a line of HTML, a directive, an address."""


class EmbedReport(Read):
    url: str
    """Where the address led."""
    works: bool | None
    """None: what was found does not tell, for example where a tag manager adds the widget."""
    checks: list[EmbedCheck]


class Snippet(Read):
    """A way to put the chat on a website."""

    name: str
    title: str
    note: str
    """Where it goes."""
    code: str
