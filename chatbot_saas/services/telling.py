"""Whether passages tell what is asked, not only speak of it: their sentences are read for the question's words.

A passage is found by its title, too, and a near miss names the very thing that the title names. So what counts here is
what stands in the text and its headings. Of a question for a number, a price, a time or a weight, a sentence that holds
one should be as much about the question as the best one is.

Passages are read as they are for the proof (services.readings), which keeps what was read.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from chatbot_saas.adapters.llm.languages import MEASURES
from chatbot_saas.services.candidates import Found
from chatbot_saas.services.lexical import Term
from chatbot_saas.services.overlap import like
from chatbot_saas.services.questions import answer_begins
from chatbot_saas.services.readings import Reading, reading_of

READ = 3
"""Passages that are read: the answer is hardly ever below."""
_JOINING = re.compile(
    r"(?<!\buntil)(?<!\bsince)(?<!\bby)(?<!\bfrom)(?<!\band)(?<!\bknow)(?<!\bme)(?<![,;:.!?]) when\b", re.IGNORECASE
)
"""`when` that asks for no time: `does it matter when I come`."""
_WITHIN_CODES = re.compile(r"[\s._/‐‑–-]")


@dataclass(frozen=True, slots=True)
class Told:
    """Shares of the question, 0 to 1, rare words weighing more."""

    held: float = 0.0
    """What the best text holds."""
    apart: float = 0.0
    """By how much the best sentence is more about the question than the best one that could answer it."""
    missing: float = 1.0
    """The heaviest word that no text holds."""


def told(question: str, terms: Sequence[Term], weights: Sequence[float], found: Sequence[Found], language: str) -> Told:
    """`weights`: of the terms. `language`: that passages were read in, or `auto`."""
    total = sum(weights)
    if not total:
        return Told()
    shares = [weight / total for weight in weights]
    question = _JOINING.sub(" ", question)
    wanted = [holds for asks, holds in MEASURES if asks.search(question)]
    anywhere = [0.0] * len(terms)
    held = about = telling = 0.0
    for passage in found[:READ]:
        reading = reading_of(passage.text, answer_begins(passage.question), language)
        above, lines = _strengths(terms, passage, reading, language)
        text = [max(strengths) for strengths in zip(above, *lines.values(), strict=True)]
        anywhere = [max(pair) for pair in zip(anywhere, text, strict=True)]
        held = max(held, _share(text, shares))
        ranked = {place: _share(strengths, shares) for place, strengths in lines.items()}
        least = _share(above, shares)
        about = max(about, least, *ranked.values())
        for place in sorted(range(len(reading.lines)), key=lambda place: -ranked.get(place, least)):
            share = ranked.get(place, least)
            if share <= telling:
                break
            if wanted:
                said = passage.text[reading.lines[place].begin : reading.lines[place].end]
                share *= sum(holds.search(said) is not None for holds in wanted) / len(wanted)
            telling = max(telling, share)
    missing = max(share * (1 - strength) for share, strength in zip(shares, anywhere, strict=True))
    return Told(held, about - telling, missing)


def _share(strengths: Sequence[float], shares: Sequence[float]) -> float:
    return sum(strength * share for strength, share in zip(strengths, shares, strict=True))


def _strengths(
    terms: Sequence[Term], passage: Found, reading: Reading, language: str
) -> tuple[list[float], dict[int, list[float]]]:
    """By term, how well it is held above each line (headings and a pair's question stand there); and, by line, in those
    that hold more.

    What is spelt otherwise, or is a part of a word, was found with the passage; in which line is not known. A line
    holds what the lines that lead it hold, too.
    """
    headings = reading_of("\n".join([*passage.headings, passage.question]), 0, language).vocabulary
    above: list[float] = []
    own: defaultdict[int, dict[int, float]] = defaultdict(dict)
    for number, term in enumerate(terms):
        everywhere = max((strength for _, strength in like(term.token, [headings])), default=0.0)
        holders: dict[int, float] = {}
        for word, strength in like(term.token, [reading.vocabulary]):
            for place in reading.holders(word):
                holders[place] = max(holders.get(place, everywhere), strength)
        if not holders and term.code and passage.matched[number]:
            holders = dict.fromkeys(_with_code(term.token, passage.text, reading), 1.0)
        elif not holders and passage.matched[number] < 1:
            everywhere = max(everywhere, passage.matched[number])
        above.append(everywhere)
        for place, strength in holders.items():
            own[place][number] = strength
    lines: dict[int, list[float]] = {}
    for place, line in enumerate(reading.lines):
        held = [own[by] for by in (place, *line.led_by) if by in own]
        if held:
            lines[place] = [max(strengths.get(n, each) for strengths in held) for n, each in enumerate(above)]
    return above, lines


def _with_code(code: str, text: str, reading: Reading) -> list[int]:
    said = [_WITHIN_CODES.sub("", text[line.begin : line.end].lower()) for line in reading.lines]
    return [place for place, line in enumerate(said) if code in line]
