"""The passages of a conversation's files: embedded once, and found beside the bot's own for every question in it.

They are in no index: of the few that there are, words are compared as the bot's are, and vectors exactly. A small file
is given as a whole, since what is asked of it is seldom asked in its words.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.jobs import INGEST
from chatbot_saas.adapters.llm import ModelError
from chatbot_saas.adapters.vectors.exact import pack
from chatbot_saas.core.tenancy import Tenant, Visitor, tenant_for_job
from chatbot_saas.models import Attachment, AttachmentChunk
from chatbot_saas.services import candidates, fusion, runs, usage
from chatbot_saas.services.candidates import BotIndex, Candidates, Found
from chatbot_saas.services.lexical import Term
from chatbot_saas.services.runtime import Runtime

EMBED_ATTACHMENT = "embed_attachment"
MOST_ROWS = 5000
"""Passages of a conversation that are compared; ten files of the longest have as many."""
_FILES = """
    SELECT DISTINCT ON (sha256) id, tokens FROM attachments
    WHERE conversation_id = %(conversation_id)s AND message_id IS NOT NULL
    ORDER BY sha256, id DESC
    """
"""What was given again is one file."""
_VECTORS = """
    SELECT id, attachment_id, CASE WHEN embedder = %(embedder)s THEN embedding END AS embedding FROM attachment_chunks
    WHERE attachment_id = ANY(%(files)s) LIMIT %(limit)s
    """
_CANDIDATES = candidates.STATEMENT.format(
    chunks="attachment_chunks",
    mine="attachment_id = ANY(%(files)s)",
    size="SELECT count(*) FROM attachment_chunks WHERE attachment_id = ANY(%(files)s)",
    columns="c.attachment_id AS document_id, c.attachment_id AS source_id, d.name AS title, '' AS url, '' AS question",
    documents="attachments d ON d.id = c.attachment_id",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose files are asked about too."""

    conversation_id: UUID
    sent: tuple[UUID, ...]
    """Those that were sent with the question."""
    whole_tokens: int
    """Files up to this length together are given as a whole."""


@dataclass(frozen=True, slots=True)
class Read:
    candidates: Candidates
    whole: frozenset[UUID] = frozenset()
    """Files of which every passage is a candidate, to be given as one."""


async def read(
    rt: Runtime,
    principal: Tenant | Visitor,
    index: BotIndex,
    wanted: Wanted,
    terms: list[Term],
    vector: np.ndarray | None,
) -> Read:
    """The candidates among the passages of the conversation's files."""
    async with rt.db.tenant_plain(principal) as sql:
        files = await sql.rows(_FILES, conversation_id=wanted.conversation_id)
        if not files:
            return Read(Candidates(terms, 0))
        ids = [file.id for file in files]
        rows = await sql.rows(_VECTORS, files=ids, embedder=index.embedder or rt.embedder.name, limit=MOST_ROWS)
        matches = candidates.exact(vector, [row for row in rows if row.embedding]) if vector is not None else []
        whole = _whole(files, wanted)
        asked = candidates.asked(rt, index, terms, matches)
        asked["ids"] += [row.id for row in rows if row.attachment_id in whole]
        found = await sql.rows(_CANDIDATES, files=ids, **asked)
    return Read(candidates.of_rows(found, terms, matches, vector, attachment=True), whole)


def grouped(
    few: Sequence[Found], files: Sequence[Found], whole: Collection[UUID], sent: Collection[UUID]
) -> list[list[Found]]:
    """The passages in groups to be joined, best first: the `few` that were chosen, with what the files are owed.

    `files`: every candidate of theirs, best first. A whole file is one group. Of those that are too long for that, some
    passages are among the few, however much the bot knows of the matter. What was `sent` with the question goes before
    all else: that is what it is about.
    """
    chosen = {found.chunk_id for found in few}
    parts = [found for found in files if found.document_id not in whole]
    owed = [found for found in parts[: (len(few) + 1) // 2] if found.chunk_id not in chosen]
    own = [found.chunk_id for found in few if not found.attachment]
    given_up = set(own[-len(owed) :]) if owed else set[UUID]()
    kept = [found for found in few if found.chunk_id not in given_up] + owed
    places = {found.chunk_id: float(place) for place, found in enumerate(kept)}
    placed = [(min(places[found.chunk_id] for found in group), group) for group in fusion.neighbours(kept)]
    for file in whole:
        if passages := sorted((f for f in files if f.document_id == file), key=lambda found: found.start):
            best = max(found.score for found in passages)
            placed.append((sum(found.score > best for found in kept) - 0.5, passages))
    placed.sort(key=lambda one: (one[1][0].document_id not in sent, one[0]))
    return [group for _, group in placed]


def _whole(files: Sequence[Any], wanted: Wanted) -> frozenset[UUID]:
    """As many as fit, first those of the question, then the latest."""
    left = wanted.whole_tokens
    whole: set[UUID] = set()
    for file in sorted(files, key=lambda file: (file.id in wanted.sent, file.id), reverse=True):
        if file.tokens <= left:
            left -= file.tokens
            whole.add(file.id)
    return frozenset(whole)


async def enqueue_embedding(session: AsyncSession, rt: Runtime, file: Attachment) -> None:
    await rt.jobs.defer(
        session,
        EMBED_ATTACHMENT,
        INGEST,
        lock=f"attachment:{file.id}",
        tenant_id=file.tenant_id,
        attachment_id=file.id,
    )


async def embed(rt: Runtime, tenant_id: UUID, attachment_id: UUID) -> None:
    """The job: embed what has no vector yet, a batch at a time, each stored with its usage in one transaction.

    Until it is through, words find the rest.
    """
    principal = tenant_for_job(tenant_id)
    waiting = (
        select(col(AttachmentChunk.id), col(AttachmentChunk.bot_id), col(AttachmentChunk.text))
        .where(col(AttachmentChunk.attachment_id) == attachment_id, col(AttachmentChunk.embedding).is_(None))
        .order_by(col(AttachmentChunk.ordinal))
        .limit(rt.embedder.batch_size)
    )
    while True:
        async with rt.db.tenant(principal) as session:
            if not await runs.is_active(session, tenant_id):
                return
            rows = (await session.execute(waiting)).all()
        if not rows:
            return
        bot_id = rows[0].bot_id
        try:
            embedded = await rt.embedder.embed_documents([row.text for row in rows])
        except ModelError as error:
            async with rt.db.tenant(principal) as session:
                usage.record_failed_embedding(session, tenant_id, bot_id, error, rt.embedder.name)
            raise
        async with rt.db.tenant(principal) as session:
            usage.record_embedding(session, tenant_id, bot_id, embedded)
            for row, vectors in zip(rows, embedded.vectors, strict=True):
                stored = {"embedding": pack(vectors), "embedder": rt.embedder.name}
                await session.execute(update(AttachmentChunk).where(col(AttachmentChunk.id) == row.id).values(stored))
