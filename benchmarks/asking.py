"""The corpora of benchmarks/quality, indexed and asked in the product's way: real Postgres, real Chroma.

By the offline embedder; a bot for each language and one that has read all three. Embeddings are kept in a temporary
folder between runs.
"""

import asyncio
import hashlib
import json
import secrets
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from chatbot_saas.adapters.embeddings import Embedded, Embedder, Vectors
from chatbot_saas.adapters.model_files import ensure_model_files
from chatbot_saas.adapters.postgres import EmbeddedPostgres
from chatbot_saas.core.settings import NEVER, Settings
from chatbot_saas.parts import open_runtime
from chatbot_saas.schemas.sources import TextSource
from chatbot_saas.services import bots, fusion, intake
from chatbot_saas.services.retrieval import BotIndex, Found, Retrieval, retrieve
from chatbot_saas.services.runtime import Runtime, set_runtime
from chatbot_saas.worker.process import queues_of_web, work
from tests.conftest import SECRET_KEY, new_database
from tests.factories.knowledge import make_bot, settled
from tests.factories.people import Person, sign_up

QUALITY = Path(__file__).parent / "quality"
LANGUAGES = ("en", "de", "zh")
BOTS = {**{language: (language,) for language in LANGUAGES}, "all": LANGUAGES}
PASSAGES = 6
"""That an answer is given: what `bots.passage_limit` is when nobody changes it."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    language: str
    question: dict[str, Any]
    got: Retrieval
    ranked: list[Found]
    """The candidates, best first."""

    @property
    def answerable(self) -> bool:
        return bool(self.question["passage"])


@dataclass(frozen=True, slots=True)
class Answers:
    """What a bot found. `passages`: the corpus's id of each source."""

    index: BotIndex
    passages: dict[UUID, str]
    asked: list[Asked]

    def ids(self, found: Sequence[Found]) -> list[str]:
        """Passages of the corpus, each once: a long one is several chunks."""
        return list(dict.fromkeys(self.passages[passage.source_id] for passage in found))


def rows(language: str, name: str) -> Rows:
    return [json.loads(line) for line in (QUALITY / language / f"{name}.jsonl").read_text().splitlines()]


class Remembering:
    """An embedder that reads what it embedded before from a folder."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.name, self.dimension, self.batch_size = embedder.name, embedder.dimension, embedder.batch_size
        self._folder = Path(tempfile.gettempdir()) / "chatbot-benchmark-embeddings" / embedder.name.replace("/", "_")
        self._folder.mkdir(parents=True, exist_ok=True)

    async def embed_documents(self, texts: Sequence[str]) -> Embedded:
        paths = [self._path("document", text) for text in texts]
        if missing := [n for n, path in enumerate(paths) if not path.exists()]:
            made = await self._embedder.embed_documents([texts[n] for n in missing])
            for n, vectors in zip(missing, made.vectors, strict=True):
                _save(paths[n], vectors)
        return self._embedded([np.load(path) for path in paths])

    async def embed_query(self, text: str) -> Embedded:
        path = self._path("query", text)
        if not path.exists():
            _save(path, (await self._embedder.embed_query(text)).vectors[0])
        return self._embedded([np.load(path)])

    async def close(self) -> None:
        await self._embedder.close()

    def _path(self, kind: str, text: str) -> Path:
        return self._folder / f"{hashlib.sha256(f'{kind} {text}'.encode()).hexdigest()}.npy"

    def _embedded(self, vectors: list[Vectors]) -> Embedded:
        return Embedded(vectors, 0, self.name, 0.0, "offline")


def _save(path: Path, vectors: Vectors) -> None:
    unfinished = path.with_suffix(f".{secrets.token_hex(4)}.part")
    with unfinished.open("wb") as file:
        np.save(file, vectors)
    unfinished.replace(path)


@asynccontextmanager
async def product() -> AsyncGenerator[Runtime]:
    """A running product on a folder of its own, without limits and without a key."""
    with tempfile.TemporaryDirectory(prefix="chatbot-benchmark-") as folder, EmbeddedPostgres(Path(folder)) as server:
        settings = Settings(
            _env_file=None,  # pyright: ignore[reportCallIssue]
            database_url=await asyncio.to_thread(new_database, server.url, "benchmark"),
            data_dir=Path(folder) / "data",
            secret_key=SECRET_KEY,  # pyright: ignore[reportArgumentType]
            rate_limit_enabled=False,
            nightly_at=NEVER,
            openai_api_key="",  # pyright: ignore[reportArgumentType]
        )
        ensure_model_files(settings.models_dir, lambda _: None)
        async with open_runtime(settings) as rt:
            rt.embedder = Remembering(rt.embedder)
            set_runtime(rt)
            worker = asyncio.create_task(work(rt, queues_of_web(settings)))
            try:
                yield rt
            finally:
                worker.cancel()
                await asyncio.gather(worker, return_exceptions=True)
                set_runtime(None)


async def ask_everything(limit: int = PASSAGES) -> dict[str, Answers]:
    """By bot, the corpora's questions with what was found, in the corpora's order."""
    async with product() as rt:
        answers: dict[str, Answers] = {}
        for name, languages in BOTS.items():
            person = await sign_up(rt)
            bot = await make_bot(rt, person, language=name if name in LANGUAGES else "auto")
            passages = await _read(rt, person, bot.id, languages)
            async with rt.db.tenant(person.principal) as session:
                index = BotIndex.of(await bots.load(session, person.principal, bot.id))
            asked: list[Asked] = []
            for language in languages:
                for question in rows(language, "questions"):
                    got = await retrieve(rt, person.principal, index, question["question"], limit=limit)
                    weight = fusion.vector_weight(index, got.language)
                    asked.append(Asked(language, question, got, fusion.fuse(got.read, weight)))
            answers[name] = Answers(index, passages, asked)
        return answers


async def _read(rt: Runtime, person: Person, bot_id: UUID, languages: Sequence[str]) -> dict[UUID, str]:
    """The bot reads the passages, each as a text that is called like its document and heading."""
    known: dict[UUID, str] = {}
    for language in languages:
        for row in rows(language, "passages"):
            text = TextSource(type="text", title=title(row), text=row["text"])
            known[(await intake.add(rt, person.principal, bot_id, text)).id] = row["id"]
    for source_id in known:
        source = await settled(rt, person, source_id, seconds=240)
        if source.status != "ready":
            raise RuntimeError(f"a passage was not indexed: {source.error}")
    return known


def title(row: dict[str, Any]) -> str:
    return f"{row['document']} – {row['heading']}"


def without_document(asked: Asked, answers: Answers) -> Retrieval | None:
    """What would have been found without the document that answers; None where that was not found."""
    titles = {answers.passages[item.row.source_id]: item.row.title for item in asked.got.read.items}
    if asked.question["passage"] not in titles:
        return None
    document = titles[asked.question["passage"]].split(" – ")[0]
    left = [item for item in asked.got.read.items if item.row.title.split(" – ")[0] != document]
    read = replace(asked.got.read, items=left)
    ranked = fusion.fuse(read, fusion.vector_weight(answers.index, asked.got.language))
    return replace(asked.got, passages=fusion.distinct(ranked, PASSAGES), read=read)
