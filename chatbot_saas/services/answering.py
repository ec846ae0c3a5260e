"""What is asked of the model, and when it is not asked at all."""

from collections.abc import Collection, Sequence
from uuid import UUID

from chatbot_saas.adapters.llm import Message, Passage
from chatbot_saas.adapters.tokens import TokenCounter
from chatbot_saas.services.prompts import NOT_IN_SOURCES as NOT_IN_SOURCES
from chatbot_saas.services.prompts import system_message
from chatbot_saas.services.questions import answer_begins
from chatbot_saas.services.retrieval import Found
from chatbot_saas.services.turns import Given

PASSAGE_BUDGET = 4000
"""Tokens of passages in a prompt."""
HISTORY_BUDGET = 1500
"""Tokens of earlier messages in a prompt."""


def within_budget(
    passages: Sequence[Found], budget: int = PASSAGE_BUDGET, *, whole: Collection[UUID] = ()
) -> list[Found]:
    """The first passages that fit; those of documents in `whole` in any case, the others into what they leave."""
    kept: list[Found] = []
    left = budget - sum(passage.tokens for passage in passages if passage.document_id in whole)
    for passage in passages:
        if passage.document_id not in whole:
            if left < passage.tokens and (kept or whole):
                left = 0
                continue
            left -= passage.tokens
        kept.append(passage)
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
    partly: bool = False,
    page: str = "",
    given: Given | None = None,
) -> tuple[Message, ...]:
    """System message with rules and passages (see services.prompts), as much history as fits, the question.

    `given`: its context stands in the system message, what tools returned after the question.
    """
    system = Message(
        "system",
        system_message(
            name=name,
            instructions=instructions,
            language=language,
            passages=passages,
            partly=partly,
            page=page,
            context=given.context if given else "",
            tools=bool(given and (given.tools or given.results)),
        ),
    )
    results = given.results if given else ()
    return (system, *recent(history, count), Message("user", question), *results)


def recent(history: Sequence[Message], count: TokenCounter, budget: int = HISTORY_BUDGET) -> list[Message]:
    """The latest messages that fit into the budget, in order."""
    kept: list[Message] = []
    for message in reversed(history):
        budget -= count.count(message.content)
        if budget < 0:
            break
        kept.append(message)
    return kept[::-1]
