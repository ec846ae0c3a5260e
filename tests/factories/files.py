"""Real files, good and bad, for everything that reads uploads. Each function returns the bytes of one file."""

import io
import random
import zipfile
import zlib
from collections.abc import Callable, Sequence

import docx
from pypdf import PdfReader, PdfWriter

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00" + bytes(64)
WINDOWS_PROGRAM = (
    b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff" + bytes(50) + b"This program cannot be run in DOS mode."
)
OLD_WORD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)

HANDBOOK: tuple[str, ...] = (
    "Harbour Bikes handbook\n"
    "We rent bicycles and cargo bikes at the old harbour. The shop opens at nine in the morning\n"
    "and closes at six in the evening, from Monday to Saturday. On Sundays the shop is closed.",
    "Returns and refunds\n"
    "A rented bicycle can be returned up to thirty minutes late without a fee. After that, each started\n"
    "hour costs four euros. A booking that is cancelled one day ahead is refunded in full within five work-\ning days.",
    "Repairs\nA flat tyre is repaired for twelve euros while you wait. Larger repairs take two days. The work-\n"
    "shop gives a guarantee of six months on every repair, and old parts are handed back on request.",
)
"""Three pages about an invented shop; page 2 holds the refund rule, page 3 the price of a flat tyre (12 euros)."""


class PdfBuilder:
    """Writes small valid PDF files object by object, so that tests can also break them at a known place."""

    def __init__(self) -> None:
        self._objects: list[bytes] = []

    def add(self, body: bytes) -> int:
        """Number of the new object."""
        self._objects.append(body)
        return len(self._objects)

    def reserve(self) -> int:
        return self.add(b"null")

    def put(self, number: int, body: bytes) -> None:
        self._objects[number - 1] = body

    def stream(self, data: bytes, entries: bytes = b"") -> int:
        return self.add(b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(data), entries, data))

    def build(self, root: int, info: int = 0) -> bytes:
        out = io.BytesIO()
        out.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        offsets: list[int] = []
        for number, body in enumerate(self._objects, 1):
            offsets.append(out.tell())
            out.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
        xref = out.tell()
        out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1))
        out.writelines(b"%010d 00000 n \n" % offset for offset in offsets)
        extra = b" /Info %d 0 R" % info if info else b""
        out.write(
            b"trailer\n<< /Size %d /Root %d 0 R%b >>\nstartxref\n%d\n%%%%EOF\n" % (len(offsets) + 1, root, extra, xref)
        )
        return out.getvalue()


def _literal(text: str) -> bytes:
    escaped = text.encode("cp1252", "replace")
    for mark in (b"\\", b"(", b")"):
        escaped = escaped.replace(mark, b"\\" + mark)
    return b"(" + escaped + b")"


def _content(page: str) -> bytes:
    lines = b"".join(_literal(line) + b" Tj T*\n" for line in page.split("\n"))
    return b"BT /F1 11 Tf 14 TL 50 780 Td\n" + lines + b"ET"


def pdf(
    pages: Sequence[str] = HANDBOOK, title: str = "", outline: Sequence[tuple[str, int]] = (), *, compress: bool = True
) -> bytes:
    """A PDF with one page per text, a line of the page per line. `outline` holds (heading, page counted from 1)."""
    builder = PdfBuilder()
    catalog, tree = builder.reserve(), builder.reserve()
    font = builder.add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    shared: dict[str, int] = {}
    numbers: list[int] = []
    for text in pages:
        if text not in shared:
            data = zlib.compress(_content(text)) if compress else _content(text)
            shared[text] = builder.stream(data, b"/Filter /FlateDecode" if compress else b"")
        numbers.append(builder.add(_page(tree, font, shared[text])))
    kids = b" ".join(b"%d 0 R" % number for number in numbers)
    builder.put(tree, b"<< /Type /Pages /Count %d /Kids [%b] >>" % (len(numbers), kids))
    entries = b""
    if outline:
        entries = b" /Outlines %d 0 R" % _add_outline(builder, [(text, numbers[page - 1]) for text, page in outline])
    builder.put(catalog, b"<< /Type /Catalog /Pages %d 0 R%b >>" % (tree, entries))
    info = builder.add(b"<< /Title %b >>" % _literal(title)) if title else 0
    return builder.build(catalog, info)


def _page(tree: int, font: int, content: int) -> bytes:
    return (
        b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
        b" /Resources << /Font << /F1 %d 0 R >> >> >>" % (tree, content, font)
    )


def _add_outline(builder: PdfBuilder, entries: Sequence[tuple[str, int]]) -> int:
    root = builder.reserve()
    numbers = [builder.reserve() for _ in entries]
    for index, (text, page) in enumerate(entries):
        links = b"/Prev %d 0 R " % numbers[index - 1] if index else b""
        links += b"/Next %d 0 R " % numbers[index + 1] if index + 1 < len(numbers) else b""
        builder.put(
            numbers[index],
            b"<< /Title %b /Parent %d 0 R %b/Dest [%d 0 R /Fit] >>" % (_literal(text), root, links, page),
        )
    builder.put(
        root, b"<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count %d >>" % (numbers[0], numbers[-1], len(numbers))
    )
    return root


def encrypted_pdf(password: str = "only the owner knows", *, opens_without: bool = False) -> bytes:
    """AES-256; with `opens_without`, only printing and the like are protected and anybody may read."""
    writer = PdfWriter(PdfReader(io.BytesIO(pdf())))
    writer.encrypt("" if opens_without else password, owner_password=password, algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def truncated_pdf(share: float = 0.6) -> bytes:
    data = pdf(compress=False)
    return data[: int(len(data) * share)]


def pdf_without_text(pages: int = 2) -> bytes:
    """What a scanner makes: pages that hold only a picture."""
    builder = PdfBuilder()
    catalog, tree = builder.reserve(), builder.reserve()
    picture = builder.stream(
        zlib.compress(bytes(64 * 64)),
        b"/Type /XObject /Subtype /Image /Width 64 /Height 64 /ColorSpace /DeviceGray /BitsPerComponent 8"
        b" /Filter /FlateDecode",
    )
    content = builder.stream(b"q 400 0 0 400 50 50 cm /I1 Do Q")
    page = (
        b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
        b" /Resources << /XObject << /I1 %d 0 R >> >> >>" % (tree, content, picture)
    )
    numbers = [builder.add(page) for _ in range(pages)]
    kids = b" ".join(b"%d 0 R" % number for number in numbers)
    builder.put(tree, b"<< /Type /Pages /Count %d /Kids [%b] >>" % (pages, kids))
    builder.put(catalog, b"<< /Type /Catalog /Pages %d 0 R >>" % tree)
    return builder.build(catalog)


def pdf_bomb(unpacked: int = 120_000_000) -> bytes:
    """A small file whose only page unpacks to `unpacked` bytes."""
    packer = zlib.compressobj(9)
    block = b" " * 1_000_000
    packed = b"".join(packer.compress(block) for _ in range(unpacked // len(block))) + packer.flush()
    builder = PdfBuilder()
    catalog, tree = builder.reserve(), builder.reserve()
    font = builder.add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    content = builder.stream(packed, b"/Filter /FlateDecode")
    page = builder.add(_page(tree, font, content))
    builder.put(tree, b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % page)
    builder.put(catalog, b"<< /Type /Catalog /Pages %d 0 R >>" % tree)
    return builder.build(catalog)


def long_pdf(pages: int = 5_001) -> bytes:
    return pdf(["The same words on every page of a very long book."] * pages)


def word(title: str = "") -> bytes:
    """A DOCX with headings, a list, a table with a merged cell, and paragraphs around them."""
    document = docx.Document()
    document.core_properties.title = title
    document.core_properties.author = ""
    document.add_heading("Delivery terms", 0)
    document.add_paragraph("We deliver to all countries of the European Union.")
    document.add_heading("Prices", 1)
    document.add_paragraph("Prices depend on weight:")
    table = document.add_table(rows=3, cols=3)
    for row, values in enumerate(
        [("Weight", "Inland", "Abroad"), ("up to 2 kg", "4.90 €", "9.90 €"), ("more", "on request", "")]
    ):
        for column, value in enumerate(values):
            table.cell(row, column).text = value
    table.cell(2, 1).merge(table.cell(2, 2))
    document.add_heading("Time", 2)
    document.add_paragraph("Two days inland.", style="List Bullet")
    document.add_paragraph("Five days abroad.", style="List Bullet")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def word_bomb(unpacked: int = 200_000_000) -> bytes:
    """A DOCX of less than a megabyte whose text unpacks to `unpacked` bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word())) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            if entry.filename != "word/document.xml":
                target.writestr(entry.filename, source.read(entry))
        paragraph = b"<w:p><w:r><w:t>%b</w:t></w:r></w:p>" % (b"A" * 100_000)
        with target.open("word/document.xml", "w") as document:
            document.write(
                b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
            )
            for _ in range(unpacked // len(paragraph)):
                document.write(paragraph)
            document.write(b"</w:body></w:document>")
    return out.getvalue()


def zip_archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("notes.txt", "An archive, not a Word document.")
    return out.getvalue()


def html(body: str | None = None, *, title: str = "Opening hours", head: str = "", encoding: str = "utf-8") -> bytes:
    """A page with navigation, a main part with headings and a table, a script, and a footer."""
    main = body or (
        "<h1>Opening hours</h1><p>The shop at the harbour is open from nine to six, from Monday to Saturday, except"
        " on public holidays of the state.</p><h2>Holidays</h2><p>Between Christmas and New Year the shop is closed;"
        " orders are sent again from the second of January. Messages are answered within one working day.</p>"
        "<table><tr><th>Day</th><th>Hours</th></tr><tr><td>Monday</td><td>9-18</td></tr></table>"
        "<ul><li>Parking is free.</li><li>Dogs are welcome.</li></ul>"
    )
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="{encoding}"><title>{title}</title>{head}'
        "<script>var hidden = 'never shown';</script><style>p { color: red }</style></head><body>"
        '<nav><a href="/">Home</a> <a href="/shop">Shop</a> <a href="/login">Sign in</a></nav>'
        f"<main><article>{main}</article></main><footer>Imprint and cookies</footer></body></html>"
    ).encode(encoding)


MARKDOWN = (
    "---\ntitle: Guide for guests\n---\n\n# Welcome\n\nBreakfast is served from seven to ten.\n\n## Rooms\n\n"
    "Rooms can be used from three in the afternoon.\n\n```\n# not a heading\n```\n\nPets\n----\n\n"
    "Dogs cost ten euros a night.\n"
)

GERMAN = (
    "Öffnungszeiten und Rückgabe\n\n"
    "Das Geschäft „Fahrräder am Hafen“ öffnet um neun Uhr und schließt um sechs – außer sonntags."
    " Größere Reparaturen dauern zwei Tage. Die Gebühr beträgt 12 €.\n"
)
JAPANESE = (
    "営業時間と返品について\n\n当店は月曜日から土曜日まで、午前九時に開店し、午後六時に閉店します。日曜日は休みです。"
    "返品は三十日以内にお願いします。送料はお客様のご負担となります。\n"
)
RUSSIAN = (
    "Часы работы\n\nМагазин открыт с понедельника по субботу с девяти до шести. В воскресенье магазин закрыт."
    " Возврат возможен в течение тридцати дней.\n"
)


def prose(size: int, seed: int = 1) -> str:
    """About `size` characters of English-looking paragraphs with headings, different for each seed."""
    chooser = random.Random(seed)
    words = """the customer returns goods within days when parcel delivery standard refund price order shop invoice
        warranty repair bicycle harbour morning evening payment address support answer question product weight country
        service contract""".split()  # noqa: SIM905
    parts: list[str] = []
    length = 0
    while length < size:
        sentences = [
            " ".join(chooser.choices(words, k=chooser.randint(7, 20))).capitalize() + "."
            for _ in range(chooser.randint(3, 8))
        ]
        part = " ".join(sentences)
        if len(parts) % 12 == 0:
            part = f"# {' '.join(chooser.choices(words, k=3)).capitalize()}\n\n{part}"
        parts.append(part)
        length += len(part) + 2
    return "\n\n".join(parts)


def _word_with(change: Callable[[str, bytes], bytes]) -> bytes:
    """A DOCX whose parts went through `change(name, content)`."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word())) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(entry.filename, change(entry.filename, source.read(entry)))
    return out.getvalue()


def damaged_word() -> bytes:
    return _word_with(lambda name, content: content[: len(content) // 2] if name == "word/document.xml" else content)


def word_with_controls() -> bytes:
    """Text inside a content control (a form field) and text that was inserted while changes were tracked."""
    extra = (
        b"<w:sdt><w:sdtContent><w:p><w:r><w:t>Inside a control.</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        b'<w:p><w:r><w:t xml:space="preserve">Kept </w:t></w:r><w:ins w:id="1" w:author="a"><w:r>'
        b"<w:t>and inserted.</w:t></w:r></w:ins></w:p>"
    )
    return _word_with(
        lambda name, content: (
            content.replace(b"<w:body>", b"<w:body>" + extra) if name == "word/document.xml" else content
        )
    )
