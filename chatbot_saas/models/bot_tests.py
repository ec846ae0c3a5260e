from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from chatbot_saas.models.base import Row, moment, reference


class BotTest(Row, table=True):
    """A question with what its answer must hold."""

    __tablename__ = "bot_tests"  # pyright: ignore[reportAssignmentType]

    tenant_id: UUID = reference("tenants")
    bot_id: UUID = reference("bots")
    question: str = Field(sa_type=Text)
    expectation: str = Field(default="facts", max_length=10)
    """facts: the answer holds all of them; refusal: the sources do not hold it, and the bot says so."""
    facts: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))  # pyright: ignore[reportArgumentType]
    origin: str = Field(default="hand", max_length=20)
    """hand, source, answer or playground."""
    source_id: UUID | None = reference("sources", ondelete="SET NULL", nullable=True)
    enabled: bool = True


class BotTestRun(Row, table=True):
    """The bot's tests against one version, and against the published one for comparison."""

    __tablename__ = "bot_test_runs"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_bot_test_runs_bot_id_id", "bot_id", "id"),)

    tenant_id: UUID = reference("tenants")
    bot_id: UUID = reference("bots", index=False)
    version: int
    baseline_version: int = 0
    """The published version at that time; 0 when there was none."""
    knowledge_version: int = 0
    status: str = Field(default="queued", max_length=20)
    """queued, running, done, failed or cancelled."""
    total: int = 0
    done: int = 0
    passed: int = 0
    regressions: int = 0
    """Tests that the published version passes and this one fails."""
    unasked: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Tests that tell nothing, since a model did not answer."""
    error: str = Field(default="", sa_type=Text)
    publish: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Publish at the end, if the tests let it."""
    published: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    publish_problem: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    """Why it did not publish at its end."""
    user_id: UUID | None = Field(default=None)
    """Who asked for it, and in whose name it publishes; like the API key that was used."""
    api_key_id: UUID | None = Field(default=None)
    started_at: datetime | None = moment()
    finished_at: datetime | None = moment()


class BotTestResult(Row, table=True):
    """One answer of a run."""

    __tablename__ = "bot_test_results"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("uq_bot_test_results_run_id_test_id_side", "run_id", "test_id", "side", unique=True),)

    tenant_id: UUID = reference("tenants")
    bot_id: UUID = reference("bots")
    run_id: UUID = reference("bot_test_runs", index=False)
    test_id: UUID = reference("bot_tests")
    side: str = Field(max_length=10)
    """candidate or baseline."""
    question: str = Field(sa_type=Text)
    answer: str = Field(default="", sa_type=Text)
    answered: bool = False
    passed: bool = False
    unasked: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """A model did not answer, so this tells nothing about the settings; then it has not passed."""
    missing: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))  # pyright: ignore[reportArgumentType]
    """The expected facts that the answer does not hold."""
    sources: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    trace: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    """As of a message."""
