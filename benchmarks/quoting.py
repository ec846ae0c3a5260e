"""How often the answer that is only quoted holds the expected fact: `python -m benchmarks.quoting [--embedder]`.

Reads benchmarks/quality/{en,de,zh}. Each question is asked with the right passage alone, and with it first among five.
"""

import asyncio
import json
import random
import re
import sys
import time
from pathlib import Path
from typing import Any

from chatbot_saas.adapters.embeddings.offline import OfflineEmbedder
from chatbot_saas.adapters.llm import ChatRequest, Passage, TextDelta
from chatbot_saas.adapters.llm.extractive import ExtractiveChatModel
from chatbot_saas.adapters.tokens import EstimatingCounter
from chatbot_saas.core.settings import get_settings

QUALITY = Path(__file__).parent / "quality"
OTHERS = 4


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def bare(text: str) -> str:
    return re.sub(r"[\s*_|]+", "", text.casefold())


async def ask(model: ExtractiveChatModel, question: str, texts: list[dict[str, Any]]) -> str:
    passages = tuple(
        Passage(number, text["document"], None, f"{text['heading']}\n\n{text['text']}")
        for number, text in enumerate(texts, start=1)
    )
    request = ChatRequest("", (), question, passages, 0.0, 1.0, 800)
    return "".join([part.text async for part in model.stream(request) if isinstance(part, TextDelta)])


async def measure(model: ExtractiveChatModel, language: str) -> str:
    texts = {text["id"]: text for text in rows(QUALITY / language / "passages.jsonl")}
    questions = [q for q in rows(QUALITY / language / "questions.jsonl") if q.get("passage") and q.get("fact")]
    chance = random.Random(3)
    alone = among = length = 0
    seconds = 0.0
    for question in questions:
        right = texts[question["passage"]]
        others = chance.sample([text for text in texts.values() if text is not right], OTHERS)
        start = time.perf_counter()
        answer = await ask(model, question["question"], [right])
        seconds += time.perf_counter() - start
        alone += any(bare(fact) in bare(answer) for fact in question["fact"])
        length += len(answer)
        answer = await ask(model, question["question"], [right, *others])
        among += any(bare(fact) in bare(answer) for fact in question["fact"])
    n = len(questions)
    return (
        f"{language}: {n} questions, fact held {alone / n:.3f} alone, {among / n:.3f} among {OTHERS + 1}; "
        f"{length / n:.0f} characters, {1000 * seconds / n:.1f} ms"
    )


async def main() -> None:
    embedder = OfflineEmbedder(get_settings().models_dir) if "--embedder" in sys.argv else None
    model = ExtractiveChatModel(EstimatingCounter(), embedder)
    for folder in sorted(QUALITY.iterdir()):
        if (folder / "questions.jsonl").exists():
            print(await measure(model, folder.name))


if __name__ == "__main__":
    asyncio.run(main())
