"""The figures of a text in one way of writing: 1,000 and 1.000 and 1 000, two and 2, 72 hours and three days.

What differs in a figure is not the same statement, so here nothing is guessed: a figure has each value that its writing
can mean (1.500 is fifteen hundred or one and a half), and two figures agree if they share one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

MARK = re.compile(r"\[\d{1,2}\]")
"""The number of a passage, as it stands in an answer."""
_CODE = re.compile(r"(?<![^\W_])(?=[\w/-]*\d)(?=[\d/-]*[A-Z])[A-Z\d]+(?:[-/][A-Z\d]+)*(?![^\W_])", re.ASCII)
_WORDS = {
    1: "eins un uno una",
    2: "two twice zwei zweimal beide beiden beides both deux duas twee",
    3: "three thrice drei dreimal trois tres tre três drie",
    4: "four vier viermal quatre cuatro quattro quatro",
    5: "five fünf cinq cinco cinque vijf",
    6: "six sechs zes",
    7: "seven sieben sept siete zeven",
    8: "eight acht huit ocho otto oito",
    9: "nine neun neuf nueve negen",
    10: "ten zehn dix diez dieci dez tien",
    11: "eleven elf onze undici",
    12: "twelve dozen zwölf dutzend douze doce dodici doze twaalf",
    13: "thirteen dreizehn treize trece tredici",
    14: "fourteen fortnight vierzehn quatorze catorce",
    15: "fifteen fünfzehn quinze quince",
    16: "sixteen sechzehn seize",
    17: "seventeen siebzehn",
    18: "eighteen achtzehn",
    19: "nineteen neunzehn",
    20: "twenty zwanzig vingt veinte venti vinte twintig",
    30: "thirty dreißig trente treinta trenta trinta dertig",
    40: "forty vierzig quarante cuarenta quaranta quarenta veertig",
    50: "fifty fünfzig cinquante cincuenta cinquanta vijftig",
    60: "sixty sechzig soixante sesenta",
    70: "seventy siebzig",
    80: "eighty achtzig",
    90: "ninety neunzig",
    100: "hundred hundert cien cento honderd",
    1000: "thousand tausend duizend",
}
_VALUES: dict[str, float] = {word: value for value, words in _WORDS.items() for word in words.split()} | {
    "anderthalb": 1.5,
    "eineinhalb": 1.5,
    "half": 0.5,
    "halbe": 0.5,
    "halben": 0.5,
    "halber": 0.5,
    "demi": 0.5,
}
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_])(?<!\d[.,])(?:(?P<clock>\d{1,2}[:h]\d{2}(?!\d))"
    r"|(?P<number>\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)*))"
    r"|(?<![周期拜第])(?P<han>[零〇一二两兩三四五六七八九十百千万半]+)(?!般|些|样|直|起|定|旦|切|同|律|边|下|点点)"
    rf"|(?<![^\W_])(?P<word>{'|'.join(sorted(_VALUES, key=len, reverse=True))})(?![^\W_])",
    re.IGNORECASE,
)
_MAY_HOLD = re.compile(r"[\d零〇一二两兩三四五六七八九十百千万半€$£¥￥]")
_LETTERS = re.compile(r"[A-Za-zÀ-ɏ]+")
_HAN = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_HAN_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10000}
_UNIT = re.compile(
    r"[ \u00a0-]?(?:full |complete |calendar |working |volle |个|個)?"
    r"(?:(?P<second>seconds?|sec\b|s\b|sekunden?|secondes?|segundos?|秒)"
    r"|(?P<minute>minuten?|minutes?|minutos?|min\b|分钟|分鐘)"
    r"|(?P<hour>hours?\b|hrs?\b|h\b|stunden?|heures?|horas?|小时|小時|钟头)"
    r"|(?P<day>days?\b|tag(?:e|en|es)?\b|jours?\b|días?\b|天|日(?!元))"
    r"|(?P<week>weeks?\b|wochen?\b|semaines?|semanas?|周(?![一二三四五六日末])|星期(?![一二三四五六日]))"
    r"|(?P<month>months?\b|monat(?:e|en|s)?\b|mois\b|mes(?:es)?\b|月)"
    r"|(?P<year>years?\b|jahr(?:e|en|es)?\b|ans?\b|années?|años?|年(?!级)))",
    re.IGNORECASE,
)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": -1, "year": -12}
"""Of one unit; months and years are counted in months, below zero so that they are never days."""
_CURRENCY = re.compile(
    r"(?P<eur>€|\beuros?\b|\beur\b|欧元)|(?P<usd>\$|\bdollars?\b|\busd\b|美元)|(?P<gbp>£|\bpounds?\b|\bgbp\b|英镑)"
    r"|(?P<chf>\bchf\b|\bfranken\b|\bswiss francs?\b|瑞郎)|(?P<jpy>日元|円|\byen\b)|(?P<hkd>港元|港币)"
    r"|(?P<cny>¥|￥|元|人民币|\byuan\b|\brmb\b)",
    re.IGNORECASE,
)
_GAP = re.compile(r"[ \u00a0\u202f]?(?:[万亿] ?)?")
_CURRENCY_BEFORE = 4
"""Characters that a currency before its figure takes, with a space."""
_AFTERNOON = re.compile(r"(?:下午|晚上|傍晚)$")


@dataclass(frozen=True, slots=True)
class Figure:
    values: frozenset[str]
    """Each writing that means the same, numbers as `17.5`, durations as `s259200` or `m18`, times as `16:00`."""
    start: int
    """Offset in the text."""
    is_word: bool = False
    currency: str = ""
    """Of money, where it is written beside the figure."""

    @property
    def kind(self) -> str:
        """Money, seconds, months, a time of day, or another number."""
        if self.currency:
            return self.currency
        longest = max(self.values, key=len, default="")
        return longest[0] if longest[:1] in ("s", "m") else ":" if ":" in longest else ""

    def agrees(self, other: "Figure") -> bool:
        if self.currency and other.currency and self.currency != other.currency:
            return False
        return not self.values.isdisjoint(other.values)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one text, in order."""

    numbers: tuple[Figure, ...]
    codes: frozenset[str]
    """Upper-case letters with digits, like TL-240, without hyphens."""
    currencies: frozenset[str]


_NONE = Figures((), frozenset(), frozenset())


def figures(text: str) -> Figures:
    if not _MAY_HOLD.search(text) and _VALUES.keys().isdisjoint(_LETTERS.findall(text.lower())):
        return _NONE  # most texts
    codes = frozenset(plain for found in _CODE.finditer(text) if (plain := re.sub(r"[-/]", "", found.group())))
    numbers = tuple(_numbers(_CODE.sub(_blank, text) if codes else text))
    return Figures(numbers, codes, frozenset(str(found.lastgroup) for found in _CURRENCY.finditer(text)))


def is_numeral(word: str) -> bool:
    """Whether a pair of Chinese signs is of a number, or of one and its unit."""
    return len(word) <= 2 and any(sign in _HAN or sign in _HAN_UNITS for sign in word)


def values(found: Iterable[Figure]) -> frozenset[str]:
    return frozenset(value for figure in found for value in figure.values)


def _blank(found: re.Match[str]) -> str:
    return "_" * len(found.group())


def _numbers(text: str) -> list[Figure]:
    found: list[Figure] = []
    for match in _NUMBER.finditer(text):
        meanings = _meanings(match, text)
        if not meanings or (match.group() == "半" and text[: match.start()].endswith(("年", "月", "天", "点", "點"))):
            continue  # of two years and a half, which is one figure
        means = {_plain(value) for value in meanings}
        if match["clock"]:
            means = {match.group().replace("h", ":").lstrip("0") or "0"}
            if means & {"0:00"}:
                means = {":00"}
        elif match["han"] and text.startswith(("点", "點", "时"), match.end()):
            minutes = "30" if text.startswith("半", match.end() + 1) else "00"
            later = 12 if _AFTERNOON.search(text, 0, match.start()) else 0
            means |= {f"{_plain(value + (later if value < 12 else 0))}:{minutes}" for value in meanings}
        elif unit := _UNIT.match(text, match.end()):
            means |= {_duration(value, str(unit.lastgroup)) for value in meanings}
            if text.startswith("半", unit.end()) or text.startswith(" and a half", unit.end()):
                means |= {_duration(value + 0.5, str(unit.lastgroup)) for value in meanings}
        elif clock := re.match(r"\s?(?:Uhr|o'clock|([ap])\.?m\b)", text[match.end() : match.end() + 8]):
            means |= {f"{_plain(value + (12 if clock[1] == 'p' and value < 12 else 0))}:00" for value in meanings}
        is_word = match["number"] is None and match["clock"] is None
        found.append(Figure(frozenset(means), match.start(), is_word, _currency_at(text, match.start(), match.end())))
    return found


def _currency_at(text: str, start: int, end: int) -> str:
    gap = _GAP.match(text, end)
    if behind := _CURRENCY.match(text, gap.end() if gap else end):
        return str(behind.lastgroup)
    before = text[max(0, start - _CURRENCY_BEFORE) : start].rstrip()
    found = list(_CURRENCY.finditer(before))
    return str(found[-1].lastgroup) if found and found[-1].end() == len(before) else ""


def _meanings(match: re.Match[str], text: str) -> list[float]:
    if match["clock"]:
        return [0.0]
    if number := match["number"]:
        scale = 10000 if text.startswith("万", match.end()) else 1
        return [value * scale for value in _of_digits(number)]
    if signs := match["han"]:
        return _of_han(signs, text[match.end() : match.end() + 1])
    value = _VALUES.get(match["word"].lower())
    return [] if value is None or value == 1 else [value]


def _of_digits(number: str) -> list[float]:
    """What the writing can mean: the last separator groups thousands or begins the decimals."""
    plain = re.sub(r"[ \u00a0\u202f'’]", "", number)
    parts = re.split(r"[.,]", plain)
    if len(parts) == 1:
        return [float(plain)]
    grouped = all(len(part) == 3 for part in parts[1:]) and len(parts[0]) <= 3 and parts[0] != "0"
    found = [float("".join(parts))] if grouped else []
    separators = re.findall(r"[.,]", plain)
    if len(parts) == 2 or (len(set(separators[:-1])) == 1 and separators[-1] != separators[0]):
        found.append(float("".join(parts[:-1]) + "." + parts[-1]))
    return found or [float(part) for part in parts[:1]]


def _of_han(signs: str, follows: str) -> list[float]:
    if signs == "一" or (len(signs) == 1 and signs in "百千万十" and not follows):
        return []
    if signs == "半":
        return [0.5]
    half = 0.5 if signs.endswith("半") else 0.0
    signs = signs.removesuffix("半")
    if not any(sign in _HAN_UNITS for sign in signs):
        digits = [_HAN[sign] for sign in signs if sign in _HAN]
        return [float("".join(map(str, digits))) + half] if digits and "半" not in signs else []
    total, part, digit = 0, 0, 0
    for sign in signs:
        if sign == "万":
            total, part, digit = (total + part + digit) * 10000, 0, 0
        elif unit := _HAN_UNITS.get(sign):
            part, digit = part + (digit or 1) * unit, 0
        else:
            digit = _HAN.get(sign, 0)
    return [total + part + digit + half]


def _plain(value: float) -> str:
    return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"


def _duration(value: float, unit: str) -> str:
    seconds = _SECONDS[unit]
    return f"s{_plain(value * seconds)}" if seconds > 0 else f"m{_plain(-value * seconds)}"
