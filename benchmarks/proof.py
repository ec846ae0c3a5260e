"""How well is it told what supports an answer, and how fast? `python -m benchmarks.proof [--languages en,de,zh]`

Reads benchmarks/quality/<language>/{passages,support}.jsonl. Precision and recall are those of "supported"; a span
overlaps if it shares a character with the labelled one. The time is that of an answer of six sentences over six
passages of about 700 tokens: to prepare the passages, and to prove.
"""

import argparse
import json
import statistics
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from chatbot_saas.services.retrieval import Found
from chatbot_saas.services.support import Prover

FOLDER = Path(__file__).parent / "quality"
ROUNDS = 40
CHARACTERS = {"zh": 1000, "ja": 1000}
"""Of about 700 tokens; 2,800 elsewhere."""


def passage(row: dict[str, Any]) -> Found:
    return Found(
        chunk_id=uuid4(),
        document_id=uuid4(),
        source_id=uuid4(),
        title=row["document"],
        url="",
        text=row["text"],
        start=0,
        page=None,
        pages=[],
        headings=[row["heading"]],
        tokens=0,
        question="",
        score=0.0,
        vector_score=None,
        lexical_score=None,
        coverage=0.0,
    )


def rows_of(language: str, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / language / f"{name}.jsonl").read_text("utf-8").splitlines() if line]


def judge(language: str, passages: dict[str, Found]) -> None:
    counts = {"tp": 0, "fp": 0, "fn": 0, "overlaps": 0}
    kinds: defaultdict[str, list[bool]] = defaultdict(list)
    for row in rows_of(language, "support"):
        found = Prover([passages[name] for name in row["passages"]], "", language).sentence(row["sentence"])
        kinds[row["kind"]].append(found.supported == row["supported"])
        if found.supported and row["supported"]:
            counts["tp"] += 1
            counts["overlaps"] += overlaps(passages[row["passages"][(found.passage or 1) - 1]], found, row["span"])
        elif found.supported != row["supported"]:
            counts["fp" if found.supported else "fn"] += 1
    hits = counts["tp"]
    precision, recall = hits / max(1, hits + counts["fp"]), hits / max(1, hits + counts["fn"])
    f1 = 2 * hits / max(1, 2 * hits + counts["fp"] + counts["fn"])
    print(f"{language}: precision {precision:.2f}, recall {recall:.2f}, F1 {f1:.2f}", end="")
    print(f", span overlaps {counts['overlaps']} of {hits}")
    for kind, right in sorted(kinds.items()):
        print(f"    {kind:10} {sum(right):3} of {len(right):3} right")


def overlaps(passage: Found, found: Any, span: str) -> bool:
    begin = passage.text.find(span)
    return 0 <= begin < found.end and found.begin < begin + len(span)


def measure(language: str, passages: dict[str, Found]) -> None:
    texts = "\n\n".join(found.text for found in passages.values())
    size = CHARACTERS.get(language, 2800)
    base = next(iter(passages.values()))
    used = [replace(base, text=texts[at * size : (at + 1) * size]) for at in range(6)]
    sentences = [row["sentence"] for row in rows_of(language, "support")]
    prepared: list[float] = []
    proved: list[float] = []
    for turn in range(ROUNDS):
        answer = " ".join(f"{sentences[(turn * 6 + place) % len(sentences)]} [1]" for place in range(6))
        began = time.perf_counter()
        prover = Prover(used, "", language)
        middle = time.perf_counter()
        prover.prove(answer)
        prepared.append((middle - began) * 1000)
        proved.append((time.perf_counter() - middle) * 1000)
    for name, taken in (("prepare", prepared), ("prove", proved)):
        print(
            f"    {name}: median {statistics.median(taken):.1f} ms, p95 {statistics.quantiles(taken, n=20)[-1]:.1f} ms"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", default="en,de,zh")
    for language in parser.parse_args().languages.split(","):
        passages = {row["id"]: passage(row) for row in rows_of(language, "passages")}
        judge(language, passages)
        measure(language, passages)


if __name__ == "__main__":
    main()
