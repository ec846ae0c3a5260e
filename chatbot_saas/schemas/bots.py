import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from chatbot_saas.core import pictures
from chatbot_saas.core.colours import is_colour
from chatbot_saas.core.origins import origin_pattern
from chatbot_saas.schemas.base import Name, Read, Request, Storable
from chatbot_saas.schemas.launcher import Launcher
from chatbot_saas.schemas.widget import WidgetSettings

BotStatus = Literal["draft", "published", "paused"]
LANGUAGES = {
    "auto": "The visitor's language",
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "it": "Italian",
    "pt": "Portuguese",
    "nl": "Dutch",
    "pl": "Polish",
    "ja": "Japanese",
    "zh": "Chinese",
}
_HOST = re.compile(r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")


def _color(value: str) -> str:
    if not is_colour(value):
        raise ValueError("A colour looks like #4f46e5.")
    return value.lower()


def _key(value: str) -> str:
    if not all("!" <= character <= "~" for character in value):
        raise ValueError("A key has letters, digits and signs only. Copy it again, without spaces.")
    return value


def _language(value: str) -> str:
    if value not in LANGUAGES:
        raise ValueError(f"Choose one of {', '.join(LANGUAGES)}.")
    return value


def _link_host(value: str) -> str:
    host = value.strip().lower().removeprefix("https://").removeprefix("http://").rstrip("/")
    if host != "*" and not _HOST.match(host.removeprefix("*.")):
        raise ValueError(f"{value!r} is not the name of a website. It looks like shop.example or *.shop.example.")
    return host


def _icon(value: str) -> str:
    return pictures.from_address(value).address if value else ""


WELCOME = "Hello! What would you like to know?"
FALLBACK = "I could not find an answer to that in my sources."
"""What a new bot says, until its owner writes something else: visitors read it in their own language."""
Text500 = Annotated[str, Field(max_length=500), Storable]
Instructions = Annotated[str, Field(max_length=8000), Storable]
Color = Annotated[str, AfterValidator(_color)]
Language = Annotated[str, AfterValidator(_language)]
Threshold = Annotated[float, Field(ge=0.5, le=1)]
Origins = Annotated[list[Annotated[str, Field(max_length=300), AfterValidator(origin_pattern)]], Field(max_length=50)]
MAX_STARTERS = 6
Starter = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), Storable]
Starters = Annotated[list[Starter], Field(max_length=MAX_STARTERS)]
Icon = Annotated[str, Field(max_length=pictures.MAX_BYTES * 2), AfterValidator(_icon)]
"""A small PNG, JPEG or WebP picture as a data: address; empty for none."""
PICTURES = ("icon", "avatar")
"""Settings that are one."""
AnswerMode = Literal["strict", "balanced", "helpful"]
PassageLimit = Annotated[int, Field(ge=1, le=20)]
PassageTokens = Annotated[int, Field(ge=200, le=16_000)]
VectorWeight = Annotated[float, Field(ge=0, le=1)] | None
ChunkTokens = Annotated[int, Field(ge=200, le=1000)]
LinkHosts = Annotated[list[Annotated[str, Field(max_length=253), AfterValidator(_link_host)]], Field(max_length=50)]
"""Names of hosts; `*.example.com` for the hosts below one, `*` for all."""
ModelName = Annotated[str, Field(max_length=100), Storable]
ModelKey = Annotated[str, Field(max_length=300), AfterValidator(_key)]


class BotCreate(Request):
    name: Name
    description: Text500 = ""
    instructions: Instructions = ""
    model: ModelName = ""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.2
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Annotated[int, Field(ge=50, le=4000)] = 600
    welcome_message: Text500 = WELCOME
    starter_questions: Starters = []
    """Offered to a visitor before the first message."""
    color: Color = "#4f46e5"
    icon: Icon = ""
    """At the top of the chat."""
    avatar: Icon = ""
    """Beside what the bot says; empty for the icon."""
    fallback_text: Text500 = FALLBACK
    language: Language = "auto"
    qa_threshold: Threshold = 0.9
    """How alike (cosine) a question must be to one with an answer of its own, to get that answer."""
    answer_mode: AnswerMode = "balanced"
    """strict says only what the sources prove; helpful answers also where they hold it in part."""
    fallback_model: ModelName = ""
    """Asked when the first model does not answer."""
    passage_limit: PassageLimit = 6
    passage_tokens: PassageTokens = 4000
    vector_weight: VectorWeight = None
    """How far meaning counts beside words; null: by how well the embedder knows the language."""
    rerank: bool = True
    chunk_tokens: ChunkTokens = 800
    """How long passages are cut. A change reads every source again."""
    link_hosts: LinkHosts = []
    """Hosts that answers may link to, beside those of the bot's websites and web sources."""
    allow_tools: bool = False
    """Whether callers of the OpenAI-compatible endpoint may bring tools of their own."""
    widget: WidgetSettings = WidgetSettings()
    """The chat window: its looks, words, forms, and who is told of what visitors leave."""
    hold_changes: bool = False
    """Visitors get the last published version until a later one is published."""
    allowed_origins: Origins = []
    """`https://shop.example`, or `https://*.shop.example` for every host below it. None: no website."""
    allow_localhost: bool = False
    """Whether websites on the visitor's own machine may show the bot."""
    identity_required: bool = False
    """Whether only visitors whose website has signed who they are may ask."""
    page_context: bool = False
    """Whether the widget tells the address and the title of the page where a question is asked."""
    launcher: Launcher = Launcher()


class BotPatch(Request):
    """Only the fields that are sent change."""

    name: Name = ""
    description: Text500 = ""
    instructions: Instructions = ""
    model: ModelName = ""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.2
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Annotated[int, Field(ge=50, le=4000)] = 600
    welcome_message: Text500 = ""
    starter_questions: Starters = []
    color: Color = "#4f46e5"
    icon: Icon = ""
    avatar: Icon = ""
    fallback_text: Text500 = ""
    language: Language = "auto"
    qa_threshold: Threshold = 0.9
    answer_mode: AnswerMode = "balanced"
    fallback_model: ModelName = ""
    passage_limit: PassageLimit = 6
    passage_tokens: PassageTokens = 4000
    vector_weight: VectorWeight = None
    rerank: bool = True
    chunk_tokens: ChunkTokens = 800
    link_hosts: LinkHosts = []
    allow_tools: bool = False
    widget: WidgetSettings = WidgetSettings()
    """Of it, too, only the fields that are sent change."""
    hold_changes: bool = False
    allowed_origins: Origins = []
    allow_localhost: bool = False
    identity_required: bool = False
    page_context: bool = False
    launcher: Launcher = Launcher()
    """As a whole: what is not sent takes its default."""
    status: BotStatus = "draft"
    model_key: ModelKey = ""
    """The bot's own model key; an empty text removes it. It is never returned."""
    override_tests: bool = False
    """Publish although tests were not run, or got worse. Not a setting of the bot: it is recorded and forgotten."""


class BotRead(Read):
    id: UUID
    name: str
    description: str
    status: BotStatus
    instructions: str
    model: str
    temperature: float
    top_p: float
    max_tokens: int
    welcome_message: str
    starter_questions: list[str]
    color: str
    icon: str
    avatar: str
    fallback_text: str
    language: str
    qa_threshold: float
    answer_mode: AnswerMode
    fallback_model: str
    passage_limit: int
    passage_tokens: int
    vector_weight: float | None
    rerank: bool
    chunk_tokens: int
    link_hosts: list[str]
    allow_tools: bool
    widget: WidgetSettings
    hold_changes: bool
    published_version: int
    """0 when none was published."""
    allowed_origins: list[str]
    allow_localhost: bool
    identity_required: bool
    page_context: bool
    launcher: Launcher
    model_key_last4: str
    model_error: str
    version: int
    created_at: datetime
    updated_at: datetime


class BotListItem(Read):
    id: UUID
    name: str
    description: str
    status: BotStatus
    color: str
    source_count: int
    conversation_count: int
    updated_at: datetime


class BotVersionRead(Read):
    version: int
    summary: str
    settings: dict[str, Any]
    created_at: datetime
    author: str = ""


class PublicBotConfig(Read):
    """What the widget needs; nothing else of the bot is public."""

    id: UUID
    name: str
    welcome_message: str
    starter_questions: list[str]
    language: str
    theme: dict[str, str]
    """Colours and shapes; `logo` and `face` are addresses of pictures below /widget."""
    launcher: dict[str, Any] = {}
    """What differs from the usual; see schemas.launcher."""
    page: bool = False
    """Whether questions carry the page's address and title."""
    icon: str
    """Names the present icon's content; the picture is at /widget/icon/{id}. Empty for none."""
    early: bool = False
    """Whether the window asks for its further settings before the first message: a consent, a form, other words."""
