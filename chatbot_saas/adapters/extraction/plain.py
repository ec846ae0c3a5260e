"""TXT and Markdown."""

import re
from pathlib import Path

from chatbot_saas.adapters.extraction import Extracted
from chatbot_saas.adapters.extraction.builder import DocumentBuilder
from chatbot_saas.adapters.extraction.encodings import decode
from chatbot_saas.adapters.extraction.kinds import Kind
from chatbot_saas.adapters.extraction.normal import clean

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n(?:---|\.\.\.)(?:\n+|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ ]*(.+)$", re.MULTILINE | re.IGNORECASE)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r"^ {0,3}(#{1,6}) +(.*?)(?: +#+)?$")
_UNDERLINE = re.compile(r"^ {0,3}(?:(=+)|(-{2,}))$")
_FRONT_MATTER_WITHIN = 10_000
_HEADING_LENGTH = 200


def extract_txt(path: str, filename: str) -> Extracted:
    builder = DocumentBuilder()
    if text := clean(decode(Path(path).read_bytes())):
        builder.add(text)
    return builder.finish(Kind.TXT, filename)


def extract_markdown(path: str, filename: str) -> Extracted:
    """The text as it is written, marks included: they read well, and quotes stay verbatim. Front matter is left out."""
    text = clean(decode(Path(path).read_bytes()))
    title = ""
    if front := _FRONT_MATTER.match(text, 0, _FRONT_MATTER_WITHIN):
        found = _FRONT_TITLE.search(front[1])
        title = found[1].strip("\"' ") if found else ""
        text = text[front.end() :].lstrip("\n")
    builder = DocumentBuilder()
    if text:
        builder.add(text)
        _mark_headings(builder, text)
    return builder.finish(Kind.MD, filename, title)


def _mark_headings(builder: DocumentBuilder, text: str) -> None:
    """Headings of both forms, outside of fenced code (CommonMark 4.2, 4.3, 4.5)."""
    fence, previous, offset = "", "", 0
    for line in text.split("\n"):
        opened = _FENCE.match(line)
        if fence:
            if opened and opened[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif opened:
            fence = opened[1]
        elif atx := _ATX.match(line):
            if atx[2]:
                builder.mark_heading(len(atx[1]), offset, atx[2])
        elif previous and len(previous) < _HEADING_LENGTH and (underline := _UNDERLINE.match(line)):
            builder.mark_heading(1 if underline[1] else 2, offset - len(previous) - 1, previous.strip())
        plain = not fence and not opened and not line.lstrip().startswith(("#", "|", "-", ">", "*"))
        previous = line if plain else ""
        offset += len(line) + 1
