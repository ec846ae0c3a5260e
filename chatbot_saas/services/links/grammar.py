"""How links, images, code and tags are written in answers, in every way that some renderer understands."""

import re
from html import unescape

LIMIT = 2000
"""Characters held back at most; what is longer is no link of any use and its parts are judged one by one."""
MAX_LABEL = 500
MAX_DEPTH = 3

ENTITY = r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
TOKEN = re.compile(
    rf"(?P<run>(?:[A-Za-z0-9.+\-:/_@%]|\\(?=[.+\-:/_@%])|{ENTITY}){{1,{LIMIT}}})"
    r"|(?P<escape>\\[!-/:-@\[-`{-~])"
    r"|(?P<ticks>`+)"
    r"|(?P<tildes>~+)"
    r"|(?P<mark>[\[\]!<\n&\\])"
    r"|(?P<plain>[^A-Za-z0-9.+\-:/_@%\\`~\[\]!<\n&]+)"
)
UNFINISHED = re.compile(r"(?:&[#A-Za-z0-9]{0,33}|\\)\Z")
BEGIN = re.compile(
    r"[a-z][a-z0-9+.-]*\\?:\\?/\\?/|https?\\?:|(?<![a-z0-9])(?:mailto|tel|javascript|vbscript)\\?:(?=.)"
    r"|(?<![a-z0-9])data\\?:[a-z]+/|(?<![a-z0-9])file\\?:/|www\\?\.(?=.)|(?<![:/\\])//(?=[^/\s]+\.)"
    r"|(?<![@a-z0-9.-])(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}(?:/(?=.)|(?=\?\w))",
    re.IGNORECASE,
)
NAME = re.compile(r"[a-z0-9-]+\.", re.IGNORECASE)
IN_TEXT = r"\s<>\"'`*\[\]|^{}\\"  # what ends an address that stands in a text
WIDE = "\u3000-\u303f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uff65"  # ... and scripts without spaces
ADDRESS = re.compile(rf"[^{IN_TEXT}{WIDE}]{{1,{LIMIT}}}")
TRAILING = re.compile(r"[.,;:!?_~]+\Z")
SPACE = re.compile(r"[\s<]")
ONLY_MARKS = re.compile(r"[*.,:;!?)\]}\"'|`>]*\Z")
BLANK = re.compile(r"\n[^\S\n]*\n")
BRACKET = re.compile(r"\\.|[\[\]]|\n[^\S\n]*\n", re.DOTALL)
TITLE = r"(?:\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\((?:\\.|[^()\\])*\))"
DESTINATION = r"(?:<(?P<angled>(?:\\.|[^<>\n\\])*)>|(?P<bare>(?:\\[^\s]|\((?:\\[^\s]|[^\s()\\])*\)|[^\s()\\])*))"
INLINE = re.compile(
    rf"\(\s*{DESTINATION}(?:\s+(?:{TITLE}|[\"'(][^)]*[\"')]))?\s*\)",
    re.DOTALL,
)
DEFINITION = re.compile(rf":[ \t]*\n?[ \t]*(?=\S){DESTINATION}(?:[ \t]+{TITLE})?[ \t]*(?=\n|\Z)", re.DOTALL)
NO_DEFINITION = re.compile(r":[ \t]*\n?[ \t]*[^\s<]\S*[ \t]+[^\s\"'(]")
PLACEHOLDER = re.compile(r"</?[\w -]{1,60}>")
CONTAINER = re.compile(r"[ \t>*+\-]*(?:\d{1,9}[.)])?[ \t>*+\-]*\Z")
AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*)>")
MAIL = re.compile(r"<([\w.+-]{1,64}@[\w.-]{1,253})>")
TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)((?:[\s/](?:\"[^\"]*\"|'[^']*'|[^'\"<>])*)?)>")
LOOSE_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)([^<>]*)>")
DECLARATION = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<[!?][^>]*>", re.DOTALL)
ATTRIBUTE = r"\b{}\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))"
ALT, HREF = (re.compile(ATTRIBUTE.format(name), re.IGNORECASE) for name in ("alt", "href"))
HTML = frozenset(
    """a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote body br
    button canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em embed
    fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html i iframe image img
    input ins isindex kbd keygen label legend li link main map mark marquee math menu menuitem meta meter nav nobr
    noembed noframes noscript object ol optgroup option output p param picture plaintext pre progress q rp rt ruby s
    samp script search section select slot small source span strike strong style sub summary sup svg table tbody td
    template textarea tfoot th thead time title tr track tt u ul var video wbr xmp""".split()  # noqa: SIM905
)
GLUE_BEFORE = re.compile(r"[A-Za-z0-9:/\\<!&.@%+_\-\]`~#;]\Z")
GLUE_AFTER = re.compile(r"[:/\\.@%+_\-#;&]*[A-Za-z0-9]|[/\\\[(<`~]")


def decoded(run: str) -> str:
    """Character references that hide letters and signs of an address, read as renderers read them."""

    def read(found: re.Match[str]) -> str:
        told = unescape(found.group())
        return told if re.fullmatch(r"[A-Za-z0-9.+\-:/_@%]", told) else found.group()

    return re.sub(ENTITY, read, run)


def destination(found: re.Match[str]) -> str:
    raw = found.group("angled") if found.group("angled") is not None else found.group("bare") or ""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", raw)


def until_space(text: str, place: int) -> str:
    """What some readers still count to an address, as far as it matters."""
    found = SPACE.search(text, place, place + 200)
    return text[place : found.start() if found else place + 200]


def without_trailing(raw: str) -> str:
    """Points and brackets after an address belong to the sentence."""
    while True:
        shorter = TRAILING.sub("", raw)
        if shorter.endswith(")") and shorter.count(")") > shorter.count("("):
            shorter = shorter[:-1]
        if shorter in ("", raw):
            return raw
        raw = shorter
