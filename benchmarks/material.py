"""Documents to read and questions to ask, the same at every run: made-up words in sentences, paragraphs and pages."""

import random
import zlib
from functools import cache

SYLLABLES = [first + second for first in "bdklmnr" for second in "aeiou"]
COMMON = [
    "the",
    "a",
    "of",
    "for",
    "with",
    "and",
    "when",
    "after",
    "before",
    "our",
    "your",
    "this",
    "are",
    "may",
    "in",
    "on",
]
TOPIC_WORDS = 12
SECTION_CHARACTERS = 3000


@cache
def words() -> list[str]:
    """3,000 different words, about as many as a handbook has."""
    chosen = random.Random(1)
    made = {"".join(chosen.choices(SYLLABLES, k=chosen.randint(2, 4))) for _ in range(3200)}
    return sorted(made)[:3000]


def topic(section: int) -> list[str]:
    """The words that a section is about."""
    return random.Random(f"topic {section}").sample(words(), TOPIC_WORDS)


def question(section: int) -> str:
    return f"What is said about {' and '.join(topic(section)[:4])}?"


def section(number: int, characters: int = SECTION_CHARACTERS, seed: str = "") -> str:
    """A heading and paragraphs about one topic."""
    chosen = random.Random(f"section {number} {seed}")
    own, said = topic(number), [f"# Section {number} on {topic(number)[0]}\n"]
    size = len(said[0])
    while size < characters:
        paragraph = " ".join(_sentence(chosen, own) for _ in range(chosen.randint(3, 6)))
        said.append(paragraph + "\n")
        size += len(paragraph) + 2
    return "\n".join(said)


def text(characters: int, seed: str = "") -> str:
    count = -(-characters // SECTION_CHARACTERS)
    return "\n".join(section(number, seed=seed) for number in range(count))[:characters]


def pdf(pages: int) -> bytes:
    """A PDF of text alone, 45 lines a page, in compressed streams: what a word processor exports, without pictures."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids: list[str] = []
    for number in range(pages):
        shown = "\n".join(f"({line}) Tj T*" for line in _lines(section(number, 3400, "pdf"), 45))
        stream = zlib.compress(f"BT /F1 10 Tf 12 TL 50 780 Td\n{shown}\nET".encode())
        kids.append(f"{len(objects) + 1} 0 R")
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> "
            b"/Contents %d 0 R >>" % (len(objects) + 2)
        )
        objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream))
    objects[1] = f"<< /Type /Pages /Count {pages} /Kids [{' '.join(kids)}] >>".encode()
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, value in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, value)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


def _sentence(chosen: random.Random, own: list[str]) -> str:
    said = [
        chosen.choice(COMMON if place % 2 else own if chosen.random() < 0.4 else words())
        for place in range(chosen.randint(7, 16))
    ]
    return " ".join(said).capitalize() + "."


def _lines(value: str, count: int, width: int = 80) -> list[str]:
    lines, line = [], ""
    for word in value.replace("#", "").split():
        if len(line) + len(word) >= width:
            lines.append(line)
            line = ""
        line += f"{word} "
    return [*lines, line][:count]
