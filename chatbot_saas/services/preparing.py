"""From a document to chunks ready to store: CPU work, run in a worker process."""

from dataclasses import dataclass, field
from pathlib import Path

from chatbot_saas.adapters.extraction import Extracted
from chatbot_saas.adapters.tokens import token_counter
from chatbot_saas.services.chunking import ChunkDraft, chunk_text
from chatbot_saas.services.lexical import search_vector


@dataclass(frozen=True, slots=True)
class Prepared:
    text: str
    title: str
    media_type: str
    pages: list[list[int]]
    chunks: list[ChunkDraft]
    search: list[str]
    """A tsvector literal for each chunk."""
    questions: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """Of questions with answers: the columns `question` and `question_key` of each chunk."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How a bot's documents are cut and searched; another one needs every source read again."""

    language: str
    tokens: int
    """Of a passage, about."""


def chunk(extracted: Extracted, models_dir: str, cut: Cut) -> Prepared:
    """Chunks with their search tokens; title and headings count as words of a chunk too."""
    sizes = {"target": cut.tokens, "minimum": cut.tokens * 5 // 8, "maximum": cut.tokens * 5 // 4}
    drafts = chunk_text(extracted, token_counter(Path(models_dir)).count, overlap=cut.tokens // 8, **sizes)
    return Prepared(
        text=extracted.text,
        title=extracted.title,
        media_type=extracted.media_type,
        pages=[[mark.number, mark.start] for mark in extracted.pages],
        chunks=drafts,
        search=[
            search_vector(" ".join((extracted.title, *draft.headings, draft.text)), cut.language) for draft in drafts
        ],
    )
