"""Which chat model a process gets."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from chatbot_saas.adapters.embeddings import Embedder
from chatbot_saas.adapters.embeddings.offline import OfflineEmbedder
from chatbot_saas.adapters.llm import ChatModel, ChatRequest, Part, Usage
from chatbot_saas.adapters.llm.extractive import ExtractiveChatModel
from chatbot_saas.adapters.llm.openai import OpenAIChatModel
from chatbot_saas.adapters.tokens import TokenCounter
from chatbot_saas.core.settings import Settings


def make_chat_model(settings: Settings, counter: TokenCounter, fallback: ChatModel) -> ChatModel:
    """The provider's model; without an operator's key, `fallback` for every bot that has no key of its own."""
    key = settings.openai_api_key.get_secret_value()
    keyed = OpenAIChatModel(key, settings.openai_base_url, settings.model_timeout_seconds, counter)
    return OwnKeyOnly(keyed, fallback) if settings.offline_models else keyed


def make_fallback_model(counter: TokenCounter, embedder: Embedder) -> ExtractiveChatModel:
    """The one that quotes. Only the local embedder helps it: a provider that is down would hold it up."""
    return ExtractiveChatModel(counter, embedder if isinstance(embedder, OfflineEmbedder) else None)


class OwnKeyOnly:
    """Asks the provider for bots with a key of their own, `offline` for all others; `Usage.provider` tells which."""

    def __init__(self, keyed: ChatModel, offline: ChatModel) -> None:
        self._keyed = keyed
        self._offline = offline
        self.provider = offline.provider
        self.quotes = offline.quotes

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Part, None]:
        async with aclosing(self._model(request.api_key).stream(request)) as events:
            async for event in events:
                yield event

    def estimate(self, request: ChatRequest, text: str) -> Usage:
        return self._model(request.api_key).estimate(request, text)

    async def check(self, api_key: str = "") -> None:
        await self._model(api_key).check(api_key)

    async def close(self) -> None:
        await self._keyed.close()
        await self._offline.close()

    def _model(self, api_key: str) -> ChatModel:
        return self._keyed if api_key else self._offline
