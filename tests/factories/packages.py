"""Office files, OpenDocument and e-books, good and bad, as bytes. Word, Excel and PowerPoint by the usual libraries."""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import docx
import openpyxl
import pptx
from openpyxl.workbook.workbook import Workbook
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0f01f0005000"
    "1ff9a9c5e2f0000000049454e44ae426082"
)
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
ENTITIES = (
    b'<!DOCTYPE x [<!ENTITY a "ha ha ha ">'
    + b"".join(b'<!ENTITY %c "%b">' % (98 + level, b"&%c;" % (97 + level) * 10) for level in range(9))
    + b"]>"
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY j SYSTEM "file:///etc/passwd">]>'


def saved(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def zipped(parts: Mapping[str, bytes | str], first: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name == first else zipfile.ZIP_DEFLATED)
    return out.getvalue()


def changed(data: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """The archive with its parts put through `change(name, content)`; a part of which nothing is left is left out."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        parts = {entry.filename: change(entry.filename, source.read(entry)) for entry in source.infolist()}
    return zipped({name: content for name, content in parts.items() if content})


def replaced(data: bytes, part: str, old: str | bytes, new: str | bytes) -> bytes:
    """The archive with `old` replaced by `new` in one part, which must hold it."""
    old, new = (text.encode() if isinstance(text, str) else text for text in (old, new))

    def change(name: str, content: bytes) -> bytes:
        assert name != part or old in content, f"{old!r} is not in {part}"
        return content.replace(old, new) if name == part else content

    return changed(data, change)


def flagged_encrypted(data: bytes) -> bytes:
    """The archive with the mark of encryption on every part, as a ZIP program with a password writes it."""
    out = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = out.find(signature)
        while at >= 0:
            out[at + offset] |= 1
            at = out.find(signature, at + 4)
    return bytes(out)


def scribbled(data: bytes, part: str) -> bytes:
    """The archive with wrong bytes in the packed content of one part."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entry = archive.getinfo(part)
    at = entry.header_offset + 30 + len(part) + entry.compress_size // 2
    return data[:at] + bytes(byte ^ 255 for byte in data[at : at + 40]) + data[at + 40 :]


def claiming(data: bytes, part: str, size: int) -> bytes:
    """The archive whose list of parts says that this part unpacks to `size` bytes."""
    at = data.rfind(part.encode()) - 46  # in the list at the end each entry has 46 bytes before its name
    assert data[at : at + 4] == b"PK\x01\x02"
    return data[: at + 24] + size.to_bytes(4, "little") + data[at + 28 :]


def bomb(data: bytes, part: str, unpacked: int, fill: bytes = b" ") -> bytes:
    """The archive with a part that unpacks to `unpacked` bytes of `fill`."""
    return changed(data, lambda name, content: fill * (unpacked // len(fill)) if name == part else content)


# --- Word


def word(*paragraphs: str, body: str = "") -> bytes:
    """A document with these paragraphs and then `body`, WordprocessingML."""
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    data = saved(document)
    return replaced(data, "word/document.xml", "<w:sectPr", f"{body}<w:sectPr") if body else data


def paragraph(text: str, properties: str = "") -> str:
    return f'<w:p><w:r>{properties}<w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def text_box(text: str) -> str:
    """As Word writes it: twice, for new and for old readers."""
    content = f"<w:txbxContent>{paragraph(text)}</w:txbxContent>"
    return (
        '<w:p><w:r><w:t>Beside the box.</w:t></w:r><w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/'
        'markup-compatibility/2006"><mc:Choice Requires="wps"><w:drawing><wps:wsp xmlns:wps="http://schemas.microsoft.com/'
        f'office/word/2010/wordprocessingShape"><wps:txbx>{content}</wps:txbx></wps:wsp></w:drawing></mc:Choice>'
        '<mc:Fallback><w:pict><v:textbox xmlns:v="urn:schemas-microsoft-com:vml">'
        f"{content}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )


def word_with_notes() -> bytes:
    data = word(
        "Before.",
        body='<w:p><w:r><w:t>The deposit is 50 euros.</w:t></w:r><w:r><w:footnoteReference w:id="2"/>'
        "</w:r></w:p>" + paragraph("After."),
    )
    notes = (
        f'<w:footnotes xmlns:w="{W}"><w:footnote w:type="separator" w:id="0"><w:p/></w:footnote>'
        f'<w:footnote w:id="2">{paragraph("Cash only.")}</w:footnote></w:footnotes>'
    )
    relation = f'<Relationship Id="rId99" Type="{R}/footnotes" Target="footnotes.xml"/></Relationships>'
    data = replaced(data, "word/_rels/document.xml.rels", "</Relationships>", relation)
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        parts = {entry.filename: source.read(entry) for entry in source.infolist()}
    return zipped({**parts, "word/footnotes.xml": notes})


def word_with_nested_tables() -> bytes:
    document = docx.Document()
    table = document.add_table(rows=2, cols=2)
    for column, text in enumerate(("Room", "Extras")):
        table.cell(0, column).text = text
    table.cell(1, 0).text = "Sea view"
    inner = table.cell(1, 1).add_table(rows=1, cols=2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "Breakfast", "9 euros"
    return saved(document)


def word_with_a_long_table(rows: int = 120) -> bytes:
    document = docx.Document()
    table = document.add_table(rows=rows, cols=3)
    for number, row in enumerate(table._tbl.tr_lst):
        texts = (f"Article {number}", f"{number}.50", "in stock") if number else ("Name", "Price", "Availability")
        for cell, text in zip(row.tc_lst, texts, strict=True):
            cell.p_lst[0].add_r().text = text
    return saved(document)


def word_with_merged_rows() -> bytes:
    document = docx.Document()
    table = document.add_table(rows=3, cols=2)
    for row, texts in enumerate((("Area", "Branch"), ("North", "Kiel"), ("", "Lübeck"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    return saved(document)


def word_with_letterhead() -> bytes:
    document = docx.Document()
    document.add_paragraph("Dear guests.")
    document.sections[0].header.paragraphs[0].text = "Hotel Seeblick, telephone 040 998877"
    document.sections[0].footer.paragraphs[0].text = "Page 1 of 9"
    return saved(document)


def word_of_pictures() -> bytes:
    document = docx.Document()
    document.add_picture(io.BytesIO(PIXEL))
    return saved(document)


def word_with_comment() -> bytes:
    document = docx.Document()
    run = document.add_paragraph("The price is fair.").runs[0]
    document.add_comment(run, text="Boss must never see this", author="A")
    return saved(document)


def strict(data: bytes) -> bytes:
    """The same document in the "strict" form of the standard."""
    return changed(
        data,
        lambda name, content: (
            content.replace(f"{R}/".encode(), b"http://purl.oclc.org/ooxml/officeDocument/relationships/")
            .replace(R.encode(), b"http://purl.oclc.org/ooxml/officeDocument/relationships")
            .replace(W.encode(), b"http://purl.oclc.org/ooxml/wordprocessingml/main")
            .replace(S.encode(), b"http://purl.oclc.org/ooxml/spreadsheetml/main")
        ),
    )


# --- Excel

PRICES: Sequence[Sequence[Any]] = (
    ("Product", "Price", "In stock"),
    ("Lamp", 4.9, True),
    ("Desk", 129, False),
    ("Chair, oak", 79.5, True),
)


def workbook(
    sheets: Mapping[str, Sequence[Sequence[Any]]] | None = None, edit: Callable[[Workbook], None] | None = None
) -> bytes:
    """A workbook of these sheets, changed by `edit` before it is saved."""
    book = openpyxl.Workbook()
    assert book.active is not None
    book.remove(book.active)
    for name, rows in (sheets or {"Prices": PRICES}).items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    if edit:
        edit(book)
    return saved(book)


def sheet_xml(rows: str) -> bytes:
    """A workbook whose only sheet holds these row elements, as quick to make as to write."""
    data = workbook({"Data": [("x",)]})
    sheet = f'<worksheet xmlns="{S}"><sheetData>{rows}</sheetData></worksheet>'
    return changed(data, lambda name, content: sheet.encode() if name == "xl/worksheets/sheet1.xml" else content)


def long_sheet(rows: int) -> bytes:
    return sheet_xml("".join(f'<row r="{row}"><c r="A{row}"><v>{row}</v></c></row>' for row in range(1, rows + 1)))


# --- PowerPoint


def slides(*texts: tuple[str, str], edit: Callable[[Any], None] | None = None) -> bytes:
    """A presentation with a slide for each title and text, changed by `edit` before it is saved."""
    show = pptx.Presentation()
    for title, text in texts:
        slide = show.slides.add_slide(show.slide_layouts[1 if title else 6])
        if title:
            slide.shapes.title.text = title
            slide.placeholders[1].text = text
        elif text:
            slide.shapes.add_textbox(0, 0, Inches(5), Inches(1)).text_frame.text = text
    if edit:
        edit(show)
    return saved(show)


def add_slide_table(show: Any) -> None:
    table = show.slides[0].shapes.add_table(3, 2, 0, 0, Inches(5), Inches(2)).table
    for row, texts in enumerate((("Tariff", "Fee"), ("Basic", "9 €"), ("Plus", "19 €"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text


def add_chart(show: Any) -> None:
    data = CategoryChartData()
    data.categories = ["Spring", "Autumn"]
    data.add_series("Visitors", (1200, 3400))
    slide = show.slides.add_slide(show.slide_layouts[6])
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(5), Inches(3), data)


def add_notes(show: Any) -> None:
    for slide in show.slides:
        slide.notes_slide.notes_text_frame.text = "Mention the guarantee of six months."


def add_group(show: Any) -> None:
    group = show.slides[0].shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(2), Inches(1)).text_frame.text = "Inside a group."


def add_picture(show: Any) -> None:
    slide = show.slides.add_slide(show.slide_layouts[6])
    slide.shapes.add_picture(io.BytesIO(PIXEL), 0, 0)


def hide_second(show: Any) -> None:
    show.slides[1]._element.set("show", "0")
