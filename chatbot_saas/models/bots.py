from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from chatbot_saas.models.base import Row, reference


class Bot(Row, table=True):
    __tablename__ = "bots"  # pyright: ignore[reportAssignmentType]

    tenant_id: UUID = reference("tenants")
    name: str = Field(max_length=80)
    description: str = Field(default="", max_length=500)
    status: str = Field(default="draft", max_length=20)
    """draft, published or paused."""
    instructions: str = Field(default="", sa_type=Text)
    model: str = Field(default="", max_length=100)
    """Empty: the operator's OPENAI_MODEL."""
    temperature: float = 0.2
    top_p: float = 1.0
    max_tokens: int = 600
    welcome_message: str = Field(default="", max_length=500)
    color: str = Field(default="#4f46e5", max_length=7)
    fallback_text: str = Field(default="", max_length=500)
    language: str = Field(default="auto", max_length=10)
    allowed_origins: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))  # pyright: ignore[reportArgumentType]
    allow_localhost: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    identity_required: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Only visitors whose website has signed who they are may ask: see services.identity."""
    page_context: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Questions carry the address and the title of the page where they are asked."""
    launcher: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs={"server_default": "{}"})
    """See schemas.launcher; what is missing is as usual."""
    model_key: str | None = Field(default=None, sa_type=Text)
    """The bot's own model key, encrypted."""
    model_key_last4: str = Field(default="", max_length=4)
    model_error: str = Field(default="", max_length=300)
    """What the model provider last said that the owner has to mend; empty when it works."""
    qa_threshold: float = Field(default=0.9, sa_column_kwargs={"server_default": "0.9"})
    """How alike (cosine, 0 to 1) a question must be to one with an answer of its own."""
    starter_questions: list[str] = Field(
        default_factory=list,
        sa_type=ARRAY(Text),  # pyright: ignore[reportArgumentType]
        sa_column_kwargs={"server_default": "{}"},
    )
    icon: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    """A data: address of a small picture."""
    avatar: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    """Another one, beside what the bot says; empty for the icon."""
    answer_mode: str = Field(default="balanced", max_length=10, sa_column_kwargs={"server_default": "balanced"})
    """strict, balanced or helpful: see services.answerability."""
    fallback_model: str = Field(default="", max_length=100, sa_column_kwargs={"server_default": ""})
    """Asked when the first model does not answer; empty: the operator's FALLBACK_MODEL, if there is one."""
    passage_limit: int = Field(default=6, sa_column_kwargs={"server_default": "6"})
    passage_tokens: int = Field(default=4000, sa_column_kwargs={"server_default": "4000"})
    """Tokens of passages in a prompt."""
    vector_weight: float | None = None
    """How far vectors count beside words, 0 to 1; null: by how well the embedder knows the language."""
    rerank: bool = Field(default=True, sa_column_kwargs={"server_default": "true"})
    """Whether the operator's reranker, if there is one, orders the passages."""
    chunk_tokens: int = Field(default=800, sa_column_kwargs={"server_default": "800"})
    """How long passages are cut; a change reads every source again."""
    link_hosts: list[str] = Field(
        default_factory=list,
        sa_type=ARRAY(Text),  # pyright: ignore[reportArgumentType]
        sa_column_kwargs={"server_default": "{}"},
    )
    """Hosts that answers may link to, beside those of the bot's websites and web sources."""
    allow_tools: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether callers of the OpenAI-compatible endpoint may bring tools of their own."""
    widget: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs={"server_default": "{}"})
    """What differs from the defaults of schemas.widget.WidgetSettings."""
    hold_changes: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Visitors get the settings of `published_version` until a later one is published."""
    published_version: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """The version that was published last; 0 when none was."""
    version: int = 1
    """Counts changes of the settings; the ETag."""
    knowledge_version: int = 0
    embedder: str = Field(default="", max_length=100)
    dimension: int = 0
    """The embedder that the bot's index was built with; queries use the same."""


class BotVersion(Row, table=True):
    """The settings as they were after one change."""

    __tablename__ = "bot_versions"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (UniqueConstraint("bot_id", "version"),)

    tenant_id: UUID = reference("tenants")
    bot_id: UUID = reference("bots", index=False)
    version: int
    settings: dict[str, Any] = Field(sa_type=JSONB)
    summary: str = Field(default="", max_length=300)
    user_id: UUID | None = reference("users", ondelete="SET NULL", index=False, nullable=True)
