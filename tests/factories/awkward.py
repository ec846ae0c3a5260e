"""Awkward files and what must become of them: `texts` here, `awkward_office` and `awkward_pdfs` beside it."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.factories import books, files, packages


@dataclass(frozen=True, slots=True)
class Case:
    id: str
    name: str
    """What its owner calls the file."""
    make: Callable[[], bytes]
    holds: tuple[str, ...] = ()
    """Must be in the text, in this order; a file without them is refused."""
    without: tuple[str, ...] = ()
    code: str = ""
    says: str = ""
    """Part of the message: what is wrong or what to do."""


def good(id: str, name: str, make: Callable[[], bytes] | bytes, *holds: str, without: tuple[str, ...] = ()) -> Case:
    return Case(id, name, make if callable(make) else lambda: make, holds, without)


def bad(id: str, name: str, make: Callable[[], bytes] | bytes, code: str, says: str = "") -> Case:
    return Case(id, name, make if callable(make) else lambda: make, code=code, says=says)


FAQ = 'question,answer\nWhen do you open?,"At nine, every day.\nOn Sundays at ten."\nDo you repair?,Yes\n'
ARABIC = "ساعات العمل: من التاسعة صباحا حتى السادسة مساء."
HEBREW = "שעות הפתיחה: מתשע בבוקר עד שש בערב."
CHINESE = "营业时间：本店周一至周六上午九点开门，下午六点关门。三十天之内可以退货。"
THAI = "ร้านเปิดเวลาเก้าโมงเช้า"


TEXTS = [
    bad("empty txt", "a.txt", b"", "file_empty", "upload it again"),
    bad("blank lines", "a.txt", b"\r\n\t \n" * 1000, "file_no_text"),
    good("a million blank lines", "a.txt", b"top" + b"\n" * 1_000_000 + b"end", "top\n\nend"),
    good("one line of 3 MB", "a.txt", b"word " * 600_000 + b"last", "word word", "last"),
    good("three million letters without a space", "a.txt", b"a" * 3_000_000, "aaaa"),
    good("utf-16 with mark", "a.txt", files.GERMAN.encode("utf-16"), "Öffnungszeiten", "Gebühr"),
    good("utf-16 without mark", "a.txt", files.GERMAN.encode("utf-16-be"), "Öffnungszeiten"),
    good("cp1252", "a.txt", files.GERMAN.encode("cp1252"), "„Fahrräder am Hafen“"),
    good("koi8-r", "a.txt", files.RUSSIAN.encode("koi8_r"), "Магазин открыт"),
    good("shift-jis", "a.txt", files.JAPANESE.encode("shift_jis"), "営業時間"),
    good("gb18030", "a.txt", CHINESE.encode("gb18030"), "三十天之内可以退货"),
    good("utf-8 with broken bytes", "a.txt", (files.GERMAN * 9).encode() + b"\xff\xfe\xc3(", "Öffnungszeiten"),
    good("a NUL here and there", "a.txt", b"The shop" + b"\x00" + b" opens at nine. " * 300, "The shop opens"),
    good("control characters", "a.txt", b"\x1b[31mred\x1b[0m alert\x07 \x08now", "red", "alert now"),
    good("right to left", "a.txt", f"\u202b{ARABIC}\u202c\n{HEBREW}".encode(), ARABIC, HEBREW),
    good("combining characters", "a.txt", "Cafe\u0301 Mu\u0308ller".encode(), "Café Müller"),
    good("a thousand accents on a letter", "a.txt", ("z" + "\u0301" * 1000 + " end").encode(), "end"),
    good("thai without spaces", "a.txt", (THAI * 50).encode(), THAI),
    good("emoji", "a.txt", "Open 👩‍🚒 24/7 🇩🇪".encode(), "👩‍🚒", "🇩🇪"),
    good("a log", "server.log", b"2026-01-01 10:00:00 ERROR pump 7 stopped\n" * 500, "pump 7 stopped"),
    good("subtitles", "film.srt", b"1\n00:00:01,000 --> 00:00:02,000\nWelcome aboard.\n", "Welcome aboard."),
    good("source code", "main.txt", b"def open_shop():\n    return 'nine'\n", "def open_shop():", "'nine'"),
    good("a text that begins like a signature", "a.txt", b"BM, MZ and GIF8 are signatures.", "MZ and GIF8"),
    bad("a picture called txt", "a.txt", packages.PIXEL, "file_mislabelled", "PNG picture"),
    bad("a PDF called txt", "a.txt", files.pdf, "file_mislabelled", "Rename it to .pdf"),
    bad("a Word file called txt", "a.txt", lambda: packages.word("x"), "file_mislabelled", ".docx"),
    bad("noise", "a.txt", bytes(range(256)) * 99, "file_mislabelled", "binary"),
    good("markdown with front matter", "a.md", files.MARKDOWN.encode(), "# Welcome", "Dogs cost ten euros"),
    good("front matter without end", "a.md", b"---\ntitle: x\n\nThe text goes on.", "The text goes on."),
    good("markdown with a table", "a.md", b"| a | b |\n|---|---|\n| 1 | 2 |", "| 1 | 2 |"),
    bad("empty md", "a.md", b"---\ntitle: only this\n---\n", "file_no_text"),
    good("upper case ending", "README.TXT", b"Words here.", "Words here."),
    good("a path as name", "..\\..\\C:/docs/../a.MD ", b"Words here.", "Words here."),
    good("control characters in the name", "a\x00\n\x1b\u202e.txt", b"Words here.", "Words here."),
    good("two endings", "report.pdf.txt", b"Words here.", "Words here."),
    bad("no ending", "README", b"Words here.", "type_unsupported", "Add the right one"),
    bad("only an ending", ".txt", b"Words here.", "type_unsupported"),
    bad("a program", "setup.exe", files.WINDOWS_PROGRAM, "type_unsupported", "Upload a PDF"),
    bad("an archive", "docs.zip", files.zip_archive, "type_unsupported", "Unpack"),
    bad("a photo", "menu.JPG", b"\xff\xd8\xff", "type_unsupported", "OCR"),
    bad("old Word", "a.doc", files.OLD_WORD, "type_unsupported", ".docx"),
    bad("old Excel", "a.xls", files.OLD_WORD, "type_unsupported", ".xlsx"),
    bad("old PowerPoint", "a.ppt", files.OLD_WORD, "type_unsupported", ".pptx"),
    bad("a mail", "a.eml", b"From: a@b.example\n\nHello", "type_unsupported", "PDF"),
]

PAGES = [
    bad("empty html", "a.html", b"", "file_empty"),
    bad("html of a script", "a.html", b"<html><body><script>render()</script></body></html>", "file_no_text", "script"),
    bad("html of frames", "a.htm", b"<html><frameset><frame src=a></frameset></html>", "file_no_text"),
    good(
        "html with mark and wrong charset",
        "a.html",
        b"\xef\xbb\xbf"
        + files.html("<p>Größe L</p>", encoding="utf-8").replace(b'charset="utf-8"', b'charset="latin-1"'),
        "Größe L",
    ),
    good("utf-16 html", "a.html", files.html(encoding="utf-16"), "Opening hours", "Dogs are welcome."),
    good(
        "a picture inside of html",
        "a.html",
        lambda: files.html(
            f"<p>Before.</p><img src='data:image/png;base64,{'iVBOR' * 800_000}'><p>After the picture.</p>"
        ),
        "Before.",
        "After the picture.",
        without=("iVBOR",),
    ),
    good("html never closed", "a.html", b"<html><body><p>One<p>Two<table><tr><td>Three", "One", "Two", "Three"),
    good("html cut off", "a.html", files.html()[:-400], "Opening hours"),
    bad("html too deep", "a.html", b"<div>" * 9000 + b"x" + b"</div>" * 9000, "file_bomb", "Save the shown page"),
    good(
        "entities in html",
        "a.html",
        b"<!DOCTYPE html [<!ENTITY a 'bomb'>]><p>&lt;b&gt; &amp; &euro;5 &a;</p>",
        "<b> & €5",
    ),
    good(
        "nested tables",
        "a.html",
        files.html("<table><tr><td>Outer<table><tr><td>Inner</td></tr></table></td></tr></table>"),
        "Outer",
        "Inner",
    ),
    good("right to left html", "a.html", files.html(f"<p dir=rtl>{HEBREW}</p>", title="שלום"), HEBREW),
    good("a text called html", "a.html", b"Just words, no element.", "Just words"),
]

ROWS = [
    bad("empty csv", "a.csv", b"", "file_empty"),
    bad("csv of commas", "a.csv", b",,,\n,,,\n", "file_no_text", "table is empty"),
    good("commas", "a.csv", FAQ.encode(), "question: When do you open? | answer: At nine, every day. On Sundays"),
    good(
        "semicolons",
        "a.csv",
        "Produkt;Preis\nLampe;4,90 €\nStuhl;79,50 €\n".encode("cp1252"),
        "Produkt: Lampe | Preis: 4,90 €",
    ),
    good(
        "tabs in utf-16",
        "a.csv",
        "Name\tCity\tPhone\nÅsa\tMalmö\t040 1\n".encode("utf-16"),
        "Name: Åsa | City: Malmö | Phone: 040 1",
    ),
    good("bars", "a.csv", b"sku|size|price\nA1|L|5\n", "sku: A1 | size: L | price: 5"),
    good("tsv", "a.tsv", b"name\tprice\nDesk, oak\t129\n", "name: Desk, oak | price: 129"),
    good("stated separator", "a.csv", b"sep=;\r\nname;price\r\nDesk, oak;129\r\n", "name: Desk, oak | price: 129"),
    good(
        "uneven rows", "a.csv", b"name,price\nDesk\nChair,79,oak,new\n", "Desk\n", "name: Chair | price: 79 | oak | new"
    ),
    good("one column", "a.csv", b"Breakfast\nLunch\nDinner\n", "Breakfast\nLunch\nDinner"),
    good("no header", "a.csv", b"Anna,31,Kiel\nBen,44,Bonn\n", "Anna | 31 | Kiel", "Ben | 44 | Bonn"),
    good("pairs without header", "a.csv", b"Street,Quay 7\nTown,Hamburg\n", "Street | Quay 7"),
    good(
        "years as header",
        "a.csv",
        b"Country,2023,2024\nNorway,17,18\nChile,5,6\n",
        "Country: Norway | 2023: 17 | 2024: 18",
    ),
    good("header only", "a.csv", b"name,price\n", "name | price"),
    good(
        "a quote that is never closed",
        "a.csv",
        b'name,note\nDesk,"oak\n' + b"Chair,beech\n" * 5000,
        "name: Chair | note: beech",
    ),
    good("quotes within", "a.csv", b'name,note\n"Desk ""L""",big\n', 'name: Desk "L" | note: big'),
    good("a cell of 500 kB", "a.csv", b'id,text\n1,"' + b"long words " * 45_000 + b'"\n', "id: 1", "long words"),
    good(
        "a title above",
        "a.csv",
        b"Price list 2026,,\n,,\nItem,Size,Price\nMug,S,5\n",
        "Price list 2026",
        "Item: Mug | Size: S | Price: 5",
    ),
    good("two tables", "a.csv", b"a,b\nname,price\nMug,5\n\nday,hours\nMonday,9-18\n", "day: Monday | hours: 9-18"),
    bad("100,001 rows", "a.csv", b"a,1\n" * 100_001, "file_too_many_rows", "100,000"),
    bad("a workbook called csv", "a.csv", packages.workbook, "file_mislabelled", "Rename it to .xlsx"),
    good("html called csv", "a.csv", b"<p>not a table</p>", "not a table"),
    good(
        "json records",
        "a.json",
        json.dumps([{"q": "Open?", "a": {"de": "Neun", "tags": ["x", "y"]}}]).encode(),
        "q: Open? | a.de: Neun | a.tags: x, y",
    ),
    good("json lines", "a.jsonl", b'{"q": "Open?"}\n{"q": "Closed?"}\n', "q: Open?\nq: Closed?"),
    bad("json cut off", "a.json", b'[{"q": "Open', "file_damaged", "not valid JSON"),
    bad("json too deep", "a.json", b"[" * 200_000 + b"]" * 200_000, "file_bomb"),
    bad("json of nothing", "a.json", b"{}", "file_no_text"),
]

BOOKS = [
    good("epub", "a.epub", books.epub, "Chapter 2", "lighthouse keeper", "The harbour", "Ships & boats"),
    good("epub without spine", "a.epub", lambda: books.epub(spine=False), "Ships & boats", "lighthouse"),
    good(
        "epub with broken pages",
        "a.epub",
        lambda: books.epub({"a.xhtml": "<p>One &nbsp; <b>two<p>three</i>"}),
        "One",
        "two",
        "three",
    ),
    good(
        "epub with scrambled fonts",
        "a.epub",
        lambda: books.epub(extra=books.encryption("http://www.idpf.org/2008/embedding")),
        "lighthouse",
    ),
    good("epub without contents", "a.epub", lambda: books.epub(extra={"META-INF/container.xml": "<x/>"}), "lighthouse"),
    bad(
        "epub with DRM",
        "a.epub",
        lambda: books.epub(extra=books.encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc")),
        "file_encrypted",
        "DRM",
    ),
    bad(
        "epub of pictures",
        "a.epub",
        lambda: books.epub({"a.xhtml": "<img src='a.png'/>"}, title=""),
        "file_no_text",
        "OCR",
    ),
    bad(
        "epub with entities",
        "a.epub",
        lambda: packages.changed(
            books.epub(), lambda name, content: packages.ENTITIES + b"<package/>" if name.endswith(".opf") else content
        ),
        "file_bomb",
    ),
    bad("epub with a bomb", "a.epub", lambda: packages.bomb(books.epub(), "OEBPS/one.xhtml", 60_000_000), "file_bomb"),
    bad("epub cut off", "a.epub", lambda: books.epub()[:-300], "file_truncated"),
    bad("a Word file called epub", "a.epub", lambda: packages.word("x"), "file_mislabelled", ".docx"),
    bad("an archive called epub", "a.epub", files.zip_archive, "file_mislabelled", "Unpack"),
    good(
        "odt",
        "a.odt",
        books.odt,
        "Opening hours",
        "Nine to six.",
        "Not on Sundays.",
        "- Dogs welcome",
        "Day | Hours\nMonday | 9-18",
        without=("Deleted", "remark"),
    ),
    bad("odt with a password", "a.odt", lambda: books.odt(encrypted=True), "file_encrypted", "password"),
    bad(
        "ods called odt",
        "a.odt",
        lambda: books.odt(mimetype="application/vnd.oasis.opendocument.spreadsheet"),
        "file_mislabelled",
        ".xlsx",
    ),
    bad("odt without text", "a.odt", lambda: books.odt("<text:p/>"), "file_no_text"),
    good("rtf", "a.rtf", books.rtf, "The shop opens at nine.", "Größe und 日本"),
    bad("rtf cut off", "a.rtf", lambda: books.rtf()[:-1], "file_truncated"),
    bad("rtf without text", "a.rtf", lambda: books.rtf(""), "file_no_text"),
    bad("rtf called docx", "a.docx", books.rtf, "file_mislabelled", ".rtf"),
]
