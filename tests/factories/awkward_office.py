"""Awkward Word, Excel and PowerPoint files and what must become of them."""

from datetime import UTC, date, datetime, time
from typing import Any

from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment

from tests.factories import books, files, packages
from tests.factories.awkward import HEBREW, Case, bad, good
from tests.factories.packages import add_chart, bomb, paragraph, replaced, slides, word, workbook

_MAIN = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml", "pptx": "ppt/presentation.xml"}
_OPEN = "vnd.openxmlformats-officedocument."
_MAKE: dict[str, Any] = {
    "docx": lambda: word("Plain words."),
    "xlsx": workbook,
    "pptx": lambda: slides(("Plain", "words")),
}
_NAMED = {"docx": "Word document", "xlsx": "Excel workbook", "pptx": "PowerPoint presentation"}

_TRACKED = (
    '<w:p><w:r><w:t xml:space="preserve">Costs </w:t></w:r><w:del w:id="1" w:author="a"><w:r>'
    "<w:delText>nine</w:delText>"
    '</w:r></w:del><w:ins w:id="2" w:author="a"><w:r><w:t>ten</w:t></w:r></w:ins></w:p>'
    f'<w:moveFrom w:id="3" w:author="a">{paragraph("Moved away.")}</w:moveFrom>'
)
_FIELD = (
    '<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>HYPERLINK "x"</w:instrText></w:r>'
    "<w:r><w:t>our shop</w:t></w:r></w:p>"
)


def _of_each(ending: str) -> list[Case]:
    """What can be wrong with any Office file."""
    make, main, name = _MAKE[ending], _MAIN[ending], f"a.{ending}"
    other = "xlsx" if ending == "docx" else "docx"
    encrypted = files.OLD_WORD + "EncryptedPackage".encode("utf-16-le")
    old = files.OLD_WORD + "Workbook".encode("utf-16-le")
    return [
        bad(f"empty {ending}", name, b"", "file_empty"),
        bad(f"{ending} cut off", name, lambda: make()[:-2000], "file_truncated"),
        bad(f"{ending} with its first bytes only", name, lambda: make()[:200], "file_truncated"),
        bad(f"{ending} with a broken part", name, lambda: replaced(make(), main, b"</", b"<"), "file_damaged"),
        bad(
            f"{ending} without its main part",
            name,
            lambda: packages.changed(make(), lambda part, content: b"" if part == main else content),
            "file_damaged",
        ),
        bad(f"{ending} with wrong bytes", name, lambda: packages.scribbled(make(), main), "file_damaged"),
        bad(f"{ending} with a password", name, encrypted, "file_encrypted", "without the password"),
        bad(f"{ending} in a ZIP with a password", name, lambda: packages.flagged_encrypted(make()), "file_encrypted"),
        bad(f"old Excel called {ending}", name, old, "file_mislabelled", ".xlsx"),
        bad(
            f"another Office file called {ending}",
            name,
            _MAKE[other],
            "file_mislabelled",
            f"holds an {_NAMED[other]}" if other == "xlsx" else f"holds a {_NAMED[other]}",
        ),
        bad(f"an archive called {ending}", name, files.zip_archive, "file_mislabelled", "Unpack"),
        bad(f"a PDF called {ending}", name, files.pdf, "file_mislabelled", ".pdf"),
        bad(f"text called {ending}", name, b"words", "file_mislabelled"),
        bad(f"{ending} that unpacks to 60 MB", name, lambda: bomb(make(), main, 60_000_000), "file_bomb"),
        bad(
            f"{ending} of XML entities",
            name,
            lambda: packages.changed(
                make(), lambda part, content: packages.ENTITIES + b"<a>&i;</a>" if part == main else content
            ),
            "file_bomb",
        ),
        bad(
            f"{ending} that asks for a local file",
            name,
            lambda: packages.changed(
                make(), lambda part, content: packages.OUTSIDE + b"<a>&j;</a>" if part == main else content
            ),
            "file_bomb",
        ),
        bad(
            f"{ending} nested 100,000 deep",
            name,
            lambda: packages.changed(
                make(), lambda part, content: b"<a>" * 100_000 + b"</a>" * 100_000 if part == main else content
            ),
            "file_bomb",
        ),
    ]


WORD = [
    *_of_each("docx"),
    good(
        "macros in docm",
        "a.docm",
        lambda: replaced(
            word("Plain words."),
            "[Content_Types].xml",
            _OPEN + "wordprocessingml.document.main+xml",
            "vnd.ms-word.document.macroEnabled.main+xml",
        ),
        "Plain words.",
    ),
    good("strict docx", "a.docx", lambda: packages.strict(word("Strict words.")), "Strict words."),
    good(
        "nested tables in docx",
        "a.docx",
        packages.word_with_nested_tables,
        "Room | Extras\nSea view | Breakfast | 9 euros",
    ),
    good(
        "a long table in docx",
        "a.docx",
        packages.word_with_a_long_table,
        "Name: Article 119 | Price: 119.50 | Availability: in stock",
    ),
    good("merged rows in docx", "a.docx", packages.word_with_merged_rows, "North | Kiel\nNorth | Lübeck"),
    good("a text box", "a.docx", lambda: word(body=packages.text_box("In the box.")), "Beside the box.", "In the box."),
    good("footnotes", "a.docx", packages.word_with_notes, "50 euros. [1]", "[1] Cash only.", "After."),
    good("letterhead", "a.docx", packages.word_with_letterhead, "Dear guests.", "040 998877", without=("Page 1",)),
    good("a comment", "a.docx", packages.word_with_comment, "The price is fair.", without=("Boss",)),
    good("tracked changes", "a.docx", lambda: word(body=_TRACKED), "Costs ten", without=("nine", "Moved")),
    good(
        "hidden text",
        "a.docx",
        lambda: word("Shown.", body=paragraph("Hidden.", "<w:rPr><w:vanish/></w:rPr>")),
        "Shown.",
        without=("Hidden",),
    ),
    good("fields", "a.docx", lambda: word(body=_FIELD), "our shop", without=("HYPERLINK",)),
    good("right to left docx", "a.docx", lambda: word(HEBREW), HEBREW),
    good(
        "a relation to nowhere",
        "a.docx",
        lambda: replaced(
            word("Plain words."),
            "word/_rels/document.xml.rels",
            "</Relationships>",
            f'<Relationship Id="rId77" Type="{packages.R}/image" Target="NULL"/></Relationships>',
        ),
        "Plain words.",
    ),
    good("a paragraph of 2 MB", "a.docx", lambda: word("long words " * 200_000), "long words"),
    bad("docx of pictures", "a.docx", packages.word_of_pictures, "file_no_text", "OCR"),
    bad("blank docx", "a.docx", lambda: word("", " \t "), "file_no_text"),
]


def _edit(**changes: Any) -> Any:
    def edit(book: Any) -> None:
        for name, value in changes.items():
            setattr(book.worksheets[0], name, value)

    return edit


def _dress(book: Any) -> None:
    forms = ("00000", "0%", '#,##0.00 "€"', "dd.mm.yyyy", "hh:mm", "[h]:mm")
    for cell, form in zip(book.worksheets[0][2], forms, strict=False):
        cell.number_format = form


def _hide(book: Any) -> None:
    book.worksheets[1].sheet_state = "hidden"
    book.worksheets[2].sheet_state = "veryHidden"
    book.worksheets[0].column_dimensions["C"].hidden = True
    book.worksheets[0].row_dimensions[3].hidden = True


def _chart_only(book: Any) -> None:
    sheet = book.create_chartsheet("Chart")
    chart = BarChart()
    chart.add_data(Reference(book.worksheets[0], 1, 1, 1, 1))
    sheet.add_chart(chart)


def _merge(book: Any) -> None:
    book.worksheets[0].merge_cells("A1:C1")


def _comment(book: Any) -> None:
    book.worksheets[0]["A2"].comment = Comment("Boss must never see this", "A")


_EVENING = datetime(2026, 12, 24, 15, 0, tzinfo=UTC).replace(tzinfo=None)  # cells know no time zone
_SHOWN = (
    ("Postcode", "Discount", "Price", "From", "Opens", "Duration", "Note"),
    (1067, 0.19, 1234.5, date(2026, 3, 1), time(9, 30), 1.5, "x"),
)
_HIDING = {
    "Open": (("Name", "Price", "Margin"), ("Mug", 5, 4), ("Secret mug", 6, 5), ("Jug", 9, 2)),
    "Hidden": (("costs",),),
    "Very": (("salaries",),),
}
_CALCULATED = '<row r="1"><c r="A1" t="str"><f>A2&amp;"!"</f><v>Sum is 42</v></c></row>'
_RICH = '<row><c t="inlineStr"><is><r><t>Rich </t></r><r><t>words</t></r></is></c></row>'
_FAR = (
    '<row r="1"><c r="A1" t="str"><v>Here</v></c></row>'
    '<row r="1048576"><c r="XFD1048576" t="str"><v>There</v></c></row>'
)
_ERROR = '<row r="1"><c r="A1" t="e"><v>#N/A</v></c><c r="B1"><v>7</v></c></row>'
_ENTITY_SHEET = b"<worksheet><sheetData><row><c t='str'><v>&i;</v></c></row></sheetData></worksheet>"

EXCEL = [
    *_of_each("xlsx"),
    good("prices", "a.xlsx", workbook, "Prices", "Product: Lamp | Price: 4.9 | In stock: TRUE"),
    good("strict xlsx", "a.xlsx", lambda: packages.strict(workbook()), "Product: Lamp | Price: 4.9"),
    good(
        "macros in xlsm",
        "a.xlsm",
        lambda: replaced(
            workbook(),
            "[Content_Types].xml",
            _OPEN + "spreadsheetml.sheet.main+xml",
            "vnd.ms-excel.sheet.macroEnabled.main+xml",
        ),
        "Product: Lamp",
    ),
    good(
        "numbers as shown",
        "a.xlsx",
        lambda: workbook({"P": _SHOWN}, _dress),
        "Postcode: 01067 | Discount: 19% | Price: 1234.50 € | From: 2026-03-01 | Opens: 09:30 | Duration: 36:00",
    ),
    good(
        "dates",
        "a.xlsx",
        lambda: workbook({"D": (("Day", "Meeting"), (date(2026, 12, 24), _EVENING))}),
        "Day: 2026-12-24 | Meeting: 2026-12-24 15:00",
    ),
    good(
        "hidden things",
        "a.xlsx",
        lambda: workbook(_HIDING, _hide),
        "Name: Mug | Price: 5",
        "Name: Jug | Price: 9",
        without=("Secret", "Margin", "costs", "salaries"),
    ),
    good("a formula with its result", "a.xlsx", lambda: packages.sheet_xml(_CALCULATED), "Sum is 42", without=("A2",)),
    good(
        "merged title",
        "a.xlsx",
        lambda: workbook({"P": (("Price list",), *packages.PRICES)}, _merge),
        "Price list",
        "Product: Desk | Price: 129",
    ),
    good(
        "several sheets",
        "a.xlsx",
        lambda: workbook({"Mugs": (("Name", "Price"), ("Blue", 5)), "Plates": (("Name", "Price"), ("Red", 7))}),
        "Mugs",
        "Name: Blue | Price: 5",
        "Plates",
        "Name: Red | Price: 7",
    ),
    good("a cell comment", "a.xlsx", lambda: workbook(None, _comment), "Lamp", without=("Boss",)),
    good("text in the cells", "a.xlsx", lambda: packages.sheet_xml(_RICH), "Rich words"),
    good("a cell at the end of the world", "a.xlsx", lambda: packages.sheet_xml(_FAR), "Here", "There"),
    good(
        "long cells",
        "a.xlsx",
        lambda: workbook({"F": (("Question", "Answer"), ("Open?", "Yes. " * 200))}),
        "Question: Open?\nAnswer: Yes.",
    ),
    good("errors in cells", "a.xlsx", lambda: packages.sheet_xml(_ERROR), "7", without=("#N/A",)),
    bad(
        "formulas without results",
        "a.xlsx",
        lambda: workbook({"S": (("=1+1", "=SUM(A1:A1)"),)}),
        "file_no_text",
        "never calculated",
    ),
    bad("all sheets empty", "a.xlsx", lambda: workbook({"A": (), "B": ()}), "file_no_text"),
    bad(
        "only hidden sheets",
        "a.xlsx",
        lambda: workbook({"A": (), "B": (("x",),)}, lambda book: setattr(book.worksheets[1], "sheet_state", "hidden")),
        "file_no_text",
        "hidden",
    ),
    bad("only a chart", "a.xlsx", lambda: workbook({"A": ()}, _chart_only), "file_no_text", "charts"),
    bad("100,001 rows in xlsx", "a.xlsx", lambda: packages.long_sheet(100_001), "file_too_many_rows", "Split"),
    bad(
        "a sheet that unpacks to 400 MB",
        "a.xlsx",
        lambda: packages.claiming(workbook(), "xl/worksheets/sheet1.xml", 400_000_000),
        "file_bomb",
    ),
    bad(
        "entities in a sheet",
        "a.xlsx",
        lambda: packages.changed(
            workbook(), lambda part, content: packages.ENTITIES + _ENTITY_SHEET if "sheet1.xml" in part else content
        ),
        "file_bomb",
    ),
    bad(
        "binary workbook called xlsx",
        "a.xlsx",
        lambda: packages.zipped({"[Content_Types].xml": "x", "xl/workbook.bin": "x"}),
        "file_mislabelled",
        ".xlsb",
    ),
]

SLIDES = [
    *_of_each("pptx"),
    good(
        "titles and text",
        "a.pptx",
        lambda: slides(("Welcome", "Open daily"), ("Prices", "Mug 5 €")),
        "Welcome\n\nOpen daily",
        "Prices\n\nMug 5 €",
    ),
    good(
        "macros in pptm",
        "a.pptm",
        lambda: replaced(
            slides(("Plain", "words")),
            "[Content_Types].xml",
            _OPEN + "presentationml.presentation.main+xml",
            "vnd.ms-powerpoint.presentation.macroEnabled.main+xml",
        ),
        "Plain",
    ),
    good(
        "a table on a slide",
        "a.pptx",
        lambda: slides(("Fees", ""), edit=packages.add_slide_table),
        "Tariff | Fee\nBasic | 9 €",
    ),
    good(
        "a chart on a slide",
        "a.pptx",
        lambda: slides(("Year", ""), edit=add_chart),
        "Year",
        "Visitors\nSpring | 1200\nAutumn | 3400",
    ),
    good("only a chart on slides", "a.pptx", lambda: slides(edit=add_chart), "Spring | 1200"),
    good("only notes", "a.pptx", lambda: slides(("", ""), edit=packages.add_notes), "Notes: Mention the guarantee"),
    good("groups", "a.pptx", lambda: slides(("One", "x"), edit=packages.add_group), "Inside a group."),
    good(
        "a hidden slide",
        "a.pptx",
        lambda: slides(("Shown", "x"), ("Secret", "y"), ("Third", "z"), edit=packages.hide_second),
        "Shown",
        "Third",
        without=("Secret",),
    ),
    good("right to left slides", "a.pptx", lambda: slides((HEBREW, "x")), HEBREW),
    bad("slides of pictures", "a.pptx", lambda: slides(edit=packages.add_picture), "file_no_text", "OCR"),
    bad("no slides", "a.pptx", slides, "file_no_text"),
    bad("an e-book called pptx", "a.pptx", books.epub, "file_mislabelled", ".epub"),
]
