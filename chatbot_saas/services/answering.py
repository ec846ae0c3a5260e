"""What is asked of the model, when it is not asked at all, and what its answer rests on."""

import re
from collections.abc import Sequence

from chatbot_saas.adapters.llm import Message, Passage
from chatbot_saas.adapters.tokens import TokenCounter
from chatbot_saas.core.text import split_sentences
from chatbot_saas.schemas.chat import Citation
from chatbot_saas.services.lexical import query_terms, tokens
from chatbot_saas.services.prompts import NOT_IN_SOURCES as NOT_IN_SOURCES
from chatbot_saas.services.prompts import system_message
from chatbot_saas.services.questions import answer_begins
from chatbot_saas.services.retrieval import Found

PASSAGE_BUDGET = 4000
"""Tokens of passages in a prompt."""
HISTORY_BUDGET = 1500
"""Tokens of earlier messages in a prompt."""
MAX_QUOTE = 400
_MARK = re.compile(r"\[(\d{1,2})\]")


def fits(passages: Sequence[Found], *, quotes: bool) -> bool:
    """Whether the passages can hold the answer. A model that only quotes cannot tell, so more is asked.

    Thresholds are for cosine similarities of sentence embedders, where unrelated texts stay below about 0.25.
    """
    if not passages:
        return False
    similarity = max(passage.vector_score or 0.0 for passage in passages)
    coverage = max(passage.coverage for passage in passages)
    if not quotes:
        return similarity >= 0.2 or coverage >= 0.3
    return similarity >= 0.45 or coverage >= 0.75 or (similarity >= 0.28 and coverage >= 0.34)


def within_budget(passages: Sequence[Found], budget: int = PASSAGE_BUDGET) -> list[Found]:
    kept: list[Found] = []
    used = 0
    for passage in passages:
        if kept and used + passage.tokens > budget:
            break
        kept.append(passage)
        used += passage.tokens
    return kept


def numbered(passages: Sequence[Found]) -> tuple[Passage, ...]:
    return tuple(
        Passage(number, passage.title, passage.page, passage.text, answer_begins(passage.question))
        for number, passage in enumerate(passages, start=1)
    )


def prompt(
    *,
    name: str,
    instructions: str,
    language: str,
    passages: Sequence[Passage],
    history: Sequence[Message],
    question: str,
    count: TokenCounter,
) -> tuple[Message, ...]:
    """System message with rules and passages (see services.prompts), as much history as fits, the question."""
    system = Message(
        "system", system_message(name=name, instructions=instructions, language=language, passages=passages)
    )
    return (system, *recent(history, count), Message("user", question))


def recent(history: Sequence[Message], count: TokenCounter, budget: int = HISTORY_BUDGET) -> list[Message]:
    """The latest messages that fit into the budget, in order."""
    kept: list[Message] = []
    for message in reversed(history):
        budget -= count.count(message.content)
        if budget < 0:
            break
        kept.append(message)
    return kept[::-1]


def cite(answer: str, passages: Sequence[Found], question: str, language: str) -> list[Citation]:
    """A citation for each passage that the answer names, or for the first one if it names none.

    The quote is the sentence of the passage that shares most words with what the answer says before the mark.
    """
    said: dict[int, list[str]] = {}
    end = 0
    for mark in _MARK.finditer(answer):
        number = int(mark.group(1))
        if 1 <= number <= len(passages):
            before = answer[end : mark.start()]
            said.setdefault(number, []).append(before[-400:])
        end = mark.end()
    if not said and passages:
        said[1] = [answer]
    asked = set(query_terms(question, language))
    citations: list[Citation] = []
    for number in sorted(said):
        passage = passages[number - 1]
        first = answer_begins(passage.question)
        words = set(tokens(" ".join(said[number]), language))
        begin, stop = _best_sentence(passage.text, first, words, asked, language)
        citations.append(
            Citation(
                number=number,
                title=passage.title,
                page=passage.page_at(begin),
                url=passage.url or None,
                quote=passage.text[begin:stop],
            )
        )
    return citations


def _best_sentence(text: str, first: int, said: set[str], asked: set[str], language: str) -> tuple[int, int]:
    """Offsets of the sentence, from `first` on, that shares most with the answer, and less with the question."""
    best, best_score = (first, min(len(text), first + MAX_QUOTE)), -1.0
    for begin, end in split_sentences(text):
        words = set(tokens(text[begin:end], language))
        if begin < first or not words:
            continue
        shared = len(words & said) + 0.5 * len(words & asked)
        score = shared / (len(words) + 4) ** 0.5
        if score > best_score:
            best, best_score = (begin, min(end, begin + MAX_QUOTE)), score
    return best
