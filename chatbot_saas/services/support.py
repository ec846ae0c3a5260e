"""Which span of the passages supports a sentence of an answer: words, figures and names are compared, without a model.

A span is one to three neighbouring sentences of a passage. It supports a sentence if it holds enough of its words
(weighted by how rare they are in the passages), every figure and code, and does not contradict it
(services.contradictions). What this cannot tell is what only a synonym says.

Of an answer in another language or script words cannot tell. Its sentences count as supported by the passage that their
mark names (without one: that shares a figure or code), unless a figure or code does not occur there.
"""

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from chatbot_saas.adapters.llm.languages import guess_language
from chatbot_saas.schemas.chat import Citation, SentenceProof
from chatbot_saas.services.contradictions import CONTRADICTED, contradiction, lacks
from chatbot_saas.services.figures import figures, values
from chatbot_saas.services.overlap import light_words, like, words_of
from chatbot_saas.services.questions import answer_begins
from chatbot_saas.services.readings import Clause, Reading, clauses_of, reading_of, words_said
from chatbot_saas.services.retrieval import Found
from chatbot_saas.services.roles import FREE_ORDER
from chatbot_saas.services.spans import MOST_SENTENCES, Said, Unit, shares
from chatbot_saas.services.statements import MAY_END, plain, sentences_of
from chatbot_saas.services.text_fragments import link_to

MAX_QUOTE = 400
CANDIDATES = 8
"""Sentences of the passages around which spans are looked at, for each sentence of an answer."""
BEHIND = 10
"""Characters that an answer goes on after a sentence, mark and all, before that is looked at."""
ENOUGH, ENOUGH_WIDE = 0.5, 0.42
"""In scripts without spaces, where a rewording shares fewer pairs of signs."""
UNKNOWN = 0.45
PAIR = 0.2
WORTH_A_LOOK = 0.25
ECHO = 0.5
NAME = 0.2
LONGER = 0.03
JUDGED = 8
VETO = 0.95
"""Of the best share: so much held and contradicted speaks for its sentences in other spans, too."""
FIGURE = 1.0
BOUND = 0.4
_TABLE_HEAD = re.compile(r"^(\|.+)\n\|[\s:|-]+$", re.MULTILINE)
_MARK = re.compile(r"\[(\d{1,2})\]")
_NAME = re.compile(r"(?<=[a-zà-ÿ,;)\d] )[A-ZÀ-Þ][a-zà-ÿ]{2,}")
"""A capital letter within a sentence. Not told for languages that write every noun so."""
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Support:
    """Of one sentence. Where nothing supports it, `supported` is False and the rest is empty."""

    supported: bool
    score: float = 0.0
    """From 0 to 1, comparable within one prover."""
    passage: int | None = None
    """Its number, from 1, as in the prompt."""
    begin: int = 0
    end: int = 0
    """Offsets of the span in the passage's text: `begin`, `end`."""
    reason: str = ""
    """Why not, for tests and traces: words, figure, code, count, denied, roles."""


@dataclass(frozen=True, slots=True)
class Proof:
    sentences: list[SentenceProof]
    """Those that state something, in order."""
    citations: list[Citation]
    documents: dict[int, str] = field(default_factory=dict[int, str])
    """The document of each citation, by its number; see services.citations."""

    @property
    def holds(self) -> bool:
        """Whether every sentence that states something is supported."""
        return all(sentence.supported for sentence in self.sentences)


class Prover:
    """Proves answers from the passages of one turn. Prepare it while the model is asked: that is most of its time."""

    def __init__(self, passages: Sequence[Found], question: str, language: str) -> None:
        """`language`: the bot's, or `auto`."""
        self._passages = list(passages)
        self._language = language
        self._light = light_words(language)
        self._free_order = language in FREE_ORDER
        self._asked = frozenset(words_of(question, language)) - self._light
        self._units: list[Unit] = []
        self._readings: list[tuple[int, Reading]] = []
        """With the place of its first unit."""
        self._frames: list[frozenset[str]] = []
        self._frame_codes: list[frozenset[str]] = []
        self._texts: list[str] = []
        self._held_by: dict[str, list[int]] = {}
        """By word, as `_holders` found it: of each sentence it is asked for twice."""
        self._proved_before: dict[str, Support] = {}
        """By sentence."""
        self._whole = self._looked = 0
        """Of an answer that is followed: up to where it is proved, and was looked at for ends of sentences."""
        for number, passage in enumerate(self._passages):
            frame = " ".join([passage.title, *passage.headings])
            heads = " ".join(_TABLE_HEAD.findall(passage.text)) if "|" in passage.text else ""
            self._frames.append(words_said(f"{frame} {heads}", language)[0])
            self._frame_codes.append(figures(frame).codes)
            self._texts.append(f"{frame}\n{passage.text}")
            reading = reading_of(passage.text, answer_begins(passage.question), language)
            self._readings.append((len(self._units), reading))
            self._units += [Unit(number, *line[:4]) for line in reading.lines]

    def _holders(self, word: str) -> list[int]:
        """The places of the units that hold it."""
        if word not in self._held_by:
            places = [first + place for first, reading in self._readings for place in reading.holders(word)]
            self._held_by[word] = places
        return self._held_by[word]

    def _like(self, word: str) -> list[tuple[str, float]]:
        """Words of the passages that say the same; see Vocabulary."""
        return like(word, [reading.vocabulary for _, reading in self._readings])

    def sentence(self, text: str) -> Support:
        """Whether the passages support one sentence of an answer, which may hold marks and Markdown."""
        if text not in self._proved_before:
            self._proved_before[text] = self._supported(text)
        return self._proved_before[text]

    def _supported(self, text: str) -> Support:
        said = self._said(text)
        best = self._best(said)
        if best.supported or not self._is_foreign(said, best):
            return best
        return self._by_mark(said) or best

    def follow(self, answer: str) -> None:
        """Prove what is whole of an answer that still grows: at its end only the last sentence is left to do."""
        until = len(answer) - BEHIND
        if until <= self._looked or not MAY_END.search(answer, self._looked, until):
            return
        self._looked = until
        for start, end, states in sentences_of(answer, final=False):
            if start >= self._whole:
                self._whole = end
                if states:
                    self.sentence(answer[start:end])

    def prove(self, answer: str) -> Proof:
        """Every sentence that states something, and a citation for each passage that the answer rests on.

        An answer that names no passage, and that none supports, rests on the first.
        """
        spans: dict[int, list[tuple[float, int, int]]] = {}
        sentences: list[SentenceProof] = []
        named: set[int] = set()
        for start, end, states in sentences_of(answer):
            text = answer[start:end]
            named.update(self._marks(text))
            if not states:
                continue
            support = self.sentence(text)
            if support.supported and support.passage:
                spans.setdefault(support.passage, []).append((support.score, support.begin, support.end))
            sentences.append(self._proved(start, end, support))
        numbers = sorted(named | spans.keys()) or ([1] if self._passages else [])
        citations = [self._citation(number, spans.get(number), answer) for number in numbers]
        documents = {number: str(self._passages[number - 1].document_id) for number in numbers}
        return Proof(sentences, citations, documents)

    def _marks(self, text: str) -> list[int]:
        found = dict.fromkeys(int(number) for number in _MARK.findall(text))
        return [number for number in found if 1 <= number <= len(self._passages)]

    def _said(self, text: str) -> Said:
        bare = plain(text)
        weights: dict[str, float] = {}
        like: defaultdict[str, dict[str, float]] = defaultdict(dict)
        total = len(self._units)
        most = math.log(1 + total)
        for word in dict.fromkeys(words_of(bare, self._language)):
            if word in self._light or word.isdigit():
                continue
            alike = self._like(word)
            holders = sum(len(self._holders(other)) for other, _ in alike)
            weight = math.log(1 + total / holders) if holders else UNKNOWN * most
            weight *= ECHO if word in self._asked and not holders else 1.0
            weights[word] = weight * (PAIR if len(word) > 1 and word[0] >= "\u3040" else 1.0)
            for other, share in alike:
                like[other][word] = share
        found = figures(bare)
        for figure in found.numbers:
            weights[f"#{figure.start}"] = FIGURE * most
        names = _NAME.findall(bare)
        if names and guess_language(bare) == "de":
            names = []
        return Said(bare, weights, like, clauses_of(bare, self._language), found, self._marks(text), names)

    # --- by words

    def _best(self, said: Said) -> Support:
        best = Support(supported=False, reason="words")
        best_worth = -1.0
        spans = self._spans(said)
        ranked = list(zip(shares(said, spans, self._frames), spans, strict=True))
        ranked.sort(key=lambda pair: len(pair[1]) * LONGER - pair[0])
        enough = ENOUGH_WIDE if _WIDE.search(said.text) else ENOUGH
        against: set[Unit] = set()
        for share, units in ranked[:JUDGED]:
            score, reason = self._judge(said, units, share)
            if reason in CONTRADICTED and share >= VETO * ranked[0][0]:
                against.update(units)
            elif not against.isdisjoint(units):
                continue
            worth = score - LONGER * len(units) + (0.05 if units[0].passage + 1 in said.marks else 0.0)
            supported = not reason and score >= enough
            if (supported, worth) > (best.supported, best_worth):
                best_worth = worth
                begin, end = units[0].begin, units[-1].end
                best = Support(
                    supported, score, units[0].passage + 1, begin, end, reason or ("" if supported else "words")
                )
        return best

    def _spans(self, said: Said) -> list[list[Unit]]:
        """One to three neighbouring sentences, around those that share most with what was said."""
        shared: defaultdict[int, float] = defaultdict(float)
        for other, of in said.like.items():
            worth = max(said.weights[word] * share for word, share in of.items())
            for number in self._holders(other):
                shared[number] += worth
        around = sorted(shared, key=lambda number: -shared[number])[:CANDIDATES]
        spans: dict[tuple[int, int], list[Unit]] = {}
        for number in around:
            for size in range(1, MOST_SENTENCES + 1):
                for first in range(max(0, number - size + 1), number + 1):
                    units = self._units[first : first + size]
                    if len(units) == size and units[0].passage == units[-1].passage:
                        spans[first, size] = units
        return list(spans.values())

    def _judge(self, said: Said, units: list[Unit], score: float) -> tuple[float, str]:
        """How well the span supports the sentence, and what speaks against it. `score`: what `shares` gives."""
        if score < WORTH_A_LOOK:
            return score, "words"
        parts = [self._clauses_of(unit) for unit in units]
        clauses = [clause for part in parts for clause in part]
        if reason := lacks(said.figures, clauses, self._frame_codes[units[0].passage]) or contradiction(
            said.clauses, parts, said.like, said.weights, free_order=self._free_order
        ):
            return score, reason
        score = (1 - BOUND) * score + BOUND * self._bound(said, clauses)
        return score - NAME * any(name not in self._texts[units[0].passage] for name in said.names), ""

    def _clauses_of(self, unit: Unit) -> tuple[Clause, ...]:
        return clauses_of(self._passages[unit.passage].text[unit.begin : unit.end], self._language)

    def _bound(self, said: Said, clauses: list[Clause]) -> float:
        """How much of what is said together stands together."""
        total = bound = 0.0
        for mine in said.clauses:
            weight = sum(said.weights.get(word, 0.0) for word in mine.words) + len(mine.figures.numbers)
            best = 0.0
            for theirs in clauses:
                held = said.holds(theirs.words)
                worth = sum(said.weights[word] * share for word, share in held.items() if word in mine.words)
                worth += sum(not figure.values.isdisjoint(theirs.values) for figure in mine.figures.numbers)
                differs = (theirs.denied and not mine.hinted) or (mine.denied and not theirs.hinted)
                best = max(best, 0.0 if differs else worth)
            total, bound = total + weight, bound + best
        return bound / total if total else 0.0

    # --- where words cannot tell

    def _is_foreign(self, said: Said, best: Support) -> bool:
        """Whether the sentence is in another language than the passages, so that words cannot tell."""
        if best.reason != "words" or best.score >= WORTH_A_LOOK or not self._passages:
            return False
        wide = _WIDE.search(said.text) is not None
        numbers = said.marks or range(1, len(self._passages) + 1)
        texts = [self._passages[number - 1].text[:600] for number in numbers]
        if all((_WIDE.search(text) is not None) != wide for text in texts):
            return True
        spoken = guess_language(said.text)
        return all(guess_language(text) != spoken for text in texts)

    def _by_mark(self, said: Said) -> Support | None:
        """The passage that the mark names, or that shares most figures and codes; None if one of them is not there."""
        best: Support | None = None
        for number in said.marks or range(1, len(self._passages) + 1):
            whole = figures(self._texts[number - 1])
            known = values(whole.numbers)
            if said.figures.codes - whole.codes or any(f.values.isdisjoint(known) for f in said.figures.numbers):
                continue
            begin, end, shared = self._closest(said, number - 1)
            if (said.marks or shared) and (best is None or shared > best.score):
                best = Support(True, shared, number, begin, end)
        return best

    def _closest(self, said: Said, passage: int) -> tuple[int, int, float]:
        """The sentence of a passage that shares most figures and codes; the first one if none does."""
        wanted = values(said.figures.numbers) | said.figures.codes
        best, most = (0, len(self._passages[passage].text)), -1.0
        for unit in self._units:
            if unit.passage == passage:
                shared = len({v for c in self._clauses_of(unit) for v in (c.values | c.figures.codes) & wanted})
                if shared > most:
                    best, most = (unit.begin, unit.end), float(shared)
        return *best, max(0.0, most)

    # --- what it becomes

    def _proved(self, start: int, end: int, support: Support) -> SentenceProof:
        if not support.supported or support.passage is None:
            return SentenceProof(start=start, end=end, supported=False)
        passage = self._passages[support.passage - 1]
        return SentenceProof(
            start=start,
            end=end,
            supported=True,
            source=support.passage,
            quote=passage.text[support.begin : min(support.end, support.begin + MAX_QUOTE)],
            quote_start=passage.start + support.begin,
            page=passage.page_at(support.begin),
        )

    def _citation(self, number: int, spans: list[tuple[float, int, int]] | None, answer: str) -> Citation:
        passage = self._passages[number - 1]
        begin, end = self._stretch(number - 1, spans) if spans else self._most_alike(number - 1, answer)
        quote = passage.text[begin : min(end, begin + MAX_QUOTE)]
        return Citation(
            number=number,
            title=passage.title,
            page=passage.page_at(begin),
            url=passage.url or None,
            quote=quote,
            start=passage.start + begin,
            link=link_to(passage.url, quote),
            attachment=passage.attachment,
        )

    def _most_alike(self, passage: int, answer: str) -> tuple[int, int]:
        """The sentence of a passage that shares most with the answer, and less with the question."""
        said = frozenset(words_of(plain(answer), self._language))
        best, most = (answer_begins(self._passages[passage].question), len(self._passages[passage].text)), -1.0
        for unit in self._units:
            if unit.passage == passage:
                shared = len(unit.words & said) + 0.5 * len(unit.words & self._asked)
                if (worth := shared / (unit.length + 4) ** 0.5) > most:
                    best, most = (unit.begin, unit.end), worth
        return best

    def _stretch(self, passage: int, spans: list[tuple[float, int, int]]) -> tuple[int, int]:
        """The span of a passage that supports best, with the others as far as only space lies between: a heading that
        was said first is no place to look at when the sentences below it were said, too. Within MAX_QUOTE.

        What is less about the question is no beginning, though: there the source opens.
        """
        text = self._passages[passage].text
        about = {span: self._about(passage, *span[1:]) for span in spans}
        # of those that support alike, the one that is most about the question, then the one that was said first
        best = max(spans, key=lambda span: (round(span[0], 2), about[span]))
        _, begin, end = best
        for _ in spans:
            for span in spans:
                _, first, last = span
                apart = text[min(last, end) : max(first, begin)].strip()
                if first < begin and about[span] < about[best]:
                    continue
                if not apart and max(last, end) - min(first, begin) <= MAX_QUOTE:
                    begin, end = min(first, begin), max(last, end)
        return begin, end

    def _about(self, passage: int, begin: int, end: int) -> int:
        """How many words of the question a span holds."""
        inside = (unit.words for unit in self._units if unit.passage == passage and begin <= unit.begin < end)
        return len(self._asked & frozenset[str]().union(*inside))
