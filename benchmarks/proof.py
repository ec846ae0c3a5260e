"""How well is it told what supports an answer, and how fast? `python -m benchmarks.proof [--languages en,de,zh]`

Reads benchmarks/quality/<language>/{passages,support,relations}.jsonl. Every second document is held out: nothing was
chosen by looking at it. Precision and recall are those of "supported"; a span overlaps if it shares a character with
the labelled one. The time is that of an answer of six sentences over six
passages of about 700 tokens: to prepare the passages, to prove the sentences while the model goes on (most of it, in
pieces of a word), and what is left to do after its last word.
"""

import argparse
import json
import re
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class Case:
    held_out: bool
    passages: list[Found]
    sentence: str
    supported: bool
    kind: str
    span: str = ""


def cases_of(language: str, passages: dict[str, Found]) -> Iterator[Case]:
    """A sentence belongs to the document of most of its passages; the second, fourth, ... document is held out."""
    places = {title: place for place, title in enumerate(dict.fromkeys(found.title for found in passages.values()))}
    for row in rows_of(language, "support"):
        used = [passages[name] for name in row["passages"]]
        [(document, _)] = Counter(found.title for found in used).most_common(1)
        held_out = bool(places[document] % 2)
        yield Case(held_out, used, row["sentence"], row["supported"], row["kind"], row["span"])
    for place, row in enumerate(rows_of(language, "relations")):
        only = [passage(row | {"heading": ""})]
        for case in row["cases"]:
            yield Case(bool(place % 2), only, case["sentence"], case["supported"], case["kind"])


def judge(language: str, cases: list[Case], half: str) -> None:
    counts = Counter[str]()
    kinds: defaultdict[str, list[bool]] = defaultdict(list)
    for case in cases:
        found = Prover(case.passages, "", language).sentence(case.sentence)
        kinds[case.kind].append(found.supported == case.supported)
        counts[f"{case.supported} {found.supported}"] += 1
        if case.span and found.supported:
            counts["overlaps"] += overlaps(case.passages[(found.passage or 1) - 1], found, case.span)
            counts["spans"] += 1
    hits, false, missed = counts["True True"], counts["False True"], counts["True False"]
    print(
        f"{language}, {half}: precision {hits / (hits + false):.2f}, recall {hits / (hits + missed):.2f}, "
        f"F1 {2 * hits / (2 * hits + false + missed):.2f}, false shown as supported {false} of "
        f"{false + counts['False False']}, supported but not told {missed} of {hits + missed}, "
        f"span overlaps {counts['overlaps']} of {counts['spans']}"
    )
    print("    " + ", ".join(f"{kind} {sum(right)} of {len(right)}" for kind, right in sorted(kinds.items())))


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
    followed: list[float] = []
    proved: list[float] = []
    for turn in range(ROUNDS):
        answer = " ".join(f"{sentences[(turn * 6 + place) % len(sentences)]} [1]" for place in range(6))
        began = time.perf_counter()
        prover = Prover(used, "", language)
        middle = time.perf_counter()
        for piece in re.finditer(r"\s", answer):
            prover.follow(answer[: piece.end()])
        last = time.perf_counter()
        prover.prove(answer)
        prepared.append((middle - began) * 1000)
        followed.append((last - middle) * 1000)
        proved.append((time.perf_counter() - last) * 1000)
    for name, taken in (("prepare", prepared), ("while it is said", followed), ("after the last word", proved)):
        print(
            f"    {name}: median {statistics.median(taken):.1f} ms, p95 {statistics.quantiles(taken, n=20)[-1]:.1f} ms"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", default="en,de,zh")
    for language in parser.parse_args().languages.split(","):
        passages = {row["id"]: passage(row) for row in rows_of(language, "passages")}
        cases = list(cases_of(language, passages))
        judge(language, [case for case in cases if not case.held_out], "development")
        judge(language, [case for case in cases if case.held_out], "held out")
        measure(language, passages)


if __name__ == "__main__":
    main()
