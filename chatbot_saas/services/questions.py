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
LONGEST_KEY = 500
_PAIRS = TypeAdapter(list[QuestionPair])
_APOSTROPHES = dict.fromkeys(map(ord, "'’‘ʼ`´′＇"))
_TELLING = frozenset("#%&@")  # C# is not C


def folded(question: str) -> str:
    """What makes two questions the same: letters, digits and signs such as € and +, whatever case and punctuation.

    Vowel signs count: without them different words of Hindi or Thai would be the same.
    """
    text = unicodedata.normalize("NFKC", question.translate(_APOSTROPHES))
    kept: list[str] = []
    for character in unicodedata.normalize("NFKC", text.casefold()):
        category = unicodedata.category(character)
        if category == "Cf":  # soft hyphens and joiners are not seen
            continue
        mark = category[0] == "M" and bool(kept) and kept[-1] != " "
        telling = mark or character.isalnum() or category in ("Sc", "Sm") or character in _TELLING
        kept.append(character if telling and not "\ufe00" <= character <= "\ufe0f" else " ")
    return " ".join("".join(kept).split())


def key(question: str) -> str:
    """`folded`, as it is stored and indexed."""
    return folded(question)[:LONGEST_KEY]


def dump(pairs: list[QuestionPair]) -> bytes:
    """As they are stored."""
    return _PAIRS.dump_json(pairs)


def load(data: bytes) -> list[QuestionPair]:
    return _PAIRS.validate_json(data)


_GAP = "\n\n"
"""A paragraph each: whoever quotes the answer does not take the question for its first words."""


def passage(question: str, answer: str) -> str:
    """The text of a pair's passage."""
    return f"{question}{_GAP}{answer}"


def answer_begins(question: str) -> int:
    """Where in its passage the answer to this question begins; of other passages (no question) the beginning."""
    return len(question) + len(_GAP) if question else 0


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
    parts: list[str] = []
    start = 0
    for pair in load(Path(path).read_bytes()):
        text = passage(pair.question, pair.answer)
        drafts.append(ChunkDraft(len(drafts), start, start + len(text), text, count(text), None, ()))
        asked.append({"question": pair.question, "question_key": key(pair.question)})
        parts.append(text)
        start += len(text) + len(_GAP)
    search = [search_vector(draft.text, language) for draft in drafts]
    return Prepared(_GAP.join(parts), "", MEDIA_TYPE, [], drafts, search, asked)
