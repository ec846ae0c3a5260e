"""A sentence and the fact in it, turned into the question that this fact answers. Pure.

English statements of a plain build become questions as a person asks them. What is built otherwise, or is in another
language, is asked for as a gap: that is honest, and never wrong grammar.
"""

import re
from collections.abc import Callable

_DURATION = re.compile(r"(?:days?|weeks?|months?|years?|hours?|minutes?)$", re.IGNORECASE)
_MONEY = re.compile(r"[€$£]|(?:euros?|dollars?|pounds?)$", re.IGNORECASE)
_CLOCK = re.compile(r"\d{1,2}(?::\d{2}|\s?[ap]m)$", re.IGNORECASE)
_PHONE = re.compile(r"\+?\d[\d /()-]{6,}\d$")
_ASKS = {
    ("duration", "within"): "Within what time",
    ("duration", "in"): "In what time",
    ("duration", "for"): "For how long",
    ("duration", "after"): "After what time",
    ("duration", "every"): "How often",
    ("money", "for"): "For how much",
    ("money", "from"): "From what amount on",
    ("clock", "from"): "From what time",
    ("clock", "at"): "At what time",
    ("clock", "until"): "Until what time",
    ("phone", "at"): "At which number",
    ("phone", "on"): "On which number",
    ("email", "at"): "At which e-mail address",
    ("email", "to"): "To which e-mail address",
}
_SUBJECT = (
    r"(?P<subject>(?!(?:it|they|this|that|these|those|there|he|she|if|when|in|on|for|with|after|as)\b)[^,;:]{2,60}?)"
)
_STATES = re.compile(
    rf"{_SUBJECT} (?P<verb>is|are|can|must|may|will|should) (?P<rest>[^,;:]*?)\s?\b(?P<word>\w+) $", re.IGNORECASE
)
_COSTS = re.compile(rf"{_SUBJECT} (?P<verb>costs?|takes?|lasts?) $", re.IGNORECASE)
_OPENS = re.compile(rf"{_SUBJECT} (?P<verb>opens?|closes?) at $", re.IGNORECASE)
_BIDS = re.compile(
    r"(?P<verb>send|write|e-?mail|return|address) (?P<rest>[^,;:]*?)\s?\b(?P<word>to|at|within) $", re.IGNORECASE
)
_SEEN_BY_VISITORS = {
    "we": "you", "us": "you", "our": "your", "ours": "yours", "you": "I", "your": "my", "yours": "mine",
}  # fmt: skip
_GAPS = {
    "de": "Was fehlt in „{}“?",
    "es": "¿Qué falta en «{}»?",
    "fr": "Que manque-t-il dans « {} » ?",
    "zh": "“{}”中缺少什么？",
}
_GAP = "What is missing in “{}”?"


def question_for(sentence: str, fact: str, heading: str, language: str) -> str:
    """A question that is answered by `fact`, which stands in `sentence`, under `heading`."""
    before = sentence[: sentence.index(fact)]
    kind = _kind(fact)
    if language == "en" and kind:
        for make in (_how_much, _when, _stated, _bidden):
            if asked := make(before, kind):
                return f"{asked[0].upper()}{asked[1:]}?"
    gap = _GAPS.get(language, _GAP).format(sentence.replace(fact, "…", 1).rstrip(".!。"))
    return f"{heading}: {gap}" if heading else gap


def is_gap(question: str) -> bool:
    return "…" in question


def _kind(fact: str) -> str:
    kinds: tuple[tuple[str, Callable[[str], object]], ...] = (
        ("email", lambda text: "@" in text),
        ("duration", _DURATION.search),
        ("money", _MONEY.search),
        ("clock", _CLOCK.match),
        ("phone", _PHONE.match),
    )
    return next((kind for kind, fits in kinds if fits(fact)), "")


def _how_much(before: str, kind: str) -> str:
    """`Delivery costs ...`, `Repair takes ...`"""
    found = _COSTS.fullmatch(before)
    verb = found["verb"].lower().rstrip("s") if found else ""
    if not found or kind != ("money" if verb == "cost" else "duration"):
        return ""
    does = "does" if found["verb"].endswith("s") else "do"
    return f"how {'much' if verb == 'cost' else 'long'} {does} {_named(found['subject'])} {verb}"


def _when(before: str, kind: str) -> str:
    """`The shop opens at ...`"""
    found = _OPENS.fullmatch(before)
    if not found or kind != "clock":
        return ""
    verb = found["verb"].lower()
    does = "does" if verb.endswith("s") else "do"
    return f"at what time {does} {_named(found['subject'])} {verb.removesuffix('s')}"


def _stated(before: str, kind: str) -> str:
    """`The refund is paid within ...`, `You can return a plant within ...`"""
    found = _STATES.fullmatch(before)
    asks = _ASKS.get((kind, found["word"].lower())) if found else None
    if not found or not asks:
        return ""
    subject, verb = _named(found["subject"]), found["verb"].lower()
    verb = "am" if (subject, verb) == ("I", "are") else verb
    return " ".join(f"{asks} {verb} {subject} {_seen(found['rest'])}".split())


def _bidden(before: str, kind: str) -> str:
    """`Send a photo to ...`"""
    found = _BIDS.fullmatch(before)
    asks = _ASKS.get((kind, found["word"].lower())) if found else None
    return " ".join(f"{asks} should I {found['verb'].lower()} {_seen(found['rest'])}".split()) if found and asks else ""


def _named(subject: str) -> str:
    """Within a sentence: small, unless every word of it is a name."""
    words = _seen(subject)
    first, _, rest = words.partition(" ")
    name = (first.isupper() and first != "A") or re.match(r"[\W_]*[A-ZÄÖÜ]", rest)
    return words if name else f"{first[:1].lower()}{words[1:]}"


def _seen(text: str) -> str:
    """The owner's `we` is the visitor's `you`."""
    return re.sub(r"[^\W\d_]+", lambda word: _SEEN_BY_VISITORS.get(word[0].lower(), word[0]), text)
