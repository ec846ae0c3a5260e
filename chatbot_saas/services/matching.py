"""Whether what somebody asks has an answer of its own: by its words, else by its meaning.

The words are looked up before anything is embedded. By meaning, the question's vector is compared with those of the
pairs' questions, which are chunks of the bot's index like any other. A wrong match puts words into the owner's mouth,
so what vectors cannot tell is left to the model: a language that the embedder was not made for, where all sentences
look alike (two Japanese questions had a cosine of 1), and questions that differ in a number.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chatbot_saas.adapters.llm.languages import STOP_WORDS, guess_language
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.core.text import split_sentences
from chatbot_saas.schemas.chat import Citation, SentenceProof
from chatbot_saas.schemas.questions import Held, MatchedBy, PairCandidate, PairMatchRead, PairMatchRequest
from chatbot_saas.services import bots, questions, usage
from chatbot_saas.services.retrieval import BotIndex, Found, is_english_only, retrieve
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.services.statements import sentences_of
from chatbot_saas.services.support import MAX_QUOTE

EXACT = """
    SELECT c.id AS chunk_id, c.document_id, c.source_id, c.question, c.text, c.start, d.title
    FROM chunks c JOIN documents d ON d.id = c.document_id JOIN sources s ON s.id = c.source_id
    WHERE c.bot_id = %(bot_id)s AND c.question_key = %(key)s AND c.question_key <> '' AND s.status <> 'cancelled'
    ORDER BY c.source_id DESC, c.ordinal LIMIT 1
    """
"""Takes the values of `asked`. Of two lists the newer one answers; the comparison with '' makes the index fit."""
_NUMBERS = re.compile(r"\d+")
_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Matched:
    """A pair that answers what was asked."""

    chunk_id: UUID
    document_id: UUID
    source_id: UUID
    question: str
    answer: str
    start: int
    """Where the answer begins in the document."""
    title: str
    by: MatchedBy
    score: float

    def citation(self) -> Citation:
        """Of the answer's first sentences, word for word."""
        end = 0
        for _, stop in split_sentences(self.answer):
            if stop > MAX_QUOTE:
                break
            end = stop
        return Citation(
            number=1, title=self.title, page=None, url=None, quote=self.answer[: end or MAX_QUOTE], start=self.start
        )

    def stored(self) -> list[dict[str, Any]]:
        """For `messages.sources`; see services.citations."""
        return [self.citation().model_dump(mode="json") | {"document_id": str(self.document_id)}]

    def proof(self) -> list[SentenceProof]:
        """Each sentence is its own proof, word for word."""
        return [
            SentenceProof(
                start=start,
                end=end,
                supported=True,
                source=1,
                quote=self.answer[start : min(end, start + MAX_QUOTE)],
                quote_start=self.start + start,
            )
            for start, end, states in sentences_of(self.answer)
            if states
        ]

    def trace(self) -> dict[str, Any]:
        """For the owner; the question is read from its row, so that a deleted one is gone from here too."""
        return {"by": self.by, "score": round(self.score, 4), "chunk_id": str(self.chunk_id)}


def asked(bot_id: UUID, question: str) -> dict[str, Any]:
    key = questions.folded(question)
    return {"bot_id": bot_id, "key": key if len(key) <= questions.LONGEST_KEY else ""}


def exact(row: Any) -> Matched | None:
    """From a row of `EXACT`, if there is one."""
    return _matched(row, "exact", 1.0) if row else None


def by_meaning(question: str, pairs: Sequence[Found], index: BotIndex, threshold: float) -> Matched | None:
    """The closest of `pairs` (closest first) that may answer, if it is close enough."""
    for pair in pairs:
        if not _reaches(pair, threshold):
            return None
        if not _held(question, pair.question, index):
            return _matched(pair, "meaning", pair.vector_score or 0.0)
    return None


async def find_exact(rt: Runtime, principal: Any, bot_id: UUID, question: str) -> Matched | None:
    """One indexed look-up. Where statements are sent together anyway, send `EXACT` with them instead."""
    async with rt.db.tenant_plain(principal) as sql:
        return exact(await sql.row(EXACT, **asked(bot_id, question)))


async def try_question(rt: Runtime, principal: Tenant, bot_id: UUID, body: PairMatchRequest) -> PairMatchRead:
    """Which pair a question would get, and how close the others are. The embedding goes on the bill."""
    principal.require(Scope.CHAT)
    async with rt.db.tenant(principal) as session:
        bot = await bots.load(session, principal, bot_id)
        index = BotIndex.of(bot)
        threshold = bot.qa_threshold if body.threshold is None else body.threshold
    matched = await find_exact(rt, principal, bot_id, body.query)
    retrieval = await retrieve(rt, principal, index, body.query)
    async with rt.db.tenant(principal) as session:
        if retrieval.embedded:
            usage.record_embedding(session, principal.tenant_id, bot_id, retrieval.embedded)
        if retrieval.failure:
            usage.record_failed_embedding(session, principal.tenant_id, bot_id, retrieval.failure, rt.embedder.name)
    matched = matched or by_meaning(body.query, retrieval.pairs, index, threshold)
    others = [pair for pair in retrieval.pairs if matched is None or pair.chunk_id != matched.chunk_id]
    candidates = [_candidate(pair, _held(body.query, pair.question, index)) for pair in others]
    if matched:
        first = {name: getattr(matched, name) for name in ("source_id", "question", "answer", "score")}
        candidates = [PairCandidate(held="", **first), *candidates][:5]
    return PairMatchRead(
        matched=matched is not None,
        by=matched.by if matched else None,
        score=candidates[0].score if candidates else None,
        threshold=threshold,
        candidates=candidates,
    )


def _reaches(pair: Found, threshold: float) -> bool:
    return round(pair.vector_score or 0.0, 4) >= threshold


def _matched(row: Any, by: MatchedBy, score: float) -> Matched:
    begin = questions.answer_begins(row.question)
    answer, start = row.text[begin:], row.start + begin
    return Matched(row.chunk_id, row.document_id, row.source_id, row.question, answer, start, row.title, by, score)


def _candidate(pair: Found, held: Held) -> PairCandidate:
    return PairCandidate(
        source_id=pair.source_id,
        question=pair.question,
        answer=pair.text[questions.answer_begins(pair.question) :],
        score=round(pair.vector_score or 0.0, 4),
        held=held,
    )


def _held(question: str, known: str, index: BotIndex) -> Held:
    """Why these two must not be taken for the same, however alike their vectors are."""
    if is_english_only(index.embedder) and index.language != "en" and not _english(index, f"{question} {known}"):
        return "language"
    if set(_NUMBERS.findall(question)) != set(_NUMBERS.findall(known)):
        return "numbers"
    return ""


def _english(index: BotIndex, text: str) -> bool:
    """Whether the words say so; no word that tells is not enough."""
    words = set(_WORDS.findall(text.casefold()))
    return index.language == "auto" and guess_language(text) == "en" and not words.isdisjoint(STOP_WORDS["en"])
