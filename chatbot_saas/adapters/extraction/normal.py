"""One normal form for all text, so that offsets, search and quotes agree whatever file the text came from."""

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Control characters, soft hyphens, zero-width spaces, byte order marks and lone surrogates: invisible, and PostgreSQL
# refuses NUL and surrogates. Zero-width joiners stay: words of some scripts, and emoji, need them.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b\u2060\ufeff\ufff9-\ufffb\ud800-\udfff]+")
_ODD_SPACE = "\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_SPACES = re.compile(f"[ {_ODD_SPACE}]{{2,}}|[{_ODD_SPACE}]")
_BLANK_LINES = re.compile(r"\n{3,}")
_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ft", "ﬆ": "st"}
_LIGATURE = re.compile("[ﬀ-ﬆ]")
_BROKEN_WORD = re.compile(r"(\w+)-\n ?(\w+)")
_COMPOUND = re.compile(r"\w+-\w+")
_AFTER_OPEN_HYPHEN = frozenset("und oder bzw sowie and or et ou y o e en of".split())  # noqa: SIM905


def clean(text: str) -> str:
    """NFC, line ends as \\n, no other control characters, runs of spaces as one, no two blank lines, no blank edges."""
    text = _LINE_ENDS.sub("\n", text)
    text = _INVISIBLE.sub("", text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = _SPACES.sub(" ", text).replace(" \n", "\n")
    return _BLANK_LINES.sub("\n\n", text).strip()


def one_line(text: str) -> str:
    """`text` cleaned, on one line: for titles, headings and table cells."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()  # most of the million cells of a sheet
    return " ".join(clean(text).split())


def join_broken_words(pages: list[str]) -> list[str]:
    """The pages with words that were hyphenated at a line end put together again.

    The hyphen goes unless the same document writes the word with it elsewhere ("well-known"), the next part is a
    capital or a number ("E-\\nMail"), or it stands for a left-out part ("Ein- und Ausgang").
    """
    compounds = {word.lower() for page in pages for word in _COMPOUND.findall(page)}

    def joined(match: re.Match[str]) -> str:
        left, right = match.groups()
        if right.lower() in _AFTER_OPEN_HYPHEN:
            return f"{left}- {right}"
        if not (left[-1].islower() and right[0].islower()) or f"{left}-{right}".lower() in compounds:
            return f"{left}-{right}"
        return left + right

    return [_BROKEN_WORD.sub(joined, page) if "-\n" in page else page for page in pages]


def without_ligatures(text: str) -> str:
    """Letters for the single characters that typesetting puts in their place: nobody searches for "ﬁ"."""
    return _LIGATURE.sub(lambda match: _LIGATURES[match[0]], text)
