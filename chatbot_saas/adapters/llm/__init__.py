"""Chat models: the port, and the errors that every call to a model provider can end in (embeddings too)."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from chatbot_saas.adapters.tokens import TokenCounter
from chatbot_saas.core.errors import DomainError

TOKENS_AROUND_MESSAGE = 4  # what the chat format itself takes for each message, by OpenAI's cookbook


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What the model asks the caller to run."""

    id: str
    name: str
    arguments: str
    """JSON as the model wrote it, which may be none."""


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    """Of an assistant's message."""
    tool_call_id: str = ""
    """Of a tool's: the call that this answers."""


@dataclass(frozen=True, slots=True)
class Passage:
    number: int
    """What the model cites as [number]."""
    title: str
    page: int | None
    text: str
    answer_begins: int = 0
    """Where the answer begins, in a question with its answer: what stands before is not quoted."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """`messages` is the whole prompt, passages included; `question` and `passages` are for models that only quote."""

    model: str
    messages: tuple[Message, ...]
    question: str
    passages: tuple[Passage, ...]
    temperature: float
    top_p: float
    max_tokens: int
    api_key: str = ""
    """A bot's own key; empty for the operator's."""
    base_url: str = ""
    """A bot's own endpoint. Who lets a tenant set it must check it against request forgery first."""
    language: str = ""
    """Two letters; empty to guess."""
    tools: tuple[dict[str, Any], ...] = ()
    """What the caller can run, as OpenAI describes functions. A model that quotes knows none."""
    tool_choice: Any = None
    """As OpenAI has it; None for the provider's default."""
    parallel_tool_calls: bool | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    """The part of `input_tokens` that the provider had cached."""
    model: str
    provider: str
    estimated: bool = False
    """True when counted by us, because the provider did not say (a stream that was cut or cancelled)."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ToolDelta:
    """A piece of a call of a tool. Those of one `index` belong together; `id` and `name` come with the first."""

    index: int
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Finished:
    usage: Usage
    reason: str
    """"stop", "length", "tool_calls", or the provider's own word."""


Part = TextDelta | ToolDelta | Finished


class ModelError(DomainError):
    """The model provider could not be reached. Try again in a moment."""

    status = 502
    code = "model_unavailable"
    retryable: ClassVar[bool] = True

    def __init__(self, message: str | None = None, *, usage: Usage | None = None, retry_after: float = 0) -> None:
        super().__init__(message)
        self.usage = usage
        """What was used before it failed, if anything was."""
        self.retry_after = retry_after
        """Seconds the provider asked us to wait; 0 if it did not say."""


class ModelUnavailableError(ModelError):
    """The model provider could not be reached. Try again in a moment."""


class ModelTimeoutError(ModelError):
    """The model took too long to answer. Try again, or choose a faster model under Model settings."""

    status = 504
    code = "model_timeout"


class ModelRateLimitedError(ModelError):
    """The model provider is limiting requests for this key. Wait a little, or raise the limit with the provider."""

    status = 503
    code = "model_rate_limited"


class ModelQuotaError(ModelRateLimitedError):
    """The account at the model provider has no credit left. Add credit with the provider, or enter another key."""

    retryable = False


class ModelKeyInvalidError(ModelError):
    """The key was refused by the model provider. Enter a new key under Model settings."""

    code = "model_key_invalid"
    retryable = False


class ModelNotFoundError(ModelError):
    """The model provider does not have this model. Choose another under Model settings."""

    code = "model_not_found"
    retryable = False


class ModelBadRequestError(ModelError):
    """The model provider did not accept the request. Check the model and its settings."""

    code = "model_bad_request"
    retryable = False


class ChatModel(Protocol):
    @property
    def provider(self) -> str: ...

    @property
    def quotes(self) -> bool:
        """True for a model that writes nothing of its own and only quotes the passages."""
        ...

    def stream(self, request: ChatRequest) -> AsyncGenerator[Part, None]:
        """Text and calls of tools as they come, then one `Finished`. Closing the generator cancels the provider's call.

        Raises ModelError; its `usage` is set if text had come already. Who closes early asks `estimate` for the usage.
        """
        ...

    def estimate(self, request: ChatRequest, text: str) -> Usage:
        """The usage of a call that was ended early, after `text` had come."""
        ...

    async def check(self, api_key: str = "") -> None:
        """Ask the provider whether it takes the key (the operator's, if none is given). Raises ModelError."""
        ...

    async def close(self) -> None: ...


def estimate_usage(request: ChatRequest, text: str, counter: TokenCounter, provider: str) -> Usage:
    prompt = counter.count_batch([message.content for message in request.messages], request.model)
    return Usage(
        input_tokens=sum(prompt) + TOKENS_AROUND_MESSAGE * len(prompt),
        output_tokens=counter.count(text, request.model),
        cached_tokens=0,
        model=request.model,
        provider=provider,
        estimated=True,
    )
