"""Every kind of file, read for real; most of it in this process, the limits in a process of their own."""

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from chatbot_saas.adapters.extraction import Extracted, ExtractionError
from chatbot_saas.adapters.extraction.encodings import decode
from chatbot_saas.adapters.extraction.failures import FileTooMuchMemoryError, FileTooSlowError
from chatbot_saas.adapters.extraction.kinds import Kind, kind_of
from chatbot_saas.adapters.extraction.normal import clean, join_broken_words
from chatbot_saas.adapters.extraction.pdf import extract_pdf
from chatbot_saas.adapters.extraction.plain import extract_markdown, extract_txt
from chatbot_saas.adapters.extraction.process import ProcessExtractor
from chatbot_saas.adapters.extraction.running_lines import without_running_lines
from chatbot_saas.adapters.extraction.web import extract_html
from chatbot_saas.adapters.extraction.word import extract_docx
from chatbot_saas.adapters.processes import MIB, WorkerPool
from tests.factories import files

READERS: dict[Kind, Callable[[str, str], Extracted]] = {
    Kind.PDF: extract_pdf,
    Kind.DOCX: extract_docx,
    Kind.TXT: extract_txt,
    Kind.MD: extract_markdown,
    Kind.HTML: extract_html,
}


def extract(folder: Path, name: str, data: bytes) -> Extracted:
    path = folder / "upload"
    path.write_bytes(data)
    return READERS[kind_of(path, name)](str(path), name)


def test_pdf_text_pages_and_title(tmp_path: Path) -> None:
    found = extract(tmp_path, "handbook.pdf", files.pdf(title="Handbook 2026", outline=[("Repairs", 3)]))
    assert found.title == "Handbook 2026"
    assert [mark.number for mark in found.pages] == [1, 2, 3]
    assert found.text[found.pages[1].start :].startswith("Returns and refunds")
    assert found.text[found.pages[2].start :].startswith("Repairs")
    assert "within five working days" in found.text, "a word broken at a line end is whole again"
    assert [(mark.level, mark.text) for mark in found.headings] == [(1, "Repairs")]
    assert found.headings[0].start == found.pages[2].start
    assert found.media_type == "application/pdf"


def test_pdf_that_only_its_owner_may_change_is_read(tmp_path: Path) -> None:
    found = extract(tmp_path, "open.pdf", files.encrypted_pdf(opens_without=True))
    assert "flat tyre" in found.text
    assert found.title == "open"


def test_docx_headings_lists_and_table(tmp_path: Path) -> None:
    found = extract(tmp_path, "terms.docx", files.word())
    assert found.title == "Delivery terms"
    assert "Weight | Inland | Abroad\nup to 2 kg | 4.90 € | 9.90 €\nmore | on request\n" in found.text
    assert "Time\n\n- Two days inland.\n- Five days abroad." in found.text
    assert [(mark.level, mark.text) for mark in found.headings] == [(1, "Delivery terms"), (1, "Prices"), (2, "Time")]
    for mark in found.headings:
        assert found.text.startswith(mark.text, mark.start)
    assert extract(tmp_path, "terms.docx", files.word("Terms of 2026")).title == "Terms of 2026"


def test_docx_content_controls_and_tracked_insertions_are_read(tmp_path: Path) -> None:
    found = extract(tmp_path, "form.docx", files.word_with_controls())
    assert "Inside a control." in found.text
    assert "Kept and inserted." in found.text


def test_html_main_text_headings_and_table(tmp_path: Path) -> None:
    found = extract(tmp_path, "hours.html", files.html())
    assert found.title == "Opening hours"
    assert [(mark.level, mark.text) for mark in found.headings] == [(1, "Opening hours"), (2, "Holidays")]
    assert "Day | Hours\nMonday | 9-18" in found.text
    assert "- Parking is free.\n- Dogs are welcome." in found.text
    for hidden in ("never shown", "color: red", "Sign in"):
        assert hidden not in found.text


def test_html_of_little_text_is_taken_whole(tmp_path: Path) -> None:
    page = files.html(
        "<h1>Call us</h1><p>Phone 040 1234<br>Mon-Fri</p><div hidden>secret</div><p>Ask for <b>Ada</b>.</p>"
    )
    found = extract(tmp_path, "call.html", page)
    assert found.text.startswith("Call us\n\nPhone 040 1234\nMon-Fri\n\nAsk for Ada.")
    assert "secret" not in found.text


def test_html_declared_encoding(tmp_path: Path) -> None:
    page = files.html(f"<p>{files.RUSSIAN}</p>", title="Часы", encoding="windows-1251")
    found = extract(tmp_path, "a.html", page)
    assert "Магазин открыт с понедельника" in found.text
    assert found.title == "Часы"


def test_markdown_headings_and_front_matter(tmp_path: Path) -> None:
    found = extract(tmp_path, "guide.md", files.MARKDOWN.encode())
    assert found.title == "Guide for guests"
    assert [(mark.level, mark.text) for mark in found.headings] == [(1, "Welcome"), (2, "Rooms"), (2, "Pets")]
    assert found.text.startswith("# Welcome\n\nBreakfast")
    assert found.text.startswith("## Rooms", found.headings[1].start)
    assert found.text.startswith("Pets\n----", found.headings[2].start)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (files.GERMAN, "utf-8"),
        (files.GERMAN, "utf-8-sig"),
        (files.GERMAN, "utf-16"),
        (files.GERMAN, "utf-16-le"),
        (files.GERMAN, "utf-16-be"),
        (files.GERMAN, "utf-32"),
        (files.GERMAN, "cp1252"),
        (files.GERMAN.replace("„", '"').replace("“", '"').replace("–", "-").replace("€", "Euro"), "latin-1"),
        ("¿Cuándo abre? El señor López abrirá mañana.", "latin-1"),
        ("naïve café", "cp1252"),
        (files.JAPANESE, "shift_jis"),
        (files.JAPANESE, "euc_jp"),
        (files.JAPANESE, "iso2022_jp"),
        (files.JAPANESE * 2000, "shift_jis"),
        (files.RUSSIAN, "cp1251"),
        (files.RUSSIAN, "koi8_r"),
        ("營業時間：本店週一至週六上午九點開門，下午六點關門。三十天之內可以退貨。", "big5"),
        ("营业时间：本店周一至周六上午九点开门，下午六点关门。三十天之内可以退货。", "gb18030"),
        ("Sklep jest czynny od poniedziałku do soboty. Zwrot możliwy w ciągu trzydziestu dni, część opłaty.", "cp1250"),
    ],
)
def test_encodings(tmp_path: Path, text: str, encoding: str) -> None:
    found = extract(tmp_path, "text.txt", text.encode(encoding))
    assert found.text == clean(text)


def test_a_wrong_byte_does_not_spoil_utf8() -> None:
    assert decode("Größe überall schön. ".encode() * 5 + b"\xff").startswith("Größe überall")


@pytest.mark.parametrize(
    ("name", "make", "code"),
    [
        ("a.pdf", lambda: b"", "file_empty"),
        ("a.txt", lambda: b" \n\t\n", "file_no_text"),
        ("a.pdf", files.pdf_without_text, "file_no_text"),
        ("a.html", lambda: b"<html><body><script>x()</script></body></html>", "file_no_text"),
        ("a.pdf", files.encrypted_pdf, "file_encrypted"),
        ("a.docx", lambda: files.OLD_WORD + "EncryptedPackage".encode("utf-16-le"), "file_encrypted"),
        ("a.pdf", lambda: files.truncated_pdf(0.3), "file_truncated"),
        ("a.pdf", lambda: files.truncated_pdf(0.6), "file_truncated"),
        ("a.pdf", lambda: files.truncated_pdf(0.985), "file_truncated"),
        ("a.docx", lambda: files.word()[:9000], "file_truncated"),
        ("a.pdf", lambda: b"%PDF-1.7\n" + b"garbage " * 50 + b"\n%%EOF", "file_damaged"),
        ("a.docx", files.damaged_word, "file_damaged"),
        ("a.pdf", files.pdf_bomb, "file_bomb"),
        ("a.docx", files.word_bomb, "file_bomb"),
        ("a.html", lambda: b"<div>" * 5000 + b"deep" + b"</div>" * 5000, "file_bomb"),
        ("a.pdf", files.long_pdf, "file_too_many_pages"),
        ("a.txt", files.pdf, "file_mislabelled"),
        ("a.pdf", lambda: files.PNG, "file_mislabelled"),
        ("a.pdf", files.html, "file_mislabelled"),
        ("a.pdf", lambda: b"just words", "file_mislabelled"),
        ("a.txt", lambda: files.WINDOWS_PROGRAM, "file_mislabelled"),
        ("a.md", lambda: files.ELF, "file_mislabelled"),
        ("a.txt", lambda: bytes(range(256)) * 40, "file_mislabelled"),
        ("a.docx", files.zip_archive, "file_mislabelled"),
        ("a.docx", lambda: files.OLD_WORD, "file_mislabelled"),
        ("a.exe", lambda: files.WINDOWS_PROGRAM, "type_unsupported"),
        ("README", lambda: b"words", "type_unsupported"),
        ("a.doc", lambda: files.OLD_WORD, "type_unsupported"),
    ],
)
def test_refusals_say_why_and_what_to_do(tmp_path: Path, name: str, make: Callable[[], bytes], code: str) -> None:
    with pytest.raises(ExtractionError) as caught:
        extract(tmp_path, name, make())
    assert caught.value.code == code
    assert caught.value.status == 422
    assert caught.value.message.count(".") >= 1
    assert any(word in caught.value.message.lower() for word in ("upload", "save", "split", "check")), "what to do"


def test_too_many_pages_names_the_numbers(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match="5,001 pages; at most 2,000"):
        extract(tmp_path, "long.pdf", files.long_pdf())


def test_letters_that_look_like_a_signature_are_text(tmp_path: Path) -> None:
    assert extract(tmp_path, "a.txt", b"MZ is short for many things.").text.startswith("MZ is")
    assert extract(tmp_path, "a.md", b"<html> is the root element.").text.startswith("<html>")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\x00b\x07c\x1b[0m", "abc[0m"),
        ("a \t  b\u00a0c", "a b c"),
        ("a  \n\n\n\n  b ", "a\n\n b"),
        ("e\u0301", "é"),
        ("Wort\u00adtrennung\ufeff", "Worttrennung"),
        ("a\ud800b", "ab"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("one\x0ctwo\u2028three", "one\ntwo\nthree"),
    ],
)
def test_clean(raw: str, expected: str) -> None:
    assert clean(raw) == expected
    assert clean(expected) == expected


def test_broken_words() -> None:
    page = "the work-\nshop, a well-\nknown one, of E-\nMail, 2020-\n2021, Ein-\nund Ausgang"
    assert join_broken_words([page, "a well-known shop"])[0] == (
        "the workshop, a well-known one, of E-Mail, 2020-2021, Ein- und Ausgang"
    )


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    pool = WorkerPool(size=1)
    yield pool
    await pool.close()


async def test_in_a_process(pool: WorkerPool, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(files.pdf())
    extractor = ProcessExtractor(pool)
    found = await extractor.extract(path, "Price list.pdf")
    assert found == extract_pdf(str(path), "Price list.pdf")
    assert found.title == "Price list"
    path.write_bytes(files.encrypted_pdf())
    with pytest.raises(ExtractionError, match="protected with a password") as caught:
        await extractor.extract(path, "a.pdf")
    assert caught.value.code == "file_encrypted"
    await extractor.close()


async def test_a_reader_is_loaded_by_the_first_file_of_its_kind_and_stays(pool: WorkerPool, tmp_path: Path) -> None:
    extractor, path, jobs = ProcessExtractor(pool), tmp_path / "upload", "tests.adapters.jobs_for_processes"
    libraries = {"lxml", "pypdf", "striprtf", "trafilatura", "docx", "openpyxl", "pptx", "reflex"}
    loaded: list[set[str]] = []
    process = await pool.run(f"{jobs}:pid")
    for name, data in {"a.csv": b"a,b\n1,2\n", "a.docx": files.word(), "a.pdf": files.pdf()}.items():
        path.write_bytes(data)
        await extractor.extract(path, name)
        loaded.append(libraries & set(await pool.run(f"{jobs}:modules")))
    assert loaded == [set(), {"lxml"}, {"lxml", "pypdf"}]
    assert await pool.run(f"{jobs}:pid") == process


async def test_limits_of_a_process_become_reasons(pool: WorkerPool, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(files.prose(3_000_000).encode() * 4)
    with pytest.raises(FileTooSlowError):
        await ProcessExtractor(pool, timeout=0.05).extract(path, "a.txt")
    with pytest.raises(FileTooMuchMemoryError):
        await ProcessExtractor(pool, memory=16 * MIB).extract(path, "a.txt")
    assert (await ProcessExtractor(pool).extract(path, "a.txt")).text.startswith("# ")


def test_three_megabytes_of_text_take_well_under_a_second(tmp_path: Path) -> None:
    text = files.prose(3_000_000).encode()
    begin = time.process_time()
    extract(tmp_path, "a.txt", text)
    assert time.process_time() - begin < 1, "0.1 s of a free core"


def test_running_lines_stay_once() -> None:
    pages = [f"Acme manual\nOn {name} it rains.\nItem {len(name)}: {index * 7} euros\n- {index + 3} -"
             for index, name in enumerate(("Monday", "Tuesday", "Friday", "Sunday", "Easter", "holidays"))]  # fmt: skip
    left = without_running_lines(pages)
    assert left[0] == pages[0]
    assert left[1:] == ["\n".join(page.split("\n")[1:3]) for page in pages[1:]]
    same = ["Monday\nopen\nall day"] * 9
    assert without_running_lines(same) == same, "a page is never emptied"
    assert without_running_lines(pages[:3]) == pages[:3]
    prices = [
        f"Lamp {index * index} euros\nDesk {index * 31 % 17} euros\nabout lamps\nand desks {index}x"
        for index in range(9)
    ]
    assert [page.split("\n")[:2] for page in without_running_lines(prices)] == [page.split("\n")[:2] for page in prices]
