"""Ranks candidates by words and by meaning together, and makes passages of them. Pure.

Words are scored as by BM25 (Robertson and Zaragoza 2009). Both scores are brought to 0..1 and combined by a weight that
says how far the embedder can be trusted in the question's language: unlike a fusion of ranks, this keeps by how much
one passage is better than the next (Bruch, Gai and Ingber 2023).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
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


def fuse(candidates: Candidates, weight: float) -> list[Found]:
    """The candidates as passages, best first, each its own."""
    if not candidates.items:
        return []
    words = _by_words(candidates)
    lexical = _ranks({item.row.chunk_id: said.score for item, said in zip(candidates.items, words, strict=True)})
    vectors = _ranks({item.row.chunk_id: item.similarity or 0.0 for item in candidates.items})
    best_words = max(said.score for said in words)
    similarities = [item.similarity for item in candidates.items if item.similarity is not None]
    floor, top = (min(similarities), max(similarities)) if similarities else (0.0, 0.0)
    if not similarities:
        weight = 0.0
    found: list[Found] = []
    for item, said in zip(candidates.items, words, strict=True):
        near = (item.similarity - floor) / (top - floor) if item.similarity is not None and top > floor else 0.0
        score = weight * near + (1 - weight) * (said.score / best_words if best_words else 0.0)
        found.append(_found(item, said, score, vectors, lexical))
    return sorted(found, key=lambda passage: (-passage.score, passage.chunk_id))


def _found(
    item: Candidate, said: _Words, score: float, vectors: dict[object, int], lexical: dict[object, int]
) -> Found:
    row = item.row
    return Found(
        **{name: getattr(row, name) for name in _COLUMNS},
        score=score,
        vector_score=item.similarity,
        lexical_score=said.score or None,
        coverage=said.coverage,
        vector_rank=vectors[row.chunk_id] if item.similarity is not None else None,
        lexical_rank=lexical[row.chunk_id] if said.score else None,
        parts=(Part(row.chunk_id, 0, len(row.text)),),
        matched=said.matched,
    )


_COLUMNS = (
    "chunk_id document_id source_id title url text start page pages headings tokens question end ordinal".split()  # noqa: SIM905
)


def _ranks(scores: dict[object, float]) -> dict[object, int]:
    ordered = sorted(scores, key=lambda key: (-scores[key], key))  # pyright: ignore[reportArgumentType]
    return {key: rank for rank, key in enumerate(ordered, start=1)}


def _by_words(candidates: Candidates) -> list[_Words]:
    weights = term_weights(candidates)
    total = sum(weights) or 1.0
    length = sum(item.row.tokens for item in candidates.items) / len(candidates.items) or 1.0
    result: list[_Words] = []
    for item in candidates.items:
        lengthened = K1 * (1 - B + B * item.row.tokens / length)
        score = 0.0
        matched: list[float] = []
        for place, weight in enumerate(weights):
            strength = _strength(item, place)
            held = strength if strength < 1 else item.exact[place] * (1 + K1) / (item.exact[place] + lengthened)
            score += weight * held
            matched.append(strength)
        covered = sum(weight * strength for weight, strength in zip(weights, matched, strict=True))
        result.append(_Words(score, tuple(matched), covered / total))
    return result


def _strength(item: Candidate, place: int) -> float:
    if item.exact[place]:
        return 1.0
    if item.part[place]:
        return PART
    return SOUND if item.sound[place] else 0.0


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


def distinct(found: Sequence[Found], most: int) -> list[Found]:
    """The first `most` of which none says nearly the same as a better one; texts that differ in a number differ."""
    kept: list[tuple[Found, frozenset[str], list[str]]] = []
    for passage in found:
        words, numbers = _shingles(passage.text), sorted(_NUMBERS.findall(passage.text))
        if not any(numbers == other and _alike(words, known) for _, known, other in kept):
            kept.append((passage, words, numbers))
            if len(kept) == most:
                break
    return [passage for passage, _, _ in kept]


def _shingles(text: str) -> frozenset[str]:
    words = text.casefold().split()
    if len(words) * 12 < len(text):  # a script without spaces
        signs = "".join(words)
        return frozenset(signs[place : place + 4] for place in range(max(1, len(signs) - 3)))
    return frozenset(" ".join(words[place : place + 3]) for place in range(max(1, len(words) - 2)))


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    fewer, more = sorted((len(one), len(other)))
    if fewer < _NEARLY * more:
        return False
    shared = len(one & other)
    return shared >= _NEARLY * (fewer + more - shared)


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
