"""What a visitor may want to ask next, once they have their answer: questions that the bot is known to answer.

Those of the owner's own pairs come first that are near to what was asked, then the starter questions. Nothing that was
asked in this conversation is among them, nor what the answer just said. No model is asked.
"""

from collections.abc import Iterator

from chatbot_saas.services import questions
from chatbot_saas.services.retrieval import Found
from chatbot_saas.services.turns import Turn

MOST = 3
LONGEST = 120
"""Characters: a longer question is no button."""
NEAR = 0.4
"""Cosine, from which a pair's question has to do with what was asked."""


def suggest(turn: Turn) -> None:
    """Only where the bot simply answered."""
    offered = turn.choices or turn.leave_message or turn.handoff
    if turn.answered and not offered and not turn.attached:
        turn.follow_ups = list(_fresh(turn))[:MOST]


def _fresh(turn: Turn) -> Iterator[str]:
    said = [turn.question, turn.asked, turn.pair.question if turn.pair else ""]
    asked = {questions.folded(text) for text in said}
    asked |= {questions.folded(message.content) for message in turn.history if message.role == "user"}
    near = turn.retrieval.pairs if turn.retrieval else []
    related = [pair.question for pair in near if (pair.vector_score or 0.0) >= NEAR and not _told(turn, pair)]
    for question in [*related, *turn.bot.starter_questions]:
        key = questions.folded(question)
        if len(question) <= LONGEST and key not in asked:
            asked.add(key)
            yield question


def _told(turn: Turn, pair: Found) -> bool:
    """Whether the answer is the pair's, or cites it."""
    answer = pair.text[questions.answer_begins(pair.question) :]
    return answer in turn.text or any(source["quote"] and source["quote"] in pair.text for source in turn.sources)
