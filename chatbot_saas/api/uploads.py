"""Receives files and long texts: bounded while they stream in, and only after the caller is known."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import Request
from pydantic_core import from_json
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from chatbot_saas.core.errors import InvalidError, TooLargeError
from chatbot_saas.services import pair_files
from chatbot_saas.services.intake import Upload

FILE_SCHEMA = {"type": "string", "format": "binary"}
"""A file in the API's document."""
MAX_FILES = 20
MAX_REQUEST_BYTES = 128 * 1024 * 1024
MAX_TEXT_BYTES = pair_files.MAX_BYTES
"""Of a body that is read into memory as a whole."""


def media_type(headers: Headers) -> str:
    """Of the body, without its parameters; empty where none is named."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


async def received_text(request: Request) -> bytes:
    """The body. Raises TooLargeError as soon as it is too long."""
    received = bytearray()
    async for part in request.stream():
        received += part
        if len(received) > MAX_TEXT_BYTES:
            raise TooLargeError(f"This is larger than {MAX_TEXT_BYTES // 2**20} MB. Split it.")
    return bytes(received)


MOST_BRACKETS = 100_000


def require_sane(data: bytes) -> None:
    """Millions of empty lists in a long body keep Python's garbage collector, and with it everybody, busy for seconds.

    Raises InvalidError.
    """
    if data.count(b"[") + data.count(b"{") > MOST_BRACKETS:
        raise InvalidError("The body holds too many lists, objects or opening brackets.")


async def received_json(request: Request) -> Any:
    """The body, to be checked as a Python value: pydantic counts a list only there before it looks at its items."""
    data = await received_text(request)
    require_sane(data)
    try:
        return from_json(data)
    except ValueError as error:
        raise InvalidError("The body is not valid JSON.") from error


@asynccontextmanager
async def received_files(
    request: Request, *, most: int = MAX_FILES, max_bytes: int = MAX_REQUEST_BYTES
) -> AsyncGenerator[list[Upload]]:
    """The files of a multipart body, on disk until the block ends. Raises TooLargeError, InvalidError.

    `max_bytes`: of the whole body.
    """
    parser = MultiPartParser(request.headers, _bounded(request, max_bytes), max_files=most, max_fields=most)
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


async def _bounded(request: Request, max_bytes: int) -> AsyncGenerator[bytes]:
    received = 0
    async for part in request.stream():
        received += len(part)
        if received > max_bytes:
            raise TooLargeError(f"The upload is larger than {max_bytes // 2**20} MB. Send less at once.")
        yield part


async def _on_disk(file: UploadFile, path: Path) -> Upload:
    def copy() -> int:
        file.file.seek(0)
        with path.open("wb") as target:
            shutil.copyfileobj(file.file, target, 1024 * 1024)
        return path.stat().st_size

    return Upload(filename=file.filename or "", path=path, size=await asyncio.to_thread(copy))
