"""Awkward PDFs and what must become of them."""

from tests.factories import files, packages, pdfs
from tests.factories.awkward import bad, good

PDFS = [
    bad("empty pdf", "a.pdf", b"", "file_empty"),
    good("pdf 1.0", "a.pdf", lambda: pdfs.of_version(b"1.0"), "Harbour Bikes handbook"),
    good("pdf 2.0", "A.PDF", lambda: pdfs.of_version(b"2.0"), "Harbour Bikes handbook"),
    good("wrong offsets", "a.pdf", pdfs.with_wrong_offsets, "Harbour Bikes handbook", "A flat tyre"),
    good("no table of objects", "a.pdf", pdfs.without_table, "Harbour Bikes handbook", "A flat tyre"),
    good("rubbish before", "a.pdf", pdfs.after_rubbish, "Harbour Bikes handbook"),
    good("rubbish after", "a.pdf", pdfs.with_tail, "Harbour Bikes handbook"),
    good("two columns", "a.pdf", pdfs.two_columns, "Left line 0.", "Left line 4.", "Right line 0."),
    good("a turned page", "a.pdf", pdfs.rotated, "Turned by ninety degrees."),
    good("a filled form", "a.pdf", pdfs.form, "A flat tyre", "Delivery address: Quay 7, Hamburg"),
    good("an attachment", "a.pdf", pdfs.with_attachment, "Harbour Bikes handbook", without=("not part of",)),
    good("a script", "a.pdf", pdfs.with_script, "Words.", without=("alert",)),
    good("locked by its owner only", "a.pdf", lambda: files.encrypted_pdf(opens_without=True), "A flat tyre"),
    good("the same lines on each page", "a.pdf", pdfs.with_running_lines, "telephone 040 123", "It costs 80 euros."),
    bad("a password to open", "a.pdf", files.encrypted_pdf, "file_encrypted", "without the password"),
    bad("a scan", "a.pdf", files.pdf_without_text, "file_no_text", "OCR"),
    bad("pages without content", "a.pdf", lambda: files.pdf(["", ""]), "file_no_text", "OCR"),
    bad("a form of Adobe only", "a.pdf", pdfs.dynamic_form, "file_no_text", "print it"),
    bad("glyphs without letters", "a.pdf", pdfs.glyphs_without_letters, "file_no_text", "fonts"),
    bad("cut in the middle", "a.pdf", files.truncated_pdf, "file_truncated", "complete file"),
    bad("only the first line", "a.pdf", b"%PDF-1.4\n", "file_truncated", "complete file"),
    bad("garbage inside", "a.pdf", b"%PDF-1.7\n" + bytes(range(256)) * 40 + b"\n%%EOF", "file_damaged"),
    bad("pages that loop", "a.pdf", pdfs.page_tree_that_loops, "file_damaged"),
    bad("arrays in arrays", "a.pdf", pdfs.nested_arrays, "file_damaged"),
    bad("a flate bomb", "a.pdf", files.pdf_bomb, "file_bomb"),
    good("packed ten times", "a.pdf", pdfs.chained_filters, "deep"),
    bad("5,001 pages", "a.pdf", files.long_pdf, "file_too_many_pages", "Split"),
    bad("text called pdf", "a.pdf", b"just words", "file_mislabelled"),
    bad("html called pdf", "a.pdf", files.html, "file_mislabelled", ".html"),
    bad("a Word file called pdf", "a.pdf", lambda: packages.word("x"), "file_mislabelled", ".docx"),
    bad("zeros", "a.pdf", bytes(5000), "file_mislabelled"),
]
