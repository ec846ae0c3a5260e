"""The words of a question found in a sentence: stems, parts of compounds, slips of the pen, codes. Pure."""

# snowballstemmer is untyped:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import re
import threading
from functools import lru_cache

import snowballstemmer

from chatbot_saas.adapters.llm.languages import STEMMERS, STOP_WORDS

_WORD = re.compile(r"[^\W_]+")
_CODE = re.compile(r"(?<![^\W_])(?:[^\W\d_]{1,6}[- ]?\d{1,6}|\d{1,4}[^\W\d_]{1,3})(?![^\W_])")
# Scripts that are written without spaces: pairs of neighbours stand for words.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_ASKING = re.compile(
    "请问|什么时候|什么|多少钱|多少|多久|多长时间|多长|多大|多远|几点|几天|几个|哪里|哪儿|哪些|哪个|哪天|谁|怎么办|怎么样|怎么|怎样|如何|"
    "为什么|可以|能不能|是不是|有没有|需要|应该|我们|你们|吗|呢|的|了|是|"
    "いつ|どこ|どう|なに|何|いくら|ですか|ますか|か|は|が|を|に|の|で|と|も"
)
_PART_OF_COMPOUND = 0.6
_SLIP = 0.75
_LEAST_COMPOUND = 4  # letters
_LEAST_ELSEWHERE = 5
"""The same of languages without compounds: hand is no part of handle."""
_COMPOUNDING = frozenset(["de", "nl"])
_LEAST_SLIP = 5


def terms(text: str) -> list[str]:
    """Words, codes such as e-11 as one word, and pairs of neighbours in scripts without spaces."""
    folded = text.casefold()
    found: list[str] = []
    for run in _UNSPACED.findall(folded):
        found += [run[place : place + 2] for place in range(max(1, len(run) - 1))]
    spaced = _UNSPACED.sub(" ", folded)
    found += [re.sub(r"[- ]", "", code) for code in _CODE.findall(spaced)]
    return found + _WORD.findall(spaced)


def question_terms(question: str, language: str) -> dict[str, str]:
    """Stem -> word of what is asked; a question of stop words alone keeps them."""
    idle = STOP_WORDS.get(language, frozenset[str]()) | _parts_of_codes(question)
    said = [term for term in terms(_ASKING.sub(" ", question)) if term not in idle]
    return {stem(term, language): term for term in said or terms(question)}


def _parts_of_codes(question: str) -> frozenset[str]:
    """Of E-11 neither E nor 11 alone is asked for."""
    codes = [code for code in _CODE.findall(_UNSPACED.sub(" ", question.casefold())) if " " not in code[3:]]
    return frozenset(part for code in codes if not code.isalnum() for part in _WORD.findall(code))


def matches(text: str, asked: dict[str, str], language: str) -> dict[str, float]:
    """How well each term of the question is found in the text: 1, or less for parts of words and slips of the pen."""
    found: dict[str, float] = {}
    words = set(terms(text))
    least = _LEAST_COMPOUND if language in _COMPOUNDING else _LEAST_ELSEWHERE
    stems = {stem(word, language): word for word in words}
    for term, word in asked.items():
        if term in stems or word in words:
            found[term] = 1.0
            continue
        if len(term) < _LEAST_COMPOUND:
            continue
        for other, whole in stems.items():
            if _is_part(term, other, least) or _is_part(word, whole, least):
                found[term] = max(found.get(term, 0.0), _PART_OF_COMPOUND)
            elif _is_slip(word, whole):
                found[term] = max(found.get(term, 0.0), _SLIP)
    return found


def _is_part(a: str, b: str, least: int) -> bool:
    shorter, longer = sorted((a, b), key=len)
    return len(shorter) >= least and shorter in longer


def _is_slip(a: str, b: str) -> bool:
    """Whether one or two letters were left out, added, exchanged or taken for others."""
    if a[0] != b[0] or min(len(a), len(b)) < _LEAST_SLIP or abs(len(a) - len(b)) > 1 or not a.isalpha():
        return False
    most = 1 if len(a) < 8 else 2
    if len(set(a) ^ set(b)) > 2 * most:
        return False
    return _distance(a, b, most) <= most


@lru_cache(20_000)
def _distance(a: str, b: str, most: int) -> int:
    """Damerau and Levenshtein's, with neighbours exchanged as one step."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, other in enumerate(b, 1):
            step = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if older and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                step = min(step, older[j - 2] + 1)
            row.append(step)
        if min(row) > most:
            return most + 1
    return row[-1]


class _Stemmers(threading.local):
    """A stemmer keeps the word that it works on, so that each thread needs its own."""

    def __init__(self) -> None:
        self.by_language = {language: snowballstemmer.stemmer(name) for language, name in STEMMERS.items()}


_stemmers = _Stemmers()


@lru_cache(50_000)
def stem(word: str, language: str) -> str:
    stemmer = _stemmers.by_language.get(language)
    return str(stemmer.stemWord(word)) if stemmer else word
