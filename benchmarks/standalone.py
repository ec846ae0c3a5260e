"""How often a follow-up question is recognised: `python -m benchmarks.standalone [language ...]`.

Reads benchmarks/quality/<language>/followups.jsonl: {history, question, needs_context}.
"""

import json
import sys
import time
from pathlib import Path

from chatbot_saas.adapters.llm import Message
from chatbot_saas.services.followups import needs_context

FOLDER = Path(__file__).resolve().parent / "quality"


def main(languages: list[str]) -> None:
    for language in languages or ["en", "de", "zh"]:
        wrong: list[str] = []
        rows = [json.loads(line) for line in (FOLDER / language / "followups.jsonl").read_text().splitlines()]
        started = time.perf_counter()
        for row in rows:
            history = [Message(**message) for message in row["history"]]
            told = needs_context(row["question"], history, language)
            if told != row["needs_context"]:
                wrong.append(f"{'missed' if row['needs_context'] else 'needless'}: {row['question']}")
        spent = (time.perf_counter() - started) / len(rows)
        print(f"{language}: {1 - len(wrong) / len(rows):.3f} of {len(rows)} right, {spent * 1e6:.0f} us each")
        print(*(f"  {line}" for line in wrong), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
