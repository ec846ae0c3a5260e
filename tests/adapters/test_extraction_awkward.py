"""Every awkward file that we could think of, through the worker processes: its words, or a reason with advice."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatbot_saas.adapters.extraction import Extracted, ExtractionError
from chatbot_saas.adapters.extraction.kinds import Kind
from chatbot_saas.adapters.extraction.normal import clean
from chatbot_saas.adapters.extraction.process import ProcessExtractor
from chatbot_saas.adapters.processes import WorkerPool
from tests.factories.awkward import BOOKS, PAGES, ROWS, TEXTS, Case
from tests.factories.awkward_office import EXCEL, SLIDES, WORD
from tests.factories.awkward_pdfs import PDFS

CASES = [*TEXTS, *PAGES, *ROWS, *BOOKS, *PDFS, *WORD, *EXCEL, *SLIDES]
ADVICE = ("upload", "save", "split", "check", "rename", "unpack", "print", "open")


@pytest.fixture(scope="module")
async def extractor() -> AsyncIterator[ProcessExtractor]:
    pool = WorkerPool(size=2)
    yield ProcessExtractor(pool, timeout=30)
    await pool.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id.replace(" ", "-"))
async def test_awkward(extractor: ProcessExtractor, tmp_path: Path, case: Case) -> None:
    path = tmp_path / "upload"
    path.write_bytes(case.make())
    if case.code:
        with pytest.raises(ExtractionError) as caught:
            await extractor.extract(path, case.name)
        error = caught.value
        assert (error.code, error.status) == (case.code, 422), error.message
        assert case.says.lower() in error.message.lower()
        assert any(word in error.message.lower() for word in ADVICE), error.message
        assert error.message.endswith(".")
        assert ("Error" in error.message or "\n" in error.message) is False
    else:
        check(await extractor.extract(path, case.name), case)


def check(found: Extracted, case: Case) -> None:
    at = 0
    for words in case.holds:
        at = found.text.find(words, at)
        assert at >= 0, f"{words!r} is not in {found.text[:1500]!r}"
    for words in case.without:
        assert words not in found.text
    assert found.text == clean(found.text), "one normal form"
    assert found.title
    assert Kind(found.media_type)
    for marks in (found.pages, found.headings):
        assert [mark.start for mark in marks] == sorted(mark.start for mark in marks)
        assert all(0 <= mark.start < len(found.text) for mark in marks)


def test_each_kind_has_awkward_files_of_both_outcomes() -> None:
    assert len({case.id for case in CASES}) == len(CASES) >= 60
    endings = {(Path(case.name).suffix.lower().strip(), bool(case.code)) for case in CASES}
    for ending in (".pdf", ".docx", ".xlsx", ".pptx", ".epub", ".odt", ".rtf", ".csv", ".json", ".txt", ".md", ".html"):
        assert (ending, True) in endings
        assert (ending, False) in endings
