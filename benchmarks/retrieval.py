"""How good retrieval is: `python -m benchmarks.retrieval [--save F]`; takes about five minutes.

The passages of benchmarks/quality are read as the product reads them: real PostgreSQL, real index, offline embedder, a
bot for each language and one that knows all three. Told with 95 % bootstrap intervals: where the right passage is among
BM25's (bm25s), the vectors' and ours; how well answerability tells questions with an answer from those without; how
often the answerer that only quotes says the expected fact. Writes docs/images/answerability.svg; fails where ours is
below another in hit@1, hit@5 or MRR@10. The coefficients of services.answerability are fitted on the way and printed.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import bm25s
import numpy as np
import numpy.typing as npt
import snowballstemmer

from benchmarks import rig
from chatbot_saas.adapters.llm import ChatRequest, TextDelta
from chatbot_saas.adapters.model_files import ensure_model_files
from chatbot_saas.adapters.postgres import EmbeddedPostgres
from chatbot_saas.core.settings import Settings
from chatbot_saas.parts import open_runtime
from chatbot_saas.schemas.sources import TextSource
from chatbot_saas.services import answerability, answering, bots, candidates, fusion, intake, retrieval
from chatbot_saas.services.lexical import question_terms
from chatbot_saas.services.runtime import Runtime, set_runtime
from chatbot_saas.worker.process import queues_of_web, work
from tests.conftest import SECRET_KEY, new_database
from tests.factories.knowledge import make_bot, settled
from tests.factories.people import Person, sign_up

QUALITY = Path(__file__).parent / "quality"
PICTURE = rig.ROOT / "docs/images/answerability.svg"
LANGUAGES = ("en", "de", "zh")
SYSTEMS = ("bm25", "vectors", "ours")
LIMIT = 6
ABSENT = 99
_WORDS = re.compile(r"[\u4e00-\u9fff]+|[^\W_\u4e00-\u9fff]+")
Floats = npt.NDArray[np.float64]


@dataclass
class Asked:
    """A question with what came of it: the right passage's place in each system, and answerability's features."""

    bot: str
    language: str
    kind: str
    document: str
    answerable: bool
    ranks: dict[str, int]
    likely: float
    features: tuple[float, ...]
    quoted: bool = False


def load(language: str, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (QUALITY / language / f"{name}.jsonl").read_text().splitlines()]


class Bm25:
    """By a library, with stemmed words and pairs of Chinese signs: title and text, as ours."""

    def __init__(self, languages: Sequence[str]) -> None:
        self._passages = [(row["id"], language, row) for language in languages for row in load(language, "passages")]
        self._index = bm25s.BM25()
        texts = [_words(f"{row['document']} {row['heading']} {row['text']}", lang) for _, lang, row in self._passages]
        self._index.index(texts, show_progress=False)

    def search(self, question: str, language: str) -> list[str]:
        scores = self._index.get_scores(_words(question, language))
        order = np.argsort(-scores, kind="stable")
        return [self._passages[place][0] for place in order if scores[place] > 0]


def _words(text: str, language: str) -> list[str]:
    stem = snowballstemmer.stemmer("german" if language == "de" else "english").stemWord
    found: list[str] = []
    for word in _WORDS.findall(unicodedata.normalize("NFKC", text).lower()):
        signs = "\u4e00" <= word[0] <= "\u9fff"
        found += [word[i : i + 2] for i in range(max(1, len(word) - 1))] if signs else [stem(word)]
    return found


async def indexed(
    rt: Runtime, name: str, languages: Sequence[str]
) -> tuple[Person, retrieval.BotIndex, dict[UUID, str]]:
    person = await sign_up(rt)
    bot = await make_bot(rt, person, language=name)
    sources: dict[UUID, str] = {}
    for language in languages:
        for row in load(language, "passages"):
            body = TextSource(type="text", title=f"{row['document']} – {row['heading']}", text=row["text"])
            sources[(await intake.add(rt, person.principal, bot.id, body)).id] = row["id"]
    for source_id in sources:
        source = await settled(rt, person, source_id, seconds=300)
        if source.status != "ready":
            raise RuntimeError(f"a passage was not read: {source.error}")
    async with rt.db.tenant(person.principal) as session:
        return person, retrieval.BotIndex.of(await bots.load(session, person.principal, bot.id)), sources


async def ask_all(rt: Runtime, name: str, languages: Sequence[str]) -> list[Asked]:
    person, index, sources = await indexed(rt, name, languages)
    bm25 = Bm25(languages)
    asked: list[Asked] = []
    for language in languages:
        documents = {row["id"]: row["document"] for row in load(language, "passages")}
        for row in load(language, "questions"):
            question, wanted = row["question"], row["passage"]
            vector = (await rt.embedder.embed_query(question)).vectors[0][0]
            spoken = await retrieval._language(index, question)
            matches = await candidates.index_matches(rt, index, vector)
            terms = question_terms(question, index.language, spoken)
            read = await candidates.read(rt, person.principal, index, terms, vector, matches)
            ranked = fusion.fuse(read, fusion.vector_weight(index, spoken))
            found = (await retrieval.retrieve(rt, person.principal, index, question, limit=LIMIT)).passages
            lists = {
                "bm25": bm25.search(question, language),
                "vectors": [sources[f.source_id] for f in sorted(ranked, key=_by_vector)],
                "ours": [sources[f.source_id] for f in ranked],
            }
            ranks = {system: ids.index(wanted) + 1 if wanted in ids else ABSENT for system, ids in lists.items()}
            asked.append(
                Asked(
                    name,
                    language,
                    row["kind"],
                    documents.get(wanted, documents[next(iter(documents))]),
                    wanted is not None,
                    ranks,
                    answerability.probability(question, index, found, spoken),
                    answerability.features(question, index, found, spoken) if found else (0.0,) * 5,
                    wanted is not None and await _quotes(rt, question, found, row["fact"]),
                )
            )
    return asked


def _by_vector(found: retrieval.Found) -> int:
    return found.vector_rank or ABSENT


async def _quotes(rt: Runtime, question: str, found: list[retrieval.Found], facts: list[str]) -> bool:
    """Whether the answerer that only quotes says one of the facts."""
    request = ChatRequest("", (), question, answering.numbered(found), 0.0, 1.0, 600)
    said = "".join([part.text async for part in rt.fallback_model.stream(request) if isinstance(part, TextDelta)])
    return any("".join(fact.split()).casefold() in "".join(said.split()).casefold() for fact in facts)


# --- figures


def interval(values: Floats, measure: Any, rounds: int = 1000) -> tuple[float, float, float]:
    """The measure, and between what 95 % of it lie when questions are drawn again."""
    draw = np.random.default_rng(7)
    again = [measure(values[draw.integers(0, len(values), len(values))]) for _ in range(rounds)]
    low, high = np.quantile(again, [0.025, 0.975])
    return float(measure(values)), float(low), float(high)


MEASURES = {
    "hit@1": lambda ranks: float((ranks <= 1).mean()),
    "hit@5": lambda ranks: float((ranks <= 5).mean()),
    "MRR@10": lambda ranks: float(np.where(ranks <= 10, 1 / ranks, 0).mean()),
}


def auc(likely: Floats, answerable: npt.NDArray[np.bool_]) -> float:
    yes, no = likely[answerable], likely[~answerable]
    return float((yes[:, None] > no).mean() + 0.5 * (yes[:, None] == no).mean()) if len(yes) and len(no) else 0.5


def rows_of(asked: list[Asked]) -> dict[str, list[Asked]]:
    rows = {language: [a for a in asked if a.bot == language] for language in LANGUAGES}
    rows |= {f"all three, {lang}": [a for a in asked if a.bot == "auto" and a.language == lang] for lang in LANGUAGES}
    return rows | {"overall": asked}


def tell(asked: list[Asked]) -> bool:
    fine = True
    for name, some in rows_of(asked).items():
        answerable = [a for a in some if a.answerable]
        print(f"\n{name}: {len(answerable)} questions with an answer, {len(some) - len(answerable)} without")
        for measure, of in MEASURES.items():
            ranks = {system: np.array([a.ranks[system] for a in answerable], float) for system in SYSTEMS}
            told = {system: interval(ranks[system], of) for system in SYSTEMS}
            best = max(told["bm25"][0], told["vectors"][0])
            fine &= told["ours"][0] >= best
            cells = "".join(f" | {s} {v:.3f} ({low:.2f}–{high:.2f})" for s, (v, low, high) in told.items())
            print(f"  {measure:7}{cells}{'' if told['ours'][0] >= best else '   BELOW'}")
        pairs = np.array([(a.likely, a.answerable, a.kind == "near") for a in some])
        for what, kept in (("AUC", pairs), ("AUC, far questions only", pairs[pairs[:, 2] == 0])):
            value, low, high = interval(kept, lambda p: auc(p[:, 0], p[:, 1] > 0), 300)
            print(f"  {what} {value:.3f} ({low:.2f}–{high:.2f})")
        value, low, high = interval(np.array([a.quoted for a in answerable], float), lambda v: float(v.mean()))
        print(f"  quoted the fact {value:.3f} ({low:.2f}–{high:.2f})")
    return fine


# --- answerability


def fit(features: Floats, answerable: Floats, weights: Floats, ridge: float = 3.0) -> Floats:
    """Ridge logistic regression by Newton's method; the bias first."""
    rows = np.c_[np.ones(len(features)), features]
    penalty = np.eye(rows.shape[1]) * ridge
    penalty[0, 0] = 0
    found = np.zeros(rows.shape[1])
    for _ in range(80):
        likely = 1 / (1 + np.exp(-rows @ found))
        slope = rows.T @ (weights * (likely - answerable)) + penalty @ found
        found -= np.linalg.solve((rows * (weights * likely * (1 - likely))[:, None]).T @ rows + penalty, slope)
    return found


def tell_fit(asked: list[Asked]) -> None:
    features = np.array([a.features for a in asked])
    answerable = np.array([a.answerable for a in asked], float)
    kinds = np.array([a.kind if not a.answerable else "yes" for a in asked])
    languages = np.array([a.language for a in asked])

    def weights(kept: npt.NDArray[np.bool_]) -> Floats:
        result = np.zeros(len(asked))
        for kind, share in (("yes", 1.0), ("far", 0.5), ("near", 0.5)):
            result[(kinds == kind) & kept] = share * kept.sum() / ((kinds == kind) & kept).sum()
        return result

    every = np.ones(len(asked), bool)
    print("\nanswerability, bias first:", np.round(fit(features, answerable, weights(every)), 3))
    for language in LANGUAGES:
        kept = languages != language
        found = fit(features[kept], answerable[kept], weights(kept)[kept])
        likely = 1 / (1 + np.exp(-np.c_[np.ones(len(features)), features] @ found))
        far = ~kept & (kinds != "near")
        print(
            f"  fitted without {language}: AUC there {auc(likely[~kept], answerable[~kept] > 0):.3f}, "
            f"of far questions only {auc(likely[far], answerable[far] > 0):.3f}"
        )
    for mode in ("strict", "balanced", "helpful"):
        shares = {
            kind: np.mean(
                [answerability.decide(a.likely, mode, quotes=True) == "answer" for a in asked if kind in _names(a)]
            )
            for kind in ("yes", "far", "near")
        }
        print(f"  {mode}, quoting: answers", ", ".join(f"{kind} {share:.2f}" for kind, share in shares.items()))


def _names(asked: Asked) -> tuple[str, ...]:
    return ("yes",) if asked.answerable else (asked.kind,)


def draw(asked: list[Asked]) -> str:
    """The calibration curve: of questions said to be this likely, how many have an answer. Areas tell how many."""
    size, edge = 320, 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size + 2 * edge} {size + 2 * edge}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{size + 2 * edge}" height="{size + 2 * edge}" fill="#fff"/>',
        f'<path d="M{edge} {edge}V{edge + size}H{edge + size}" fill="none" stroke="#888"/>',
        f'<path d="M{edge} {edge + size}L{edge + size} {edge}" stroke="#bbb" stroke-dasharray="4"/>',
        f'<text x="{edge + size / 2}" y="{size + 2 * edge - 10}" text-anchor="middle">said to be answerable</text>',
        f'<text transform="translate(14 {edge + size / 2})rotate(-90)" text-anchor="middle">have an answer</text>',
    ]
    for step in range(10):
        bin_ = [a for a in asked if step / 10 <= a.likely < step / 10 + 0.1 or (step == 9 and a.likely >= 1)]
        if bin_:
            x = edge + size * float(np.mean([a.likely for a in bin_]))
            y = edge + size * (1 - float(np.mean([a.answerable for a in bin_])))
            radius = max(2.0, 14 * (len(bin_) / len(asked)) ** 0.5)
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="#4f46e5" fill-opacity=".7"/>')
    for tick in (0, 0.5, 1):
        parts.append(f'<text x="{edge + size * tick}" y="{edge + size + 16}" text-anchor="middle">{tick:g}</text>')
        parts.append(f'<text x="{edge - 6}" y="{edge + size * (1 - tick) + 4}" text-anchor="end">{tick:g}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


async def run(folder: Path, url: str) -> list[Asked]:
    settings = Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        database_url=url,
        data_dir=folder / "data",
        secret_key=SECRET_KEY,  # pyright: ignore[reportArgumentType]
        rate_limit_enabled=False,
        openai_api_key="",  # pyright: ignore[reportArgumentType]
    )
    ensure_model_files(settings.models_dir, print)
    asked: list[Asked] = []
    async with open_runtime(settings) as rt:
        set_runtime(rt)
        worker = asyncio.create_task(work(rt, queues_of_web(settings)))
        try:
            for name, languages in [*((language, (language,)) for language in LANGUAGES), ("auto", LANGUAGES)]:
                asked += await ask_all(rt, name, languages)
                print(f"asked {len(asked)}", flush=True)
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
            set_runtime(None)
    return asked


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", default="", help="write each question's figures to this file, as JSON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="retrieval-") as name, EmbeddedPostgres(Path(name)) as server:
        asked = asyncio.run(run(Path(name), new_database(server.url, "retrieval")))
    fine = tell(asked)
    tell_fit(asked)
    PICTURE.write_text(draw([a for a in asked if a.bot != "auto"]))
    rig.save(given.save, [vars(a) for a in asked])
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
