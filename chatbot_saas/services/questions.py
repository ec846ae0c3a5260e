"""Questions with answers of their own, which take the model's place when a visitor asks one of them."""

import unicodedata
from pathlib import Path

from pydantic import TypeAdapter

from chatbot_saas.adapters.tokens import token_counter
from chatbot_saas.schemas.sources import QuestionPair
from chatbot_saas.services.chunking import ChunkDraft
from chatbot_saas.services.lexical import search_vector
from chatbot_saas.services.preparing import Prepared
from chatbot_saas.services.runtime import Runtime

MEDIA_TYPE = "application/json"
_PAIRS = TypeAdapter(list[QuestionPair])


def key(question: str) -> str:
    """What makes two questions the same: their letters and digits, whatever their case, marks and spaces."""
    folded = unicodedata.normalize("NFKC", question).casefold()
    return " ".join("".join(c if c.isalnum() else " " for c in folded).split())[:500]


def dump(pairs: list[QuestionPair]) -> bytes:
    """As they are stored."""
    return _PAIRS.dump_json(pairs)


def load(data: bytes) -> list[QuestionPair]:
    return _PAIRS.validate_json(data)


async def prepare(rt: Runtime, blob_key: str, language: str) -> Prepared:
    """A passage for each pair; CPU work, in a worker process."""
    async with rt.blobs.local_copy(blob_key) as path:
        prepared: Prepared = await rt.processes.run(
            "chatbot_saas.services.questions:prepare_file",
            str(path),
            str(rt.settings.models_dir),
            language,
            timeout=120,
        )
    return prepared


def prepare_file(path: str, models_dir: str, language: str) -> Prepared:
    count = token_counter(Path(models_dir)).count
    drafts: list[ChunkDraft] = []
    asked: list[dict[str, str]] = []
    text = ""
    for pair in load(Path(path).read_bytes()):
        passage = f"{pair.question}\n{pair.answer}"
        text += "\n\n" if text else ""
        start = len(text)
        text += passage
        drafts.append(ChunkDraft(len(drafts), start, len(text), passage, count(passage), None, ()))
        asked.append({"question": pair.question, "question_key": key(pair.question)})
    search = [search_vector(draft.text, language) for draft in drafts]
    return Prepared(text, "", MEDIA_TYPE, [], drafts, search, asked)
