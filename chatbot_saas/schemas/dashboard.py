"""Read models that only the dashboard's pages show."""

from datetime import datetime
from uuid import UUID

from chatbot_saas.schemas.base import Read
from chatbot_saas.schemas.chat import Citation
from chatbot_saas.schemas.design import DesignDraft
from chatbot_saas.schemas.sources import SourceRead


class ShellUser(Read):
    """Who is signed in, for the frame of every page."""

    email: str = ""
    initials: str = ""
    tenant_name: str = ""
    role: str = ""
    is_platform_admin: bool = False
    has_tenant: bool = False
    can_write: bool = False
    """May make and change bots and their knowledge."""
    can_manage_keys: bool = False


class BotLink(Read):
    id: UUID
    name: str
    color: str
    status: str


class SettingChange(Read):
    label: str
    then: str
    now: str


class BotVersionView(Read):
    """A version and how its settings differ from the present ones."""

    version: int
    summary: str
    author: str
    created_at: datetime
    current: bool
    changes: list[SettingChange]


class BotDraft(DesignDraft):
    """A bot's settings as they are typed; not checked yet."""

    name: str = ""
    description: str = ""
    instructions: str = ""
    fallback_text: str = ""
    language: str = "auto"
    max_tokens: str = ""
    model: str = ""
    temperature: float = 0.0
    top_p: float = 1.0
    allow_tools: bool = False
    hold_changes: bool = False
    welcome_message: str = ""
    starter_questions: list[str] = []
    color: str = "#4f46e5"
    icon: str = ""
    avatar: str = ""
    answer_mode: str = "balanced"
    fallback_model: str = ""
    link_hosts: str = ""
    """One a line."""
    passage_limit: str = ""
    passage_tokens: str = ""
    vector_weight: float | None = None
    rerank: bool = True
    chunk_tokens: str = ""
    allowed_origins: list[str] = []
    allow_localhost: bool = False
    identity_required: bool = False
    page_context: bool = False


class PassageView(Read):
    """A passage that was retrieved for an answer. Scores are shares of 100; None was not measured."""

    title: str
    page: int | None
    headings: str
    text: str
    vector: int | None
    lexical: int | None
    """Of the best passage's score, because the score itself has no upper end."""
    coverage: int
    cited: bool


class PlaygroundTurn(Read):
    question: str
    answer: str
    answered: bool
    error: str = ""
    """Words, where no answer could be made."""
    note: str = ""
    """Model and times."""
    fallback: bool = False
    """The model failed and the passages answered."""
    sources: list[Citation] = []
    passages: list[PassageView] = []
    answer_id: str = ""
    record: str = ""
    """Where it is told in full how the answer was made."""
    unsupported: list[str] = []
    """Sentences that nothing in the sources supports."""
    choices: list[str] = []
    """What the visitor was offered to ask next."""
    remarks: list[str] = []
    """That it came from the cache, or from the second model."""
    first_word: str = ""
    whole: str = ""
    tokens: str = ""
    cost: str = ""


class PageChoice(Read):
    """A page that a search of a website found, and whether it is wanted."""

    index: int
    """Its place in the order in which the pages were found."""
    url: str
    path: str
    title: str
    """Empty for a page that only the sitemap names."""
    via: str
    """sitemap or link."""
    chosen: bool


class SourceView(SourceRead):
    """A source with what became of the pages of a website."""

    pages: int = 0
    """Pages whose text is known."""
    pages_failed: int = 0
    pages_waiting: int = 0
    pages_left_out: int = 0
    """Without a text of their own, or gone."""


class PassageText(Read):
    """A passage of a document as it was cut. It begins with words of the one before, up to `repeated`."""

    id: UUID
    number: int
    """From 1."""
    page: int | None
    headings: str
    question: str
    """Of a question with an answer of its own."""
    repeated: str
    text: str
    """What is new in it."""
    tokens: int
    searchable: bool
    """Whether a question finds it already."""
