"""Cells of spreadsheets as they are shown: dates as ISO, percentages, currencies and leading zeros by their format.

Thousands are not grouped: the mark for it differs between countries. Number formats: ECMA-376-1, 18.8.30.
"""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

_BUILT_IN = {
    **dict.fromkeys((1, 3, 37, 38), "0"),
    **dict.fromkeys((2, 4, 39, 40), "0.00"),
    **dict.fromkeys((45, 47), "mm:ss"),
    9: "0%",
    10: "0.00%",
    22: "yyyy-mm-dd h:mm",
    46: "[h]:mm",
    49: "@",
    **dict.fromkeys((14, 15, 16, 17), "yyyy-mm-dd"),
    **dict.fromkeys((18, 19, 20, 21), "h:mm"),
    **dict.fromkeys((27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 55, 56, 57, 58), "yyyy-mm-dd"),  # East Asian
    **dict.fromkeys((32, 33, 34, 35), "h:mm"),
}
_LOCALE = re.compile(r"\[\$([^\]-]*)(?:-[^\]]*)?\]")
_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_BRACKETS = re.compile(r"\[[^\]]*\]")
_LITERAL = re.compile(r'"([^"]*)"|\\(.)|[_*].')
_DIGITS = re.compile(r"[#0?][#0?,. ]*")
_AM_PM = re.compile(r"am/pm|a/p", re.IGNORECASE)
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001  cells have no time zone
_LAST_DAY = 2_958_465  # 31 December 9999


class Format(NamedTuple):
    sort: str
    """"general", "number", "date", "time", "moment", "elapsed" or "text"."""
    decimals: int = 0
    width: int = 0
    """Digits before the point, with leading zeros ("00000" for postcodes)."""
    before: str = ""
    after: str = ""
    factor: float = 1


def format_of(identifier: int, own: dict[int, str]) -> Format:
    return parse(own.get(identifier) or _BUILT_IN.get(identifier, "General"))


@lru_cache(maxsize=500)
def parse(code: str) -> Format:
    code = code.split(";")[0][:200]
    if code.strip().lower() in ("general", "standard", ""):
        return Format("general")
    if _ELAPSED.search(code):
        return Format("elapsed")
    code = _BRACKETS.sub("", _LOCALE.sub(lambda match: f'"{match[1]}"', code))
    bare = _LITERAL.sub("", code).lower()
    if "@" in bare:
        return Format("text")
    if sort := _moment(bare):
        return Format(sort)
    if "e+" in bare or "e-" in bare or "/" in bare:
        return Format("general")
    marks = _LITERAL.sub(lambda match: (match[1] or match[2] or "").translate(_HIDE), code)
    digits = _DIGITS.search(marks)
    if not digits:
        return Format("general")
    whole, _, fraction = digits[0].rstrip(", ").partition(".")
    before, after = (_shown(part) for part in (marks[: digits.start()], marks[digits.end() :]))
    if digits[0].endswith(" ") and after and after != "%":
        after = " " + after.lstrip()
    if digits[0].rstrip().endswith(","):
        return Format("general")  # shown in thousands: the value itself is clearer
    return Format(
        "number",
        decimals=sum(fraction.count(mark) for mark in "0#?"),
        width=whole.count("0"),
        before=before,
        after=after,
        factor=100 if "%" in after else 1,
    )


_HIDE = {ord("#"): "\ue000", ord("0"): "\ue001", ord("?"): "\ue002"}
_SHOW = {0xE000: "#", 0xE001: "0", 0xE002: "?"}


def _shown(literal: str) -> str:
    return literal.translate(_SHOW)


def _moment(bare: str) -> str:
    bare = _AM_PM.sub("", bare)
    has_day = "y" in bare or "d" in bare or ("m" in bare and "h" not in bare and "s" not in bare)
    has_time = "h" in bare or "s" in bare
    if has_day:
        return "moment" if has_time else "date"
    return "time" if has_time else ""


def shown(value: str, form: Format, *, from_1904: bool = False) -> str:
    """The number `value` of a cell as text; the value itself where it is no number after all."""
    try:
        number = float(value)
    except ValueError:
        return value
    if number != number or abs(number) == float("inf"):
        return ""
    if form.sort in ("date", "time", "moment") and 0 <= number <= _LAST_DAY:
        return _date(number, form.sort, from_1904)
    if form.sort == "elapsed" and number >= 0:
        minutes = round(number * 1440)
        return f"{minutes // 60}:{minutes % 60:02d}"
    if form.sort == "number":
        text = f"{abs(number) * form.factor:.{min(form.decimals, 12)}f}"
        whole, point, fraction = text.partition(".")
        sign = "-" if number < 0 and float(text) else ""
        return f"{sign}{form.before}{whole.zfill(form.width)}{point}{fraction}{form.after}"
    return plain(number)


def plain(number: float) -> str:
    """With the 15 digits that spreadsheets show, and no exponent where it can be avoided."""
    if number.is_integer() and abs(number) < 1e18:
        return str(int(number))
    return f"{number:.15g}"


def _date(number: float, sort: str, from_1904: bool) -> str:
    days, rest = divmod(number, 1)
    if not from_1904 and days < 60 and sort != "time":
        days += 1  # the 29 February 1900 that spreadsheets believe in
    moment = (_EPOCH_1904 if from_1904 else _EPOCH) + timedelta(days=days, seconds=round(rest * 86_400))
    if sort == "time" or (number < 1 and sort == "moment"):
        return moment.strftime("%H:%M:%S" if moment.second else "%H:%M")
    if sort == "date" or not rest:
        return f"{moment:%Y-%m-%d}".zfill(10)
    return f"{moment:%Y-%m-%d %H:%M}"
