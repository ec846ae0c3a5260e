"""Search tokens of our own making, so that one way of searching fits every script.

Words are folded and stemmed; runs of scripts without spaces become bigrams of characters. They go into a `tsvector`
as they are (Postgres's own parser would not know them). Beside them stand, without positions: a word's sound, which
survives most typing errors; long words backwards, so that the last part of a compound is found by its beginning; and
codes in one piece (`EX-2040` as `ex2040`). A question becomes terms, each with the ways in which a passage may hold it.
Rows that were written before such tokens were made lack them and are found by their words.
"""

import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import snowballstemmer  # pyright: ignore[reportMissingTypeStubs]

from chatbot_saas.adapters.llm.languages import ASKS_FOR_PHONE
from chatbot_saas.services.stop_words import STOP_WORDS, UNSPACED_STOP_WORDS

_MARKS = "".join(chr(sign) for sign in range(0x300, 0x1E00) if unicodedata.category(chr(sign))[0] == "M")
"""Vowel signs and tones belong to the word that they stand in."""
_WORD = re.compile(rf"[^\W_][\w{_MARKS}]*(?:['’][^\W_][\w{_MARKS}]*)*")
_NO_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f]+")
_HIRAGANA = re.compile(r"[\u3041-\u309f]")
_HANGUL = re.compile(r"[\uac00-\ud7a3]{2,}")
_ASKING = re.compile(
    r"\b(?:how (?:long|many|much|often|far|old|soon|late|early|big)|wie (?:lange|viele?|oft|weit|alt|spät|früh|groß)|"
    r"some(?:thing|one|body)|any(?:thing|one|body))\b"
)
"""What asks, and what stands for anything: passages hold it by chance."""
_CODE = re.compile(r"(?=[a-z._/‐‑–-]*\d)[a-z0-9]+(?:[._/‐‑–-][a-z0-9]+){0,4}")
_PARTS = re.compile(r"[a-z]+|\d+")
_LETTER_THEN_NUMBER = re.compile(r"(?<![a-z0-9])([a-z]{1,4}) (\d{1,8}[a-z]?)(?![a-z0-9])")
_STEMMERS = {
    "en": "english",
    "de": "german",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "pt": "portuguese",
    "nl": "dutch",
    "pl": "polish",
}
_CALLING = (
    "'call':* | 'phone':* | 'telephon':* | 'dial':* | 'ring' | 'tel' | 'hotline' | 'telefon':* | 'anruf':* | 'ruf' | "
    "'appele':* | 'telefo':* | 'llama':* | 'llame':* | 'chiama':* | 'ligu':* | 'bel' | 'zadzwo':* | '电话' | '電話'"
)
"""How a passage gives a phone number: it says what to do with it, and seldom what it is."""
_MAX_POSITION = 16383  # of Postgres
_MAX_POSITIONS_PER_TOKEN = 255
_MAX_TOKEN = 60
_MAX_TERMS = 60
_MAX_STEMS = 100_000
_COMPOUND = 9  # letters from which a word may be made of several
_PART = 4  # letters that a part of a compound has at least
_BACKWARDS, _SOUND = "~", "^"
_COMPOUNDING = frozenset({"de", "nl", "auto"})
_VOWELS = str.maketrans(dict.fromkeys("aeiouyhw'"))
_SOUNDS = str.maketrans({"k": "c", "q": "c", "g": "c", "z": "s", "x": "s", "v": "f", "d": "t", "b": "p", "j": "c"})
_LEAST_SOUND = 3
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_ONE_SIGN = 0.6
"""What a single Chinese sign weighs beside a pair: hit@1 of Chinese questions rose from .65 to .75."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a question asks for, as the ways to find it: each a `tsquery`, empty if there is none."""

    token: str
    exact: str
    part: str = ""
    """Longer words that hold it, and shorter words that it holds."""
    sound: str = ""
    """Words that sound alike, for typing errors."""
    optional: bool = False
    """Perhaps nobody asked for this: it counts only where it is found."""
    code: bool = False
    weight: float = 1.0

    @property
    def any(self) -> str:
        return " | ".join(way for way in (self.exact, self.part, self.sound) if way)


def tokens(text: str, language: str = "auto") -> list[str]:
    """The words of a text as they are searched, in order, stop words included."""
    stems = _stems(_STEMMERS.get(language, "english"))
    text = normal(text)
    words: list[str] = _WORD.findall(text)
    if text.isascii() or not _NO_SPACES.search(text):
        return list(map(stems.__getitem__, words))
    found: list[str] = []
    for word in words:
        if _NO_SPACES.search(word):
            found.extend(_mixed(word, stems))
        else:
            found.append(stems[word])
    return found


def normal(text: str) -> str:
    return (text if text.isascii() else unicodedata.normalize("NFKC", text)).lower()


def search_vector(text: str, language: str = "auto") -> str:
    """The text's tokens as a `tsvector` literal: words with positions, what stands beside them without."""
    positions: defaultdict[str, list[int]] = defaultdict(list)
    for position, token in enumerate(tokens(text, language), start=1):
        positions[token].append(position)
    more = _beside(normal(text)) - positions.keys()
    return " ".join(
        [f"'{token}':{_literal(places)}" for token, places in positions.items()] + sorted(map(_quoted, more))
    )


def _beside(text: str) -> set[str]:
    found: set[str] = set(_HAN.findall(text))
    for word in set(_WORD.findall(text)):
        folded = _folded(word[:_MAX_TOKEN])
        if not folded.isalpha() or _NO_SPACES.search(folded):
            continue
        if sound := _sound(folded):
            found.add(sound)
        if len(folded) >= _COMPOUND:
            found.add(_BACKWARDS + folded[::-1])
    for code in _CODE.finditer(text):
        parts = _PARTS.findall(code.group())
        if 1 < len(parts) <= 8:
            found.add("".join(parts)[:_MAX_TOKEN])
            found.update(part[:_MAX_TOKEN] for part in parts if len(part) > 1)
    return found


def _literal(places: list[int]) -> str:
    if len(places) == 1 and places[0] <= _MAX_POSITION:  # most words of a passage
        return str(places[0])
    return ",".join([str(min(place, _MAX_POSITION)) for place in places[:_MAX_POSITIONS_PER_TOKEN]])


def query_terms(question: str, language: str = "auto") -> list[str]:
    """What a question asks for: its tokens without stop words, each once; all of them if nothing else is left."""
    words = tokens(question, language)
    stops = _stemmed_stop_words(language)
    return list(dict.fromkeys([word for word in words if word not in stops] or words))


def question_terms(question: str, language: str = "auto", spoken: str = "") -> list[Term]:
    """What a question asks for, without stop words, each once; all of its words if nothing else is left.

    `language` is the one that passages were stemmed for, `spoken` the question's, where that is known.
    """
    spoken = spoken if language == "auto" and spoken else language
    text = _ASKING.sub(" ", normal(question))
    terms: dict[str, Term] = {}
    codes: set[str] = set()
    for term, parts in _codes(text):
        terms.setdefault(term.token, term)
        if not term.optional:
            codes.update(parts)
    stops = _stop_words(spoken)
    words = [word for word in _WORD.findall(text) if word not in codes]
    wanted = [word for word in words if word not in stops and _folded(word) not in stops]
    for word in wanted or ([] if terms else words):
        for term in _terms_of(word, language, spoken in _COMPOUNDING):
            terms.setdefault(term.token, term)
    if asked := ASKS_FOR_PHONE.search(question):
        named = tokens(asked.group(), language)
        terms |= {
            token: replace(term, part=" | ".join(way for way in (term.part, _CALLING) if way))
            for token, term in terms.items()
            if token in named
        }
    return list(terms.values())[:_MAX_TERMS]


def search_query(terms: list[Term]) -> str:
    """A `tsquery` literal that any of the terms fulfils."""
    return " | ".join(term.any for term in terms)


def _codes(text: str) -> Iterator[tuple[Term, list[str]]]:
    """Codes and part numbers however they are typed, with the words that they are made of."""
    for match in _CODE.finditer(text):
        run = match.group()
        parts = _PARTS.findall(run)
        token = "".join(parts)[:_MAX_TOKEN]
        if len(token) < 2 or len(parts) > 8:
            continue
        words = any(part.isalpha() and len(part) > _PART for part in parts)
        typed = re.split(r"[._/‐‑–-]", run)
        if len(parts) == 1:  # a number: longer ones begin like it by chance
            yield Term(token, _quoted(token), f"{_quoted(token)}:*" if len(token) > 2 else "", code=True), [token]
            continue
        apart = " <-> ".join(_quoted(part) for part in parts)
        together = " <-> ".join(_quoted(part) for part in typed)
        exact = " | ".join(dict.fromkeys([_quoted(token), f"({apart})", f"({together})"]))
        yield Term(token, exact, f"{_quoted(token)}:*", optional=words, code=True), typed
    for match in _LETTER_THEN_NUMBER.finditer(text):
        token = match.group(1) + match.group(2)
        yield Term(token, _quoted(token), f"{_quoted(token)}:*", optional=True, code=True), []


def _terms_of(word: str, language: str, compounding: bool) -> Iterator[Term]:
    if _NO_SPACES.search(word):
        yield from _unspaced_terms(word)
        return
    stem = _stems(_STEMMERS.get(language, "english"))[word]
    folded = _folded(word[:_MAX_TOKEN])
    part: list[str] = []
    if _HANGUL.search(word):  # particles follow the word without a space
        part.extend(f"{_quoted(_folded(word[:end]))}:*" for end in range(max(2, len(word) - 1), len(word) + 1))
    elif len(stem) >= _PART and stem.isalpha():
        part.append(f"{_quoted(stem)}:*")
        part.extend(_compound_parts(folded, stem) if compounding else [])
    sound = _sound(folded) if folded.isalpha() else ""
    yield Term(stem, _quoted(stem), " | ".join(part), _quoted(sound) if sound else "")


def _compound_parts(word: str, stem: str) -> Iterator[str]:
    """Ways to find words that end with this one, and the words that this one begins and ends with.

    Which of these are words nobody needs to know: those that are none are in no passage.
    """
    if len(word) >= _PART + 1:
        yield f"{_quoted(_BACKWARDS + word[::-1])}:*"
    if len(word) >= _COMPOUND - 1:
        for size in range(_PART + 1, len(word) - 2):
            if word[:size] != stem:
                yield _quoted(word[:size])
        for size in range(_PART, len(word) - 3):
            yield _quoted(_stems("german")[word[-size:]])


def _unspaced_terms(word: str) -> Iterator[Term]:
    """Pairs of what is left when the words that a question is not about are taken out, and single Chinese signs."""
    kept = UNSPACED_STOP_WORDS.sub(" ", word).strip() or word
    for piece in kept.split():
        pairs = _mixed(piece, _stems("english"))
        said = [pair for pair in pairs if not _HIRAGANA.search(pair)] or pairs
        for token in said:
            if len(token) > 1 or not _NO_SPACES.match(token):
                yield Term(token, _quoted(token))
            elif not _HAN.match(token):
                yield Term(token, f"{_quoted(token)}:*", optional=True)
        for sign in _HAN.findall(piece):
            yield Term(sign, _quoted(sign) if len(piece) > 1 else f"{_quoted(sign)}:*", weight=_ONE_SIGN)


def _quoted(token: str) -> str:
    return f"'{token}'"


def _sound(folded: str) -> str:
    """What is left of a word when letters that sound alike are one, and vowels and doubled letters are left out."""
    bare = folded.replace("ph", "f").replace("ck", "k").replace("sch", "s").translate(_VOWELS).translate(_SOUNDS)
    kept = "".join(letter for place, letter in enumerate(bare) if place == 0 or bare[place - 1] != letter)
    if len(kept) > _LEAST_SOUND and kept[-1] in "sn":  # plurals
        kept = kept[:-1]
    sound = (folded[0] if folded[0] in "aeiou" else "") + kept
    return _SOUND + sound if len(sound) >= _LEAST_SOUND and sound.isascii() else ""


def _mixed(word: str, stems: "_Stems") -> list[str]:
    """A word that holds signs of a script without spaces: those as bigrams, the rest as words."""
    found: list[str] = []
    end = 0
    for run in _NO_SPACES.finditer(word):
        if rest := word[end : run.start()].strip():
            found.append(stems[rest])
        signs = run.group()
        found.extend(signs[i : i + 2] for i in range(len(signs) - 1))
        if len(signs) == 1:
            found.append(signs)
        end = run.end()
    if rest := word[end:].strip():
        found.append(stems[rest])
    return found


class _Stems(dict[str, str]):
    """Words with their stems. It remembers: a language's frequent words are most of every text."""

    def __init__(self, algorithm: str) -> None:
        super().__init__()
        self._stem_word: Callable[[str], str] = snowballstemmer.stemmer(algorithm).stemWord  # pyright: ignore

    def __missing__(self, word: str) -> str:
        if len(self) > _MAX_STEMS:
            self.clear()
        word = word[:_MAX_TOKEN]
        folded = _fold(self._stem_word(word.replace("’", "'"))).replace("'", "")
        stem = folded or word.replace("'", "").replace("’", "") or "_"
        stem = self[word] = sys.intern(stem)
        return stem


def _fold(word: str) -> str:
    """`café` as `cafe`: people leave accents out when they ask."""
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


@lru_cache(50_000)
def _folded(word: str) -> str:
    return _fold(word).replace("’", "").replace("'", "").replace("ß", "ss")


@lru_cache
def _stems(algorithm: str) -> _Stems:
    return _Stems(algorithm)


@lru_cache
def _stop_words(language: str) -> frozenset[str]:
    """Of a language; of all where it is not known, or is one without a list."""
    known = STOP_WORDS.get(language)
    return known if known is not None else frozenset[str]().union(*STOP_WORDS.values())


@lru_cache
def _stemmed_stop_words(language: str) -> frozenset[str]:
    return frozenset(token for word in _stop_words(language) for token in tokens(word, language))
