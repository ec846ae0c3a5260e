"""Looks into a bot's search for its owner: what a question finds with which scores, and what it does not find and why.

The search is the one that answers use. What lies outside its candidates is measured exactly, from the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.llm import ModelError
from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.models import Chunk, Document, Source
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.schemas.inspection import (
    Condition,
    ExplainRequest,
    InspectedPassage,
    Inspection,
    KnowledgeChoice,
    PassageUse,
    Surroundings,
    Verdict,
)
from chatbot_saas.services import answerability, answering, bots, matching, usage, why_not
from chatbot_saas.services.bots import escape_like
from chatbot_saas.services.candidates import CANDIDATES
from chatbot_saas.services.courtesies import Kind, courtesy
from chatbot_saas.services.lexical import Term, tokens
from chatbot_saas.services.matching import Matched
from chatbot_saas.services.retrieval import BotIndex, Found, Retrieval, retrieve
from chatbot_saas.services.runtime import Runtime

CHOICES = 50
AROUND = 700
"""Characters of a document that are shown before and after a passage."""


@dataclass(frozen=True, slots=True)
class _Asked:
    question: str
    bot: BotRead
    index: BotIndex
    quotes: bool
    """The model of this bot only quotes."""


async def explain(rt: Runtime, principal: Tenant, bot_id: UUID, request: ExplainRequest) -> Inspection:
    """What the question finds; of a document or source, why not. The embedding goes on the bill."""
    principal.require(Scope.CHAT)
    if request.document_id or request.source_id:
        principal.require(Scope.SOURCES_READ)
    async with rt.db.tenant(principal) as session:
        row = await bots.load(session, principal, bot_id)
        index = BotIndex.of(row)
        asked = _Asked(request.query, BotRead.model_validate(row), index, rt.model.quotes and not row.model_key)
        wanted = await why_not.target(session, bot_id, request.document_id, request.source_id)
    pair = await matching.find_exact(rt, principal, bot_id, request.query)
    found = await retrieve(rt, principal, index, request.query, limit=asked.bot.passage_limit, behind=2 * CANDIDATES)
    pair = pair or matching.by_meaning(request.query, found.pairs, index, asked.bot.qa_threshold)
    async with rt.db.tenant(principal) as session:
        if found.embedded:
            usage.record_embedding(session, principal.tenant_id, bot_id, found.embedded)
        if found.failure:
            usage.record_failed_embedding(session, principal.tenant_id, bot_id, found.failure, rt.embedder.name)
    passages = _inspected(asked, found)
    reasons, words = None, _words(request.query, asked.bot.language, found.read.terms)
    if wanted:
        vector = found.embedded.vectors[0][0] if found.embedded else None
        reasons = await why_not.explain(rt, principal, index, wanted, found.read.terms, words, vector, passages)
    return Inspection(
        question=request.query,
        words=list(words.values()),
        passages=passages,
        candidates=CANDIDATES,
        limit=asked.bot.passage_limit,
        budget=asked.bot.passage_tokens,
        budget_used=sum(passage.tokens for passage in passages if passage.use == "prompt"),
        verdict=_verdict(asked, found, pair),
        embedding_problem=_problem(found, index, rt.embedder.name),
        why_not=reasons,
    )


def _words(question: str, language: str, terms: Sequence[Term]) -> dict[str, str]:
    """The words that a question is about as they were written, by the token of their term."""
    written = {token: word for word in reversed(question.split()) for token in tokens(word, language)}
    return {term.token: written.get(term.token, term.token).strip(".,;:!?\"'()¿¡。？！") for term in terms}


def _inspected(asked: _Asked, found: Retrieval) -> list[InspectedPassage]:
    """With their ranks, and what becomes of each: those that an answer is made from are joined as they are for one."""
    taken = found.passages
    prompt = {f.chunk_id for f in answering.within_budget(taken, asked.bot.passage_tokens)}

    def use(rank: int, passage: Found) -> PassageUse:
        if passage.chunk_id in prompt:
            return "prompt"
        return "budget" if rank <= len(taken) else "limit"

    return [
        InspectedPassage(
            **passage.hit().model_dump(exclude={"vector_rank", "lexical_rank"}),
            rank=rank,
            vector_rank=passage.vector_rank,
            lexical_rank=passage.lexical_rank,
            tokens=passage.tokens,
            use=use(rank, passage),
        )
        for rank, passage in enumerate([*taken, *found.behind], start=1)
    ]


def _verdict(asked: _Asked, found: Retrieval, pair: Matched | None) -> Verdict:
    """The decision that a turn would make, with what it rests on."""
    mode = asked.bot.answer_mode
    if pair:
        by = "the same words" if pair.by == "exact" else f"{pair.score:.0%} alike"
        return Verdict(decision="pair", reason=f"Your own answer to “{pair.question}” is given ({by}).", mode=mode)
    if said := courtesy(asked.question):
        return Verdict(decision="courtesy", reason=_COURTESIES[said.kind], mode=mode)
    passages = answering.within_budget(found.passages, asked.bot.passage_tokens)
    if not passages:
        return Verdict(decision="refuse", reason="No passage was found at all.", mode=mode)
    likely = found.answerability
    decision = answerability.decide(likely, mode, passages, quotes=asked.quotes)
    answer_from, clarify_from = answerability.thresholds(mode, quotes=asked.quotes)
    return Verdict(
        decision=decision,
        reason=_NO_CHOICE if decision == "refuse" and likely >= clarify_from else _REASONS[decision],
        mode=mode,
        conditions=[
            Condition(name="Likely enough to answer", value=likely, needed=answer_from),
            Condition(name="Likely enough to ask back", value=likely, needed=clarify_from),
        ],
    )


_COURTESIES: dict[Kind, str] = {
    "greeting": "It is only a greeting, which is returned with the welcome message.",
    "thanks": "It is only thanks, which are returned.",
    "farewell": "It is only a farewell, which is returned.",
}
_REASONS: dict[answerability.Decision, str] = {
    "answer": "The passages most likely hold the answer.",
    "clarify": "The question could mean several things, so the bot asks back with a choice of topics.",
    "refuse": "The passages hardly hold the answer, so the bot says that its sources do not hold it.",
}
_NO_CHOICE = (
    "The passages are not likely enough to hold the answer, and name no topics to choose from, so the bot declines."
)


def _problem(found: Retrieval, index: BotIndex, embedder: str) -> str:
    if found.failure:
        told = found.failure.message if isinstance(found.failure, ModelError) else "it took too long."
        return f"The question could not be embedded, so words alone were searched: {told}"
    if found.embedded is None and index.embedder not in ("", embedder):
        return "The index is being rebuilt for another embedding model; until then words alone are searched."
    return ""


async def choices(session: AsyncSession, principal: Tenant, bot_id: UUID, search: str = "") -> list[KnowledgeChoice]:
    """The bot's documents, and its sources that have none, by title; at most CHOICES."""
    principal.require(Scope.SOURCES_READ)
    await bots.load(session, principal, bot_id)
    title = func.coalesce(func.nullif(col(Document.title), ""), col(Source.title)).label("title")
    query = (
        select(col(Document.id), col(Source.id), title, col(Source.status))
        .join_from(Source, Document, col(Document.source_id) == col(Source.id), isouter=True)
        .where(col(Source.bot_id) == bot_id)
        .order_by(title, col(Source.id))
        .limit(CHOICES)
    )
    if search:
        pattern = f"%{escape_like(search)}%"
        query = query.where(title.ilike(pattern) | col(Document.url).ilike(pattern) | col(Source.url).ilike(pattern))
    return [
        KnowledgeChoice(document_id=document_id, source_id=source_id, title=name, status=status)
        for document_id, source_id, name, status in (await session.execute(query)).all()
    ]


async def surroundings(session: AsyncSession, principal: Tenant, chunk_id: UUID) -> Surroundings:
    """The passage with what stands around it in its document."""
    principal.require(Scope.SOURCES_READ)
    begin = func.greatest(col(Chunk.start) - AROUND, 0)
    query = (
        select(
            col(Chunk.bot_id),
            col(Chunk.source_id),
            col(Chunk.page),
            col(Chunk.text),
            col(Document.title),
            func.substr(col(Document.text), begin + 1, col(Chunk.start) - begin),
            func.substr(col(Document.text), col(Chunk.end) + 1, AROUND),
        )
        .join_from(Chunk, Document, col(Document.id) == col(Chunk.document_id))
        .where(col(Chunk.id) == chunk_id)
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError("There is no such passage any more.")
    bot_id, source_id, page, text, title, before, after = row
    principal.require_bot(bot_id)
    return Surroundings(title=title, source_id=source_id, page=page, before=before, text=text, after=after)
