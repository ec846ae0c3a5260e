"""Why a question does not find a document: its best passages, measured exactly, and what keeps each out, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.vectors.exact import exact_search, unpack
from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.core.tenancy import Tenant
from chatbot_saas.models import Document, Source
from chatbot_saas.schemas.inspection import InspectedPassage, WhyNot, WhyNotPassage
from chatbot_saas.schemas.sources import ACTIVE
from chatbot_saas.services.candidates import CANDIDATES, EXACT_LIMIT, BotIndex
from chatbot_saas.services.lexical import Term, search_query
from chatbot_saas.services.runtime import Runtime

SHOWN = 5
MOST_CHUNKS = 2000
"""Of a document, that are measured."""
SAME = 0.97
"""Cosine similarity from which on two passages say nearly the same."""


@dataclass(frozen=True, slots=True)
class Wanted:
    source_id: UUID
    document_id: UUID | None
    title: str
    status: str
    error: str


@dataclass(frozen=True, slots=True)
class _Measured:
    row: Any
    similarity: float | None
    vector_rank: int | None


async def target(
    session: AsyncSession, bot_id: UUID, document_id: UUID | None, source_id: UUID | None
) -> Wanted | None:
    """What is asked about. Raises NotFoundError where the bot has no such document or source."""
    if document_id is None and source_id is None:
        return None
    query = select(Source, col(Document.title)).join_from(
        Source, Document, col(Document.source_id) == col(Source.id), isouter=True
    )
    which = col(Document.id) == document_id if document_id else col(Source.id) == source_id
    found = (await session.execute(query.where(which, col(Source.bot_id) == bot_id).limit(1))).first()
    if found is None:
        raise NotFoundError("There is no such document.")
    source, title = found
    return Wanted(source.id, document_id, (title if document_id else "") or source.title, source.status, source.error)


_CHUNKS = """
    WITH matched AS (
        SELECT id, row_number() OVER (ORDER BY ts_rank(search, CAST(%(query)s AS tsquery), 1) DESC, id) AS place
        FROM chunks WHERE bot_id = %(bot_id)s AND search @@ CAST(%(query)s AS tsquery)
    )
    SELECT c.id, c.page, c.headings, c.text, c.embedding, c.embedder, c.indexed, matched.place,
           ARRAY(SELECT token FROM unnest(CAST(%(tokens)s AS text[]), CAST(%(ways)s AS text[])) AS t(token, way)
                 WHERE c.search @@ CAST(way AS tsquery)) AS shared
    FROM chunks c LEFT JOIN matched ON matched.id = c.id
    WHERE c.source_id = %(source_id)s AND c.bot_id = %(bot_id)s
      AND (CAST(%(document_id)s AS uuid) IS NULL OR c.document_id = %(document_id)s)
    ORDER BY matched.place NULLS LAST, c.ordinal LIMIT %(limit)s
    """
_VECTORS = """
    SELECT id, embedding FROM chunks WHERE bot_id = %(bot_id)s AND embedding IS NOT NULL AND embedder = %(embedder)s
    LIMIT %(limit)s
    """


async def explain(
    rt: Runtime,
    principal: Tenant,
    index: BotIndex,
    wanted: Wanted,
    terms: Sequence[Term],
    words: Mapping[str, str],
    vector: np.ndarray | None,
    found: Sequence[InspectedPassage],
) -> WhyNot:
    """`words`: the question's as they were written, by the token of their term; `vector`: its own, of shape
    (dimension,); `found`: all candidates.
    """
    async with rt.db.tenant_plain(principal) as sql:
        rows = await sql.rows(
            _CHUNKS,
            query=search_query(list(terms)),
            tokens=[term.token for term in terms],
            ways=[term.any for term in terms],
            bot_id=index.bot_id,
            source_id=wanted.source_id,
            document_id=wanted.document_id,
            limit=MOST_CHUNKS,
        )
        known: list[Any] = []
        if rows and vector is not None:
            known = await sql.rows(_VECTORS, bot_id=index.bot_id, embedder=rt.embedder.name, limit=EXACT_LIMIT + 1)
    measured = _measured(rows, known, vector)
    used = {p.chunk_id: p for p in found}
    vectors = {row.id: row.embedding for row in known}
    passages = [_passage(item, words, used, vectors, vector) for item in _best(measured)]
    return WhyNot(
        title=wanted.title,
        source_id=wanted.source_id,
        status=wanted.status,
        chunks=len(rows),
        verdict=_verdict(wanted, passages),
        passages=passages,
    )


def _measured(rows: Sequence[Any], known: Sequence[Any], vector: np.ndarray | None) -> list[_Measured]:
    """With exact similarities, and their places among all passages where these are few enough to be compared."""
    if vector is None:
        return [_Measured(row, None, None) for row in rows]
    ranks: dict[UUID, int] = {}
    if len(known) <= EXACT_LIMIT:
        ranks = {match.chunk_id: rank for rank, match in enumerate(_search(vector, known), start=1)}
    scores = {match.chunk_id: match.score for match in _search(vector, rows)}
    return [_Measured(row, scores.get(row.id), ranks.get(row.id)) for row in rows]


def _search(vector: np.ndarray, rows: Sequence[Any]) -> Any:
    size = len(vector)
    fitting = [(row.id, row.embedding, size) for row in rows if row.embedding and len(row.embedding) % (4 * size) == 0]
    return exact_search(vector, fitting, len(fitting))


def _best(measured: Sequence[_Measured]) -> list[_Measured]:
    """The closest by meaning and by words, taken in turn."""
    by_meaning = sorted(measured, key=lambda item: -(item.similarity if item.similarity is not None else -1.0))
    by_words = [item for item in measured if item.row.place is not None]
    chosen: dict[UUID, _Measured] = {}
    for place in range(SHOWN):
        for ranked in (by_meaning, by_words):
            if place < len(ranked) and len(chosen) < SHOWN:
                chosen.setdefault(ranked[place].row.id, ranked[place])
    return list(chosen.values())


def _passage(
    item: _Measured,
    words: Mapping[str, str],
    found: Mapping[UUID, InspectedPassage],
    vectors: Mapping[UUID, bytes],
    vector: np.ndarray | None,
) -> WhyNotPassage:
    row = item.row
    hit = found.get(row.id)
    used = hit is not None and hit.use == "prompt"
    shared = [words[term] for term in row.shared]
    reasons = _of_candidate(hit) if hit else [*_by_meaning(item, vector), *_by_words(item, shared, len(words))]
    if not used and (twin := _twin(row, found, vectors, vector)):
        reasons.insert(0, f"Nearly the same text is in a passage of “{twin.title}”, which is used.")
    return WhyNotPassage(
        chunk_id=row.id,
        page=row.page,
        headings=row.headings,
        text=row.text,
        similarity=item.similarity,
        vector_rank=item.vector_rank,
        lexical_rank=row.place,
        shared=shared,
        rank=hit.rank if hit else None,
        used=used,
        reasons=reasons,
    )


def _of_candidate(hit: InspectedPassage) -> list[str]:
    if hit.use == "prompt":
        return [f"It is used: place {hit.rank} of the passages that the answer is made from."]
    if hit.use == "budget":
        return [f"It is found (place {hit.rank}), but cut by the budget of tokens. Raise it under Settings."]
    return [f"It is found, but in place {hit.rank}, after the passages that an answer is made from."]


def _by_meaning(item: _Measured, vector: np.ndarray | None) -> list[str]:
    if item.row.embedding is None:
        return ["It is not embedded yet, so only its words can be found."]
    if vector is None:
        return ["The question could not be compared by meaning."]
    if item.similarity is None:
        return ["It was embedded by another model and waits to be embedded again."]
    words = [] if item.row.indexed else ["It is not in the search index yet; until then it is compared from its row."]
    if item.vector_rank is None:
        return [*words, f"By meaning it is not among the first {CANDIDATES}, and only these are looked at."]
    return [*words, f"By meaning it ranks {_ordinal(item.vector_rank)}; only the first {CANDIDATES} are looked at."]


def _by_words(item: _Measured, shared: Sequence[str], asked: int) -> list[str]:
    if not shared:
        return ["It shares no word with the question."]
    told = f"It shares {len(shared)} of {asked} words with the question ({', '.join(shared)})"
    if item.row.place is None:
        return [f"{told}."]
    return [f"{told} and ranks {_ordinal(item.row.place)} by words; only the first {CANDIDATES} are looked at."]


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _twin(
    row: Any, found: Mapping[UUID, InspectedPassage], vectors: Mapping[UUID, bytes], vector: np.ndarray | None
) -> InspectedPassage | None:
    """A passage that is used and says nearly the same."""
    for other in found.values():
        if other.use != "prompt" or other.chunk_id == row.id:
            continue
        if other.text.split() == row.text.split() or _alike(row.embedding, vectors.get(other.chunk_id), vector) >= SAME:
            return other
    return None


def _alike(first: bytes | None, second: bytes | None, vector: np.ndarray | None) -> float:
    """Of the passages' first windows; 0 where they cannot be compared."""
    if not first or not second or vector is None or (len(first) % (4 * len(vector))):
        return 0.0
    return float(unpack(first, len(vector))[0] @ unpack(second, len(vector))[0])


def _verdict(wanted: Wanted, passages: Sequence[WhyNotPassage]) -> str:
    """In one sentence, the first that holds."""
    if not passages:
        return _no_passages(wanted)
    if any(passage.used for passage in passages):
        return "It is found: the answer is made from it."
    if wanted.status in ACTIVE:
        return "Its source is still being read, so this may change."
    if any(passage.rank for passage in passages):
        return "It is found, but other passages come first."
    if not any(passage.shared for passage in passages):
        return "None of its best passages holds a word of the question, and by meaning others are closer."
    return "Other passages are closer to the question, by meaning and by words."


def _no_passages(wanted: Wanted) -> str:
    if wanted.status == "cancelled":
        return "Its source was cancelled, so nothing of it is known. Read it again under Knowledge."
    if wanted.status == "failed":
        return f"Its source could not be read: {wanted.error}"
    if wanted.status in ACTIVE:
        return "Its source is still being read. Try again when it is ready."
    return "It has no text that could be found."
