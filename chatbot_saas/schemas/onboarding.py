"""From a website's address to a bot."""

from typing import Annotated, Literal

from pydantic import Field

from chatbot_saas.schemas.base import Name, Read, Request
from chatbot_saas.schemas.bots import Color, Icon, Language, Starters, Text500
from chatbot_saas.schemas.sources import FoundPage, SourceStatus, WebAddress

MAX_PAGES = 100
"""That a first look finds, and a first reading takes."""


class SiteProfile(Read):
    """What a website says of itself, as far as it is known yet."""

    url: str = ""
    """Where the address led."""
    name: str = ""
    description: str = ""
    language: str = "auto"
    """One of schemas.bots.LANGUAGES."""
    color: str = ""
    """White text can be read on it. Empty where the website shows none of its own."""
    icon: str = ""
    """A data: address of a small PNG; empty without one."""
    pages: list[FoundPage] = []
    step: Literal["address", "appearance", "pages", "done"] = "address"
    """What is being looked at."""


class WebsiteBot(Request):
    """The bot that is to be made, as it was reviewed."""

    url: WebAddress
    name: Name
    description: Text500 = ""
    welcome_message: Text500
    fallback_text: Text500
    language: Language = "auto"
    color: Color = "#4f46e5"
    icon: Icon = ""
    urls: Annotated[list[WebAddress], Field(max_length=MAX_PAGES)] = []
    """The chosen pages; empty: all, and those that are added later."""
    refresh: Literal["", "weekly"] = "weekly"


class StarterDraft(Request):
    """Starter questions as they were edited."""

    starter_questions: Starters = []


class ReadingProgress(Read):
    """How far the reading of a bot's website is."""

    source_id: str = ""
    """Empty where the bot has no website."""
    title: str = ""
    status: SourceStatus = "queued"
    progress: float = 0.0
    pages: int = 0
    """That have been visited."""
    ready: int = 0
    """Of which the text was taken; others are empty, say that they are not to be indexed, or are copies."""
    known: int = 0
    """Pages that are known to exist."""
    passages: int = 0
    error: str = ""
    newest: list[str] = []
    """Titles of the pages that were visited last, the newest first."""
