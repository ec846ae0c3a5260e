"""Whether two clauses that hold the same words give them each other's roles: `A pays B` and `B pays A`.

A word's role is told by the preposition, the particle or the article before it, else by its place beside the word that
stands between both. Only an exchange is a difference: a sentence that is turned about (`B is paid by A`, `dem B
bezahlt A`) keeps the roles, and words that are only listed have none.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from chatbot_saas.services import lexical
from chatbot_saas.services.denials import WIDE

_PREPOSITIONS = """
    from to by for per with without before after than of into onto against under over between behind through at on in
    via von vom nach vor zu zum zur für mit gegen als durch über unter hinter aus bei an auf in im je pro
    de du des à au aux pour par avec avant après contre que chez vers
    del al para por con antes después contra hacia da di dal em ao
    """
_ALIKE = {"vom": "von", "zum": "zu", "zur": "zu", "im": "in", "du": "de", "au": "à", "del": "de", "al": "a"}
_ARTICLES = frozenset("der die das den dem des".split())  # noqa: SIM905
_CAPITAL = re.compile(r"\b[A-ZÄÖÜ]\w+")
_PARTICLES = frozenset("在向给由被把将比从到往为对跟和与")
_LISTED = frozenset("和与跟")
_TO_OBJECT = frozenset({("der", "dem"), ("der", "den"), ("die", "der")})
"""Articles of one noun, first as a subject."""
LEAST_SHARED = 3
"""Words that both clauses must share at least: two that exchanged roles, and what they do."""
FREE_ORDER = frozenset({"de", "nl", "pl", "ja", "ko"})
"""Languages in which a place tells no role."""


@dataclass(frozen=True, slots=True)
class Item:
    """A word that says something, in its clause."""

    word: str
    marker: str
    """The preposition, particle or article before it."""


@lru_cache
def _prepositions(language: str) -> dict[str, str]:
    """By token, in one form of it."""
    return {token: _ALIKE.get(word, word) for word in _PREPOSITIONS.split() for token in lexical.tokens(word, language)}


def items_of(words: Sequence[str], content: Sequence[int], text: str, language: str) -> tuple[Item, ...]:
    """`content`: the places of those `words` that say something."""
    prepositions = _prepositions(language)
    wanted = frozenset(content)
    found: list[Item] = []
    marker = ""
    fresh = True
    for place, word in enumerate(words):
        if word in _PARTICLES:
            marker = word
        elif place in wanted:
            found.append(Item(word, marker))
            fresh = False
        elif word < WIDE:
            if not fresh:
                marker, fresh = "", True
            if word in prepositions:
                marker = prepositions[word]
            elif word in _ARTICLES and (not marker or marker in _ARTICLES):
                marker = word
    if any(item.marker in _ARTICLES for item in found):  # the verb behind a noun has no article
        nouns = {token for noun in _CAPITAL.findall(text) for token in lexical.tokens(noun, language)}
        found = [Item(item.word, "") if item.marker in _ARTICLES and item.word not in nouns else item for item in found]
    return tuple(found)


def swapped(
    mine: Sequence[Item], theirs: Sequence[Item], like: Mapping[str, Mapping[str, float]], *, free_order: bool
) -> bool:
    """`like`: by word of theirs, the words of mine that say the same."""
    pairs = _paired(mine, theirs, like)
    if len(pairs) < LEAST_SHARED or 2 * len(pairs) < len(mine):
        return False
    for one in range(len(pairs)):
        for two in range(one + 1, len(pairs)):
            if _exchanged(pairs, one, two, mine, theirs, free_order):
                return True
    return False


def _paired(
    mine: Sequence[Item], theirs: Sequence[Item], like: Mapping[str, Mapping[str, float]]
) -> list[tuple[int, int]]:
    """Places of the same word in both, in my order; what stands twice in one of them tells nothing."""
    places: dict[str, list[int]] = {}
    for place, item in enumerate(mine):
        places.setdefault(item.word, []).append(place)
    found: dict[int, list[int]] = {}
    for place, item in enumerate(theirs):
        for word in like.get(item.word, ()):
            for at in places.get(word, ()):
                found.setdefault(at, []).append(place)
    return sorted(
        (at, others[0]) for at, others in found.items() if len(others) == 1 and len(places[mine[at].word]) == 1
    )


def _exchanged(
    pairs: Sequence[tuple[int, int]],
    one: int,
    two: int,
    mine: Sequence[Item],
    theirs: Sequence[Item],
    free_order: bool,
) -> bool:
    (a, their_a), (b, their_b) = pairs[one], pairs[two]
    if len(mine[a].word) == 1 or len(mine[b].word) == 1:
        return False
    now, then = (mine[a].marker, mine[b].marker), (theirs[their_a].marker, theirs[their_b].marker)
    if now[0] != now[1] and now == then[::-1] and not (_LISTED & {*now, *then}):
        return True
    turned = their_a > their_b
    first, second = _moved(then[0], now[0]), _moved(then[1], now[1])
    if first and second:
        return first == -second
    if first or second:
        other_now, other_then = (now[1], then[1]) if first else (now[0], then[0])
        return turned and other_now == other_then and (not other_now or other_now in _ARTICLES)
    if free_order or not turned or any(now) or any(then):
        return False
    return any(pairs[at][0] < b and their_b < pairs[at][1] < their_a for at in range(one + 1, two))


def _moved(then: str, now: str) -> int:
    """1: from subject to object, -1: the other way, 0: as it was, or not to be told."""
    return ((then, now) in _TO_OBJECT) - ((now, then) in _TO_OBJECT)
