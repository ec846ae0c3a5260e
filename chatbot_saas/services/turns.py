"""What one turn is: a question to a bot, and all that becomes of it until it is stored. Data, and no rule."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from chatbot_saas.adapters.llm import Message as PromptMessage
from chatbot_saas.adapters.llm import ToolCall, ToolDelta, Usage
from chatbot_saas.core.tenancy import Tenant, Visitor
from chatbot_saas.schemas.chat import Citation, SentenceProof
from chatbot_saas.services.answer_cache import AnswerKey, KeptAnswer
from chatbot_saas.services.live import LiveAnswer
from chatbot_saas.services.matching import Matched
from chatbot_saas.services.published import AT_ONCE
from chatbot_saas.services.retrieval import BotIndex, Found, Retrieval


@dataclass(frozen=True, slots=True)
class BotView:
    """What a turn needs of the bot, read once."""

    id: UUID
    tenant_id: UUID
    name: str
    instructions: str
    welcome_message: str
    starter_questions: list[str]
    model: str
    fallback_model: str
    temperature: float
    top_p: float
    max_tokens: int
    fallback_text: str
    language: str
    qa_threshold: float
    answer_mode: str
    passage_limit: int
    passage_tokens: int
    link_hosts: list[str]
    allow_tools: bool
    page_context: bool
    allowed_origins: list[str]
    widget: dict[str, Any]
    version: int
    knowledge_version: int
    model_key: str | None
    model_error: str
    index: BotIndex


@dataclass(frozen=True, slots=True)
class Given:
    """What a caller brings who keeps the conversation: nothing that was stored is read for it."""

    history: tuple[PromptMessage, ...]
    """What was said before the question, in order."""
    context: str = ""
    """The caller's own system messages: background, below the bot's rules."""
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    results: tuple[PromptMessage, ...] = ()
    """What came after the question: calls of tools, and what the tools returned."""
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    """Instead of the bot's own: temperature, top_p and max_tokens, by name."""

    @property
    def only_history(self) -> bool:
        """Whether the answer is the one that anybody else would get."""
        return not (self.context or self.tools or self.results or self.settings)


@dataclass(frozen=True, slots=True)
class Call:
    """One call to a model, however it ended."""

    kind: str
    """chat, standalone, embedding or rerank."""
    usage: Usage
    outcome: str
    """ok, cancelled or failed."""
    milliseconds: float
    error: str = ""
    """The error's code."""


@dataclass(slots=True)
class Turn:
    principal: Tenant | Visitor
    bot: BotView
    conversation_id: UUID | None
    """None for a try that is not stored."""
    question_id: UUID
    answer_id: UUID
    question: str
    history: list[PromptMessage]
    live: LiveAnswer
    given: Given | None = None
    reuse: bool = True
    """Whether an answer that was given before may be given again, and this one kept for others."""
    page: str = ""
    """What the visitor's page said of itself, as it stands in the prompt."""
    attached: tuple[UUID, ...] = ()
    """The files that were sent with the question."""
    files: bool = False
    """Whether there are any in the conversation: then the answer is nobody else's."""
    patient: bool = False
    """Nobody waits for it: a busy machine or provider gets more time before something else answers."""
    started: float = field(default_factory=time.monotonic)
    asked: str = ""
    """The question as it stands alone."""
    rewritten: bool = False
    """Whether a model wrote it anew: then nothing that was said before is needed for the answer."""
    language: str = "en"
    text: str = ""
    tool_calls: dict[int, ToolCall] = field(default_factory=dict[int, ToolCall])
    """What the caller is to run before there can be an answer, by its place."""
    answered: bool = False
    sources: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Its citations as they are stored: with what visitors are not told."""
    proof: list[SentenceProof] = field(default_factory=list[SentenceProof])
    choices: list[str] = field(default_factory=list[str])
    follow_ups: list[str] = field(default_factory=list[str])
    """What can be asked after an answer."""
    leave_message: bool = False
    handoff: bool = False
    calls: list[Call] = field(default_factory=list[Call])
    pair: Matched | None = None
    """The question has an answer of its own, which is given word for word."""
    looked_up: bool = False
    """Whether that was asked for by the question's words yet."""
    retrieval: Retrieval | None = None
    used: list[Found] = field(default_factory=list[Found])
    """The passages that the answer was made from."""
    key: AnswerKey | None = None
    """Under which this answer may be kept for others."""
    kept: KeptAnswer | None = None
    """The answer that was given before, where this is it."""
    trace: dict[str, Any] = field(default_factory=dict[str, Any])
    model_error: str | None = None
    """Words for the owner; empty when the model worked, None when it was not asked."""

    @property
    def citations(self) -> list[Citation]:
        return [Citation.model_validate(source) for source in self.sources]

    @property
    def offered(self) -> dict[str, Any]:
        """What the visitor can do next."""
        person = {"handoff": True} if self.handoff else {}
        choices = self.choices or self.follow_ups
        if choices or self.leave_message:
            return {"choices": choices, "leave_message": self.leave_message, **person}
        return person

    @property
    def stood_in(self) -> bool:
        """Whether another model answered, or the passages, because the bot's own did not."""
        return "fallback" in self.trace or "second_model" in self.trace

    def say(self, piece: str) -> None:
        if piece:
            self.text += piece
            self.live.emit("token", text=piece)

    def call(self, piece: ToolDelta) -> None:
        """Hand a piece of a tool's call to the caller."""
        before = self.tool_calls.get(piece.index, ToolCall("", "", ""))
        self.tool_calls[piece.index] = ToolCall(
            before.id + piece.id, before.name + piece.name, before.arguments + piece.arguments
        )
        self.live.emit("tool", index=piece.index, id=piece.id, name=piece.name, arguments=piece.arguments)

    def mark(self, name: str) -> None:
        self.trace[f"{name}_ms"] = self.milliseconds()

    def milliseconds(self, since: float | None = None) -> float:
        return round((time.monotonic() - (self.started if since is None else since)) * 1000, 1)


_OWN = frozenset(BotView.__slots__) - {"index"}
_OF_INDEX = frozenset({"embedder", "dimension", "vector_weight", "rerank"})


def view(bot: Any, settings: Mapping[str, Any] | None = None, version: int | None = None) -> BotView:
    """`bot`: its row; `settings` and `version`: of the version that answers, where that is not what the row holds."""
    held = {name: value for name, value in (settings or {}).items() if name not in AT_ONCE}
    values: dict[str, Any] = {name: held.get(name, getattr(bot, name)) for name in _OWN | _OF_INDEX}
    index = BotIndex.of(SimpleNamespace(**values))
    own: dict[str, Any] = {name: values[name] for name in _OWN}
    own["version"] = version or own["version"]
    return BotView(index=index, **own)
