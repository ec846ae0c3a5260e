"""Links that open a web page at a quote: https://wicg.github.io/scroll-to-text-fragment/

A browser matches a fragment's texts against what it renders, word by word and each within one block. So a text ends at
a line break and a table cell, and of a long quote only the first and the last words are named.
"""

import re
from urllib.parse import quote, urlsplit

LONGEST_WHOLE = 120
"""Characters of a quote that is named as a whole; a longer one by its beginning and its end."""
WORDS = 6
WIDE_SIGNS = 16
"""Of scripts without spaces."""
_PARTS = re.compile(r"\s*(?:\n|\s\|\s|^\||\|$|\t)\s*")
_MARKDOWN = re.compile(r"^\s*(?:#{1,6}|[-*+•–>]|\d{1,3}[.)])\s+|\*\*|__|`|~~")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^)\s]*\)")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_LETTER = re.compile(r"[^\W_]")


def link_to(url: str | None, text: str) -> str | None:
    """The address with a fragment that opens it at `text`; None where the address is no web page's.

    A fragment that the address has is kept. Without words to look for the address stays as it is.
    """
    if not url or urlsplit(url).scheme.lower() not in ("http", "https"):
        return None
    directive = _directive(text)
    if not directive:
        return url
    return f"{url}{'' if '#' in url else '#'}:~:text={directive}"


def _directive(text: str) -> str:
    parts = [plain for part in _PARTS.split(text) if _LETTER.search(plain := _plain(part))]
    if not parts:
        return ""
    first, last = parts[0], parts[-1]
    if len(parts) == 1 and len(first) <= LONGEST_WHOLE:
        return _encoded(first)
    begins, ends = _beginning(first), _end(last)
    if len(parts) == 1 and len(begins) + len(ends) >= len(first):
        return _encoded(first)
    return f"{_encoded(begins)},{_encoded(ends)}"


def _plain(part: str) -> str:
    return " ".join(_MARKDOWN.sub("", _LINK.sub(r"\1", part)).split())


def _beginning(text: str) -> str:
    if _WIDE.search(text):
        return text[:WIDE_SIGNS]
    return " ".join(text.split(" ")[:WORDS])


def _end(text: str) -> str:
    if _WIDE.search(text):
        return text[-WIDE_SIGNS:]
    return " ".join(text.split(" ")[-WORDS:])


def _encoded(text: str) -> str:
    """`-`, `,` and `&` divide a directive."""
    return quote(text, safe="").replace("-", "%2D")
