"""Search tokens of our own making, so that one way of searching fits every script.

Words are folded and stemmed; runs of scripts without spaces become bigrams of characters. They go into a `tsvector`
as they are (Postgres's own parser would not know them), and a question becomes an OR query over the same tokens.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache

import snowballstemmer  # pyright: ignore[reportMissingTypeStubs]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_NO_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f]+")
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
_MAX_POSITION = 16383  # of Postgres
_MAX_POSITIONS_PER_TOKEN = 255
_MAX_TOKEN = 60

STOP_WORDS = frozenset(
    """
    a an and are as at be by can could do does did for from has have how i if in is it its me my of on or our
    please so than that the their them there these they this to us was we were what when where which who why will
    with would you your about any not no also am tell
    der die das und ist sind ein eine einen einem einer ich wir ihr sie es mein meine wie was wer wo wann welche
    welcher welches kann können mit von für auf im in den dem des zu zum zur nicht auch bei
    le la les un une des et est sont je nous vous il elle que qui quoi comment quand où pour avec dans sur au aux
    du de ce cette el los las una y son yo qué cómo cuándo dónde por para con en del al se su sus
    """.split()  # noqa: SIM905  a list of quoted words is harder to read
)
"""English, German, French and Spanish words that a question is not about."""


def tokens(text: str, language: str = "auto") -> list[str]:
    """The search tokens of a text, in order, stop words included."""
    stem = _stemmer(_STEMMERS.get(language, "english"))
    text = (text if text.isascii() else unicodedata.normalize("NFKC", text)).lower()
    words: list[str] = _WORD.findall(text)
    if text.isascii() or not _NO_SPACES.search(text):
        return [stem(word[:_MAX_TOKEN]) for word in words]
    found: list[str] = []
    for word in words:
        if _NO_SPACES.search(word):
            found.extend(_mixed(word, stem))
        else:
            found.append(stem(word[:_MAX_TOKEN]))
    return found


def search_vector(text: str, language: str = "auto") -> str:
    """The text's tokens as a `tsvector` literal with positions."""
    positions: defaultdict[str, list[int]] = defaultdict(list)
    for position, token in enumerate(tokens(text, language), start=1):
        positions[token].append(position)
    return " ".join(f"'{token}':{_literal(places)}" for token, places in positions.items())


def _literal(places: list[int]) -> str:
    if len(places) == 1 and places[0] <= _MAX_POSITION:  # most words of a passage
        return str(places[0])
    return ",".join([str(min(place, _MAX_POSITION)) for place in places[:_MAX_POSITIONS_PER_TOKEN]])


def query_terms(question: str, language: str = "auto") -> list[str]:
    """What a question asks for: its tokens without stop words, each once; all of them if nothing else is left."""
    words = tokens(question, language)
    stops = _stemmed_stop_words(language)
    return list(dict.fromkeys([word for word in words if word not in stops] or words))


def search_query(terms: list[str]) -> str:
    """A `tsquery` literal that any of the terms fulfils."""
    return " | ".join(f"'{term}'" for term in terms)


def _mixed(word: str, stem: "_Stem") -> list[str]:
    """A word that holds signs of a script without spaces: those as bigrams, the rest as words."""
    found: list[str] = []
    end = 0
    for run in _NO_SPACES.finditer(word):
        if rest := word[end : run.start()]:
            found.append(stem(rest[:_MAX_TOKEN]))
        signs = run.group()
        found.extend(signs[i : i + 2] for i in range(len(signs) - 1))
        if len(signs) == 1:
            found.append(signs)
        end = run.end()
    if rest := word[end:]:
        found.append(stem(rest[:_MAX_TOKEN]))
    return found


class _Stem:
    """A stemmer that remembers: a language's frequent words are most of every text."""

    def __init__(self, algorithm: str) -> None:
        self._stem_word: Callable[[str], str] = snowballstemmer.stemmer(algorithm).stemWord  # pyright: ignore
        self._known: dict[str, str] = {}

    def __call__(self, word: str) -> str:
        stemmed = self._known.get(word)
        if stemmed is None:
            if len(self._known) > 100_000:
                self._known.clear()
            folded = _fold(self._stem_word(word.replace("’", "'"))).replace("'", "")
            stemmed = self._known[word] = folded or word.replace("'", "").replace("’", "") or "_"
        return stemmed


def _fold(word: str) -> str:
    """`café` as `cafe`: people leave accents out when they ask."""
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


@lru_cache
def _stemmer(algorithm: str) -> _Stem:
    return _Stem(algorithm)


@lru_cache
def _stemmed_stop_words(language: str) -> frozenset[str]:
    return frozenset(token for word in STOP_WORDS for token in tokens(word, language))
