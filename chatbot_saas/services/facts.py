"""Whether an answer holds a fact: the same words and numbers, however they are written."""

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

_MARK = re.compile(r"\[\d{1,2}\]")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?!\d)")
_TOKEN = re.compile(r"\d+(?:[.,:/-]\d+)*|[^\W\d_]+|%|[€$£¥]|[+@&]", re.UNICODE)
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f]")
_SIGNS = {"€": "eur", "$": "usd", "£": "gbp", "¥": "jpy", "%": "percent"}
_SAME = {
    **dict.fromkeys(("euro", "euros"), "eur"),
    **dict.fromkeys(("dollar", "dollars"), "usd"),
    **dict.fromkeys(("pound", "pounds"), "gbp"),
    **dict.fromkeys(("yen",), "jpy"),
    **dict.fromkeys(("prozent", "pct"), "percent"),
}
_ORDINAL = frozenset({"st", "nd", "rd", "th"})
_CURRENCIES = frozenset({"eur", "usd", "gbp", "jpy", "chf"})
_WORDS = {
    "en": "two three four five six seven eight nine ten eleven twelve",
    "de": "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "fr": "deux trois quatre cinq six sept huit neuf dix onze douze",
    "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce",
}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90, "dreissig": 30, "trente": 30}


def missing(facts: Sequence[str], answer: str) -> list[str]:
    """The facts that the answer does not hold, in order."""
    said = {_spaced(canonical(answer)), _spaced(canonical(answer, grouped=True))}
    return [fact for fact in facts if not any(_spaced(way) in text for way in _ways(fact) for text in said)]


def _ways(fact: str) -> list[str]:
    parts = [part for part in fact.split("|") if part.strip()]
    return [way for part in parts for way in {canonical(part), canonical(part, grouped=True)} if way]


def _spaced(text: str) -> str:
    return f" {text} "


def canonical(text: str, *, grouped: bool = False) -> str:
    """Words and numbers with a space between them: `1.000,00 €`, `€1,000` and `EUR 1000` are `1000 eur`.

    `grouped`: `1 000` is one number. Both readings are tried, since it may be two.
    """
    text = unicodedata.normalize("NFKC", _MARK.sub(" ", _LINK.sub(r"\1", text)))
    if grouped:
        text = _GROUPED.sub(lambda found: re.sub(r"\D", "", found.group()), text)
    found = [token for raw in _TOKEN.findall(_folded(text)) for token in _tokens(raw)]
    found = [token for at, token in enumerate(found) if not (token in _ORDINAL and at and found[at - 1].isdigit())]
    for at in range(len(found) - 1):  # the currency stands behind its number
        if found[at] in _CURRENCIES and _is_number(found[at + 1]):
            alone = at == 0 or not _is_number(found[at - 1])
            if alone:
                found[at], found[at + 1] = found[at + 1], found[at]
    return " ".join(found)


def _folded(text: str) -> str:
    text = text.casefold().replace("ß", "ss")
    plain = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize(
        "NFC", "".join(sign for sign in plain if unicodedata.category(sign) != "Mn" or _kept(sign))
    )


def _kept(sign: str) -> bool:
    """Vowel signs and voicing marks make other words; accents do not."""
    return ord(sign) > 0x036F


def _tokens(raw: str) -> list[str]:
    if raw[0].isdigit():
        return [_number(raw)]
    if raw in _SIGNS:
        return [_SIGNS[raw]]
    if _UNSPACED.search(raw):
        return list(raw)
    return [_NUMBER_WORDS.get(raw, _SAME.get(raw, raw))]


def _number(raw: str) -> str:
    """`1,000.50` and `1.000,5` as `1000.5`; a time, a date or a version as it is."""
    separators = [sign for sign in raw if not sign.isdigit()]
    if not separators:
        return _plain(raw)
    if set(separators) - {".", ","}:
        return raw
    last, kinds = separators[-1], set(separators)
    groups = re.split(r"[.,]", raw)
    thousands = all(len(group) == 3 for group in groups[1:]) and groups[0] not in ("", "0") and len(groups[0]) <= 3
    if len(kinds) == 2:
        whole, _, part = raw.rpartition(last)
        return _plain(re.sub(r"[.,]", "", whole) + "." + part)
    if thousands:
        return _plain("".join(groups))
    return _plain(f"{groups[0]}.{groups[1]}") if len(groups) == 2 else raw


def _plain(digits: str) -> str:
    try:
        value = Decimal(digits)
    except InvalidOperation:
        return digits
    if digits.startswith("0") and digits.isdigit():
        return digits  # a dialling code or a part number
    return format(value.normalize(), "f")


def _is_number(token: str) -> bool:
    return token[0].isdigit()


_NUMBER_WORDS = {
    _folded(word): str(value) for words in _WORDS.values() for value, word in enumerate(words.split(), start=2)
} | {word: str(value) for word, value in _TENS.items()}
