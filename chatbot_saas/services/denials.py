"""What a clause denies: the cues of several languages, and the words in their scope.

A cue such as `not`, `kein` or `不` denies the next words of its clause, or, as its last word, those before it; one such
as `forbidden` denies the clause it stands in. What only may deny (`free of`, `nur`, `-los`) has no scope: it
excuses a difference and makes none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from chatbot_saas.services import lexical

WIDE = "\u3040"
"""From here on scripts are written without spaces."""
_BEFORE = """
    not no never neither nor none nobody nothing nowhere without cannot can't don't doesn't didn't isn't aren't wasn't
    weren't won't wouldn't shouldn't couldn't mustn't hasn't haven't hadn't unable
    nicht kein keine keinen keinem keiner keines nie niemals ohne weder niemand nichts keinerlei keineswegs
    ne pas jamais sans aucun aucune ni rien
    nunca sin ningún ninguna ninguno ni nada tampoco
    non mai senza nessun nessuno niente não nunca sem nenhum nada niet geen nooit zonder
    """
_ABOUT = """
    prohibited forbidden excluded banned verboten untersagt ausgeschlossen unzulässig interdit prohibido
    vietato proibido
    """
_PERHAPS = """
    free only except unless exempt exempted refuse refused avoid refrain lack nur außer ausgenommen befreit gratis
    verzichten vermeiden kaum erst seulement sauf solo salvo excepto soltanto tranne
    """
_ENDINGS = ("los", "frei", "less")
_SIGNS = frozenset("不没沒无無未勿禁别莫")
_MAYBE_SIGNS = frozenset("免仅只除非拒限缺")
_NO_DENIAL = frozenset(
    """不仅 不但 不同 不过 不久 不断 不少 不论 不管 无论 未来 分别 特别 类别 级别 区别 性别 差别 不足 不到 不满 不超
    不晚 不迟 不低 不高 不多 不早 不只 不大 不小 不妨""".split()  # noqa: SIM905  a list of quoted words is harder to read
)
_BOUNDS = "before until only just later more longer less fewer earlier vor bevor später mehr länger weniger früher nur"
"""`no later than`, `nicht vor`: a bound, which other words may say without a denial."""
_THAN = "than als"
_BOUND_SIGNS = frozenset("超晚迟")
FEW_WORDS, FEW_SIGNS = 3, 10
"""How far a denial reaches: words, and signs with their pairs."""


@dataclass(frozen=True, slots=True)
class Denial:
    scope: frozenset[int]
    """Places of the words that are denied."""
    hinted: bool
    """Whether anything in the clause denies, or may."""


NOTHING = Denial(frozenset(), hinted=False)


@lru_cache
def _stems(words: str, language: str) -> frozenset[str]:
    return frozenset(token for word in words.split() for token in lexical.tokens(word, language))


def cue_words() -> Sequence[str]:
    """Words that deny, which say nothing of their own."""
    return f"{_BEFORE} {_ABOUT}".split()


def denial(words: Sequence[str], content: Sequence[int], language: str) -> Denial:
    """`content`: the places of those `words` that say something."""
    before, about, perhaps = (_stems(cues, language) for cues in (_BEFORE, _ABOUT, _PERHAPS))
    scope: set[int] = set()
    hinted = False
    for place, word in enumerate(words):
        if word < WIDE:
            if word in before:
                hinted = True
                if not _is_bound(words, place, language):
                    scope.update(_behind(words, content, place, FEW_WORDS))
            elif word in about:
                hinted = True
                scope.update(content)
            elif word in perhaps or word.endswith(_ENDINGS):
                hinted = True
        elif len(word) == 2 and word not in _NO_DENIAL:
            if word[0] in _SIGNS and not (place > 1 and words[place - 2] == word[::-1]):  # 能不能 asks
                hinted = True
                if not any(sign in _BOUND_SIGNS for after in words[place + 1 : place + 6] for sign in after):
                    scope.update(_behind(words, content, place, FEW_SIGNS))
            elif not (_SIGNS | _MAYBE_SIGNS).isdisjoint(word):
                hinted = True
    return Denial(frozenset(scope), hinted) if hinted else NOTHING


def is_about(words: Sequence[str], language: str) -> bool:
    """Whether a clause only goes on with `is forbidden` and the like, of what stands before it."""
    return not _stems(_ABOUT, language).isdisjoint(words)


def _behind(words: Sequence[str], content: Sequence[int], place: int, most: int) -> list[int]:
    """The next words that say something; those before, where the cue is the last word."""
    if place + 1 == len(words):
        return list(content)
    return [other for other in content if other > place][:most]


def _is_bound(words: Sequence[str], place: int, language: str) -> bool:
    """Whether what is denied is only that something is more or earlier than a bound."""
    bounds, than = _stems(_BOUNDS, language), _stems(_THAN, language)
    near = words[place + 1 : place + 4]
    if not near or near[0] not in bounds:
        return False
    return near[0] in _stems("before until only just vor bevor nur", language) or any(word in than for word in near)
