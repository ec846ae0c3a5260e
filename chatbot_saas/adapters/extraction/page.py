"""HTML pages of websites: their text, and what else they say of themselves and of others."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from chatbot_saas.adapters.extraction import WebPage
from chatbot_saas.adapters.extraction.failures import FileNoTextError
from chatbot_saas.adapters.extraction.normal import one_line
from chatbot_saas.adapters.extraction.web import document, parse_page, title_of
from chatbot_saas.adapters.web import PRODUCT
from chatbot_saas.adapters.web.urls import normalise, same_site

_MAX_LINKS = 2000
_MAX_ANCHORS = 20_000
_MAX_ICONS = 10
_DESCRIPTION_LENGTH, _NAME_LENGTH = 500, 100
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3}")
_REFRESH = re.compile(r"\s*+[0-9.]*+\s*+[;,]?\s*+url\s*+=\s*+[\"']?([^\"']+)", re.IGNORECASE)
_HEX = re.compile(r"#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")
_RGB = re.compile(r"rgba?\(\s*([0-9]{1,3})[\s,]+([0-9]{1,3})[\s,]+([0-9]{1,3})\s*(?:[,/][^)]{0,10})?\)")
_SIZES = re.compile(r"([0-9]{1,4})x[0-9]{1,4}", re.IGNORECASE)
_SEPARATORS = r"\s*(?:[|–—·»:•/]|\s-)\s*"
# Endings of what holds no text: not worth a request
_NO_TEXT = re.compile(
    r"""\.(?:jpe?g|png|gif|webp|avif|svg|ico|bmp|tiff?|heic|mp[34]|m4[av]|mov|avi|mkv|webm|og[agv]|wav|flac|zip|gz|tgz|
    bz2|xz|7z|rar|exe|msi|dmg|apk|iso|css|m?js|map|json|xml|rss|atom|ics|vcf|woff2?|ttf|otf|eot|psd|ai|eps|wasm)$""",
    re.IGNORECASE | re.VERBOSE,
)


def read_page(path: str, url: str, charset: str) -> WebPage:
    tree = parse_page(Path(path).read_bytes(), charset)
    page = _without_text(tree, url)
    try:
        extracted = document(tree, file_name(url), page.title)  # changes the tree
    except FileNoTextError:
        return page
    return replace(page, extracted=extracted, title=page.title or extracted.title)


def _without_text(tree: Any, url: str) -> WebPage:
    metas, base = _metas(tree), _base(tree, url)
    site_name = _first(metas, "og:site_name", "application-name")[:_NAME_LENGTH]
    robots = set(re.split(r"[\s,;:]+", ",".join(metas.get("robots", []) + metas.get(PRODUCT.lower(), [])).lower()))
    refresh = _refresh(tree, base)
    return WebPage(
        url=url,
        extracted=None,
        title=_without_site(title_of(tree) or _first(metas, "og:title"), site_name),
        canonical=_canonical(tree, base, url),
        links=_links(tree, base, refresh),
        language=_language(tree, metas),
        noindex=bool(robots & {"noindex", "none"}),
        nofollow=bool(robots & {"nofollow", "none"}),
        site_name=site_name,
        description=_first(metas, "description", "og:description")[:_DESCRIPTION_LENGTH],
        colour=_colour(tree, metas),
        icons=_icons(tree, base, url),
        sitemaps=tuple(filter(None, (normalise(href, base) for _, href, _ in _link_elements(tree, {"sitemap"})))),
        refresh=refresh,
    )


def file_name(url: str) -> str:
    """A name for a page without title or heading: its last segment, or the site."""
    parts = urlsplit(url)
    last = unquote(parts.path).rstrip("/").rpartition("/")[2]
    return f"{last.rpartition('.')[0] or last or parts.hostname or 'page'}.html"


def _metas(tree: Any) -> dict[str, list[str]]:
    """Contents by name in lower case, for both ways of naming."""
    metas: dict[str, list[str]] = {}
    for element in _elements(tree, "meta"):
        name = element.get("name") or element.get("property") or element.get("http-equiv") or ""
        if content := one_line(element.get("content") or ""):
            metas.setdefault(name.strip().lower(), []).append(content)
    return metas


def _elements(tree: Any, *names: str) -> list[Any]:
    return [] if tree is None else list(tree.iter(*names))


def _first(metas: dict[str, list[str]], *names: str) -> str:
    return next((metas[name][0] for name in names if name in metas), "")


def _base(tree: Any, url: str) -> str:
    """What the page's links are relative to."""
    for element in _elements(tree, "base"):
        if href := element.get("href"):
            return normalise(href, url) or url
    return url


def _canonical(tree: Any, base: str, url: str) -> str:
    for _, href, _ in _link_elements(tree, {"canonical"}):
        found = normalise(href, base)
        return found if found and same_site(found, url) else ""
    return ""


def _link_elements(tree: Any, relations: set[str]) -> list[tuple[str, str, str]]:
    """Relation, address and sizes of the elements `link` of one of `relations`."""
    found: list[tuple[str, str, str]] = []
    for element in _elements(tree, "link"):
        matching = relations & set((element.get("rel") or "").lower().split())
        if matching and element.get("href"):
            found.append((matching.pop(), element.get("href"), element.get("sizes") or ""))
    return found


def _links(tree: Any, base: str, refresh: str) -> tuple[str, ...]:
    found: dict[str, None] = {refresh: None} if refresh else {}
    for element in _elements(tree, "a", "area", "frame")[:_MAX_ANCHORS]:
        href = element.get("src" if element.tag == "frame" else "href")
        if not href or "nofollow" in (element.get("rel") or "").lower().split():
            continue
        if (url := normalise(href, base)) and not _NO_TEXT.search(urlsplit(url).path):
            found[url] = None
            if len(found) >= _MAX_LINKS:
                break
    return tuple(found)


def _refresh(tree: Any, base: str) -> str:
    for element in _elements(tree, "meta"):
        if (element.get("http-equiv") or "").strip().lower() == "refresh":
            found = _REFRESH.match(element.get("content") or "")
            return normalise(found[1], base) if found else ""
    return ""


def _language(tree: Any, metas: dict[str, list[str]]) -> str:
    said = [element.get("lang") or element.get("xml:lang") or "" for element in _elements(tree, "html")]
    said += metas.get("content-language", [])
    for language in said:
        if found := _LANGUAGE.fullmatch(language.strip().lower().replace("_", "-")):
            return found[0]
    return ""


def _colour(tree: Any, metas: dict[str, list[str]]) -> str:
    """That of the light theme, where there are two."""
    themed = [element for element in _elements(tree, "meta") if (element.get("name") or "").lower() == "theme-color"]
    themed.sort(key=lambda element: "dark" in (element.get("media") or ""))
    said = [element.get("content") or "" for element in themed] + metas.get("msapplication-tilecolor", [])
    return next(filter(None, map(_hex, said)), "")


def _hex(colour: str) -> str:
    """A CSS colour as #rrggbb; empty for what is none, or has a name."""
    colour = colour.strip().lower()
    if _HEX.fullmatch(colour):
        digits = colour[1:]
        return "#" + ("".join(digit * 2 for digit in digits[:3]) if len(digits) < 6 else digits[:6])
    if (found := _RGB.fullmatch(colour)) and all(int(part) < 256 for part in found.groups()):
        return "#" + "".join(f"{int(part):02x}" for part in found.groups())
    return ""


def _icons(tree: Any, base: str, url: str) -> tuple[str, ...]:
    """Large ones first; where the page names none, the place where browsers look."""
    elements = _link_elements(tree, {"icon", "apple-touch-icon", "apple-touch-icon-precomposed"})
    ranked: list[tuple[int, str]] = []
    for relation, href, sizes in elements:
        measures = [int(size) for size in _SIZES.findall(sizes)]
        usual = 1000 if sizes.lower() == "any" or href.lower().endswith(".svg") else 180 if relation != "icon" else 32
        ranked.append((-(max(measures) if measures else usual), normalise(href, base)))
    ranked.sort(key=lambda icon: icon[0])
    found = tuple(dict.fromkeys(icon for _, icon in ranked if icon))[:_MAX_ICONS]
    return found or tuple(filter(None, [normalise("/favicon.ico", url)]))


def _without_site(title: str, site_name: str) -> str:
    """`Opening hours | Harbour Bikes` without the name of the site."""
    if not site_name or title == site_name:
        return title
    name = re.escape(site_name)
    short = re.sub(rf"{_SEPARATORS}{name}$|^{name}{_SEPARATORS}", "", title, flags=re.IGNORECASE)
    return short.strip() or title
