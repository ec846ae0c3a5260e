"""Which parts of the passages answer a question, by the words they share. Pure; milliseconds for five passages.

A part's score is the share of the question's terms that it has, each weighted by how rare it is among the parts (the
inverse document frequency of BM25). Headings, titles and the parts around it are its context: what they have of the
question counts in part, since a heading holds the words and the next sentence the answer. A question that asks for a
number, a time, a place or a person prefers parts that hold one.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chatbot_saas.adapters.llm import Passage
from chatbot_saas.adapters.llm.languages import CONNECTIVE, KINDS, WANTS_ALL
from chatbot_saas.adapters.llm.terms import matches, question_terms
from chatbot_saas.adapters.llm.units import Unit

MOST_SENTENCES = 4
MOST_OF_FIRST = 2
MOST_CHARACTERS = 700
MOST_OF_LIST = 900
WORTH = 0.5  # of the best one's score, for a further sentence
WORTH_ELSEWHERE = 0.9
"""The same of another passage."""
NEW_ELSEWHERE = 2
"""Words of the question that a sentence under another heading must bring: those of a second question, perhaps."""
WORTH_IN_LIST = 0.8
WEAK = 0.5  # below this score the words do not tell

_CONTEXT = 0.35
_NEIGHBOUR = 0.35
_HOLDS_KIND = 0.2
_ABOUT = 0.3
"""For what stands under a heading that says nothing but what is asked."""


@dataclass(frozen=True, slots=True)
class Scored:
    unit: Unit
    score: float
    section: int = 0
    """What stands under one heading of one passage has the same number."""
    terms: frozenset[str] = frozenset()
    """Of the question, that the part or its heading has."""


def scored(question: str, units: Sequence[Unit], passages: Sequence[Passage], language: str) -> list[Scored]:
    """Scores: about 1 for a part that has every term of the question, 0 for one that has none."""
    asked = question_terms(question, language)
    found = [matches(unit.text, asked, language) for unit in units]
    titles = {passage.number: matches(passage.title, asked, language) for passage in passages}
    around = _around(units, found, titles)
    weights = _weights(asked, [{**own, **context} for own, context in zip(found, around, strict=True)])
    total = sum(weights.values()) or 1.0
    wanted = [pattern for asks, pattern in KINDS if asks.search(question)]
    rank = {number: place for place, number in enumerate(dict.fromkeys(unit.number for unit in units))}
    sections, about = _sections(units), _about(units, found, language)
    result: list[Scored] = []
    for place, unit in enumerate(units):
        own = found[place]
        neighbours = _near(units, found, place) if unit.kind != "row" else {}
        words = 0.0
        for term, weight in weights.items():
            has = own.get(term, 0.0)
            lent = max(_CONTEXT * around[place].get(term, 0.0), _NEIGHBOUR * neighbours.get(term, 0.0))
            words += weight * max(has, lent)
        score = words / total + (_ABOUT * about[place] if words else 0.0)
        names_columns = unit.kind == "row" and place + 1 < len(units) and units[place + 1].kind == "divider"
        if unit.kind in ("heading", "question", "divider") or names_columns:
            score *= 0.05
        elif score and any(pattern.search(unit.text) for pattern in wanted):
            score += _HOLDS_KIND
        if score:
            score += 0.08 / (1 + rank[unit.number])  # passages come best first
        result.append(Scored(unit, score, sections[place], frozenset(own) | frozenset(around[place])))
    return result


def _about(units: Sequence[Unit], found: Sequence[dict[str, float]], language: str) -> list[float]:
    """How much of the heading above each unit is asked for: all of `Delivery`, a third of `Our delivery partners`."""
    shares: list[float] = []
    for place, unit in enumerate(units):
        if unit.kind in ("heading", "question"):
            said = question_terms(unit.text, language)
            shares.append(min(1.0, len(found[place]) / max(1, len(said))))
        else:
            shares.append(shares[-1] if shares and unit.position else 0.0)
    return shares


def _sections(units: Sequence[Unit]) -> list[int]:
    numbers: list[int] = []
    for place, unit in enumerate(units):
        begins = unit.position == 0 or (unit.kind in ("heading", "question") and units[place - 1].kind != "heading")
        numbers.append((numbers[-1] if numbers else 0) + begins)
    return numbers


def _around(
    units: Sequence[Unit], found: Sequence[dict[str, float]], titles: dict[int, dict[str, float]]
) -> list[dict[str, float]]:
    """What title, heading, question or head of the table above each unit have of the question."""
    result: list[dict[str, float]] = []
    heading: dict[str, float] = {}
    table: dict[str, float] = {}
    for place, unit in enumerate(units):
        if unit.position == 0:
            heading, table = {}, {}
        if unit.kind in ("heading", "question"):
            heading = found[place]
        if unit.kind == "row" and (place == 0 or units[place - 1].group != unit.group):
            table = found[place]
        result.append({**titles.get(unit.number, {}), **heading, **(table if unit.kind == "row" else {})})
    return result


def _weights(asked: dict[str, str], found: Sequence[dict[str, float]]) -> dict[str, float]:
    having = Counter(term for match in found for term in match)
    return {term: math.log(1 + (len(found) - having[term] + 0.5) / (having[term] + 0.5)) for term in asked}


def _near(units: Sequence[Unit], found: Sequence[dict[str, float]], place: int) -> dict[str, float]:
    near: dict[str, float] = {}
    for other in (place - 1, place + 1):
        if 0 <= other < len(units) and units[other].number == units[place].number:
            near |= found[other]
    return near


def best(parts: Sequence[Scored], question: str, most_characters: int = MOST_CHARACTERS) -> list[Unit]:
    """What is worth quoting, in the order of the passages; how the first passage begins if nothing has a score."""
    units = [part.unit for part in parts]
    at = {(unit.number, unit.position): unit for unit in units}
    room = min(most_characters, MOST_CHARACTERS)
    full = [part for part in parts if part.unit.kind not in ("heading", "question", "divider")]
    if all(part.score <= 0 for part in full):
        first = [part for part in full if part.unit.number == full[0].unit.number] if full else []
        full = [replace(part, score=1.0) for part in first[:MOST_OF_FIRST]]
    ordered = sorted(full, key=lambda part: -part.score)
    chosen: dict[tuple[int, int], Unit] = {}
    lists: set[tuple[int, int]] = set()
    sections: set[int] = set()
    numbers: set[int] = set()
    told: set[str] = set()
    taken = 0
    for part in ordered:
        if taken >= MOST_SENTENCES or (chosen and part.score < WORTH * ordered[0].score) or part.score <= 0:
            break
        near = part.score >= WORTH_ELSEWHERE * ordered[0].score and part.unit.number not in numbers
        if sections and part.section not in sections and not near and len(part.terms - told) < NEW_ELSEWHERE:
            continue
        key = (part.unit.number, part.unit.position)
        decided = lists & {(part.unit.number, part.unit.group)}  # what of a list is quoted is decided once
        if key in chosen or decided:
            continue
        wanted = [unit for unit in _whole(part, full, at, question) if (unit.number, unit.position) not in chosen]
        length = sum(len(unit.text) for unit in wanted)
        if chosen and length > room:
            continue
        chosen |= {(unit.number, unit.position): unit for unit in wanted}
        lists |= {(unit.number, unit.group) for unit in wanted if unit.group >= 0}
        room -= length
        numbers.add(part.unit.number)
        sections.add(part.section)
        told |= part.terms
        taken += 1
    if ordered and ordered[0].score < WEAK:
        chosen |= _next_to(ordered[0].unit, at, room)
    chosen |= _between(chosen, at, room)
    return [unit for unit in units if (unit.number, unit.position) in chosen]


def _between(
    chosen: dict[tuple[int, int], Unit], at: dict[tuple[int, int], Unit], room: int
) -> dict[tuple[int, int], Unit]:
    """Single sentences that were left out between two: a gap reads worse than they do."""
    found: dict[tuple[int, int], Unit] = {}
    for number, position in list(chosen):
        left, after = at.get((number, position + 1)), chosen.get((number, position + 2))
        if not left or not after or left.kind != "sentence" or after.kind != "sentence" or left.apart or after.apart:
            continue
        if (number, position + 1) not in chosen and len(left.text) <= room:
            found[number, position + 1] = left
            room -= len(left.text)
    return found


def _next_to(unit: Unit, at: dict[tuple[int, int], Unit], room: int) -> dict[tuple[int, int], Unit]:
    """Where the words hardly tell, the answer is as likely in the next sentence."""
    after = at.get((unit.number, unit.position + 1))
    fits = after and unit.kind == after.kind == "sentence" and not after.apart and len(after.text) <= room
    return {(after.number, after.position): after} if after and fits else {}


def _whole(part: Scored, parts: Sequence[Scored], at: dict[tuple[int, int], Unit], question: str) -> list[Unit]:
    """The part with what it needs to be understood."""
    unit = part.unit
    if unit.kind in ("item", "row"):
        return _listed(part, parts, at, question)
    before = at.get((unit.number, unit.position - 1))
    after = at.get((unit.number, unit.position + 1))
    needed = [unit]
    if before and before.kind == "sentence" and CONNECTIVE.match(unit.text):
        needed.insert(0, before)
    if after and after.intro == unit.position:
        fellows = [other for other in parts if other.unit.number == unit.number and other.unit.group == after.group]
        if fellows:  # where nothing has a score, only the first sentences are looked at, not always the list
            top = max(fellows, key=lambda other: other.score)
            needed += [each for each in _listed(top, parts, at, question) if each not in needed]
    return needed


def _listed(part: Scored, parts: Sequence[Scored], at: dict[tuple[int, int], Unit], question: str) -> list[Unit]:
    """Of a list all items where that is short or asked for, else the one; of a table its head and the rows that fit."""
    unit = part.unit
    fellows = [other for other in parts if other.unit.number == unit.number and other.unit.group == unit.group]
    intro = at.get((unit.number, unit.intro))
    head = [intro] if intro and intro.kind != "question" else []
    if unit.kind == "row":
        first = fellows[0].unit
        ruled = at.get((first.number, first.position + 1))
        if ruled and ruled.kind == "divider":
            head += [first, ruled]
        rows = [other.unit for other in fellows if other.score >= max(1e-9, WORTH_IN_LIST * part.score)]
        rows = [row for row in rows if row not in head] if ruled or len(rows) > 1 else rows
        if WANTS_ALL.search(question) and sum(len(other.unit.text) for other in fellows) <= MOST_OF_LIST:
            rows = [other.unit for other in fellows if other.unit not in head]
        return head + (rows or [unit])
    second = max((other.score for other in fellows if other.unit is not unit), default=0.0)
    length = sum(len(other.unit.text) for other in fellows)
    single = second < 0.6 * part.score and not WANTS_ALL.search(question) and length > 200
    if length <= MOST_OF_LIST and not single:
        return head + [other.unit for other in fellows]
    near = [other.unit for other in fellows if other.score >= WORTH_IN_LIST * part.score]
    return head + (near if sum(len(each.text) for each in near) <= MOST_OF_LIST else [unit])
