"""The chat model that needs no key: it picks the best sentences, writes none of its own, and says that it quotes."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from itertools import groupby

from chatbot_saas.adapters.embeddings import Embedder
from chatbot_saas.adapters.llm import ChatRequest, Finished, TextDelta, Usage, estimate_usage
from chatbot_saas.adapters.llm.languages import LEAD_IN, QUOTES, STEMMERS, guess_language
from chatbot_saas.adapters.llm.sentences import Sentence, best, scored, sentences_of
from chatbot_saas.adapters.tokens import TokenCounter

MODEL_NAME = "extractive"
WEAK = 0.45  # below this score the words do not tell, and meaning is asked
COMPARED = 8  # sentences compared by meaning at most, at 2-4 ms each
_DELTA = re.compile(r"\s*\S+|\s+")
_TOKEN_CHARACTERS = 3  # a cautious length of a token, to keep to `max_tokens`


class ExtractiveChatModel:
    """`embedder` is asked only when the question shares hardly a word with the passages; it should be a local one."""

    provider = "offline"
    quotes = True

    def __init__(self, counter: TokenCounter, embedder: Embedder | None = None) -> None:
        self._counter = counter
        self._embedder = embedder

    async def stream(self, request: ChatRequest) -> AsyncGenerator[TextDelta | Finished, None]:
        language, sentences = await asyncio.to_thread(_read, request)
        weak = bool(sentences) and max(sentence.score for sentence in sentences) < WEAK
        if weak and self._embedder and language in STEMMERS:
            sentences = await _by_meaning(request.question, sentences, self._embedder)
        text = compose(best(sentences, _TOKEN_CHARACTERS * request.max_tokens), language)
        for piece in _DELTA.findall(text):
            yield TextDelta(piece)
            await asyncio.sleep(0)
        usage = await asyncio.to_thread(self.estimate, request, text)
        yield Finished(replace(usage, estimated=self._counter.estimated), "stop")

    def estimate(self, request: ChatRequest, text: str) -> Usage:
        return replace(estimate_usage(request, text, self._counter, self.provider), model=MODEL_NAME)

    async def check(self, api_key: str = "") -> None:
        """Always there."""

    async def close(self) -> None:
        """Holds nothing; the embedder belongs to whoever made it."""


def compose(sentences: Sequence[Sentence], language: str) -> str:
    """A paragraph for each passage, in quotation marks and with its number; what was left out between is marked."""
    paragraphs: list[str] = []
    for number, group in groupby(sentences, key=lambda sentence: sentence.number):
        text, last = "", -1
        for sentence in group:
            gap = " " if sentence.position == last + 1 else " … "
            text = text + gap + sentence.text if text else sentence.text
            last = sentence.position
        paragraphs.append(f"{QUOTES.get(language, '“{}”').format(text)} [{number}]")
    return "\n\n".join([LEAD_IN.get(language, LEAD_IN["en"]), *paragraphs]) if paragraphs else ""


def _read(request: ChatRequest) -> tuple[str, list[Sentence]]:
    sentences = sentences_of(request.passages)
    spoken = guess_language(" ".join([request.question, *(sentence.text for sentence in sentences[:20])]))
    return request.language[:2].lower() or spoken, scored(request.question, sentences, spoken)


async def _by_meaning(question: str, sentences: list[Sentence], embedder: Embedder) -> list[Sentence]:
    """The most promising sentences, scored by their likeness to the question (cosine).

    Promising are the best by words, then the first ones of each passage.
    """
    asked = (await embedder.embed_query(question)).vectors[0][0]
    order = {number: place for place, number in enumerate(dict.fromkeys(s.number for s in sentences))}
    full = [sentence for sentence in sentences if not sentence.announces]
    chosen = sorted(full or sentences, key=lambda sentence: (-sentence.score, sentence.position))[:COMPARED]
    result: list[Sentence] = []
    for sentence in chosen:
        vector = (await embedder.embed_query(sentence.text)).vectors[0][0]
        result.append(replace(sentence, score=float(vector @ asked)))
    result.sort(key=lambda sentence: (order[sentence.number], sentence.position))
    return result
