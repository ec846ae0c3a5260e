"""What could be about a question: the rows that the vector index and the words name, read in one round trip.

The index returns ids only; text is read from rows under the tenant's policies, so a stale vector shows nothing. Chunks
that the index does not have yet are searched exactly, from their rows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

import numpy as np

from chatbot_saas.adapters.vectors import IndexBehindError, IndexName, Match
from chatbot_saas.adapters.vectors.exact import exact_search
from chatbot_saas.core.errors import UnavailableError
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import Tenant, Visitor
from chatbot_saas.schemas.chat import SearchHit
from chatbot_saas.services.lexical import Term
from chatbot_saas.services.runtime import Runtime

log = get_logger(__name__)
CANDIDATES = 30
FEW = 30
EXACT_LIMIT = 5000
"""Rows that an exact search reads at most; above that an index that is behind answers with what it has."""


@dataclass(frozen=True, slots=True)
class BotIndex:
    """What retrieval needs to know of a bot."""

    bot_id: UUID
    embedder: str
    dimension: int
    language: str
    vector_weight: float | None = None
    """How far vectors count beside words, 0 to 1; None: by how well the embedder knows the question's language."""
    rerank: bool = False

    @property
    def spoken(self) -> str:
        """The language of a question that does not tell its own."""
        return self.language if self.language != "auto" else "en"

    @classmethod
    def of(cls, bot: Any) -> Self:
        """Of anything with the columns of `bots`."""
        return cls(bot.id, bot.embedder, bot.dimension, bot.language, bot.vector_weight, bot.rerank)


@dataclass(frozen=True, slots=True)
class Part:
    """A chunk of a passage: text[begin:end] of the passage is the chunk's text from `skip` on."""

    chunk_id: UUID
    begin: int
    end: int
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A passage, with its scores. `start`, `end` refer to the document, `pages` to the passage.

    The text is exactly the document's between `start` and `end`. Ids and ranks are those of its best chunk.
    """

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
    """Fused; higher is better, comparable within one answer only."""
    vector_score: float | None
    lexical_score: float | None
    coverage: float
    """Share of what the question asks for that the passage holds, rare words weighing more."""
    end: int = 0
    ordinal: int = 0
    vector_rank: int | None = None
    lexical_rank: int | None = None
    rerank_score: float | None = None
    parts: tuple[Part, ...] = ()
    matched: tuple[float, ...] = ()
    """How well each term of the question is held, 0 to 1."""
    attachment: bool = False
    """Of a file that the visitor gave; `document_id` and `source_id` are then the attachment's."""

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
class Candidate:
    """A chunk's row with what is known of it before ranking."""

    row: Any
    similarity: float | None
    """Cosine; None without a vector of the question or of the chunk."""
    exact: Sequence[float]
    """By term: how often the chunk holds it (about)."""
    part: Sequence[bool]
    sound: Sequence[bool]
    attachment: bool = False


@dataclass(frozen=True, slots=True)
class Candidates:
    terms: list[Term]
    chunks: int
    """Of the bot, about."""
    exact: list[int] = field(default_factory=list[int])
    """By term: chunks that hold the word itself."""
    any: list[int] = field(default_factory=list[int])
    """By term: chunks that hold it in any of its ways."""
    items: list[Candidate] = field(default_factory=list[Candidate])

    def rarity(self, holders: int, smoothing: int = 0) -> float:
        """The inverse document frequency of BM25, among `smoothing` more chunks than there are.

        Of few chunks it would say that a word in one of them is common.
        """
        chunks = max(self.chunks, holders, FEW) + smoothing
        return math.log(1 + (chunks - holders + 0.5) / (holders + 0.5))

    @property
    def attachments(self) -> bool:
        """Whether some are of visitors' files."""
        return any(item.attachment for item in self.items)

    def joined(self, other: Self) -> Self:
        """These and others that were read for the same terms, to be ranked together."""
        if not (self.items and other.items):
            return self if self.items else other
        exact, held = (
            [sum(pair) for pair in zip(*counts, strict=True)]
            for counts in ((self.exact, other.exact), (self.any, other.any))
        )
        return type(self)(self.terms, self.chunks + other.chunks, exact, held, [*self.items, *other.items])


async def index_matches(rt: Runtime, index: BotIndex, vector: np.ndarray) -> list[Match] | None:
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

# `setweight` (all have that weight) and `|| ''` unpack a stored vector once; else each comparison would unpack it.
# Unpacking is most of the time, so the question as a whole is not compared first, and the terms are compared while a
# chunk is unpacked: kept for later, the vectors would go to disk. Words that many chunks hold weigh little, which is
# known only when all that hold any were seen: that is one pass over them, here. Logarithms are taken once a term, and
# not of numerics.
# ts_rank takes no account of phrases within alternatives (`ex2040 | ex <-> 2040`), so each term is matched before its
# rank is read.
STATEMENT = """
    WITH terms AS MATERIALIZED (
        SELECT CAST(exact AS tsquery) AS exact, CAST(way AS tsquery) AS way, CAST(part AS tsquery) AS part,
               CAST(sound AS tsquery) AS sound, part <> '' AS has_part, sound <> '' AS has_sound, weight, place
        FROM unnest(CAST(%(exact)s AS text[]), CAST(%(any)s AS text[]), CAST(%(part)s AS text[]),
                    CAST(%(sound)s AS text[]), CAST(%(weights)s AS float8[]))
             WITH ORDINALITY AS t(exact, way, part, sound, weight, place)
    ), matched AS MATERIALIZED (
        SELECT held.id, term.place, term.exact
        FROM (SELECT id, setweight(search, 'D') AS search FROM {chunks}
              WHERE {mine} AND EXISTS (SELECT FROM terms) OFFSET 0) held,
             LATERAL (SELECT place, held.search @@ terms.exact AS exact FROM terms
                      WHERE held.search @@ terms.way OFFSET 0) term
    ), counted AS MATERIALIZED (
        SELECT place, count(*) AS holders, count(*) FILTER (WHERE exact) AS exactly FROM matched GROUP BY place
    ), size AS MATERIALIZED (
        SELECT greatest(1, ({size}),
                        (SELECT max(holders) FROM counted)) AS chunks
    ), weighed AS MATERIALIZED (
        SELECT place, weight * ln(1 + CAST(chunks - exactly + 0.5 AS float8) / (exactly + 0.5)) AS whole,
               0.5 * weight * ln(1 + CAST(chunks - holders + 0.5 AS float8) / (holders + 0.5)) AS part
        FROM counted JOIN terms USING (place), size
    ), best AS MATERIALIZED (
        SELECT matched.id, sum(CASE WHEN exact THEN whole ELSE part END) AS rank
        FROM matched JOIN weighed USING (place)
        GROUP BY matched.id ORDER BY rank DESC, matched.id LIMIT %(limit)s
    ), counts AS MATERIALIZED (
        SELECT array_agg(coalesce(exactly, 0) ORDER BY place) AS exactly,
               array_agg(coalesce(holders, 0) ORDER BY place) AS holders
        FROM terms LEFT JOIN counted USING (place)
    )
    SELECT c.id AS chunk_id, {columns}, c.text, c.start, c.page, c.pages, c.headings,
           c.tokens, c.end, c.ordinal, size.chunks,
           counts.exactly, counts.holders,
           ARRAY(SELECT CASE WHEN u.search @@ t.exact THEN ts_rank(u.search, t.exact) ELSE 0 END
                 FROM terms t ORDER BY place) AS exact,
           ARRAY(SELECT t.has_part AND u.search @@ t.part FROM terms t ORDER BY place) AS part,
           ARRAY(SELECT t.has_sound AND u.search @@ t.sound FROM terms t ORDER BY place) AS sound,
           CASE WHEN c.embedder = %(embedder)s AND NOT c.id = ANY(%(ids)s) THEN c.embedding END AS embedding
    FROM {chunks} c JOIN {documents}, size, counts,
         LATERAL (SELECT c.search || '' AS search OFFSET 0) u
    WHERE c.{mine} AND (c.id IN (SELECT id FROM best) OR c.id = ANY(%(ids)s))
    """
"""Of whose chunks stands in its braces; see `asked` for its values."""
_CANDIDATES = STATEMENT.format(
    chunks="chunks",
    mine="bot_id = %(bot_id)s",
    size="SELECT sum(chunks) FROM sources WHERE bot_id = %(bot_id)s",
    columns="c.document_id, c.source_id, d.title, d.url, c.question",
    documents="documents d ON d.id = c.document_id",
)


async def read(
    rt: Runtime,
    principal: Tenant | Visitor,
    index: BotIndex,
    terms: list[Term],
    vector: np.ndarray | None,
    matches: list[Match] | None,
) -> Candidates:
    """The candidates' rows, with those that the index does not have (all, if `matches` is None: it is away).

    Mostly there are no such rows. So they and the candidates are asked for at once, and the candidates again if not.
    """
    async with rt.db.tenant_plain(principal) as sql:
        rows_query = f"{_ROWS if matches is None else _ROWS_NOT_INDEXED} LIMIT {EXACT_LIMIT}"
        rows = None
        if vector is not None:
            rows = await sql.run(rows_query, bot_id=index.bot_id, embedder=index.embedder)
        candidates = await sql.run(_CANDIDATES, **asked(rt, index, terms, matches or []))
        await sql.commit()
        more = exact(vector, await rows.fetchall()) if vector is not None and rows else []
        if not more:
            return of_rows(await candidates.fetchall(), terms, matches or [], vector)
    both = [*(matches or []), *more]
    both.sort(key=lambda match: -match.score)
    del both[CANDIDATES:]
    async with rt.db.tenant_plain(principal) as sql:
        return of_rows(await sql.rows(_CANDIDATES, **asked(rt, index, terms, both)), terms, both, vector)


def exact(vector: np.ndarray, rows: list[Any]) -> list[Match]:
    """The nearest of rows with `id` and `embedding`."""
    fitting = [(row.id, row.embedding, len(vector)) for row in rows if len(row.embedding) % (4 * len(vector)) == 0]
    return exact_search(vector, fitting, CANDIDATES) if fitting else []


def asked(rt: Runtime, index: BotIndex, terms: list[Term], matches: list[Match]) -> dict[str, Any]:
    return {
        "bot_id": index.bot_id,
        "embedder": index.embedder or rt.embedder.name,
        "limit": CANDIDATES,
        "exact": [term.exact for term in terms],
        "any": [term.any for term in terms],
        "weights": [term.weight for term in terms],
        "part": [term.part for term in terms],
        "sound": [term.sound for term in terms],
        "ids": [match.chunk_id for match in matches],
    }


def of_rows(
    rows: list[Any],
    terms: list[Term],
    matches: list[Match],
    vector: np.ndarray | None,
    *,
    attachment: bool = False,
) -> Candidates:
    """What STATEMENT found."""
    if not rows:
        return Candidates(terms, 0)
    similar = {match.chunk_id: match.score for match in matches}
    if vector is not None:
        packed = [
            (row.chunk_id, row.embedding, len(vector))
            for row in rows
            if row.embedding and len(row.embedding) % (4 * len(vector)) == 0
        ]
        similar.update({match.chunk_id: match.score for match in exact_search(vector, packed, len(packed))})
    items = [
        Candidate(
            row,
            similar.get(row.chunk_id),
            [_frequency(term, rank) for term, rank in zip(terms, row.exact or (), strict=True)],
            row.part,
            row.sound,
            attachment,
        )
        for row in rows
    ]
    # a question of signs only has no terms, and so no counts of them
    return Candidates(terms, int(rows[0].chunks), list(rows[0].exactly or ()), list(rows[0].holders or ()), items)


_ONE, _EVER = 0.1 / 1.64493406685, 0.1  # what ts_rank says of a word that occurs once, and of one that fills the text


def _frequency(term: Term, rank: float) -> float:
    """How often a word occurs, read back from ts_rank, which adds 1 + 1/4 + 1/9 and so on for its occurrences."""
    if rank <= 0:
        return 0.0
    if "|" in term.exact or "<->" in term.exact or rank < _ONE * 1.01:
        return 1.0
    return min(50.0, 1 / (1.64493406685 * (1.0001 - rank / _EVER)) - 0.53)
