"""Finds the passages that a question is about: vectors and words, fused.

Rules: the vector index returns ids only; text is read from rows under the tenant's policies, so a stale vector shows
nothing. Chunks that the index does not have yet are searched exactly, from their rows. No session is held while the
question is embedded.
Ranks are joined by reciprocal rank fusion (Cormack, Clarke and Buettcher 2009, k = 60).
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np

from chatbot_saas.adapters.embeddings import Embedded
from chatbot_saas.adapters.llm import ModelError
from chatbot_saas.adapters.vectors import IndexBehindError, IndexName, Match
from chatbot_saas.adapters.vectors.exact import exact_search
from chatbot_saas.core.errors import UnavailableError
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import Tenant, Visitor
from chatbot_saas.schemas.chat import SearchHit
from chatbot_saas.services.lexical import query_terms, search_query
from chatbot_saas.services.runtime import Runtime

log = get_logger(__name__)
FUSION_K = 60
CANDIDATES = 30
PAIRS = 5
EXACT_LIMIT = 5000
"""Rows that an exact search reads at most; above that an index that is behind answers with what it has."""
UNTRUSTED_VECTOR_WEIGHT = 0.4
"""For an English-only embedder in other languages: hit@5 fell to .27-.82 where words kept .96."""


@dataclass(frozen=True, slots=True)
class BotIndex:
    """What retrieval needs to know of a bot."""

    bot_id: UUID
    embedder: str
    dimension: int
    language: str


@dataclass(frozen=True, slots=True)
class Found:
    """A passage, with its scores. `start` and `pages` refer to the document and to the passage."""

    chunk_id: UUID
    document_id: UUID
    source_id: UUID
    title: str
    url: str
    text: str
    start: int
    page: int | None
    pages: list[list[int]]
    headings: list[str]
    tokens: int
    question: str
    """Of a question with its answer; else empty."""
    score: float
    vector_score: float | None
    lexical_score: float | None
    coverage: float

    def page_at(self, offset: int) -> int | None:
        """The page on which the character at `offset` of the passage stands."""
        page = self.page
        for number, begins in self.pages:
            if begins > offset:
                break
            page = number
        return page

    def hit(self) -> SearchHit:
        return SearchHit(**{name: getattr(self, name) for name in SearchHit.model_fields})


@dataclass(frozen=True, slots=True)
class Retrieval:
    passages: list[Found]
    embedded: Embedded | None
    """The call that embedded the question, to be put on the bill."""
    failure: ModelError | TimeoutError | None = None
    """Why the question could not be embedded, if that was tried."""
    pairs: list[Found] = field(default_factory=list[Found])
    """The questions with answers of their own that are closest by meaning, closest first, at most five."""


async def retrieve(
    rt: Runtime,
    principal: Tenant | Visitor,
    index: BotIndex,
    question: str,
    *,
    limit: int = 5,
    embed_seconds: float = 10.0,
) -> Retrieval:
    """The best passages, best first. Where the question cannot be embedded in time, words alone find them."""
    embedded, failure = await _embed(rt, index, question, embed_seconds)
    vector = embedded.vectors[0][0] if embedded else None
    found = await find(rt, principal, index, question, vector)
    pairs = [candidate for candidate in found if candidate.question and candidate.vector_score is not None]
    pairs.sort(key=lambda pair: -(pair.vector_score or 0.0))
    return Retrieval(found[:limit], embedded, failure, pairs[:PAIRS])


async def find(
    rt: Runtime, principal: Tenant | Visitor, index: BotIndex, question: str, vector: np.ndarray | None
) -> list[Found]:
    """The candidates for a question, best first. `vector`: the question's, of shape (dimension,), if there is one."""
    terms = query_terms(question, index.language)
    matches = await _index_matches(rt, index, vector) if vector is not None else []
    found, matches = await _read(rt, principal, index, terms, vector, matches)
    return _fuse(found, matches, 1.0 if _vectors_trusted(index) else UNTRUSTED_VECTOR_WEIGHT)


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


async def _index_matches(rt: Runtime, index: BotIndex, vector: np.ndarray) -> list[Match] | None:
    """None when the index cannot answer and the rows must."""
    if not index.embedder:
        return []
    try:
        return await rt.vectors.query(IndexName(index.bot_id, index.embedder, index.dimension), vector, CANDIDATES)
    except (IndexBehindError, UnavailableError) as error:
        log.warning("vector_index_unavailable", code=error.code, bot_id=str(index.bot_id))
        return None


_ROWS = """
    SELECT id, embedding FROM chunks
    WHERE bot_id = %(bot_id)s AND embedding IS NOT NULL AND (%(embedder)s = '' OR embedder = %(embedder)s)
    """
_ROWS_NOT_INDEXED = _ROWS + " AND NOT indexed"


async def _read(
    rt: Runtime,
    principal: Tenant | Visitor,
    index: BotIndex,
    terms: list[str],
    vector: np.ndarray | None,
    matches: list[Match] | None,
) -> tuple[list[Found], list[Match]]:
    """The candidates' rows, and the matches with those of the rows that the index does not have (all, if it is away).

    Mostly there are no such rows. So they and the candidates are asked for at once, and the candidates again if not.
    """
    async with rt.db.tenant_plain(principal) as sql:
        rows_query = f"{_ROWS if matches is None else _ROWS_NOT_INDEXED} LIMIT {EXACT_LIMIT}"
        rows = None
        if vector is not None:
            rows = await sql.run(rows_query, bot_id=index.bot_id, embedder=index.embedder)
        candidates = await sql.run(_CANDIDATES, **_asked(index, terms, matches or []))
        await sql.commit()
        more = _exact(vector, await rows.fetchall()) if vector is not None and rows else []
        if not more:
            return _found(await candidates.fetchall(), terms, matches or []), matches or []
    both = [*(matches or []), *more]
    both.sort(key=lambda match: -match.score)
    del both[CANDIDATES:]
    async with rt.db.tenant_plain(principal) as sql:
        return _found(await sql.rows(_CANDIDATES, **_asked(index, terms, both)), terms, both), both


def _exact(vector: np.ndarray, rows: list[Any]) -> list[Match]:
    fitting = [(row.id, row.embedding, len(vector)) for row in rows if len(row.embedding) % (4 * len(vector)) == 0]
    return exact_search(vector, fitting, CANDIDATES) if fitting else []


_CANDIDATES = """
    WITH lexical AS (
        SELECT id, ts_rank(search, CAST(%(query)s AS tsquery), 1) AS rank FROM chunks
        WHERE bot_id = %(bot_id)s AND search @@ CAST(%(query)s AS tsquery) ORDER BY rank DESC, id LIMIT %(limit)s
    )
    SELECT c.id AS chunk_id, c.document_id, c.source_id, d.title, d.url, c.text, c.start, c.page, c.pages, c.headings,
           c.tokens, c.question, lexical.rank AS lexical_score,
           (SELECT count(*) FROM unnest(CAST(%(terms)s AS text[])) t WHERE c.search @@ CAST(t AS tsquery)) AS matched
    FROM chunks c JOIN documents d ON d.id = c.document_id LEFT JOIN lexical ON lexical.id = c.id
    WHERE c.bot_id = %(bot_id)s AND (lexical.id IS NOT NULL OR c.id = ANY(%(ids)s))
    """

_COLUMNS = [name for name in Found.__slots__ if name not in ("score", "vector_score", "coverage")]


def _asked(index: BotIndex, terms: list[str], matches: list[Match]) -> dict[str, Any]:
    return {
        "query": search_query(terms),
        "bot_id": index.bot_id,
        "limit": CANDIDATES,
        "terms": [f"'{term}'" for term in terms],
        "ids": [match.chunk_id for match in matches],
    }


def _found(rows: list[Any], terms: list[str], matches: list[Match]) -> list[Found]:
    vector_scores = {match.chunk_id: match.score for match in matches}
    return [
        Found(
            **{name: getattr(row, name) for name in _COLUMNS},
            score=0.0,
            vector_score=vector_scores.get(row.chunk_id),
            coverage=row.matched / len(terms) if terms else 0.0,
        )
        for row in rows
    ]


def _fuse(found: list[Found], matches: list[Match], vector_weight: float) -> list[Found]:
    by_words = sorted(
        (f for f in found if f.lexical_score is not None), key=lambda f: (-f.coverage, -(f.lexical_score or 0))
    )
    word_ranks = {f.chunk_id: rank for rank, f in enumerate(by_words, start=1)}
    vector_ranks = {match.chunk_id: rank for rank, match in enumerate(matches, start=1)}

    def score(item: Found) -> float:
        fused = 0.0
        if rank := vector_ranks.get(item.chunk_id):
            fused += vector_weight / (FUSION_K + rank)
        if rank := word_ranks.get(item.chunk_id):
            fused += 1.0 / (FUSION_K + rank)
        return fused

    scored = [
        Found(**{name: getattr(f, name) for name in Found.__slots__ if name != "score"}, score=score(f)) for f in found
    ]
    return sorted(scored, key=lambda f: (-f.score, f.chunk_id))


def is_english_only(embedder: str) -> bool:
    return embedder.startswith("minilm")


def _vectors_trusted(index: BotIndex) -> bool:
    return not is_english_only(index.embedder) or index.language in ("auto", "en")
