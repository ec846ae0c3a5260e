"""Odd PDF files as bytes; the plain ones are in `files`."""

import io
import re
import zlib
from collections.abc import Callable

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

from tests.factories.files import HANDBOOK, PdfBuilder, pdf

_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def drawn(content: bytes, *, page: bytes = b"", catalog: bytes = b"", font: bytes = _FONT) -> bytes:
    """One page with this content stream; `page` and `catalog` are further entries of their dictionaries."""
    builder = PdfBuilder()
    root, tree = builder.reserve(), builder.reserve()
    letters = builder.add(font)
    stream = builder.stream(content)
    number = builder.add(
        b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font << "
        b"/F1 %d 0 R >> >>"
        b" %b >>" % (tree, stream, letters, page)
    )
    builder.put(tree, b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % number)
    builder.put(root, b"<< /Type /Catalog /Pages %d 0 R %b >>" % (tree, catalog))
    return builder.build(root)


def text_at(x: int, y: int, text: bytes) -> bytes:
    return b"BT /F1 11 Tf %d %d Td (%b) Tj ET\n" % (x, y, text)


def two_columns() -> bytes:
    left = b"".join(text_at(50, 780 - 14 * row, b"Left line %d." % row) for row in range(5))
    right = b"".join(text_at(320, 780 - 14 * row, b"Right line %d." % row) for row in range(5))
    return drawn(left + right)


def rotated() -> bytes:
    return drawn(b"BT /F1 11 Tf 0 1 -1 0 300 100 Tm (Turned by ninety degrees.) Tj ET", page=b"/Rotate 90")


def form() -> bytes:
    def fill(writer: PdfWriter) -> None:
        field = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Annot"),
                NameObject("/Subtype"): NameObject("/Widget"),
                NameObject("/FT"): NameObject("/Tx"),
                NameObject("/T"): TextStringObject("delivery"),
                NameObject("/TU"): TextStringObject("Delivery address"),
                NameObject("/V"): TextStringObject("Quay 7, Hamburg"),
            }
        )
        fields = ArrayObject([writer._add_object(field)])
        writer.root_object[NameObject("/AcroForm")] = DictionaryObject({NameObject("/Fields"): fields})

    return rewritten(fill)


def dynamic_form() -> bytes:
    note = b"To view this document, you need a later version of the PDF viewer. See www.adobe.com/go/reader"
    return drawn(text_at(50, 700, note), catalog=b"/AcroForm << /XFA (x) /Fields [] >>")


def glyphs_without_letters() -> bytes:
    """A font that does not say which letters its codes stand for: what comes out are its private codes."""
    differences = b" ".join(b"/g%d" % code for code in range(33, 127))
    font = (
        b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /CharProcs << >> /FirstChar 33"
        b" /LastChar 126 /Widths [] /Encoding << /Type /Encoding /Differences [33 %b] >> >>" % differences
    )
    return drawn(text_at(50, 700, b"Nobodycanreadthisatallsinceitspeaksinglyphs") * 3, font=font)


def rewritten(change: Callable[[PdfWriter], object]) -> bytes:
    writer = PdfWriter(PdfReader(io.BytesIO(pdf())))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def with_attachment() -> bytes:
    return rewritten(lambda writer: writer.add_attachment("secret.txt", b"not part of the text"))


def with_script() -> bytes:
    return drawn(text_at(50, 700, b"Words."), catalog=b"/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>")


def of_version(version: bytes) -> bytes:
    return pdf().replace(b"%PDF-1.7", b"%PDF-" + version, 1)


def with_wrong_offsets() -> bytes:
    return re.sub(rb"(\d{10}) 00000 n", b"0000000007 00000 n", pdf())


def without_table() -> bytes:
    """No cross-reference table at all, as after a careless repair."""
    data = pdf()
    return data[: data.rfind(b"xref\n0")] + b"trailer\n<< /Root 1 0 R >>\nstartxref\n0\n%%EOF\n"


def after_rubbish() -> bytes:
    return b"HTTP/1.1 200 OK\r\n\r\n" + pdf()


def with_tail() -> bytes:
    return pdf() + b"\r\n<!-- added by a proxy -->\r\n" + bytes(300)


def protected_by_a_stranger() -> bytes:
    return pdf().replace(b"trailer\n<<", b"trailer\n<< /Encrypt << /Filter /Shop.Rights /V 1 >> /ID [(a) (a)]")


def page_tree_that_loops() -> bytes:
    builder = PdfBuilder()
    root, tree = builder.reserve(), builder.reserve()
    builder.put(tree, b"<< /Type /Pages /Count 3 /Kids [%d 0 R %d 0 R] >>" % (tree, tree))
    builder.put(root, b"<< /Type /Catalog /Pages %d 0 R >>" % tree)
    return builder.build(root)


def nested_arrays(depth: int = 20_000) -> bytes:
    return drawn(b"[" * depth + b"]" * depth + b" TJ")


def chained_filters() -> bytes:
    """A stream packed ten times over: each layer is small, the text behind them is not."""
    data = text_at(50, 700, b"deep") + b" " * 3_000_000
    for _ in range(10):
        data = zlib.compress(data, 9)

    filters = b"/Filter [" + b"/FlateDecode " * 10 + b"]"
    builder = PdfBuilder()
    root, tree = builder.reserve(), builder.reserve()
    letters = builder.add(_FONT)
    content = builder.stream(data, filters)
    number = builder.add(
        b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font << "
        b"/F1 %d 0 R >> >> >>" % (tree, content, letters)
    )
    builder.put(tree, b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % number)
    builder.put(root, b"<< /Type /Catalog /Pages %d 0 R >>" % tree)
    return builder.build(root)


def with_running_lines(pages: int = 8) -> bytes:
    """A header and a page number on every page, around text that differs."""
    return pdf(
        [
            f"Harbour Bikes, telephone 040 123\nChapter {page}: {HANDBOOK[page % 3].split(chr(10), 1)[1]}\n"
            f"It costs {page * 10} euros.\nPage {page} of {pages}"
            for page in range(1, pages + 1)
        ]
    )
