"""Finds the passages that a question is about, by words and by meaning.

No session is held while the question is embedded. services.candidates reads, services.fusion ranks.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import numpy as np

from chatbot_saas.adapters import languages
from chatbot_saas.adapters.embeddings import Embedded
from chatbot_saas.adapters.llm import ModelError
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import Tenant, Visitor
from chatbot_saas.services import answerability, attachment_passages, candidates, fusion
from chatbot_saas.services.attachment_passages import Wanted
from chatbot_saas.services.candidates import BotIndex, Candidates, Found, Part
from chatbot_saas.services.fusion import is_english_only
from chatbot_saas.services.lexical import question_terms
from chatbot_saas.services.runtime import Runtime

__all__ = ["BotIndex", "Found", "Part", "Retrieval", "find", "is_english_only", "retrieve"]

log = get_logger(__name__)
PAIRS = 5
RERANKED = 20
"""Passages that a reranker is shown."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    passages: list[Found]
    embedded: Embedded | None
    """The call that embedded the question, to be put on the bill."""
    failure: ModelError | TimeoutError | None = None
    """Why the question could not be embedded, if that was tried."""
    pairs: list[Found] = field(default_factory=list[Found])
    """The questions with answers of their own that are closest by meaning, closest first, at most five."""
    answerability: float = 0.0
    """How likely the passages hold the answer, 0 to 1: see services.answerability."""
    language: str = "en"
    """Of the question, as far as that can be told."""
    read: Candidates = field(default_factory=lambda: Candidates([], 0))
    """What was ranked."""
    whole: frozenset[UUID] = frozenset()
    """The visitor's files that are passages as a whole, whatever the question."""
    behind: list[Found] = field(default_factory=list[Found])
    """What came after the passages, each chunk by itself; only if that was asked for."""


async def retrieve(
    rt: Runtime,
    principal: Tenant | Visitor,
    index: BotIndex,
    question: str,
    *,
    limit: int = 5,
    embed_seconds: float = 10.0,
    wanted: Wanted | None = None,
    behind: int = 0,
) -> Retrieval:
    """The best passages, best first. Where the question cannot be embedded in time, words alone find them.

    `wanted`: of the conversation whose files are looked through, too. `behind`: how many further chunks are told of;
    the passages are the same without them.
    """
    (embedded, failure), language = await asyncio.gather(
        _embed(rt, index, question, embed_seconds), spoken(question, index.spoken)
    )
    vector = embedded.vectors[0][0] if embedded else None
    read, ranked, whole = await _ranked(rt, principal, index, question, vector, language, wanted)
    pairs = [one for one in ranked if one.item.row.question and one.item.similarity is not None]
    pairs.sort(key=lambda pair: -(pair.item.similarity or 0.0))
    most = max(limit, RERANKED) if _reranks(rt, index) else limit
    few = fusion.distinct((one.passage() for one in ranked if one.item.row.document_id not in whole), most + behind)
    if _reranks(rt, index):
        few[:most] = await _reranked(rt, question, few[:most])
    few, rest = few[:limit], few[limit:]
    groups = fusion.neighbours(few)
    if wanted and read.attachments:
        files = [one.passage() for one in ranked if one.item.attachment]
        groups = attachment_passages.grouped(few, files, whole, wanted.sent)
    passages = await _joined(rt, principal, groups)
    likely = answerability.probability(question, read, passages, index, language)
    told = [pair.passage() for pair in pairs[:PAIRS]]
    return Retrieval(passages, embedded, failure, told, likely, language, read, whole, rest[:behind])


async def find(
    rt: Runtime, principal: Tenant | Visitor, index: BotIndex, question: str, vector: np.ndarray | None
) -> list[Found]:
    """The candidates for a question, best first, one for each chunk. `vector`: its own, of shape (dimension,)."""
    language = await spoken(question, index.spoken)
    return [one.passage() for one in (await _ranked(rt, principal, index, question, vector, language))[1]]


async def _ranked(
    rt: Runtime,
    principal: Tenant | Visitor,
    index: BotIndex,
    question: str,
    vector: np.ndarray | None,
    language: str,
    wanted: Wanted | None = None,
) -> tuple[Candidates, list[fusion.Ranked], frozenset[UUID]]:
    terms = question_terms(question, index.language, language)
    matches = await candidates.index_matches(rt, index, vector) if vector is not None else []
    read, whole = await candidates.read(rt, principal, index, terms, vector, matches), frozenset[UUID]()
    if wanted:
        files = await attachment_passages.read(rt, principal, index, wanted, terms, vector)
        read, whole = read.joined(files.candidates), files.whole
    return read, fusion.rank(read, fusion.vector_weight(index, language)), whole


async def spoken(text: str, default: str = "en") -> str:
    """The text's language, two letters. In a thread: the first to ask waits a second for the library's model."""
    if languages.ready():
        return languages.detect(text, default)
    return await asyncio.to_thread(languages.detect, text, default)


async def _embed(
    rt: Runtime, index: BotIndex, question: str, seconds: float
) -> tuple[Embedded | None, ModelError | TimeoutError | None]:
    """The question's vector by the embedder of the bot's index; without it, words must do."""
    if index.embedder not in ("", rt.embedder.name):
        return None, None  # the index is being rebuilt for another embedder
    try:
        async with asyncio.timeout(seconds):
            return await rt.embedder.embed_query(question), None
    except (ModelError, TimeoutError) as error:
        log.warning("query_embedding_failed", error=str(error), bot_id=str(index.bot_id))
        return None, error


def _reranks(rt: Runtime, index: BotIndex) -> bool:
    return index.rerank and rt.reranker.ranks


async def _reranked(rt: Runtime, question: str, found: list[Found]) -> list[Found]:
    """In the reranker's order; in the one they have, where it does not answer."""
    scores = await rt.reranker.rerank(question, [passage.text for passage in found])
    if not scores:
        return found
    scored = [replace(passage, rerank_score=score) for passage, score in zip(found, scores, strict=True)]
    return sorted(scored, key=lambda passage: -(passage.rerank_score or 0.0))


_BETWEEN = """
    SELECT substr(text, %(start)s + 1, %(length)s) AS text FROM documents WHERE id = %(document_id)s
    UNION ALL
    SELECT substr(text, %(start)s + 1, %(length)s) FROM attachments WHERE id = %(document_id)s
    """


async def _joined(rt: Runtime, principal: Tenant | Visitor, groups: Sequence[Sequence[Found]]) -> list[Found]:
    """Neighbours as one passage. What stands between them (white space) is read where it is not in one of them."""
    between: list[dict[tuple[int, int], str]] = [{} for _ in groups]
    missing = [(place, gap) for place, group in enumerate(groups) for gap in fusion.gaps(group)]
    if missing:
        async with rt.db.tenant_plain(principal) as sql:
            cursors = [
                await sql.run(_BETWEEN, document_id=groups[place][0].document_id, start=gap[0], length=gap[1] - gap[0])
                for place, gap in missing
            ]
            await sql.commit()
            for (place, gap), cursor in zip(missing, cursors, strict=True):
                row = await cursor.fetchone()
                between[place][gap] = row.text if row else ""
    return [fusion.joined(group, texts) for group, texts in zip(groups, between, strict=True)]
