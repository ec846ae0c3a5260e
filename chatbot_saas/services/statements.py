"""The sentences of an answer, whole or still growing, and which of them state something.

Answers are Markdown: list items and table rows are sentences of their own, and marks like [1] behind the full stop
belong to the sentence before them. How a sentence ends is told from the text before it and the few characters behind
it, never from later ones, so that a growing answer is cut in the same places as the whole one.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from chatbot_saas.core.text import split_sentences
from chatbot_saas.services.figures import MARK

_AHEAD = 4
"""Characters behind a sentence that decide whether it has ended; a mark takes up to that many."""
MAY_END = re.compile(r"[.!?…。！？|\n]")
"""Where no sentence has ended, one of these is missing."""
_AFTER_STOP = re.compile(r"([.!?…])[\"'”’»)*_]*(?:[ \t]?\[\d{1,2}\])+[.*_]*")
_AFTER_WIDE_STOP = re.compile(r"([。！？])[」』）”’】》*]*(?:[ \t]?\[\d{1,2}\])+[。*]*")
_MARKDOWN = re.compile(r"[*_~`]")
_MARKS_ONLY = re.compile(r"[\s.,;*_]*(?:\[\d{1,2}\][\s.,;*_]*)+")
_BEGINS_MARK = re.compile(r"(?:\[\d{1,2}\]\s*)*(?:\[\d{0,2}\]?)?\s*")
_PREFIX = re.compile(r"[ \t]*(?:>[ \t]?)*(?:(?:[-+•–]|\*(?!\*)|\d{1,3}[.)])[ \t]+)?(?:\[[ x]\][ \t]+)?")
_ITEM = re.compile(r"[ \t]*(?:>|(?:[-+•–]|\*(?!\*)|\d{1,3}[.)])[ \t])")
_HEADING = re.compile(r"[ \t]*#{1,6}[ \t]")
_RULE = re.compile(r"[ \t]*(?:[-*_=][ \t]*){3,}$")
_DIVIDER = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_BOLD_LINE = re.compile(r"\s*(?:\*\*|__)[^*_]+(?:\*\*|__)\s*$")
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_CONTENT = re.compile(r"[^\W_]")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_SAYS_NOTHING = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|day|evening)|sure|certainly|of course|great question|yes|no|okay|ok|thank|"
    r"thanks|you(?:'|’)re welcome|sorry|unfortunately|i hope|hope this|let me know|feel free|please (?:let|feel|"
    r"contact us if|ask)|if you (?:have|need) (?:any )?(?:more|other|further)|here (?:is|are|'s)|"
    r"in (?:short|summary)|hallo|guten (?:tag|morgen|abend)|gerne?|"
    r"natürlich|selbstverständlich|ja|nein|danke|leider|ich hoffe|wenn sie "
    r"(?:noch )?weitere fragen|bei (?:weiteren )?fragen|melden sie sich gern|hier (?:ist|sind)|"
    r"bonjour|bonsoir|bien sûr|oui|non|merci|désolée?|malheureusement|j(?:'|’)espère|n(?:'|’)hésitez pas|voici|"
    r"hola|buenos días|claro|por supuesto|sí|gracias|lo siento|espero|no dude|no dudes|aquí (?:está|tiene)|"
    r"您好|你好|好的|当然|是的|不是|谢谢|抱歉|很抱歉|希望|如果您?还?有|如有|こんにちは|はい|いいえ|もちろん)"
    r"(?!\w)",
    re.IGNORECASE,
)
_REFUSES = re.compile(
    r"\b(?:sources|passages|documents?|information|excerpts?) (?:provided )?"
    r"(?:do(?:es)? not|don(?:'|’)t|doesn(?:'|’)t)|"
    r"\bi (?:could|can|do|did)(?:n(?:'|’)t| ?not) (?:find|know|have|tell|say|help)|\bi(?:'|’)m (?:not sure|sorry)|"
    r"\bnot (?:mentioned|stated|found|said) in the (?:sources|passages|documents?)|"
    r"\b(?:quellen|unterlagen|textstellen|dokumente?n?)\b.{0,20}\b(?:nicht|keine?n?)\b|\b(?:dazu|darüber) "
    r"(?:weiß ich|finde ich|habe ich|steht) (?:nichts|nicht|keine)|\bich (?:weiß|konnte|kann|habe) (?:es |das |dazu |"
    r"leider )?(?:nicht|keine|nichts)|"
    r"\bles? (?:sources|documents?|passages) ne\b|\bje (?:ne|n(?:'|’)ai)\b|\blas? (?:fuentes|documentos) no\b|"
    r"\bno (?:sé|encuentro|encontré|tengo)\b|资料(?:中|里)?(?:没|未|并)|我(?:不知道|没有找到|无法)|わかりません",
    re.IGNORECASE,
)
_SHORT = 60
"""Characters: a longer sentence that begins with a pleasantry goes on to state something."""
_SHORT_WIDE = 14


class Sentence(NamedTuple):
    start: int
    """Offsets in the answer, in characters; bullets are left out, marks behind the full stop are in."""
    end: int
    states_something: bool


def sentences_of(answer: str, *, final: bool = True) -> Iterator[Sentence]:
    """The sentences in order. `final=False`: the answer still grows, so only those come that are surely complete.

    For a growing text call it again with all of the text: what was given before is given again, the same. Between two
    sentences stand only white space, bullets and fences, which belong to the one after them.
    """
    held: Sentence | None = None
    for sentence in _pieces(answer):
        if held and _MARKS_ONLY.fullmatch(answer, sentence.start, sentence.end):
            held = held._replace(end=sentence.end)
            continue
        if held:
            if not final and not _is_settled(answer, held, sentence.start):
                return
            yield held
        held = sentence
    if held and final:
        yield held


def _is_settled(answer: str, sentence: Sentence, following: int) -> bool:
    """Whether nothing that comes after the text so far can change where the sentence ends or what it is."""
    if "|" in answer[sentence.start : sentence.end] and answer.find("\n", following) < 0:
        return False  # the line below may make it the head of a table
    ahead = answer[following:]
    return len(ahead) >= _AHEAD and not _BEGINS_MARK.fullmatch(ahead)


def plain(text: str) -> str:
    """Without marks, emphasis, bullets and links' addresses, for comparing words."""
    text = re.sub(r"\]\([^)\s]*\)", "]", MARK.sub(" ", text))
    return _PREFIX.sub("", re.sub(r"\*+|~~|`+|(?<!\w)_+|_+(?!\w)", "", text), count=1)


def _pieces(answer: str) -> Iterator[Sentence]:
    lines = _lines(answer)
    number, fenced = 0, False
    while number < len(lines):
        start, end = lines[number]
        line = answer[start:end]
        number += 1
        if _FENCE.match(line):
            fenced = not fenced
            continue
        if not line.strip() or _RULE.match(line) or _DIVIDER.match(line):
            continue
        begin = start + len(_found(_PREFIX, line))
        if "|" in line and line.count("|") > 1:
            heads = number < len(lines) and _DIVIDER.match(answer[slice(*lines[number])]) is not None
            yield _sentence(answer, begin, end, fenced or heads)
            continue
        if fenced or _HEADING.match(line) or _BOLD_LINE.match(line):
            yield _sentence(answer, begin, end, True)
            continue
        while number < len(lines) and _goes_on(answer, end, *lines[number]):
            end = lines[number][1]
            number += 1
        for first, last in split_sentences(_masked(answer[begin:end])):
            yield _sentence(answer, begin + first, begin + last, False)


def _lines(answer: str) -> list[tuple[int, int]]:
    ends = [match.start() for match in re.finditer(r"\n", answer)] + [len(answer)]
    return list(zip([0, *[end + 1 for end in ends[:-1]]], ends, strict=True))


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text)
    return found.group() if found else ""


def _goes_on(answer: str, end: int, start: int, stop: int) -> bool:
    """Whether the line answer[start:stop] goes on with the sentence at whose end a line was broken."""
    line = answer[start:stop].strip()
    if not line or _ITEM.match(line) or _HEADING.match(line) or line.startswith("|") or _FENCE.match(line):
        return False
    return line[0].islower() or answer[:end].rstrip().endswith((",", ";", "-"))


def _masked(text: str) -> str:
    """Of the same length, without what hides the end of a sentence: line breaks, emphasis, marks behind the stop."""
    text = _AFTER_STOP.sub(lambda m: m[1] + '"' * (len(m[0]) - 1), text.replace("\n", " "))
    text = _AFTER_WIDE_STOP.sub(lambda m: m[1] + "”" * (len(m[0]) - 1), text)
    return _MARKDOWN.sub('"', text)


def _sentence(answer: str, start: int, end: int, is_frame: bool) -> Sentence:
    while end > start and answer[end - 1].isspace():
        end -= 1
    return Sentence(start, end, not is_frame and states_something(answer[start:end]))


def states_something(sentence: str) -> bool:
    """Not a question, a greeting, a lead-in, a mere yes, or a word that the sources do not hold the answer."""
    words = plain(sentence).strip().rstrip("\"'”’»)」』 ")
    if not _CONTENT.search(words) or words.endswith(("?", "？", ":", "：", "؟")):
        return False
    if _REFUSES.search(words):
        return False
    says_nothing = _SAYS_NOTHING.match(words.lstrip("„\"'“«「¡¿ "))
    if not says_nothing:
        return True
    rest = words[says_nothing.end() :].strip(" ,.!;:–-，。！、")
    short = _SHORT_WIDE if _WIDE.search(words) else _SHORT
    is_answer = re.match(
        r"(?:yes|no|ja|nein|oui|non|sí|unfortunately|leider|是的|不是|はい|いいえ)", words, re.IGNORECASE
    )
    return bool(_CONTENT.search(rest)) and (is_answer is not None or len(rest) >= short or bool(re.search(r"\d", rest)))
