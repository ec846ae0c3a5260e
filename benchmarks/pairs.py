"""From which cosine on do two questions ask the same? `python -m benchmarks.pairs`

Reads benchmarks/quality/en/pairs.jsonl: questions, each with two that ask the same and two that miss by a hair (another
product, number or action, a negation). By the offline embedder, and with the check of numbers that the product makes.
All questions of the set that are asked in vain are held against all known ones, as a bot holds them. Printed is, for
limits of the cosine, what share is matched rightly and how many are matched wrongly.
"""

import asyncio
import json
import re
from pathlib import Path

import numpy as np

from chatbot_saas.adapters.embeddings.offline import OfflineEmbedder
from chatbot_saas.core.settings import get_settings

SET = Path(__file__).parent / "quality" / "en" / "pairs.jsonl"
LIMITS = (0.7, 0.75, 0.8, 0.84, 0.86, 0.88, 0.9, 0.92, 0.94, 0.96, 0.98)
WORST = 12
_NUMBERS = re.compile(r"\d+")


async def main() -> None:
    rows = [json.loads(line) for line in SET.read_text("utf-8").splitlines()]
    embedder = OfflineEmbedder(get_settings().models_dir)
    known = [row["question"] for row in rows]
    asked = [(text, place) for place, row in enumerate(rows) for text in row["same"]]
    misses = [text for row in rows for text in row["other"] if text not in known]
    vectors = np.array((await embedder.embed_documents(known)).vectors).reshape(len(known), -1)
    questions = [*[text for text, _ in asked], *misses]
    queries = np.array([(await embedder.embed_query(text)).vectors[0] for text in questions]).reshape(
        len(questions), -1
    )
    await embedder.close()
    alike = queries @ vectors.T
    for number, text in enumerate(questions):
        for place, other in enumerate(known):
            if set(_NUMBERS.findall(text)) != set(_NUMBERS.findall(other)):
                alike[number, place] = -1.0
    best, score = alike.argmax(1), alike.max(1)
    right = np.array([best[number] == place for number, (_, place) in enumerate(asked)])
    same, missed = score[: len(asked)], score[len(asked) :]
    print(f"{len(known)} pairs, {len(asked)} that ask the same, {len(missed)} that miss")
    for limit in LIMITS:
        wrong = int(((same >= limit) & ~right).sum())
        print(
            f"{limit:.2f}: same matched {((same >= limit) & right).mean():.0%}, matched to another pair {wrong}, "
            f"misses matched {int((missed >= limit).sum())} ({(missed >= limit).mean():.0%})"
        )
    for number in np.argsort(-missed)[:WORST]:
        print(f"    {missed[number]:.3f} {misses[number]} = {known[best[len(asked) + number]]}")


if __name__ == "__main__":
    asyncio.run(main())
