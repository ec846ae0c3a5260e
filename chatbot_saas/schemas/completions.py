"""OpenAI's chat completions, as far as a bot understands them: see docs/openai.md.

What a client sends beside its question is honoured, has no effect here and is named so, or is refused. Nothing is
passed over in silence: a typing mistake must not look like success.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from chatbot_saas.schemas.base import Read, Request, Storable
from chatbot_saas.schemas.chat import Citation, SentenceProof, printable

MOST_MESSAGES = 500
MOST_TOOLS = 64
ModelId = Annotated[str, Field(min_length=1, max_length=100), Storable]
Text = Annotated[str, Field(max_length=1_000_000), Storable]
ShortText = Annotated[str, Field(max_length=1000), Storable]
ToolName = Annotated[str, StringConstraints(pattern=r"^[\w-]{1,64}$")]
UserId = Annotated[str, Field(min_length=1, max_length=180), AfterValidator(printable)]
CallId = Annotated[str, Field(min_length=1, max_length=200), Storable]


class TextPart(Request):
    type: Literal["text"]
    text: Text


class CalledFunction(Request):
    name: ToolName
    arguments: Text


class ToolCallGiven(Request):
    id: CallId
    type: Literal["function"] = "function"
    function: CalledFunction
    index: Annotated[int, Field(ge=0, le=MOST_TOOLS)] | None = None


Content = Text | Annotated[list[TextPart], Field(min_length=1, max_length=100)]


class SystemMessage(Request):
    role: Literal["system", "developer"]
    content: Content
    name: ShortText | None = None


class UserMessage(Request):
    role: Literal["user"]
    content: Content
    name: ShortText | None = None


class AssistantMessage(Request):
    """What comes back of an answer may be sent as it came; of it, `content` and `tool_calls` are read."""

    role: Literal["assistant"]
    content: Content | None = None
    tool_calls: Annotated[list[ToolCallGiven], Field(max_length=MOST_TOOLS)] | None = None
    name: ShortText | None = None
    refusal: Text | None = None
    audio: dict[str, Any] | None = None
    function_call: dict[str, Any] | None = None
    annotations: list[Any] | None = None
    sources: list[Any] | None = None
    proof: list[Any] | None = None
    answered: bool | None = None


class ToolMessage(Request):
    role: Literal["tool"]
    content: Content
    tool_call_id: CallId


AnyMessage = Annotated[SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")]


class ToolFunction(Request):
    name: ToolName
    description: Annotated[str, Field(max_length=4000), Storable] | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Request):
    type: Literal["function"]
    function: ToolFunction


class ChosenFunction(Request):
    name: ToolName


class ToolChoice(Request):
    type: Literal["function"]
    function: ChosenFunction


class StreamOptions(Request):
    include_usage: bool = False
    include_obfuscation: bool | None = None


class ResponseFormat(Request):
    type: Literal["text"]


class CompletionRequest(Request):
    """`POST /api/openai/v1/chat/completions`"""

    model: ModelId
    """The bot's id."""
    messages: Annotated[list[AnyMessage], Field(min_length=1, max_length=MOST_MESSAGES)]
    """The last message of a user is the question; the ones before it are the conversation."""
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Counts as far as it is less than the bot's own limit."""
    max_completion_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    tools: Annotated[list[Tool], Field(max_length=MOST_TOOLS)] | None = None
    """For bots that allow tools."""
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    user: UserId | None = None
    """Names the conversation in which the questions and answers are stored; without it each is one of its own."""
    safety_identifier: UserId | None = None
    """Instead of `user`."""
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    response_format: ResponseFormat | None = None
    modalities: list[Literal["text"]] | None = None
    logprobs: Literal[False] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    """Without effect, like all that follows."""
    store: bool | None = None
    metadata: Annotated[dict[Annotated[str, Field(max_length=64)], ShortText], Field(max_length=16)] | None = None
    service_tier: Annotated[str, Field(max_length=20), Storable] | None = None
    prompt_cache_key: ShortText | None = None
    prompt_cache_retention: Annotated[str, Field(max_length=20), Storable] | None = None
    reasoning_effort: Annotated[str, Field(max_length=20), Storable] | None = None
    verbosity: Annotated[str, Field(max_length=20), Storable] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None


class ModelRead(Read):
    """A bot, as a model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    name: str
    """The bot's name."""
    status: str


class ModelList(Read):
    object: Literal["list"] = "list"
    data: list[ModelRead]


class FunctionCalled(Read):
    name: str
    arguments: str


class ToolCallMade(Read):
    id: str
    type: Literal["function"] = "function"
    function: FunctionCalled


class CompletionMessage(Read):
    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: None = None
    tool_calls: list[ToolCallMade] | None = None
    sources: list[Citation] = []
    """Where the answer comes from. Like `proof` and `answered` not a field of OpenAI's."""
    proof: list[SentenceProof] = []
    answered: bool = True


class Choice(Read):
    index: Literal[0] = 0
    message: CompletionMessage
    logprobs: None = None
    finish_reason: str
    """stop, length, tool_calls or content_filter."""


class PromptDetails(Read):
    cached_tokens: int


class CompletionUsage(Read):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails


class Completion(Read):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: CompletionUsage
    conversation_id: str


class OpenAIErrorBody(Read):
    message: str
    type: str
    param: str | None = None
    code: str | None = None


class OpenAIError(Read):
    """An error in OpenAI's shape."""

    error: OpenAIErrorBody
