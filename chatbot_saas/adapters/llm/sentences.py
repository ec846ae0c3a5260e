"""Which sentences of the passages answer a question, by the words they share. Pure; milliseconds for five passages.

A sentence's score is the share of the question's terms that it has, each weighted by how rare it is among the
sentences (the inverse document frequency of BM25). What follows a heading or a question inherits part of its score,
since a heading holds the words and the next sentence the answer.
"""

# snowballstemmer is untyped:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import math
import re
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import snowballstemmer

from chatbot_saas.adapters.llm import Passage
from chatbot_saas.adapters.llm.languages import STEMMERS, STOP_WORDS
from chatbot_saas.core.text import split_sentences

_WORD = re.compile(r"[^\W_]+")
# Scripts that are written without spaces: pairs of neighbours stand for words.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_NUMBER_ASKED = re.compile(
    r"how (?:many|much|long|old|often|far|soon)|what time|when\b|wie ?viel|wie (?:lange|oft|weit)|wann\b"
    r"|combien|quand\b|cu[aá]nt|cu[aá]ndo|quant[ioea]\b|quando\b|hoeveel|wanneer|[多几何]",
    re.IGNORECASE,
)
_ENDING = re.compile(r"[.!?…。！？:;][\"'”’»)\]」』]*$")
_MARKER = re.compile(r"^(?:#{1,6}\s+|[-*+•‣◦▪–>|]\s+|\(?\d{1,2}[.)]\s+)+")

MOST_SENTENCES = 4
MOST_OF_FIRST = 2
MOST_CHARACTERS = 900
WORTH = 0.65  # of the best one's score, for a further sentence
_PREFIX = 3  # letters that a word shares with its stem in these languages; saves stemming what cannot match
_PART_OF_COMPOUND = 0.6
_LEAST_COMPOUND = 5  # letters
_MAX_SENTENCES = 400  # considered in all


@dataclass(frozen=True, slots=True)
class Sentence:
    number: int
    """Of its passage."""
    position: int
    """Its place in the passage, 0 the first."""
    text: str
    announces: bool = False
    """It is a heading or a question: an answer follows, and this is none."""
    score: float = 0.0


def sentences_of(passages: Sequence[Passage]) -> list[Sentence]:
    """What could be quoted, in order and without repetitions (neighbouring passages overlap)."""
    found: list[Sentence] = []
    seen: set[str] = set()
    for passage in passages:
        spans = split_sentences(passage.text)
        only = len([start for start, _ in spans if start >= passage.answer_begins]) == 1
        for position, (start, end) in enumerate(spans):
            text = _MARKER.sub("", " ".join(passage.text[start:end].split()))
            if text and text not in seen and len(found) < _MAX_SENTENCES:
                seen.add(text)
                asks = start < passage.answer_begins
                answers = only and passage.answer_begins > 0  # however short it is
                found.append(Sentence(passage.number, position, text, asks or (introduces(text) and not answers)))
    return found


def scored(question: str, sentences: Sequence[Sentence], language: str) -> list[Sentence]:
    """The same sentences with scores: about 1 for one that has every term of the question, 0 for one that has none."""
    asked = _question_terms(question, language)
    matches = [_matches(sentence.text, asked, language) for sentence in sentences]
    having = Counter(term for match in matches for term in match)
    weights = {term: math.log(1 + (len(sentences) - having[term] + 0.5) / (having[term] + 0.5)) for term in asked}
    total = sum(weights.values()) or 1.0
    wants_number = _NUMBER_ASKED.search(question) is not None
    result: list[Sentence] = []
    inherited = 0.0
    rank = {number: place for place, number in enumerate(dict.fromkeys(s.number for s in sentences))}
    for sentence, match in zip(sentences, matches, strict=True):
        if sentence.position == 0:
            inherited = 0.0
        words = sum(weights[term] * strength for term, strength in match.items()) / total
        score = (0.2 if sentence.announces else 1.0) * (words + inherited)
        if score and wants_number and any(letter.isdigit() for letter in sentence.text):
            score += 0.15
        if score:
            score += 0.1 / (1 + rank[sentence.number])  # passages come best first
        result.append(replace(sentence, score=score))
        inherited = 0.7 * (words + inherited) if sentence.announces else 0.25 * words
    return result


def best(sentences: Sequence[Sentence], most_characters: int = MOST_CHARACTERS) -> list[Sentence]:
    """The few worth quoting, in the order of the passages; the first ones of the first passage if none has a score."""
    chosen: list[Sentence] = []
    room = min(most_characters, MOST_CHARACTERS)
    if all(sentence.score <= 0 for sentence in sentences):
        first = [sentence for sentence in sentences if sentence.number == sentences[0].number]
        sentences = [replace(sentence, score=1.0) for sentence in first if not sentence.announces][:MOST_OF_FIRST]
    for sentence in sorted(sentences, key=lambda sentence: -sentence.score):
        enough = len(chosen) == MOST_SENTENCES or (chosen and sentence.score < WORTH * chosen[0].score)
        if enough or sentence.score <= 0:
            break
        if len(sentence.text) <= room or not chosen:
            chosen.append(sentence)
            room -= len(sentence.text)
    order = {id(sentence): place for place, sentence in enumerate(sentences)}
    return sorted(chosen, key=lambda sentence: order[id(sentence)])


def introduces(text: str) -> bool:
    """Headings and questions announce an answer and are none."""
    return text.rstrip("\"'”’»)]").endswith(("?", "？", ":")) or (len(text) < 80 and not _ENDING.search(text))


def _terms(text: str) -> list[str]:
    """Words, and pairs of neighbours in scripts without spaces."""
    folded = text.casefold()
    terms: list[str] = []
    for run in _UNSPACED.findall(folded):
        terms += [run[place : place + 2] for place in range(max(1, len(run) - 1))]
    return terms + _WORD.findall(_UNSPACED.sub(" ", folded))


def _question_terms(question: str, language: str) -> dict[str, str]:
    """Stem -> word of what is asked; a question of stop words alone keeps them."""
    terms = _terms(question)
    said = [term for term in terms if term not in STOP_WORDS.get(language, frozenset())] or terms
    return {_stem(term, language): term for term in said}


def _matches(text: str, asked: dict[str, str], language: str) -> dict[str, float]:
    """How well each term of the question is found in the text: 1, or less where it is a part of a longer word."""
    starts = {word[:_PREFIX] for word in asked.values()}
    found: dict[str, float] = {}
    for word in set(_terms(text)):
        if word[:_PREFIX] not in starts:
            continue
        stem = _stem(word, language)
        for term in asked:
            shorter, longer = sorted((term, stem), key=len)
            if stem == term:
                found[term] = 1.0
            elif len(shorter) >= _LEAST_COMPOUND and longer.startswith(shorter):
                found[term] = max(found.get(term, 0.0), _PART_OF_COMPOUND)
    return found


class _Stemmers(threading.local):
    """A stemmer keeps the word that it works on, so that each thread needs its own."""

    def __init__(self) -> None:
        self.by_language = {language: snowballstemmer.stemmer(name) for language, name in STEMMERS.items()}


_stemmers = _Stemmers()


@lru_cache(50_000)
def _stem(word: str, language: str) -> str:
    stemmer = _stemmers.by_language.get(language)
    return str(stemmer.stemWord(word)) if stemmer else word
