"""Where a span holds the words of a sentence and says something else with them: it denies what the sentence affirms or
the other way round, gives the same things exchanged roles, or ties them to each other crosswise.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations

from chatbot_saas.services.figures import Figure, Figures, is_numeral
from chatbot_saas.services.readings import Clause
from chatbot_saas.services.roles import swapped

Like = Mapping[str, Mapping[str, float]]
"""By word of the passages, the words of the sentence that say the same."""
Holders = Mapping[str, Sequence[tuple[int, str]]]
"""By word of the sentence: in which clauses of the span it stands, and as which word."""
CONTRADICTED = frozenset({"count", "denied", "roles"})
FLIPPED = 0.12
"""Of the weight that both share: how much must be denied in one and not in the other."""
ELLIPTIC = 2
"""Words of a clause that leaves out what the one before it says: `dogs are not allowed, but cats are`."""

Units = Sequence[Sequence[Clause]]
"""The clauses of each sentence of a span."""


def lacks(wanted: Figures, span: Sequence[Clause], more_codes: frozenset[str]) -> str:
    """What of the sentence's codes and figures the span does not hold: code, figure; empty if nothing."""
    if wanted.codes - more_codes.union(*[clause.figures.codes for clause in span]):
        return "code"
    known = [figure for clause in span for figure in clause.figures.numbers]
    return "" if all(any(figure.agrees(other) for other in known) for figure in wanted.numbers) else "figure"


def contradiction(
    said: Sequence[Clause], units: Units, like: Like, weights: Mapping[str, float], *, free_order: bool
) -> str:
    """What is wrong: count, denied, roles; empty if nothing is."""
    span = [clause for unit in units for clause in unit]
    holders = _holders(span, like)
    words = [set[str]() for _ in span]
    for word, places in holders.items():
        for place, _ in places:
            words[place].add(word)
    held = [[_held(mine, theirs, words[place]) for place, theirs in enumerate(span)] for mine in said]
    if miscounted(said, span, like) or mistied(said, units, held):
        return "count"
    if denied(said, span, held, holders, weights):
        return "denied"
    for mine, row in zip(said, held, strict=True):
        most = max(map(len, row), default=0)
        for theirs, words in zip(span, row, strict=True):
            if 2 * len(words) > most and swapped(mine.items, theirs.items, like, free_order=free_order):
                return "roles"
    if crossed(said, held):
        return "roles"
    whole = [[frozenset[str]().union(*(row[at] for at in places)) for places in _places(units)] for row in held]
    return "roles" if len(units) > 1 and crossed(said, whole) else ""


def _places(units: Units) -> list[range]:
    found: list[range] = []
    begin = 0
    for unit in units:
        found.append(range(begin, begin + len(unit)))
        begin += len(unit)
    return found


def denied(
    said: Sequence[Clause],
    span: Sequence[Clause],
    held: Sequence[Sequence[frozenset[str]]],
    holders: Holders,
    weights: Mapping[str, float],
) -> bool:
    """Whether enough words stand in the scope of a denial here, and in clauses that deny nothing there."""
    if not any(clause.denied for clause in (*said, *span)):
        return False
    shared = flipped = 0.0
    for mine, row in zip(said, held, strict=True):
        closest = max(map(len, row), default=0)
        agrees = mine.hinted and any(
            theirs.hinted and len(words) == closest for theirs, words in zip(span, row, strict=True)
        )
        excused = not mine.hinted and _is_left_out(mine, span, holders)
        for word in mine.words:
            if word not in weights or len(word) == 1:
                continue
            theirs = holders.get(word)
            if not theirs:
                continue
            shared += weights[word]
            if agrees or excused:
                continue
            there = all(other in span[place].denied for place, other in theirs)
            here = word in mine.denied and not any(span[place].hinted for place, _ in theirs)
            if here or (there and not any(other.hinted for other in said if word in other.words)):
                flipped += weights[word]
    return flipped > FLIPPED * shared


def miscounted(said: Sequence[Clause], span: Sequence[Clause], like: Like) -> bool:
    """Whether what a figure counts is counted there by another figure, and never by this one."""
    told = [(figure, behind[_unit(figure) :]) for clause in said for figure, behind in clause.counts]
    known = [
        (figure, {word for other in behind[_unit(figure) :] for word in like.get(other, ())})
        for clause in span
        for figure, behind in clause.counts
    ]
    for figure, behind in told:
        word = next((word for word in behind if len(word) > 1 and any(word in words for _, words in known)), None)
        if word is None:
            continue
        counted = [other for other, words in known if word in words]
        if any(figure.agrees(other) for other in counted):
            continue
        if not any(other.agrees(mine) for other in counted for mine, _ in told):
            return True
    return False


def _unit(figure: Figure) -> int:
    """Words behind a figure that are its unit and tell nothing of what it counts."""
    return int(figure.kind != "")


def mistied(said: Sequence[Clause], units: Units, held: Sequence[Sequence[frozenset[str]]]) -> bool:
    """Whether the clause that holds most of what a figure is said of, in its sentence, has another one of the kind."""
    return any(
        _mistied(said, units[number], [row[places.start : places.stop] for row in held])
        for number, places in enumerate(_places(units))
        if len(places) > 1
    )


def _mistied(said: Sequence[Clause], span: Sequence[Clause], held: Sequence[Sequence[frozenset[str]]]) -> bool:
    told = [figure for clause in said for figure in clause.figures.numbers]
    for mine, row in zip(said, held, strict=True):
        if not mine.figures.numbers:
            continue
        words = [frozenset(word for word in each if word[0] != "#" and not is_numeral(word)) for each in row]
        for figure in mine.figures.numbers:
            here = [at for at, clause in enumerate(span) if any(figure.agrees(f) for f in clause.figures.numbers)]
            for at, clause in enumerate(span):
                if at in here or not here or any(not words[other] < words[at] for other in here):
                    continue
                rivals = [other for other in clause.figures.numbers if other.kind == figure.kind]
                if rivals and not any(other.agrees(f) for other in rivals for f in told):
                    return True
    return False


def _is_left_out(mine: Clause, span: Sequence[Clause], holders: Holders) -> bool:
    """Whether what the clause is about stands in an elliptic clause that denies nothing."""
    about = [span[place] for place, _ in holders.get(mine.items[0].word, ())]
    return bool(about) and all(not clause.hinted and len(clause.words) <= ELLIPTIC for clause in about)


def crossed(said: Sequence[Clause], held: Sequence[Sequence[frozenset[str]]]) -> bool:
    """Whether two clauses exchanged parts: each is held half by one part of the span and half by another."""
    for one, two in combinations(range(len(said)), 2):
        both = said[one].words & said[two].words
        for first, second in combinations(zip(held[one], held[two], strict=True), 2):
            (a, c), (b, d) = first, second
            if a - b - both and b - a - both and c - d - both and d - c - both:
                return True
    return False


def _holders(span: Sequence[Clause], like: Like) -> Holders:
    found: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for place, clause in enumerate(span):
        for other in clause.words & like.keys():
            for word in like[other]:
                found[word].append((place, other))
    return found


def _held(mine: Clause, theirs: Clause, held: set[str]) -> frozenset[str]:
    words = mine.words & held
    if mine.figures.numbers:
        words |= {f"#{figure.start}" for figure in mine.figures.numbers if not figure.values.isdisjoint(theirs.values)}
    return words | (mine.figures.codes & theirs.figures.codes)
