"""The chat model that needs no key: it picks the best sentences, writes none of its own, and says that it quotes."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from itertools import groupby

from chatbot_saas.adapters.embeddings import Embedder
from chatbot_saas.adapters.llm import ChatRequest, Finished, Passage, TextDelta, Usage, estimate_usage
from chatbot_saas.adapters.llm.languages import LEAD_IN, QUOTES, STEMMERS, guess_language
from chatbot_saas.adapters.llm.sentences import WEAK, Scored, best, scored
from chatbot_saas.adapters.llm.units import Unit, units_of
from chatbot_saas.adapters.tokens import TokenCounter

MODEL_NAME = "extractive"
COMPARED = 12  # sentences compared by meaning at most, at 2-4 ms each
_BULLET = re.compile(r"^[-*+•‣◦▪–]\s+")
_NUMBERED = re.compile(r"\(?\d{1,2}[.)、]|[一二三四五六七八九十]{1,3}、|[a-z][.)]\s")
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
        language, parts = await asyncio.to_thread(_read, request)
        weak = bool(parts) and max(part.score for part in parts) < WEAK
        if weak and self._embedder and language in STEMMERS:
            parts = await _by_meaning(request.question, parts, language, self._embedder)
        quoted = best(parts, request.question, _TOKEN_CHARACTERS * request.max_tokens)
        text = compose(quoted, request.passages, language)
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


def compose(units: Sequence[Unit], passages: Sequence[Passage], language: str) -> str:
    """For each passage which document it is, what is quoted of it, and its number.

    Sentences stand in quotation marks, and what was left out between them is marked; lists and tables stay what they
    are. Nothing is changed but white space and the marks of lists.
    """
    titles = {passage.number: passage.title for passage in passages}
    answer: list[str] = []
    last_title: str | None = None
    for number, group in groupby(units, key=lambda unit: unit.number):
        blocks = _blocks(list(group), language)
        lead = LEAD_IN.get(language, LEAD_IN["en"]).format(_title(titles.get(number, "")))
        if lead != last_title:
            answer.append(lead)
        last_title = lead
        if blocks[-1].startswith("|"):
            blocks.append(f"[{number}]")
        else:
            blocks[-1] += f" [{number}]"
        answer += blocks
    return "\n\n".join(answer)


def _blocks(units: Sequence[Unit], language: str) -> list[str]:
    """Paragraphs of Markdown."""
    blocks: list[str] = []
    kind = ""
    last: Unit | None = None
    for unit in units:
        listed = "row" if unit.kind == "divider" else unit.kind if unit.kind in ("item", "row") else "sentence"
        if listed == kind != "sentence" and last and last.group == unit.group:
            blocks[-1] += "\n" + _shown(unit)
        elif listed == kind == "sentence" and last:
            joint = "" if language in ("zh", "ja") else " "
            blocks[-1] += (joint if unit.position == last.position + 1 else " … ") + unit.text
        else:
            blocks.append(_shown(unit))
        kind, last = listed, unit
    quoted = QUOTES.get(language, "“{}”")
    return [
        quoted.format(block) if not block.startswith(("|", "- ")) and not _NUMBERED.match(block) else block
        for block in blocks
    ]


def _shown(unit: Unit) -> str:
    if unit.kind == "item":
        return _BULLET.sub("- ", unit.text, count=1)
    if unit.kind in ("row", "divider") and not unit.text.startswith("|"):
        return f"| {unit.text.removesuffix('|').rstrip()} |"
    return unit.text


def _title(title: str) -> str:
    return " ".join(title.split())[:120]


def _read(request: ChatRequest) -> tuple[str, list[Scored]]:
    units = units_of(request.passages)
    spoken = guess_language(" ".join([request.question, *(unit.text for unit in units[:20])]))
    return request.language[:2].lower() or spoken, scored(request.question, units, request.passages, spoken)


async def _by_meaning(question: str, parts: list[Scored], language: str, embedder: Embedder) -> list[Scored]:
    """The most promising parts, scored by their likeness to the question (cosine) as well as by their words.

    Promising are the best by words, then the first ones of each passage.
    """
    asked = (await embedder.embed_query(question)).vectors[0][0]
    full = [part for part in parts if part.unit.kind not in ("heading", "question", "divider")]
    chosen = sorted(full, key=lambda part: (-part.score, part.unit.position))[:COMPARED]
    likeness: dict[int, float] = {}
    by_words = 0.5 if language == "en" else 1.5  # small local embedders know English best
    for part in chosen:
        vector = (await embedder.embed_query(part.unit.text)).vectors[0][0]
        likeness[id(part)] = max(0.0, float(vector @ asked))
    return [
        replace(part, score=likeness[id(part)] + by_words * part.score)
        if id(part) in likeness
        else replace(part, score=0.0)
        for part in parts
    ]
