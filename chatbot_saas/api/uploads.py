"""Receives files: bounded while they stream in, and only after the caller is known."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from chatbot_saas.core.errors import InvalidError, TooLargeError
from chatbot_saas.services.intake import Upload

MAX_FILES = 20
MAX_REQUEST_BYTES = 128 * 1024 * 1024


@asynccontextmanager
async def received_files(request: Request) -> AsyncGenerator[list[Upload]]:
    """The files of a multipart body, on disk until the block ends. Raises TooLargeError, InvalidError."""
    parser = MultiPartParser(request.headers, _bounded(request), max_files=MAX_FILES, max_fields=MAX_FILES)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise InvalidError(f"The upload cannot be read: {error.message}") from error
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="upload-"))
    try:
        files = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
        if not files:
            raise InvalidError("Send at least one file, in a multipart field named file.", field="file")
        yield [await _on_disk(file, folder / str(number)) for number, file in enumerate(files)]
    finally:
        await form.close()
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _bounded(request: Request) -> AsyncGenerator[bytes]:
    received = 0
    async for part in request.stream():
        received += len(part)
        if received > MAX_REQUEST_BYTES:
            raise TooLargeError(f"The upload is larger than {MAX_REQUEST_BYTES // 2**20} MB. Send fewer files at once.")
        yield part


async def _on_disk(file: UploadFile, path: Path) -> Upload:
    def copy() -> int:
        file.file.seek(0)
        with path.open("wb") as target:
            shutil.copyfileobj(file.file, target, 1024 * 1024)
        return path.stat().st_size

    return Upload(filename=file.filename or "", path=path, size=await asyncio.to_thread(copy))
