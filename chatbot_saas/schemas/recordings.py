"""How an answer was made, for its owner. Nothing of it reaches a visitor."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from chatbot_saas.schemas.base import Read
from chatbot_saas.schemas.chat import Citation, PairTrace, SentenceProof

PassageFate = Literal["current", "changed", "deleted", "not_kept"]
"""Of a passage since the answer: still in the knowledge; its document changed (the text is as it was); its document was
deleted, and the text with it; or its document changed and the text as it was had not been kept."""


class FlightPassage(Read):
    """A passage that was found for an answer. Ranks count from 1."""

    number: int
    """Its place, and what the answer cites."""
    in_prompt: bool
    fate: PassageFate
    chunk_id: UUID
    document_id: UUID | None
    source_id: UUID | None
    title: str
    page: int | None
    headings: list[str]
    text: str
    """Empty where it is gone."""
    cited: bool
    score: float
    vector_score: float | None
    vector_rank: int | None
    lexical_score: float | None
    lexical_rank: int | None
    coverage: float


class FlightCall(Read):
    """A call to a model, also a failed one."""

    kind: str
    """chat, standalone, embedding, rerank, or cache for an answer that was there already."""
    model: str
    provider: str
    outcome: str
    """ok, failed or cancelled."""
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: float | None
    """None where the price of the model is not known."""
    ms: float | None


class PromptPart(Read):
    text: str
    passage: int = 0
    """The number of the passage whose text this is; 0 for what is around them."""
    missing: bool = False
    """The passage's text is gone; `text` is the placeholder."""


class PromptMessage(Read):
    role: str
    parts: list[PromptPart]

    @property
    def content(self) -> str:
        return "".join(part.text for part in self.parts)


class FlightPrompt(Read):
    messages: list[PromptMessage]
    exact: bool
    """Whether it is the prompt to the letter, by its sha256."""
    sha256: str


class FlightRecord(Read):
    """`GET /api/v1/messages/{message_id}/record`. Fields that an answer of long ago does not have are empty."""

    answer_id: UUID
    conversation_id: UUID
    bot_id: UUID
    bot_name: str
    channel: str
    question: str
    answer: str
    status: str
    answered: bool | None
    created_at: datetime
    recorded: bool
    """Whether the prompt was kept: answers of earlier versions of this product have none."""
    standalone: str
    """The question in words that need no history, as it was searched for."""
    language: str
    decision: str
    probability: float | None
    """How likely the passages held the answer, 0 to 1."""
    mode: str
    model: str
    fallback: str
    """The error code, where the first model failed."""
    pair: PairTrace | None
    cached: bool
    withheld: list[str]
    """Sentences that the model wrote and nobody was shown, because nothing supports them."""
    choices: list[str]
    """What the visitor was offered to ask next."""
    version: int
    version_summary: str
    version_at: datetime | None
    settings: dict[str, Any]
    """The bot's, as they were."""
    knowledge_version: int | None
    citations: list[Citation]
    proof: list[SentenceProof]
    passages: list[FlightPassage]
    prompt: FlightPrompt | None
    calls: list[FlightCall]
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    saved_tokens: int
    """What the answer had cost when it was made, of one from the cache."""
    cost_usd: float | None
    """Of the calls whose price is known; None if none is."""
    milliseconds: dict[str, float]
    """Since the question came: retrieved, first_token, answered."""
