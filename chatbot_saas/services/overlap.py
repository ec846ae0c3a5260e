"""What two texts share in words."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from chatbot_saas.adapters.llm import languages
from chatbot_saas.services import denials, lexical

_LIGHT = frozenset(
    """
    also any been being both but each either get gets getting give given gives got had has have having here it's just
    let make makes may might more most must need needed needs one only other receive receives shall should some such
    take taken takes then they'll want wants was whether while whose yet you'll you're your yours there's up out into
    during per every all always within usually generally
    beim bekommen bekommt brauchen braucht damit dann darf daran darauf darin davon dazu deren dessen diese diesem
    diesen dieser dieses doch dort durch dürfen eigene etwa etwas falls ganz gibt haben hat hatte hier ihm ihn ihnen
    ihre ihrem ihren ihrer immer jede jedem jeden jeder jedes jedoch können könnte lassen lässt machen mal mehr muss
    müssen noch nur ob oder sehr seien sein seine seinem seinen seiner selbst sich soll sollen sollte sonst sowie über
    um unser unsere vom vor wenn werden wird wurde wurden während weil beziehungsweise
    alors aussi avoir cela ces cette chaque comme devez doit donc elles être eux faire fait ils leurs lorsque mais
    même nos notre ou par peut peuvent peuvent plus pouvez si soit sont tous tout toute toutes très vos votre être
    además cada como debe deben desde donde esta este esto está están hay más muy nos nuestra nuestro pero puede
    pueden se sea ser si sin sobre su sus también tiene tienen todo todos usted ustedes ya
    的 了 是 在 和 与 或 及 也 就 都 而 把 被 让 给 对 从 到 向 为 以 由 于 其 之 所 这 那 此 您 你 我 他 她 它 们
    会 能 可 要 需 应 须 得 着 过 有 个 请 将 并 且 但 则 如 若 因 等 后 前 时 中 上 下 里 内 外 再 又
    还 很 最 每 各 该 只 才
    の に は を が と で も へ や な だ た て し れ さ す る い う く け ら り ん こ そ あ か
    """.split()  # noqa: SIM905  a list of quoted words is harder to read
)
"""Words that carry no statement of their own: any text on the matter may hold them."""
_SOFT = 5
"""Characters that words must share at an end, of stems that differ: Urlaubstage and Urlaub, delivery and delivered."""
SOFT_MATCH = 0.75


def words_of(text: str, language: str) -> list[str]:
    """The search tokens in order, and each sign of scripts without spaces beside its bigrams."""
    found = lexical.tokens(text, language)
    if text.isascii():
        return found
    both: list[str] = []
    for token in found:
        if len(token) == 2 and not token.isascii() and token[0] >= "\u3040" and token[1] >= "\u3040":
            both += (token[0], token)
        else:
            both.append(token)
    return both


@lru_cache
def light_words(language: str) -> frozenset[str]:
    """What is left out of comparisons."""
    words = _LIGHT.union(lexical.STOP_WORDS, denials.cue_words(), *languages.STOP_WORDS.values())
    return frozenset(token for word in words for token in lexical.tokens(word, language))


class Vocabulary:
    """The words of some texts, to be found by how they begin or end. Thousands are kept: two sorted lists are small."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = frozenset(words)
        inflected = [word for word in self.words if len(word) >= _SOFT and word < "\u3040"]
        self._forwards = sorted(inflected)
        self._backwards = sorted(word[::-1] for word in inflected)

    def beginning(self, head: str) -> Iterator[str]:
        return _beginning(self._forwards, head)

    def ending(self, tail: str) -> Iterator[str]:
        return (word[::-1] for word in _beginning(self._backwards, tail[::-1]))


def _beginning(ordered: Sequence[str], head: str) -> Iterator[str]:
    for place in range(bisect_left(ordered, head), len(ordered)):
        if not ordered[place].startswith(head):
            return
        yield ordered[place]


def like(word: str, vocabularies: Sequence[Vocabulary]) -> list[tuple[str, float]]:
    """Words of the texts that say the same as `word`, each once, with a weight of 1 for the word itself."""
    found: dict[str, float] = {}
    if any(word in vocabulary.words for vocabulary in vocabularies):
        found[word] = 1.0
    if len(word) < _SOFT or word >= "\u3040" or word[0].isdigit():
        return list(found.items())
    head, tail = word[:_SOFT], word[-_SOFT:]
    for vocabulary in vocabularies:
        for other in vocabulary.beginning(head):
            if other not in found and _alike(word, other):
                found[other] = SOFT_MATCH
        for other in vocabulary.ending(tail):
            if other != word and (other.endswith(word) or word.endswith(other)):
                found[other] = SOFT_MATCH
    return list(found.items())


def _alike(word: str, other: str) -> bool:
    """Whether the beginning that they share is most of the shorter one."""
    shorter = min(len(word), len(other))
    shared = _SOFT
    while shared < shorter and word[shared] == other[shared]:
        shared += 1
    return shared >= shorter - 2
