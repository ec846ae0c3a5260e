"""Whether passages tell what is asked, not only speak of it: their sentences are read for the question's words.

A passage is found by its title, too, and a near miss names the very thing that the title names. So what counts here is
what stands in the text and its headings. Of a question for a number, a price, a time or a weight, a sentence that holds
one should be as much about the question as the best one is.

Passages are read as they are for the proof (services.readings), which keeps what was read.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chatbot_saas.adapters.llm.languages import MEASURES
from chatbot_saas.adapters.llm.units import introduces
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
_ITEM = re.compile(r"[-*+•‣◦▪–]\s|\d{1,2}[.)、]")
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
        lines = _with_what_leads(_strengths(terms, passage, reading, language), passage, reading)
        text = [max(strengths) for strengths in zip(*lines, strict=True)]
        anywhere = [max(pair) for pair in zip(anywhere, text, strict=False)]
        held = max(held, _share(text, shares))
        for line, strengths in zip(reading.lines, lines, strict=True):
            if (share := _share(strengths, shares)) <= min(about, telling):
                continue
            about = max(about, share)
            if wanted and share > telling:
                said = passage.text[line.begin : line.end]
                share *= sum(holds.search(said) is not None for holds in wanted) / len(wanted)
            telling = max(telling, share)
    missing = max(share * (1 - strength) for share, strength in zip(shares, anywhere, strict=True))
    return Told(held, about - telling, missing)


def _share(strengths: Sequence[float], shares: Sequence[float]) -> float:
    return sum(strength * share for strength, share in zip(strengths, shares, strict=True))


def _strengths(terms: Sequence[Term], passage: Found, reading: Reading, language: str) -> list[list[float]]:
    """By line of the text and term, how well it is held. Headings and a pair's question stand above each line.

    What is spelt otherwise, or is a part of a word, was found with the passage; in which line is not known.
    """
    above = reading_of("\n".join([*passage.headings, passage.question]), 0, language).vocabulary
    lines = [[0.0] * len(terms) for _ in reading.lines]
    for number, term in enumerate(terms):
        everywhere = max((strength for _, strength in like(term.token, [above])), default=0.0)
        holders: dict[int, float] = {}
        for word, strength in like(term.token, [reading.vocabulary]):
            for place in reading.holders.get(word, ()):
                holders[place] = max(holders.get(place, everywhere), strength)
        if not holders and term.code and passage.matched[number]:
            holders = dict.fromkeys(_with_code(term.token, passage.text, reading), 1.0)
        elif not holders and passage.matched[number] < 1:
            everywhere = max(everywhere, passage.matched[number])
        for place, line in enumerate(lines):
            line[number] = holders.get(place, everywhere)
    return lines


def _with_code(code: str, text: str, reading: Reading) -> list[int]:
    said = [_WITHIN_CODES.sub("", text[line.begin : line.end].lower()) for line in reading.lines]
    return [place for place, line in enumerate(said) if code in line]


def _with_what_leads(lines: list[list[float]], passage: Found, reading: Reading) -> list[list[float]]:
    """A line holds what the heading above it, the head of its table or the line that introduces it holds, too."""
    leading: list[float] = []
    head: list[float] = []
    result: list[list[float]] = []
    for line, strengths in zip(reading.lines, lines, strict=True):
        text = passage.text[line.begin : line.end]
        is_row = text.startswith("|")
        head = (head or strengths) if is_row else []
        result.append([max(each) for each in zip(strengths, *filter(None, (head, leading)), strict=True)])
        if not is_row and not _ITEM.match(text) and (introduces(text) or text.endswith((":", "："))):
            leading = strengths
    return result
