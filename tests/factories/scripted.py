"""A chat model that says what it is told to: for models that do as a poisoned document bids."""

from collections.abc import AsyncGenerator, Callable

from chatbot_saas.adapters.llm import ChatRequest, Finished, TextDelta, Usage


class ScriptedModel:
    """`answer` is the text, or makes it of the request; it comes in pieces of `size` characters."""

    provider = "scripted"
    quotes = False

    def __init__(self, answer: str | Callable[[ChatRequest], str], size: int = 3) -> None:
        self._answer = answer
        self._size = size
        self.requests: list[ChatRequest] = []

    async def stream(self, request: ChatRequest) -> AsyncGenerator[TextDelta | Finished, None]:
        self.requests.append(request)
        text = self._answer if isinstance(self._answer, str) else self._answer(request)
        for start in range(0, len(text), self._size):
            yield TextDelta(text[start : start + self._size])
        yield Finished(self.estimate(request, text), "stop")

    def estimate(self, request: ChatRequest, text: str) -> Usage:
        prompt = sum(len(message.content) for message in request.messages)
        return Usage(prompt // 4, len(text) // 4, 0, request.model, self.provider, estimated=True)

    async def check(self, api_key: str = "") -> None:
        """Takes every key."""

    async def close(self) -> None:
        """Holds nothing."""


def obeys_the_poison(request: ChatRequest) -> str:
    """An answer of a model that was taken in: it repeats all it was given, rules and passages, links and images."""
    return "\n\n".join(message.content for message in request.messages)
