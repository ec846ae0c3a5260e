"""Fits the coefficients of services.answerability, and draws how well they are calibrated.

`python -m benchmarks.answerability [--draw]`: some minutes. Asked are the questions of benchmarks/quality, and each
answerable one again with the document that answers it taken away, which makes most of what visitors ask in vain: not a
near miss. Coefficients by words are fitted on all languages, those by meaning on English, which the offline embedder
knows. Printed are the AUC with each language left out, the coefficients, what each mode answers, and the calibration.
"""

import argparse
import asyncio
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from benchmarks.asking import LANGUAGES, Answers, ask_everything, without_document
from benchmarks.retrieval import auc
from chatbot_saas.services import answerability
from chatbot_saas.services.answerability import BY_MEANING, BY_WORDS, LEAST

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "calibration.svg"
RIDGE = {"words": 5.0, "meaning": 3.0}
STEPS = 100


@dataclass(frozen=True, slots=True)
class Case:
    kind: str
    """answerable, near, far, or removed: its document was taken away."""
    values: tuple[float, ...]
    probability: float
    """As the product says it."""

    @property
    def held(self) -> bool:
        return self.kind == "answerable"


def cases_of(answers: Answers) -> list[Case]:
    found: list[Case] = []
    for asked in answers.asked:
        kind = "answerable" if asked.answerable else asked.question["kind"]
        looks = [(kind, asked.got)]
        if asked.answerable and (removed := without_document(asked, answers)):
            looks.append(("removed", removed))
        for name, got in looks:
            said = asked.question["question"]
            values = astuple(answerability.evidence(said, got.read, got.passages, answers.index.language))
            likely = answerability.probability(said, got.read, got.passages, answers.index, asked.language)
            found.append(Case(name, values, likely))
    return found


def fit(cases: list[Case], count: int, ridge: float) -> tuple[np.ndarray, float]:
    """Coefficients and bias of a logistic regression over the first `count` values, by Newton's method."""
    values = np.array([case.values[:count] for case in cases])
    held = np.array([case.held for case in cases], float)
    mean, spread = values.mean(0), values.std(0) + 1e-9
    scaled = np.hstack([(values - mean) / spread, np.ones((len(values), 1))])
    penalty = np.diag(np.r_[np.full(count, ridge), 1e-6])
    weights = np.zeros(count + 1)
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-scaled @ weights))
        gradient = scaled.T @ (likely - held) + penalty @ weights
        weights -= np.linalg.solve((scaled * (likely * (1 - likely))[:, None]).T @ scaled + penalty, gradient)
    return weights[:-1] / spread, float(weights[-1] - (weights[:-1] * mean / spread).sum())


def odds(cases: list[Case], fitted: tuple[np.ndarray, float]) -> np.ndarray:
    coefficients, bias = fitted
    return np.array([case.values[: len(coefficients)] for case in cases]) @ coefficients + bias


def left_out(by_language: dict[str, list[Case]]) -> None:
    """How well coefficients by words do in a language that they were not fitted on."""
    for language in LANGUAGES:
        others = [case for other in LANGUAGES if other != language for case in by_language[other]]
        mine = by_language[language]
        scores = odds(mine, fit(others, len(BY_WORDS), RIDGE["words"]))
        held = np.array([case.held for case in mine])
        asked = np.array([case.kind != "removed" for case in mine])
        print(
            f"{language} left out: AUC {auc(held, scores):.3f}, "
            f"questions as written {auc(held[asked], scores[asked]):.3f}"
        )


def by_mode(cases: list[Case]) -> None:
    print("\n| mode | model | answerable | near | far | document removed |\n|---|---|---|---|---|---|")
    for quotes, modes in LEAST.items():
        for mode, (least, _) in modes.items():
            shares = [
                np.mean([case.probability >= least for case in cases if case.kind == kind])
                for kind in ("answerable", "near", "far", "removed")
            ]
            told = " | ".join(f"{share:.0%}" for share in shares)
            print(f"| {mode} | {'quotes' if quotes else 'asked'} | {told} |")


def calibration(cases: list[Case]) -> list[tuple[float, float, int]]:
    """(said, true, cases) for each tenth of the probability that has ten cases."""
    tenths: list[tuple[float, float, int]] = []
    for tenth in range(10):
        inside = [case for case in cases if tenth / 10 <= case.probability < (tenth + 1) / 10]
        if len(inside) >= 10:
            said = float(np.mean([case.probability for case in inside]))
            tenths.append((said, float(np.mean([case.held for case in inside])), len(inside)))
    return tenths


def draw(tenths: list[tuple[float, float, int]]) -> str:
    """An SVG of what was said against what was so."""
    size, edge = 320, 44

    def at(said: float, so: float) -> tuple[float, float]:
        return round(edge + said * size, 1), round(edge / 2 + (1 - so) * size, 1)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size + 2 * edge} {size + 2 * edge}" '
        'font-family="sans-serif" font-size="12" fill="#444" role="img" aria-label="Calibration: said against true">',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for tick in range(0, 11, 2):
        x, y = at(tick / 10, 0)
        lines.append(
            f'<path d="M{x} {edge / 2}V{y}" stroke="#e5e5e5"/><text x="{x - 8}" y="{y + 16}">{tick / 10}</text>'
        )
        x, y = at(0, tick / 10)
        lines.append(
            f'<path d="M{x} {y}H{edge + size}" stroke="#e5e5e5"/><text x="{x - 26}" y="{y + 4}">{tick / 10}</text>'
        )
    (x1, y1), (x2, y2) = at(0, 0), at(1, 1)
    lines.append(f'<path d="M{x1} {y1}L{x2} {y2}" stroke="#999" stroke-dasharray="4 4"/>')
    points = " ".join("{},{}".format(*at(said, so)) for said, so, _ in tenths)
    lines.append(f'<polyline points="{points}" fill="none" stroke="#4f46e5" stroke-width="2"/>')
    for said, so, count in tenths:
        x, y = at(said, so)
        lines.append(f'<circle cx="{x}" cy="{y}" r="{round(2 + count**0.5 / 3, 1)}" fill="#4f46e5"/>')
    lines.append(f'<text x="{edge + 70}" y="{size + edge + 14}">probability that was said</text>')
    lines.append(
        f'<text transform="translate(12 {size / 2 + 90}) rotate(-90)">share that the passages held</text></svg>'
    )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draw", action="store_true", help=f"write {PICTURE.name}")
    arguments = parser.parse_args()
    answers = asyncio.run(ask_everything())
    by_language = {language: cases_of(answers[language]) for language in LANGUAGES}
    every = [case for cases in by_language.values() for case in cases]
    left_out(by_language)
    for name, cases, count in (("words", every, len(BY_WORDS)), ("meaning", by_language["en"], len(BY_MEANING))):
        coefficients, bias = fit(cases, count, RIDGE[name])
        print(f"by {name}: ({', '.join(f'{value:.3f}' for value in coefficients)}), bias {bias:.3f}")
    by_mode(every)
    tenths = calibration(every)
    print("\nsaid, true, cases:", ", ".join(f"{said:.2f} {so:.2f} ({count})" for said, so, count in tenths))
    if arguments.draw:
        PICTURE.write_text(draw(tenths))


if __name__ == "__main__":
    main()
