"""Ranks candidates by words and by meaning together, and makes passages of them. Pure.

Words are scored as by BM25 (Robertson and Zaragoza 2009). Both scores are brought to 0..1 and combined by a weight that
says how far the embedder can be trusted in the question's language: unlike a fusion of ranks, this keeps by how much
one passage is better than the next (Bruch, Gai and Ingber 2023).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from chatbot_saas.services.candidates import BotIndex, Candidate, Candidates, Found, Part

K1, B = 0.9, 0.4
PART, SOUND = 0.6, 0.5
"""What a part of a compound, and a word that only sounds alike, is worth beside the word itself."""
UNKNOWN_PAIR = 0.3
"""What a pair of signs that no chunk holds is worth: mostly it is no word, but where two words meet."""
OWN_LANGUAGES = frozenset({"en"})
RELATED_LANGUAGES = frozenset({"de", "fr", "es", "it", "pt", "nl", "pl"})
TRUSTED, RELATED, UNTRUSTED = 0.5, 0.2, 0.15
"""Weights of vectors: of an embedder that knows the language; of an English one in other languages of Latin script, and
elsewhere, where it hardly reads the signs."""
_NUMBERS = re.compile(r"\d+")
_NEARLY = 0.9
_MOST_PARTS = 3


def is_english_only(embedder: str) -> bool:
    return embedder.startswith("minilm")


def knows(embedder: str, language: str) -> bool:
    """Whether the embedder was made for that language."""
    return not is_english_only(embedder) or language in OWN_LANGUAGES


def vector_weight(index: BotIndex, language: str) -> float:
    """Of meaning beside words, 0 to 1, for a question in `language`."""
    if index.vector_weight is not None:
        return index.vector_weight
    if knows(index.embedder, language):
        return TRUSTED
    return RELATED if language in RELATED_LANGUAGES else UNTRUSTED


@dataclass(frozen=True, slots=True)
class _Words:
    score: float
    matched: tuple[float, ...]
    coverage: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its scores. Most are looked at no further, so that a passage is made of it when asked for."""

    item: Candidate
    words: _Words
    score: float
    vector_rank: int | None
    lexical_rank: int | None

    def passage(self) -> Found:
        row = self.item.row
        return Found(
            **{name: getattr(row, name) for name in _COLUMNS},
            score=self.score,
            vector_score=self.item.similarity,
            lexical_score=self.words.score or None,
            coverage=self.words.coverage,
            vector_rank=self.vector_rank,
            lexical_rank=self.lexical_rank,
            parts=(Part(row.chunk_id, 0, len(row.text)),),
            matched=self.words.matched,
            attachment=self.item.attachment,
        )


_COLUMNS = (
    "chunk_id document_id source_id title url text start page pages headings tokens question end ordinal".split()  # noqa: SIM905
)


def fuse(candidates: Candidates, weight: float) -> list[Found]:
    """The candidates as passages, best first, each its own."""
    return [ranked.passage() for ranked in rank(candidates, weight)]


def rank(candidates: Candidates, weight: float) -> list[Ranked]:
    """The candidates, best first. `weight`: of meaning beside words."""
    if not candidates.items:
        return []
    items, words = candidates.items, _by_words(candidates)
    lexical = _ranks([(said.score or None, item) for item, said in zip(items, words, strict=True)])
    vectors = _ranks([(item.similarity, item) for item in items])
    best_words = max(said.score for said in words)
    similarities = [item.similarity for item in items if item.similarity is not None]
    floor, top = (min(similarities), max(similarities)) if similarities else (0.0, 0.0)
    if not similarities:
        weight = 0.0
    found: list[Ranked] = []
    for place, (item, said) in enumerate(zip(items, words, strict=True)):
        near = (item.similarity - floor) / (top - floor) if item.similarity is not None and top > floor else 0.0
        score = weight * near + (1 - weight) * (said.score / best_words if best_words else 0.0)
        found.append(Ranked(item, said, score, vectors.get(place), lexical.get(place)))
    return sorted(found, key=lambda ranked: (-ranked.score, ranked.item.row.chunk_id))


def _ranks(scored: list[tuple[float | None, Candidate]]) -> dict[int, int]:
    """By place in the list, of those with a score."""
    ordered = sorted(
        (-score, item.row.chunk_id, place) for place, (score, item) in enumerate(scored) if score is not None
    )
    return {place: number for number, (_, _, place) in enumerate(ordered, start=1)}


def _by_words(candidates: Candidates) -> list[_Words]:
    weights = term_weights(candidates)
    total = sum(weights) or 1.0
    length = sum(item.row.tokens for item in candidates.items) / len(candidates.items) or 1.0
    result: list[_Words] = []
    for item in candidates.items:
        lengthened = K1 * (1 - B + B * item.row.tokens / length)
        score = covered = 0.0
        matched: list[float] = []
        for weight, often, part, sound in zip(weights, item.exact, item.part, item.sound, strict=True):
            strength = 1.0 if often else PART if part else SOUND if sound else 0.0
            score += weight * (often * (1 + K1) / (often + lengthened) if often else strength)
            covered += weight * strength
            matched.append(strength)
        result.append(_Words(score, tuple(matched), covered / total))
    return result


def term_weights(candidates: Candidates, *, smoothing: int = 0) -> list[float]:
    """What each term of the question counts: how rare it is in the bot's chunks, and `smoothing` more without it."""
    weights: list[float] = []
    for term, exactly, holders in zip(candidates.terms, candidates.exact, candidates.any, strict=True):
        if holders:
            weights.append(term.weight * candidates.rarity(exactly or holders, smoothing))
        elif term.optional:
            weights.append(0.0)
        else:
            pair = len(term.token) <= 2 and not term.token.isascii()
            weights.append(term.weight * candidates.rarity(0, smoothing) * (UNKNOWN_PAIR if pair else 1.0))
    return weights


def distinct(found: Iterable[Found], most: int) -> list[Found]:
    """The first `most` of which none says nearly the same as a better one; texts that differ in a number differ."""
    kept: list[tuple[Found, _Text]] = []
    for passage in found:
        text = _Text(passage.text)
        if not any(text.is_like(known) for _, known in kept):
            kept.append((passage, text))
            if len(kept) == most:
                break
    return [passage for passage, _ in kept]


class _Text:
    """A text to be compared with others, by what differs soonest first: most need no look at their words."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._numbers = sorted(_NUMBERS.findall(text))

    def is_like(self, other: "_Text") -> bool:
        if self._numbers != other._numbers or self._spaced != other._spaced:
            return False
        # a part that only one text has is in shingles that only this one has, of which each holds `size` parts
        most_apart = self._size * (1 - _NEARLY) / _NEARLY * min(len(self._parts), len(other._parts))
        if len(self._different ^ other._different) > most_apart:
            return False
        return _overlap(self._shingles, other._shingles) >= _NEARLY

    @cached_property
    def _words(self) -> list[str]:
        return self._text.casefold().split()

    @property
    def _spaced(self) -> bool:
        return len(self._words) * 12 >= len(self._text)

    @cached_property
    def _parts(self) -> list[str]:
        return self._words if self._spaced else list("".join(self._words))

    @cached_property
    def _different(self) -> frozenset[str]:
        return frozenset(self._parts)

    @property
    def _size(self) -> int:
        """Words of a shingle, or signs of a script without spaces."""
        return 3 if self._spaced else 4

    @cached_property
    def _shingles(self) -> frozenset[tuple[str, ...]]:
        following = [self._parts[place:] for place in range(self._size)]
        return frozenset(zip(*following, strict=False)) or frozenset({tuple(self._parts)})


def _overlap(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def neighbours(found: Sequence[Found]) -> list[list[Found]]:
    """The passages in groups of those that follow each other in a document; groups by their best, each in order."""
    groups: list[list[Found]] = []
    for passage in found:
        group = next((group for group in groups if _continues(group, passage)), None)
        if group is None:
            groups.append([passage])
        else:
            group.append(passage)
            group.sort(key=lambda part: part.start)
    return groups


def _continues(group: list[Found], passage: Found) -> bool:
    first, last = group[0], group[-1]
    if passage.question or first.document_id != passage.document_id or first.question or len(group) >= _MOST_PARTS:
        return False
    return passage.ordinal in (first.ordinal - 1, last.ordinal + 1)


def gaps(group: Sequence[Found]) -> list[tuple[int, int]]:
    """Spans of the document between the passages of a group: white space, which belongs to no chunk."""
    return [(one.end, two.start) for one, two in pairwise(group) if two.start > one.end]


def joined(group: Sequence[Found], between: dict[tuple[int, int], str]) -> Found:
    """One passage of a group, exactly the document's text; `between` holds the text of its gaps."""
    best = max(group, key=lambda passage: passage.score)
    if len(group) == 1:
        return best
    first = group[0]
    text, end = first.text, first.end
    parts = [Part(first.chunk_id, 0, len(text))]
    pages = list(first.pages)
    tokens = float(first.tokens)
    for passage in group[1:]:
        if passage.start > end:
            text += between[end, passage.start]
            end = passage.start
        skip = end - passage.start
        begin = len(text)
        text += passage.text[skip:]
        end = max(end, passage.end)
        parts.append(Part(passage.chunk_id, begin, len(text), skip))
        shift = passage.start - first.start
        pages += [[number, offset + shift] for number, offset in passage.pages if offset >= skip]
        if passage.page is not None and not skip and passage.page != (pages[-1][0] if pages else first.page):
            pages.append([passage.page, shift])
            pages.sort(key=lambda mark: mark[1])
        tokens += passage.tokens * (len(passage.text) - skip) / max(1, len(passage.text))
    matched = tuple(max(each) for each in zip(*(passage.matched for passage in group), strict=True))
    return replace(
        best,
        text=text,
        start=first.start,
        end=end,
        ordinal=first.ordinal,
        page=first.page,
        pages=pages,
        tokens=round(tokens),
        coverage=max(passage.coverage for passage in group),
        parts=tuple(parts),
        matched=matched,
    )
