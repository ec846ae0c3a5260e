"""Reads files in worker processes, and says in a customer's words what went wrong there."""

import asyncio
from pathlib import Path

from chatbot_saas.adapters.extraction import Extracted, WebPage
from chatbot_saas.adapters.extraction.failures import (
    FileCrashesReaderError,
    FileDamagedError,
    FileTooMuchMemoryError,
    FileTooSlowError,
)
from chatbot_saas.adapters.extraction.kinds import Kind, kind_of
from chatbot_saas.adapters.processes import (
    MIB,
    JobCrashedError,
    JobFailedError,
    JobMemoryError,
    JobTimeoutError,
    WorkerPool,
)

PAGE_SECONDS = 30.0
"""A page that takes longer was made to: a person's takes one."""
_PACKAGE = "chatbot_saas.adapters.extraction"
# By name: only the worker process imports the libraries
_READERS = {
    Kind.PDF: f"{_PACKAGE}.pdf:extract_pdf",
    Kind.DOCX: f"{_PACKAGE}.word:extract_docx",
    Kind.XLSX: f"{_PACKAGE}.sheets:extract_xlsx",
    Kind.PPTX: f"{_PACKAGE}.slides:extract_pptx",
    Kind.ODT: f"{_PACKAGE}.opendocument:extract_odt",
    Kind.EPUB: f"{_PACKAGE}.book:extract_epub",
    Kind.RTF: f"{_PACKAGE}.rich_text:extract_rtf",
    Kind.CSV: f"{_PACKAGE}.delimited:extract_csv",
    Kind.JSON: f"{_PACKAGE}.structured:extract_json",
    Kind.TXT: f"{_PACKAGE}.plain:extract_txt",
    Kind.MD: f"{_PACKAGE}.plain:extract_markdown",
    Kind.HTML: f"{_PACKAGE}.web:extract_html",
}


class ProcessExtractor:
    """`timeout` in seconds and `memory` in bytes are for one file. The pool is its owner's to close."""

    def __init__(self, pool: WorkerPool, timeout: float = 120.0, memory: int = 768 * MIB) -> None:
        self._pool = pool
        self._timeout = timeout
        self._memory = memory

    async def extract(self, path: Path, filename: str) -> Extracted:
        kind = await asyncio.to_thread(kind_of, path, filename)
        extracted = await self._run(self._timeout, _READERS[kind], str(path), filename)
        if not isinstance(extracted, Extracted):
            raise FileDamagedError
        return extracted

    async def read_page(self, path: Path, url: str, charset: str = "") -> WebPage:
        page = await self._run(min(self._timeout, PAGE_SECONDS), f"{_PACKAGE}.page:read_page", str(path), url, charset)
        if not isinstance(page, WebPage):
            raise FileDamagedError
        return page

    async def _run(self, timeout: float, reader: str, *args: str) -> object:
        try:
            return await self._pool.run(reader, *args, timeout=timeout, memory=self._memory)
        except JobTimeoutError as error:
            raise FileTooSlowError from error
        except JobMemoryError as error:
            raise FileTooMuchMemoryError from error
        except JobCrashedError as error:
            raise FileCrashesReaderError from error
        except JobFailedError as error:
            raise FileDamagedError from error

    async def close(self) -> None:
        """Nothing of its own to close."""
