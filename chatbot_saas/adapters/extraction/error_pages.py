"""Pages that say "not found" and yet come with status 200."""

import re
from collections import Counter
from urllib.parse import urlsplit

from chatbot_saas.adapters.extraction import WebPage

_SHORT = 3000  # characters; error pages also list menus and suggestions
_TITLE_LENGTH = 90
_BEGINNING = 200
_SAME_WORDS = 0.95
_MAX_WORDS = 20_000
_PAGE = "|".join(
    (
        "page|url|address|resource|site|seite|adresse|p[áa]gina|strona|str[áa]nka|sid[ae]n?|sayfa",
        "страница|ページ|页面|頁面|페이지",
    )
)
_MISSING = "|".join(
    (
        "(?:not|n['’]t|cannot) (?:be )?found|(?:does not|doesn['’]t) exist|no longer (?:available|exists)",
        "isn['’]t (?:here|available)|nicht (?:mehr )?(?:gefunden|verfügbar|vorhanden)|(?:existiert|gibt es) nicht",
        "introuvable|n['’]existe (?:pas|plus)|non trouvée|no (?:se )?(?:ha )?(?:sido )?encontr(?:ada|ado|ó)|no existe",
        "não (?:foi )?encontrada|não existe|non (?:è stata )?trovata|non esiste|niet gevonden|bestaat niet",
        "nie znalezion|nenalezen|hittades inte|finns inte|ikke (?:fundet|funnet)|ei löyt|bulunamadı",
        "не найден|не существует|見つかりません|存在しません|找不到|不存在|未找到|찾을 수 없",
    )
)
_CODE = r"\b(?:404|410)\b"
_SERVER = "|".join(
    (
        r"\b50[0234]\b.{0,20}(?:error|bad gateway|unavailable|timeout)|internal server error|bad gateway",
        "service unavailable|error establishing a database connection|access denied|403 forbidden",
        "just a moment|attention required",  # the waiting rooms of well-known gatekeepers
    )
)
_SAYS_SO = re.compile(
    rf"(?:{_PAGE}).*?(?:{_MISSING})|(?:{_MISSING}).*?(?:{_PAGE})|{_CODE}.*?(?:{_MISSING}|error|{_PAGE})"
    rf"|(?:error|fehler|erreur).{{0,10}}{_CODE}|{_SERVER}",
    re.IGNORECASE,
)
_WHOLE = re.compile(rf"\W*(?:{_CODE}|(?:{_MISSING}))\W*", re.IGNORECASE)
_PARTS = re.compile(r"\s*[|–—·»•:]\s*|\s+-\s+")
_WORD = re.compile(r"\w+")


def is_error_page(page: WebPage, probe: WebPage | None = None) -> bool:
    """Whether `page`, which came with status 200, is the site's way of saying that there is no such page.

    `probe` is what the same site gives at a random address, if it gives a page there: a site that answers everything
    with the same text has no page at an address with that text, its home page excepted.
    """
    text = page.extracted.text if page.extracted else ""
    if len(text) <= _SHORT:
        beginning = page.extracted.headings[0].text if page.extracted and page.extracted.headings else text
        if _says_so(page.title) or _says_so(beginning[:_BEGINNING].partition("\n")[0]):
            return True
    if not (text and probe and probe.extracted) or urlsplit(page.url).path in ("", "/"):
        return False
    return _alike(text, probe.extracted.text)


def _says_so(title: str) -> bool:
    title = title[:_BEGINNING]
    if any(_WHOLE.fullmatch(part) for part in _PARTS.split(title)):
        return True
    return len(title) <= _TITLE_LENGTH and _SAYS_SO.search(title) is not None


def _alike(a: str, b: str) -> bool:
    """Whether two texts have nearly all words in common: error pages repeat the address or the time."""
    first, second = Counter(_WORD.findall(a)[:_MAX_WORDS]), Counter(_WORD.findall(b)[:_MAX_WORDS])
    more = max(first.total(), second.total())
    return a == b or (more > 0 and (first & second).total() >= _SAME_WORDS * more)
